//! Counts of spans by name, kind, model and tool, and of traces, made once while they are written.
//!
//! A snapshot never changes, so what is asked of it most need not be counted again with every
//! question. The figures are exact. What has more different values than is sensible to keep is not
//! counted here; whoever asks counts for himself.

use super::pack::Row;
use super::rows::Trace;
use super::schema::at;
use rusqlite::{Connection, Result, params};
use std::collections::HashMap;

const BY: [(&str, usize); 4] =
    [("name", at::NAME), ("kind", at::KIND), ("model", at::MODEL), ("tool", at::TOOL)];

/// Different values that are counted.
const MOST: usize = 10_000;

pub(super) struct Tally {
    by: [Option<HashMap<String, Count>>; BY.len()],
    traces: Count,
}

#[derive(Default)]
struct Count {
    /// One of each span, in milliseconds.
    latencies: Vec<f64>,
    traces: i64,
    last_trace: i64,
    errors: i64,
    tokens: [i64; 3],
    cost: Option<f64>,
}

impl Tally {
    pub fn new() -> Self {
        Self { by: BY.map(|_| Some(HashMap::new())), traces: Count::default() }
    }

    /// A trace that is whole.
    pub fn trace(&mut self, trace: &Trace) {
        let count = &mut self.traces;
        let (tokens, cost) = (trace.tokens(), trace.cost());
        count.latencies.push(trace.latency_ms());
        count.traces += 1;
        count.errors += i64::from(trace.errors > 0);
        count.sum(tokens.map(Option::unwrap_or_default), cost);
    }

    /// `trace` is the number of the first span of the trace.
    pub fn add(&mut self, trace: i64, row: &Row) {
        for ((by, at), counts) in BY.into_iter().zip(&mut self.by) {
            let (key, Some(known)) = (row.text(at), counts.as_mut()) else { continue };
            // Only a name may be empty and still be one.
            if key.is_empty() && by != "name" {
                continue;
            }
            if let Some(count) = known.get_mut(key) {
                count.add(trace, row);
            } else if known.len() == MOST {
                *counts = None;
            } else {
                known.entry(key.to_owned()).or_default().add(trace, row);
            }
        }
    }

    pub fn write(self, database: &Connection) -> Result<()> {
        let mut insert = database.prepare("INSERT INTO tally VALUES (?,?,?,?,?,?,?,?,?,?,?,?)")?;
        let of_spans = BY.map(|(by, _)| by).into_iter().zip(self.by);
        let traces = ("trace", Some(HashMap::from([(String::new(), self.traces)])));
        for (by, counts) in of_spans.chain([traces]) {
            let mut counts: Vec<_> = counts.into_iter().flatten().collect();
            counts.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            for (key, mut count) in counts {
                count.latencies.sort_unstable_by(f64::total_cmp);
                let [prompt, completion, total] = count.tokens;
                insert.execute(params![
                    by,
                    key,
                    count.latencies.len() as i64,
                    count.traces,
                    count.errors,
                    percentile(&count.latencies, 50),
                    percentile(&count.latencies, 95),
                    percentile(&count.latencies, 99),
                    prompt,
                    completion,
                    total,
                    count.cost,
                ])?;
            }
        }
        Ok(())
    }
}

impl Count {
    fn add(&mut self, trace: i64, row: &Row) {
        self.traces += i64::from(self.last_trace != trace);
        self.last_trace = trace;
        self.latencies.push(row.real(at::LATENCY_MS).unwrap_or_default());
        self.errors += i64::from(row.text(at::STATUS) == "ERROR");
        let columns = [at::PROMPT_TOKENS, at::COMPLETION_TOKENS, at::TOTAL_TOKENS];
        self.sum(columns.map(|at| row.integer(at).unwrap_or(0)), row.real(at::COST_USD));
    }

    fn sum(&mut self, tokens: [i64; 3], cost: Option<f64>) {
        for (sum, more) in self.tokens.iter_mut().zip(tokens) {
            *sum = sum.saturating_add(more);
        }
        if let Some(cost) = cost {
            self.cost = Some(self.cost.unwrap_or(0.0) + cost);
        }
    }
}

/// The smallest value that at least so many percent do not exceed.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}
