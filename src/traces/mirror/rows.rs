//! The tables of a mirror, and the way of spans and annotations into and out of them.

use crate::traces::annotation::{Annotation, Target};
use crate::traces::attributes::Attributes;
use crate::traces::span::{Kind, Span, SpanId, Status, TraceId};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Map, Value};

/// Grows with every change of the tables: a mirror of another format is made anew.
pub(super) const FORMAT: i32 = 1;

/// Times are Unix microseconds where the column says so, else milliseconds. A bound that is not there
/// is the least or greatest number.
pub(super) const CREATE: &str = "
CREATE TABLE meta (id TEXT NOT NULL, revision INTEGER NOT NULL);
CREATE TABLE part (
  n INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, mark TEXT,
  begun INTEGER NOT NULL, used INTEGER NOT NULL,
  wanted_since INTEGER NOT NULL, wanted_at INTEGER NOT NULL
);
CREATE TABLE span (
  trace TEXT NOT NULL, span TEXT NOT NULL, parent TEXT, start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL,
  message TEXT NOT NULL, session TEXT, asked INTEGER NOT NULL, looked INTEGER NOT NULL,
  attributes TEXT NOT NULL, events TEXT NOT NULL
);
CREATE UNIQUE INDEX span_by_id ON span(trace, span);
CREATE INDEX span_by_start ON span(trace, start_us);
CREATE INDEX span_by_look ON span(looked, trace);
CREATE INDEX span_not_asked ON span(trace) WHERE asked = 0;
CREATE TABLE annotation (
  kind TEXT NOT NULL, target TEXT NOT NULL, name TEXT NOT NULL, identifier TEXT NOT NULL,
  label TEXT, score REAL, explanation TEXT, annotator TEXT,
  PRIMARY KEY (kind, target, name, identifier)
) WITHOUT ROWID;
CREATE TABLE left_out (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
";

/// Whether it was not there yet.
pub(super) fn add(database: &Connection, span: &Span) -> rusqlite::Result<bool> {
    let attributes: Map<String, Value> =
        span.attributes.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
    let events = serde_json::to_string(&span.events).unwrap_or_else(|_| "[]".to_owned());
    let added = database
        .prepare_cached("INSERT OR IGNORE INTO span VALUES (?,?,?,?,?,?,?,?,?,?,0,0,?,?)")?
        .execute(params![
            span.trace_id.to_string(),
            span.span_id.to_string(),
            span.parent_id.map(|id| id.to_string()),
            span.start_us,
            span.end_us,
            span.name,
            span.kind.name(),
            span.status.name(),
            span.status_message,
            span.session(),
            Value::Object(attributes).to_string(),
            events,
        ])?;
    Ok(added > 0)
}

pub(super) const SPAN: &str =
    "trace, span, parent, start_us, end_us, name, kind, status, message, attributes, events";

/// A row of the columns [`SPAN`].
pub(super) fn span(row: &Row) -> rusqlite::Result<Span> {
    let text = |at: usize| row.get::<_, String>(at);
    let odd = |at: usize| rusqlite::Error::InvalidColumnType(at, String::new(), Type::Text);
    let parsed = |at: usize, error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error))
    };
    let attributes: Map<String, Value> =
        serde_json::from_str(&text(9)?).map_err(|error| parsed(9, error))?;
    Ok(Span {
        trace_id: TraceId::read(&text(0)?).ok_or_else(|| odd(0))?,
        span_id: SpanId::read(&text(1)?).ok_or_else(|| odd(1))?,
        parent_id: row.get::<_, Option<String>>(2)?.as_deref().and_then(SpanId::read),
        start_us: row.get(3)?,
        end_us: row.get(4)?,
        name: text(5)?,
        kind: Kind::named(&text(6)?).unwrap_or(Kind::Unknown),
        status: Status::read(&text(7)?),
        status_message: text(8)?,
        attributes: Attributes::sorted(attributes.into_iter().collect()),
        events: serde_json::from_str(&text(10)?).map_err(|error| parsed(10, error))?,
    })
}

/// Whether that is news.
pub(super) fn say(database: &Connection, one: &Annotation) -> rusqlite::Result<bool> {
    let (kind, target) = target(&one.target);
    let identifier = one.identifier.as_deref().unwrap_or_default();
    let key = params![kind, target, one.name, identifier];
    let before = database
        .prepare_cached(&format!(
            "SELECT {ANNOTATION} FROM annotation
             WHERE kind = ? AND target = ? AND name = ? AND identifier = ?"
        ))?
        .query_row(key, annotation)
        .optional()?
        .flatten();
    if before.as_ref() == Some(one) {
        return Ok(false);
    }
    database
        .prepare_cached("INSERT OR REPLACE INTO annotation VALUES (?,?,?,?,?,?,?,?)")?
        .execute(params![
            kind,
            target,
            one.name,
            identifier,
            one.label,
            one.score,
            one.explanation,
            one.annotator_kind,
        ])?;
    Ok(true)
}

pub(super) const ANNOTATION: &str =
    "kind, target, name, identifier, label, score, explanation, annotator";

/// A row of the columns [`ANNOTATION`].
pub(super) fn annotation(row: &Row) -> rusqlite::Result<Option<Annotation>> {
    let about: String = row.get(1)?;
    let target = match row.get::<_, String>(0)?.as_str() {
        "span" => SpanId::read(&about).map(Target::Span),
        "trace" => TraceId::read(&about).map(Target::Trace),
        _ => Some(Target::Session(about)),
    };
    let Some(target) = target else { return Ok(None) };
    Ok(Some(Annotation {
        target,
        name: row.get(2)?,
        identifier: Some(row.get(3)?).filter(|text: &String| !text.is_empty()),
        label: row.get(4)?,
        score: row.get(5)?,
        explanation: row.get(6)?,
        annotator_kind: row.get(7)?,
    }))
}

/// The columns `kind` and `target`.
pub(super) fn target(target: &Target) -> (&'static str, String) {
    let id = match target {
        Target::Span(id) => id.to_string(),
        Target::Trace(id) => id.to_string(),
        Target::Session(id) => id.clone(),
    };
    (target.name(), id)
}
