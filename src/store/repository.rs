//! What is known of a session's repository: where its worker began, what came back, what was pushed.
//!
//! A file of the session's folder, replaced in one step. It is written before and after everything
//! that is seen outside, so that whoever comes after a crash knows what there may be.

use super::files::SessionDir;
use crate::domain::artifact::Check;
use crate::error::{Cannot as _, Failure, Kind, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The version of the record that this program writes.
const VERSION: u32 = 1;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RepositoryRecord {
    v: u32,
    /// As people name it.
    pub name: String,
    /// The branch that the worker began at, and its commit then.
    pub base_branch: String,
    pub base: String,
    pub mirror: PathBuf,
    /// Commits at which a shallow history ends.
    pub shallow: Vec<String>,
    /// The address that the sandbox's clone calls `origin`.
    pub origin: Option<String>,
    /// The last commit of the session's branch, once there is one.
    pub head: Option<String>,
    pub subject: String,
    pub checks: Vec<Check>,
    /// Why commits were not taken.
    pub trouble: Option<String>,
    /// Commits that we pushed, or were about to, oldest first; each is written before it is pushed.
    #[serde(default)]
    pub pushed: Vec<String>,
    pub pull_request: Option<PullRequestRecord>,
    /// Why there is none, where there was to be one.
    #[serde(default)]
    pub unpublished: Option<String>,
    /// Those that the worker opened itself, verified.
    #[serde(default)]
    pub found: Vec<PullRequestRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestRecord {
    pub number: u64,
    pub url: String,
    pub title: String,
    pub draft: bool,
}

impl RepositoryRecord {
    pub fn new(name: String) -> Self {
        Self { v: VERSION, name, ..Self::default() }
    }

    /// None where the session has no repository.
    pub fn read(dir: &SessionDir) -> Result<Option<Self>> {
        let path = dir.repository_record();
        let Some(record) = read::<Self>(&path)? else { return Ok(None) };
        if record.v > VERSION {
            return Err(Failure::new(Kind::Config, format!("cannot read `{}`", path.display()))
                .because("a newer version of this program wrote it")
                .hint("use that version"));
        }
        Ok(Some(record))
    }

    pub fn write(&self, dir: &SessionDir) -> Result<()> {
        write(self, dir, &dir.repository_record())
    }
}

/// An issue at a forge that tells of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRecord {
    /// The repository, as people name it.
    pub repository: String,
    pub number: u64,
    pub url: String,
    pub title: String,
}

impl ReportRecord {
    pub fn read(dir: &SessionDir) -> Result<Option<Self>> {
        read(&dir.report_record())
    }

    pub fn write(&self, dir: &SessionDir) -> Result<()> {
        write(self, dir, &dir.report_record())
    }
}

pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let doing = || format!("read `{}`", path.display());
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.cannot(Kind::Config, doing)?,
    };
    serde_json::from_slice(&text).map(Some).cannot(Kind::Config, doing)
}

pub(super) fn write<T: Serialize>(record: &T, dir: &SessionDir, path: &Path) -> Result<()> {
    let doing = || format!("write `{}`", path.display());
    let text = serde_json::to_vec_pretty(record).cannot(Kind::Bug, doing)?;
    let mut staged = tempfile::NamedTempFile::new_in(dir.path()).cannot(Kind::Config, doing)?;
    staged.write_all(&text).cannot(Kind::Config, doing)?;
    staged.as_file().sync_all().cannot(Kind::Config, doing)?;
    staged.persist(path).map(drop).cannot(Kind::Config, doing)
}
