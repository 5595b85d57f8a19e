//! `loop preset validate`

use crate::commands::app::{App, Done, validate};
use std::path::{Path, PathBuf};

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
        let read = |file: &Path| layers.preset_file(file);
        validate(app, "preset", &self.files, || layers.presets(), read)
    }
}
