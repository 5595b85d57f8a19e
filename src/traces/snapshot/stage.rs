//! Where spans wait, in the order they come, until all of them are there to be sorted.
//!
//! The rows lie in a private database without a name, which SQLite keeps in memory as long as it is
//! small, spills to a temporary file when it is not, and deletes by itself. In memory, of each span,
//! is only the key it is sorted by (48 bytes).

use super::super::span::{Kind, Span, SpanId, TraceId};
use super::schema::SPAN_COLUMNS;
use crate::error::{Cannot, Kind as FailureKind, Result};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Row};

/// After the columns of `span`: the payload, then what is taken apart when it is written.
pub(super) const INPUT: usize = SPAN_COLUMNS.len();
pub(super) const OUTPUT: usize = INPUT + 1;
pub(super) const ATTRIBUTES: usize = INPUT + 2;
pub(super) const MESSAGES: usize = INPUT + 3;
pub(super) const EVENTS: usize = INPUT + 4;
const COLUMNS: usize = INPUT + 5;

/// What a staged span is found and sorted by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub start_us: i64,
    pub row: i64,
}

pub(super) struct Stage {
    database: Connection,
    insert: String,
    pub keys: Vec<Key>,
}

impl Stage {
    pub fn new() -> Result<Self> {
        let marks = vec!["?"; COLUMNS].join(",");
        let columns: Vec<_> = (0..COLUMNS).map(|n| format!("c{n}")).collect();
        let create = format!(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32768;
             CREATE TABLE stage (row INTEGER PRIMARY KEY, {}); BEGIN",
            columns.join(",")
        );
        let open = || {
            let database = Connection::open("")?;
            database.execute_batch(&create)?;
            Ok::<_, rusqlite::Error>(database)
        };
        let database = open().cannot(FailureKind::Config, doing)?;
        let insert = format!("INSERT INTO stage VALUES (NULL,{marks})");
        Ok(Self { database, insert, keys: Vec::new() })
    }

    pub fn add(&mut self, span: &Span) -> Result<()> {
        let insert = || {
            let mut statement = self.database.prepare_cached(&self.insert)?;
            bind(&mut statement, span)?;
            statement.raw_execute()
        };
        insert().cannot(FailureKind::Config, doing)?;
        self.keys.push(Key {
            trace_id: span.trace_id,
            span_id: span.span_id,
            start_us: span.start_us,
            row: self.database.last_insert_rowid(),
        });
        Ok(())
    }

    /// Hands the row of a key to `take`.
    pub fn row(
        &self,
        key: &Key,
        take: impl FnOnce(&Row) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.database.prepare_cached("SELECT * FROM stage WHERE row = ?")?;
        statement.query_row([key.row], take)
    }
}

fn doing() -> String {
    "keep spans aside while the snapshot is built".to_owned()
}

/// A column of a staged row as it is.
pub(super) fn column<'a>(row: &'a Row, at: usize) -> rusqlite::Result<ToSqlOutput<'a>> {
    row.get_ref(at + 1).map(ToSqlOutput::Borrowed)
}

pub(super) fn text<'a>(row: &'a Row, at: usize) -> rusqlite::Result<&'a str> {
    match row.get_ref(at + 1)? {
        ValueRef::Text(bytes) => Ok(std::str::from_utf8(bytes).unwrap_or_default()),
        _ => Ok(""),
    }
}

pub(super) fn number<T: rusqlite::types::FromSql>(
    row: &Row,
    at: usize,
) -> rusqlite::Result<Option<T>> {
    row.get(at + 1)
}

fn bind(into: &mut CachedStatement, span: &Span) -> rusqlite::Result<()> {
    let tokens = span.tokens();
    let exception = span.exception();
    let told = |text: &str| if text.is_empty() { None } else { Some(text.to_owned()) };
    let latency_us = span.end_us.saturating_sub(span.start_us).max(0);
    let events =
        if span.events.is_empty() { None } else { serde_json::to_string(&span.events).ok() };
    // Numbers of tokens beyond what SQLite holds are some exporter's mistake.
    let count = |n: Option<u64>| n.and_then(|n| i64::try_from(n).ok());
    let values: [&dyn ToSql; COLUMNS] = [
        &span.trace_id.to_string(),
        &span.span_id.to_string(),
        &span.parent_id.map(|id| id.to_string()),
        &span.name,
        &span.kind.name(),
        &span.start_us,
        &span.end_us,
        &(latency_us as f64 / 1_000.0),
        &span.status.name(),
        &told(&span.status_message),
        &exception.as_ref().and_then(|e| told(&e.kind)),
        &exception.as_ref().and_then(|e| told(&e.message)),
        &span.model(),
        &span.provider(),
        &span.tool(),
        &span.agent(),
        &span.session(),
        &span.user(),
        &count(tokens.prompt),
        &count(tokens.completion),
        &count(tokens.total),
        &count(tokens.cache_read),
        &span.cost(),
        &span.finish_reason(),
        &span.input(),
        &span.output(),
        &rest(span),
        &messages(span),
        &events,
    ];
    for (at, value) in values.into_iter().enumerate() {
        into.raw_bind_parameter(at + 1, value)?;
    }
    Ok(())
}

/// The attributes that have no column of their own, as JSON in the order of their keys.
fn rest(span: &Span) -> String {
    const OWN: [&str; 3] = ["input.value", "openinference.span.kind", "output.value"];
    let mut json = vec![b'{'];
    for (key, value) in span.attributes.iter().filter(|(key, _)| !OWN.contains(key)) {
        if json.len() > 1 {
            json.push(b',');
        }
        // Into memory, of values that are JSON already: it cannot fail.
        let _ = serde_json::to_writer(&mut json, key);
        json.push(b':');
        let _ = serde_json::to_writer(&mut json, value);
    }
    json.push(b'}');
    String::from_utf8(json).unwrap_or_default()
}

/// The messages of a model call, for searching; what is its input or output anyway is not repeated.
fn messages(span: &Span) -> Option<String> {
    if !matches!(span.kind, Kind::Llm | Kind::Agent | Kind::Unknown) {
        return None;
    }
    let mut texts = span.input_messages();
    if !span.attributes.iter().any(|(key, _)| key == "input.value") {
        texts.pop();
    }
    if span.attributes.get("output.value").is_some() {
        texts.extend(span.output_messages());
    }
    let texts: Vec<_> =
        texts.into_iter().map(|message| message.text).filter(|text| !text.is_empty()).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}
