//! `loop automation show`

use super::list::view;
use crate::commands::app::{App, Done, one};
use crate::commands::clock;
use crate::output::json::v1;
use crate::output::{human, json};

/// Show an automation, and how it stands
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation show nightly
  loop automation show nightly --json")]
pub struct Show {
    name: String,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let store = app.store()?;
        let layers = app.layers()?;
        let (automation, origin) = layers.automation(&self.name)?;
        let listed = one(automation, &origin, &self.name, &layers.automations());
        let standings = store.standings()?;
        let view = view(&store, listed, standings.get(&self.name))?;
        let now = clock::now();
        app.show(
            |out| json::write_document(out, &v1::Automation::of(&view)),
            |out| human::automations::write_card(out, &app.screens.out, &view, now),
        )
    }
}
