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
    /// The session's repository, where its worker began, and where its branch ends.
    pub from: &'a Path,
    pub base: &'a str,
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

/// Makes the branch. Neither a work tree nor an index is touched, and nothing that the repository's
/// settings name is run or followed, since an agent may have written them too: the objects are put
/// there as a pack, and the branch is set. No `git fetch`, which follows many settings.
pub fn apply(git: &Git, wanted: &Apply) -> Result<Applied> {
    let Apply { from, base, commit, to, branch } = wanted;
    let dir = folder(git, to)?;
    let name = format!("refs/heads/{branch}");
    let before = git.run(&dir, &["rev-parse", "--verify", "--quiet", &name], b"")?;
    let before = String::from_utf8_lossy(&before.stdout).trim().to_owned();
    if before == *commit {
        return Ok(Applied::There);
    }
    let another = |why: &str| {
        Failure::new(Kind::Usage, format!("the branch `{branch}` could not be made"))
            .because(why)
            .hint("name another: `--branch NAME`")
    };
    let trees = git.ask_text(&dir, &["worktree", "list", "--porcelain"])?;
    if trees.lines().any(|line| line.strip_prefix("branch ") == Some(&name)) {
        return Err(another("it is checked out there"));
    }
    let begun = format!("{base}^{{commit}}");
    let there = git.run(&dir, &["cat-file", "-e", &begun], b"")?.status.success();
    let wanted = if there { format!("{commit}\n^{base}\n") } else { format!("{commit}\n") };
    let pack = ["pack-objects", "--revs", "--thin", "--stdout", "-q"];
    let packed = git.run(from, &pack, wanted.as_bytes())?;
    if !packed.status.success() {
        return Err(packed.failure(&pack));
    }
    let index = ["index-pack", "--stdin", "--fix-thin"];
    let kept = git.run(&dir, &index, &packed.stdout)?;
    if !kept.status.success() {
        return Err(kept.failure(&index));
    }
    if !before.is_empty() && !git.holds(&dir, &["merge-base", "--is-ancestor", &before, commit])? {
        return Err(another("there is one of that name, with other commits"));
    }
    // What it was is said, so that nobody's change in between is lost.
    let old = if before.is_empty() { "0".repeat(commit.len()) } else { before.clone() };
    git.ask(&dir, &["update-ref", "-m", "loop session apply", &name, commit, &old])?;
    Ok(if before.is_empty() { Applied::Made } else { Applied::Moved })
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
