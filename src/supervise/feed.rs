//! The attached standard output: a copy of the journal, from its first line on.
//!
//! A thread of its own, since whoever is attached may stop reading, and nothing else may wait for
//! that.

use super::follow::{self, Follow};
use crate::error::{Cannot as _, Kind, Result};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the end waits for a reader that reads nothing.
const PATIENCE: Duration = Duration::from_secs(1);

pub struct Feed {
    thread: JoinHandle<()>,
    written: Arc<AtomicU64>,
}

impl Feed {
    /// Also gives what has to be written to when the journal has grown.
    pub fn start(run_dir: &Path) -> Result<(Self, UnixStream)> {
        let doing = || "write the journal to standard output".to_owned();
        let (wake, woken) = UnixStream::pair().cannot(Kind::Sandbox, doing)?;
        wake.set_nonblocking(true).cannot(Kind::Sandbox, doing)?;
        let out = io::stdout().as_fd().try_clone_to_owned().cannot(Kind::Sandbox, doing)?;
        let written = Arc::new(AtomicU64::new(0));
        let mut out = Counted { out: File::from(out), written: Arc::clone(&written) };
        let run_dir = run_dir.to_owned();
        let part = Follow { wait: true, ..Follow::default() };
        let thread = std::thread::Builder::new()
            .name("feed".to_owned())
            // Nobody may be there to read, and the journal has it all.
            .spawn(move || drop(follow::copy(&run_dir, part, Some(woken), &mut out)))
            .cannot(Kind::Sandbox, doing)?;
        Ok((Self { thread, written }, wake))
    }

    /// Waits until all is written, as long as somebody reads.
    pub fn finish(self) {
        let mut last = (self.written.load(Ordering::Relaxed), Instant::now());
        while !self.thread.is_finished() && last.1.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
            let written = self.written.load(Ordering::Relaxed);
            if written != last.0 {
                last = (written, Instant::now());
            }
        }
    }
}

struct Counted {
    out: File,
    written: Arc<AtomicU64>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.written.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
