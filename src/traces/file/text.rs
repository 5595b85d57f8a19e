//! One text of JSON, as lines or as one document, into spans.
//!
//! The first line decides: if it is JSON by itself, the file is read line by line, and a broken line
//! costs only itself; else the whole is one document and is read as a stream, span by span. Of a text
//! that breaks off, what came before the break is kept.

use super::super::Sink;
use super::json::{Json, Key, Object};
use super::pipe::{self, Read};
use super::{End, LONGEST_LINE, next_line, record};
use crate::error::{Failure, Kind, Place, Result};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use std::fmt;
use std::io::{self, BufRead, Read as _};

/// A first line longer than this is read as a document, so that one of a gigabyte is not held.
const FIRST_LINE: u64 = 32 << 20;

/// Keys whose values hold spans, or things that hold spans. A Phoenix page has its spans in `data`.
const HOLDERS: [&str; 9] = [
    "resourceSpans",
    "resource_spans",
    "scopeSpans",
    "scope_spans",
    "instrumentationLibrarySpans",
    "batches",
    "spans",
    "data",
    "traces",
];

pub(super) enum Outcome {
    Spans,
    /// Not one span in it; the failure says where that became clear.
    NotTraces(Failure),
}

pub(super) fn read(
    file: &str,
    input: &mut (dyn BufRead + Send),
    sink: &mut dyn Sink,
) -> Result<Outcome> {
    let mut all = Sum::default();
    if let Err(error) = lines(input, sink, &mut all)? {
        sink.left_out("the rest of a file that cannot be read to its end", 1);
        all.blame(error.to_string());
    }
    Ok(all.outcome(file, sink))
}

/// What was found in all.
#[derive(Default)]
pub(super) struct Sum {
    spans: u64,
    unknown: u64,
    lines: usize,
    trouble: Option<Trouble>,
}

impl Sum {
    /// Adds what was read of a piece, and hands over its spans.
    pub fn add(&mut self, read: Read, sink: &mut dyn Sink) -> Result<()> {
        self.spans += read.spans;
        self.unknown += read.unknown;
        if let (None, Some(mut trouble)) = (&self.trouble, read.trouble) {
            if trouble.line > 0 {
                trouble.line += self.lines;
            }
            self.trouble = Some(trouble);
        }
        self.lines += read.lines;
        for (reason, count) in read.left_out {
            sink.left_out(&reason, count);
        }
        sink.packed(read.packed)
    }

    /// What is no line's fault.
    pub fn blame(&mut self, why: String) {
        self.trouble.get_or_insert(Trouble { line: 0, text: String::new(), why });
    }

    pub fn outcome(self, file: &str, sink: &mut dyn Sink) -> Outcome {
        if self.unknown > 0 {
            sink.left_out("objects that are no spans", self.unknown);
        }
        if self.spans > 0 {
            Outcome::Spans
        } else {
            Outcome::NotTraces(not_traces(file, self.trouble))
        }
    }
}

/// The first thing that was not as expected.
pub(super) struct Trouble {
    /// Counted from 1; 0 where no line is to blame.
    line: usize,
    text: String,
    why: String,
}

fn not_traces(file: &str, trouble: Option<Trouble>) -> Failure {
    let mut failure = Failure::new(Kind::Config, format!("`{file}` holds no spans"));
    if let Some(trouble) = trouble {
        failure = failure.because(trouble.why);
        if trouble.line > 0 {
            let width = trouble.text.chars().count().max(1);
            let (file, text) = (file.to_owned(), trouble.text);
            failure = failure.at(Place { file, line: trouble.line, column: 1, width, text });
        }
    }
    failure
        .because("expected OTLP JSON (`resourceSpans`) or OpenInference spans (`context.trace_id`)")
        .hint("name a file or folder of such traces, or try the bundled ones: `--project demo`")
}

/// The inner failure is the reading's; what is wrong with the JSON is in the sum.
fn lines(
    input: &mut (dyn BufRead + Send),
    sink: &mut dyn Sink,
    all: &mut Sum,
) -> Result<io::Result<()>> {
    let mut line = Vec::new();
    let mut end = End::Newline;
    while line.trim_ascii().is_empty() {
        all.lines += 1;
        match next_line(input, &mut line, FIRST_LINE) {
            Ok(Some(ended)) => end = ended,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
        if all.lines == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
    }
    let whole = serde_json::from_slice::<IgnoredAny>(&line);
    if end == End::TooLong || whole.as_ref().is_err_and(serde_json::Error::is_eof) {
        return document(&line, end, input, sink, all);
    }
    if let (Err(error), false) = (&whole, line.trim_ascii_start().starts_with(b"{")) {
        // Not even the look of JSON: there is no use in trying a million more lines.
        note(&mut all.trouble, all.lines, &line, error);
        return Ok(Ok(()));
    }
    all.lines -= 1;
    line.extend_from_slice(if end == End::Newline { b"\n" } else { b"" });
    let mut first = Some(Piece { text: line, too_long: 0 });
    let mut cutter = Cutter { input, failed: None };
    let next = || match first.take() {
        Some(piece) => Ok(Some(piece)),
        None => cutter.piece(),
    };
    pipe::run(next, of_lines, |read| all.add(read, sink))
}

/// Whole lines.
pub(super) struct Piece {
    pub text: Vec<u8>,
    /// Lines that were too long to be in it.
    pub too_long: u64,
}

/// About so much is read at once.
const PIECE: u64 = 1 << 20;

/// Cuts a text into pieces. What was read before the reading failed is still given.
struct Cutter<'a> {
    input: &'a mut (dyn BufRead + Send),
    failed: Option<io::Error>,
}

impl Cutter<'_> {
    fn piece(&mut self) -> io::Result<Option<Piece>> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        let mut text = Vec::with_capacity(PIECE as usize + (PIECE / 8) as usize);
        let too_long = self.fill(&mut text).unwrap_or_else(|failed| {
            self.failed = Some(failed);
            text.truncate(memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1));
            0
        });
        let over = text.is_empty() && too_long == 0 && self.failed.is_none();
        Ok((!over).then_some(Piece { text, too_long }))
    }

    /// Whole lines; gives how many were too long.
    fn fill(&mut self, text: &mut Vec<u8>) -> io::Result<u64> {
        (&mut *self.input).take(PIECE).read_to_end(text)?;
        if text.is_empty() || text.last() == Some(&b'\n') {
            return Ok(0);
        }
        let start = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
        let most = LONGEST_LINE - (text.len() - start) as u64;
        let read = (&mut *self.input).take(most).read_until(b'\n', text)?;
        if (read as u64) < most || text.last() == Some(&b'\n') {
            return Ok(0);
        }
        skip_line(self.input)?;
        text.truncate(start);
        Ok(1)
    }
}

pub(super) fn of_lines(piece: Piece) -> Read {
    let mut read = Read::default();
    let mut trouble = None;
    let text = piece.text.as_slice();
    let mut walk = Walk::new(&mut read);
    let (mut at, mut lines) = (0, 0);
    while at < text.len() {
        let newline = memchr::memchr(b'\n', &text[at..]);
        let end = if newline.is_some() { End::Newline } else { End::OfText };
        let line = &text[at..newline.map_or(text.len(), |length| at + length)];
        at += line.len() + 1;
        lines += 1;
        if !line.trim_ascii().is_empty() {
            one_line(line, end, lines, &mut walk, &mut trouble);
        }
    }
    if piece.too_long > 0 {
        walk.sink.left_out("lines longer than 256 MiB", piece.too_long);
    }
    let (spans, unknown) = (walk.spans, walk.unknown);
    Read { spans, unknown, trouble, lines: lines + piece.too_long as usize, ..read }
}

fn one_line(line: &[u8], end: End, number: usize, walk: &mut Walk, trouble: &mut Option<Trouble>) {
    let before = walk.unknown;
    // Checked once as a whole, its strings need not be checked one by one.
    let ended = match std::str::from_utf8(line) {
        Ok(text) => whole(walk, &mut serde_json::Deserializer::from_str(text)),
        Err(_) => whole(walk, &mut serde_json::Deserializer::from_slice(line)),
    };
    match ended {
        Ok(()) if walk.unknown > before && trouble.is_none() => {
            *trouble = Some(Trouble::at(number, line, "no span is here"));
        }
        Ok(()) => {}
        Err(error) => {
            note(trouble, number, line, &error);
            walk.sink.left_out(why_broken(&error, end, line), 1);
        }
    }
}

fn whole<'de, R: serde_json::de::Read<'de>>(
    walk: &mut Walk,
    json: &mut serde_json::Deserializer<R>,
) -> serde_json::Result<()> {
    walk.deserialize(&mut *json)?;
    json.end()
}

fn why_broken(error: &serde_json::Error, end: End, line: &[u8]) -> &'static str {
    if error.is_eof() && end == End::OfText {
        "a last line that is cut off"
    } else if std::str::from_utf8(line).is_err() {
        "lines that are not UTF-8"
    } else if error.to_string().starts_with("recursion limit") {
        "lines nested deeper than 128 levels"
    } else {
        "lines that are not JSON"
    }
}

/// The rest of the text as one document, or several one after the other.
fn document(
    first: &[u8],
    end: End,
    rest: &mut (dyn BufRead + Send),
    sink: &mut dyn Sink,
    all: &mut Sum,
) -> Result<io::Result<()>> {
    let newline: &[u8] = if end == End::Newline { b"\n" } else { b"" };
    let mut json = serde_json::Deserializer::from_reader(first.chain(newline).chain(rest));
    let mut walk = Walk::new(sink);
    let mut ended = Ok(());
    loop {
        walk.begun = false;
        match walk.deserialize(&mut json) {
            Ok(()) => {
                if walk.unknown > 0 && walk.spans == 0 && all.trouble.is_none() {
                    all.trouble = Some(Trouble::at(all.lines, first, "no span is here"));
                }
                continue;
            }
            Err(_) if walk.failed.is_some() => {}
            Err(error) if error.is_eof() && !walk.begun => {}
            Err(error) if error.is_io() => ended = Err(error.into()),
            Err(error) => {
                let line = all.lines + error.line().saturating_sub(1);
                let shown = if error.line() <= 1 { first } else { b"" };
                note(&mut all.trouble, line, shown, &error);
                let reason = if error.is_eof() {
                    "the end of a document that is cut off"
                } else {
                    "the rest of a document after a mistake in its JSON"
                };
                walk.sink.left_out(reason, 1);
            }
        }
        break;
    }
    (all.spans, all.unknown) = (walk.spans, walk.unknown);
    walk.failed.map_or(Ok(ended), Err)
}

fn note(trouble: &mut Option<Trouble>, line: usize, text: &[u8], error: &serde_json::Error) {
    if trouble.is_none() {
        // The library's own place counts from where it began to read, which is not the file's.
        let why = error.to_string();
        let why = why.rsplit_once(" at line ").map_or(why.as_str(), |(said, _)| said);
        *trouble = Some(Trouble::at(line, text, &format!("it is not JSON: {why}")));
    }
}

impl Trouble {
    fn at(line: usize, text: &[u8], why: &str) -> Self {
        let shown = &text[..text.len().min(400)];
        let shown: String = String::from_utf8_lossy(shown).trim().chars().take(80).collect();
        Self { line, text: shown, why: why.to_owned() }
    }
}

fn skip_line(input: &mut dyn BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let newline = buffer.iter().position(|b| *b == b'\n');
        let read = newline.map_or(buffer.len(), |at| at + 1);
        let over = newline.is_some() || read == 0;
        input.consume(read);
        if over {
            return Ok(());
        }
    }
}

/// Goes through JSON of any of the shapes and hands over every span it comes to.
struct Walk<'a> {
    sink: &'a mut dyn Sink,
    spans: u64,
    /// Objects that are neither spans nor hold any.
    unknown: u64,
    /// Whether the present value has begun: an end of text before that is a clean one.
    begun: bool,
    /// The sink's own failure, which a JSON error cannot carry.
    failed: Option<Failure>,
}

impl<'a> Walk<'a> {
    fn new(sink: &'a mut dyn Sink) -> Self {
        Self { sink, spans: 0, unknown: 0, begun: false, failed: None }
    }

    fn object(&mut self, object: Object, holds: bool) -> Result<(), &'static str> {
        if !record::has_trace_id(&object) {
            self.unknown += u64::from(!holds);
            return Ok(());
        }
        self.spans += 1;
        let added = match record::span(object) {
            Ok(span) => self.sink.span(span),
            Err(reason) => {
                self.sink.left_out(reason, 1);
                Ok(())
            }
        };
        added.map_err(|failure| {
            self.failed = Some(failure);
            "stopped"
        })
    }

    fn scalar(&mut self) {
        self.begun = true;
        self.unknown += 1;
    }
}

impl<'de> DeserializeSeed<'de> for &mut Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spans")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.begun = true;
        while list.next_element_seed(&mut *self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.begun = true;
        let mut own = Object::default();
        let mut holds = false;
        while let Some(key) = map.next_key_seed(Key)? {
            if HOLDERS.contains(&&*key) {
                holds = true;
                map.next_value_seed(&mut *self)?;
            } else {
                own.0.push((key, map.next_value::<Json>()?));
            }
        }
        self.object(own, holds).map_err(A::Error::custom)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.scalar();
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.scalar();
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.scalar();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.scalar();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.scalar();
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.scalar();
        Ok(())
    }
}
