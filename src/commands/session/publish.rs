//! `loop session publish`

use super::drive;
use crate::commands::app::{App, Done};
use crate::output::live::Asked;
use crate::output::{Step, failure};
use crate::runner::{self, Publisher};
use crate::store::SessionRecord;

/// Push what the worker committed and open the pull request, or find it open
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session publish last
  loop session publish 7f3a --reviewed")]
pub struct Publish {
    /// Id, unique prefix of one, name, or `last`
    session: String,
    /// You looked at the changes, and at what the checks found in them
    #[arg(long)]
    reviewed: bool,
}

impl Publish {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let id = store.find(&self.session)?.id;
        app.sweep_quietly(&mut store)?;
        let Some(_lock) = drive::lock_soon(&store, &id)? else { return Err(drive::busy(&id)) };
        let session = store.session(&id)?;
        let mut reporter = app.reporter(Asked::Artifacts);
        app.with_outside(|outside| {
            let (store, reporter) = (&mut store, &mut *reporter);
            let mut publisher = Publisher { store, session: &session, outside, reporter };
            publisher.publish(self.reviewed)?;
            let artifacts = runner::list_all(publisher.store, &session.id)?;
            publisher.store.update(&SessionRecord { artifacts, ..session.clone() })
        })?;
        reporter.step(Step::NOTHING);
        let view = runner::view(&store, &store.session(&id)?)?;
        let mut opened = view.artifacts.iter().filter(|artifact| artifact.url.is_some());
        match opened.next() {
            Some(artifact) => reporter.artifact(&id, artifact),
            None => failure::note("there is no pull request", &app.screens),
        }
        Ok(0)
    }
}
