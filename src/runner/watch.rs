//! Watching a session that another process drives: its transcript, as it is stored.

use crate::domain::lines;
use crate::domain::transcript::Event;
use crate::error::{Cannot as _, Kind, Result};
use crate::store::{Store, TranscriptFile};
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(50);

/// Tells every stored event, and those that are added, until the session is over, nobody drives it
/// any more, or the teller has enough.
pub fn watch(
    store: &Store,
    session: &str,
    tail: &mut Tail,
    tell: &mut dyn FnMut(&Event) -> ControlFlow<()>,
) -> Result<()> {
    let path = store.dir(session).transcript();
    loop {
        // What was written before this look is told after it, so the last look misses nothing.
        let over = store.session(session)?.phase.is_over() || store.dir(session).lock()?.is_some();
        if tail.read(&path, tell)?.is_break() || over {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

/// Where one is in a file that grows.
#[derive(Default)]
pub struct Tail {
    position: u64,
    rest: Vec<u8>,
    /// The last event that was told: a driver that takes over writes some again.
    seq: u64,
}

impl Tail {
    /// From a byte position on.
    pub fn at(position: u64) -> Self {
        Self { position, ..Self::default() }
    }

    /// Tells the events that were added since the last time.
    pub fn read(
        &mut self,
        path: &Path,
        tell: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let mut seq = self.seq;
        let told = self.read_lines(path, &mut |line| {
            let Some(event) = TranscriptFile::read(line) else { return ControlFlow::Continue(()) };
            if event.seq <= seq {
                return ControlFlow::Continue(());
            }
            seq = event.seq;
            tell(&event)
        });
        self.seq = seq;
        told
    }

    /// Tells the whole lines that were added since the last time, as they are stored.
    pub fn read_lines(
        &mut self,
        path: &Path,
        tell: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let doing = || format!("read the transcript `{}`", path.display());
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(ControlFlow::Continue(()));
            }
            file => file.cannot(Kind::Config, doing)?,
        };
        if file.metadata().cannot(Kind::Config, doing)?.len() < self.position {
            *self = Self { seq: self.seq, ..Self::default() };
        }
        let mut reader = BufReader::new(file);
        reader.seek(SeekFrom::Start(self.position)).cannot(Kind::Config, doing)?;
        let mut chunk = vec![0; 256 << 10];
        loop {
            let read = reader.read(&mut chunk).cannot(Kind::Config, doing)?;
            if read == 0 {
                return Ok(ControlFlow::Continue(()));
            }
            self.position += read as u64;
            self.rest.extend_from_slice(&chunk[..read]);
            if self.lines(tell).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    fn lines(&mut self, tell: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> ControlFlow<()> {
        let Some(end) = memchr::memrchr(b'\n', &self.rest) else {
            return ControlFlow::Continue(());
        };
        let rest = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, rest);
        lines::lines(&lines).map(|line| &line[..line.len() - 1]).try_for_each(tell)
    }
}
