//! `loop automation rm`

use crate::commands::app::{App, Done};
use crate::config::layers::Level;
use crate::error::{Cannot as _, Failure, Kind};
use crate::output::{failure, json};

/// Delete an automation and its history
///
/// Sessions that it started stay. The file of a repository is the repository's to delete.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation rm nightly")]
pub struct Rm {
    name: String,
}

impl Rm {
    pub fn run(self, app: &App) -> Done {
        let listed = app.layers()?.automations();
        let Some(found) = listed.iter().find(|listed| listed.name == self.name) else {
            // Says which there are.
            return app.layers()?.automation(&self.name).map(|_| 0);
        };
        let file = app.env.expand(app.env.cwd(), &found.origin.file);
        if found.origin.level != Level::User {
            let sentence = format!("automation `{}` comes with the repository", self.name);
            return Err(Failure::new(Kind::Usage, sentence)
                .hint(format!("delete its file: `git rm {}`", file.display()))
                .hint(format!(
                    "or only keep it from running: `loop automation disable {}`",
                    self.name
                )));
        }
        std::fs::remove_file(&file)
            .cannot(Kind::Config, || format!("delete `{}`", file.display()))?;
        app.store()?.forget_automation(&self.name)?;
        let path = file.display().to_string();
        failure::note(&format!("deleted {path}"), &app.screens);
        app.show(|out| json::write_document(out, &path), |_| Ok(()))
    }
}
