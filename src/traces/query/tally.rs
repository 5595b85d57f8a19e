//! What was counted when the snapshot was written.

use super::super::snapshot::Snapshot;
use super::stats::StatsRow;
use super::{asked, count};
use crate::error::Result;

/// All spans by a column, in no order. Empty where they were not counted by it.
pub(super) fn tallied(snapshot: &Snapshot, by: &str) -> Result<Vec<StatsRow>> {
    let read = || {
        let mut statement = snapshot.database().prepare_cached(
            "SELECT key, count, traces, errors, p50_ms, p95_ms, p99_ms, prompt_tokens,
                completion_tokens, total_tokens, cost_usd FROM tally WHERE by = ?",
        )?;
        let rows = statement.query_map([by], |row| {
            let number = |at| count(row, at).map(Option::unwrap_or_default);
            let (count, errors) = (number(1)?, number(3)?);
            Ok(StatsRow {
                key: row.get(0)?,
                count,
                traces: number(2)?,
                errors,
                error_rate: errors as f64 / count.max(1) as f64,
                p50_ms: row.get(4)?,
                p95_ms: row.get(5)?,
                p99_ms: row.get(6)?,
                prompt_tokens: number(7)?,
                completion_tokens: number(8)?,
                total_tokens: number(9)?,
                cost_usd: row.get(10)?,
                ..StatsRow::default()
            })
        })?;
        rows.collect()
    };
    asked(read())
}
