//! Known secret values, and what looks like a credential, are taken out of text.
//!
//! Values are searched for in the forms in which they turn up by accident ([`forms`]), in the text as
//! it is and in what is left of it without escapes, colours and wrapping ([`plain`]), across lines and
//! across the pieces of streamed text ([`deltas`]). Places that overlap are taken out as one, since a
//! value may overlap itself. A line that is JSON is taken apart first and put together again, so it
//! stays JSON ([`json`]). The speed hardly falls with the number of values ([`sieve`]).
//!
//! The shapes of credentials ([`credential`]) are a second net, for those that nobody told of.
//!
//! Redaction is for accidents: a worker that wants to hide a value can encode it in a way that nobody
//! lists here, or compress it.

mod deltas;
mod files;
pub mod forms;
mod json;
mod plain;
mod sieve;

#[cfg(test)]
mod tests;

use crate::domain::credential;
pub use files::{Kept, NOTE, withheld};
use plain::Plain;
use sieve::Sieve;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Shorter values would tear holes into ordinary text; they are refused with a warning instead.
pub const MIN_LENGTH: usize = 8;

/// The shortest that is searched for in plain text.
const MIN_PLAIN: usize = 6;
/// An end of a text that begins a value counts from this length on.
const MIN_OPEN: usize = 4;
/// How far back the beginning of a streamed text is looked for.
const STREAMED: usize = 16 << 10;
/// How deep JSON in JSON is taken apart.
const DEPTH: u8 = 6;

const MARK: &str = "[redacted]";
/// What is left of a line that cannot be cleaned and stay what it is.
const GONE: &[u8] = br#"{"redacted":"[redacted]"}"#;

#[derive(Default)]
pub struct Redactor {
    /// The forms of the values as they are.
    pub raw: Sieve,
    /// The same, made plain.
    pub plain: Sieve,
    /// The longest form, in bytes.
    longest: usize,
}

/// A place that is taken out, and what it is where that is known by its shape alone.
struct Place {
    range: Range<usize>,
    shape: Option<&'static str>,
}

impl Redactor {
    /// Values shorter than [`MIN_LENGTH`] are left out.
    pub fn new<S: AsRef<str>>(values: &[S]) -> Self {
        let forms: Vec<Vec<u8>> = values
            .iter()
            .map(AsRef::as_ref)
            .filter(|value| value.len() >= MIN_LENGTH)
            .flat_map(forms::of)
            .collect();
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        let plain: Vec<Vec<u8>> = forms.iter().map(|form| plain::plain(form)).collect();
        let plain = Sieve::new(plain.into_iter().filter(|form| form.len() >= MIN_PLAIN));
        let raw = Sieve::new(forms.into_iter().filter(|form| form.len() >= MIN_LENGTH));
        Self { raw, plain, longest }
    }

    /// How far apart two places have to be not to matter to each other.
    pub fn reach(&self) -> usize {
        // Each character of a form may be escaped, and stand in a colour of its own.
        (self.longest * 4).clamp(64, 64 << 10)
    }

    /// Whole lines without what is secret in them; the last one may lack its newline. Borrowed when
    /// there was nothing to take out.
    pub fn redact<'t>(&self, lines: &'t [u8]) -> Cow<'t, [u8]> {
        self.redact_after(&[], lines)
    }

    /// The same, where other lines came before: a value that began there ends here.
    pub fn redact_after<'t>(&self, before: &[u8], lines: &'t [u8]) -> Cow<'t, [u8]> {
        let joined = match before {
            [] => Cow::Borrowed(lines),
            before => Cow::Owned([before, lines].concat()),
        };
        let places = self.places(&joined);
        let pieces = self.pieces(&joined);
        if places.is_empty() && pieces.is_empty() {
            return Cow::Borrowed(lines);
        }
        let mut out = Vec::with_capacity(lines.len());
        let mut at = 0;
        let mut next = 0;
        for line in joined.split_inclusive(|byte| *byte == b'\n') {
            let range = at..at + line.len();
            at = range.end;
            while places.get(next).is_some_and(|place| place.range.end <= range.start) {
                next += 1;
            }
            if range.start < before.len() {
                continue;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let streamed = pieces.get(&range.start);
            let text =
                streamed.map_or(Cow::Borrowed(text), |cut| Cow::Owned(cut_tokens(text, cut)));
            let touching: Vec<&Place> =
                places[next..].iter().take_while(|place| place.range.start < range.end).collect();
            match touching.as_slice() {
                [] => out.extend_from_slice(&text),
                touching if streamed.is_none() => self.line(&text, &range, touching, &mut out),
                _ => out.extend_from_slice(&self.document(&text)),
            }
            out.extend_from_slice(&line[text_len(line)..]);
        }
        Cow::Owned(out)
    }

    /// A whole file: as JSON where it is JSON, else as lines.
    pub fn document<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        if !json::is_document(text) {
            return self.redact(text);
        }
        match self.clean(text, DEPTH) {
            Some(cleaned) => Cow::Owned(cleaned),
            None => Cow::Borrowed(text),
        }
    }

    /// Whether a value stands anywhere in it, text or not.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        !self.values(bytes).is_empty()
    }

    /// How many bytes at the end of these lines have to wait for what comes next, since a value may
    /// begin in them, or in what came before. Whole lines; the last one lacks its newline.
    pub fn unfinished(&self, before: &[u8], lines: &[u8]) -> usize {
        if self.longest == 0 {
            return 0;
        }
        let joined = [before, lines].concat();
        let from = joined.len().saturating_sub(self.reach().max(STREAMED));
        let end = &joined[from..];
        let plain = Plain::of(end);
        let texts = deltas::texts(end);
        let open = [
            self.raw.open_end(end, MIN_OPEN),
            self.plain.open_end(&plain.text, MIN_OPEN).map(|at| plain.origin(&(at..at + 1)).start),
        ];
        let streamed = texts.iter().filter_map(|text| {
            let at = self.raw.open_end(text.text.as_bytes(), MIN_OPEN)?;
            text.pieces.iter().find(|piece| piece.part.end > at).map(|piece| piece.line)
        });
        let Some(open) = open.into_iter().flatten().chain(streamed).min() else { return 0 };
        // What is whole and ends in what waits would be torn apart.
        let mut whole: Vec<Range<usize>> = self.values(end);
        whole.extend(texts.iter().flat_map(|text| {
            self.values(text.text.as_bytes()).into_iter().map(|place| text.lines(&place))
        }));
        let start_of = |at: usize| memchr::memrchr(b'\n', &end[..at]).map_or(0, |nl| nl + 1);
        let mut wait = start_of(open);
        while let Some(place) = whole.iter().find(|place| place.start < wait && place.end > wait) {
            wait = start_of(place.start);
        }
        joined.len() - (from + wait).max(before.len())
    }

    /// Every place of every value, in order, none overlapping another.
    fn values(&self, text: &[u8]) -> Vec<Range<usize>> {
        if self.longest == 0 {
            return Vec::new();
        }
        let mut places = self.raw.places(text);
        let plain = Plain::of(text);
        let origin = |place: Range<usize>| plain.origin(&place);
        places.extend(self.plain.places(&plain.text).into_iter().map(origin));
        joined(places)
    }

    /// Values and what has the shape of a credential.
    fn places(&self, text: &[u8]) -> Vec<Place> {
        let values = self.values(text);
        let shapes = credential::places(text);
        let overlaps = |range: &Range<usize>| {
            let next = values.partition_point(|value| value.end <= range.start);
            values.get(next).is_some_and(|value| value.start < range.end)
        };
        let mut places: Vec<Place> = shapes
            .into_iter()
            .filter(|(range, _)| !overlaps(range))
            .map(|(range, what)| Place { range, shape: Some(what) })
            .collect();
        places.extend(values.into_iter().map(|range| Place { range, shape: None }));
        places.sort_by_key(|place| place.range.start);
        places
    }

    /// A line with places in it.
    fn line(&self, line: &[u8], at: &Range<usize>, touching: &[&Place], out: &mut Vec<u8>) {
        if json::is_document(line) {
            match self.clean(line, DEPTH) {
                Some(cleaned) => out.extend_from_slice(&cleaned),
                None => out.extend_from_slice(line),
            }
            return;
        }
        let mut copied = 0;
        for place in touching {
            let start = place.range.start.saturating_sub(at.start).min(line.len());
            let end = place.range.end.saturating_sub(at.start).min(line.len());
            out.extend_from_slice(&line[copied..start.max(copied)]);
            mark(place.shape, out);
            copied = end.max(copied);
        }
        out.extend_from_slice(&line[copied..]);
    }

    /// A text by itself; `None` where it is clean.
    fn clean(&self, text: &[u8], depth: u8) -> Option<Vec<u8>> {
        if depth > 0
            && json::is_document(text)
            && let Ok(document) = std::str::from_utf8(text)
        {
            let inner = |text: &str| {
                let cleaned = self.clean(text.as_bytes(), depth - 1)?;
                Some(String::from_utf8_lossy(&cleaned).into_owned())
            };
            let cleaned = json::rewrite(document, &inner);
            let now = cleaned.as_deref().unwrap_or(document);
            // What only the whole shows, as numbers of a list do, cannot be taken out of a part.
            if self.holds(now.as_bytes()) {
                return Some(GONE.to_vec());
            }
            return cleaned.map(String::into_bytes);
        }
        let places = self.places(text);
        if places.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(text.len());
        self.line_of(text, &places, &mut out);
        Some(out)
    }

    fn line_of(&self, text: &[u8], places: &[Place], out: &mut Vec<u8>) {
        let mut copied = 0;
        for place in places {
            out.extend_from_slice(&text[copied..place.range.start]);
            mark(place.shape, out);
            copied = place.range.end;
        }
        out.extend_from_slice(&text[copied..]);
    }

    /// What is left of pieces of streamed texts that hold values together: by their line.
    fn pieces(&self, lines: &[u8]) -> BTreeMap<usize, Vec<(Range<usize>, String)>> {
        let mut cut: BTreeMap<usize, Vec<(Range<usize>, String)>> = BTreeMap::new();
        if !deltas::any(lines) {
            return cut;
        }
        for text in deltas::texts(lines) {
            let places = self.values(text.text.as_bytes());
            let spans = |place: &Range<usize>| {
                !text
                    .pieces
                    .iter()
                    .any(|piece| piece.part.start <= place.start && place.end <= piece.part.end)
            };
            if !places.iter().any(spans) {
                continue;
            }
            for (piece, left) in text.without(&places, MARK) {
                cut.entry(piece.line).or_default().push((piece.token.clone(), left));
            }
        }
        for tokens in cut.values_mut() {
            tokens.sort_by_key(|(token, _)| token.start);
        }
        cut
    }
}

fn mark(shape: Option<&str>, out: &mut Vec<u8>) {
    match shape {
        None => out.extend_from_slice(MARK.as_bytes()),
        Some(what) => {
            out.extend_from_slice(&MARK.as_bytes()[..MARK.len() - 1]);
            out.extend_from_slice(b": ");
            out.extend_from_slice(what.as_bytes());
            out.push(b']');
        }
    }
}

fn text_len(line: &[u8]) -> usize {
    line.strip_suffix(b"\n").unwrap_or(line).len()
}

fn cut_tokens(line: &[u8], cut: &[(Range<usize>, String)]) -> Vec<u8> {
    let document = String::from_utf8_lossy(line);
    json::replaced(&document, cut.iter().cloned()).into_bytes()
}

/// Ranges in order, those that overlap joined.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}
