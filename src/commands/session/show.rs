//! `loop session show`

use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::output::human;
use crate::output::json::{self, v1};
use crate::runner;
use crate::store::Store;

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
    let view = runner::view(store, &store.session(id)?)?;
    app.show(
        |out| json::write_document(out, &v1::Session::of(&view)),
        |out| human::sessions::write_card(out, &app.screens.out, &view, clock::now()),
    )
}
