//! `loop session publish`

use super::drive;
use crate::commands::app::{App, Done};
use crate::domain::artifact::ArtifactKind;
use crate::domain::plan::LaunchPlan;
use crate::domain::preset::GITHUB;
use crate::error::Result;
use crate::output::live::Asked;
use crate::output::{Step, failure};
use crate::runner::{self, Publisher};
use crate::store::SessionRecord;

/// Push what the worker committed and open the pull request, or find it open
///
/// With `--issue` the investigation becomes an issue of the repository instead. However often it is
/// run, and whatever answers are lost, there is one of each.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session publish last
  loop session publish 7f3a --reviewed
  loop session publish last --issue --repo acme/checkout")]
pub struct Publish {
    /// Id, unique prefix of one, name, or `last`
    session: String,
    /// You looked at the changes, and at what the checks found in them
    #[arg(long)]
    reviewed: bool,
    /// Open an issue with the investigation, and push nothing
    #[arg(long, conflicts_with = "reviewed")]
    issue: bool,
    /// The repository of the issue; else the session's own
    #[arg(long, value_name = "OWNER/NAME", requires = "issue")]
    repo: Option<String>,
}

impl Publish {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let id = store.find(&self.session)?.id;
        app.sweep_quietly(&mut store)?;
        let Some(_lock) = drive::lock_soon(&store, &id)? else { return Err(drive::busy(&id)) };
        let session = store.session(&id)?;
        let plan = self.issue.then(|| with_forge(app, &session)).transpose()?;
        let wanted = if self.issue { ArtifactKind::Report } else { ArtifactKind::PullRequest };
        let mut reporter = app.reporter(Asked::Artifacts);
        app.with_outside(|outside| {
            let (store, reporter) = (&mut store, &mut *reporter);
            let mut publisher = Publisher { store, session: &session, outside, reporter };
            match &plan {
                Some(plan) => publisher.report(plan, self.repo.as_deref())?,
                None => publisher.publish(self.reviewed)?,
            }
            let artifacts = runner::list_all(publisher.store, &session.id)?;
            publisher.store.update(&SessionRecord { artifacts, ..session.clone() })
        })?;
        reporter.step(Step::NOTHING);
        let view = runner::view(&store, &store.session(&id)?)?;
        let mut opened = view.artifacts.iter().filter(|artifact| artifact.kind == wanted);
        match opened.next() {
            Some(artifact) => reporter.artifact(&id, artifact),
            None => failure::note("there is none", &app.screens),
        }
        Ok(0)
    }
}

/// The session's plan, with the forge's skill where it had none: a session that changes nothing needs
/// no credential, and its report does.
fn with_forge(app: &App, session: &SessionRecord) -> Result<LaunchPlan> {
    let mut plan = session.plan.clone();
    if !plan.skills.iter().any(|skill| skill.kind == GITHUB) {
        plan.skills.push(app.layers()?.skill(GITHUB)?.0);
    }
    Ok(plan)
}
