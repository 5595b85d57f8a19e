//! `loop skill show`

use crate::commands::app::{App, Done, one};
use crate::output::human;
use crate::output::json::{self, v1};

/// Show a skill
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop skill show github
  loop skill show datadog --json")]
pub struct Show {
    name: String,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let layers = app.layers()?;
        let (skill, origin) = layers.skill(&self.name)?;
        let listed = one(skill, &origin, &self.name, &layers.skills());
        app.show(
            |out| json::write_document(out, &v1::Skill::of(&listed)),
            |out| human::settings::write_skill(out, &app.screens.out, &listed),
        )
    }
}
