//! A worker's commits, written anew by us.
//!
//! Trees stay as they are; who wrote a commit is set by us, since a worker could name anybody. What
//! a message says in somebody's name (`Signed-off-by:` and its like) is taken out, as are signatures.
//! The result follows from the commits alone, so that the commits of a second turn stand on those of
//! the first, and what was pushed is added to and never replaced.

use super::git::Git;
use crate::error::{Failure, Kind, Result};
use crate::secrets::Redactor;
use std::collections::BTreeMap;
use std::path::Path;

/// More is no change that a person reviews.
pub const COMMITS: usize = 500;
const MESSAGE: usize = 16 << 10;

/// Whose name a commit carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub email: String,
}

impl Identity {
    /// The variables that git itself has for it, which a preset's or a skill's `[env]` may set.
    pub const NAME: &str = "GIT_AUTHOR_NAME";
    pub const EMAIL: &str = "GIT_AUTHOR_EMAIL";

    pub fn of(name: Option<&str>, email: Option<&str>) -> Self {
        let clean = |text: Option<&str>, usual: &str| {
            let keep = |c: &char| !c.is_control() && !"<>\"\\".contains(*c);
            let text: String = text.unwrap_or_default().chars().filter(keep).collect();
            let text = text.trim().trim_matches(['.', ',', ':', ';', '\'']).to_owned();
            if text.is_empty() { usual.to_owned() } else { text }
        };
        Self { name: clean(name, "loop"), email: clean(email, "loop@localhost") }
    }
}

/// How commits are written.
pub struct Rewriter<'a> {
    pub git: &'a Git,
    pub dir: &'a Path,
    pub identity: &'a Identity,
    pub session: &'a str,
    pub redactor: &'a Redactor,
}

impl Rewriter<'_> {
    /// Writes everything from `base` (not itself) to `head` anew. What `head` became.
    pub fn rewrite(&self, base: &str, head: &str) -> Result<String> {
        let range = format!("{base}..{head}");
        let order = ["rev-list", "--reverse", "--topo-order", "--end-of-options", &range];
        let ids = self.git.ask_text(self.dir, &order)?;
        let ids: Vec<&str> = ids.lines().collect();
        let mut written: BTreeMap<&str, String> = BTreeMap::new();
        for (id, raw) in ids.iter().zip(self.read(&ids)?) {
            let commit = Commit::read(&raw).ok_or_else(unreadable)?;
            let parents: Vec<&str> = commit
                .parents
                .iter()
                .map(|parent| written.get(parent).map_or(*parent, String::as_str))
                .collect();
            let text = self.text(&commit, &parents);
            let hash = ["hash-object", "-t", "commit", "-w", "--stdin"];
            let done = self.git.run(self.dir, &hash, text.as_bytes())?;
            if !done.status.success() {
                return Err(done.failure(&hash));
            }
            let new = String::from_utf8_lossy(&done.stdout).trim().to_owned();
            written.insert(id, new);
        }
        Ok(written.remove(head).unwrap_or_else(|| head.to_owned()))
    }

    /// The commits' bytes, all by one process.
    fn read(&self, ids: &[&str]) -> Result<Vec<Vec<u8>>> {
        let stdin = ids.join("\n") + "\n";
        let done = self.git.run(self.dir, &["cat-file", "--batch"], stdin.as_bytes())?;
        let (mut all, mut rest) = (Vec::new(), done.stdout.as_slice());
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).ok_or_else(unreadable)?;
            let header = String::from_utf8_lossy(&rest[..end]).into_owned();
            let size: usize = match header.split(' ').collect::<Vec<_>>().as_slice() {
                [_, "commit", size] => size.parse().map_err(|_| unreadable())?,
                _ => return Err(unreadable()),
            };
            let body = rest.get(end + 1..end + 1 + size).ok_or_else(unreadable)?;
            all.push(body.to_vec());
            rest = rest.get(end + size + 2..).unwrap_or_default();
        }
        if all.len() == ids.len() { Ok(all) } else { Err(unreadable()) }
    }

    fn text(&self, commit: &Commit, parents: &[&str]) -> String {
        let Identity { name, email } = self.identity;
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let message = message(&self.redactor.redact(commit.message), self.session);
        format!(
            "tree {}\n{parents}author {name} <{email}> {}\ncommitter {name} <{email}> {}\n\n{message}",
            commit.tree, commit.authored, commit.committed
        )
    }
}

fn unreadable() -> Failure {
    Failure::new(Kind::Sandbox, "the worker's commits cannot be read")
}

/// What counts of a commit.
#[derive(Debug, PartialEq, Eq)]
struct Commit<'a> {
    tree: &'a str,
    parents: Vec<&'a str>,
    authored: String,
    committed: String,
    message: &'a [u8],
}

impl<'a> Commit<'a> {
    fn read(raw: &'a [u8]) -> Option<Self> {
        let end = memchr::memmem::find(raw, b"\n\n")?;
        let (head, message) = (&raw[..end], &raw[end + 2..]);
        let mut lines = head.split(|byte| *byte == b'\n');
        let tree = std::str::from_utf8(lines.next()?.strip_prefix(b"tree ")?).ok()?;
        let (mut parents, mut authored, mut committed) = (Vec::new(), None, None);
        for line in lines {
            if let Some(parent) = line.strip_prefix(b"parent ") {
                parents.push(std::str::from_utf8(parent).ok()?);
            } else if line.starts_with(b"author ") {
                authored = authored.or(time(line));
            } else if line.starts_with(b"committer ") {
                committed = committed.or(time(line));
            }
        }
        let committed = committed.or(authored.clone()).unwrap_or_else(|| "0 +0000".to_owned());
        let authored = authored.unwrap_or_else(|| committed.clone());
        Some(Self { tree, parents, authored, committed, message })
    }
}

/// `1732544100 +0100` of the end of a line, where it is one.
fn time(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.rsplit(' ');
    let (zone, seconds) = (words.next()?, words.next()?);
    let digits = zone.strip_prefix(['+', '-'])?;
    let good_zone = digits.len() == 4
        && digits.bytes().all(|b| b.is_ascii_digit())
        && digits.parse::<u32>().ok()? <= 1400;
    let seconds: u64 = seconds.parse().ok()?;
    (good_zone && seconds < 1 << 33).then(|| format!("{seconds} {zone}"))
}

/// A message as it may stand: plain text, in nobody's name, with the session it came from.
fn message(raw: &[u8], session: &str) -> String {
    let text = String::from_utf8_lossy(raw);
    let text: String = text
        .chars()
        .filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || is_unseen(*c)))
        .collect();
    let lines: Vec<&str> =
        text.lines().filter(|line| !is_signed(line)).map(str::trim_end).collect();
    let mut text = lines.join("\n").trim().to_owned();
    let mut end = text.len().min(MESSAGE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    if text.is_empty() {
        "A change without a message".clone_into(&mut text);
    }
    format!("{text}\n\nLoop-Session: {session}\n")
}

/// Characters that show nothing, or change how others show.
pub fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{ad}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
}

/// `Signed-off-by: somebody`, and all that end alike.
fn is_signed(line: &str) -> bool {
    let Some((key, _)) = line.trim_start().split_once(':') else { return false };
    let key = key.to_ascii_lowercase();
    (key.ends_with("-by") && !key.contains(' ')) || key == "loop-session"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        for (raw, wanted) in [
            ("fix it", "fix it\n\nLoop-Session: s\n"),
            ("fix\n\nwhy\n\nSigned-off-by: Linus <l@x>\n", "fix\n\nwhy\n\nLoop-Session: s\n"),
            ("a\n\nco-authored-by: X <x@y>\nLoop-Session: other", "a\n\nLoop-Session: s\n"),
            (
                "caused by: this\nseen-by: a\nfixed by: b",
                "caused by: this\nfixed by: b\n\nLoop-Session: s\n",
            ),
            ("\u{1b}[31mred\u{202e}", "[31mred\n\nLoop-Session: s\n"),
            (" \n", "A change without a message\n\nLoop-Session: s\n"),
        ] {
            assert_eq!(message(raw.as_bytes(), "s"), wanted);
        }
        assert!(message("ä".repeat(MESSAGE).as_bytes(), "s").len() < MESSAGE + 100);
    }

    #[test]
    fn times() {
        for (line, wanted) in [
            ("author A <a@b> 1732544100 +0100", Some("1732544100 +0100")),
            ("author A <a@b> -1 +0100", None),
            ("author A <a@b> 99999999999999 +0000", None),
            ("author A <a@b> 1 +9999", None),
            ("author A", None),
        ] {
            assert_eq!(time(line.as_bytes()).as_deref(), wanted, "{line}");
        }
    }

    #[test]
    fn identities() {
        let ours = Identity::of(None, Some(" "));
        assert_eq!((ours.name.as_str(), ours.email.as_str()), ("loop", "loop@localhost"));
        let named = Identity::of(Some("Ana\n<x>"), Some("ana@acme.com"));
        assert_eq!((named.name.as_str(), named.email.as_str()), ("Anax", "ana@acme.com"));
    }
}
