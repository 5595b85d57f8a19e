//! What a sandbox is made from, by content: the near side's half of putting it there.

use super::super::{SandboxSpec, content};
use super::wire::{Piece, Role};
use crate::domain::digest;
use crate::domain::preset::Image;
use crate::error::{Cannot as _, Kind, Result};
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Each piece, and the file it is in.
pub(super) struct Contents {
    pub pieces: Vec<Piece>,
    files: Vec<PathBuf>,
    /// An archive that was made for this; gone with it.
    context: Option<tempfile::NamedTempFile>,
}

impl Contents {
    /// Finds out what there is. `cache` remembers the digests of programs, which are large and stay.
    pub fn gather(spec: &SandboxSpec, cache: &Path) -> Result<Self> {
        let mut all = Self { pieces: Vec::new(), files: Vec::new(), context: None };
        for (name, path) in spec.program.map(files_of).transpose()?.unwrap_or_default() {
            let digest = of_program(&path, cache)?;
            all.add(Role::Program { name }, path, digest)?;
        }
        let own = [
            (Role::Snapshot, spec.snapshot),
            (Role::Repository, spec.repository),
            (Role::CaBundle, spec.ca_bundle),
        ];
        for (role, path) in own {
            let Some(path) = path else { continue };
            all.add(role, path.to_owned(), of_file(path)?)?;
        }
        if let Image::Dockerfile(dockerfile) = spec.image {
            let archive = archivecontext(Path::new(dockerfile))?;
            let path = archive.path().to_owned();
            let digest = of_file(&path)?;
            all.add(Role::Context, path, digest)?;
            all.context = Some(archive);
        }
        Ok(all)
    }

    fn add(&mut self, role: Role, path: PathBuf, digest: String) -> Result<()> {
        let about = path.metadata().cannot(Kind::Config, || reading(&path))?;
        self.pieces.push(Piece { role, digest, bytes: about.len() });
        self.files.push(path);
        Ok(())
    }

    pub fn open(&self, at: usize) -> Result<File> {
        let path = &self.files[at];
        File::open(path).cannot(Kind::Config, || reading(path))
    }
}

fn reading(path: &Path) -> String {
    format!("read `{}`", path.display())
}

fn of_file(path: &Path) -> Result<String> {
    let file = File::open(path).cannot(Kind::Config, || reading(path))?;
    content::digest(file).cannot(Kind::Config, || reading(path))
}

/// The digest of a program, from memory where the file is the one that it was taken of.
pub(super) fn of_program(path: &Path, cache: &Path) -> Result<String> {
    let about = path.metadata().cannot(Kind::Config, || reading(path))?;
    let times = format!("{} {} {}", about.mtime(), about.mtime_nsec(), about.ctime_nsec());
    let file = format!("{} {} {}", about.dev(), about.ino(), about.len());
    let folder = cache.join("digests");
    let known = folder.join(digest::short(&[&*times, &*file]));
    if let Ok(text) = std::fs::read_to_string(&known)
        && is_digest(&text)
    {
        return Ok(text);
    }
    let found = of_file(path)?;
    // One that cannot be remembered is found again next time.
    let _ = std::fs::create_dir_all(&folder).and_then(|()| {
        let mut staged = tempfile::NamedTempFile::new_in(&folder)?;
        std::io::Write::write_all(&mut staged, found.as_bytes())?;
        staged.persist(&known)?;
        Ok(())
    });
    Ok(found)
}

/// SHA-256 in hexadecimal digits, and nothing else: it becomes a file's name.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The plain files of a folder, in a stable order.
fn files_of(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let doing = || reading(folder);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).cannot(Kind::Config, doing)? {
        let entry = entry.cannot(Kind::Config, doing)?;
        if entry.file_type().cannot(Kind::Config, doing)?.is_file() {
            files.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

/// The folder of a Dockerfile, with the file under its usual name. The same content makes the same archive.
fn archivecontext(dockerfile: &Path) -> Result<tempfile::NamedTempFile> {
    let doing = || format!("read the build context of `{}`", dockerfile.display());
    let folder = dockerfile.parent().filter(|folder| !folder.as_os_str().is_empty());
    let staged = tempfile::NamedTempFile::new().cannot(Kind::Config, doing)?;
    let mut archive = tar::Builder::new(std::io::BufWriter::new(staged.as_file()));
    archive.follow_symlinks(false);
    archive.mode(tar::HeaderMode::Deterministic);
    archive
        .append_dir_all(".", folder.unwrap_or_else(|| Path::new(".")))
        .cannot(Kind::Config, doing)?;
    archive.append_path_with_name(dockerfile, "Dockerfile").cannot(Kind::Config, doing)?;
    let buffer = archive.into_inner().cannot(Kind::Config, doing)?;
    buffer.into_inner().map_err(|error| error.into_error()).cannot(Kind::Config, doing)?;
    Ok(staged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_read_once_and_again_when_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (path, cache) = (dir.path().join("p"), dir.path().join("cache"));
        std::fs::write(&path, "one").unwrap();
        let first = of_program(&path, &cache).unwrap();
        assert!(is_digest(&first));
        let known = std::fs::read_dir(cache.join("digests")).unwrap().next().unwrap().unwrap();
        std::fs::write(known.path(), "f".repeat(64)).unwrap();
        assert_eq!(of_program(&path, &cache).unwrap(), "f".repeat(64), "from memory");
        std::fs::write(known.path(), "../../nonsense").unwrap();
        assert_eq!(of_program(&path, &cache).unwrap(), first, "a spoilt memory is none");
        std::fs::write(&path, "two and more").unwrap();
        assert_ne!(of_program(&path, &cache).unwrap(), first);
    }
}
