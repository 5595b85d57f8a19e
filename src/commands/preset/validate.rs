//! `loop preset validate`

use crate::commands::app::{App, Done, checked};
use std::path::PathBuf;

/// List every mistake of presets, each with its place
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop preset validate
  loop preset validate .loop/presets/*.toml")]
pub struct Validate {
    /// Files; else every preset that can be found
    files: Vec<PathBuf>,
}

impl Validate {
    pub fn run(self, app: &App) -> Done {
        let layers = app.layers()?;
        let results: Vec<_> = if self.files.is_empty() {
            layers
                .presets()
                .into_iter()
                .map(|listed| (listed.name, listed.value.map(drop)))
                .collect()
        } else {
            self.files
                .iter()
                .map(|file| (file.display().to_string(), layers.preset_file(file).map(drop)))
                .collect()
        };
        checked(app, "preset", results)
    }
}
