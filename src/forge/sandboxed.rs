//! What runs in the sandbox, as the worker: the clone at the start, and the bundle of what was
//! committed at the end of each turn.
//!
//! Git runs here in a folder that the worker writes to, so whatever the worker put into its settings
//! is run here too, where the worker may run anything anyway. What comes out is believed by nobody.
//!
//! The commits that are handed over are those of `HEAD`. Where that is where it began, as after a
//! `git checkout main`, it is the session's branch, else the newest other branch. What is changed and
//! not committed goes along as one more commit on top, apart from them: the host decides about it.

use crate::domain::places;
use crate::domain::refname::{is_branch, is_commit};
use crate::error::{Cannot as _, Failure, Kind, Result};
use std::path::Path;
use std::process::{Command, Stdio};

/// What the bundle calls the last commit, and what was left uncommitted.
pub const HEAD: &str = "refs/loop/head";
pub const LEFT: &str = "refs/loop/left";

/// The files that tell the host, below the folder of artifacts.
pub const FOLDER: &str = ".loop";
pub const BUNDLE: &str = "commits.bundle";
/// Why there is no bundle, in the words of whoever could not make it.
pub const TROUBLE: &str = "trouble";

/// Files larger than this are not taken along uncommitted: what a build left, most likely.
const LEFT_FILE: u64 = 10 << 20;

/// What a clone is made from.
#[derive(Debug, Clone)]
pub struct Checkout<'a> {
    pub bundle: &'a Path,
    /// The base branch's name, for `origin/NAME`.
    pub base_branch: &'a str,
    /// The branch that the worker is put on.
    pub branch: &'a str,
    pub origin: Option<&'a str>,
    pub shallow: &'a [String],
}

/// Clones into the working directory. One that is there already is left alone.
pub fn checkout(wanted: &Checkout) -> Result<()> {
    let Checkout { bundle, base_branch, branch, origin, shallow } = wanted;
    if !is_branch(base_branch) || !is_branch(branch) || !shallow.iter().all(|id| is_commit(id)) {
        return Err(Failure::new(Kind::Usage, "these are no names of branches and commits"));
    }
    if git(&["rev-parse", "--verify", "--quiet", "HEAD"]).is_ok() {
        return Ok(());
    }
    git(&["init", "--quiet", "--initial-branch", branch])?;
    if !shallow.is_empty() {
        std::fs::write(".git/shallow", shallow.join("\n") + "\n")
            .cannot(Kind::Sandbox, || "write `.git/shallow`".to_owned())?;
    }
    let bundle = bundle.display().to_string();
    let remote = format!("refs/remotes/origin/{base_branch}");
    let spec = format!("{}:{remote}", super::mirror::BASE);
    git(&["fetch", "--quiet", "--no-tags", &bundle, &spec])?;
    if let Some(origin) = origin {
        git(&["config", "remote.origin.url", origin])?;
        git(&["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"])?;
    }
    git(&["symbolic-ref", "refs/remotes/origin/HEAD", &remote])?;
    git(&["reset", "--quiet", "--hard", &remote])?;
    Ok(())
}

/// Packs what was committed since `base` into the folder of artifacts.
pub fn hand_over(base: &str, branch: &str, artifacts: &Path) -> Result<()> {
    if !is_branch(branch) || !is_commit(base) {
        return Err(Failure::new(Kind::Usage, "these are no names of a branch and a commit"));
    }
    let folder = artifacts.join(FOLDER);
    let doing = || format!("write to `{}`", folder.display());
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).cannot(Kind::Sandbox, doing)?;
    let Err(failed) = pack(base, branch, &folder) else { return Ok(()) };
    std::fs::write(folder.join(TROUBLE), failed.to_string()).cannot(Kind::Sandbox, doing)?;
    Err(failed)
}

fn pack(base: &str, branch: &str, folder: &Path) -> Result<()> {
    let head = newest(base, branch)?;
    let left = uncommitted(&head)?;
    let mut names = Vec::new();
    if head != base {
        git(&["update-ref", HEAD, &head])?;
        names.push(HEAD);
    }
    if let Some(left) = &left {
        git(&["update-ref", LEFT, left])?;
        names.push(LEFT);
    }
    if names.is_empty() {
        return Ok(());
    }
    let target = folder.join(BUNDLE).display().to_string();
    let mut arguments = vec!["-c", "gc.auto=0", "bundle", "create", "--quiet", &target];
    arguments.extend(&names);
    let not = format!("^{base}");
    arguments.push(&not);
    git(&arguments).map(drop)
}

/// The commit that the worker most likely means.
fn newest(base: &str, branch: &str) -> Result<String> {
    let resolve = |name: &str| git(&["rev-parse", "--verify", "--quiet", "--end-of-options", name]);
    let head = resolve("HEAD^{commit}")?;
    if head != base {
        return Ok(head);
    }
    if let Ok(ours) = resolve(&format!("refs/heads/{branch}^{{commit}}"))
        && ours != base
    {
        return Ok(ours);
    }
    let contains = format!("--contains={base}");
    let others = git(&[
        "for-each-ref",
        "--sort=-committerdate",
        "--format=%(objectname)",
        &contains,
        "refs/heads/",
    ])?;
    Ok(others.lines().find(|commit| *commit != base).unwrap_or(&head).to_owned())
}

/// What is changed and not committed, as a commit on top of another. Made with an index of its own,
/// so that the worker finds everything as it was.
fn uncommitted(head: &str) -> Result<Option<String>> {
    if git(&["rev-parse", "HEAD"])? != head || git(&["status", "--porcelain"])?.is_empty() {
        return Ok(None);
    }
    let folder = git(&["rev-parse", "--absolute-git-dir"])?;
    let index = format!("{folder}/loop-index");
    let env = [("GIT_INDEX_FILE", index.as_str())];
    // From the worker's own index, so that files that did not change need not be read again.
    let _ = std::fs::copy(format!("{folder}/index"), &index);
    let new = git(&["ls-files", "--others", "--exclude-standard", "-z"])?;
    let small = |name: &&str| {
        Path::new(name).symlink_metadata().is_ok_and(|about| about.len() <= LEFT_FILE)
    };
    let names: Vec<&str> = new.split('\0').filter(|name| !name.is_empty()).filter(small).collect();
    git_with(&["add", "--update"], &env)?;
    for some in names.chunks(500) {
        let mut arguments = vec!["add", "--"];
        arguments.extend(some);
        git_with(&arguments, &env)?;
    }
    let tree = git_with(&["write-tree"], &env)?;
    let _ = std::fs::remove_file(&index);
    if tree == git(&["rev-parse", &format!("{head}^{{tree}}")])? {
        return Ok(None);
    }
    let message = "Changes that were left uncommitted";
    git(&["commit-tree", "--no-gpg-sign", &tree, "-p", head, "-m", message]).map(Some)
}

fn git(arguments: &[&str]) -> Result<String> {
    git_with(arguments, &[])
}

/// Runs git in the working directory, with this process's environment.
fn git_with(arguments: &[&str], env: &[(&str, &str)]) -> Result<String> {
    let done = Command::new("git")
        .args(arguments)
        .envs(env.iter().copied())
        .env("GIT_LITERAL_PATHSPECS", "1")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::new(Kind::Sandbox, "there is no `git` in the sandbox's image")
                    .hint("name an image that has it: `--image`, or leave `image = \"auto\"`")
            }
            _ => Failure::new(Kind::Sandbox, "cannot run `git` in the sandbox").because(error),
        })?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).trim_end_matches('\n').to_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let said = said.lines().next_back().unwrap_or_default().trim_start_matches("fatal: ");
    let verb = arguments.iter().find(|word| !word.starts_with('-')).unwrap_or(&"");
    Err(Failure::new(Kind::Sandbox, format!("`git {verb}` failed in `{}`", places::WORKSPACE))
        .because(said))
}
