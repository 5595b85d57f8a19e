//! Reading the journal: from any line on, as far as it goes, or along with the supervisor.

use super::control;
use super::lines;
use super::record::Record;
use crate::domain::journal::{Body, Line, Sys};
use crate::error::{Cannot as _, Kind, Result};
use aho_corasick::AhoCorasick;
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

const BUFFER: usize = 512 << 10;
/// How a line begins, after its numbers, that tells the end of a turn. In a harness's own text the
/// quotes would be escaped.
const TURN_EXITED: &str = ",\"s\":\"sys\",\"event\":\"turn_exited\"";
/// How far back the end of a turn is looked for.
const BACK: u64 = 256 << 10;

/// Which part of the journal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Follow {
    /// Lines with a higher number than this.
    pub after: u64,
    /// Nothing after the line that tells this turn's end.
    pub until_turn: Option<u32>,
    /// Whether to wait for lines that are not there yet, until the supervisor ends.
    pub wait: bool,
}

/// Writes whole lines of the journal. A reader that is gone is no failure.
pub fn follow(run_dir: &Path, part: Follow, out: &mut dyn Write) -> Result<()> {
    let wake = if part.wait { control::watch(run_dir) } else { None };
    copy(run_dir, part, wake, out)
}

/// The same, with what wakes it: a byte for every growth, and the end where the supervisor ends.
pub fn copy(
    run_dir: &Path,
    part: Follow,
    wake: Option<UnixStream>,
    out: &mut dyn Write,
) -> Result<()> {
    let path = run_dir.join("journal.jsonl");
    let doing = || format!("read the journal `{}`", path.display());
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.cannot(Kind::Sandbox, doing)?,
    };
    let at = lines::start_after(&file, part.after).cannot(Kind::Sandbox, doing)?;
    let ends = part.until_turn.map(|_| AhoCorasick::new([TURN_EXITED]));
    let ends = ends.transpose().cannot(Kind::Bug, doing)?;
    let mut reader = Reader { file, at, part, ends, out, buffer: vec![0; BUFFER] };
    match reader.run(run_dir, wake) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.cannot(Kind::Sandbox, doing),
    }
}

struct Reader<'a> {
    file: File,
    /// The beginning of the first line that was not written yet.
    at: u64,
    part: Follow,
    ends: Option<AhoCorasick>,
    out: &'a mut dyn Write,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    fn run(&mut self, run_dir: &Path, mut wake: Option<UnixStream>) -> io::Result<()> {
        let mut seen = 0;
        if self.part.until_turn.is_some_and(|wanted| self.next_turn() > wanted) {
            return Ok(());
        }
        loop {
            if self.advance(&mut seen)? {
                return self.out.flush();
            }
            self.out.flush()?;
            let Some(stream) = &mut wake else { return Ok(()) };
            if self.is_behind(run_dir)? {
                return Ok(());
            }
            let mut bytes = [0; 64];
            match stream.read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => wake = None,
                Ok(_) => {}
            }
        }
    }

    /// Writes all whole lines there are; `true` once the end that was asked for was among them.
    /// `seen` is how far newlines were looked for.
    fn advance(&mut self, seen: &mut u64) -> io::Result<bool> {
        *seen = (*seen).max(self.at);
        loop {
            let n = self.file.read_at(&mut self.buffer, *seen)?;
            if n == 0 {
                return Ok(false);
            }
            let newline = self.buffer[..n].iter().rposition(|b| *b == b'\n');
            let Some(newline) = newline else {
                if n < self.buffer.len() {
                    return Ok(false);
                }
                *seen += n as u64;
                continue;
            };
            if self.at < *seen {
                // A line that is longer than the buffer; nothing of it was written so far.
                let first = self.buffer[..n].iter().position(|b| *b == b'\n').unwrap_or(newline);
                self.pass(*seen + first as u64 + 1)?;
                *seen = self.at;
                continue;
            }
            let done = self.end_in(newline + 1);
            let end = done.unwrap_or(newline + 1);
            self.out.write_all(&self.buffer[..end])?;
            self.at += end as u64;
            *seen = self.at;
            if done.is_some() {
                return Ok(true);
            }
        }
    }

    /// Copies up to `end`, which is the end of a line.
    fn pass(&mut self, end: u64) -> io::Result<()> {
        while self.at < end {
            let want = (end - self.at).min(self.buffer.len() as u64) as usize;
            self.file.read_exact_at(&mut self.buffer[..want], self.at)?;
            self.out.write_all(&self.buffer[..want])?;
            self.at += want as u64;
        }
        Ok(())
    }

    /// Where in the buffer the line ends that tells the end of the wanted turn.
    fn end_in(&self, end: usize) -> Option<usize> {
        let bytes = &self.buffer[..end];
        let wanted = self.part.until_turn?;
        self.ends.as_ref()?.find_iter(bytes).find_map(|found| {
            let start = bytes[..found.start()].iter().rposition(|b| *b == b'\n');
            let start = start.map_or(0, |at| at + 1);
            let end = bytes[found.end()..].iter().position(|b| *b == b'\n')? + found.end();
            tells_end(&bytes[start..end], wanted).then_some(end + 1)
        })
    }

    /// The turn of the next line; 0 where it belongs to none, or is not there yet.
    fn next_turn(&self) -> u32 {
        let mut head = [0; 64];
        let n = self.file.read_at(&mut head, self.at).unwrap_or(0);
        let head = String::from_utf8_lossy(&head[..n]);
        let turn = head.split_once(",\"turn\":").and_then(|(_, rest)| rest.split(',').next());
        turn.and_then(|turn| turn.parse().ok()).unwrap_or(0)
    }

    /// Whether the end that is waited for lies before what was asked for.
    fn is_behind(&self, run_dir: &Path) -> io::Result<bool> {
        let Some(turn) = self.part.until_turn else { return Ok(false) };
        if !Record::of(run_dir, turn).is_over() {
            return Ok(false);
        }
        // No turn is claimed before the end of the last one is told.
        if Record::of(run_dir, turn + 1).is_claimed() {
            return Ok(true);
        }
        let mut bytes = vec![0; self.at.min(BACK) as usize];
        let from = self.at - bytes.len() as u64;
        self.file.read_exact_at(&mut bytes, from)?;
        Ok(bytes.split(|b| *b == b'\n').any(|line| tells_end(line, turn)))
    }
}

fn tells_end(line: &[u8], turn: u32) -> bool {
    Line::read(line)
        .is_some_and(|line| line.turn == turn && matches!(line.body, Body::Sys(Sys::TurnExited(_))))
}
