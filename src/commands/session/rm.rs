//! `loop session rm`

use crate::commands::app::{App, Done};
use crate::error::{Failure, Kind};
use crate::output::{failure, json};
use crate::runner::Ending;

/// Remove sessions with all that is stored of them
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session rm 7f3a
  loop session rm $(loop session list --status lost --json | jq -r '.[].id')")]
pub struct Rm {
    /// Ids, unique prefixes of them, or names
    #[arg(required = true)]
    sessions: Vec<String>,
}

impl Rm {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let mut sessions = Vec::new();
        for word in &self.sessions {
            sessions.push(store.find(word)?);
        }
        app.sweep_quietly(&mut store)?;
        let mut removed = Vec::new();
        for session in sessions {
            let id = session.id.clone();
            let session = store.session(&id)?;
            let lock = store.dir(&id).lock()?;
            if !session.phase.is_over() || lock.is_none() {
                let sentence = format!("session `{id}` is {}", session.phase.name());
                return Err(Failure::new(Kind::Usage, sentence)
                    .hint(format!("stop it first: `loop session stop {id}`")));
            }
            if session.sandbox.is_some() {
                app.worker_of(&session.plan)?.end(&id, Ending::Everything)?;
            }
            store.remove(&id)?;
            failure::note(&format!("removed {id}"), &app.screens);
            removed.push(id);
        }
        app.show(|out| json::write_document(out, &removed), |_| Ok(()))
    }
}
