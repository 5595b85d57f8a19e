//! A source of traces: files.
//!
//! OTLP JSON (one request a line, as the collector's file exporter writes, or one document),
//! OpenInference span exports (JSON lines or an array, as Phoenix gives them, nested or dotted, or
//! with a data frame's column names), and what the OpenTelemetry console exporter prints. Plain or
//! gzip, a file or a folder of them. The content decides what a file is, not its name.
//!
//! Reading is streaming: what is held is one line (or, of one large document, one span). What cannot
//! be read is left out and counted by reason; only a file without a single span is a failure. A
//! resource's attributes are deliberately not read: no backend keeps them with the span, and the same
//! spans must give the same snapshot whichever way they came. Duplicates are the snapshot's matter.

pub(super) mod record;
mod text;

use super::{Ask, Sink, Source};
use crate::error::{Cannot, Failure, Kind, Result};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Folders are read this deep, and links to folders are not followed.
const DEEPEST: usize = 16;

/// Endings that a file of a folder must have to be looked at, before an optional `.gz`.
const ENDINGS: [&str; 3] = [".json", ".jsonl", ".ndjson"];

/// A file, or a folder of them.
pub struct Files<'a> {
    path: &'a Path,
}

impl<'a> Files<'a> {
    pub fn new(path: &'a Path) -> Self {
        Self { path }
    }
}

impl Source for Files<'_> {
    fn fingerprint(&self) -> Option<String> {
        if self.path.is_file() {
            return standing(self.path);
        }
        let mut files = Vec::new();
        list(self.path, 0, &mut files, &mut Nothing).ok()?;
        let all: Option<Vec<String>> = files.iter().map(|file| standing(file)).collect();
        Some(format!("folder {} {}", self.path.display(), all?.join(" ")))
    }

    fn read(&self, _: &Ask, sink: &mut dyn Sink) -> Result<Option<String>> {
        read(self.path, sink).map(|()| None)
    }
}

/// What changes with a file.
fn standing(path: &Path) -> Option<String> {
    let about = std::fs::metadata(path).ok()?;
    let (length, seconds, rest) = (about.len(), about.mtime(), about.mtime_nsec());
    Some(format!("file {} {length} {seconds} {rest} {}", path.display(), about.ino()))
}

/// Takes nothing.
struct Nothing;

impl Sink for Nothing {
    fn span(&mut self, _: super::span::Span) -> Result<()> {
        Ok(())
    }

    fn annotation(&mut self, _: super::annotation::Annotation) -> Result<()> {
        Ok(())
    }

    fn left_out(&mut self, _: &str, _: u64) {}
}

/// Reads every span of a file, or of the files of a folder in the order of their names.
pub fn read(path: &Path, sink: &mut dyn Sink) -> Result<()> {
    let about = std::fs::metadata(path)
        .cannot(Kind::Config, || format!("read traces from `{}`", path.display()))?;
    if about.is_file() {
        return match one(path, sink)? {
            text::Outcome::Spans => Ok(()),
            text::Outcome::NotTraces(failure) => Err(failure),
        };
    }
    let mut files = Vec::new();
    list(path, 0, &mut files, sink)?;
    let mut refused = Vec::new();
    let mut any = false;
    for file in &files {
        match one(file, sink)? {
            text::Outcome::Spans => any = true,
            text::Outcome::NotTraces(failure) => {
                sink.left_out("files without a span", 1);
                refused.push(failure);
            }
        }
    }
    if any {
        return Ok(());
    }
    Err(refused.into_iter().next().unwrap_or_else(|| {
        Failure::new(Kind::Config, format!("the folder `{}` holds no trace files", path.display()))
            .because(format!("none of its files ends in {}", crate::domain::words::or(&ENDINGS)))
            .hint("name a file instead: its content decides what it is, not its ending")
    }))
}

fn list(folder: &Path, depth: usize, into: &mut Vec<PathBuf>, sink: &mut dyn Sink) -> Result<()> {
    let doing = || format!("list the folder `{}`", folder.display());
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).cannot(Kind::Config, doing)? {
        let entry = entry.cannot(Kind::Config, doing)?;
        let kind = entry.file_type().cannot(Kind::Config, doing)?;
        entries.push((entry.path(), kind.is_dir()));
    }
    entries.sort();
    for (path, is_folder) in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if name.starts_with('.') {
            continue;
        }
        if is_folder && depth < DEEPEST {
            list(&path, depth + 1, into, sink)?;
        } else if ENDINGS.iter().any(|end| name.trim_end_matches(".gz").ends_with(end)) {
            into.push(path);
        } else {
            sink.left_out("files of another kind", 1);
        }
    }
    Ok(())
}

fn one(path: &Path, sink: &mut dyn Sink) -> Result<text::Outcome> {
    let name = path.display().to_string();
    let doing = || format!("read traces from `{name}`");
    let mut file = BufReader::with_capacity(1 << 18, File::open(path).cannot(Kind::Config, doing)?);
    let head = file.fill_buf().cannot(Kind::Config, doing)?;
    if let Some(failure) = not_text(&name, head) {
        return Ok(text::Outcome::NotTraces(failure));
    }
    if head.starts_with(b"\x1f\x8b") {
        let inside = flate2::bufread::MultiGzDecoder::new(file);
        let mut inside = BufReader::with_capacity(1 << 18, inside);
        // A broken archive shows when its text is read; here only its first bytes matter.
        if let Some(failure) = inside.fill_buf().ok().and_then(|head| not_text(&name, head)) {
            return Ok(text::Outcome::NotTraces(failure));
        }
        text::read(&name, &mut inside, sink)
    } else {
        text::read(&name, &mut file, sink)
    }
}

/// Formats that people do hand in, by their first bytes, and what to do about each.
fn not_text(name: &str, head: &[u8]) -> Option<Failure> {
    let (what, hint): (&str, String) = match head {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("compressed with zstd", format!("zstd -d {name}")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            ("text in UTF-16, not UTF-8", format!("iconv -f UTF-16 -t UTF-8 {name} > utf8.json"))
        }
        [b'P', b'A', b'R', b'1', ..] => {
            ("a Parquet file", "export the spans as JSON lines instead".to_owned())
        }
        [b'P', b'K', 3, 4, ..] => ("a zip archive", format!("unzip {name}")),
        _ if head.starts_with(b"SQLite format 3\0") => {
            ("a SQLite database", "give the files it was made from".to_owned())
        }
        [] => ("empty", "export the spans again".to_owned()),
        _ => return None,
    };
    let failure = Failure::new(Kind::Config, format!("cannot read traces from `{name}`"))
        .because(format!("it is {what}"))
        .hint(hint);
    Some(failure)
}

/// What a reader holds at most of one line.
const LONGEST_LINE: u64 = 256 << 20;

/// One line, without its end, into `line`. `None` at the end of the text.
fn next_line(
    input: &mut dyn BufRead,
    line: &mut Vec<u8>,
    most: u64,
) -> std::io::Result<Option<End>> {
    line.clear();
    let read = (&mut *input).take(most).read_until(b'\n', line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(End::Newline));
    }
    Ok(Some(if read as u64 == most { End::TooLong } else { End::OfText }))
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Newline,
    OfText,
    /// The rest of it is still to be read.
    TooLong,
}

#[cfg(test)]
mod tests;
