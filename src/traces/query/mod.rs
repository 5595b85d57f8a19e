//! The engine of `loop traces` and, in a sandbox, of `traces`.
//!
//! A question is a function over a snapshot that returns plain values, which are also what `--json`
//! prints; `render` makes of them text for a model or a person to read. Everything is bounded
//! (`Bounds`), and says what was cut and how to see the rest, because a model reads it. Order is
//! stable. The SQL is kept in this folder.

mod cost;
mod evidence;
mod list;
mod part;
pub mod render;
mod search;
mod show;
mod sql;
mod stats;
mod tally;

pub use cost::Estimate;
pub use evidence::{Evidence, evidence};
pub use list::{ListAsk, Listing, TraceRow, list};
pub use search::{Hits, search};
pub use show::{Shown, ShownSpan, show, show_span};
pub use sql::{Table, bound_memory, overdue, sql};
pub use stats::{By, Stats, StatsAsk, StatsRow, stats};

pub(super) use cost::{Of, estimates};
pub(super) use part::Part;
pub(super) use stats::percentile;

use crate::error::{Cannot, Kind, Result};
use rusqlite::Row;

/// How much is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Rows, spans or hits.
    pub limit: usize,
    /// Characters of one value; `None` is all.
    pub chars: Option<usize>,
}

impl Bounds {
    pub const LIMIT: usize = 20;

    /// `limit` rows, values cut at what reads well for the command.
    pub fn new(limit: usize, chars: usize, full: bool) -> Self {
        Self { limit, chars: (!full).then_some(chars) }
    }

    /// For SQL's `substr`.
    fn chars_sql(self) -> i64 {
        self.chars.and_then(|chars| i64::try_from(chars + SPARED).ok()).unwrap_or(i64::MAX)
    }

    /// Values in columns, which are cut short, have a short mark too.
    fn narrow(self) -> bool {
        self.chars.is_some_and(|chars| chars < 100)
    }

    fn limit_sql(self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX)
    }
}

/// A value is not cut for fewer characters than the mark would take.
const SPARED: usize = 45;

/// The mark behind a value that was cut.
fn cut_mark(more: u64, bounds: Bounds) -> String {
    let more = render::grouped(more);
    if bounds.narrow() {
        format!("… (+{more})")
    } else {
        format!("… ({more} more characters; --full shows all)")
    }
}

/// A text of which `total` characters there are, cut by the query already or here.
fn cut(text: String, total: u64, bounds: Bounds) -> String {
    let Some(most) = bounds.chars else { return text };
    let total = total.max(text.chars().count() as u64);
    let spared = if bounds.narrow() { 8 } else { SPARED };
    if total <= (most + spared) as u64 {
        return text;
    }
    let kept: String = text.chars().take(most).collect();
    format!("{kept}{}", cut_mark(total - most as u64, bounds))
}

/// The two columns `substr(x, 1, n)` and `length(x)`, as [`excerpt`] reads them.
fn excerpt_sql(column: &str, bounds: Bounds) -> String {
    format!("substr({column}, 1, {}), length({column})", bounds.chars_sql())
}

fn excerpt(row: &Row, at: usize, bounds: Bounds) -> rusqlite::Result<Option<String>> {
    let Some(text) = row.get::<_, Option<String>>(at)? else { return Ok(None) };
    let total: Option<u64> = row.get::<_, Option<i64>>(at + 1)?.map(i64::unsigned_abs);
    Ok(Some(cut(text, total.unwrap_or(0), bounds)))
}

fn count(row: &Row, at: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(i64::unsigned_abs))
}

/// A mistake of SQLite's while asking is ours or the file's, never the asker's.
fn asked<T>(result: rusqlite::Result<T>) -> Result<T> {
    result.cannot(Kind::Config, || "ask the snapshot".to_owned())
}

#[cfg(test)]
mod tests;
