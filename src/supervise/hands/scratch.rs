//! Files without names, for a command's input and output: a program that writes to a file and exits
//! has written all of it, which of a pipe is not so.

use super::frame::PIECE;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The most that a command is given to read.
const LONGEST: u64 = 64 << 20;

/// What a command writes to, read as it grows.
pub(super) struct Grows {
    file: File,
    at: u64,
}

impl Grows {
    /// The end for the command, and ours.
    pub(super) fn new(folder: &Path, name: &str) -> io::Result<(File, Self)> {
        let path = folder.join(format!(".{name}"));
        let writes = fresh(&path)?;
        let file = File::open(&path);
        std::fs::remove_file(&path)?;
        Ok((writes, Self { file: file?, at: 0 }))
    }

    /// By which the kernel tells that it grows.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// The next piece; nothing where there is none yet.
    pub(super) fn next(&mut self) -> io::Result<Vec<u8>> {
        let len = self.file.metadata()?.len();
        if len < self.at {
            // Whoever writes to it may cut it. It goes on where it now ends.
            self.at = len;
        }
        let mut piece = vec![0; PIECE.min((len - self.at) as usize)];
        let n = self.file.read_at(&mut piece, self.at)?;
        piece.truncate(n);
        self.at += n as u64;
        Ok(piece)
    }
}

/// What a command reads, while it is put together.
pub(super) struct Input {
    file: File,
    length: u64,
}

impl Input {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let path = folder.join(".in");
        let file = fresh(&path)?;
        std::fs::remove_file(path)?;
        Ok(Self { file, length: 0 })
    }

    pub(super) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        self.length += piece.len() as u64;
        if self.length > LONGEST {
            return Err(io::Error::other("it is given too much to read"));
        }
        self.file.write_all(piece)
    }

    /// From its beginning.
    pub(super) fn whole(mut self) -> io::Result<File> {
        self.file.rewind()?;
        Ok(self.file)
    }
}

fn fresh(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(path)
}
