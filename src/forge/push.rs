//! A branch, pushed by this machine.
//!
//! The push names what it expects to find: nothing, or what we pushed last. So it may be repeated
//! after a lost answer, and a branch that somebody moved meanwhile is left as it is.

use super::git::Git;
use super::mirror::explained;
use super::remote::Remote;
use crate::error::Result;
use crate::secrets::Secret;
use std::path::Path;

/// What is pushed, and where to.
#[derive(Debug, Clone)]
pub struct Push<'a> {
    pub remote: &'a Remote,
    pub token: Option<&'a Secret>,
    pub branch: &'a str,
    pub commit: &'a str,
    /// What we pushed last, where we did.
    pub last: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    Done,
    /// The branch is not where we left it.
    Moved,
}

/// Pushes from a bare repository of ours.
pub fn push(git: &Git, dir: &Path, wanted: &Push) -> Result<Pushed> {
    let git = git.over(wanted.remote.protocol);
    let git = match (wanted.remote.token_origin(), wanted.token) {
        (Some(origin), Some(token)) => git.with_token(origin, token),
        _ => git,
    };
    let name = format!("refs/heads/{}", wanted.branch);
    let lease = format!("--force-with-lease={name}:{}", wanted.last.unwrap_or_default());
    let spec = format!("{}:{name}", wanted.commit);
    let mut arguments =
        vec!["push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed"];
    arguments.extend(["--recurse-submodules=no", &lease, "--end-of-options"]);
    arguments.extend([wanted.remote.address.as_str(), &spec]);
    let done = git.run(dir, &arguments, b"")?;
    if done.status.success() {
        return Ok(Pushed::Done);
    }
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    if told.contains("(stale info)") || told.contains("(fetch first)") {
        return Ok(Pushed::Moved);
    }
    let mut failure = done.failure(&arguments);
    // The server's own words: a protected branch, a hook, a missing right.
    if let Some(line) = told.lines().find(|line| line.starts_with('!')) {
        let why = line.rsplit('\t').next().unwrap_or_default();
        failure = failure.because(why.chars().filter(|c| !c.is_control()).collect::<String>());
    }
    Err(explained(failure, &done, wanted.remote))
}
