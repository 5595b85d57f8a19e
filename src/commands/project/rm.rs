//! `loop project rm`

use crate::commands::app::{App, Done, known};
use crate::config::edit;
use crate::output::{failure, json};

/// Forget a project; its traces stay where they are
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop project rm checkout")]
pub struct Rm {
    name: String,
}

impl Rm {
    pub fn run(self, app: &App) -> Done {
        let file = edit::remove_project(&app.env, &known(), &self.name)?.display().to_string();
        failure::note(&format!("removed from {file}"), &app.screens);
        app.show(|out| json::write_document(out, &file), |_| Ok(()))
    }
}
