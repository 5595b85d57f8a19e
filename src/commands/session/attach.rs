//! `loop session attach`

use super::drive;
use crate::commands::app::{App, Done};
use crate::domain::session::Phase;
use crate::output::live::Asked;
use crate::output::{Reporter, ask};
use crate::runner::{self, Runner, Tail};
use crate::store::Store;
use std::ops::ControlFlow;

/// Follow a session live and take follow-ups
///
/// Ctrl-C detaches; the worker goes on. A session that was cut off while it started is started. As
/// with `start`, without a terminal the session ends when its turn is over.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session attach last
  loop session attach 7f3a --json")]
pub struct Attach {
    /// Id, unique prefix of one, name, or `last`
    session: String,
}

impl Attach {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let session = store.find(&self.session)?;
        let id = session.id.clone();
        ask::detach_on_signals(&id, &app.screens)?;
        let mut reporter = app.reporter(Asked::Artifacts);
        reporter.started(&runner::view(&store, &session)?);
        let code = follow(app, &mut store, &id, &mut *reporter)?;
        drive::finish(&store, &id, &mut *reporter)?;
        Ok(code)
    }
}

/// Tells what is stored, then drives or watches, whichever is free.
fn follow(app: &App, store: &mut Store, id: &str, reporter: &mut dyn Reporter) -> Done {
    let mut tail = Tail::default();
    loop {
        let lock = store.dir(id).lock()?;
        let session = store.session(id)?;
        let _ = tail.read(&store.dir(id).transcript(), &mut |event| {
            reporter.event(event);
            ControlFlow::Continue(())
        })?;
        if session.phase.is_over() {
            let outcome = session.outcome.unwrap_or(crate::domain::turn::Outcome::Interrupted);
            return Ok(drive::exit_code(outcome, false));
        }
        if lock.is_some() {
            return app.with_runner(store, session, reporter, |runner| take_up(app, runner));
        }
        runner::watch(store, id, &mut tail, &mut |event| {
            reporter.event(event);
            ControlFlow::Continue(())
        })?;
    }
}

/// Goes on where whoever drove it before stopped.
fn take_up(app: &App, runner: &mut Runner) -> Done {
    if runner.session.phase == Phase::Provisioning && !runner.first_turn_began()? {
        let live = runner.launch()?;
        let outcome = runner.follow(live)?;
        return drive::rest(app, runner, outcome);
    }
    runner.recover()?;
    let outcome = runner.follow(None)?;
    drive::rest(app, runner, outcome)
}
