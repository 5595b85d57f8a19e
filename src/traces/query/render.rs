//! Answers as text, for a model or a person to read.
//!
//! One line says what this is, then come the rows, then what was left out, then the next command to
//! type. A value's line breaks become spaces, so that a row is a line. Nothing here makes text
//! harmless for a terminal: all of it goes through the output layer.

use super::show::{Shown, ShownSpan};
use super::{Hits, Listing, Stats, StatsRow, Table};
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
    fn next(&self, what: &str) -> String {
        format!("next: {} {what}{}\n", self.command, self.suffix)
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
        text.push_str(&typed.next("stats"));
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
            trace.cost_usd.map_or_else(dash, show_usd),
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
    let first = listing.traces.iter().find(|t| t.errors > 0).unwrap_or(&listing.traces[0]);
    text.push_str(&typed.next(&format!("show {}", first.trace_id)));
    text
}

pub fn show(shown: &Shown, typed: Typed) -> String {
    let trace = &shown.trace;
    let mut text = format!(
        "trace {}  {}  {}  {}  {}",
        trace.trace_id,
        one_line(&trace.name),
        status(&trace.status, trace.errors),
        latency(trace.latency_ms),
        counted(trace.spans, "span")
    );
    if let Some(tokens) = trace.total_tokens {
        let _ = write!(text, "  {} tokens", grouped(tokens));
    }
    if let Some(cost) = trace.cost_usd {
        let _ = write!(text, "  {}", show_usd(cost));
    }
    let _ = write!(text, "\nstarted {}", trace.start_time);
    for (what, id) in [("session", &trace.session_id), ("user", &trace.user_id)] {
        if let Some(id) = id {
            let _ = write!(text, "  {what} {}", one_line(id));
        }
    }
    text.push_str("\n\n");
    match shown.spans.as_slice() {
        [one] if one.attributes.is_some() => whole_span(&mut text, one),
        spans => tree(&mut text, spans, trace.latency_ms),
    }
    if shown.hidden > 0 {
        let all = shown.spans.len() as u64 + shown.hidden;
        let _ = writeln!(text, "{} more: --limit {all} shows them", counted(shown.hidden, "span"));
    }
    text.push('\n');
    let failed = shown.spans.iter().rev().find(|span| span.status == "ERROR");
    let next = match (failed.or(shown.spans.first()), &trace.session_id) {
        (Some(span), _) if span.attributes.is_none() => {
            format!("show {} --span {}", trace.trace_id, span.span_id)
        }
        _ => format!("show {}", trace.trace_id),
    };
    text.push_str(&typed.next(&next));
    text
}

/// Twelve columns that show when in the trace a span ran.
fn bar(span: &ShownSpan, whole_ms: f64) -> String {
    const WIDTH: usize = 12;
    if whole_ms <= 0.0 {
        return "·".repeat(WIDTH);
    }
    let at = |ms: f64| ((ms / whole_ms * WIDTH as f64).max(0.0) as usize).min(WIDTH);
    let from = at(span.offset_ms).min(WIDTH - 1);
    let to = at(span.offset_ms + span.latency_ms).max(from + 1);
    format!("{}{}{}", "·".repeat(from), "█".repeat(to - from), "·".repeat(WIDTH - to))
}

fn tree(text: &mut String, spans: &[ShownSpan], whole_ms: f64) {
    // From the end: whether a later span continues a level is what decides a branch's shape.
    let mut guides = Vec::with_capacity(spans.len());
    let mut open: Vec<bool> = Vec::new();
    for span in spans.iter().rev() {
        let depth = span.depth;
        open.resize(depth + 1, false);
        let mut guide: String =
            open.iter().take(depth).skip(1).map(|more| if *more { "│  " } else { "   " }).collect();
        let own = guide.clone();
        if depth > 0 {
            guide.push_str(if open[depth] { "├─ " } else { "└─ " });
        }
        let below = match (depth, open[depth]) {
            (0, _) => own,
            (_, true) => own + "│  ",
            (_, false) => own + "   ",
        };
        guides.push((guide, below));
        open[depth] = true;
    }
    for (span, (guide, below)) in spans.iter().zip(guides.into_iter().rev()) {
        let _ = write!(
            text,
            "{} {guide}{} {}  {}",
            bar(span, whole_ms),
            span.kind,
            one_line(&span.name),
            latency(span.latency_ms)
        );
        if let Some(model) = span.model.as_deref() {
            let _ = write!(text, "  {}", one_line(model));
        }
        if let Some(tokens) = span.total_tokens {
            let _ = write!(text, "  {} tokens", grouped(tokens));
        }
        if let Some(reason) = span.finish_reason.as_deref().filter(|reason| *reason != "stop") {
            let _ = write!(text, "  finish: {}", one_line(reason));
        }
        if span.status == "ERROR" {
            text.push_str("  ERROR");
        }
        let _ = writeln!(text, "  {}", span.span_id);
        for (label, value) in [("in", &span.input), ("out", &span.output)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{:13}{below}   {label}: {}", "", one_line(value));
            }
        }
        if span.status == "ERROR" {
            let _ = writeln!(text, "{:13}{below}   error: {}", "", error(span));
        }
    }
}

fn error(span: &ShownSpan) -> String {
    let message = span.error_message.as_deref().or(span.status_message.as_deref());
    match (span.error_type.as_deref(), message) {
        (Some(kind), Some(message)) => one_line(&format!("{kind}: {message}")),
        (kind, message) => one_line(kind.or(message).unwrap_or("no message")),
    }
}

fn whole_span(text: &mut String, span: &ShownSpan) {
    let _ = writeln!(
        text,
        "span {}  {} {}  {}  {}  starts {} into the trace",
        span.span_id,
        span.kind,
        one_line(&span.name),
        span.status,
        latency(span.latency_ms),
        latency(span.offset_ms)
    );
    if let Some(parent) = &span.parent_id {
        let _ = writeln!(text, "parent {parent}");
    }
    if span.status == "ERROR" {
        let _ = writeln!(text, "error: {}", error(span));
    }
    for (label, value) in [("input", &span.input), ("output", &span.output)] {
        if let Some(value) = value {
            let _ = writeln!(text, "\n{label}:\n{value}");
        }
    }
    let attributes = span.attributes.iter().flatten();
    text.push_str("\nattributes:\n");
    for (key, value) in attributes {
        let _ = writeln!(text, "  {key} = {}", cell(value));
    }
    for event in &span.events {
        let _ = writeln!(text, "\nevent {} at {}", one_line(&event.name), event.time);
        for (key, value) in &event.attributes {
            let _ = writeln!(text, "  {key} = {}", cell(value));
        }
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
    let next = hits.hits.first().map(|hit| format!("show {} --span {}", hit.trace_id, hit.span_id));
    text.push('\n');
    text.push_str(&typed.next(next.as_deref().unwrap_or("list")));
    text
}

pub fn stats(stats: &Stats, typed: Typed) -> String {
    let total = &stats.total;
    let mut text = format!(
        "{}, {}, {} traces with errors ({})\n",
        traces(total.count),
        counted(stats.spans, "span"),
        grouped(total.errors),
        percent(total.error_rate)
    );
    let what = stats.by.unwrap_or("in all");
    let counted = if matches!(stats.by, None | Some("session")) { "traces" } else { "spans" };
    let heads = [what, counted, "errors", "rate", "p50", "p95", "p99", "tokens", "cost"];
    let mut grid = grid(&heads, &[1, 2, 3, 4, 5, 6, 7, 8]);
    let all = [total.clone()];
    let rows = if stats.by.is_some() { stats.groups.as_slice() } else { &all };
    for row in rows {
        grid.add_row(stats_row(row));
    }
    text.push_str(&finished(&grid));
    if stats.hidden > 0 {
        let all = stats.groups.len() as u64 + stats.hidden;
        let _ = writeln!(text, "{} more: --limit {all} shows them", grouped(stats.hidden));
    }
    text.push_str(&typed.next(if stats.by == Some("tool") {
        "list --errors"
    } else {
        "stats --by tool"
    }));
    text
}

fn stats_row(row: &StatsRow) -> [String; 9] {
    [
        if row.key.is_empty() { "all".to_owned() } else { one_line(&row.key) },
        grouped(row.count),
        grouped(row.errors),
        percent(row.error_rate),
        latency(row.p50_ms),
        latency(row.p95_ms),
        latency(row.p99_ms),
        if row.total_tokens == 0 { dash() } else { grouped(row.total_tokens) },
        row.cost_usd.map_or_else(dash, show_usd),
    ]
}

pub fn sql(table: &Table, typed: Typed) -> String {
    let shown = counted(table.rows.len() as u64, "row");
    let mut text = String::new();
    if !table.columns.is_empty() {
        let heads: Vec<&str> = table.columns.iter().map(String::as_str).collect();
        let mut grid = grid(&heads, &[]);
        for row in &table.rows {
            grid.add_row(row.iter().map(cell));
        }
        text.push_str(&finished(&grid));
    }
    if table.more {
        let _ = writeln!(text, "{shown}, and there are more: --limit N shows them");
    } else {
        let _ = writeln!(text, "{shown}");
    }
    let place = table.columns.iter().position(|column| column == "trace_id");
    let id = place.and_then(|at| table.rows.first()?.get(at)?.as_str());
    let next = id.map_or_else(|| "list --errors".to_owned(), |id| format!("show {id}"));
    text.push_str(&typed.next(&next));
    text
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

fn traces(count: u64) -> String {
    counted(count, "trace")
}

/// `1,234 spans`.
fn counted(number: u64, noun: &str) -> String {
    let words = Count::of(number, noun).to_string();
    words.replacen(&number.to_string(), &grouped(number), 1)
}

fn dash() -> String {
    "-".to_owned()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => one_line(text),
        other => other.to_string(),
    }
}

fn status(status: &str, errors: u64) -> String {
    if errors == 0 { status.to_owned() } else { format!("{status} ({errors})") }
}

/// `2026-03-09T10:12:33.123Z` as `2026-03-09 10:12:33`.
fn seconds(time: &str) -> String {
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
