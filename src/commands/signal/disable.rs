//! `loop signal disable`

use super::enable::change;
use crate::commands::app::{App, Done};
use crate::config::signal::Wanted;
use crate::output::{failure, json};

/// Stop looking at a project; its issues stay known
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal disable checkout")]
pub struct Disable {
    project: String,
}

impl Disable {
    pub fn run(self, app: &App) -> Done {
        let wanted = Wanted { enabled: Some(false), ..Wanted::default() };
        let path = change(app, &self.project, &wanted)?;
        failure::note(&format!("Signal does not look at `{}`: {path}", self.project), &app.screens);
        app.show(|out| json::write_document(out, &path), |_| Ok(()))
    }
}
