//! From a session's investigation to an issue at the forge, exactly once.

use super::Publisher;
use super::repository::{remote, token};
use crate::domain::artifact::{Artifact, ArtifactKind};
use crate::domain::plan::LaunchPlan;
use crate::error::{Failure, Kind, Result};
use crate::forge::{self, Forge, WantedIssue};
use crate::output::Step;
use crate::store::{ReportRecord, SessionDir};

/// Clocks differ; an issue this much older than the session may still be its own.
const SKEW_MS: i64 = 120_000;

impl Publisher<'_> {
    /// Opens an issue about the session in a repository, or finds it open. `plan` is the session's,
    /// with the forge's skill.
    pub fn report(&mut self, plan: &LaunchPlan, repo: Option<&str>) -> Result<()> {
        let session = self.session;
        let dir = self.store.dir(&session.id);
        if !dir.artifacts().join("investigation.md").exists() {
            let sentence = format!("session `{}` left no investigation", session.id);
            return Err(Failure::new(Kind::Worker, sentence)
                .hint(format!("see what it left: `loop session artifacts {}`", session.id)));
        }
        let repo = repo.or(plan.repo.as_deref()).ok_or_else(|| {
            Failure::new(Kind::Usage, "nothing says in which repository")
                .hint("name it: `--repo owner/name`")
        })?;
        let remote = remote(plan, repo)?;
        let name = remote.shown();
        let github = remote.github.clone().ok_or_else(|| {
            Failure::new(Kind::Usage, format!("`{name}` is at no forge that takes issues"))
        })?;
        let token = token(plan, &remote, self.outside)?.ok_or_else(|| {
            Failure::new(Kind::Credential, "there is no credential for the repository")
        })?;
        let forge = Forge::new(&github, &token, self.outside.ca_bundle.as_deref())?;
        let text = self.text(&dir, "", &[])?;
        self.reporter.step(Step::doing("opening the issue"));
        let mark = forge::mark(&session.id);
        let since = session.created_at.saturating_sub(SKEW_MS);
        let wanted = WantedIssue { title: &text.title, body: &text.body, mark: &mark, since };
        let reporter = &mut *self.reporter;
        let opened =
            forge.report(&wanted, self.outside.now, &mut |why| reporter.step(Step::doing(why)))?;
        let forge::Issue { number, url, title } = opened;
        ReportRecord { repository: name, number, url, title }.write(&dir)
    }
}

/// The issue about a session, as an artifact.
pub(super) fn artifact(dir: &SessionDir) -> Result<Option<Artifact>> {
    let record = ReportRecord::read(dir)?;
    Ok(record.map(|record| Artifact {
        kind: ArtifactKind::Report,
        path: None,
        url: Some(record.url),
        title: format!("{}#{} {}", record.repository, record.number, record.title),
        checks: Vec::new(),
    }))
}
