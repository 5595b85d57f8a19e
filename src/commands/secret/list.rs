//! `loop secret list`

use super::wanted;
use crate::commands::app::{App, Done};
use crate::output::human;
use crate::output::json::{self, v1};

/// List secrets by name: where each is, and what wants it
///
/// Nothing is asked and no program is run: what only they could tell counts as found where its
/// reference names it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop secret list
  loop secret list --json")]
pub struct List {}

impl List {
    pub fn run(self, app: &App) -> Done {
        let rows = wanted::rows(app)?;
        app.show(
            |out| json::write_document(out, &v1::Secret::all(&rows)),
            |out| human::secrets::write(out, &app.screens.out, &rows),
        )
    }
}
