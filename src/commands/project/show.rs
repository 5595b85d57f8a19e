//! `loop project show`

use crate::commands::app::{App, Done, one};
use crate::output::human;
use crate::output::json::{self, v1};

/// Show a project
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop project show demo
  loop project show demo --json")]
pub struct Show {
    name: String,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let layers = app.layers()?;
        let (project, origin) = layers.project(&self.name)?;
        let listed = one(project, &origin, &self.name, &layers.projects()?);
        app.show(
            |out| json::write_document(out, &v1::Project::of(&listed)),
            |out| {
                human::settings::write_projects(
                    out,
                    &app.screens.out,
                    std::slice::from_ref(&listed),
                )
            },
        )
    }
}
