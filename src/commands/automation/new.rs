//! `loop automation new`

use crate::commands::app::{App, Done};
use crate::config::edit;
use crate::output::{failure, json};

/// Write a new automation to begin with
///
/// It is not enabled yet: look at it, then `loop automation enable NAME`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation new nightly
  loop automation new nightly && loop automation run nightly --wait")]
pub struct New {
    /// What it is to be called
    #[arg(default_value = "nightly")]
    name: String,
}

impl New {
    pub fn run(self, app: &App) -> Done {
        let path = edit::create_automation(&app.env, &self.name)?;
        let path = path.display().to_string();
        let next = format!("written; edit it, then: `loop automation enable {}`", self.name);
        failure::note(&next, &app.screens);
        app.show(|out| json::write_document(out, &path), |out| writeln!(out, "{path}"))
    }
}
