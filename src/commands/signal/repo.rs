//! `loop signal attach-repo` and `detach-repo`

use super::enable::change;
use crate::commands::app::{App, Done};
use crate::config::signal::{Repo, Wanted};
use crate::config::value;
use crate::output::{failure, json};

/// Let workers see the code, and propose fixes there
///
/// A pull request is opened where a worker committed a fix and its investigation stands: every check
/// passed, and it cites traces that show the failure.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal attach-repo checkout acme/checkout")]
pub struct Attach {
    project: String,
    /// `owner/name`, or an address
    #[arg(value_name = "REPO")]
    repo: String,
}

/// Look at traces alone again
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal detach-repo checkout")]
pub struct Detach {
    project: String,
}

impl Attach {
    pub fn run(self, app: &App) -> Done {
        let repo = value::repo(&self.repo).map_err(value::usage)?;
        let wanted = Wanted { repo: Repo::Is(repo.clone()), ..Wanted::default() };
        let path = change(app, &self.project, &wanted)?;
        failure::note(&format!("fixes for `{}` go to {repo}: {path}", self.project), &app.screens);
        app.show(|out| json::write_document(out, &path), |_| Ok(()))
    }
}

impl Detach {
    pub fn run(self, app: &App) -> Done {
        let wanted = Wanted { repo: Repo::Goes, ..Wanted::default() };
        let path = change(app, &self.project, &wanted)?;
        failure::note(&format!("no repository for `{}`: {path}", self.project), &app.screens);
        app.show(|out| json::write_document(out, &path), |_| Ok(()))
    }
}
