//! `loop project rm`

use crate::commands::app::{App, Done, known};
use crate::config::edit;
use crate::config::value::{name as checked_name, usage};
use crate::domain::measure::show_size;
use crate::domain::words::Count;
use crate::error::{Cannot as _, Kind, Result};
use crate::output::{failure, json};
use crate::traces::import;

/// Forget a project; its traces stay where they are
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop project rm checkout
  loop project rm checkout --traces")]
pub struct Rm {
    name: String,
    /// Delete the traces that were imported into it too; files of your own are never deleted
    #[arg(long)]
    traces: bool,
}

impl Rm {
    pub fn run(self, app: &App) -> Done {
        checked_name(&self.name).map_err(usage)?;
        let folder = import::folder(&app.env.data_dir()?, &self.name);
        let held = import::held(&folder);
        let file = match edit::remove_project(&app.env, &known(), &self.name) {
            // What an earlier `rm` left is still to be deleted.
            Err(_) if self.traces && held.is_some() => None,
            removed => Some(removed?.display().to_string()),
        };
        if let Some(file) = &file {
            failure::note(&format!("removed from {file}"), &app.screens);
        }
        if let Some((files, bytes)) = held {
            let what = format!("{}, {}", Count::of(files, "imported file"), show_size(bytes));
            let path = folder.display();
            if self.traces {
                edit::locked(&folder, || delete(&folder))?;
                failure::note(&format!("deleted {what}: {path}"), &app.screens);
            } else {
                let name = &self.name;
                failure::note(
                    &format!("kept {what}: {path}; `loop project rm {name} --traces` deletes them"),
                    &app.screens,
                );
            }
        }
        app.show(|out| json::write_document(out, &file), |_| Ok(()))
    }
}

fn delete(folder: &std::path::Path) -> Result<()> {
    std::fs::remove_dir_all(folder)
        .cannot(Kind::Config, || format!("delete `{}`", folder.display()))
}
