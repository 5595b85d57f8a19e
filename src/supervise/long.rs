//! Lines that are longer than the buffer, up to a gigabyte and more.
//!
//! They go from file to journal in pieces. A piece never ends inside a character, nor, as far as
//! that can be seen, inside something that is redacted; where the line is too long and has to be
//! cut, the same holds for the cut.

use super::Redact;
use super::tail::Into;
use crate::domain::journal::Stream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// How often a better place for a cut is looked for.
const TRIES: usize = 64;

#[derive(Debug, Clone, Copy)]
pub struct Start {
    pub at: u64,
    /// Whether everything so far is UTF-8.
    pub text: bool,
}

pub struct Line<'a> {
    pub file: &'a File,
    pub stream: Stream,
    pub start: Start,
    pub end: u64,
    /// How much of it is kept.
    pub keep: u64,
}

/// Writes the line to the journal, and says how many bytes at its end were left out.
pub fn copy(line: &Line, into: &mut Into, buffer: &mut [u8]) -> io::Result<u64> {
    let text = line.start.text;
    let keep = line.end.min(line.start.at + line.keep);
    let mut at = line.start.at;
    let mut pieces = Pieces { text, carry: Vec::new() };
    into.journal.open_line(into.turn, line.stream, text);
    loop {
        let want = (line.end - at).min(buffer.len() as u64) as usize;
        let n = line.file.read_at(&mut buffer[..want], at)?;
        let whole = at + n as u64 == line.end;
        let limit = (keep - at) as usize;
        let ahead = if whole { 0 } else { into.hide.reach().min(n / 4) };
        let end = limit.min(n - ahead);
        let last = end == limit || n == 0;
        let end = if whole && end == n { n } else { cut(&buffer[..n], end, text, into.hide) };
        pieces.write(into, &buffer[..end]);
        at += end as u64;
        if last {
            break;
        }
    }
    pieces.end(into);
    into.journal.close_line();
    Ok(line.end - at)
}

/// A good place to cut, at or before `end`.
fn cut(bytes: &[u8], end: usize, text: bool, hide: &dyn Redact) -> usize {
    let boundary = |mut at: usize| {
        while text && at > 0 && bytes.get(at).is_some_and(|b| b & 0xc0 == 0x80) {
            at -= 1;
        }
        at
    };
    let mut at = end;
    for _ in 0..TRIES {
        let from = at.saturating_sub(hide.reach());
        let to = bytes.len().min(at + hide.reach());
        if matches!(hide.lines(&[], &bytes[from..to]), std::borrow::Cow::Borrowed(_)) {
            return boundary(at);
        }
        if at <= 2 * hide.reach() {
            break;
        }
        at -= hide.reach();
    }
    boundary(end)
}

struct Pieces {
    text: bool,
    /// Bytes that do not fill a group of base64 yet.
    carry: Vec<u8>,
}

impl Pieces {
    fn write(&mut self, into: &mut Into, bytes: &[u8]) {
        let hidden = into.hide.lines(&[], bytes);
        if self.text {
            let text = String::from_utf8_lossy(&hidden);
            // Text to JSON cannot fail.
            let quoted = serde_json::to_vec(&*text).unwrap_or_default();
            into.journal.piece(quoted.get(1..quoted.len() - 1).unwrap_or_default());
            return;
        }
        self.carry.extend_from_slice(&hidden);
        let whole = self.carry.len() / 3 * 3;
        into.journal.piece(BASE64.encode(&self.carry[..whole]).as_bytes());
        self.carry.drain(..whole);
    }

    fn end(&mut self, into: &mut Into) {
        into.journal.piece(BASE64.encode(&self.carry).as_bytes());
    }
}
