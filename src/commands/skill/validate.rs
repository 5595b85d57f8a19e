//! `loop skill validate`

use crate::commands::app::{App, Done, checked};
use std::path::PathBuf;

/// List every mistake of skills, each with its place
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop skill validate
  loop skill validate .loop/skills/*.toml")]
pub struct Validate {
    /// Files; else every skill that can be found
    files: Vec<PathBuf>,
}

impl Validate {
    pub fn run(self, app: &App) -> Done {
        let layers = app.layers()?;
        let results: Vec<_> = if self.files.is_empty() {
            layers
                .skills()
                .into_iter()
                .map(|listed| (listed.name, listed.value.map(drop)))
                .collect()
        } else {
            self.files
                .iter()
                .map(|file| (file.display().to_string(), layers.skill_file(file).map(drop)))
                .collect()
        };
        checked(app, "skill", results)
    }
}
