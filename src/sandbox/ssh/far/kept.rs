//! Files that were sent, by their content: each is sent once to a machine, whatever session wants it.
//!
//! A file appears whole and right or not at all: it is hashed while it arrives, and renamed when its
//! digest is the one in its name. So any number may arrive at once, of the same content too.

use super::super::super::content;
use super::super::wire::{Piece, Role};
use crate::error::{Cannot as _, Failure, Kind, Result};
use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use std::fs::{DirBuilder, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What nobody used for so long is forgotten.
const UNUSED: Duration = Duration::from_hours(30 * 24);

pub(super) struct Kept {
    contents: PathBuf,
    /// The copies of this program.
    programs: PathBuf,
}

impl Kept {
    pub fn below(cache: &Path) -> Self {
        Self { contents: cache.join("contents"), programs: cache.join("bin") }
    }

    fn path(&self, piece: &Piece) -> PathBuf {
        // A program may be run, and nothing else: two roles of one content are two files.
        let run = if matches!(piece.role, Role::Program { .. }) { "-x" } else { "" };
        self.contents.join(format!("{}{run}", piece.digest))
    }

    /// Whether it is here; then it was used now.
    pub fn has(&self, piece: &Piece) -> bool {
        let path = self.path(piece);
        path.metadata().is_ok_and(|about| about.len() == piece.bytes) && used_now(&path)
    }

    /// Takes in a file as it comes.
    pub fn take(&self, piece: &Piece, from: impl Read) -> Result<()> {
        let doing = || format!("keep {}", piece.role.told());
        make(&self.contents).cannot(Kind::Sandbox, doing)?;
        let mut staged = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&self.contents)
            .cannot(Kind::Sandbox, doing)?;
        // One byte more than there may be shows that there are more.
        let mut from = from.take(piece.bytes + 1);
        let (found, bytes) = content::copied(&mut from, staged.as_file_mut())
            .map_err(|error| arriving(&error, &doing()))?;
        if bytes != piece.bytes || found != piece.digest {
            return Err(Failure::new(Kind::Network, format!("cannot {}", doing()))
                .because("it did not arrive as it was sent"));
        }
        // The end that was said.
        let rest = std::io::copy(&mut from, &mut std::io::sink());
        rest.map_err(|error| arriving(&error, &doing()))?;
        let mode = if matches!(piece.role, Role::Program { .. }) { 0o555 } else { 0o444 };
        staged
            .as_file()
            .set_permissions(Permissions::from_mode(mode))
            .cannot(Kind::Sandbox, doing)?;
        staged
            .persist(self.path(piece))
            .map_err(|error| error.error)
            .cannot(Kind::Sandbox, doing)?;
        Ok(())
    }

    /// Puts a file that is here into a session's folder: as a link where it can be.
    pub fn lay(&self, piece: &Piece, at: &Path) -> Result<()> {
        let doing = || format!("lay out {}", piece.role.told());
        let folder = at.parent().unwrap_or(at);
        make(folder).cannot(Kind::Sandbox, doing)?;
        let staged = tempfile::Builder::new().prefix(".new-").tempdir_in(folder);
        let staged = staged.cannot(Kind::Sandbox, doing)?;
        let (from, link) = (self.path(piece), staged.path().join("file"));
        if std::fs::hard_link(&from, &link).is_err() {
            std::fs::copy(&from, &link).cannot(Kind::Sandbox, doing)?;
        }
        std::fs::rename(&link, at).cannot(Kind::Sandbox, doing)
    }

    /// Unpacks an archive that is here into a session's folder.
    pub fn unpack(&self, piece: &Piece, at: &Path) -> Result<()> {
        let doing = || format!("unpack {}", piece.role.told());
        make(at).cannot(Kind::Sandbox, doing)?;
        let file = File::open(self.path(piece)).cannot(Kind::Sandbox, doing)?;
        tar::Archive::new(file).unpack(at).cannot(Kind::Sandbox, doing)
    }

    /// What cannot be forgotten now is later.
    pub fn forget_unused(&self) {
        // The clock of the file system is the one that the times in it are of.
        let Some(now) = tempfile::NamedTempFile::new_in(&self.contents)
            .ok()
            .and_then(|file| file.as_file().metadata().ok()?.modified().ok())
        else {
            return;
        };
        let programs = entries(&self.programs);
        for file in
            entries(&self.contents).into_iter().chain(programs.iter().flat_map(|p| entries(p)))
        {
            let used = file.metadata().and_then(|about| about.modified());
            if used.is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > UNUSED)) {
                let _ = std::fs::remove_file(&file);
            }
        }
        for folder in programs {
            // One with a copy in it stays.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// An end of the connection, or a full disk.
fn arriving(error: &std::io::Error, doing: &str) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Kind::Network,
        _ => Kind::Sandbox,
    };
    Failure::new(kind, format!("cannot {doing}")).because(error)
}

fn make(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Marks a file as used.
pub(super) fn used_now(path: &Path) -> bool {
    let now = TimeSpec::UTIME_NOW;
    utimensat(AT_FDCWD, path, &now, &now, UtimensatFlags::FollowSymlink).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn piece(content: &[u8], role: Role) -> Piece {
        Piece { role, digest: content::digest(content).unwrap(), bytes: content.len() as u64 }
    }

    #[test]
    fn only_what_is_whole_and_right_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::below(dir.path());
        let wanted = piece(b"evidence", Role::Snapshot);
        for wrong in [&b"evidenc"[..], b"evidencE", b"evidence and more", b""] {
            assert!(!kept.has(&wanted));
            assert!(kept.take(&wanted, wrong).is_err(), "{wrong:?}");
            let left = std::fs::read_dir(dir.path().join("contents")).unwrap().count();
            assert_eq!(left, 0, "nothing is left of {wrong:?}");
        }
        kept.take(&wanted, &b"evidence"[..]).unwrap();
        assert!(kept.has(&wanted));
        assert!(!kept.has(&piece(b"evidence", Role::Program { name: "x".to_owned() })));
    }

    #[test]
    fn a_session_has_links_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::below(&dir.path().join("cache"));
        let program = piece(b"#!/bin/sh\n", Role::Program { name: "x".to_owned() });
        kept.take(&program, &b"#!/bin/sh\n"[..]).unwrap();
        let at = dir.path().join("s/given/harness/x");
        for _ in 0..2 {
            kept.lay(&program, &at).unwrap();
            assert_eq!(
                (at.metadata().unwrap().nlink(), at.metadata().unwrap().mode() & 0o777),
                (2, 0o555)
            );
            assert_eq!(std::fs::read_dir(at.parent().unwrap()).unwrap().count(), 1);
        }
    }

    #[test]
    fn what_is_not_used_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::below(dir.path());
        let [old, new] = [b"old", b"new"].map(|content| {
            let piece = piece(content, Role::Snapshot);
            kept.take(&piece, &content[..]).unwrap();
            piece
        });
        let copy = dir.path().join("bin/00ff/loop");
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::write(&copy, "").unwrap();
        for path in [kept.path(&old), copy.clone()] {
            let ago = TimeSpec::new(1_000_000_000, 0);
            utimensat(AT_FDCWD, &path, &ago, &ago, UtimensatFlags::FollowSymlink).unwrap();
        }
        kept.forget_unused();
        assert!(!kept.path(&old).exists() && !copy.parent().unwrap().exists());
        assert!(kept.has(&new));
    }
}
