//! Skills in: folders with a `SKILL.md` (agentskills.io), as a repository or a folder of this machine
//! has them, taken whole and known by their content.
//!
//! A pack holds text alone, no links, and not much of it: it is read by models, and travels with every
//! turn. It is kept under its own digest and checked against it whenever it is used.

use super::git::{self, Git};
use super::mirror::explained;
use super::remote::Remote;
use crate::domain::refname::is_commit;
use crate::domain::words::Count;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::secrets::Secret;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What makes a folder a skill.
pub const ABOUT: &str = "SKILL.md";

const FILES: usize = 256;
const BYTES: usize = 1 << 20;
/// Folders below each other.
const DEPTH: usize = 12;
/// What a fetched revision is called.
const REVISION: &str = "refs/loop/skill";

/// Skills as files, in the order of their paths. The first part of a path is the skill's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack {
    pub files: Vec<Packed>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Packed {
    pub path: String,
    pub executable: bool,
    pub text: String,
}

/// One skill of a pack, as it speaks of itself. Untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub folder: String,
    pub description: String,
    pub files: usize,
    pub bytes: usize,
}

/// Where skills are installed from.
pub struct From<'a> {
    pub git: &'a Git,
    pub remote: &'a Remote,
    pub token: Option<&'a Secret>,
    pub revision: Option<&'a str>,
    /// Only what is below this folder.
    pub below: Option<&'a str>,
}

impl From<'_> {
    /// Fetches the revision, and nothing of its history; the commit it is now, and its skills. A skill
    /// that stands at the top is called `name`.
    pub fn fetch(&self, name: &str) -> Result<(String, Pack)> {
        let doing = || "make a folder for a repository".to_owned();
        let folder = tempfile::tempdir().cannot(Kind::Config, doing)?;
        let dir = folder.path().join("skill.git");
        git::init(self.git, &dir)?;
        let revision = self.revision.unwrap_or("HEAD");
        let (spec, address) = (format!("+{revision}:{REVISION}"), self.remote.address.as_str());
        let fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth", "1"];
        let mut arguments = fetch.to_vec();
        arguments.extend(["--no-recurse-submodules", "--end-of-options", address, &spec]);
        let outward = self.git.over(self.remote.protocol);
        let outward = match (self.remote.token_origin(), self.token) {
            (Some(origin), Some(token)) => outward.with_token(origin, token),
            _ => outward,
        };
        let done = outward.run(&dir, &arguments, b"")?;
        if !done.status.success() {
            let failed = explained(done.failure(&arguments), &done, self.remote);
            return Err(failed.hint(format!("is there a branch, tag or commit `{revision}`?")));
        }
        let whole = format!("{REVISION}^{{commit}}");
        let commit = self.git.ask_text(&dir, &["rev-parse", "--verify", &whole])?;
        if !is_commit(&commit) {
            return Err(Failure::new(Kind::Network, "the repository names no commit"));
        }
        Ok((commit.clone(), pack(name, &self.entries(&dir, &commit)?)?))
    }

    /// The plain files of a commit.
    fn entries(&self, dir: &Path, commit: &str) -> Result<Vec<Packed>> {
        let below = self.below.map(|path| format!("{}/", path.trim_matches('/')));
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit];
        arguments.extend(below.as_deref());
        let listed = self.git.ask(dir, &arguments)?;
        let mut files = Vec::new();
        let mut bytes = 0;
        for entry in listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            let entry = std::str::from_utf8(entry).map_err(|_| no_text("a name"))?;
            let Some((about, path)) = entry.split_once('\t') else { continue };
            let (mode, object) = match about.split(' ').collect::<Vec<_>>().as_slice() {
                [mode, _, object] => ((*mode).to_owned(), (*object).to_owned()),
                _ => continue,
            };
            let path = below.as_deref().and_then(|below| path.strip_prefix(below)).unwrap_or(path);
            match mode.as_str() {
                "100644" | "100755" => {}
                "120000" => return Err(a_link(path)),
                _ => continue,
            }
            let content = self.git.ask(dir, &["cat-file", "blob", &object])?;
            bytes += content.len();
            if files.len() == FILES || bytes > BYTES {
                return Err(too_much());
            }
            files.push(packed(path, mode == "100755", content)?);
        }
        Ok(files)
    }
}

impl Pack {
    /// The skills of a folder of this machine, as it is now. One that stands at the top is called
    /// `name`.
    pub fn of_folder(folder: &Path, name: &str) -> Result<Self> {
        let mut files = Vec::new();
        walk(folder, "", 0, &mut files)?;
        pack(name, &files)
    }

    /// The SHA-256 of all it holds, in hexadecimal digits.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for file in &self.files {
            for part in [&file.path, &file.text] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
            hash.update([u8::from(file.executable)]);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Its skills, in the order of their folders.
    pub fn about(&self) -> Vec<About> {
        let own = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
        let folders: BTreeSet<String> = self.files.iter().map(|file| own(&file.path)).collect();
        let about = |folder: String| {
            let files: Vec<_> =
                self.files.iter().filter(|file| own(&file.path) == folder).collect();
            let text = files.iter().find(|file| file.path == format!("{folder}/{ABOUT}"));
            About {
                description: text.map_or("", |file| described(&file.text)).to_owned(),
                files: files.len(),
                bytes: files.iter().map(|file| file.text.len()).sum(),
                folder,
            }
        };
        folders.into_iter().map(about).collect()
    }

    /// Keeps it below a folder, under its digest, which it gives.
    pub fn keep(&self, root: &Path) -> Result<String> {
        let digest = self.digest();
        let path = kept(root, &digest);
        let doing = || format!("keep skills in `{}`", path.display());
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .cannot(Kind::Config, doing)?;
        let staged = tempfile::NamedTempFile::new_in(root).cannot(Kind::Config, doing)?;
        serde_json::to_writer(&staged, self).cannot(Kind::Config, doing)?;
        staged.persist(&path).cannot(Kind::Config, doing)?;
        Ok(digest)
    }

    /// The pack of a digest, where it is kept and is still what it was.
    pub fn of_digest(root: &Path, digest: &str) -> Option<Self> {
        let bytes = std::fs::read(kept(root, digest)).ok()?;
        let pack: Self = serde_json::from_slice(&bytes).ok()?;
        (pack.digest() == digest).then_some(pack)
    }
}

fn kept(root: &Path, digest: &str) -> PathBuf {
    root.join(format!("{digest}.json"))
}

fn walk(folder: &Path, before: &str, depth: usize, files: &mut Vec<Packed>) -> Result<()> {
    let doing = || format!("read the folder `{}`", folder.display());
    if depth > DEPTH {
        return Err(too_much());
    }
    let entries = std::fs::read_dir(folder).cannot(Kind::Config, doing)?;
    let mut entries: Vec<_> =
        entries.collect::<std::io::Result<_>>().cannot(Kind::Config, doing)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| no_text("a name"))?;
        let (path, kind) = (entry.path(), entry.file_type().cannot(Kind::Config, doing)?);
        let inside = format!("{before}{name}");
        if kind.is_symlink() {
            return Err(a_link(&inside));
        } else if kind.is_dir() && name != ".git" {
            walk(&path, &format!("{inside}/"), depth + 1, files)?;
        } else if kind.is_file() {
            let about = path.metadata().cannot(Kind::Config, doing)?;
            let before: usize = files.iter().map(|file| file.text.len()).sum();
            if files.len() == FILES || about.len() > (BYTES - before.min(BYTES)) as u64 {
                return Err(too_much());
            }
            let content = std::fs::read(&path).cannot(Kind::Config, doing)?;
            files.push(packed(&inside, about.permissions().mode() & 0o100 != 0, content)?);
        }
    }
    Ok(())
}

fn packed(path: &str, executable: bool, content: Vec<u8>) -> Result<Packed> {
    let text = String::from_utf8(content).map_err(|_| no_text(&format!("`{path}`")))?;
    Ok(Packed { path: path.to_owned(), executable, text })
}

/// The skills among files: each folder with a `SKILL.md`, by its own name, whole.
fn pack(name: &str, files: &[Packed]) -> Result<Pack> {
    let folders: Vec<&str> = files
        .iter()
        .filter_map(|file| match file.path.rsplit_once('/') {
            Some((folder, ABOUT)) => Some(folder),
            None if file.path == ABOUT => Some(""),
            _ => None,
        })
        .collect();
    let is_within = |folder: &str, outer: &str| {
        outer.is_empty() || folder.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
    };
    // A skill within a skill is a part of it.
    let outermost =
        |folder: &&&str| !folders.iter().any(|outer| outer != *folder && is_within(folder, outer));
    let (mut packed, mut names) = (Vec::new(), BTreeSet::new());
    for folder in folders.iter().filter(outermost) {
        let own = match folder.rsplit('/').next().unwrap_or_default() {
            "" => name,
            own => own,
        };
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !own.chars().all(good) || own.starts_with('.') || !names.insert(own.to_owned()) {
            let sentence = format!("the skill `{own}` cannot be installed");
            return Err(Failure::new(Kind::Config, sentence)
                .because("its name is taken, or holds other than letters, digits, `-`, `_` and `.`")
                .hint("take one folder of them: `path = \"…\"` under `[source]`"));
        }
        for file in files.iter().filter(|file| is_within(&file.path, folder)) {
            let below = file.path.strip_prefix(folder).unwrap_or_default().trim_start_matches('/');
            packed.push(Packed { path: format!("{own}/{below}"), ..file.clone() });
        }
    }
    if packed.is_empty() {
        return Err(Failure::new(Kind::Config, format!("there is no `{ABOUT}` in it"))
            .hint("name the folder that has one: `path = \"…\"` under `[source]`"));
    }
    packed.sort();
    Ok(Pack { files: packed })
}

/// The `description` of a skill's front matter, where it stands on one line.
fn described(text: &str) -> &str {
    let mut lines = text.lines();
    if lines.next().map(str::trim_end) != Some("---") {
        return "";
    }
    let mut head = lines.take_while(|line| line.trim_end() != "---");
    let found = head.find_map(|line| line.strip_prefix("description:"));
    found.unwrap_or_default().trim().trim_matches(['"', '\''])
}

fn no_text(what: &str) -> Failure {
    Failure::new(Kind::Config, format!("{what} in it is no UTF-8 text"))
        .because("skills are installed as text alone")
}

fn a_link(path: &str) -> Failure {
    Failure::new(Kind::Config, format!("`{path}` in it is a link"))
        .because("a link of somebody else's may lead anywhere")
}

fn too_much() -> Failure {
    let sentence = format!("it holds more than {} or 1 MiB", Count::of(FILES, "file"));
    Failure::new(Kind::Config, sentence).hint("take a part of it: `path = \"…\"` under `[source]`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Packed {
        Packed { path: path.to_owned(), executable: false, text: text.to_owned() }
    }

    fn paths(files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let files: Vec<_> = files.iter().map(|(path, text)| file(path, text)).collect();
        let packed = pack("mine", &files).map_err(|failed| failed.sentence)?;
        Ok(packed.files.into_iter().map(|file| file.path).collect())
    }

    #[test]
    fn folders_with_a_page_are_skills() {
        let of = |files: &[&str]| paths(&files.iter().map(|path| (*path, "")).collect::<Vec<_>>());
        assert_eq!(of(&["SKILL.md", "a/x.sh"]).unwrap(), ["mine/SKILL.md", "mine/a/x.sh"]);
        assert_eq!(
            of(&["README.md", "s/one/SKILL.md", "s/one/in/SKILL.md", "two/SKILL.md", "twofold/x"])
                .unwrap(),
            ["one/SKILL.md", "one/in/SKILL.md", "two/SKILL.md"]
        );
        assert_eq!(of(&["README.md"]).unwrap_err(), "there is no `SKILL.md` in it");
        assert_eq!(
            of(&["a/x/SKILL.md", "b/x/SKILL.md"]).unwrap_err(),
            "the skill `x` cannot be installed"
        );
        assert!(of(&["..x/SKILL.md"]).is_err() && of(&["a b/SKILL.md"]).is_err());
    }

    #[test]
    fn every_change_changes_the_digest() {
        let of = |files: &[Packed]| Pack { files: files.to_vec() }.digest();
        let one = [file("a", "b"), file("c", "d")];
        assert_eq!(of(&one), of(&one));
        let mut others = vec![vec![file("a", "b")], vec![file("ab", ""), file("c", "d")]];
        others.push(vec![Packed { executable: true, ..file("a", "b") }, file("c", "d")]);
        assert!(others.iter().all(|other| of(other) != of(&one)));
    }

    #[test]
    fn kept_ones_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let pack = Pack { files: vec![file("a/SKILL.md", "---\ndescription: x\n---\n")] };
        let digest = pack.keep(folder.path()).unwrap();
        assert_eq!(Pack::of_digest(folder.path(), &digest), Some(pack.clone()));
        let altered = std::fs::read_to_string(kept(folder.path(), &digest)).unwrap();
        std::fs::write(kept(folder.path(), &digest), altered.replace(": x", ": y")).unwrap();
        assert_eq!(Pack::of_digest(folder.path(), &digest), None);
        assert_eq!(pack.about()[0].description, "x");
    }

    #[test]
    fn folders_of_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at(".git")).unwrap();
        std::fs::write(at(".git/config"), "x").unwrap();
        std::fs::write(at("SKILL.md"), "x").unwrap();
        assert_eq!(Pack::of_folder(folder.path(), "mine").unwrap().files.len(), 1);
        std::fs::write(at("image.png"), [0xff, 0xd8]).unwrap();
        let sentence = |result: Result<Pack>| result.unwrap_err().sentence;
        let told = sentence(Pack::of_folder(folder.path(), "mine"));
        assert_eq!(told, "`image.png` in it is no UTF-8 text");
        std::fs::remove_file(at("image.png")).unwrap();
        std::fs::write(at("big.md"), vec![b'x'; BYTES]).unwrap();
        assert!(sentence(Pack::of_folder(folder.path(), "mine")).contains("1 MiB"));
        std::fs::remove_file(at("big.md")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", at("link")).unwrap();
        assert_eq!(sentence(Pack::of_folder(folder.path(), "mine")), "`link` in it is a link");
    }
}
