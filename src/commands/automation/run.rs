//! `loop automation run`

use super::perform::{How, Performed, perform};
use super::plan::CHAIN;
use super::summary;
use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::commands::session::drive;
use crate::domain::automation::admit::cooling;
use crate::domain::automation::fire::{Cause, Fire, NewFire, State};
use crate::domain::automation::{Automation, Overlap, Trigger};
use crate::domain::turn::Outcome;
use crate::error::{Failure, Kind, Result};
use crate::output::json::v1;
use crate::output::live::Asked;
use crate::output::{ask, failure, human, json};
use crate::store::Store;
use std::path::PathBuf;

/// Run an automation now, under its own rules
///
/// The same rules as for a scheduled run: overlap, cool-down, how often. Where they do not allow it,
/// it fails and says why; the refusal has a row in the history. Times up to now count as answered.
/// The exit code is that of the session: 0 done, 1 the worker failed, 7 a limit ended it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation run nightly
  loop automation run nightly --wait
  loop automation run nightly --wait --json --summary \"$GITHUB_STEP_SUMMARY\"")]
pub struct Run {
    name: String,
    /// Stay until it is over
    #[arg(long)]
    wait: bool,
    /// Add what came of it to a file, as Markdown
    #[arg(long, value_name = "FILE", requires = "wait")]
    summary: Option<PathBuf>,
}

impl Run {
    pub fn run(self, app: &App) -> Done {
        let (automation, _) = app.layers()?.automation(&self.name)?;
        let mut store = app.store()?;
        collect(app, &mut store, &automation)?;
        let fire = fire(app, &mut store, &automation)?;
        ask::detach_on_signals(&fire.id, &app.screens)?;
        let mut reporter = app.reporter(Asked::Artifacts);
        let performed = if self.wait {
            let mut how = How { follow: true, reporter: &mut *reporter };
            perform(app, &mut store, &fire.id, &mut how)?
        } else {
            let mut how = How { follow: false, reporter: &mut crate::output::Silent };
            perform(app, &mut store, &fire.id, &mut how)?
        };
        let fire = store.fire(&fire.id)?;
        refused(&store, &fire)?;
        if !self.wait || performed == Performed::Waits {
            return told(app, &fire);
        }
        super::notify::deliver(app, &mut store)?;
        if let Some(path) = &self.summary {
            summary::add(&store, &fire, path)?;
        }
        if let Some(reason) = fire.reason.as_ref().filter(|_| fire.state == State::Failed) {
            return Err(Failure::new(Kind::Sandbox, format!("`{}` could not run", self.name))
                .because(reason));
        }
        if store.session_of_fire(&fire.id)?.is_none() {
            return told(app, &fire);
        }
        drive::finish(&store, &fire.id, &mut *reporter)?;
        let outcome = store.session(&fire.id)?.outcome.unwrap_or(Outcome::Interrupted);
        Ok(drive::exit_code(outcome, false))
    }
}

/// Takes in what an earlier run has left, so that one that is over does not stand in the way.
fn collect(app: &App, store: &mut Store, automation: &Automation) -> Result<()> {
    let mut open = store.open_fires()?;
    open.retain(|fire| fire.automation == automation.name && fire.state == State::Running);
    let ids: Vec<String> = open.into_iter().map(|fire| fire.id).collect();
    super::tick::bring_on(app, store, &ids, false);
    Ok(())
}

/// Records that somebody asks for a run; where the rules are against it, with the reason.
fn fire(app: &App, store: &mut Store, automation: &Automation) -> Result<Fire> {
    let now = clock::now();
    let last = store.last_started()?.get(&automation.name).copied();
    let started: Vec<i64> = last.into_iter().collect();
    let refusal = cooling(automation.trigger.cooldown_ms(), &started, now);
    let mut new = NewFire::waiting(Cause::Manual, uuid::Uuid::new_v4().to_string(), now);
    new.chain = chain(app);
    if let Some(reason) = refusal {
        new = new.ended(State::Refused, reason);
    }
    let trigger = automation.trigger.line();
    let fires = store.decide((&automation.name, &automation.spec), now, |standing| {
        if automation.enabled {
            standing.begin_with(&trigger, now);
        }
        if new.state == State::Waiting && matches!(automation.trigger, Trigger::Cron(_)) {
            standing.cursor = standing.cursor.max(now);
        }
        vec![new]
    })?;
    let fire = fires.into_iter().next();
    fire.ok_or_else(|| Failure::new(Kind::Bug, "the run could not be recorded"))
}

/// The automations whose workers led to this command.
fn chain(app: &App) -> Vec<String> {
    let told = app.env.var(CHAIN).unwrap_or_default();
    told.split(',').filter(|name| !name.is_empty()).take(16).map(str::to_owned).collect()
}

/// What the rules did not allow is a failure of this command.
fn refused(store: &Store, fire: &Fire) -> Result<()> {
    let name = &fire.automation;
    let reason = fire.reason.clone().unwrap_or_default();
    match fire.state {
        State::Refused => Err(Failure::new(Kind::Limit, format!("`{name}` may not run now"))
            .because(reason)
            .hint(format!("`loop automation show {name}` tells its rules"))),
        State::Skipped | State::Merged => {
            let failure =
                Failure::new(Kind::Usage, format!("`{name}` does not run now")).because(reason);
            let open = store.open_fires()?;
            let runs = open.iter().find(|other| other.automation == fire.automation);
            let failure = match runs {
                Some(other) => failure
                    .hint(format!("follow the one that runs: `loop session attach {}`", other.id)),
                None => failure,
            };
            let queue = Overlap::Queue.name();
            Err(failure.hint(format!("or write `overlap = \"{queue}\"` into its file")))
        }
        State::Waiting | State::Running | State::Done | State::Failed => Ok(()),
    }
}

/// Where it goes on without this command.
fn told(app: &App, fire: &Fire) -> Done {
    let id = &fire.id;
    let next = match fire.state {
        State::Waiting => "it waits for an earlier one to be over; a tick starts it".to_owned(),
        State::Failed => {
            let reason = fire.reason.clone().unwrap_or_default();
            return Err(Failure::new(
                Kind::Sandbox,
                format!("`{}` could not run", fire.automation),
            )
            .because(reason));
        }
        State::Done => format!("it is over: `loop automation history {}`", fire.automation),
        _ => format!("the worker goes on: `loop session attach {id}`; a tick collects it"),
    };
    failure::note(&next, &app.screens);
    let now = clock::now();
    app.show(
        |out| json::write_document(out, &v1::Fire::of(fire)),
        |out| {
            human::automations::write_fires(out, &app.screens.out, std::slice::from_ref(fire), now)
        },
    )
}
