//! `loop project list`

use crate::commands::app::{App, Done, readable};
use crate::output::human;
use crate::output::json::{self, v1};

/// List projects and where each comes from
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop project list
  loop project list --json")]
pub struct List {}

impl List {
    pub fn run(self, app: &App) -> Done {
        let listed = readable(app, app.layers()?.projects()?);
        app.show(
            |out| json::write_document(out, &v1::Project::all(&listed)),
            |out| human::settings::write_projects(out, &app.screens.out, &listed),
        )
    }
}
