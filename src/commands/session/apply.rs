//! `loop session apply`

use crate::commands::app::{App, Done};
use crate::domain::refname;
use crate::error::{Failure, Kind, Result};
use crate::forge;
use crate::output::failure;
use crate::store::{RepositoryRecord, Store};
use std::path::PathBuf;

/// Take what the worker committed into a repository of yours, as a branch
///
/// Only the branch is made: your files, your index and the branch you are on stay as they are.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session apply last && git switch loop/7f3a2b1c9d0e
  loop session apply 7f3a --branch fix-refunds ~/src/checkout")]
pub struct Apply {
    /// Id, unique prefix of one, name, or `last`
    session: String,
    /// The repository; else the one around the working directory
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// What to call the branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
}

impl Apply {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let id = store.find(&self.session)?.id;
        app.sweep_quietly(&mut store)?;
        let branch = self.branch.unwrap_or_else(|| refname::of_session(&id));
        if !refname::is_branch(&branch) {
            return Err(Failure::new(Kind::Usage, format!("`{branch}` is no name of a branch")));
        }
        let (dir, record, head) = repository(&store, &id)?;
        let place = self.path.unwrap_or_else(|| app.env.cwd().to_owned());
        let place = app.env.expand(app.env.cwd(), &place.to_string_lossy());
        let (from, base, commit) = (&dir, &record.base, &head);
        let wanted = forge::Apply { from, base, commit, to: &place, branch: &branch };
        let made = forge::apply(&app.git(), &wanted)?;
        let what = match made {
            forge::Applied::Made => "made branch",
            forge::Applied::Moved => "moved on branch",
            forge::Applied::There => "there already is branch",
        };
        failure::note(&format!("{what} {branch} in {}", place.display()), &app.screens);
        app.answer(format!("{branch}\n").as_bytes())
    }
}

/// A session's own repository, what is known of it, and where its branch ends.
pub fn repository(store: &Store, id: &str) -> Result<(PathBuf, RepositoryRecord, String)> {
    let dir = store.dir(id);
    let record = RepositoryRecord::read(&dir)?.ok_or_else(|| {
        Failure::new(Kind::Usage, format!("session `{id}` has no repository"))
            .hint("start one with `--repo owner/name`, or with a path")
    })?;
    match (record.head.clone(), &record.trouble) {
        (Some(head), _) => Ok((dir.repository(), record, head)),
        (None, Some(trouble)) => Err(Failure::new(Kind::Worker, trouble.clone())),
        (None, None) => Err(Failure::new(Kind::Worker, format!("session `{id}` left no commits"))
            .hint(format!("look at what it did: `loop session logs {id}`"))),
    }
}
