//! Copies what a process writes to a file into the journal.
//!
//! The file is the process's own standard output or error, which it may shrink or remove; the copy
//! is what counts, and is never more than a moment behind. Memory is bounded whatever the process
//! writes: a line longer than the buffer stays in its file until its end is there (see
//! [`super::long`]).

use super::Redact;
use super::log::Journal;
use super::long;
use crate::domain::journal::{MAX_LINE, Stream, Sys};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

/// How much is read at once, and how much of a line is kept.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub buffer: usize,
    pub line: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { buffer: 1 << 20, line: MAX_LINE as u64 }
    }
}

/// Where the lines go.
pub struct Into<'a> {
    pub journal: &'a mut Journal,
    pub turn: u32,
    pub hide: &'a dyn Redact,
}

pub struct Tail {
    file: File,
    stream: Stream,
    sizes: Sizes,
    /// What is read next.
    at: u64,
    /// What tampering took away from `at`.
    lost: u64,
    /// The size of the file when it was last looked at.
    len: u64,
    /// The beginning of a line whose end is not there yet is in `buffer[..filled]`...
    buffer: Vec<u8>,
    filled: usize,
    /// The lines that were passed on last, as they were: a secret may have begun in them.
    before: Vec<u8>,
    /// ...or, when it does not fit, in the file from here on.
    long: Option<long::Start>,
    removed: bool,
}

impl Tail {
    pub fn new(file: File, stream: Stream, sizes: Sizes) -> Self {
        let buffer = vec![0; sizes.buffer];
        Self {
            file,
            stream,
            sizes,
            at: 0,
            lost: 0,
            len: 0,
            buffer,
            filled: 0,
            before: Vec::new(),
            long: None,
            removed: false,
        }
    }

    /// Bytes that were read so far.
    pub fn taken(&self) -> u64 {
        self.at + self.lost
    }

    /// Bytes that were written so far.
    pub fn written(&self) -> u64 {
        self.len.max(self.at) + self.lost
    }

    /// Copies at most about `budget` bytes; says how many were read.
    pub fn copy(&mut self, into: &mut Into, budget: u64) -> io::Result<u64> {
        self.look(into)?;
        let before = self.taken();
        while self.taken() < before + budget && into.journal.blocked().is_none() {
            let room = (before + budget - self.taken()).min(usize::MAX as u64) as usize;
            let moved =
                if self.long.is_some() { self.scan(into, room)? } else { self.read(into, room)? };
            if !moved {
                break;
            }
        }
        into.journal.flush();
        Ok(self.taken() - before)
    }

    /// Sees whether the file is what it was.
    fn look(&mut self, into: &mut Into) -> io::Result<()> {
        let meta = self.file.metadata()?;
        self.len = meta.len();
        let name = if self.stream == Stream::Out { "standard output" } else { "standard error" };
        if meta.nlink() == 0 && !self.removed {
            self.removed = true;
            let detail = format!("the file of {name} was removed or replaced");
            into.journal.sys(into.turn, &Sys::Tampered { detail });
        }
        if self.len < self.at {
            let (at, len) = (self.at, self.len);
            let detail = format!("the file of {name} shrank from {at} to {len} bytes");
            // What was read of a line before that is still the worker's word.
            if self.long.take().is_none() {
                self.all_lines(into);
            }
            into.journal.sys(into.turn, &Sys::Tampered { detail });
            self.lost += at - len;
            self.at = len;
        }
        Ok(())
    }

    fn read(&mut self, into: &mut Into, room: usize) -> io::Result<bool> {
        let end = self.buffer.len().min(self.filled.saturating_add(room));
        let n = self.file.read_at(&mut self.buffer[self.filled..end], self.at)?;
        if n == 0 {
            return Ok(false);
        }
        let fresh = &self.buffer[self.filled..self.filled + n];
        let newline = fresh.iter().rposition(|b| *b == b'\n').map(|at| self.filled + at);
        self.at += n as u64;
        self.filled += n;
        if let Some(newline) = newline {
            // Lines that wait for what comes next must not fill the buffer.
            let held = into.hide.unfinished(&self.before, &self.buffer[..newline]);
            let held = if held > self.buffer.len() / 2 { 0 } else { held };
            if held < newline {
                self.lines(into, if held == 0 { newline } else { newline - held - 1 });
            }
        } else if self.filled < self.buffer.len() {
            return Ok(true);
        } else if let Some(newline) = memchr::memrchr(b'\n', &self.buffer[..self.filled]) {
            self.lines(into, newline);
        } else {
            self.at -= self.filled as u64;
            self.long = Some(long::Start { at: self.at, text: true });
            self.filled = 0;
        }
        Ok(true)
    }

    /// Passes on the lines before the newline at `end`.
    fn lines(&mut self, into: &mut Into, end: usize) {
        let text = into.hide.lines(&self.before, &self.buffer[..end]);
        into.journal.output(into.turn, self.stream, &text);
        let next = self.filled.min(end + 1);
        self.before.extend_from_slice(&self.buffer[..end]);
        self.before.push(b'\n');
        let far = self.before.len().saturating_sub(2 * into.hide.reach());
        if let Some(newline) =
            far.checked_sub(1).and_then(|far| memchr::memchr(b'\n', &self.before[far..]))
        {
            self.before.drain(..far + newline);
        }
        self.buffer.copy_within(next..self.filled, 0);
        self.filled -= next;
    }

    /// Passes on what is there, also of a line without an end.
    fn all_lines(&mut self, into: &mut Into) {
        if self.filled > 0 {
            let ends = self.buffer[self.filled - 1] == b'\n';
            self.lines(into, self.filled - usize::from(ends));
        }
        self.filled = 0;
    }

    /// Looks for the end of a long line.
    fn scan(&mut self, into: &mut Into, room: usize) -> io::Result<bool> {
        let Some(mut long) = self.long else { return Ok(false) };
        let end = self.buffer.len().min(room.max(4));
        let n = self.file.read_at(&mut self.buffer[..end], self.at)?;
        let newline = self.buffer[..n].iter().position(|b| *b == b'\n');
        let piece = &self.buffer[..newline.unwrap_or(n)];
        let mut step = piece.len();
        if long.text && self.at - long.at < self.sizes.line {
            match std::str::from_utf8(piece) {
                Ok(_) => {}
                // The rest of a character may still come.
                Err(error) if error.error_len().is_none() && newline.is_none() => {
                    step = error.valid_up_to();
                }
                Err(_) => long.text = false,
            }
        }
        self.at += step as u64;
        self.long = Some(long);
        if newline.is_some() {
            self.long_line(into)?;
            self.at += 1;
        }
        Ok(step > 0 || newline.is_some())
    }

    fn long_line(&mut self, into: &mut Into) -> io::Result<()> {
        let Some(start) = self.long.take() else { return Ok(()) };
        let line = long::Line {
            file: &self.file,
            stream: self.stream,
            start,
            end: self.at,
            keep: self.sizes.line,
        };
        let left_out = long::copy(&line, into, &mut self.buffer)?;
        if left_out > 0 {
            let what = "line".to_owned();
            into.journal.sys(into.turn, &Sys::Truncated { what, bytes: left_out });
        }
        Ok(())
    }

    /// The process is over: what is there of a last line is a line.
    pub fn finish(&mut self, into: &mut Into) -> io::Result<()> {
        if let Some(long) = &mut self.long {
            // Up to three bytes of a character that never came whole.
            let rest = self.len.saturating_sub(self.at);
            if rest < 4 {
                long.text &= rest == 0;
                self.at += rest;
            }
            self.long_line(into)?;
        } else {
            self.all_lines(into);
        }
        into.journal.flush();
        Ok(())
    }

    /// What was not copied will not be.
    pub fn give_up(&mut self) {
        self.at = self.len.max(self.at);
        self.filled = 0;
        self.long = None;
    }

    /// Bytes that were written and not read.
    pub fn left(&self) -> u64 {
        self.len.saturating_sub(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::journal::{Body, Line};
    use std::borrow::Cow;
    use std::io::Write as _;

    const SMALL: Sizes = Sizes { buffer: 64, line: 200 };
    const SECRET: &[u8] = b"hunter2";

    struct Hide;

    impl Redact for Hide {
        fn lines<'t>(&self, _: &[u8], lines: &'t [u8]) -> Cow<'t, [u8]> {
            let found = aho_corasick::AhoCorasick::new([SECRET]).unwrap();
            match found.is_match(lines) {
                false => Cow::Borrowed(lines),
                true => Cow::Owned(found.replace_all_bytes(lines, &["*"])),
            }
        }

        /// A line with a dash at its end waits for the next one.
        fn unfinished(&self, _: &[u8], lines: &[u8]) -> usize {
            let line = lines.rsplit(|byte| *byte == b'\n').next().unwrap();
            if line.ends_with(b"-") { line.len() } else { 0 }
        }

        fn reach(&self) -> usize {
            8
        }

        fn archive(&self, archive: Vec<u8>) -> Option<Vec<u8>> {
            Some(archive)
        }
    }

    /// What the journal holds after each of the pieces was written and copied.
    fn copied(pieces: &[&[u8]], sizes: Sizes) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let mut file = File::create(&path).unwrap();
        let mut tail = Tail::new(File::open(&path).unwrap(), Stream::Out, sizes);
        let mut journal = Journal::open(dir.path()).unwrap();
        let hide = Hide;
        let mut into = Into { journal: &mut journal, turn: 1, hide: &hide };
        for piece in pieces {
            file.write_all(piece).unwrap();
            while tail.copy(&mut into, 50).unwrap() > 0 {}
        }
        tail.finish(&mut into).unwrap();
        assert_eq!(tail.taken(), pieces.iter().map(|p| p.len() as u64).sum::<u64>());
        read(dir.path())
    }

    fn read(dir: &std::path::Path) -> Vec<String> {
        let journal = std::fs::read(dir.join("journal.jsonl")).unwrap();
        assert!(journal.is_empty() || journal.ends_with(b"\n"));
        let lines = journal.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let mut n = 0;
        let text = lines.map(|bytes| {
            n += 1;
            let line = Line::read(bytes).unwrap_or_else(|| panic!("{bytes:?}"));
            assert_eq!(line.n, n);
            match line.body {
                Body::Out(text) | Body::Err(text) => text.into_owned(),
                Body::Sys(sys) => format!("{sys:?}"),
            }
        });
        text.collect()
    }

    #[track_caller]
    fn check(text: &[u8], sizes: Sizes, expected: &[&str]) {
        assert_eq!(copied(&[text], sizes), expected, "at once");
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(copied(&bytes, sizes), expected, "byte by byte");
        let bytes: Vec<&[u8]> = text.chunks(7).collect();
        assert_eq!(copied(&bytes, sizes), expected, "seven bytes at a time");
    }

    #[test]
    fn lines_of_every_kind() {
        check(b"", SMALL, &[]);
        check(b"a\n\nb\n\n", SMALL, &["a", "", "b", ""]);
        check(b"a\ntorn", SMALL, &["a", "torn"]);
        check(b"\xff\xfe\n\xc3", SMALL, &["\u{fffd}\u{fffd}", "\u{fffd}"]);
        check(b"my hunter2!\nhunter2", SMALL, &["my *!", "*"]);
        check(b"a\nb-\nc\nd-\n", SMALL, &["a", "b-", "c", "d-"]);
        let waiting = format!("a\n{}-\n{}\n", "b".repeat(20), "c".repeat(70));
        let lines = ["a".to_owned(), format!("{}-", "b".repeat(20)), "c".repeat(70)];
        check(waiting.as_bytes(), SMALL, &lines.each_ref().map(String::as_str));
    }

    #[test]
    fn long_lines() {
        for count in 20..65 {
            let line = format!("{}{}", "x".repeat(count % 5), "\u{fc}\"".repeat(count));
            check(format!("a\n{line}\nb\n").as_bytes(), SMALL, &["a", &line, "b"]);
            check(format!("{line}\n{line}").as_bytes(), SMALL, &[&line, &line]);
        }
        let mut bytes = vec![b'x'; 150];
        bytes[100] = 0xff;
        let expected = String::from_utf8_lossy(&bytes).into_owned();
        check(&bytes, SMALL, &[&expected]);
        let mut bytes = vec![b'x'; 150];
        bytes.push(0xc3);
        let expected = String::from_utf8_lossy(&bytes).into_owned();
        check(&bytes, SMALL, &[&expected]);
    }

    #[test]
    fn lines_that_are_too_long_are_cut() {
        let cut = |bytes: u64| format!("{:?}", Sys::Truncated { what: "line".to_owned(), bytes });
        check(&[b'x'; 1000], SMALL, &[&"x".repeat(200), &cut(800)]);
        let text = format!("{}\nb\n", "x".repeat(201));
        check(text.as_bytes(), SMALL, &[&"x".repeat(200), &cut(1), "b"]);
    }

    #[test]
    fn a_secret_in_a_long_line_is_found_wherever_it_stands() {
        for at in 0..190 {
            let text = format!("{}hunter2{}\n", "x".repeat(at), "y".repeat(190 - at));
            let lines = copied(&[text.as_bytes()], SMALL);
            assert_eq!(lines, [text.trim().replace("hunter2", "*")], "at {at}");
        }
        for at in 190..210 {
            let text = format!("{}hunter2{}\n", "x".repeat(at), "y".repeat(50));
            let lines = copied(&[text.as_bytes()], SMALL);
            let shown = lines[0].as_bytes();
            let whole = shown.windows(3).any(|part| part == &SECRET[..3]);
            assert!(!whole, "at {at}: {lines:?}");
        }
    }

    #[test]
    fn a_file_that_shrinks_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let file = File::options().create(true).append(true).open(&path).unwrap();
        let mut tail = Tail::new(File::open(&path).unwrap(), Stream::Out, SMALL);
        let mut journal = Journal::open(dir.path()).unwrap();
        let hide = Hide;
        let mut into = Into { journal: &mut journal, turn: 1, hide: &hide };
        (&file).write_all(b"one\nhal").unwrap();
        tail.copy(&mut into, 999).unwrap();
        file.set_len(2).unwrap();
        tail.copy(&mut into, 999).unwrap();
        (&file).write_all(b"two\n").unwrap();
        tail.copy(&mut into, 999).unwrap();
        std::fs::remove_file(&path).unwrap();
        tail.copy(&mut into, 999).unwrap();
        assert_eq!(tail.written(), 11);
        let lines = read(dir.path());
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert_eq!((&*lines[0], &*lines[1], &*lines[3]), ("one", "hal", "two"));
        assert!(lines[2].contains("shrank from 7 to 2 bytes") && lines[4].contains("removed"));
    }
}
