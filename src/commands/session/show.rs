//! `loop session show`

use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::error::Result;
use crate::output::human;
use crate::output::json::{self, v1};
use crate::output::view::SessionView;
use crate::runner;
use crate::store::{RepositoryRecord, SessionRecord, Store};

/// Show a session: turns, sandbox, usage and cost, artifacts
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session show last
  loop session show 7f3a --json | jq .artifacts")]
pub struct Show {
    /// Id, unique prefix of one, name, or `last`
    session: String,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let id = store.find(&self.session)?.id;
        app.sweep_quietly(&mut store)?;
        document(app, &store, &id)
    }
}

/// The session as it is stored now.
pub fn document(app: &App, store: &Store, id: &str) -> Done {
    let session = store.session(id)?;
    let mut view = runner::view(store, &session)?;
    add_standing(app, store, &session, &mut view)?;
    app.show(
        |out| json::write_document(out, &v1::Session::of(&view)),
        |out| human::sessions::write_card(out, &app.screens.out, &view, clock::now()),
    )
}

/// What became of its pull requests, which only the forge knows.
fn add_standing(
    app: &App,
    store: &Store,
    session: &SessionRecord,
    view: &mut SessionView,
) -> Result<()> {
    let Some(record) = RepositoryRecord::read(&store.dir(&session.id))? else { return Ok(()) };
    for (url, check) in app.with_outside(|outside| runner::standing(session, &record, outside)) {
        let artifacts = view.artifacts.iter_mut();
        for artifact in artifacts.filter(|artifact| artifact.url.as_ref() == Some(&url)) {
            artifact.checks.push(check.clone());
        }
    }
    Ok(())
}
