//! `traces list`: which traces there are, newest first.

use super::super::snapshot::{Snapshot, show_time};
use super::super::span::Kind;
use super::cost::{Of, estimates};
use super::{Bounds, asked, count, excerpt, excerpt_sql};
use crate::domain::plan::Window;
use crate::domain::price::Prices;
use crate::error::Result;
use rusqlite::{Row, ToSql};
use serde::Serialize;

/// Which traces are asked for. With a kind or a name, errors and latency are meant of such a span;
/// without, of the trace.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    pub errors: bool,
    pub kind: Option<Kind>,
    /// Of a span or a tool.
    pub name: Option<String>,
    pub min_latency_ms: Option<u64>,
    pub session: Option<String>,
    pub user: Option<String>,
    pub window: Window,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listing {
    pub version: u32,
    /// How many there are of what was asked for.
    pub total: u64,
    pub failing: u64,
    pub traces: Vec<TraceRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceRow {
    pub trace_id: String,
    pub name: String,
    pub start_time: String,
    pub latency_ms: f64,
    /// `ERROR` where any span is in error.
    pub status: String,
    pub root_status: String,
    pub errors: u64,
    pub spans: u64,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub total_tokens: Option<u64>,
    pub cost_usd: Option<f64>,
    /// What the calls that say none come to by the price table.
    pub estimated_cost_usd: Option<f64>,
    /// Calls whose cost nobody knows.
    pub unpriced_calls: u64,
    pub session_id: Option<String>,
    pub user_id: Option<String>,
    /// Of the root.
    pub input: Option<String>,
    pub output: Option<String>,
    #[serde(skip)]
    pub start_us: i64,
}

pub fn list(
    snapshot: &Snapshot,
    ask: &ListAsk,
    bounds: Bounds,
    prices: &Prices,
) -> Result<Listing> {
    let (condition, values) = condition(ask);
    let values: Vec<&dyn ToSql> = values.iter().map(|value| &**value).collect();
    let database = snapshot.database();
    let counts =
        format!("SELECT count(*), coalesce(sum(t.errors > 0), 0) FROM trace t WHERE {condition}");
    let (total, failing): (i64, i64) =
        asked(database.query_row(&counts, &*values, |row| Ok((row.get(0)?, row.get(1)?))))?;
    let rows = rows_sql(
        &format!("{condition} ORDER BY t.start_us DESC, t.trace_id LIMIT {}", bounds.limit_sql()),
        bounds,
    );
    let read = || {
        let mut statement = database.prepare(&rows)?;
        statement.query_map(&*values, |row| trace_row(row, bounds))?.collect()
    };
    let mut traces: Vec<TraceRow> = asked(read())?;
    price(snapshot, &mut traces, prices)?;
    Ok(Listing { version: 1, total: total.unsigned_abs(), failing: failing.unsigned_abs(), traces })
}

/// Puts to each trace what its calls come to that say no cost.
pub(super) fn price(snapshot: &Snapshot, traces: &mut [TraceRow], prices: &Prices) -> Result<()> {
    let ids: Vec<String> = traces.iter().map(|trace| trace.trace_id.clone()).collect();
    let estimates = estimates(snapshot, &Of::Traces(&ids), prices)?;
    for trace in traces {
        if let Some(estimate) = estimates.get(&trace.trace_id) {
            trace.estimated_cost_usd = estimate.usd;
            trace.unpriced_calls = estimate.unpriced;
        }
    }
    Ok(())
}

fn condition(ask: &ListAsk) -> (String, Vec<Box<dyn ToSql>>) {
    let mut parts = vec!["1".to_owned()];
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut of_span = Vec::new();
    if let Some(kind) = ask.kind {
        of_span.push("x.kind = ?".to_owned());
        values.push(Box::new(kind.name()));
    }
    if let Some(name) = &ask.name {
        of_span.push("? IN (x.name, x.tool)".to_owned());
        values.push(Box::new(name.clone()));
    }
    let whole = of_span.is_empty();
    if ask.errors {
        let (list, part) =
            if whole { (&mut parts, "t.errors > 0") } else { (&mut of_span, "x.status = 'ERROR'") };
        list.push(part.to_owned());
    }
    if let Some(ms) = ask.min_latency_ms {
        let (list, table) = if whole { (&mut parts, "t") } else { (&mut of_span, "x") };
        list.push(format!("{table}.latency_ms >= {ms}"));
    }
    if !whole {
        // Not EXISTS: that would look through the failing spans anew for every trace.
        let spans = of_span.join(" AND ");
        parts.push(format!("t.trace_id IN (SELECT x.trace_id FROM span x WHERE {spans})"));
    }
    for (column, value) in [("session_id", &ask.session), ("user_id", &ask.user)] {
        if let Some(value) = value {
            parts.push(format!("t.{column} = ?"));
            values.push(Box::new(value.clone()));
        }
    }
    for (bound, comparison) in [(ask.window.since, ">="), (ask.window.until, "<")] {
        if let Some(ms) = bound {
            parts.push(format!("t.start_us {comparison} {}", ms.saturating_mul(1_000)));
        }
    }
    (parts.join(" AND "), values)
}

pub(super) fn rows_sql(condition: &str, bounds: Bounds) -> String {
    format!(
        "SELECT t.trace_id, t.name, t.start_us, t.latency_ms, t.status, t.root_status, t.errors,
            t.spans, t.prompt_tokens, t.completion_tokens, t.total_tokens, t.cost_usd, t.session_id,
            t.user_id, {}, {}
         FROM trace t
         LEFT JOIN span r ON r.trace_id = t.trace_id AND r.span_id = t.root_span_id
         LEFT JOIN payload p ON p.n = r.n
         WHERE {condition}",
        excerpt_sql("p.input", bounds),
        excerpt_sql("p.output", bounds),
    )
}

pub(super) fn trace_row(row: &Row, bounds: Bounds) -> rusqlite::Result<TraceRow> {
    let start_us = row.get(2)?;
    Ok(TraceRow {
        trace_id: row.get(0)?,
        name: row.get(1)?,
        start_time: show_time(start_us),
        latency_ms: row.get(3)?,
        status: row.get(4)?,
        root_status: row.get(5)?,
        errors: count(row, 6)?.unwrap_or(0),
        spans: count(row, 7)?.unwrap_or(0),
        prompt_tokens: count(row, 8)?,
        completion_tokens: count(row, 9)?,
        total_tokens: count(row, 10)?,
        cost_usd: row.get(11)?,
        estimated_cost_usd: None,
        unpriced_calls: 0,
        session_id: row.get(12)?,
        user_id: row.get(13)?,
        input: excerpt(row, 14, bounds)?,
        output: excerpt(row, 16, bounds)?,
        start_us,
    })
}
