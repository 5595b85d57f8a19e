//! A trace as a tree, and one span whole.

use super::super::show::{Message, Shown, ShownSpan};
use super::{Typed, cell, cost, counted, grouped, latency, legend, one_line, status};
use serde_json::Value;
use std::fmt::Write as _;

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
    let costs = (trace.cost_usd, trace.estimated_cost_usd, trace.unpriced_calls);
    if costs != (None, None, 0) {
        let _ = write!(text, "  {}", cost(costs.0, costs.1, costs.2));
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
    text.push_str(&legend(std::iter::once((costs.1.is_some(), costs.2))));
    text.push_str(&typed.next(&next_of_trace(shown)));
    text
}

pub fn next_of_trace(shown: &Shown) -> String {
    let trace = &shown.trace.trace_id;
    let failed = shown.spans.iter().rev().find(|span| span.status == "ERROR");
    match failed.or(shown.spans.first()) {
        Some(span) if span.attributes.is_none() => format!("show {trace} --span {}", span.span_id),
        _ => format!("show {trace}"),
    }
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

/// The branches before each span of a tree and before the lines below it, by the depths in order.
pub fn guides(depths: &[usize]) -> Vec<(String, String)> {
    // From the end: whether a later span continues a level is what decides a branch's shape.
    let mut guides = Vec::with_capacity(depths.len());
    let mut open: Vec<bool> = Vec::new();
    for depth in depths.iter().rev().copied() {
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
    guides.reverse();
    guides
}

fn tree(text: &mut String, spans: &[ShownSpan], whole_ms: f64) {
    let depths: Vec<usize> = spans.iter().map(|span| span.depth).collect();
    for (span, (guide, below)) in spans.iter().zip(guides(&depths)) {
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
        if (span.cost_usd, span.estimated_cost_usd) != (None, None) {
            let _ = write!(text, "  {}", cost(span.cost_usd, span.estimated_cost_usd, 0));
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

/// What went wrong in a span, on one line.
pub fn error(span: &ShownSpan) -> String {
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
    for (label, value) in plain_values(span) {
        let _ = writeln!(text, "\n{label}:\n{value}");
    }
    for (at, message) in span.messages.iter().enumerate() {
        if at == 1 && span.hidden_messages > 0 {
            let hidden = counted(span.hidden_messages, "message");
            let _ = writeln!(text, "\n({hidden} between; --full shows all)");
        }
        let _ = writeln!(text, "\n{}:\n{}", role(message), message.text);
    }
    text.push_str("\nattributes:\n");
    for (key, value) in plain_attributes(span) {
        let _ = writeln!(text, "  {key} = {}", cell(value));
    }
    for event in &span.events {
        let _ = writeln!(text, "\nevent {} at {}", one_line(&event.name), event.time);
        for (key, value) in &event.attributes {
            let _ = writeln!(text, "  {key} = {}", cell(value));
        }
    }
}

/// Who says a message: `user says`, or of an answer `the model answers`.
pub fn role(message: &Message) -> String {
    match (message.answer, one_line(&message.role)) {
        (true, _) => "the model answers".to_owned(),
        (false, role) if role.is_empty() => "somebody says".to_owned(),
        (false, role) => format!("{role} says"),
    }
}

/// Input and output of a span, but for what its messages say anyway.
pub fn plain_values(span: &ShownSpan) -> impl Iterator<Item = (&'static str, &str)> {
    let said = |answer: bool| span.messages.iter().any(|message| message.answer == answer);
    [("input", &span.input, said(false)), ("output", &span.output, said(true))]
        .into_iter()
        .filter(|(.., said)| !said)
        .filter_map(|(label, value, _)| Some((label, value.as_deref()?)))
}

/// The attributes that are not told as messages, input or output.
pub fn plain_attributes(span: &ShownSpan) -> impl Iterator<Item = (&String, &Value)> {
    let told = |key: &str| {
        let message = [
            "llm.input_messages.",
            "llm.output_messages.",
            "gen_ai.prompt.",
            "gen_ai.completion.",
            "gen_ai.input.messages",
            "gen_ai.output.messages",
        ];
        let value = ["input.value", "output.value"];
        value.contains(&key)
            || (!span.messages.is_empty() && message.iter().any(|start| key.starts_with(start)))
    };
    span.attributes.iter().flatten().filter(move |(key, _)| !told(key))
}
