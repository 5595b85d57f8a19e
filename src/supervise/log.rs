//! Writing the journal.
//!
//! Lines are numbered when they are put in, and stay in memory, in order, until the file has taken
//! them: a full disk delays the journal and leaves no gap in it. Who produces lines has to stop
//! while it is [`Journal::blocked`].

use super::{clock, lines};
use crate::domain::journal::{self, Head, Line, Stream, Sys};
use crate::error::{Cannot as _, Kind, Result};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a written line may wait for the disk's word.
const SYNC: Duration = Duration::from_secs(1);
/// How soon a failed write is tried again.
const AGAIN: Duration = Duration::from_millis(200);
/// Kept free so that the end of a turn can be told on a full disk.
const RESERVE: usize = 64 << 10;
/// From here on lines go to the file.
const FULL: usize = 1 << 20;

pub struct Journal {
    file: File,
    reserve: std::path::PathBuf,
    next: u64,
    buffer: Vec<u8>,
    /// How much of the buffer the file has.
    taken: usize,
    written: u64,
    unsynced: Option<Instant>,
    failed: Option<Failed>,
}

#[derive(Clone, Copy)]
struct Failed {
    since: Instant,
    last: Instant,
}

impl Journal {
    /// Opens the journal of a run directory, or begins one. A torn last line is cut off.
    pub fn open(run_dir: &Path) -> Result<Self> {
        let path = run_dir.join("journal.jsonl");
        let doing = || format!("open the journal `{}`", path.display());
        let file = super::record::private().read(true).append(true).open(&path);
        let file = file.cannot(Kind::Sandbox, doing)?;
        let end = lines::whole(&file).cannot(Kind::Sandbox, doing)?;
        file.set_len(end).cannot(Kind::Sandbox, doing)?;
        let last = match end {
            0 => 0,
            end => lines::line_start(&file, end - 1)
                .and_then(|start| lines::number_at(&file, start))
                .cannot(Kind::Sandbox, doing)?,
        };
        let journal = Self {
            file,
            reserve: run_dir.join("reserve"),
            next: last + 1,
            buffer: Vec::new(),
            taken: 0,
            written: 0,
            unsynced: None,
            failed: None,
        };
        journal.keep_reserve();
        Ok(journal)
    }

    fn head(&mut self, turn: u32) -> Head {
        let head = Head { n: self.next, t: clock::unix_ms(), turn };
        self.next += 1;
        head
    }

    /// Lines of output; the last one comes without its newline.
    pub fn output(&mut self, turn: u32, stream: Stream, text: &[u8]) {
        let t = clock::unix_ms();
        for line in text.split(|b| *b == b'\n') {
            journal::write_output(&mut self.buffer, Head { n: self.next, t, turn }, stream, line);
            self.next += 1;
            if self.buffer.len() >= FULL {
                self.flush();
            }
        }
    }

    /// The beginning of a line that comes in pieces; [`Self::close_line`] ends it.
    pub fn open_line(&mut self, turn: u32, stream: Stream, text: bool) {
        let head = self.head(turn);
        journal::write_start(&mut self.buffer, head, stream, text);
    }

    /// A piece of an open line, already in the form it has in JSON.
    pub fn piece(&mut self, escaped: &[u8]) {
        self.buffer.extend_from_slice(escaped);
        if self.buffer.len() >= FULL {
            self.flush();
        }
    }

    pub fn close_line(&mut self) {
        self.buffer.extend_from_slice(b"\"}\n");
    }

    pub fn sys(&mut self, turn: u32, sys: &Sys) {
        let head = self.head(turn);
        journal::write_sys(&mut self.buffer, head, sys);
    }

    /// Gives the file what there is.
    pub fn flush(&mut self) {
        while self.taken < self.buffer.len() {
            match self.file.write(&self.buffer[self.taken..]) {
                Ok(0) => return self.fail(),
                Ok(n) => {
                    self.taken += n;
                    self.written += n as u64;
                    self.unsynced.get_or_insert_with(Instant::now);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return self.fail(),
            }
        }
        self.buffer.clear();
        self.buffer.shrink_to(2 * FULL);
        self.taken = 0;
        self.failed = None;
    }

    fn fail(&mut self) {
        let now = Instant::now();
        let since = self.failed.map_or(now, |failed| failed.since);
        self.failed = Some(Failed { since, last: now });
    }

    /// For how long the file has taken nothing more.
    pub fn blocked(&self) -> Option<Duration> {
        self.failed.map(|failed| failed.since.elapsed())
    }

    /// Bytes that the file took since this supervisor started.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// What has to be done from time to time. Says when it wants to be asked again.
    pub fn tick(&mut self, now: Instant) -> Option<Instant> {
        match self.failed {
            Some(failed) if now < failed.last + AGAIN => {}
            _ => self.flush(),
        }
        if self.unsynced.is_some_and(|since| now >= since + SYNC) {
            self.sync();
        }
        let again = self.failed.map(|failed| failed.last + AGAIN);
        [again, self.unsynced.map(|since| since + SYNC)].into_iter().flatten().min()
    }

    pub fn sync(&mut self) {
        // A disk that fails here fails the next write too, and that is where it is dealt with.
        let _ = self.file.sync_data();
        self.unsynced = None;
    }

    /// Gives up what the file could not take, and says how many bytes that was.
    pub fn drop_pending(&mut self) -> u64 {
        let dropped = self.buffer.len() - self.taken;
        self.buffer.clear();
        self.taken = 0;
        self.failed = None;
        let whole = lines::whole(&self.file).and_then(|end| {
            self.file.set_len(end)?;
            match end {
                0 => Ok(0),
                end => lines::number_at(&self.file, lines::line_start(&self.file, end - 1)?),
            }
        });
        if let Ok(last) = whole {
            self.next = last + 1;
        }
        dropped as u64
    }

    /// Frees the space that was kept for the end of a turn.
    pub fn free_reserve(&mut self) {
        let _ = std::fs::remove_file(&self.reserve);
        self.flush();
    }

    /// Best effort: a disk that is full already has no space to keep.
    pub fn keep_reserve(&self) {
        if self.reserve.metadata().is_ok_and(|meta| meta.len() == RESERVE as u64) {
            return;
        }
        let file = super::record::private().write(true).open(&self.reserve);
        if file.and_then(|mut file| file.write_all(&vec![b' '; RESERVE])).is_err() {
            let _ = std::fs::remove_file(&self.reserve);
        }
    }

    /// Whether the last turn's end stands in the journal: only the supervisor's own end may
    /// come after it.
    pub fn tells_end_of(&self, turn: u32) -> bool {
        let Ok(mut end) = lines::whole(&self.file) else { return false };
        while end > 0 {
            let Ok(start) = lines::line_start(&self.file, end - 1) else { return false };
            let mut bytes = vec![0; (end - 1 - start).min(1 << 20) as usize];
            let read = std::os::unix::fs::FileExt::read_exact_at(&self.file, &mut bytes, start);
            let line = read.ok().and_then(|()| Line::read(&bytes));
            match line.map(|line| (line.turn, line.body)) {
                Some((n, journal::Body::Sys(Sys::TurnExited(_)))) => return n == turn,
                Some((0, _)) => end = start,
                _ => return false,
            }
        }
        false
    }
}
