//! Commits out: from a bundle that a worker made to a branch of our own making.
//!
//! A bundle's header is read here and names two refs at most; its pack is checked object by object
//! (`index-pack --strict`) on its way into a bare repository of the session's own, which borrows the
//! mirror's objects and shares none of its own. Only what descends from where the worker began
//! counts, no more of it than a person reviews, and it is written anew ([`super::rewrite`]) before it
//! gets a name. No file of it is ever checked out.

use super::flags::{self, Touched, check};
use super::git::{self, Git};
use super::rewrite::{COMMITS, Identity, Rewriter};
use super::sandboxed::{HEAD, LEFT};
use crate::domain::artifact::Check;
use crate::domain::measure::show_size;
use crate::domain::refname::{self, is_commit};
use crate::domain::words::Count;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::secrets::Redactor;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The largest bundle, and the most that may be in it.
const BUNDLE: u64 = 256 << 20;
const HEADER: u64 = 64 << 10;
const OBJECTS: usize = 50_000;
const BYTES: u64 = 1 << 30;
/// What forges refuse; a change of such a size is a mistake as a rule.
const LARGE_FILE: u64 = 50 << 20;

/// A session's repository on this machine.
pub struct Incoming<'a> {
    pub git: &'a Git,
    /// A bare repository of the session's own.
    pub dir: &'a Path,
    pub mirror: &'a Path,
    pub base: &'a str,
    pub session: &'a str,
    pub identity: &'a Identity,
    /// Values that must not leave this machine.
    pub redactor: &'a Redactor,
}

/// What was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The last commit of the session's branch. None where nothing was changed.
    pub head: Option<String>,
    /// The first line of its oldest message.
    pub subject: String,
    /// What was left uncommitted beside commits, as a patch.
    pub patch: Option<Vec<u8>>,
    pub checks: Vec<Check>,
}

impl Incoming<'_> {
    /// Takes what a bundle holds. The branch stands where its commits end.
    pub fn take(&self, bundle: &Path) -> Result<Taken> {
        let Refs { head, left, pack_at } = Refs::read(bundle)?;
        let Some(theirs) = head.clone().or_else(|| left.clone()) else {
            return Ok(Taken::default());
        };
        self.prepare()?;
        let mut file = open(bundle)?;
        file.seek(SeekFrom::Start(pack_at)).cannot(Kind::Config, || "read a bundle".to_owned())?;
        let most = format!("--max-input-size={BUNDLE}");
        let index = ["index-pack", "--stdin", "--fix-thin", "--strict", &most];
        self.git.feed(self.dir, &index, file).map_err(refused)?;
        let for_them = head.is_none();
        for tip in [&head, &left].into_iter().flatten() {
            self.check_history(tip)?;
        }
        let rewriter = Rewriter {
            git: self.git,
            dir: self.dir,
            identity: self.identity,
            session: self.session,
            redactor: self.redactor,
        };
        let ours = rewriter.rewrite(self.base, &theirs)?;
        let name = format!("refs/heads/{}", refname::of_session(self.session));
        self.git.ask(self.dir, &["update-ref", &name, &ours])?;
        let patch = match (&head, &left) {
            (Some(head), Some(left)) => Some(self.patch(head, left)?),
            _ => None,
        };
        let mut checks = self.checks(&ours)?;
        if for_them {
            let detail = "the worker committed nothing; what it changed was committed for it";
            checks.push(check("committed", true, detail));
        } else if patch.is_some() {
            let detail =
                "what the worker left uncommitted is not part of it; it is kept as a patch";
            checks.push(check("committed", true, detail));
        }
        let oldest = ["log", "--reverse", "--format=%s", &format!("{}..{ours}", self.base)];
        let subject = self.git.ask_text(self.dir, &oldest)?;
        let subject = subject.lines().next().unwrap_or_default().to_owned();
        Ok(Taken { head: Some(ours), subject, patch, checks })
    }

    /// The session's repository, which finds the base in the mirror.
    fn prepare(&self) -> Result<()> {
        git::init(self.git, self.dir)?;
        let path = self.dir.join("objects/info/alternates");
        let borrowed = format!("{}\n", self.mirror.join("objects").display());
        std::fs::create_dir_all(self.dir.join("objects/info"))
            .and_then(|()| std::fs::write(&path, borrowed))
            .cannot(Kind::Config, || format!("write `{}`", path.display()))?;
        self.git.ask(self.dir, &["update-ref", super::mirror::BASE, self.base]).map(drop)
    }

    /// That a tip is a commit, descends from the base, is whole, and is no more than people review.
    fn check_history(&self, tip: &str) -> Result<()> {
        let kind = self.git.ask_text(self.dir, &["cat-file", "-t", tip])?;
        let ours = ["merge-base", "--is-ancestor", self.base, tip];
        if kind != "commit" || !self.git.holds(self.dir, &ours)? {
            return Err(refuse("they do not descend from the commit that it began at"));
        }
        let range = format!("{}..{tip}", self.base);
        let count = self.git.ask_text(self.dir, &["rev-list", "--count", &range])?;
        if count.parse::<usize>().unwrap_or(usize::MAX) > COMMITS {
            return Err(refuse(&format!("there are {count} of them, and at most {COMMITS} count")));
        }
        let objects = ["rev-list", "--objects", "--no-object-names", &range];
        let objects = self.git.ask(self.dir, &objects)?;
        if memchr::memchr_iter(b'\n', &objects).count() > OBJECTS {
            return Err(refuse(&format!("they hold more than {OBJECTS} objects")));
        }
        let sizes = ["cat-file", "--batch-check=%(objectsize)"];
        let sizes = self.git.run(self.dir, &sizes, &objects)?.stdout;
        let sizes = String::from_utf8_lossy(&sizes).into_owned();
        let total: u64 = sizes.lines().filter_map(|size| size.parse::<u64>().ok()).sum();
        if total > BYTES {
            return Err(refuse(&format!("they hold more than {}", show_size(BYTES))));
        }
        Ok(())
    }

    fn checks(&self, head: &str) -> Result<Vec<Check>> {
        let range = format!("{}..{head}", self.base);
        let count = self.git.ask_text(self.dir, &["rev-list", "--count", &range])?;
        let count = Count::of(count.parse::<u64>().unwrap_or_default(), "commit").to_string();
        let summary = self.summary(head)?;
        let mut checks = vec![check("changes", true, format!("{count}: {summary}"))];
        checks.extend(flags::checks(&self.touched(head)?));
        let large = self.large(head)?;
        if !large.is_empty() {
            let most = show_size(LARGE_FILE);
            checks.push(check("size", false, format!("larger than {most}: {}", large.join(", "))));
        }
        // Every step of the way, since a later commit hides nothing of an earlier one.
        let log = ["log", "-p", "--text", "--no-ext-diff", "--no-textconv", "--format=%B", &range];
        let log = self.git.ask(self.dir, &log)?;
        if matches!(self.redactor.redact(&log), std::borrow::Cow::Owned(_)) {
            let detail = "a commit holds the value of a secret of this session";
            checks.push(check(SECRETS, false, detail));
        }
        Ok(checks)
    }

    /// `3 files changed, 10 insertions(+), 2 deletions(-)`.
    fn summary(&self, head: &str) -> Result<String> {
        let short = ["diff-tree", "--shortstat", "--no-ext-diff", self.base, head];
        let said = self.git.ask_text(self.dir, &short)?;
        let said = said.trim();
        Ok(if said.is_empty() { "no change in the end".to_owned() } else { said.to_owned() })
    }

    fn touched(&self, head: &str) -> Result<Vec<Touched>> {
        let range = format!("{}..{head}", self.base);
        // Of every commit, not only from the first to the last.
        let raw = ["log", "--raw", "--no-renames", "--no-abbrev", "-m", "-z", "--format=", &range];
        let raw = self.git.ask(self.dir, &raw)?;
        let mut words = raw.split(|byte| *byte == 0);
        let mut touched = Vec::new();
        while let Some(about) = words.next() {
            let about = String::from_utf8_lossy(about).trim().to_owned();
            let fields: Vec<&str> = about.trim_start_matches(':').split(' ').collect();
            let [before, after, _, new, _] = fields.as_slice() else { continue };
            let Some(path) = words.next() else { break };
            let target = (*after == "120000")
                .then(|| self.git.ask_text(self.dir, &["cat-file", "blob", new]));
            touched.push(Touched {
                path: String::from_utf8_lossy(path).into_owned(),
                before: (*before).to_owned(),
                after: (*after).to_owned(),
                target: target.transpose()?,
            });
        }
        touched.sort_by(|a, b| a.path.cmp(&b.path));
        touched.dedup();
        Ok(touched)
    }

    fn large(&self, head: &str) -> Result<Vec<String>> {
        let tree = [
            "diff-tree",
            "-r",
            "-z",
            "--no-renames",
            "--diff-filter=AM",
            "--name-only",
            self.base,
            head,
        ];
        let names = self.git.ask(self.dir, &tree)?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let sizes = self.git.ask(self.dir, &["ls-tree", "-r", "-l", "-z", head])?;
        let changed: std::collections::BTreeSet<&[u8]> = names.split(|byte| *byte == 0).collect();
        Ok(sizes
            .split(|byte| *byte == 0)
            .filter_map(|line| {
                let tab = memchr::memchr(b'\t', line)?;
                let about = std::str::from_utf8(&line[..tab]).ok()?;
                let size: u64 = about.rsplit(' ').next()?.parse().ok()?;
                let path = &line[tab + 1..];
                (size > LARGE_FILE && changed.contains(path))
                    .then(|| String::from_utf8_lossy(path).into_owned())
            })
            .collect())
    }

    fn patch(&self, from: &str, to: &str) -> Result<Vec<u8>> {
        let arguments = ["diff", "--binary", "--no-ext-diff", "--no-textconv", from, to];
        self.git.ask(self.dir, &arguments)
    }
}

/// The check that nobody can wave through.
pub const SECRETS: &str = "secrets";

/// What a bundle says it holds.
struct Refs {
    head: Option<String>,
    left: Option<String>,
    /// Where the pack begins.
    pack_at: u64,
}

impl Refs {
    /// Reads a header: what it needs, and what it has. Git's own reader knows more, and none of it is
    /// wanted here.
    fn read(bundle: &Path) -> Result<Self> {
        let file = open(bundle)?;
        let mut reader = BufReader::new(file.take(HEADER));
        let (mut head, mut left, mut pack_at, mut first) = (None, None, 0, true);
        loop {
            let mut line = Vec::new();
            let read = reader
                .read_until(b'\n', &mut line)
                .cannot(Kind::Config, || "read a bundle".to_owned())?;
            pack_at += read as u64;
            let Some(line) = line.strip_suffix(b"\n") else {
                return Err(refuse("their bundle has no end to its header"));
            };
            if std::mem::take(&mut first) {
                if line != b"# v2 git bundle" {
                    return Err(refuse("what it made of them is no bundle"));
                }
                continue;
            }
            match line.first() {
                None => return Ok(Self { head, left, pack_at }),
                // What it builds on; the check of its history says whether that is so.
                Some(b'-') if is_needed(&line[1..]) => {}
                Some(_) => {
                    let (id, name) = named(line).ok_or_else(|| refuse("their bundle is broken"))?;
                    match name {
                        HEAD => head = Some(id),
                        LEFT => left = Some(id),
                        _ => return Err(refuse("their bundle holds more than it should")),
                    }
                }
            }
        }
    }
}

/// A commit's name, and a comment.
fn is_needed(line: &[u8]) -> bool {
    let id = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    std::str::from_utf8(id).is_ok_and(is_commit)
}

fn named(line: &[u8]) -> Option<(String, &str)> {
    let (id, name) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    is_commit(id).then(|| (id.to_owned(), name))
}

fn open(bundle: &Path) -> Result<File> {
    let doing = || "read the bundle of the worker's commits".to_owned();
    let file = File::open(bundle).cannot(Kind::Config, doing)?;
    let size = file.metadata().cannot(Kind::Config, doing)?.len();
    if size > BUNDLE {
        return Err(refuse(&format!(
            "they are {}, and {} is the most",
            show_size(size),
            show_size(BUNDLE)
        )));
    }
    Ok(file)
}

fn refuse(why: &str) -> Failure {
    Failure::new(Kind::Worker, "the worker's commits were not taken").because(why)
}

fn refused(failure: Failure) -> Failure {
    let told = failure.causes.iter().cloned();
    told.fold(refuse("they are damaged, or made to do harm"), Failure::because)
}
