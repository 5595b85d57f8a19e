//! `loop allow`

use super::app::{App, Done};
use crate::config;
use crate::output::{failure, json};

/// Allow what the nearest `.loop/` folder says
///
/// Such a folder comes with a repository, so nothing in it is used until its content was allowed
/// once. When it changes the question is open again.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop allow")]
pub struct Allow {}

impl Allow {
    pub fn run(self, app: &App) -> Done {
        let allowed = config::allow::allow(&app.env)?;
        let what = if allowed.already { "was allowed already" } else { "is allowed now" };
        failure::note(&format!("{} {what}:", allowed.folder.display()), &app.screens);
        app.show(
            |out| json::write_document(out, &allowed.files),
            |out| allowed.files.iter().try_for_each(|file| writeln!(out, "{file}")),
        )
    }
}
