//! Waiting for files to grow.
//!
//! The kernel tells, where it still has a watch to give: there are few of them to a user, and all the
//! sandboxes of a machine share them. Else the files are looked at, less and less often while
//! nothing happens.

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// A file that has just grown is left alone for this long: many small writes are one batch.
const BATCH: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(50);
/// How often one looks in spite of the kernel's silence.
const TRUST: Duration = Duration::from_secs(1);

pub struct Watch {
    inotify: Option<Inotify>,
    pause: Duration,
    grew: Instant,
}

impl Watch {
    pub fn new(files: &[&Path]) -> Self {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).ok();
        let inotify = inotify.filter(|inotify| {
            let flags = AddWatchFlags::IN_MODIFY;
            files.iter().all(|file| inotify.add_watch(*file, flags).is_ok())
        });
        Self { inotify, pause: Duration::ZERO, grew: Instant::now() }
    }

    /// The files were looked at.
    pub fn looked(&mut self, grew: bool, now: Instant) {
        if let Some(inotify) = &self.inotify {
            let _ = inotify.read_events();
        }
        if grew {
            self.grew = now;
            self.pause = Duration::from_millis(1);
        } else {
            self.pause = (self.pause * 2).clamp(Duration::from_millis(1), LONGEST);
        }
    }

    /// When to look again at the latest.
    pub fn due(&self, now: Instant) -> Instant {
        match &self.inotify {
            Some(_) if now < self.grew + BATCH => self.grew + BATCH,
            Some(_) => now + TRUST,
            None => now + self.pause,
        }
    }

    /// What becomes readable when a file grows.
    pub fn fd(&self, now: Instant) -> Option<BorrowedFd<'_>> {
        let inotify = self.inotify.as_ref()?;
        (now >= self.grew + BATCH).then(|| inotify.as_fd())
    }
}
