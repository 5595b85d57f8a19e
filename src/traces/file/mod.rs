//! A source of traces: files.
//!
//! OTLP JSON (one request a line, as the collector's file exporter writes, or one document), OTLP
//! protobuf (one message, or a stream of them), OpenInference span exports (JSON lines or an array, as
//! Phoenix gives them, nested or dotted, or with a data frame's column names), and what the
//! OpenTelemetry console exporter prints. Plain, gzip or zstd, a file or a folder of them. The content
//! decides what a file is, not its name.
//!
//! Reading is streaming: what is held is one line (or, of one large document, one span). What cannot
//! be read is left out and counted by reason; only a file without a single span is a failure. A
//! resource's attributes are deliberately not read: no backend keeps them with the span, and the same
//! spans must give the same snapshot whichever way they came. Duplicates are the snapshot's matter.

mod inflate;
mod json;
mod pipe;
mod proto;
pub(super) mod record;
mod text;

use super::annotation::Annotation;
use super::snapshot::Packed;
use super::span::Span;
use super::{Ask, Sink, Source};
use crate::error::{Cannot, Failure, Kind, Result};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Folders are read this deep, and links to folders are not followed.
const DEEPEST: usize = 16;

/// Endings that a file of a folder must have to be looked at, before an optional one of [`PACKED`].
const ENDINGS: [&str; 7] = [".json", ".jsonl", ".ndjson", ".pb", ".binpb", ".proto", ".otlp"];
const PACKED: [&str; 3] = [".gz", ".zst", ".zstd"];

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

    fn read(&self, ask: &Ask, sink: &mut dyn Sink) -> Result<Option<String>> {
        read(self.path, &mut Told { sink, progress: ask.progress, spans: 0 }).map(|()| None)
    }
}

/// Tells how many spans have come.
struct Told<'a> {
    sink: &'a mut dyn Sink,
    progress: &'a dyn Fn(u64),
    spans: u64,
}

impl Told<'_> {
    fn more(&mut self, spans: u64) {
        // One by one they are not worth a word.
        let before = self.spans;
        self.spans += spans;
        if before >> 10 != self.spans >> 10 {
            (self.progress)(self.spans);
        }
    }
}

impl Sink for Told<'_> {
    fn span(&mut self, span: Span) -> Result<()> {
        self.more(1);
        self.sink.span(span)
    }

    fn packed(&mut self, packed: Packed) -> Result<()> {
        self.more(packed.spans() as u64);
        self.sink.packed(packed)
    }

    fn annotation(&mut self, annotation: Annotation) -> Result<()> {
        self.sink.annotation(annotation)
    }

    fn left_out(&mut self, reason: &str, count: u64) {
        self.sink.left_out(reason, count);
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
        } else if is_meant(&name) {
            into.push(path);
        } else {
            sink.left_out("files of another kind", 1);
        }
    }
    Ok(())
}

fn is_meant(name: &str) -> bool {
    let name = PACKED.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    ENDINGS.iter().any(|end| name.ends_with(end))
}

fn one(path: &Path, sink: &mut dyn Sink) -> Result<text::Outcome> {
    let name = path.display().to_string();
    let doing = || format!("read traces from `{name}`");
    let file = File::open(path).cannot(Kind::Config, doing)?;
    let length = file.metadata().cannot(Kind::Config, doing)?.len();
    content(&name, BufReader::with_capacity(1 << 18, file), length, sink)
}

/// What a file holds. `length` is its size.
fn content(
    name: &str,
    mut file: impl BufRead + Send,
    length: u64,
    sink: &mut dyn Sink,
) -> Result<text::Outcome> {
    let doing = || format!("read traces from `{name}`");
    let head = file.fill_buf().cannot(Kind::Config, doing)?.to_vec();
    if let Some(failure) = not_traces(name, &head) {
        return Ok(text::Outcome::NotTraces(failure));
    }
    let mut plain = inflate::plain(file, &head, length).cannot(Kind::Config, doing)?;
    // A broken archive shows when its text is read; here only its first bytes matter.
    let head = plain.fill_buf().map(<[u8]>::to_vec).unwrap_or_default();
    let packed = head.is_empty();
    if let Some(failure) = not_traces(name, &head).filter(|_| !packed) {
        return Ok(text::Outcome::NotTraces(failure));
    }
    match proto::Framing::of(&head) {
        Some(framing) => proto::read(name, framing, &mut *plain, sink),
        None => text::read(name, &mut *plain, sink),
    }
}

/// Formats that people do hand in, by their first bytes, and what to do about each.
fn not_traces(name: &str, head: &[u8]) -> Option<Failure> {
    let (what, hint): (&str, String) = match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            ("text in UTF-16, not UTF-8", format!("iconv -f UTF-16 -t UTF-8 {name} > utf8.json"))
        }
        [b'P', b'A', b'R', b'1', ..] => {
            let hint = "python3 -c 'import pandas, sys; \
                pandas.read_parquet(sys.argv[1]).to_json(sys.argv[2], orient=\"records\", lines=True, date_format=\"iso\", date_unit=\"us\")'";
            ("a Parquet file", format!("{hint} {name} spans.jsonl"))
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
    input: &mut (impl BufRead + ?Sized),
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
