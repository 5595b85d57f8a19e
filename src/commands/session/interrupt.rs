//! `loop session interrupt`

use crate::commands::app::{App, Done};
use crate::domain::session::Phase;
use crate::error::{Failure, Kind};
use crate::output::{Silent, failure};

/// End the running turn and keep the session
///
/// The harness is asked to stop, then told, then killed, with everything it started.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session interrupt last
  loop session interrupt 7f3a && loop session send 7f3a \"look at retrieval instead\"")]
pub struct Interrupt {
    /// Id, unique prefix of one, name, or `last`
    session: String,
}

impl Interrupt {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let session = store.find(&self.session)?;
        let id = session.id.clone();
        if session.phase != Phase::Running {
            let sentence =
                format!("session `{id}` has no running turn: it is {}", session.phase.name());
            return Err(Failure::new(Kind::Usage, sentence)
                .hint("`loop session list --status running` shows those that have"));
        }
        let lock = store.dir(&id).lock()?;
        app.with_runner(&mut store, session, &mut Silent, |runner| {
            runner.interrupt()?;
            // Whoever follows it takes in the rest; nobody else does.
            if lock.is_some() {
                runner.follow(None)?;
            }
            Ok(())
        })?;
        failure::note(&format!("interrupted; go on with `loop session send {id} …`"), &app.screens);
        if app.global.json { super::show::document(app, &store, &id) } else { Ok(0) }
    }
}
