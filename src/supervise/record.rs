//! A turn's folder: its claim and its exit record.

use crate::domain::journal::Exit;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The record is written over a file of this size, so that a full disk cannot keep it from being
/// written.
const SIZE: usize = 4096;
/// What a reason may take of it.
const REASON: usize = 2000;

/// Options for a file that only the supervisor may open.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

#[derive(Debug, Clone)]
pub struct Record {
    pub turn: u32,
    pub dir: PathBuf,
}

impl Record {
    pub fn of(run_dir: &Path, turn: u32) -> Self {
        Self { turn, dir: run_dir.join(format!("turn-{turn}")) }
    }

    /// All that were claimed, in order.
    pub fn list(run_dir: &Path) -> Vec<Self> {
        let entries = std::fs::read_dir(run_dir).into_iter().flatten().flatten();
        let turns = entries.filter_map(|entry| {
            let name = entry.file_name();
            name.to_str()?.strip_prefix("turn-")?.parse::<u32>().ok()
        });
        let mut turns: Vec<u32> = turns.collect();
        turns.sort_unstable();
        turns.into_iter().map(|turn| Self::of(run_dir, turn)).collect()
    }

    pub fn is_claimed(&self) -> bool {
        self.dir.exists()
    }

    /// Claims the turn; `false` where somebody did so before.
    pub fn claim(&self) -> io::Result<bool> {
        match DirBuilder::new().mode(0o700).create(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            made => made?,
        }
        // Not synced: the harness need not wait for the disk, and a machine that stops now takes the
        // sandbox with it. A claim that cannot be kept is given back, so that it can be tried again.
        let blank = private().write(true).open(self.blank());
        blank
            .and_then(|mut file| file.write_all(&[b' '; SIZE]))
            .inspect_err(|_| drop(std::fs::remove_dir_all(&self.dir)))?;
        Ok(true)
    }

    fn blank(&self) -> PathBuf {
        self.dir.join("exit.json.new")
    }

    /// Makes how it ended known for good.
    pub fn write(&self, exit: &Exit) -> io::Result<()> {
        let mut exit = exit.clone();
        if let Some(reason) = &mut exit.spawn_error {
            shorten(reason);
        }
        let json = serde_json::to_vec(&exit)?;
        let file = private().truncate(false).write(true).open(self.blank())?;
        file.write_all_at(&json, 0)?;
        file.set_len(json.len() as u64)?;
        file.sync_all()?;
        std::fs::rename(self.blank(), self.dir.join("exit.json"))?;
        File::open(&self.dir)?.sync_all()?;
        File::open(self.dir.parent().unwrap_or(&self.dir))?.sync_all()
    }

    /// How it ended, where that is known.
    pub fn read(&self) -> Option<Exit> {
        serde_json::from_slice(&std::fs::read(self.dir.join("exit.json")).ok()?).ok()
    }

    pub fn is_over(&self) -> bool {
        self.dir.join("exit.json").exists()
    }

    pub fn size(&self, name: &str) -> u64 {
        self.dir.join(name).metadata().map_or(0, |meta| meta.len())
    }
}

/// Cuts a reason to what a record has room for.
pub fn shorten(reason: &mut String) {
    let mut end = REASON.min(reason.len());
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.truncate(end);
}
