//! One text of JSON, as lines or as one document, into spans.
//!
//! The first line decides: if it is JSON by itself, the file is read line by line, and a broken line
//! costs only itself; else the whole is one document and is read as a stream, span by span. Of a text
//! that breaks off, what came before the break is kept.

use super::super::Sink;
use super::{End, LONGEST_LINE, next_line, record};
use crate::error::{Failure, Kind, Place, Result};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};
use std::fmt;
use std::io::{BufRead, Read};

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

pub(super) fn read(file: &str, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<Outcome> {
    let mut walk = Walk { sink, spans: 0, unknown: 0, begun: false, failed: None };
    let mut trouble = None;
    let ended = lines(input, &mut walk, &mut trouble);
    if let Some(failure) = walk.failed.take() {
        return Err(failure);
    }
    if let Err(error) = ended {
        walk.sink.left_out("the rest of a file that cannot be read to its end", 1);
        trouble.get_or_insert(Trouble { line: 0, text: String::new(), why: error.to_string() });
    }
    if walk.unknown > 0 {
        walk.sink.left_out("objects that are no spans", walk.unknown);
    }
    if walk.spans > 0 {
        return Ok(Outcome::Spans);
    }
    Ok(Outcome::NotTraces(not_traces(file, trouble)))
}

/// The first thing that was not as expected.
struct Trouble {
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

/// `Err` is the reading that failed, not the JSON.
fn lines(
    input: &mut dyn BufRead,
    walk: &mut Walk,
    trouble: &mut Option<Trouble>,
) -> std::io::Result<()> {
    let mut line = Vec::new();
    let mut number = 0;
    let mut first = true;
    while let Some(end) =
        next_line(input, &mut line, if first { FIRST_LINE } else { LONGEST_LINE })?
    {
        number += 1;
        let text = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1).unwrap_or(&line);
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if first {
            first = false;
            let whole = serde_json::from_slice::<IgnoredAny>(text);
            if end == End::TooLong || whole.as_ref().is_err_and(serde_json::Error::is_eof) {
                return document(text, end, input, (walk, trouble, number));
            }
            if let (Err(error), false) = (&whole, text.trim_ascii_start().starts_with(b"{")) {
                // Not even the look of JSON: there is no use in trying a million more lines.
                note(trouble, number, text, error);
                return Ok(());
            }
        } else if end == End::TooLong {
            walk.sink.left_out("lines longer than 256 MiB", 1);
            skip_line(input)?;
            continue;
        }
        let before = (walk.spans, walk.unknown);
        let mut json = serde_json::Deserializer::from_slice(text);
        let ended = walk.deserialize(&mut json).and_then(|()| json.end());
        if walk.failed.is_some() {
            return Ok(());
        }
        match ended {
            Ok(()) if walk.unknown > before.1 && trouble.is_none() => {
                *trouble = Some(Trouble::at(number, text, "no span is here"));
            }
            Ok(()) => {}
            Err(error) => {
                note(trouble, number, text, &error);
                walk.sink.left_out(why_broken(&error, end, text), 1);
            }
        }
    }
    Ok(())
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
    rest: &mut dyn BufRead,
    (walk, trouble, number): (&mut Walk, &mut Option<Trouble>, usize),
) -> std::io::Result<()> {
    let newline: &[u8] = if end == End::Newline { b"\n" } else { b"" };
    let whole = first.chain(newline).chain(rest);
    let mut json = serde_json::Deserializer::from_reader(whole);
    loop {
        walk.begun = false;
        match walk.deserialize(&mut json) {
            Ok(()) => {
                if walk.unknown > 0 && walk.spans == 0 && trouble.is_none() {
                    *trouble = Some(Trouble::at(number, first, "no span is here"));
                }
            }
            Err(_) if walk.failed.is_some() => return Ok(()),
            Err(error) if error.is_eof() && !walk.begun => return Ok(()),
            Err(error) if error.is_io() => return Err(error.into()),
            Err(error) => {
                let line = number + error.line().saturating_sub(1);
                let shown = if error.line() <= 1 { first } else { b"" };
                note(trouble, line, shown, &error);
                let reason = if error.is_eof() {
                    "the end of a document that is cut off"
                } else {
                    "the rest of a document after a mistake in its JSON"
                };
                walk.sink.left_out(reason, 1);
                return Ok(());
            }
        }
    }
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

impl Walk<'_> {
    fn object(&mut self, object: Map<String, Value>, holds: bool) -> Result<(), &'static str> {
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
        let mut own = Map::new();
        let mut holds = false;
        while let Some(key) = map.next_key::<String>()? {
            if HOLDERS.contains(&key.as_str()) {
                holds = true;
                map.next_value_seed(&mut *self)?;
            } else {
                own.insert(key, map.next_value()?);
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
