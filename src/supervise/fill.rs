//! Putting files into a sandbox that has none of this machine's: the hidden command `fill`.

use crate::error::{Cannot as _, Failure, Kind, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

/// Reads an archive of plain files, each under its absolute path without the first slash, and writes
/// those that go below one of the roots; everything else is refused. Each appears whole, and
/// read-only. Once all are there, so is the file `done`.
pub fn fill(input: &mut dyn Read, roots: &[PathBuf], done: &Path) -> Result<()> {
    let doing = || "put files into the sandbox".to_owned();
    let mut archive = tar::Archive::new(input);
    for entry in archive.entries().cannot(Kind::Sandbox, doing)? {
        let mut entry = entry.cannot(Kind::Sandbox, doing)?;
        let path = entry.path().ok().and_then(|path| target(&path, roots));
        let Some(path) = path.filter(|_| entry.header().entry_type().is_file()) else {
            let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            return Err(Failure::new(Kind::Sandbox, format!("cannot {}", doing()))
                .because(format!("`{shown}` is no file that belongs there")));
        };
        let runs = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
        write(&mut entry, &path, if runs { 0o555 } else { 0o444 })
            .cannot(Kind::Sandbox, || format!("write `{}` in the sandbox", path.display()))?;
    }
    File::create(done).map(drop).cannot(Kind::Sandbox, doing)
}

/// Where a file goes, if it may.
fn target(path: &Path, roots: &[PathBuf]) -> Option<PathBuf> {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let path = Path::new("/").join(path);
    let below = |root: &PathBuf| path.starts_with(root) && path != *root;
    (plain && roots.iter().any(below)).then_some(path)
}

fn write(from: &mut dyn Read, path: &Path, mode: u32) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    std::fs::create_dir_all(parent)?;
    let staged = parent.join(format!(".{}.new", name.to_string_lossy()));
    match std::fs::remove_file(&staged) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&staged)?;
    io::copy(from, &mut file)?;
    std::fs::rename(staged, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn archive(entries: &[(&str, tar::EntryType, u32)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, kind, mode) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(4);
            header.set_mode(*mode);
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            archive.append(&header, &b"text"[..]).unwrap();
        }
        archive.into_inner().unwrap()
    }

    #[test]
    fn only_files_below_the_roots_are_written() {
        use tar::EntryType as T;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("in");
        let done = dir.path().join("done");
        let name = |path: &str| root.join(path).display().to_string()[1..].to_owned();
        let put = |entries: &[(&str, T, u32)]| {
            fill(&mut &archive(entries)[..], std::slice::from_ref(&root), &done)
        };
        let (good, program) = (name("a/b"), name("run"));
        put(&[(&good, T::Regular, 0o600), (&program, T::Regular, 0o755)]).unwrap();
        let mode = |path: &str| root.join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("a/b"), mode("run")), (0o444, 0o555));
        assert!(done.exists());
        put(&[(&good, T::Regular, 0o644)]).unwrap();
        for (bad, kind) in [
            ("etc/passwd", T::Regular),
            (&*name("../out"), T::Regular),
            (&*format!("/{good}"), T::Regular),
            (&*name("link"), T::Symlink),
        ] {
            assert!(put(&[(bad, kind, 0o644)]).is_err(), "{bad}");
        }
        assert!(!dir.path().join("out").exists());
    }
}
