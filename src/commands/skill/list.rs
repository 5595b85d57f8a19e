//! `loop skill list`

use crate::commands::app::{App, Done, readable};
use crate::output::human;
use crate::output::json::{self, v1};

/// List skills, where each comes from, and what it hides
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop skill list
  loop skill list --json")]
pub struct List {}

impl List {
    pub fn run(self, app: &App) -> Done {
        let listed = readable(app, app.layers()?.skills());
        app.show(
            |out| json::write_document(out, &v1::Skill::all(&listed)),
            |out| human::settings::write_skills(out, &app.screens.out, &listed),
        )
    }
}
