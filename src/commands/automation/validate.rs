//! `loop automation validate`

use crate::commands::app::{App, Done, validate};
use std::path::{Path, PathBuf};

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
        let read = |file: &Path| layers.automation_file(file);
        validate(app, "automation", &self.files, || layers.automations(), read)
    }
}
