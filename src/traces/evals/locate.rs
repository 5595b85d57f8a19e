//! Looks up in the evidence what an eval is about.

use super::super::snapshot::Snapshot;
use super::super::span::{SpanId, TraceId};
use super::Spot;
use crate::error::{Cannot as _, Kind, Result};
use rusqlite::OptionalExtension as _;

/// The span of an id, within a trace where one is named; the sentence says why there is none.
pub(super) fn span(
    evidence: &Snapshot,
    span_id: SpanId,
    trace_id: Option<TraceId>,
) -> Result<Result<Spot, String>> {
    let sql = "SELECT trace_id, start_us FROM span WHERE span_id = ? LIMIT 3";
    let rows = || -> rusqlite::Result<Vec<(String, i64)>> {
        let mut statement = evidence.database().prepare_cached(sql)?;
        let rows =
            statement.query_map([span_id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    let mut found = rows().cannot(Kind::Config, doing)?;
    if found.is_empty() {
        return Ok(Err(format!("no span `{span_id}` is in the evidence")));
    }
    if let Some(trace_id) = trace_id {
        found.retain(|(trace, _)| *trace == trace_id.to_string());
    }
    Ok(match found.as_slice() {
        [(_, start_us)] => Ok(Spot { span_id, start_us: *start_us }),
        [] => Err(format!("the span `{span_id}` is not of the trace that is named")),
        _ => Err(format!("several traces have a span `{span_id}`: name its `trace_id` too")),
    })
}

/// The root of a trace, as the snapshot knows it.
pub(super) fn trace(evidence: &Snapshot, trace_id: TraceId) -> Result<Result<Spot, String>> {
    let sql = "SELECT t.root_span_id, s.start_us FROM trace t
               JOIN span s ON s.trace_id = t.trace_id AND s.span_id = t.root_span_id
               WHERE t.trace_id = ?";
    let row = || -> rusqlite::Result<Option<(String, i64)>> {
        let mut statement = evidence.database().prepare_cached(sql)?;
        let row = statement.query_row([trace_id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)));
        row.optional()
    };
    let found = row().cannot(Kind::Config, doing)?;
    let spot =
        |(root, start_us): (String, i64)| Some(Spot { span_id: SpanId::read(&root)?, start_us });
    Ok(found.and_then(spot).ok_or(format!("no trace `{trace_id}` is in the evidence")))
}

fn doing() -> String {
    "look up what the evals are about".to_owned()
}
