//! A snapshot: the spans of one project and window, as one read-only SQLite file.
//!
//! Invariants. The same spans, window and names give the same bytes, whatever order the spans came
//! in: the page size is fixed, rows are inserted sorted (traces by when they start, spans within a
//! trace likewise), and no time of writing is kept. A file that has its name is whole: it is built
//! under another and renamed. It is never written again.
//!
//! A trace belongs to the window in which its first span starts, and is then there whole: half a
//! trace misleads. Of spans with the same trace and span id the first read is kept, as Phoenix does.
//!
//! Columns of text are kept apart from the numbers (tables `span` and `payload`, joined by the view
//! `spans`), so that counting a million spans does not read a gigabyte of prompts.

mod open;
mod schema;
mod stage;
mod write;

pub use open::Snapshot;
pub use schema::{FORMAT, TABLES};
pub use write::Writer;
#[cfg(test)]
pub use write::write;

use crate::domain::plan::Window;
use jiff::Timestamp;

/// What a snapshot is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Where the spans came from, for people: `file`, `demo`, `phoenix`.
    pub source: String,
    pub project: String,
    pub window: Window,
}

/// What a snapshot holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub traces: u64,
    pub spans: u64,
    /// Traces with at least one span whose status is an error.
    pub failing: u64,
    /// When the first span starts, in Unix microseconds.
    pub first: i64,
    /// When the last span starts, in Unix microseconds.
    pub last: i64,
    /// Size of the file.
    pub bytes: u64,
    /// What is not in it and why, sorted by reason.
    pub left_out: Vec<(String, u64)>,
}

/// Unix microseconds as people read them: `2026-08-17T14:00:00.123Z`.
pub fn show_time(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(|_| format!("{us} µs"), |time| format!("{time:.3}"))
}

#[cfg(test)]
mod tests;
