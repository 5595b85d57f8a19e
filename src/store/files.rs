//! A session's folder, and the lock that makes one process its driver.

use crate::error::{Cannot as _, Kind, Result};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub struct SessionDir {
    root: PathBuf,
}

/// Held while a process drives a session; the kernel lets go of it when the process dies, however
/// it dies.
pub struct DriverLock {
    _file: Flock<File>,
}

impl DriverLock {
    pub(super) fn of(file: Flock<File>) -> Self {
        Self { _file: file }
    }
}

impl SessionDir {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// A session's folder, below the folder of all of them.
    pub fn within(sessions: &Path, id: &str) -> Self {
        Self::new(sessions.join(id))
    }

    pub(super) fn create(&self) -> Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.root)
            .cannot(Kind::Config, || format!("make the folder `{}`", self.root.display()))
    }

    pub(super) fn remove(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.root) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).cannot(Kind::Config, || format!("remove `{}`", self.root.display()))
            }
            _ => Ok(()),
        }
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.jsonl")
    }

    pub fn transcript(&self) -> PathBuf {
        self.root.join("transcript.jsonl")
    }

    pub fn snapshot(&self) -> PathBuf {
        self.root.join("snapshot.db")
    }

    /// The repository as the sandbox got it, where it has one.
    pub fn bundle(&self) -> PathBuf {
        self.root.join("repository.bundle")
    }

    /// The bare repository of what came back.
    pub fn repository(&self) -> PathBuf {
        self.root.join("repository.git")
    }

    pub(super) fn report_record(&self) -> PathBuf {
        self.root.join("report.json")
    }

    pub(super) fn hosted_record(&self) -> PathBuf {
        self.root.join("hosted.json")
    }

    pub(super) fn repository_record(&self) -> PathBuf {
        self.root.join("repository.json")
    }

    /// What the worker committed, as it was collected last. Hostile.
    pub fn commits(&self) -> PathBuf {
        self.root.join("commits")
    }

    pub fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// Becomes the session's driver, or `None` where another process is.
    pub fn lock(&self) -> Result<Option<DriverLock>> {
        let path = self.root.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .cannot(Kind::Config, || format!("open `{}`", path.display()))?;
        Ok(Flock::lock(file, FlockArg::LockExclusiveNonblock)
            .ok()
            .map(|file| DriverLock { _file: file }))
    }
}
