//! `traces stats`: counts, error rates, latencies, tokens and cost, in all or by something.
//!
//! Latencies are exact percentiles by nearest rank. The totals, `by session` and `by user` count traces
//! (of a trace, the latency is from its first start to its last end); the other groups count spans.

use super::super::snapshot::Snapshot;
use super::cost::{Estimate, Of, estimates};
use super::evidence::{Evidence, evidence};
use super::part::Part;
use super::tally::tallied;
use super::{asked, count};
use crate::domain::plan::Window;
use crate::domain::price::Prices;
use crate::domain::words::{did_you_mean, or};
use crate::error::{Failure, Kind, Result};
use serde::Serialize;
use std::collections::HashMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Name,
    Kind,
    Model,
    Tool,
    Session,
    User,
    /// The type of the exception.
    Error,
}

impl By {
    pub const NAMES: [&'static str; 7] =
        ["name", "kind", "model", "tool", "session", "user", "error"];

    pub fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "name" => Self::Name,
            "kind" => Self::Kind,
            "model" => Self::Model,
            "tool" => Self::Tool,
            "session" => Self::Session,
            "user" => Self::User,
            "error" => Self::Error,
            _ => {
                let failure =
                    Failure::new(Kind::Usage, format!("spans cannot be counted by `{name}`"))
                        .because(format!("expected {}", or(&Self::NAMES)));
                return Err(match did_you_mean(name, Self::NAMES) {
                    Some(meant) => failure.hint(format!("did you mean `--by {meant}`?")),
                    None => failure,
                });
            }
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Kind => "kind",
            Self::Model => "model",
            Self::Tool => "tool",
            Self::Session => "session",
            Self::User => "user",
            Self::Error => "error",
        }
    }

    /// The table that is counted, and its column.
    fn column(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("span", "name"),
            Self::Kind => ("span", "kind"),
            Self::Model => ("span", "model"),
            Self::Tool => ("span", "tool"),
            Self::Error => ("span", "error_type"),
            Self::Session => ("trace", "session_id"),
            Self::User => ("trace", "user_id"),
        }
    }

    pub fn counts_traces(self) -> bool {
        self.column().0 == "trace"
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    pub version: u32,
    pub evidence: Evidence,
    /// Of the window.
    pub spans: u64,
    /// Of traces.
    pub total: StatsRow,
    /// Traces whose root span is in error.
    pub root_errors: u64,
    /// How the costs came about.
    pub costs: Estimate,
    /// The day of the list prices that estimates are made with.
    pub prices_of: Option<String>,
    pub by: Option<&'static str>,
    /// Most frequent first.
    pub groups: Vec<StatsRow>,
    /// Groups beyond the limit.
    pub hidden: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct StatsRow {
    pub key: String,
    /// Spans, or traces in the totals, by session and by user.
    pub count: u64,
    pub traces: u64,
    pub errors: u64,
    /// Share of `count`.
    pub error_rate: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
    /// None where nothing says a cost.
    pub cost_usd: Option<f64>,
    /// What the calls that say none come to by the price table.
    pub estimated_cost_usd: Option<f64>,
    /// Calls whose cost nobody knows.
    pub unpriced_calls: u64,
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub struct StatsAsk {
    pub by: Option<By>,
    pub window: Window,
    /// Groups.
    pub limit: usize,
}

pub fn stats(snapshot: &Snapshot, ask: &StatsAsk, prices: &Prices) -> Result<Stats> {
    let part = Part::of(snapshot, ask.window)?;
    let mut total = grouped(snapshot, "trace", "''", &part)?.pop().unwrap_or_default();
    let costs = estimates(snapshot, &Of::Part(&part), prices)?.remove("").unwrap_or_default();
    total.estimate(&costs);
    let (groups, hidden) = match ask.by {
        None => (Vec::new(), 0),
        Some(by) => by_column(snapshot, by, &part, (prices, ask.limit))?,
    };
    let number = |sql: String| -> Result<u64> {
        let counted: Option<i64> =
            asked(snapshot.database().query_row(&sql, [], |row| row.get(0)))?;
        Ok(counted.map_or(0, i64::unsigned_abs))
    };
    let spans = number(format!("SELECT sum(t.spans) FROM trace t WHERE {}", part.traces()))?;
    let failing = "sum(t.root_status = 'ERROR')";
    let root_errors = number(format!("SELECT {failing} FROM trace t WHERE {}", part.traces()))?;
    let (by, evidence) = (ask.by.map(By::name), evidence(snapshot)?);
    let prices_of = prices.as_of.clone();
    Ok(Stats {
        version: 1,
        evidence,
        spans,
        total,
        root_errors,
        costs,
        prices_of,
        by,
        groups,
        hidden,
    })
}

/// The most frequent groups, and how many others there are. Only those that are shown are priced.
fn by_column(
    snapshot: &Snapshot,
    by: By,
    part: &Part,
    (prices, limit): (&Prices, usize),
) -> Result<(Vec<StatsRow>, u64)> {
    let (table, column) = by.column();
    let mut groups = grouped(snapshot, table, column, part)?;
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    let hidden = groups.len().saturating_sub(limit) as u64;
    groups.truncate(limit);
    let keys: Vec<&str> = groups.iter().map(|group| group.key.as_str()).collect();
    let column = format!("{}.{column}", if by.counts_traces() { "t" } else { "s" });
    let estimates = estimates(snapshot, &Of::Column(&column, part, &keys), prices)?;
    for group in &mut groups {
        if let Some(estimate) = estimates.get(&group.key) {
            group.estimate(estimate);
        }
    }
    Ok((groups, hidden))
}

#[derive(Default)]
struct Sum {
    row: StatsRow,
    latencies: Vec<f64>,
    last_trace: String,
}

fn grouped(snapshot: &Snapshot, table: &str, key: &str, part: &Part) -> Result<Vec<StatsRow>> {
    if part.is_whole() {
        // The totals, which have no key, are of traces.
        let tallied = tallied(snapshot, if key == "''" { "trace" } else { key })?;
        if !tallied.is_empty() {
            return Ok(tallied);
        }
    }
    // By row number the spans of a trace follow each other, which is how traces are counted below.
    let (named, order, inside) = match table {
        "span" => ("span s", "n", part.spans()),
        _ => ("trace t", "trace_id", part.traces()),
    };
    let sql = format!(
        "SELECT {key}, trace_id, latency_ms, status = 'ERROR', prompt_tokens, completion_tokens,
            total_tokens, cost_usd FROM {named} WHERE {key} IS NOT NULL AND {inside} ORDER BY {order}"
    );
    let read = || {
        let mut sums: HashMap<String, Sum> = HashMap::new();
        let mut statement = snapshot.database().prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key = row.get_ref(0)?.as_str()?;
            if !sums.contains_key(key) {
                sums.insert(key.to_owned(), Sum::default());
            }
            let Some(sum) = sums.get_mut(key) else { continue };
            let trace = row.get_ref(1)?.as_str()?;
            if sum.last_trace != trace {
                trace.clone_into(&mut sum.last_trace);
                sum.row.traces += 1;
            }
            sum.row.count += 1;
            sum.latencies.push(row.get(2)?);
            sum.row.errors += u64::from(row.get::<_, bool>(3)?);
            sum.row.prompt_tokens += count(row, 4)?.unwrap_or(0);
            sum.row.completion_tokens += count(row, 5)?.unwrap_or(0);
            sum.row.total_tokens += count(row, 6)?.unwrap_or(0);
            if let Some(cost) = row.get::<_, Option<f64>>(7)? {
                sum.row.cost_usd = Some(sum.row.cost_usd.unwrap_or(0.0) + cost);
            }
        }
        Ok(sums)
    };
    let sums = asked(read())?;
    Ok(sums.into_iter().map(|(key, sum)| sum.row.finished(key, sum.latencies)).collect())
}

impl StatsRow {
    fn estimate(&mut self, estimate: &Estimate) {
        self.estimated_cost_usd = estimate.usd;
        self.unpriced_calls = estimate.unpriced;
    }

    fn finished(mut self, key: String, mut latencies: Vec<f64>) -> Self {
        latencies.sort_by(f64::total_cmp);
        self.key = key;
        self.error_rate = self.errors as f64 / self.count.max(1) as f64;
        self.p50_ms = percentile(&latencies, 50);
        self.p95_ms = percentile(&latencies, 95);
        self.p99_ms = percentile(&latencies, 99);
        self
    }
}

/// The smallest value that at least so many percent do not exceed.
pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        for (percent, expected) in [(50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0)] {
            assert!((percentile(&hundred, percent) - expected).abs() < 1e-9);
        }
        assert!((percentile(&[7.0], 50) - 7.0).abs() < 1e-9);
        assert!(percentile(&[], 99).abs() < 1e-9);
        assert!((percentile(&[1.0, 2.0], 50) - 1.0).abs() < 1e-9);
    }
}
