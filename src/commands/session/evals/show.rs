//! `loop session evals show`

use super::Left;
use crate::commands::app::{App, Done};
use crate::output::{json, sanitise};
use crate::traces::evals::{render, review};

/// Show the eval labels that a session left, and the mistakes in them
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session evals show last
  loop session evals show 7f3a --json | jq .names")]
pub struct Show {
    /// Id, unique prefix of one, name, or `last`
    session: String,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let left = Left::open(app, &self.session)?;
        let takes = left.project.as_ref().filter(|project| !project.is_recorded());
        let review = review(&left.evals, &left.id, takes.map(|project| project.name.as_str()));
        app.show(
            |out| json::write_document(out, &review),
            |out| out.write_all(sanitise::text(&render::review(&review)).as_bytes()),
        )
    }
}
