//! One process of a turn: a setup command, the placing of files, or the harness itself.

use super::log::Journal;
use super::spawn::Started;
use super::tail::{Into, Sizes, Tail};
use super::watch::Watch;
use crate::domain::journal::{Exit, Stream, Sys};
use nix::unistd::Pid;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How much is copied before the supervisor looks around again.
const STRETCH: u64 = 8 << 20;
/// How long the end of a turn waits for space on a full disk.
const FULL: Duration = Duration::from_secs(30);

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Code(i32),
    Signal(i32),
}

pub struct Job {
    pub pid: Pid,
    pub ended: Option<Ended>,
    tails: [Tail; 2],
    watch: Watch,
    started: Instant,
}

impl Job {
    pub fn new(started: Started, now: Instant) -> Self {
        let name = |fd: i32| PathBuf::from(format!("/proc/self/fd/{fd}"));
        let names = [&started.out, &started.err].map(|file| name(file.as_raw_fd()));
        let watch = Watch::new(&[&names[0], &names[1]]);
        let sizes = Sizes::default();
        let tails = [
            Tail::new(started.out, Stream::Out, sizes),
            Tail::new(started.err, Stream::Err, sizes),
        ];
        Self { pid: started.pid, ended: None, tails, watch, started: now }
    }

    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Copies a stretch of what was written, at most up to a limit (0 is none). Says whether there
    /// was anything.
    pub fn copy(&mut self, into: &mut Into, limit: u64, now: Instant) -> bool {
        let mut moved = false;
        for at in 0..2 {
            let room = match limit {
                0 => STRETCH,
                limit => limit.saturating_sub(self.taken()).min(STRETCH),
            };
            // A file of ours that cannot be read is looked at again at the next opportunity.
            moved |= self.tails[at].copy(into, room).is_ok_and(|n| n > 0);
        }
        self.watch.looked(moved, now);
        moved
    }

    fn taken(&self) -> u64 {
        self.tails.iter().map(Tail::taken).sum()
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.tails.iter().map(Tail::written).sum()
    }

    /// The last lines, and what is left out of them.
    pub fn finish(&mut self, into: &mut Into) {
        for tail in &mut self.tails {
            let _ = tail.finish(into);
        }
        let left: u64 = self.tails.iter().map(Tail::left).sum();
        if left > 0 {
            let what = "output".to_owned();
            into.journal.sys(into.turn, &Sys::Truncated { what, bytes: left });
        }
    }

    /// Whether the journal has been kept from growing for so long that the rest is given up.
    pub fn give_up(&mut self, turn: u32, journal: &mut Journal) -> bool {
        if self.ended.is_none() || journal.blocked().is_none_or(|long| long < FULL) {
            return false;
        }
        let left: u64 = self.tails.iter().map(Tail::left).sum();
        let bytes = left + journal.drop_pending();
        self.tails.iter_mut().for_each(Tail::give_up);
        journal.free_reserve();
        let what = "output (the disk is full)".to_owned();
        journal.sys(turn, &Sys::Truncated { what, bytes });
        true
    }

    /// What is known of its end.
    pub fn exit(&self, now: Instant) -> Exit {
        let (code, signal) = match self.ended {
            Some(Ended::Code(code)) => (Some(code), None),
            Some(Ended::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        Exit {
            code,
            signal,
            out_bytes: self.tails[0].written(),
            err_bytes: self.tails[1].written(),
            duration_ms: now.duration_since(self.started).as_millis() as u64,
            ..Exit::default()
        }
    }
}
