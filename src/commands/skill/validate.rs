//! `loop skill validate`

use crate::commands::app::{App, Done, validate};
use std::path::{Path, PathBuf};

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
        let read = |file: &Path| layers.skill_file(file);
        validate(app, "skill", &self.files, || layers.skills(), read)
    }
}
