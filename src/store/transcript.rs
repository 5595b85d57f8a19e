//! A session's journal and transcript on the host: append-only files that are their own cursor.
//!
//! Only the session's driver writes them. A crash can leave a torn last line, which is cut off, and
//! in the transcript some but not all events of one journal line; so the driver is told how many of
//! its events there are, and adds those that are missing. Whole lines are never taken back while the
//! journal has theirs: who follows the file has read them.

use crate::domain::journal::Line;
use crate::domain::transcript::{Event, EventKind};
use crate::error::{Cannot as _, Kind, Result};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// How far to look back at once for the last lines of a file.
const BLOCK: u64 = 64 << 10;

/// The host's copy of the journal.
pub struct JournalFile {
    file: File,
    /// The number of its last line.
    pub last: u64,
    /// Its size in bytes.
    pub end: u64,
}

impl JournalFile {
    pub fn open(path: &Path) -> Result<Self> {
        let doing = || format!("open the journal `{}`", path.display());
        let file = open(path).cannot(Kind::Config, doing)?;
        let end = cut_torn_line(&file).cannot(Kind::Config, doing)?;
        let last = last_lines(&file, end, |line| Line::number(line).is_some())
            .cannot(Kind::Config, doing)?
            .and_then(|(_, line)| Line::number(&line))
            .unwrap_or(0);
        Ok(Self { file, last, end })
    }

    /// Appends whole lines, the last of which has the number `last`.
    pub fn append(&mut self, lines: &[u8], last: u64) -> Result<()> {
        write_whole(&mut self.file, self.end, lines)
            .cannot(Kind::Config, || "store the journal".to_owned())?;
        self.end += lines.len() as u64;
        self.last = last;
        Ok(())
    }

    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().cannot(Kind::Config, || "store the journal".to_owned())
    }

    /// Everything from a byte position on, as it is on the disk now.
    pub fn from(&self, position: u64) -> Result<impl std::io::BufRead + use<>> {
        let doing = || "read the journal again".to_owned();
        let mut file = self.file.try_clone().cannot(Kind::Config, doing)?;
        file.seek(SeekFrom::Start(position)).cannot(Kind::Config, doing)?;
        Ok(BufReader::with_capacity(256 << 10, file.take(self.end.saturating_sub(position))))
    }
}

/// One line of the transcript: an event and the number of the journal line that it was made from.
#[derive(Serialize)]
struct StoredRef<'a> {
    n: u64,
    seq: u64,
    turn: u32,
    at: i64,
    #[serde(flatten)]
    kind: &'a EventKind,
}

#[derive(Deserialize)]
struct Stored {
    #[serde(flatten)]
    event: Event,
}

/// Only what the cursor needs.
#[derive(Deserialize)]
struct Place {
    n: u64,
    seq: u64,
}

pub struct TranscriptFile {
    file: File,
    end: u64,
    /// The newest journal line of which events are stored.
    upto: u64,
    /// How many of its events are.
    of_upto: usize,
    /// The number of the last event.
    pub seq: u64,
    buffer: Vec<u8>,
}

impl TranscriptFile {
    /// Opens it for its driver. Events of journal lines after `journal_last` are dropped: they come
    /// again with their lines.
    pub fn open(path: &Path, journal_last: u64) -> Result<Self> {
        let doing = || format!("open the transcript `{}`", path.display());
        let file = open(path).cannot(Kind::Config, doing)?;
        let end = cut_torn_line(&file).cannot(Kind::Config, doing)?;
        let place = |line: &[u8]| serde_json::from_slice::<Place>(line).ok();
        let kept =
            last_lines(&file, end, |line| place(line).is_some_and(|at| at.n <= journal_last))
                .cannot(Kind::Config, doing)?;
        let (end, newest) = match kept {
            Some((end, line)) => (end, place(&line)),
            None => (0, None),
        };
        file.set_len(end).cannot(Kind::Config, doing)?;
        let (upto, seq) = newest.map_or((0, 0), |newest| (newest.n, newest.seq));
        let before = last_lines(&file, end, |line| place(line).is_some_and(|at| at.n < upto))
            .cannot(Kind::Config, doing)?;
        let before = before.and_then(|(_, line)| place(&line)).map_or(0, |before| before.seq);
        let of_upto = (seq - before.min(seq)) as usize;
        Ok(Self { file, end, upto, of_upto, seq, buffer: Vec::new() })
    }

    /// How many events of a journal line are stored, from its first one on.
    pub fn stored_of(&self, n: u64) -> usize {
        match n.cmp(&self.upto) {
            Ordering::Less => usize::MAX,
            Ordering::Equal => self.of_upto,
            Ordering::Greater => 0,
        }
    }

    /// Takes an event in. It is on its way to the disk with the next [`Self::flush`].
    pub fn push(&mut self, n: u64, turn: u32, at: i64, kind: EventKind) -> Event {
        self.seq += 1;
        let stored = StoredRef { n, seq: self.seq, turn, at, kind: &kind };
        // Writing JSON to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.buffer, &stored);
        self.buffer.push(b'\n');
        self.of_upto = if self.upto == n { self.of_upto + 1 } else { 1 };
        self.upto = n;
        Event { seq: self.seq, turn, at, kind }
    }

    /// How many bytes wait to be written.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    pub fn flush(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        write_whole(&mut self.file, self.end, &self.buffer)
            .cannot(Kind::Config, || "store the transcript".to_owned())?;
        self.end += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().cannot(Kind::Config, || "store the transcript".to_owned())
    }

    /// Reads one line of a transcript. `None` where it is none.
    pub fn read(line: &[u8]) -> Option<Event> {
        serde_json::from_slice::<Stored>(line).ok().map(|stored| stored.event)
    }
}

/// Where the last so many lines of a file begin, found from its end.
pub fn start_of_last(path: &Path, lines: usize) -> Result<u64> {
    let doing = || format!("read the transcript `{}`", path.display());
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        file => file.cannot(Kind::Config, doing)?,
    };
    let mut start = file.metadata().cannot(Kind::Config, doing)?.len();
    for _ in 0..lines {
        if start == 0 {
            break;
        }
        start = start_of_line(&file, start - 1).cannot(Kind::Config, doing)?;
    }
    Ok(start)
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).read(true).write(true).truncate(false).mode(0o600).open(path)
}

/// Appends at `end`; what a failed write left behind is cut off again, so that a full disk loses
/// nothing and doubles nothing when the write is tried again.
fn write_whole(file: &mut File, end: u64, bytes: &[u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(end))?;
    file.write_all(bytes).inspect_err(|_| {
        let _ = file.set_len(end);
    })
}

/// Cuts off a last line without a newline, and says where the file now ends.
fn cut_torn_line(file: &File) -> std::io::Result<u64> {
    let mut end = file.metadata()?.len();
    let whole = end;
    let mut block = vec![0; BLOCK as usize];
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let part = &mut block[..(end - start) as usize];
        file.read_exact_at(part, start)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < whole {
        file.set_len(end)?;
    }
    Ok(end)
}

/// The last line that is wanted, searching backwards: where it ends, newline included, and its text.
fn last_lines(
    file: &File,
    end: u64,
    wanted: impl Fn(&[u8]) -> bool,
) -> std::io::Result<Option<(u64, Vec<u8>)>> {
    let mut line_end = end;
    while line_end > 0 {
        let start = start_of_line(file, line_end - 1)?;
        let mut line = vec![0; (line_end - start) as usize];
        file.read_exact_at(&mut line, start)?;
        if wanted(&line) {
            return Ok(Some((line_end, line)));
        }
        line_end = start;
    }
    Ok(None)
}

/// Where the line begins whose newline is at `newline`.
fn start_of_line(file: &File, newline: u64) -> std::io::Result<u64> {
    let mut end = newline;
    let mut block = vec![0; BLOCK as usize];
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let part = &mut block[..(end - start) as usize];
        file.read_exact_at(part, start)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufRead as _;

    fn text(kind: &str) -> EventKind {
        EventKind::Status { text: kind.to_owned() }
    }

    fn events(path: &Path) -> Vec<(u64, String)> {
        BufReader::new(File::open(path).unwrap())
            .split(b'\n')
            .map(|line| TranscriptFile::read(&line.unwrap()).unwrap())
            .map(|event| match event.kind {
                EventKind::Status { text } => (event.seq, text),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// Three journal lines, the second of which makes two events.
    fn write_all(path: &Path) {
        let mut file = TranscriptFile::open(path, 3).unwrap();
        for (n, texts) in [(1, vec!["a"]), (2, vec!["b", "c"]), (3, vec!["d"])] {
            let stored = file.stored_of(n);
            for kind in texts.into_iter().skip(stored) {
                file.push(n, 1, 0, text(kind));
            }
        }
        file.flush().unwrap();
    }

    #[test]
    fn a_transcript_cut_at_any_byte_comes_out_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        write_all(&path);
        let whole = std::fs::read(&path).unwrap();
        let expected = events(&path);
        assert_eq!(expected.len(), 4);
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            // Those who only look open it too, as often as they like.
            for _ in 0..3 {
                TranscriptFile::open(&path, 3).unwrap();
            }
            let kept = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(events(&path).len(), kept, "opening takes nothing back, cut at {cut}");
            write_all(&path);
            assert_eq!(events(&path), expected, "cut at {cut}");
        }
    }

    #[test]
    fn events_beyond_the_journal_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        write_all(&path);
        let file = TranscriptFile::open(&path, 1).unwrap();
        assert_eq!((file.upto, file.of_upto, file.seq), (1, 1, 1));
        assert_eq!((file.stored_of(1), file.stored_of(2)), (1, 0));
    }

    #[test]
    fn a_journal_knows_its_last_whole_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let mut file = JournalFile::open(&path).unwrap();
        let lines = b"{\"n\":1,\"t\":0,\"turn\":1,\"s\":\"out\",\"line\":\"x\"}\n{\"n\":2,\"t\":0,\"turn\":1,\"s\":\"out\",\"line\":\"y\"}\n";
        file.append(lines, 2).unwrap();
        for cut in 0..=lines.len() {
            std::fs::write(&path, &lines[..cut]).unwrap();
            let file = JournalFile::open(&path).unwrap();
            let whole = lines[..cut].iter().filter(|byte| **byte == b'\n').count() as u64;
            assert_eq!(file.last, whole, "cut at {cut}");
            assert_eq!(file.from(0).unwrap().lines().count() as u64, whole);
        }
    }
}
