//! `loop schema`

use super::app::{App, Done};
use crate::domain::words::or;
use crate::error::{Failure, Kind};
use crate::output::json;

/// Print the JSON Schema of an output
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop schema event
  loop schema session > session.schema.json")]
pub struct Schema {
    /// Which output
    #[arg(value_name = "NAME")]
    name: String,
}

impl Schema {
    pub fn run(self, app: &App) -> Done {
        match json::v1::schema(&self.name) {
            Some(schema) => app.answer(format!("{schema}\n").as_bytes()),
            None => Err(Failure::new(Kind::Usage, format!("there is no schema `{}`", self.name))
                .hint(format!("choose {}", or(&json::v1::SCHEMAS)))),
        }
    }
}
