//! `loop session evals`

mod push;
mod show;

use crate::commands::app::{App, Done};
use crate::domain::artifact::ArtifactKind;
use crate::domain::preset::Project;
use crate::error::{Failure, Kind, Result};
use crate::store::Store;
use crate::traces::evals::{self, Evals};
use crate::traces::snapshot::Snapshot;

#[derive(clap::Subcommand)]
#[command(after_help = "\
Examples:
  loop session evals show last
  loop session evals push last --dry-run")]
pub enum Command {
    /// Show the eval labels that a session left, and the mistakes in them
    Show(show::Show),
    /// Write eval labels to the project that the spans came from
    Push(push::Push),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::Show(page) => page.run(app),
        Command::Push(page) => page.run(app),
    }
}

/// What a session left, checked against its evidence.
struct Left {
    id: String,
    evals: Evals,
    /// The project that it was bound to.
    project: Option<Project>,
}

impl Left {
    fn open(app: &App, session: &str) -> Result<Self> {
        let mut store: Store = app.store()?;
        let id = store.find(session)?.id;
        app.sweep_quietly(&mut store)?;
        let artifacts = store.artifacts(&id)?;
        let file = artifacts.iter().find(|artifact| artifact.kind == ArtifactKind::Evals);
        let Some(path) = file.and_then(|artifact| artifact.path.as_deref()) else {
            return Err(Failure::new(Kind::Usage, format!("session `{id}` left no eval labels"))
                .because("a worker leaves them as `evals.jsonl` among its artifacts")
                .hint(format!("`loop session artifacts {id}` shows what it left")));
        };
        let dir = store.dir(&id);
        let snapshot = Some(dir.snapshot()).filter(|path| path.exists());
        let evidence = snapshot.as_deref().map(Snapshot::open).transpose()?;
        let evals = evals::read(&dir.artifacts().join(path), evidence.as_ref())?;
        let project = store.session(&id)?.plan.project;
        Ok(Self { id, evals, project })
    }
}
