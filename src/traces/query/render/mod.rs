//! Answers as text, for a model or a person to read.
//!
//! One line says what this is, then come the rows, then what was left out, then the next command to
//! type. A value's line breaks become spaces, so that a row is a line. Nothing here makes text
//! harmless for a terminal: all of it goes through the output layer.

mod metrics;
mod tree;

pub use metrics::{metrics, value};
pub use tree::{error, guides, next_of_trace, plain_attributes, plain_values, role, show};

use super::cost::Unpriced;
use super::evidence::Evidence;
use super::{Estimate, Hits, Listing, Stats, StatsRow, Table};
use crate::domain::measure::show_usd;
use crate::domain::words::Count;
use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::Value;
use std::fmt::Write as _;

/// How the command at hand is typed: `traces`, or `loop traces` with `--project demo` behind.
#[derive(Debug, Clone, Copy)]
pub struct Typed<'a> {
    pub command: &'a str,
    /// What every such command needs, with a space before it; or nothing.
    pub suffix: &'a str,
}

impl Typed<'_> {
    pub fn command(&self, what: &str) -> String {
        format!("{} {what}{}", self.command, self.suffix)
    }

    fn next(&self, what: &str) -> String {
        format!("next: {}\n", self.command(what))
    }
}

pub fn list(listing: &Listing, typed: Typed) -> String {
    let shown = listing.traces.len() as u64;
    let mut text = format!("{}, {} with errors", traces(listing.total), grouped(listing.failing));
    if shown < listing.total {
        let _ = write!(text, "; the newest {}", grouped(shown));
    }
    text.push('\n');
    if listing.traces.is_empty() {
        text.push_str(&typed.next(&next_of_list(listing)));
        return text;
    }
    let mut grid = grid(
        &["trace", "start (UTC)", "latency", "spans", "tokens", "cost", "status", "name", "input"],
        &[2, 3, 4, 5],
    );
    for trace in &listing.traces {
        grid.add_row([
            trace.trace_id.clone(),
            seconds(&trace.start_time),
            latency(trace.latency_ms),
            grouped(trace.spans),
            trace.total_tokens.map_or_else(dash, grouped),
            cost(trace.cost_usd, trace.estimated_cost_usd, trace.unpriced_calls),
            status(&trace.status, trace.errors),
            one_line(&trace.name),
            one_line(trace.input.as_deref().unwrap_or_default()),
        ]);
    }
    text.push_str(&finished(&grid));
    if shown < listing.total {
        let _ = writeln!(
            text,
            "{} more: --limit {} shows them",
            grouped(listing.total - shown),
            listing.total
        );
    }
    if listing.traces.iter().any(|t| t.input.as_ref().is_some_and(|input| input.ends_with(')'))) {
        text.push_str("(+n) is how many characters were cut: --full shows all\n");
    }
    let costs = listing.traces.iter().map(|t| (t.estimated_cost_usd.is_some(), t.unpriced_calls));
    text.push_str(&legend(costs));
    text.push_str(&typed.next(&next_of_list(listing)));
    text
}

pub fn next_of_list(listing: &Listing) -> String {
    let failing = listing.traces.iter().find(|trace| trace.errors > 0);
    match failing.or(listing.traces.first()) {
        Some(trace) => format!("show {}", trace.trace_id),
        None => "stats".to_owned(),
    }
}

pub fn search(hits: &Hits, typed: Typed) -> String {
    let mut text = format!("{} in {} match", counted(hits.total, "span"), traces(hits.traces));
    let shown = hits.hits.len() as u64;
    if shown < hits.total {
        let _ = write!(text, "; the newest {}", grouped(shown));
    }
    text.push('\n');
    for hit in &hits.hits {
        let _ = writeln!(
            text,
            "\n{}  {}  {} {}  {}  span {}\n  {}: {}",
            hit.trace_id,
            seconds(&hit.start_time),
            hit.kind,
            one_line(&hit.name),
            hit.status,
            hit.span_id,
            hit.found_in,
            one_line(&hit.excerpt)
        );
    }
    if shown < hits.total {
        let _ = writeln!(
            text,
            "\n{} more: --limit {} shows them",
            grouped(hits.total - shown),
            hits.total
        );
    }
    text.push('\n');
    text.push_str(&typed.next(&next_of_hits(hits)));
    text
}

pub fn next_of_hits(hits: &Hits) -> String {
    match hits.hits.first() {
        Some(hit) => format!("show {} --span {}", hit.trace_id, hit.span_id),
        None => "list".to_owned(),
    }
}

pub fn stats(stats: &Stats, typed: Typed) -> String {
    let mut text = evidence(&stats.evidence);
    let _ = writeln!(text, "{}", summary(stats));
    let (what, counted) = heads(stats);
    let heads = [what, counted, "errors", "rate", "p50", "p95", "p99", "tokens", "cost"];
    let mut grid = grid(&heads, &[1, 2, 3, 4, 5, 6, 7, 8]);
    for row in rows(stats) {
        grid.add_row(stats_row(row));
    }
    text.push_str(&finished(&grid));
    if stats.hidden > 0 {
        let all = stats.groups.len() as u64 + stats.hidden;
        let _ = writeln!(text, "{} more: --limit {all} shows them", grouped(stats.hidden));
    }
    if let Some(costs) = costs(&stats.costs, stats.prices_of.as_deref()) {
        let _ = writeln!(text, "{costs}");
    }
    text.push_str(&typed.next(next_of(stats)));
    text
}

/// What a snapshot is of: a line, and one more for what is not in it.
pub fn evidence(evidence: &Evidence) -> String {
    let Evidence { project, source, traces, spans, failing, .. } = evidence;
    let mut text = format!(
        "project {} ({}): {}, {}, {} with errors; {} to {} UTC",
        one_line(project),
        one_line(source),
        counted(*traces, "trace"),
        counted(*spans, "span"),
        counted(*failing, "trace"),
        seconds(&evidence.first),
        seconds(&evidence.last)
    );
    match (&evidence.since, &evidence.until) {
        (Some(since), Some(until)) => {
            let _ = write!(text, "; window {} to {}", seconds(since), seconds(until));
        }
        (Some(since), None) => drop(write!(text, "; window since {}", seconds(since))),
        (None, Some(until)) => drop(write!(text, "; window until {}", seconds(until))),
        (None, None) => {}
    }
    text.push('\n');
    if let Some(how) = &evidence.sampled {
        let _ =
            writeln!(text, "this is a sample of the traces, not all of them: {}", one_line(how));
    }
    for left in &evidence.left_out {
        let _ = writeln!(text, "left out {}: {}", grouped(left.count), one_line(&left.reason));
    }
    text
}

/// How many of how many failed.
pub fn summary(stats: &Stats) -> String {
    let total = &stats.total;
    let roots = stats.root_errors as f64 / total.count.max(1) as f64;
    let mut text = String::new();
    if total.count != stats.evidence.traces {
        let _ = write!(
            text,
            "of these in the window that is asked: {}, {}; ",
            traces(total.count),
            counted(stats.spans, "span")
        );
    }
    let _ = write!(
        text,
        "errors: {} with any ({}), {} at the root ({})",
        traces(total.errors),
        percent(total.error_rate),
        grouped(stats.root_errors),
        percent(roots)
    );
    text
}

/// What the first two columns are.
pub fn heads(stats: &Stats) -> (&'static str, &'static str) {
    let traces = matches!(stats.by, None | Some("session" | "user"));
    (stats.by.unwrap_or("in all"), if traces { "traces" } else { "spans" })
}

/// The groups, or the total where nothing is grouped.
pub fn rows(stats: &Stats) -> &[StatsRow] {
    if stats.by.is_some() { &stats.groups } else { std::slice::from_ref(&stats.total) }
}

pub fn next_of(stats: &Stats) -> &'static str {
    if stats.by == Some("tool") { "list --errors" } else { "stats --by tool" }
}

/// Where costs come from, if not from the calls themselves.
pub fn costs(estimate: &Estimate, prices_of: Option<&str>) -> Option<String> {
    let Estimate { model_calls, estimated, unpriced, .. } = estimate;
    let all = counted(*model_calls, "model call");
    let mut parts = Vec::new();
    if let Some(usd) = estimate.usd {
        let day = prices_of.map_or_else(String::new, |day| format!(" of {day}"));
        let calls = grouped(*estimated);
        parts.push(format!(
            "≈ {calls} of {all} say no cost: {} by their tokens and list prices{day}",
            money(usd)
        ));
    }
    if *unpriced > 0 {
        let named = |one: &Unpriced| {
            let model = if one.model.is_empty() { "no model named" } else { one.model.as_str() };
            format!("{} ({})", one_line(model), grouped(one.calls))
        };
        let models: Vec<_> = estimate.unpriced_models.iter().map(named).collect();
        let calls = grouped(*unpriced);
        parts.push(format!(
            "+ {calls} of {all} have no price, or tell no tokens: {}",
            models.join(", ")
        ));
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// `$0.12`; `≈$0.12` where some of it is estimated; with `+` where some calls have no price.
pub fn cost(told: Option<f64>, estimated: Option<f64>, unpriced: u64) -> String {
    let mark = if estimated.is_some() { "≈" } else { "" };
    let more = if unpriced > 0 { "+" } else { "" };
    match (told, estimated) {
        (None, None) if unpriced > 0 => "?".to_owned(),
        (None, None) => dash(),
        (told, estimated) => {
            let usd = money(told.unwrap_or(0.0) + estimated.unwrap_or(0.0));
            let mark = if usd.starts_with('<') { "" } else { mark };
            format!("{mark}{usd}{more}")
        }
    }
}

/// USD; what is less than can be written is not written as nothing.
pub fn money(usd: f64) -> String {
    if usd > 0.0 && usd < 0.000_05 { "<$0.0001".to_owned() } else { show_usd(usd) }
}

/// What the marks of costs mean, if there are any.
pub fn legend(costs: impl Iterator<Item = (bool, u64)>) -> String {
    let (mut estimated, mut unpriced) = (false, 0);
    for (is_estimated, without) in costs {
        estimated |= is_estimated;
        unpriced += without;
    }
    let mut text = String::new();
    if estimated {
        text.push_str("≈ is estimated by tokens and list prices\n");
    }
    if unpriced > 0 {
        let calls = counted(unpriced, "model call");
        let _ = writeln!(text, "+ and ?: {calls} without a price are not in it");
    }
    text
}

pub fn stats_row(row: &StatsRow) -> [String; 9] {
    [
        if row.key.is_empty() { "all".to_owned() } else { one_line(&row.key) },
        grouped(row.count),
        grouped(row.errors),
        percent(row.error_rate),
        latency(row.p50_ms),
        latency(row.p95_ms),
        latency(row.p99_ms),
        if row.total_tokens == 0 { dash() } else { grouped(row.total_tokens) },
        cost(row.cost_usd, row.estimated_cost_usd, row.unpriced_calls),
    ]
}

pub fn sql(table: &Table, typed: Typed) -> String {
    let mut text = String::new();
    if !table.columns.is_empty() {
        let heads: Vec<&str> = table.columns.iter().map(String::as_str).collect();
        let mut grid = grid(&heads, &[]);
        for row in &table.rows {
            grid.add_row(row.iter().map(cell));
        }
        text.push_str(&finished(&grid));
    }
    let _ = writeln!(text, "{}", rows_told(table));
    text.push_str(&typed.next(&next_of_rows(table)));
    text
}

/// How many rows there are, as far as they were read.
pub fn rows_told(table: &Table) -> String {
    let shown = counted(table.rows.len() as u64, "row");
    match (table.more, table.full) {
        (true, true) => {
            format!("{shown}, and there are more, too large to show: ask for less of each")
        }
        (true, false) => format!("{shown}, and there are more: --limit N shows them"),
        (false, _) => shown,
    }
}

pub fn next_of_rows(table: &Table) -> String {
    let place = table.columns.iter().position(|column| column == "trace_id");
    let id = place.and_then(|at| table.rows.first()?.get(at)?.as_str());
    id.map_or_else(|| "list --errors".to_owned(), |id| format!("show {id}"))
}

pub fn grid(heads: &[&str], right: &[usize]) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING);
    grid.set_header(heads.iter().map(|head| one_line(head)));
    for at in 0..heads.len() {
        if let Some(column) = grid.column_mut(at) {
            column.set_padding((0, 2));
            if right.contains(&at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    grid
}

pub fn finished(grid: &Grid) -> String {
    format!("\n{}\n\n", grid.trim_fmt())
}

pub fn traces(count: u64) -> String {
    counted(count, "trace")
}

/// `1,234 spans`.
pub fn counted(number: u64, noun: &str) -> String {
    let words = Count::of(number, noun).to_string();
    words.replacen(&number.to_string(), &grouped(number), 1)
}

fn dash() -> String {
    "-".to_owned()
}

/// A value with its line breaks.
pub fn long_cell(value: &Value) -> String {
    match value {
        Value::Null => dash(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => one_line(text),
        other => other.to_string(),
    }
}

pub fn status(status: &str, errors: u64) -> String {
    if errors == 0 { status.to_owned() } else { format!("{status} ({errors})") }
}

/// `2026-03-09T10:12:33.123Z` as `2026-03-09 10:12:33`.
pub fn seconds(time: &str) -> String {
    time.get(..19).unwrap_or(time).replace('T', " ")
}

pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

pub fn latency(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms if ms < 60_000.0 => format!("{:.2} s", ms / 1_000.0),
        ms => crate::domain::measure::show_duration(ms as u64),
    }
}

/// `12345` as `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// White space runs become one space.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
