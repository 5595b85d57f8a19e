//! `traces show`: one trace as a tree, or one span whole.

use super::super::attributes::Attributes;
use super::super::snapshot::{Snapshot, show_time};
use super::super::span::{self, Kind as SpanKind, Span, SpanId, Status, TraceId};
use super::cost::{Of, estimates};
use super::list::{self, TraceRow, rows_sql, trace_row};
use super::{Bounds, asked, count, cut, excerpt, excerpt_sql};
use crate::domain::price::Prices;
use crate::error::{Failure, Kind, Result};
use rusqlite::Row;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    pub version: u32,
    pub trace: TraceRow,
    /// Parents before their children, siblings by start; or the one span that was asked for.
    pub spans: Vec<ShownSpan>,
    /// How many spans the limit left out.
    pub hidden: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownSpan {
    /// 0 is a root.
    pub depth: usize,
    pub span_id: String,
    pub parent_id: Option<String>,
    pub name: String,
    pub kind: String,
    /// After the trace's start.
    pub offset_ms: f64,
    pub latency_ms: f64,
    pub status: String,
    pub status_message: Option<String>,
    pub error_type: Option<String>,
    pub error_message: Option<String>,
    pub model: Option<String>,
    pub tool: Option<String>,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub total_tokens: Option<u64>,
    pub cost_usd: Option<f64>,
    /// What a call that says none comes to by the price table.
    pub estimated_cost_usd: Option<f64>,
    pub finish_reason: Option<String>,
    pub input: Option<String>,
    pub output: Option<String>,
    /// The conversation with a model. These and what follows: only of a span that was asked for by
    /// itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// Messages between the first and those that are given.
    #[serde(skip_serializing_if = "is_zero")]
    pub hidden_messages: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// One message to or from a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Whether the model wrote it.
    pub answer: bool,
    pub role: String,
    pub text: String,
}

/// How many messages of a long conversation are given besides the first.
const LAST_MESSAGES: usize = 9;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    pub name: String,
    pub time: String,
    pub attributes: Map<String, Value>,
}

/// `id` is a trace's id, a unique prefix of it, or the id of one of its spans.
pub fn show(snapshot: &Snapshot, id: &str, bounds: Bounds, prices: &Prices) -> Result<Shown> {
    let trace = trace(snapshot, id, bounds, prices)?;
    let read = || {
        let sql = format!("{} WHERE s.trace_id = ? ORDER BY s.n", spans_sql(bounds));
        let mut statement = snapshot.database().prepare_cached(&sql)?;
        let rows =
            statement.query_map([&trace.trace_id], |row| span(row, trace.start_us, bounds))?;
        rows.collect()
    };
    let mut spans = tree(asked(read())?);
    let hidden = spans.len().saturating_sub(bounds.limit);
    spans.truncate(bounds.limit);
    price(snapshot, &trace.trace_id, &mut spans, prices)?;
    Ok(Shown { version: 1, trace, spans, hidden: hidden as u64 })
}

/// One span with all its messages, attributes and events. `span_id` may be a prefix that means only
/// one span of the trace.
pub fn show_span(
    snapshot: &Snapshot,
    id: &str,
    span_id: &str,
    bounds: Bounds,
    prices: &Prices,
) -> Result<Shown> {
    let trace = trace(snapshot, id, bounds, prices)?;
    let span_id = resolve_span(snapshot, &trace.trace_id, span_id)?;
    let sql = format!("{} WHERE s.trace_id = ? AND s.span_id = ?", spans_sql(bounds));
    let database = snapshot.database();
    let found = database.query_row(&sql, [&trace.trace_id, &span_id], |row| {
        let mut span = span(row, trace.start_us, bounds)?;
        let n: i64 = row.get(0)?;
        let all: Map<String, Value> =
            serde_json::from_str(&row.get::<_, String>(21)?).unwrap_or_default();
        (span.messages, span.hidden_messages) = messages(all.clone(), bounds);
        span.attributes = Some(shortened(all, bounds));
        let mut statement = database
            .prepare_cached("SELECT name, time_us, attributes FROM event WHERE n = ? ORDER BY i")?;
        let events = statement.query_map([n], |row| {
            let own = serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default();
            let attributes = shortened(own, bounds);
            Ok(Event { name: row.get(0)?, time: show_time(row.get(1)?), attributes })
        })?;
        span.events = events.collect::<rusqlite::Result<_>>()?;
        Ok(span)
    });
    let mut spans = vec![asked(found)?];
    price(snapshot, &trace.trace_id, &mut spans, prices)?;
    Ok(Shown { version: 1, trace, spans, hidden: 0 })
}

/// The span of a trace that a whole id or a unique prefix of one means.
fn resolve_span(snapshot: &Snapshot, trace_id: &str, span_id: &str) -> Result<String> {
    let wanted = span_id.trim().to_ascii_lowercase();
    let sql = "SELECT span_id FROM span WHERE trace_id = ?1 AND substr(span_id, 1, length(?2)) = ?2
        ORDER BY n LIMIT 2";
    let read = || {
        let mut statement = snapshot.database().prepare_cached(sql)?;
        statement.query_map([trace_id, &wanted], |row| row.get(0))?.collect()
    };
    let mut found: Vec<String> = if wanted.is_empty() { Vec::new() } else { asked(read())? };
    let told = |sentence: String, hint: String| Err(Failure::new(Kind::Usage, sentence).hint(hint));
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => told(
            format!("trace `{trace_id}` has no span `{span_id}`"),
            format!("`traces show {trace_id}` lists its spans"),
        ),
        _ => told(
            format!("`{span_id}` means more than one span of trace `{trace_id}`"),
            format!("write more of it, such as `{}`", found[0]),
        ),
    }
}

fn trace(snapshot: &Snapshot, id: &str, bounds: Bounds, prices: &Prices) -> Result<TraceRow> {
    let id = snapshot.resolve(id)?;
    let sql = rows_sql("t.trace_id = ?", bounds);
    let row = asked(snapshot.database().query_row(&sql, [id], |row| trace_row(row, bounds)))?;
    let mut rows = [row];
    list::price(snapshot, &mut rows, prices)?;
    let [row] = rows;
    Ok(row)
}

/// Puts to each span what it comes to if it is a call that says no cost.
fn price(
    snapshot: &Snapshot,
    trace_id: &str,
    spans: &mut [ShownSpan],
    prices: &Prices,
) -> Result<()> {
    let estimates = estimates(snapshot, &Of::Spans(trace_id), prices)?;
    for span in spans {
        span.estimated_cost_usd = estimates.get(&span.span_id).and_then(|one| one.usd);
    }
    Ok(())
}

/// The conversation: where it is long and not asked for whole, its first message and its last.
fn messages(attributes: Map<String, Value>, bounds: Bounds) -> (Vec<Message>, u64) {
    let span = Span {
        trace_id: TraceId(0),
        span_id: SpanId(0),
        parent_id: None,
        name: String::new(),
        kind: SpanKind::Llm,
        start_us: 0,
        end_us: 0,
        status: Status::Unset,
        status_message: String::new(),
        attributes: Attributes::of(attributes),
        events: Vec::new(),
    };
    let of = |answer: bool, list: Vec<span::Message>| {
        list.into_iter().map(move |span::Message { role, text }| Message {
            answer,
            role,
            text: cut(text, 0, bounds),
        })
    };
    let asked = of(false, span.input_messages());
    let mut all: Vec<Message> = asked.chain(of(true, span.output_messages())).collect();
    let most = LAST_MESSAGES + 1;
    let hidden = if bounds.chars.is_some() { all.len().saturating_sub(most) } else { 0 };
    all.drain(1.min(all.len())..1.min(all.len()) + hidden);
    (all, hidden as u64)
}

fn spans_sql(bounds: Bounds) -> String {
    format!(
        "SELECT s.n, s.span_id, s.parent_id, s.name, s.kind, s.start_us, s.latency_ms, s.status,
            s.error_type, s.model, s.tool, s.prompt_tokens, s.completion_tokens, s.total_tokens,
            s.cost_usd, s.finish_reason, {}, {}, NULL, p.attributes, {}, {}
         FROM span s LEFT JOIN payload p ON p.n = s.n",
        excerpt_sql("p.input", bounds),
        excerpt_sql("p.output", bounds),
        excerpt_sql("s.status_message", bounds),
        excerpt_sql("s.error_message", bounds),
    )
}

fn span(row: &Row, trace_start_us: i64, bounds: Bounds) -> rusqlite::Result<ShownSpan> {
    let start_us: i64 = row.get(5)?;
    Ok(ShownSpan {
        depth: 0,
        span_id: row.get(1)?,
        parent_id: row.get(2)?,
        name: row.get(3)?,
        kind: row.get(4)?,
        offset_ms: start_us.saturating_sub(trace_start_us) as f64 / 1_000.0,
        latency_ms: row.get(6)?,
        status: row.get(7)?,
        error_type: row.get(8)?,
        model: row.get(9)?,
        tool: row.get(10)?,
        prompt_tokens: count(row, 11)?,
        completion_tokens: count(row, 12)?,
        total_tokens: count(row, 13)?,
        cost_usd: row.get(14)?,
        estimated_cost_usd: None,
        finish_reason: row.get(15)?,
        input: excerpt(row, 16, bounds)?,
        output: excerpt(row, 18, bounds)?,
        status_message: excerpt(row, 22, bounds)?,
        error_message: excerpt(row, 24, bounds)?,
        messages: Vec::new(),
        hidden_messages: 0,
        attributes: None,
        events: Vec::new(),
    })
}

fn shortened(mut object: Map<String, Value>, bounds: Bounds) -> Map<String, Value> {
    for value in object.values_mut() {
        if let Value::String(text) = value {
            *text = cut(std::mem::take(text), 0, bounds);
        }
    }
    object
}

/// Orders spans (given by start) so that each follows its parent, and sets their depths. A span
/// whose parent is not there is a root; so is the first of a circle.
fn tree(spans: Vec<ShownSpan>) -> Vec<ShownSpan> {
    let ids: HashSet<String> = spans.iter().map(|span| span.span_id.clone()).collect();
    let mut children: HashMap<String, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for (at, span) in spans.iter().enumerate() {
        match span.parent_id.as_ref().filter(|id| ids.contains(*id)) {
            Some(parent) => children.entry(parent.clone()).or_default().push(at),
            None => roots.push(at),
        }
    }
    let mut waiting: Vec<Option<ShownSpan>> = spans.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    // What no root leads to is a circle; taking it up after the roots breaks it.
    let starts: Vec<usize> = roots.into_iter().chain(0..waiting.len()).collect();
    for start in starts {
        let mut open = vec![(start, 0)];
        while let Some((at, depth)) = open.pop() {
            let Some(mut span) = waiting[at].take() else { continue };
            span.depth = depth;
            if let Some(list) = children.get(&span.span_id) {
                open.extend(list.iter().rev().map(|child| (*child, depth + 1)));
            }
            ordered.push(span);
        }
    }
    ordered
}
