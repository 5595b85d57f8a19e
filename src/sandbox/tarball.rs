//! Archives out of a sandbox: hostile, whoever made them.
//!
//! Only regular files and folders come out; links, devices and everything else are left and named.
//! The destination is a fresh folder that nobody else can write to, every file in it is made anew,
//! and no name in it has a component that goes anywhere but down. So there is nothing to follow and
//! nothing to overwrite.

use crate::error::{Cannot as _, Failure, Kind, Result};
use std::fs::{DirBuilder, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

/// How much may come out.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    pub bytes: u64,
    pub files: usize,
}

impl Default for Quota {
    fn default() -> Self {
        Self { bytes: 1 << 30, files: 10_000 }
    }
}

/// Deeper or longer paths are nothing that a person reviews.
const DEPTH: usize = 16;
const NAME: usize = 255;

/// Unpacks into a folder that must not exist yet; names what was left out, and why.
pub fn unpack(archive: impl Read, into: &Path, quota: Quota) -> Result<Vec<String>> {
    let doing = || format!("unpack into `{}`", into.display());
    DirBuilder::new().mode(0o700).create(into).cannot(Kind::Config, doing)?;
    let mut archive = tar::Archive::new(archive);
    let (mut left, mut bytes, mut files) = (Vec::new(), 0_u64, 0);
    for entry in archive.entries().cannot(Kind::Sandbox, doing)? {
        let mut entry = entry.cannot(Kind::Sandbox, doing)?;
        let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(path) = safe_path(&entry.path_bytes()) else {
            left.push(format!("`{shown}`: not a name that can be kept"));
            continue;
        };
        let kind = entry.header().entry_type();
        files += 1;
        if files > quota.files {
            return Err(too_much(&format!("more than {} files", quota.files)));
        }
        if kind.is_dir() {
            make_folder(&into.join(path)).cannot(Kind::Config, doing)?;
        } else if kind.is_file() {
            let target = into.join(&path);
            make_folder(target.parent().unwrap_or(into)).cannot(Kind::Config, doing)?;
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target);
            let Ok(mut file) = file else {
                left.push(format!("`{shown}`: there twice, or a folder of that name"));
                continue;
            };
            let room = quota.bytes - bytes;
            let copied = std::io::copy(&mut entry.by_ref().take(room + 1), &mut file)
                .cannot(Kind::Config, doing)?;
            if copied > room {
                let most = crate::domain::measure::show_size(quota.bytes);
                return Err(too_much(&format!("more than {most}")));
            }
            bytes += copied;
        } else {
            left.push(format!("`{shown}`: neither a file nor a folder"));
        }
    }
    Ok(left)
}

fn too_much(what: &str) -> Failure {
    Failure::new(Kind::Limit, format!("the worker left {what}"))
        .hint("ask it for less: only what people shall review belongs into the artifacts folder")
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A relative path of plain components. `None` where there is anything else in it.
fn safe_path(bytes: &[u8]) -> Option<PathBuf> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut path = PathBuf::new();
    let mut depth = 0;
    for component in Path::new(text).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) if name.len() <= NAME => {
                depth += 1;
                path.push(name);
            }
            _ => return None,
        }
    }
    (depth <= DEPTH).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Made {
        archive: tar::Builder<Vec<u8>>,
    }

    impl Made {
        fn add(&mut self, name: &[u8], kind: tar::EntryType, content: &[u8]) {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o6777);
            // The library would refuse such names itself.
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
            if kind.is_symlink() || kind.is_hard_link() {
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_cksum();
            self.archive.append(&header, content).unwrap();
        }
    }

    fn check(
        entries: &[(&[u8], tar::EntryType, &[u8])],
        quota: Quota,
    ) -> (Result<Vec<String>>, Vec<String>) {
        let mut made = Made { archive: tar::Builder::new(Vec::new()) };
        for (name, kind, content) in entries {
            made.add(name, *kind, content);
        }
        let bytes = made.archive.into_inner().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("out");
        let left = unpack(&bytes[..], &root, quota);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing beside the folder");
        let mut found = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let kind = entry.file_type().unwrap();
                assert!(kind.is_file() || kind.is_dir());
                if kind.is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push(entry.path().strip_prefix(&root).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        (left, found)
    }

    #[test]
    fn only_plain_files_and_folders_come_out() {
        use tar::EntryType as T;
        let entries: &[(&[u8], T, &[u8])] = &[
            (b"./", T::Directory, b""),
            (b"./investigation.md", T::Regular, b"# Overview"),
            (b"deep/er/file", T::Regular, b"x"),
            (b"../up", T::Regular, b"x"),
            (b"/absolute", T::Regular, b"x"),
            (b"a/../../up", T::Regular, b"x"),
            (b"link", T::Symlink, b""),
            (b"link/below", T::Regular, b"x"),
            (b"hard", T::Link, b""),
            (b"pipe", T::Fifo, b""),
            (b"device", T::Char, b""),
            (b"investigation.md", T::Regular, b"again"),
            (b"new\nline", T::Regular, b"x"),
            (b"esc\x1b[31m", T::Regular, b"x"),
            (b"\xff\xfe", T::Regular, b"x"),
            (b"sparse", T::GNUSparse, b""),
        ];
        let (left, found) = check(entries, Quota::default());
        assert_eq!(found, ["deep/er/file", "investigation.md", "link/below"]);
        assert!(left.is_err() || left.unwrap().len() >= 9);
    }

    #[test]
    fn there_is_an_end_to_it() {
        use tar::EntryType as T;
        let big = vec![0; 2_000];
        let entries: &[(&[u8], T, &[u8])] = &[(b"a", T::Regular, &big), (b"b", T::Regular, &big)];
        let (left, _) = check(entries, Quota { bytes: 3_000, files: 10 });
        assert_eq!(left.unwrap_err().kind, Kind::Limit);
        let (left, _) = check(entries, Quota { bytes: 30_000, files: 1 });
        assert_eq!(left.unwrap_err().kind, Kind::Limit);
        let (left, found) = check(entries, Quota { bytes: 4_000, files: 2 });
        assert!(left.unwrap().is_empty());
        assert_eq!(found.len(), 2);
    }
}
