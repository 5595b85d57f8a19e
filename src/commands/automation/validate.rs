//! `loop automation validate`

use crate::commands::app::{App, Done, checked};
use std::path::PathBuf;

/// List every mistake of automations, each with its place
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation validate
  loop automation validate .loop/automations/*.toml")]
pub struct Validate {
    /// Files; else every automation that can be found
    files: Vec<PathBuf>,
}

impl Validate {
    pub fn run(self, app: &App) -> Done {
        let layers = app.layers()?;
        let results: Vec<_> = if self.files.is_empty() {
            let all = layers.automations().into_iter();
            all.map(|listed| (listed.name, listed.value.map(drop))).collect()
        } else {
            let read = |file: &PathBuf| {
                (file.display().to_string(), layers.automation_file(file).map(drop))
            };
            self.files.iter().map(read).collect()
        };
        checked(app, "automation", results)
    }
}
