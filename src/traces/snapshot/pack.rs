//! A span as a row of values, in the form in which it waits and is written.
//!
//! Packing is where attributes become columns. It needs nothing but the span, so whoever reads spans
//! can do it on as many threads as there are.

use super::super::span::{Kind, Span, SpanId, Tokens, TraceId};
use super::schema::SPAN_COLUMNS;
use super::stage::Key;
use rusqlite::types::ValueRef;
use std::io::Write as _;

/// After the columns of `span`: the payload, then what is taken apart when it is written.
pub(super) const INPUT: usize = SPAN_COLUMNS.len();
pub(super) const OUTPUT: usize = INPUT + 1;
pub(super) const ATTRIBUTES: usize = INPUT + 2;
pub(super) const MESSAGES: usize = INPUT + 3;
pub(super) const EVENTS: usize = INPUT + 4;
const COLUMNS: usize = INPUT + 5;

/// A row's values; what they borrow is the row as it was packed.
pub(super) struct Row<'a>([ValueRef<'a>; COLUMNS]);

impl<'a> Row<'a> {
    pub fn value(&self, at: usize) -> ValueRef<'a> {
        self.0[at]
    }

    /// Empty where there is none.
    pub fn text(&self, at: usize) -> &'a str {
        match self.0[at] {
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            _ => "",
        }
    }

    pub fn integer(&self, at: usize) -> Option<i64> {
        match self.0[at] {
            ValueRef::Integer(number) => Some(number),
            _ => None,
        }
    }

    pub fn real(&self, at: usize) -> Option<f64> {
        match self.0[at] {
            ValueRef::Real(number) => Some(number),
            _ => None,
        }
    }
}

/// Spans that are rows already, in the order they were read.
#[derive(Default)]
pub struct Packed {
    /// Where each row lies is counted from the first of `rows`.
    pub(super) keys: Vec<Key>,
    pub(super) rows: Vec<u8>,
}

impl Packed {
    pub fn spans(&self) -> usize {
        self.keys.len()
    }

    pub fn ids(&self) -> impl Iterator<Item = (TraceId, SpanId)> {
        self.keys.iter().map(|key| (key.trace_id, key.span_id))
    }

    pub fn add(&mut self, span: &Span) {
        let at = self.rows.len();
        columns(&mut self.rows, span);
        self.keys.push(Key {
            trace_id: span.trace_id,
            span_id: span.span_id,
            start_us: span.start_us,
            at: at as u64,
            // A span longer than that was no line, and no message, that anybody reads.
            length: u32::try_from(self.rows.len() - at).unwrap_or(u32::MAX),
        });
    }
}

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;

fn null(row: &mut Vec<u8>) {
    row.push(NULL);
}

fn integer(row: &mut Vec<u8>, value: Option<i64>) {
    let Some(value) = value else { return null(row) };
    row.push(INTEGER);
    row.extend_from_slice(&value.to_le_bytes());
}

fn real(row: &mut Vec<u8>, value: Option<f64>) {
    let Some(value) = value else { return null(row) };
    row.push(REAL);
    row.extend_from_slice(&value.to_le_bytes());
}

fn text(row: &mut Vec<u8>, value: Option<&str>) {
    let Some(value) = value else { return null(row) };
    written(row, |row| row.extend_from_slice(value.as_bytes()));
}

/// A text that is written where it stays.
fn written(row: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    row.push(TEXT);
    let at = row.len();
    row.extend_from_slice(&[0; 4]);
    write(row);
    let length = (row.len() - at - 4) as u32;
    row[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

pub(super) fn row(mut bytes: &[u8]) -> Option<Row<'_>> {
    let mut values = [ValueRef::Null; COLUMNS];
    for value in &mut values {
        let kind = *bytes.split_off_first()?;
        *value = match kind {
            INTEGER => ValueRef::Integer(i64::from_le_bytes(*number(&mut bytes)?)),
            REAL => ValueRef::Real(f64::from_le_bytes(*number(&mut bytes)?)),
            TEXT => {
                let length = u32::from_le_bytes(*number(&mut bytes)?);
                ValueRef::Text(bytes.split_off(..length as usize)?)
            }
            _ => ValueRef::Null,
        };
    }
    Some(Row(values))
}

fn number<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(number)
}

fn columns(row: &mut Vec<u8>, span: &Span) {
    let told = |text: &'_ str| -> Option<String> { (!text.is_empty()).then(|| text.to_owned()) };
    let exception = span.exception();
    let latency_us = span.end_us.saturating_sub(span.start_us).max(0);
    written(row, |row| drop(write!(row, "{}", span.trace_id)));
    written(row, |row| drop(write!(row, "{}", span.span_id)));
    match span.parent_id {
        Some(id) => written(row, |row| drop(write!(row, "{id}"))),
        None => null(row),
    }
    text(row, Some(&span.name));
    text(row, Some(span.kind.name()));
    integer(row, Some(span.start_us));
    integer(row, Some(span.end_us));
    real(row, Some(latency_us as f64 / 1_000.0));
    text(row, Some(span.status.name()));
    text(row, Some(&*span.status_message).filter(|text| !text.is_empty()));
    text(row, exception.as_ref().and_then(|e| told(&e.kind)).as_deref());
    text(row, exception.as_ref().and_then(|e| told(&e.message)).as_deref());
    for value in
        [span.model(), span.provider(), span.tool(), span.agent(), span.session(), span.user()]
    {
        text(row, value.as_deref());
    }
    let Tokens { prompt, completion, total, cache_read } = span.tokens();
    for count in [prompt, completion, total, cache_read] {
        // Numbers of tokens beyond what SQLite holds are some exporter's mistake.
        integer(row, count.and_then(|n| i64::try_from(n).ok()));
    }
    real(row, span.cost());
    text(row, span.finish_reason().as_deref());
    text(row, span.input().as_deref());
    text(row, span.output().as_deref());
    written(row, |row| rest(row, span));
    text(row, messages(span).as_deref());
    if span.events.is_empty() {
        null(row);
    } else {
        // Into memory, of values that are JSON already: it cannot fail.
        written(row, |row| drop(serde_json::to_writer(row, &span.events)));
    }
}

/// The attributes that have no column of their own, as JSON in the order of their keys.
fn rest(json: &mut Vec<u8>, span: &Span) {
    const OWN: [&str; 3] = ["input.value", "openinference.span.kind", "output.value"];
    json.push(b'{');
    let mut first = true;
    for (key, value) in span.attributes.iter().filter(|(key, _)| !OWN.contains(key)) {
        if !first {
            json.push(b',');
        }
        first = false;
        let _ = serde_json::to_writer(&mut *json, key);
        json.push(b':');
        let _ = serde_json::to_writer(&mut *json, value);
    }
    json.push(b'}');
}

/// The messages of a model call, for searching; what is its input or output anyway is not repeated.
fn messages(span: &Span) -> Option<String> {
    if !matches!(span.kind, Kind::Llm | Kind::Agent | Kind::Unknown) {
        return None;
    }
    let mut texts = span.input_messages();
    if span.attributes.get("input.value").is_none() {
        texts.pop();
    }
    if span.attributes.get("output.value").is_some() {
        texts.extend(span.output_messages());
    }
    let texts: Vec<_> =
        texts.into_iter().map(|message| message.text).filter(|text| !text.is_empty()).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}
