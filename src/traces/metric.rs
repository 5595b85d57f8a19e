//! Numbers of a project over a window: for `stats`, and for whatever acts on a threshold.
//!
//! A number is only as good as what it was counted from, so each comes with how many things that
//! were, and whether they were all there are. Where there is nothing to count, there is no value:
//! no error rate is not an error rate of 0.
//!
//! | metric | is |
//! | --- | --- |
//! | `error_rate` | traces whose root span is in error, of all traces |
//! | `any_error_rate` | traces with any span in error, of all traces |
//! | `p50_latency`, `p95_latency`, `p99_latency` | of root spans, by nearest rank, in milliseconds |
//! | `tokens`, `prompt_tokens`, `completion_tokens` | sums, as the model calls tell them |
//! | `cost` | the sum of what calls tell and what the others come to by the price table, in USD |
//! | `traces`, `spans` | counts |
//! | `annotation:NAME` | the mean score of annotations of that name |
//! | `annotation:NAME=LABEL` | the share of that label among those that have one |
//! | `tool_failure_rate:TOOL` | calls of a tool in error, of all its calls; without a name, of any |

use super::query::{Estimate, Of, Part, estimates, evidence, percentile};
use super::snapshot::Snapshot;
use crate::domain::plan::Window;
use crate::domain::price::Prices;
use crate::domain::words::{Count, did_you_mean};
use crate::error::{Cannot, Failure, Kind, Result};
use rusqlite::{Row, ToSql};
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metric {
    ErrorRate,
    AnyErrorRate,
    /// The percentile.
    Latency(u8),
    Tokens(Tokens),
    Cost,
    Spans,
    Traces,
    Score(String),
    Share {
        name: String,
        label: String,
    },
    ToolFailureRate(Option<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    Total,
    Prompt,
    Completion,
}

/// What a metric is at a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    pub metric: String,
    /// None where there is nothing to count.
    pub value: Option<f64>,
    /// `share` (of 1), `ms`, `tokens`, `USD`, `traces`, `spans` or `score`.
    pub unit: &'static str,
    /// How many things it was counted from.
    pub sample: u64,
    /// Whether these are all there are: not so where spans were left out or sampled, where the
    /// snapshot does not reach over the window, or where some calls have no price.
    pub complete: bool,
    /// Why it is not complete, or has no value.
    pub note: Option<String>,
}

/// A stretch of time and what was measured in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bucket {
    pub start: String,
    #[serde(skip)]
    pub start_ms: i64,
    pub measured: Vec<Measured>,
}

/// The most buckets of one question.
const MOST_BUCKETS: i64 = 500;

impl Metric {
    /// How they are written; `NAME`, `LABEL` and `TOOL` are the asker's.
    pub const FORMS: [&'static str; 13] = [
        "error_rate",
        "any_error_rate",
        "p50_latency",
        "p95_latency",
        "p99_latency",
        "tokens",
        "prompt_tokens",
        "completion_tokens",
        "cost",
        "traces",
        "spans",
        "annotation:NAME",
        "tool_failure_rate:TOOL",
    ];

    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        Ok(match text.split_once(':') {
            Some(("annotation", rest)) if !rest.is_empty() && !rest.starts_with('=') => {
                match rest.split_once('=') {
                    Some((name, label)) => {
                        Self::Share { name: name.to_owned(), label: label.to_owned() }
                    }
                    None => Self::Score(rest.to_owned()),
                }
            }
            Some(("tool_failure_rate", tool)) if !tool.is_empty() => {
                Self::ToolFailureRate(Some(tool.to_owned()))
            }
            _ => match text {
                "error_rate" => Self::ErrorRate,
                "any_error_rate" => Self::AnyErrorRate,
                "p50_latency" => Self::Latency(50),
                "p95_latency" => Self::Latency(95),
                "p99_latency" => Self::Latency(99),
                "tokens" => Self::Tokens(Tokens::Total),
                "prompt_tokens" => Self::Tokens(Tokens::Prompt),
                "completion_tokens" => Self::Tokens(Tokens::Completion),
                "cost" => Self::Cost,
                "traces" => Self::Traces,
                "spans" => Self::Spans,
                "tool_failure_rate" => Self::ToolFailureRate(None),
                _ => return Err(unknown(text)),
            },
        })
    }

    /// As it is written.
    pub fn name(&self) -> String {
        match self {
            Self::ErrorRate => "error_rate".to_owned(),
            Self::AnyErrorRate => "any_error_rate".to_owned(),
            Self::Latency(percent) => format!("p{percent}_latency"),
            Self::Tokens(Tokens::Total) => "tokens".to_owned(),
            Self::Tokens(Tokens::Prompt) => "prompt_tokens".to_owned(),
            Self::Tokens(Tokens::Completion) => "completion_tokens".to_owned(),
            Self::Cost => "cost".to_owned(),
            Self::Spans => "spans".to_owned(),
            Self::Traces => "traces".to_owned(),
            Self::Score(name) => format!("annotation:{name}"),
            Self::Share { name, label } => format!("annotation:{name}={label}"),
            Self::ToolFailureRate(None) => "tool_failure_rate".to_owned(),
            Self::ToolFailureRate(Some(tool)) => format!("tool_failure_rate:{tool}"),
        }
    }

    fn unit(&self) -> &'static str {
        match self {
            Self::ErrorRate
            | Self::AnyErrorRate
            | Self::Share { .. }
            | Self::ToolFailureRate(_) => "share",
            Self::Latency(_) => "ms",
            Self::Tokens(_) => "tokens",
            Self::Cost => "USD",
            Self::Spans => "spans",
            Self::Traces => "traces",
            Self::Score(_) => "score",
        }
    }
}

/// In the form that settings and flags tell a mistake in: what is wrong; what would be right.
fn unknown(text: &str) -> String {
    let head = text.split_once(':').map_or(text, |(head, _)| head);
    let plain = Metric::FORMS.map(|form| form.split_once(':').map_or(form, |(head, _)| head));
    let hint = match did_you_mean(head, plain) {
        Some("annotation") => "write `annotation:NAME` or `annotation:NAME=LABEL`".to_owned(),
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", Metric::FORMS.join(", ")),
    };
    format!("no metric is called `{text}`; {hint}")
}

/// A metric over a window of a snapshot; an open end is the snapshot's own.
pub fn measure(
    snapshot: &Snapshot,
    metric: &Metric,
    window: Window,
    prices: &Prices,
) -> Result<Measured> {
    let part = Part::of(snapshot, window)?;
    let mut why_not = incomplete(snapshot, window)?;
    let reading = read(snapshot, metric, &part, prices)?;
    why_not.extend(reading.missing);
    let complete = why_not.is_empty();
    // Nothing found where not everything was looked through is no finding.
    let value = reading.value.filter(|value| complete || *value > 0.0 || reading.sample > 0);
    let mut notes = why_not;
    if value.is_none() {
        notes.insert(0, reading.nothing);
    }
    Ok(Measured {
        metric: metric.name(),
        value,
        unit: metric.unit(),
        sample: reading.sample,
        complete,
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    })
}

/// Metrics for each stretch of time of a window, from the first trace to the last.
pub fn buckets(
    snapshot: &Snapshot,
    metrics: &[Metric],
    window: Window,
    every_ms: i64,
    prices: &Prices,
) -> Result<Vec<Bucket>> {
    let summary = snapshot.summary();
    let first = window.since.unwrap_or(summary.first.div_euclid(1_000));
    let last = window.until.map_or(summary.last.div_euclid(1_000), |until| until - 1);
    let every_ms = every_ms.max(1);
    let begin = first.div_euclid(every_ms) * every_ms;
    if last.saturating_sub(begin) / every_ms >= MOST_BUCKETS {
        let sentence = format!("that would be more than {MOST_BUCKETS} stretches of time");
        return Err(Failure::new(Kind::Usage, sentence)
            .hint("take a longer `--every`, or a shorter window with `--since`"));
    }
    let mut buckets = Vec::new();
    let mut start = begin;
    while start <= last {
        let bucket = Window { since: Some(start), until: Some(start + every_ms) };
        let measured = metrics.iter().map(|metric| measure(snapshot, metric, bucket, prices));
        buckets.push(Bucket {
            start: super::snapshot::show_time(start.saturating_mul(1_000)),
            start_ms: start,
            measured: measured.collect::<Result<_>>()?,
        });
        start += every_ms;
    }
    Ok(buckets)
}

/// Why the snapshot does not hold all of a window.
fn incomplete(snapshot: &Snapshot, window: Window) -> Result<Vec<String>> {
    let evidence = evidence(snapshot)?;
    let mut reasons = Vec::new();
    if let Some(how) = &evidence.sampled {
        reasons.push(format!("the traces are a sample ({how})"));
    }
    let missing = evidence.left_out.iter().filter(|one| one.missing);
    reasons.extend(missing.map(|one| format!("left out {}: {}", one.count, one.reason)));
    let own = snapshot.about().window;
    let before = window.since.zip(own.since).is_some_and(|(asked, own)| asked < own);
    let after = window.until.zip(own.until).is_some_and(|(asked, own)| asked > own);
    if before || after {
        reasons.push("the snapshot does not reach over the whole window".to_owned());
    }
    Ok(reasons)
}

/// What was counted.
struct Reading {
    value: Option<f64>,
    sample: u64,
    /// What is missing from it, beyond what the snapshot misses.
    missing: Option<String>,
    /// Why there is no value, where there is none.
    nothing: String,
}

impl Reading {
    fn of(value: Option<f64>, sample: u64, nothing: &str) -> Self {
        Self { value, sample, missing: None, nothing: nothing.to_owned() }
    }

    fn share(part: u64, whole: u64, nothing: &str) -> Self {
        let value = (whole > 0).then(|| part as f64 / whole as f64);
        Self::of(value, whole, nothing)
    }
}

const NO_TRACES: &str = "no trace starts in the window";

fn read(snapshot: &Snapshot, metric: &Metric, part: &Part, prices: &Prices) -> Result<Reading> {
    let traces = part.traces();
    let of_traces = |what: &str| {
        let sql = format!("SELECT {what}, count(*) FROM trace t WHERE {traces}");
        one(snapshot, &sql, &[], |row| Ok((amount(row, 0)?, amount(row, 1)?)))
    };
    Ok(match metric {
        Metric::ErrorRate => {
            let (errors, all) = of_traces("sum(t.root_status = 'ERROR')")?;
            Reading::share(errors, all, NO_TRACES)
        }
        Metric::AnyErrorRate => {
            let (errors, all) = of_traces("sum(t.errors > 0)")?;
            Reading::share(errors, all, NO_TRACES)
        }
        Metric::Latency(percent) => latency(snapshot, part, usize::from(*percent))?,
        Metric::Tokens(which) => {
            let column = match which {
                Tokens::Total => "total_tokens",
                Tokens::Prompt => "prompt_tokens",
                Tokens::Completion => "completion_tokens",
            };
            let sql =
                format!("SELECT sum(t.{column}), count(t.{column}) FROM trace t WHERE {traces}");
            let (sum, told): (Option<f64>, u64) =
                one(snapshot, &sql, &[], |row| Ok((row.get(0)?, amount(row, 1)?)))?;
            Reading::of(sum, told, "no trace of the window tells tokens")
        }
        Metric::Cost => cost(snapshot, part, prices)?,
        Metric::Traces => {
            let (_, all) = of_traces("0")?;
            Reading::of(Some(all as f64), all, NO_TRACES)
        }
        Metric::Spans => {
            let sql = format!("SELECT count(*) FROM span s WHERE {}", part.spans());
            let all = one(snapshot, &sql, &[], |row| amount(row, 0))?;
            Reading::of(Some(all as f64), all, NO_TRACES)
        }
        Metric::Score(name) => annotation(snapshot, part, name, None)?,
        Metric::Share { name, label } => annotation(snapshot, part, name, Some(label))?,
        Metric::ToolFailureRate(tool) => failures(snapshot, part, tool.as_deref())?,
    })
}

fn latency(snapshot: &Snapshot, part: &Part, percent: usize) -> Result<Reading> {
    let sql = format!(
        "SELECT s.latency_ms FROM trace t
         JOIN span s ON s.trace_id = t.trace_id AND s.span_id = t.root_span_id WHERE {}",
        part.traces()
    );
    let mut all: Vec<f64> = asked(snapshot.database().prepare_cached(&sql).and_then(|mut s| {
        let rows = s.query_map([], |row| row.get(0))?;
        rows.collect()
    }))?;
    all.sort_by(f64::total_cmp);
    let value = (!all.is_empty()).then(|| percentile(&all, percent));
    Ok(Reading::of(value, all.len() as u64, NO_TRACES))
}

fn cost(snapshot: &Snapshot, part: &Part, prices: &Prices) -> Result<Reading> {
    let sql = format!("SELECT sum(t.cost_usd) FROM trace t WHERE {}", part.traces());
    let told: Option<f64> = one(snapshot, &sql, &[], |row| row.get(0))?;
    let estimate = estimates(snapshot, &Of::Part(part), prices)?.remove("").unwrap_or_default();
    let Estimate { model_calls, unpriced, usd, .. } = estimate;
    let value = match (told, usd) {
        (None, None) => None,
        (told, usd) => Some(told.unwrap_or(0.0) + usd.unwrap_or(0.0)),
    };
    let mut reading =
        Reading::of(value, model_calls - unpriced, "no model call of the window has a cost");
    if unpriced > 0 {
        let calls = Count::of(model_calls, "model call");
        reading.missing = Some(format!("{unpriced} of {calls} have no price"));
    }
    Ok(reading)
}

fn annotation(
    snapshot: &Snapshot,
    part: &Part,
    name: &str,
    label: Option<&str>,
) -> Result<Reading> {
    let inside = format!(
        "(a.trace_id IN (SELECT t.trace_id FROM trace t WHERE {0})
          OR a.session_id IN (SELECT t.session_id FROM trace t WHERE {0}))",
        part.traces()
    );
    let counted = match label {
        Some(_) => "sum(a.label = ?2), count(a.label)",
        // The value is bound in both, so that the statement takes as many.
        None => "avg(a.score), count(a.score) + 0 * coalesce(?2, 0)",
    };
    let sql = format!("SELECT {counted} FROM annotation a WHERE a.name = ?1 AND {inside}");
    let (value, all): (Option<f64>, u64) =
        one(snapshot, &sql, &[&name, &label], |row| Ok((row.get(0)?, amount(row, 1)?)))?;
    let mut reading = match label {
        Some(_) => Reading::share(value.unwrap_or(0.0) as u64, all, ""),
        None => Reading::of(value, all, ""),
    };
    if reading.value.is_none() {
        reading.nothing = no_annotation(snapshot, name, label.is_some())?;
    }
    Ok(reading)
}

/// Why an annotation has no value: another name was meant, or it has none of the kind.
fn no_annotation(snapshot: &Snapshot, name: &str, labels: bool) -> Result<String> {
    let names: Vec<String> = asked(
        snapshot
            .database()
            .prepare_cached("SELECT DISTINCT name FROM annotation ORDER BY name")
            .and_then(|mut statement| {
                let rows = statement.query_map([], |row| row.get(0))?;
                rows.collect()
            }),
    )?;
    if names.iter().any(|own| own == name) {
        let what = if labels { "label" } else { "score" };
        return Ok(format!("no annotation `{name}` of the window has a {what}"));
    }
    Ok(match did_you_mean(name, names.iter().map(String::as_str)) {
        Some(near) => format!("no annotation is called `{name}`; there is `{near}`"),
        None => format!("no annotation is called `{name}`"),
    })
}

fn failures(snapshot: &Snapshot, part: &Part, tool: Option<&str>) -> Result<Reading> {
    let which = if tool.is_some() { "s.tool = ?1" } else { "s.tool IS NOT NULL AND ?1 IS NULL" };
    let sql = format!(
        "SELECT sum(s.status = 'ERROR'), count(*) FROM span s WHERE {which} AND {}",
        part.spans()
    );
    let (errors, all) =
        one(snapshot, &sql, &[&tool], |row| Ok((amount(row, 0)?, amount(row, 1)?)))?;
    let nothing = match tool {
        Some(tool) => format!("no tool `{tool}` was called in the window"),
        None => "no tool was called in the window".to_owned(),
    };
    Ok(Reading::share(errors, all, &nothing))
}

fn one<T>(
    snapshot: &Snapshot,
    sql: &str,
    values: &[&dyn ToSql],
    read: impl FnOnce(&Row) -> rusqlite::Result<T>,
) -> Result<T> {
    asked(
        snapshot
            .database()
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(values, read)),
    )
}

fn amount(row: &Row, at: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, Option<i64>>(at)?.map_or(0, i64::unsigned_abs))
}

fn asked<T>(result: rusqlite::Result<T>) -> Result<T> {
    result.cannot(Kind::Config, || "ask the snapshot".to_owned())
}

#[cfg(test)]
mod tests;
