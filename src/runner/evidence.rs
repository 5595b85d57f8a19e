//! The evidence of a session: the bound project's spans as one snapshot.
//!
//! Snapshots of what cannot have changed are kept and linked, so that a second session on the same
//! traces costs nothing.

use super::Runner;
use crate::domain::digest;
use crate::domain::plan::Window;
use crate::domain::preset::Project;
use crate::error::{Cannot as _, Kind, Result};
use crate::output::Step;
use crate::traces;
use crate::traces::snapshot::{About, Snapshot, Writer};
use std::path::{Path, PathBuf};

impl Runner<'_> {
    /// Makes the session's snapshot, once.
    pub(super) fn gather_evidence(&mut self) -> Result<()> {
        let Some(project) = self.session.plan.project.clone() else { return Ok(()) };
        let target = self.store.dir(&self.session.id).snapshot();
        if self.session.evidence.is_some() && target.exists() {
            return Ok(());
        }
        self.reporter.step(Step::doing(&format!("reading the traces of {}", project.name)));
        let kept = self.store.root().join("snapshots");
        snapshot(&project, self.session.plan.window, &kept, &target)?;
        let snapshot = Snapshot::open(&target)?;
        let summary = snapshot.summary();
        self.session.evidence = Some((summary.traces, summary.spans, summary.failing));
        for (reason, count) in &summary.left_out {
            self.reporter.warn(&format!("left out {count}: {reason}"));
        }
        Ok(())
    }
}

/// The snapshot of a project's window: the one that is kept where nothing can have changed, else
/// written to `otherwise`.
pub fn kept_snapshot(
    project: &Project,
    window: Window,
    kept: &Path,
    otherwise: &Path,
) -> Result<PathBuf> {
    let path = kept_as(project, window, kept)?.unwrap_or_else(|| otherwise.to_owned());
    if path == otherwise || !path.exists() {
        write(project, window, &path)?;
    }
    Ok(path)
}

/// Writes the snapshot of a project's window to a file, or links the one that is kept.
fn snapshot(project: &Project, window: Window, kept: &Path, target: &Path) -> Result<()> {
    let kept = kept_snapshot(project, window, kept, target)?;
    if kept == target {
        return Ok(());
    }
    let _ = std::fs::remove_file(target);
    std::fs::hard_link(&kept, target)
        .or_else(|_| std::fs::copy(&kept, target).map(drop))
        .cannot(Kind::Config, || format!("keep the snapshot at `{}`", target.display()))
}

fn kept_as(project: &Project, window: Window, folder: &Path) -> Result<Option<PathBuf>> {
    let Some(content) = traces::fingerprint(project) else { return Ok(None) };
    std::fs::create_dir_all(folder)
        .cannot(Kind::Config, || format!("make the folder `{}`", folder.display()))?;
    let Window { since, until } = window;
    let window = format!("{since:?} {until:?}");
    let version = env!("CARGO_PKG_VERSION");
    let digest = digest::short(&[content.as_str(), &project.name, &window, version]);
    Ok(Some(folder.join(format!("{digest}.db"))))
}

fn write(project: &Project, window: Window, target: &Path) -> Result<()> {
    let about = About { source: project.source.clone(), project: project.name.clone(), window };
    let mut writer = Writer::new(about)?;
    traces::read(project, &mut writer)?;
    writer.finish(target).map(drop)
}

/// Both ends of a window as people read them.
pub(super) fn window_text(window: Window) -> (Option<String>, Option<String>) {
    let text = |ms: i64| traces::snapshot::show_time(ms * 1000);
    (window.since.map(text), window.until.map(text))
}
