//! Annotations, until all spans are there that they may be about.
//!
//! Those of the source and those that spans carry are one set: of one target, name and identifier
//! there is one, and what the source says counts before what a span carries, since it is of later. A
//! trace's annotation that each of its spans carries counts once. They wait in a database without a
//! name, which spills to a file by itself when there are many.

use super::super::annotation::{Annotation, Target};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};
use std::borrow::Cow;

pub(super) struct Said {
    waiting: Connection,
}

/// What a span carries.
pub(super) struct Carried<'a> {
    pub target: &'static str,
    pub id: &'a str,
    /// Where it stands in the span's list: there may be two of a name.
    pub at: usize,
    pub name: Cow<'a, str>,
    pub label: Option<Cow<'a, str>>,
    pub score: Option<f64>,
    pub explanation: Option<Cow<'a, str>>,
    pub annotator_kind: Option<Cow<'a, str>>,
    pub identifier: Option<Cow<'a, str>>,
}

/// Those of the source come before all that spans carry.
const OF_SOURCE: i64 = -1;

const CREATE: &str = "
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8192;
CREATE TABLE said (
  target TEXT, id TEXT, name TEXT, identifier TEXT, i INTEGER,
  label TEXT, score REAL, explanation TEXT, annotator_kind TEXT, told TEXT,
  PRIMARY KEY (target, id, name, identifier, i)
) WITHOUT ROWID;
BEGIN";

impl Said {
    pub fn new() -> Result<Self> {
        let waiting = Connection::open("")?;
        waiting.execute_batch(CREATE)?;
        Ok(Self { waiting })
    }

    /// By the source. The last one of a target, name and identifier counts.
    pub fn told(&mut self, annotation: &Annotation) -> Result<()> {
        let id = match &annotation.target {
            Target::Span(id) => id.to_string(),
            Target::Trace(id) => id.to_string(),
            Target::Session(id) => id.clone(),
        };
        let mut insert = self
            .waiting
            .prepare_cached("INSERT OR REPLACE INTO said VALUES (?,?,?,?,?,?,?,?,?,?)")?;
        insert.execute(params![
            annotation.target.name(),
            id,
            annotation.name,
            annotation.identifier.as_deref().unwrap_or_default(),
            OF_SOURCE,
            annotation.label,
            annotation.score,
            annotation.explanation,
            annotation.annotator_kind,
            annotation.identifier,
        ])?;
        Ok(())
    }

    /// By a span. The first one counts, and none of which the source has its own.
    pub fn carried(&mut self, own: &Carried) -> Result<()> {
        let mut insert = self.waiting.prepare_cached(
            "INSERT OR IGNORE INTO said SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9,?10 WHERE NOT EXISTS (
               SELECT 1 FROM said WHERE target = ?1 AND id = ?2 AND name = ?3 AND identifier = ?4
                 AND i = -1)",
        )?;
        insert.execute(params![
            own.target,
            own.id,
            own.name,
            own.identifier.as_deref().unwrap_or_default(),
            own.at as i64,
            own.label,
            own.score,
            own.explanation,
            own.annotator_kind,
            own.identifier,
        ])?;
        Ok(())
    }

    /// Writes what is about something that is there, in the order of targets and names.
    pub fn write(&self, database: &Connection) -> Result<()> {
        let mut insert = database.prepare("INSERT INTO annotation VALUES (?,?,?,?,?,?,?,?,?,?)")?;
        let mut waiting = self.waiting.prepare(
            "SELECT target, id, name, label, score, explanation, annotator_kind, told FROM said
             ORDER BY target, id, name, identifier, i",
        )?;
        let mut rows = waiting.query([])?;
        while let Some(row) = rows.next()? {
            let (target, id): (String, String) = (row.get(0)?, row.get(1)?);
            let Some(trace_id) = trace(database, &target, &id)? else { continue };
            let of = |kind: &str| (target == kind).then_some(id.as_str());
            let value = |row: &Row, at| row.get::<_, rusqlite::types::Value>(at);
            insert.execute(params![
                // What is about a session belongs to none of its traces.
                (target != "session").then_some(trace_id),
                of("span"),
                of("session"),
                target,
                value(row, 2)?,
                value(row, 3)?,
                value(row, 4)?,
                value(row, 5)?,
                value(row, 6)?,
                value(row, 7)?,
            ])?;
        }
        Ok(())
    }
}

/// The trace of a target, where the snapshot has it.
fn trace(database: &Connection, target: &str, id: &str) -> Result<Option<String>> {
    let sql = match target {
        "span" => "SELECT trace_id FROM span WHERE span_id = ? LIMIT 1",
        "trace" => "SELECT trace_id FROM trace WHERE trace_id = ?",
        _ => "SELECT trace_id FROM span WHERE session_id = ? LIMIT 1",
    };
    database.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()
}
