//! The part of a snapshot that a window asks for, as conditions for SQL.
//!
//! A trace is in a window with all of its spans, or not at all. Spans are numbered in the order in
//! which their traces start, so those of a window are a range of numbers.

use super::super::snapshot::Snapshot;
use super::asked;
use crate::domain::plan::Window;
use crate::error::Result;
use rusqlite::{OptionalExtension as _, params};

/// Numbers only, so that they can be put into SQL as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Trace starts, in Unix microseconds: from, and before.
    start_us: (Option<i64>, Option<i64>),
    /// Numbers of spans: the first, and the one after the last.
    spans: (Option<i64>, Option<i64>),
}

impl Part {
    pub(crate) fn of(snapshot: &Snapshot, window: Window) -> Result<Self> {
        let us = |ms: Option<i64>| ms.map(|ms| ms.saturating_mul(1_000));
        let start_us = (us(window.since), us(window.until));
        let number = |from: Option<i64>| from.map(|from| first(snapshot, from)).transpose();
        Ok(Self { start_us, spans: (number(start_us.0)?, number(start_us.1)?) })
    }

    /// Whether nothing was asked to be left out.
    pub(crate) fn is_whole(&self) -> bool {
        self.start_us == (None, None)
    }

    /// Of the table `trace`, called `t`.
    pub(crate) fn traces(&self) -> String {
        range("t.start_us", self.start_us)
    }

    /// Of the table `span`, called `s`.
    pub(crate) fn spans(&self) -> String {
        self.numbers("s.n")
    }

    /// Of a column that holds numbers of spans.
    pub(crate) fn numbers(&self, column: &str) -> String {
        range(column, self.spans)
    }
}

fn range(column: &str, (from, before): (Option<i64>, Option<i64>)) -> String {
    match (from, before) {
        (None, None) => "1".to_owned(),
        (Some(from), None) => format!("{column} >= {from}"),
        (None, Some(before)) => format!("{column} < {before}"),
        (Some(from), Some(before)) => format!("({column} >= {from} AND {column} < {before})"),
    }
}

/// The number of the first span of the first trace that starts then or later.
fn first(snapshot: &Snapshot, start_us: i64) -> Result<i64> {
    let sql = "SELECT (SELECT min(n) FROM span WHERE trace_id = t.trace_id) FROM trace t
        WHERE t.start_us >= ? ORDER BY t.start_us, t.trace_id LIMIT 1";
    let found: Option<i64> =
        asked(snapshot.database().query_row(sql, params![start_us], |row| row.get(0)).optional())?;
    Ok(found.unwrap_or(i64::MAX))
}
