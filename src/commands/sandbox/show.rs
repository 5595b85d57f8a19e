//! `loop sandbox show`

use crate::commands::app::{App, Done};
use crate::commands::providers;
use crate::domain::words::{did_you_mean, or};
use crate::error::{Failure, Kind};
use crate::output::human;
use crate::output::json::{self, v1};

/// Show what a provider needs, and what it can be told
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop sandbox show docker
  loop sandbox show docker --json")]
pub struct Show {
    /// The provider
    #[arg(value_name = "NAME")]
    name: String,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let Some(about) = providers::about(&self.name) else {
            let sentence = format!("no sandbox provider is called `{}`", self.name);
            return Err(Failure::new(Kind::Usage, sentence).hint(
                match did_you_mean(&self.name, providers::NAMES) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("choose {}", or(&providers::NAMES)),
                },
            ));
        };
        let one = providers::look_at(app, about);
        app.show(
            |out| json::write_document(out, &v1::Provider::of(&one)),
            |out| human::providers::write_one(out, &app.screens.out, &one),
        )
    }
}
