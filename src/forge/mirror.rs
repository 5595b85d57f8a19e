//! Repositories in: a bare mirror of each on this machine, and a bundle of one branch for a sandbox.
//!
//! A mirror is fetched incrementally and never thrown away: what is there already is not asked for
//! again, and where the server's branch stands where the mirror's does nothing is fetched at all. One
//! process at a time works in a mirror; it first clears away what one that was killed left. A mirror
//! that turns out broken is made anew, once. Branches of a mirror are the server's; nothing of a
//! worker ever gets in.
//!
//! What a worker gets is the history of one branch, whole or shallow, and no tags. Submodules are not
//! fetched, and files kept by LFS are the pointers that git has: [`Shape`] says where that is so.

use super::git::{self, Git};
use super::remote::Remote;
use crate::domain::digest;
use crate::domain::refname::{is_branch, is_commit};
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::secrets::Secret;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What a bundle calls the commit that a worker begins at.
pub const BASE: &str = "refs/loop/base";

/// The mirrors of this machine.
pub struct Mirrors<'a> {
    /// The folder they are in.
    pub root: PathBuf,
    pub git: &'a Git,
}

/// What is taken in.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub remote: &'a Remote,
    pub token: Option<&'a Secret>,
    /// The server's own default where none is named.
    pub branch: Option<&'a str>,
    /// How many commits of history; all where none is said.
    pub depth: Option<u32>,
}

/// A branch, as it was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub branch: String,
    pub commit: String,
    /// The mirror's folder.
    pub mirror: PathBuf,
    /// Commits whose parents are not there, where the history is shallow.
    pub shallow: Vec<String>,
    pub shape: Shape,
}

/// What a tree asks for beyond plain files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    pub submodules: bool,
    pub lfs: bool,
}

impl Mirrors<'_> {
    /// Takes a branch in, and writes its bundle to a file.
    pub fn take(&self, wanted: &Wanted, bundle: &Path) -> Result<Base> {
        self.make_root()?;
        let dir = self.root.join(format!("{}.git", digest::short(&[&wanted.remote.address])));
        let _lock = lock(&dir)?;
        let (branch, commit) = self.look(wanted)?;
        let taken = || -> Result<Base> {
            let commit = self.update(&dir, wanted, &branch, &commit)?;
            let shallow = self.bundle(&dir, &commit, wanted.depth, bundle)?;
            let shape = self.shape(&dir, &commit)?;
            Ok(Base { branch: branch.clone(), commit, mirror: dir.clone(), shallow, shape })
        };
        match taken() {
            Err(failed) if failed.kind != Kind::Credential && is_broken(self.git, &dir) => {
                std::fs::remove_dir_all(&dir)
                    .cannot(Kind::Config, || format!("remove the broken `{}`", dir.display()))?;
                taken()
            }
            taken => taken,
        }
    }

    fn make_root(&self) -> Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.root)
            .cannot(Kind::Config, || format!("make the folder `{}`", self.root.display()))
    }

    /// Where the branch stands at the server.
    fn look(&self, wanted: &Wanted) -> Result<(String, String)> {
        let full = wanted.branch.map(|branch| format!("refs/heads/{branch}"));
        let what = full.as_deref().unwrap_or("HEAD");
        let address = wanted.remote.address.as_str();
        let arguments = ["ls-remote", "--symref", "--end-of-options", address, what];
        let done = self.outward(wanted).run(&self.root, &arguments, b"")?;
        if !done.status.success() {
            return Err(explained(done.failure(&arguments), &done, wanted.remote));
        }
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        let (mut branch, mut commit) = (wanted.branch.map(str::to_owned), None);
        for (value, name) in told.lines().filter_map(|line| line.split_once('\t')) {
            if let Some(head) = value.strip_prefix("ref: refs/heads/") {
                branch.get_or_insert_with(|| head.to_owned());
            } else if name == what && is_commit(value) {
                commit = Some(value.to_owned());
            }
        }
        let shown = wanted.remote.shown();
        match (branch, commit) {
            (Some(branch), Some(commit)) if is_branch(&branch) => Ok((branch, commit)),
            (Some(branch), None) if wanted.branch.is_some() => {
                Err(Failure::new(Kind::Usage, format!("`{shown}` has no branch `{branch}`")))
            }
            (Some(_), Some(_)) => Err(Failure::new(
                Kind::Network,
                format!("the default branch of `{shown}` has a name that cannot be used"),
            )
            .hint("name another: `--branch NAME`")),
            (None, Some(_)) => Err(Failure::new(Kind::Usage, format!("`{shown}` is on no branch"))
                .hint("name one: `--branch NAME`")),
            _ => Err(Failure::new(Kind::Usage, format!("`{shown}` has no commits"))
                .hint("name a branch that has some: `--branch NAME`")),
        }
    }

    /// Brings the mirror's branch to where the server's is, and says where that is now.
    fn update(&self, dir: &Path, wanted: &Wanted, branch: &str, commit: &str) -> Result<String> {
        git::init(self.git, dir)?;
        clear_left(dir);
        let name = format!("refs/heads/{branch}");
        let stands = || self.git.ask_text(dir, &["rev-parse", "--verify", "--quiet", &name]);
        if stands().is_ok_and(|stands| stands == commit) {
            self.git.ask(dir, &["cat-file", "-e", commit])?;
            return Ok(commit.to_owned());
        }
        let spec = format!("+{name}:{name}");
        let address = wanted.remote.address.as_str();
        let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
        arguments.extend(["--no-auto-gc", "--no-recurse-submodules", "--end-of-options", address]);
        arguments.push(&spec);
        let mut git = self.outward(wanted);
        for old in ["zeroPaddedFilemode", "badTimezone", "missingSpaceBeforeDate"] {
            // Old tools wrote such commits, and many honest histories hold one.
            git = git.with(&format!("fetch.fsck.{old}"), "ignore");
        }
        let mut done = git.run(dir, &arguments, b"")?;
        // Names like `a` and `a/b` exclude each other, and the server's word counts.
        if done.complains_of(&["cannot lock ref"]) && self.forget_branches(dir).is_ok() {
            done = git.run(dir, &arguments, b"")?;
        }
        if !done.status.success() {
            return Err(explained(done.failure(&arguments), &done, wanted.remote));
        }
        stands()
    }

    /// Branches only; what they stood on stays, so that nothing is fetched twice.
    fn forget_branches(&self, dir: &Path) -> Result<()> {
        let names = self.git.ask_text(dir, &["for-each-ref", "--format=%(refname)"])?;
        names.lines().try_for_each(|name| self.git.ask(dir, &["update-ref", "-d", name]).map(drop))
    }

    /// The bundle of a commit's history: linked where it was packed before. Says at which commits the
    /// history ends, where it is shallow.
    fn bundle(
        &self,
        dir: &Path,
        commit: &str,
        depth: Option<u32>,
        target: &Path,
    ) -> Result<Vec<String>> {
        let shown = depth.map_or("whole".to_owned(), |depth| depth.to_string());
        let kept = dir.with_extension(format!("{commit}-{shown}.bundle"));
        let ends = kept.with_extension("shallow");
        if !kept.exists() {
            forget_bundles(dir);
            self.pack(dir, commit, depth, &kept)?;
        }
        let _ = std::fs::remove_file(target);
        std::fs::hard_link(&kept, target)
            .or_else(|_| std::fs::copy(&kept, target).map(drop))
            .cannot(Kind::Config, || format!("keep the repository at `{}`", target.display()))?;
        Ok(std::fs::read_to_string(ends).unwrap_or_default().lines().map(str::to_owned).collect())
    }

    fn pack(&self, dir: &Path, commit: &str, depth: Option<u32>, target: &Path) -> Result<()> {
        let doing = || format!("write `{}`", target.display());
        self.git.ask(dir, &["update-ref", BASE, commit])?;
        let staged = tempfile::tempdir_in(&self.root).cannot(Kind::Config, doing)?;
        let from = match depth {
            None => dir.to_owned(),
            Some(depth) => {
                // What a shallow clone holds is for git to say.
                let clone = staged.path().join("shallow.git");
                git::init(self.git, &clone)?;
                let (depth, from) = (depth.to_string(), format!("file://{}", dir.display()));
                let spec = format!("{BASE}:{BASE}");
                let fetch = ["fetch", "--quiet", "--no-tags", "--depth", &depth, &from, &spec];
                self.git.ask(&clone, &fetch)?;
                let ends = std::fs::read(clone.join("shallow")).unwrap_or_default();
                std::fs::write(target.with_extension("shallow"), ends)
                    .cannot(Kind::Config, doing)?;
                clone
            }
        };
        let packed = staged.path().join("bundle");
        self.git
            .ask(&from, &["bundle", "create", "--quiet", &packed.display().to_string(), BASE])?;
        // The worker, who is another user, reads it; the folder it is in is closed to all others.
        std::fs::set_permissions(&packed, Permissions::from_mode(0o444))
            .and_then(|()| std::fs::rename(&packed, target))
            .cannot(Kind::Config, doing)
    }

    fn shape(&self, dir: &Path, commit: &str) -> Result<Shape> {
        let submodules = !self.git.ask(dir, &["ls-tree", commit, "--", ".gitmodules"])?.is_empty();
        let text = self.git.run(dir, &["show", &format!("{commit}:.gitattributes")], b"")?;
        let lfs =
            text.status.success() && memchr::memmem::find(&text.stdout, b"filter=lfs").is_some();
        Ok(Shape { submodules, lfs })
    }

    /// Git as it may talk to the server.
    fn outward(&self, wanted: &Wanted) -> Git {
        let git = self.git.over(wanted.remote.protocol);
        match (wanted.remote.token_origin(), wanted.token) {
            (Some(origin), Some(token)) => git.with_token(origin, token),
            _ => git,
        }
    }
}

/// Of a mirror that moved on; sessions that still need one hold a link of their own.
fn forget_bundles(dir: &Path) {
    let Some((root, stem)) = dir.parent().zip(dir.file_stem()) else { return };
    let start = format!("{}.", stem.to_string_lossy());
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&start) && (name.ends_with(".bundle") || name.ends_with(".shallow")) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn lock(dir: &Path) -> Result<Flock<File>> {
    let path = dir.with_extension("lock");
    let doing = || format!("lock `{}`", path.display());
    let file = File::create(&path).cannot(Kind::Config, doing)?;
    Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, error)| error)
        .cannot(Kind::Config, doing)
}

/// Nobody else works here, so a lock is of a process that was killed, and so is half a pack.
fn clear_left(dir: &Path) {
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "lock") || name.starts_with("tmp_")
            {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Whether the mirror itself is at fault.
fn is_broken(git: &Git, dir: &Path) -> bool {
    let checks: [&[&str]; 2] =
        [&["rev-parse", "--git-dir"], &["fsck", "--connectivity-only", "--no-dangling"]];
    checks.iter().any(|check| git.ask(dir, check).is_err())
}

/// What a failure means, and what to do.
pub(super) fn explained(failure: Failure, done: &git::Done, remote: &Remote) -> Failure {
    let failure = failure.while_doing(format!("cannot reach the repository `{}`", remote.shown()));
    if failure.kind == Kind::Credential && remote.protocol == "ssh" {
        return failure.hint("try it by itself: `ssh -T` to its host, with your agent running");
    }
    if failure.kind == Kind::Credential {
        return failure.hint("check the credential: `loop skill check github`");
    }
    if done.complains_of(&["not found", "does not exist", "does not appear to be a git"]) {
        let hint = match remote.github {
            Some(_) => "there is none of that name, or the token may not read it",
            None => "there is no git repository at that place",
        };
        return failure.hint(hint);
    }
    if done.complains_of(&["dubious ownership"]) {
        return failure.hint("it belongs to another user: clone it, and name the clone");
    }
    if done.complains_of(&["redirect"]) {
        return failure.hint("it may have been renamed: name it by its new name");
    }
    failure
}
