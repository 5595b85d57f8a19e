//! A session's branch on this machine: shown, and taken into a repository of the user's.

use super::git::Git;
use crate::error::{Failure, Kind, Result};
use std::path::{Path, PathBuf};

/// A change to show.
#[derive(Debug, Clone)]
pub struct Diff<'a> {
    pub base: &'a str,
    pub head: &'a str,
    /// Only which files, and how much of them.
    pub stat: bool,
}

/// The change as git shows it, without colour. Text of a worker's.
pub fn diff(git: &Git, dir: &Path, what: &Diff) -> Result<Vec<u8>> {
    let form: &[&str] = if what.stat { &["--stat=100", "--summary"] } else { &["--binary"] };
    let mut arguments =
        vec!["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"];
    arguments.extend(form);
    arguments.extend(["--end-of-options", what.base, what.head, "--"]);
    git.ask(dir, &arguments)
}

/// A branch to be made in a repository of the user's.
#[derive(Debug, Clone)]
pub struct Apply<'a> {
    /// The session's repository.
    pub from: &'a Path,
    pub commit: &'a str,
    /// A folder in the user's.
    pub to: &'a Path,
    pub branch: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Made,
    /// It was there, and the commits stand on it.
    Moved,
    There,
}

/// Makes the branch. Neither a work tree nor an index is touched, and no hook of the user's runs: what
/// is in their repository may have been written by an agent too.
pub fn apply(git: &Git, wanted: &Apply) -> Result<Applied> {
    let Apply { from, commit, to, branch } = wanted;
    let dir = folder(git, to)?;
    let git = COMMANDS.iter().fold(git.clone(), |git, (key, value)| git.with(key, value));
    let name = format!("refs/heads/{branch}");
    let before = git.run(&dir, &["rev-parse", "--verify", "--quiet", &name], b"")?;
    let before = String::from_utf8_lossy(&before.stdout).trim().to_owned();
    if before == *commit {
        return Ok(Applied::There);
    }
    let head = git.run(&dir, &["symbolic-ref", "--quiet", "HEAD"], b"")?;
    if String::from_utf8_lossy(&head.stdout).trim() == name {
        return Err(taken(branch)
            .because("it is checked out there")
            .hint("name another: `--branch NAME`"));
    }
    let source = from.display().to_string();
    // Fetched by its name in a repository of ours, so that the user's decides nothing.
    let spec = format!("{commit}:{name}");
    let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
    arguments.extend(["--no-auto-gc", "--no-recurse-submodules", "--no-auto-maintenance"]);
    arguments.extend(["--no-write-commit-graph", "--no-prune", "--end-of-options", &source, &spec]);
    let done = git.run(&dir, &arguments, b"")?;
    if done.status.success() {
        return Ok(if before.is_empty() { Applied::Made } else { Applied::Moved });
    }
    let mut failure = taken(branch);
    for line in done.said() {
        failure = failure.because(line);
    }
    Err(failure.hint("name another: `--branch NAME`"))
}

/// What could still be run or told while commits are fetched, over what is always set.
const COMMANDS: [(&str, &str); 4] = [
    ("fetch.writeCommitGraph", "false"),
    ("fetch.showForcedUpdates", "false"),
    ("fetch.output", "compact"),
    ("maintenance.strategy", "none"),
];

fn taken(branch: &str) -> Failure {
    Failure::new(Kind::Usage, format!("the branch `{branch}` could not be made"))
}

/// The git folder that a folder of the user's is in, found without asking a git that reads settings
/// there.
fn folder(git: &Git, to: &Path) -> Result<PathBuf> {
    let missing = || {
        Failure::new(Kind::Usage, format!("`{}` is in no git repository", to.display()))
            .hint("name one: `loop session apply ID PATH`")
    };
    for folder in to.ancestors() {
        let dot = folder.join(".git");
        let found = if dot.is_file() { linked(&dot) } else { Some(dot) };
        for dir in [found, Some(folder.to_owned())].into_iter().flatten() {
            if dir.join("HEAD").is_file()
                && (dir.join("objects").is_dir() || dir.join("commondir").is_file())
            {
                git.ask(&dir, &["rev-parse", "--git-dir"])?;
                return Ok(dir);
            }
        }
    }
    Err(missing())
}

/// A work tree beside its repository names it in a file.
fn linked(file: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(file).ok()?;
    let path = text.trim().strip_prefix("gitdir: ")?;
    Some(file.parent()?.join(path))
}
