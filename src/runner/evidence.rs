//! The evidence of a session: the bound project's spans as one snapshot.
//!
//! Snapshots of what cannot have changed are kept and linked, so that a second session on the same
//! traces costs nothing. What comes from a server is kept in a mirror, so that only what is new is
//! fetched; a snapshot is of the mirror's window, and kept by its revision.

use super::{Outside, Runner};
use crate::domain::digest;
use crate::domain::plan::Window;
use crate::domain::preset::Project;
use crate::error::{Cannot as _, Kind, Result};
use crate::output::Step;
use crate::traces::mirror::Mirror;
use crate::traces::snapshot::{About, FORMAT, Snapshot, Writer};
use crate::traces::{self, Ask, Reach, Source};
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// How many snapshots are kept besides the newest.
const KEPT: usize = 8;

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
    /// The snapshot of a project's window: the one that is kept where nothing has changed, else
    /// written anew; to `otherwise`, where nothing can tell whether it will still be right later.
    pub fn snapshot(&self, project: &Project, window: Window, otherwise: &Path) -> Result<PathBuf> {
        let source = traces::source(project, self.reach())?;
        if !project.is_recorded() {
            return self.mirrored(project, &*source, window);
        }
        let kept = source.fingerprint().map(|content| self.kept_as(project, window, &content));
        let path = kept.transpose()?.unwrap_or_else(|| otherwise.to_owned());
        if path == otherwise || !path.exists() {
            self.write(project, &*source, window, &path)?;
        }
        Ok(path)
    }

    /// The snapshot of what a server has, by way of what was fetched of it before.
    fn mirrored(&self, project: &Project, source: &dyn Source, window: Window) -> Result<PathBuf> {
        let own = project.project.as_deref().unwrap_or(&project.name);
        let url = project.url.as_deref().unwrap_or_default();
        let [space, region] =
            [&project.space, &project.region].map(|part| part.as_deref().unwrap_or_default());
        let name = digest::short(&[&project.source, url, own, space, region]);
        let mut mirror = Mirror::open(&self.root.join("mirrors"), &name)?;
        let ask = self.ask(window);
        mirror.refresh(source, &ask)?;
        let path = self.kept_as(project, window, &mirror.revision()?)?;
        if !path.exists() {
            let mut writer = Writer::new(about(project, window))?;
            mirror.replay(window, &mut writer)?;
            writer.finish(&path)?;
            self.tidy(&path);
        }
        Ok(path)
    }

    /// A window that moves on never has the same snapshot twice, so only some are kept.
    fn tidy(&self, newest: &Path) {
        let Some(folder) = newest.parent() else { return };
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut kept: Vec<_> = entries
            .filter(|entry| entry.path() != newest)
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        kept.sort_unstable();
        kept.reverse();
        for (_, path) in kept.into_iter().skip(KEPT) {
            // Whoever has it open goes on reading; another may have been faster.
            let _ = std::fs::remove_file(path);
        }
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
        let mut writer = Writer::new(about(project, window))?;
        source.read(&self.ask(window), &mut writer)?;
        writer.finish(target).map(drop)
    }

    fn ask(&self, window: Window) -> Ask<'_> {
        Ask { window, mark: None, now: (self.outside.now)(), progress: self.progress }
    }

    pub(super) fn reach(&self) -> Reach<'_> {
        Reach { secret: self.outside.secret, ca_bundle: self.outside.ca_bundle.as_deref() }
    }
}

fn about(project: &Project, window: Window) -> About {
    About { source: project.source.clone(), project: project.name.clone(), window }
}

/// What is kept of traces below the store's folder and was not used since then (Unix milliseconds).
/// All of it can be made again.
pub fn unused(root: &Path, since: i64) -> Vec<PathBuf> {
    let old = |path: &PathBuf| {
        let touched = path.metadata().and_then(|about| about.modified()).ok();
        let touched = touched.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        touched.is_some_and(|touched| touched.as_millis() < since.max(0) as u128)
    };
    let mut unused: Vec<PathBuf> = ["mirrors", "snapshots"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten())
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .filter(old)
        .collect();
    unused.sort_unstable();
    unused
}

/// Both ends of a window as people read them.
pub(super) fn window_text(window: Window) -> (Option<String>, Option<String>) {
    let text = |ms: i64| traces::snapshot::show_time(ms * 1000);
    (window.since.map(text), window.until.map(text))
}
