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

//!
//! A snapshot holds so many spans and no more, two million if nobody says otherwise. Of a larger window it keeps the traces
//! that fail or stand out, and a sample of the others that is the same every time; its header and
//! [`Summary::sampled`] say so.

mod calls;
mod choose;
mod fulltext;
mod open;
mod pack;
mod rows;
mod said;
mod schema;
mod stage;
mod tally;
mod write;

pub use calls::{DAY, SIZE};
pub use open::Snapshot;
pub use pack::Packed;
pub use schema::{FORMAT, TABLES};
pub use write::Writer;
#[cfg(test)]
pub use write::write;

use crate::domain::plan::Window;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// Set where it holds only a part of the window's traces.
    pub sampled: Option<Sampled>,
}

/// Of a window that was too large: what there was, and what of it is here. Whatever counts or sums up
/// such a snapshot speaks of a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampled {
    pub traces: u64,
    pub kept_traces: u64,
    pub spans: u64,
    pub kept_spans: u64,
    /// Traces that fail, or are among the slowest or the costliest hundredth.
    pub standing_out: u64,
    /// Whether all of these were kept: there may be more of them than a snapshot holds.
    pub standing_out_whole: bool,
}

impl Sampled {
    /// How the traces were chosen, for people.
    pub const RULE: &str = "failing traces, the slowest and the costliest hundredth; of the others \
        those that come first by a hash of their ids";

    fn to_json(self) -> String {
        let mut json = serde_json::to_value(self).unwrap_or_default();
        json["rule"] = Self::RULE.into();
        json.to_string()
    }
}

/// Unix microseconds as people read them: `2026-08-17T14:00:00.123Z`.
pub fn show_time(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(|_| format!("{us} µs"), |time| format!("{time:.3}"))
}

#[cfg(test)]
mod tests;
