//! `loop session send`

use super::drive::{self, busy};
use crate::commands::app::{App, Done};
use crate::domain::session::Phase;
use crate::error::{Failure, Kind, Result};
use crate::output::live::Asked;
use crate::output::{Silent, ask, failure};
use crate::runner;
use crate::store::TurnState;
use std::path::Path;

/// Send a follow-up
///
/// The harness resumes its own conversation. While a turn runs a follow-up is refused, or queued
/// with `--queue`: then it is handed over by whoever follows the session, or by the next command
/// that looks at it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session send last \"and which users were hit?\"
  loop session send 7f3a --wait --json \"write eval labels for them\"
  loop session send 7f3a --queue - < next.md")]
pub struct Send {
    /// Id, unique prefix of one, name, or `last`
    session: String,
    /// What to say; `-` reads standard input
    prompt: String,
    /// Follow the turn to its end
    #[arg(long, conflicts_with = "queue")]
    wait: bool,
    /// Hand it over when the running turn is over
    #[arg(long)]
    queue: bool,
}

impl Send {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let session = store.find(&self.session)?;
        let id = session.id.clone();
        let prompt = match self.prompt.as_str() {
            "-" => drive::prompt_from(Path::new("-"))?,
            _ => self.prompt.clone(),
        };
        crate::config::start::check_prompt(&prompt)?;
        let lock = store.dir(&id).lock()?;
        if lock.is_some() {
            let session = store.session(&id)?;
            app.with_runner(&mut store, session, &mut Silent, |runner| runner.recover())?;
        }
        let session = store.session(&id)?;
        if session.phase.is_over() {
            return Err(over(&id));
        }
        let free = lock.is_some() && session.phase == Phase::Idle;
        if !free {
            if !self.queue {
                return Err(busy(&id));
            }
            store.add_turn(&id, &prompt, TurnState::Queued)?;
            failure::note("queued: it is handed over when the running turn is over", &app.screens);
            return show(app, &store, &id);
        }
        if !self.wait {
            app.with_runner(&mut store, session, &mut Silent, |runner| {
                let mut turn = runner.store.add_turn(&id, &prompt, TurnState::Queued)?;
                runner.hand_over(&mut turn)
            })?;
            failure::note(&format!("sent; follow it: `loop session attach {id}`"), &app.screens);
            return show(app, &store, &id);
        }
        ask::detach_on_signals(&id, &app.screens)?;
        let mut reporter = app.reporter(Asked::Artifacts);
        reporter.started(&runner::view(&store, &session)?);
        let code = app.with_runner(&mut store, session, &mut *reporter, |runner| {
            let outcome = drive::next(runner, &prompt)?;
            Ok(drive::exit_code(outcome, runner.refused))
        })?;
        drive::finish(&store, &id, &mut *reporter)?;
        Ok(code)
    }
}

fn over(id: &str) -> Failure {
    Failure::new(Kind::Usage, format!("session `{id}` is over"))
        .because("its sandbox is gone, and with it the worker's conversation")
        .hint("start another: `loop session start`; on a terminal it stays for follow-ups")
}

/// With `--json` the session as it is now; people have read the note.
fn show(app: &App, store: &crate::store::Store, id: &str) -> Result<u8> {
    if app.global.json { super::show::document(app, store, id) } else { Ok(0) }
}
