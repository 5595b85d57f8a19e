//! `loop preset show`

use crate::commands::app::{App, Done, one};
use crate::output::human;
use crate::output::json::{self, v1};

/// Show a preset
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop preset show investigate
  loop preset show fix --json")]
pub struct Show {
    name: String,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let layers = app.layers()?;
        let (preset, origin) = layers.preset(&self.name)?;
        let listed = one(preset, &origin, &self.name, &layers.presets());
        app.show(
            |out| json::write_document(out, &v1::Preset::of(&listed)),
            |out| human::settings::write_preset(out, &app.screens.out, &listed),
        )
    }
}
