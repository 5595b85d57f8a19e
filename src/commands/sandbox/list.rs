//! `loop sandbox list`

use crate::commands::app::{App, Done};
use crate::commands::providers;
use crate::output::human;
use crate::output::json::{self, v1};

/// List where workers can run, what each place can do, and what is missing here
///
/// Each is asked at the place that `[sandbox.NAME]` in `config.toml` says.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop sandbox list
  loop sandbox list --json")]
pub struct List {}

impl List {
    pub fn run(self, app: &App) -> Done {
        let all = providers::look(app);
        app.show(
            |out| json::write_document(out, &v1::Provider::all(&all)),
            |out| human::providers::write_list(out, &app.screens.out, &all),
        )
    }
}
