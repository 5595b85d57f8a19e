//! `loop preset new`

use crate::commands::app::{App, Done};
use crate::config::{edit, template};
use crate::output::{failure, json};

/// Write a new preset to begin with
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop preset new nightly
  loop preset new review && loop preset edit review")]
pub struct New {
    /// What it is to be called
    #[arg(default_value = "mine")]
    name: String,
}

impl New {
    pub fn run(self, app: &App) -> Done {
        let path =
            edit::create_preset(&app.env, &self.name, &template::template_preset(&self.name))?;
        let path = path.display().to_string();
        failure::note("written; edit it, then check it: `loop preset validate`", &app.screens);
        app.show(|out| json::write_document(out, &path), |out| writeln!(out, "{path}"))
    }
}
