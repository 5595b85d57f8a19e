//! `loop preset list`

use crate::commands::app::{App, Done, readable};
use crate::output::human;
use crate::output::json::{self, v1};

/// List presets, where each comes from, and what it hides
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop preset list
  loop preset list --json")]
pub struct List {}

impl List {
    pub fn run(self, app: &App) -> Done {
        let listed = readable(app, app.layers()?.presets());
        app.show(
            |out| json::write_document(out, &v1::Preset::all(&listed)),
            |out| human::settings::write_presets(out, &app.screens.out, &listed),
        )
    }
}
