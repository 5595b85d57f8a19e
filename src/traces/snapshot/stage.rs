//! Where spans wait, in the order they come, until all of them are there to be sorted.
//!
//! Packed rows lie one after the other in a file without a name. In memory, of each span, is only the
//! key it is found and sorted by (48 bytes).

use super::super::span::{SpanId, TraceId};
use super::pack::{self, Packed, Row};
use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write as _};
use std::os::unix::fs::FileExt as _;

/// What is gathered before it is written.
const GATHERED: usize = 1 << 20;

/// What is read at once of rows that follow each other.
const MOST_READ: usize = 1 << 20;
const LEAST_READ: usize = 4 << 10;

/// What a staged span is found and sorted by.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub start_us: i64,
    /// Where its row lies; also the order in which spans came.
    pub at: u64,
    pub length: u32,
}

pub(super) struct Stage {
    file: File,
    gathered: Vec<u8>,
    /// How much was written before what is gathered.
    written: u64,
    pub keys: Vec<Key>,
}

impl Stage {
    pub fn new() -> Result<Self> {
        // Where large things may lie: what is below `/tmp` is memory on many machines.
        let file = tempfile::tempfile_in("/var/tmp").or_else(|_| tempfile::tempfile())?;
        Ok(Self { file, gathered: Vec::new(), written: 0, keys: Vec::new() })
    }

    pub fn add(&mut self, packed: &Packed) -> Result<()> {
        let from = self.written + self.gathered.len() as u64;
        self.keys.extend(packed.keys.iter().map(|key| Key { at: key.at + from, ..*key }));
        self.gathered.extend_from_slice(&packed.rows);
        if self.gathered.len() >= GATHERED { self.flush() } else { Ok(()) }
    }

    pub fn flush(&mut self) -> Result<()> {
        self.file.write_all(&self.gathered)?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    /// A reader of its own for a thread; of what was flushed.
    pub fn reader(&self) -> Reader<'_> {
        Reader { file: &self.file, length: self.written, from: 0, buffer: Vec::new(), ahead: 0 }
    }
}

/// Reads rows; far ahead as long as they follow each other.
pub(super) struct Reader<'a> {
    file: &'a File,
    length: u64,
    /// Where the buffer's first byte lies.
    from: u64,
    buffer: Vec<u8>,
    ahead: usize,
}

impl Reader<'_> {
    pub fn row(&mut self, key: &Key) -> Result<Row<'_>> {
        let wanted = key.length as usize;
        let inside = key.at.checked_sub(self.from).map(|at| at as usize);
        let at = match inside {
            Some(at) if at + wanted <= self.buffer.len() => at,
            _ => {
                self.fill(key.at, wanted)?;
                0
            }
        };
        pack::row(&self.buffer[at..at + wanted]).ok_or_else(|| {
            Error::new(ErrorKind::InvalidData, "a row that was kept aside is broken")
        })
    }

    fn fill(&mut self, at: u64, wanted: usize) -> Result<()> {
        let end = self.from + self.buffer.len() as u64;
        let next = at <= end && end < at + wanted as u64;
        self.ahead = if next { (self.ahead * 2).min(MOST_READ) } else { LEAST_READ };
        let there = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
        self.buffer.resize(self.ahead.max(wanted).min(there), 0);
        self.from = at;
        self.file.read_exact_at(&mut self.buffer, at)
    }
}
