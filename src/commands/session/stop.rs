//! `loop session stop`

use crate::commands::app::{App, Done};
use crate::domain::session::Phase;
use crate::error::{Failure, Kind, Result};
use crate::output::live::Asked;
use crate::runner;
use crate::store::{DriverLock, Store};
use std::time::Duration;

/// End a session: collect what it left and remove its sandbox
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session stop last
  loop session stop 7f3a --json")]
pub struct Stop {
    /// Id, unique prefix of one, name, or `last`
    session: String,
}

/// How long another process that follows the session may take to take in its end.
const PATIENCE: u32 = 300;

impl Stop {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let session = store.find(&self.session)?;
        let id = session.id.clone();
        let mut reporter = app.reporter(Asked::Artifacts);
        if !session.phase.is_over() {
            if session.phase == Phase::Running {
                // Where another process drives it, that one takes in the end.
                app.with_runner(&mut store, session, &mut *reporter, |runner| {
                    Ok(runner.interrupt().is_ok())
                })?;
            }
            let _lock = wait_for(&store, &id)?;
            let session = store.session(&id)?;
            app.with_runner(&mut store, session, &mut *reporter, |runner| runner.stop())?;
        }
        let view = runner::view(&store, &store.session(&id)?)?;
        for artifact in &view.artifacts {
            reporter.artifact(&id, artifact);
        }
        reporter.finished(&view);
        Ok(0)
    }
}

fn wait_for(store: &Store, id: &str) -> Result<DriverLock> {
    for _ in 0..PATIENCE {
        if let Some(lock) = store.dir(id).lock()? {
            return Ok(lock);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Failure::new(Kind::Sandbox, format!("another `loop` still drives session `{id}`"))
        .hint("leave it there first: an empty line at its prompt, or Ctrl-C"))
}
