//! The evidence of a session: the bound project's spans as one snapshot.
//!
//! Snapshots of what cannot have changed are kept and linked, so that a second session on the same
//! traces costs nothing.

use super::{Outside, Runner};
use crate::domain::digest;
use crate::domain::plan::Window;
use crate::domain::preset::Project;
use crate::error::{Cannot as _, Kind, Result};
use crate::output::Step;
use crate::traces::snapshot::{About, FORMAT, Snapshot, Writer};
use crate::traces::{self, Ask, Reach, Source};
use std::cell::RefCell;
use std::path::{Path, PathBuf};

impl Runner<'_> {
    /// Makes the session's snapshot, once.
    pub(super) fn gather_evidence(&mut self) -> Result<()> {
        let Some(project) = self.session.plan.project.clone() else { return Ok(()) };
        let target = self.store.dir(&self.session.id).snapshot();
        if self.session.evidence.is_some() && target.exists() {
            return Ok(());
        }
        let what = format!("reading the traces of {}", project.name);
        self.reporter.step(Step::doing(&what));
        let reporter = RefCell::new(&mut *self.reporter);
        let gather = Gather {
            outside: self.outside,
            root: self.store.root(),
            progress: &|count| reporter.borrow_mut().step(Step::counted(&what, count, "span")),
        };
        gather.link(&project, self.session.plan.window, &target)?;
        let snapshot = Snapshot::open(&target)?;
        let summary = snapshot.summary();
        self.session.evidence = Some((summary.traces, summary.spans, summary.failing));
        for (reason, count) in &summary.left_out {
            self.reporter.warn(&format!("left out {count}: {reason}"));
        }
        Ok(())
    }
}

/// Makes snapshots of projects.
pub struct Gather<'a> {
    pub outside: &'a Outside<'a>,
    /// The store's folder, where what can be used again is kept.
    pub root: &'a Path,
    /// Told how many spans were read so far.
    pub progress: &'a dyn Fn(u64),
}

impl Gather<'_> {
    /// The snapshot of a project's window: the one that is kept where nothing can have changed, else
    /// written to `otherwise`.
    pub fn snapshot(&self, project: &Project, window: Window, otherwise: &Path) -> Result<PathBuf> {
        let source = traces::source(project, self.reach())?;
        let kept = source.fingerprint().map(|content| self.kept_as(project, window, &content));
        let path = kept.transpose()?.unwrap_or_else(|| otherwise.to_owned());
        if path == otherwise || !path.exists() {
            self.write(project, &*source, window, &path)?;
        }
        Ok(path)
    }

    /// Puts the snapshot of a project's window at a place of its own.
    fn link(&self, project: &Project, window: Window, target: &Path) -> Result<()> {
        let kept = self.snapshot(project, window, target)?;
        if kept == target {
            return Ok(());
        }
        let _ = std::fs::remove_file(target);
        std::fs::hard_link(&kept, target)
            .or_else(|_| std::fs::copy(&kept, target).map(drop))
            .cannot(Kind::Config, || format!("keep the snapshot at `{}`", target.display()))
    }

    fn kept_as(&self, project: &Project, window: Window, content: &str) -> Result<PathBuf> {
        let folder = self.root.join("snapshots");
        std::fs::create_dir_all(&folder)
            .cannot(Kind::Config, || format!("make the folder `{}`", folder.display()))?;
        let Window { since, until } = window;
        let window = format!("{since:?} {until:?}");
        let version = format!("{} {FORMAT}", env!("CARGO_PKG_VERSION"));
        let digest = digest::short(&[content, &project.name, &window, &version]);
        Ok(folder.join(format!("{digest}.db")))
    }

    fn write(
        &self,
        project: &Project,
        source: &dyn Source,
        window: Window,
        target: &Path,
    ) -> Result<()> {
        let about = About { source: project.source.clone(), project: project.name.clone(), window };
        let mut writer = Writer::new(about)?;
        let now = (self.outside.now)();
        let ask = Ask { window, mark: None, now, progress: self.progress };
        source.read(&ask, &mut writer)?;
        writer.finish(target).map(drop)
    }

    fn reach(&self) -> Reach<'_> {
        Reach { secret: self.outside.secret, ca_bundle: self.outside.ca_bundle.as_deref() }
    }
}

/// The page on which people see a trace, where its source has such pages.
pub(super) fn trace_page(project: &Project, trace: &str) -> Option<String> {
    let url = project.url.as_ref().filter(|_| project.source == "phoenix")?;
    Some(format!("{}/redirects/traces/{trace}", url.trim_end_matches('/')))
}

/// Both ends of a window as people read them.
pub(super) fn window_text(window: Window) -> (Option<String>, Option<String>) {
    let text = |ms: i64| traces::snapshot::show_time(ms * 1000);
    (window.since.map(text), window.until.map(text))
}
