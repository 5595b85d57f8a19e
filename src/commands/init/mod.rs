//! `loop init`: from nothing to a first session.
//!
//! It looks for what is there, asks only what it cannot find out, proves each credential with one
//! real call before it keeps it, and writes settings last. Where nobody can be asked, it takes what
//! it finds, keeps no secret, and says what to type for the rest.

mod key;
mod repository;
mod setup;
mod traces;

use super::app::{App, Done};
use super::session;
use crate::config::start::StartFlags;
use crate::domain::words::or;
use crate::error::{Failure, Kind, Result};
use crate::output::json::{self, v1};
use crate::output::view::{DoctorRow, DoctorState};
use crate::output::{ask, failure, human};
use crate::sandbox;

/// Set up what a first session needs, and start it
///
/// Finds the sandbox, the agent programs and the credentials of this machine, asks little, tries each
/// credential with one real call, and writes the settings. Nothing that is set already is changed.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop init
  loop init --harness codex
  loop init --harness triage --no-session        no account, no key
  loop init --json")]
pub struct Init {
    /// The agent program; else one whose key is found
    #[arg(long, value_name = "NAME")]
    harness: Option<String>,
    /// The project to look at first; else the usual one, or the demo
    #[arg(long, value_name = "NAME|PATH")]
    project: Option<String>,
    /// Set up, and start no session (implied by `--json`)
    #[arg(long)]
    no_session: bool,
}

impl Init {
    pub fn run(self, app: &App) -> Done {
        let mut told = Told { app, rows: Vec::new() };
        told.row(sandbox(app)?);
        let worker = key::choose(app, self.harness.as_deref(), &mut |row| told.row(row))?;
        told.row(repository::offer(app)?);
        let (project, row) = traces::choose(app, self.project)?;
        told.row(row);
        let (preset, row) = setup::write(app, &worker, &project)?;
        told.row(row);
        let next = format!("loop session start --preset {preset} --project {project}");
        if app.global.json {
            let document = v1::Init::of(&told.rows, &preset, &project, &next);
            return app.show(|out| json::write_document(out, &document), |_| Ok(()));
        }
        let starts = !self.no_session
            && (!app.asks() || ask::confirm("start a first session now?", &app.screens)?);
        if !starts {
            failure::note(&format!("your first session: {next}"), &app.screens);
            return Ok(0);
        }
        failure::note(&format!("starting: {next}"), &app.screens);
        let flags =
            StartFlags { preset: Some(preset), project: Some(project), ..StartFlags::default() };
        session::begin(app, &flags)
    }
}

/// What was found, told as it is found.
struct Told<'a> {
    app: &'a App,
    rows: Vec<DoctorRow>,
}

impl Told<'_> {
    fn row(&mut self, row: DoctorRow) {
        if !self.app.global.json && !self.app.global.quiet {
            failure::show(&self.app.screens, |err, screen| {
                human::doctor::write_next(err, screen, &row)
            });
        }
        self.rows.push(row);
    }
}

fn row(what: &str, state: DoctorState, detail: impl Into<String>) -> DoctorRow {
    DoctorRow { requirement: what.to_owned(), state, detail: detail.into(), mend: None }
}

/// The provider that is preferred of those that work.
fn sandbox(app: &App) -> Result<DoctorRow> {
    let said = app.layers()?.settings()?.sandboxes;
    let usual = app.providers()?.usual(&said);
    let options = said.get(usual).cloned().unwrap_or_default();
    let facts = app.providers()?.at(usual, &options)?.facts();
    let Some(lacking) = facts.iter().find(|fact| !fact.holds) else {
        let detail = facts.first().map(|fact| format!("{}: {}", fact.what, fact.detail));
        let detail = format!("{usual} ({})", detail.unwrap_or_default());
        return Ok(row("sandbox", DoctorState::Ready, detail));
    };
    let sentence = format!("no sandbox works here: `{usual}` lacks {}", lacking.what);
    let mut failed = Failure::new(Kind::Sandbox, sentence).because(lacking.detail.clone());
    if let Some(mend) = &lacking.mend {
        failed = failed.hint(format!("mend it: `{mend}`"));
    }
    let others: Vec<_> =
        sandbox::ABOUT.iter().map(|about| about.name).filter(|name| *name != usual).collect();
    Err(failed.hint(format!("`loop doctor` says what {} would need", or(&others))))
}
