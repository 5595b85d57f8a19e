//! The rows of spans, and what is summed up of them for their trace.

use super::super::attributes::{Attributes, as_text};
use super::super::span::{Event, SpanId, TraceId};
use super::pack::{ATTRIBUTES, EVENTS, INPUT, OUTPUT, Row};
use super::said::{Carried, Said};
use super::schema::{SPAN_COLUMNS, at};
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, Result, Statement, params};
use std::collections::{BTreeMap, HashSet};

/// Writes spans, trace by trace.
pub(super) struct Rows<'a> {
    span: Statement<'a>,
    payload: Statement<'a>,
    event: Statement<'a>,
    trace: Statement<'a>,
}

const INSERT_SPAN: &str =
    "INSERT INTO span VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
const INSERT_TRACE: &str =
    "INSERT INTO trace VALUES (?2,?13,?14,?3,?4,max(?4-?3,0)/1000.0,iif(?5>0,'ERROR',?1),?1,
     ?5,?6,?7,?8,?9,?10,?11,?12,?15)";

impl<'a> Rows<'a> {
    pub fn new(database: &'a Connection) -> Result<Self> {
        Ok(Self {
            span: database.prepare(INSERT_SPAN)?,
            payload: database.prepare("INSERT INTO payload VALUES (?,?,?,?)")?,
            event: database.prepare("INSERT INTO event VALUES (?,?,?,?,?)")?,
            trace: database.prepare(INSERT_TRACE)?,
        })
    }

    pub fn span(&mut self, n: i64, row: &Row) -> Result<()> {
        let value = |at| ToSqlOutput::Borrowed(row.value(at));
        self.span.raw_bind_parameter(1, n)?;
        for at in 0..SPAN_COLUMNS.len() {
            self.span.raw_bind_parameter(at + 2, value(at))?;
        }
        self.span.raw_execute()?;
        self.payload.raw_bind_parameter(1, n)?;
        for (at, column) in [INPUT, OUTPUT, ATTRIBUTES].into_iter().enumerate() {
            self.payload.raw_bind_parameter(at + 2, value(column))?;
        }
        self.payload.raw_execute()?;
        self.events(n, row.text(EVENTS))
    }

    fn events(&mut self, n: i64, json: &str) -> Result<()> {
        if json.is_empty() {
            return Ok(());
        }
        let events: Vec<Event> = serde_json::from_str(json).unwrap_or_default();
        for (i, event) in events.into_iter().enumerate() {
            let attributes = serde_json::Value::Object(event.attributes).to_string();
            self.event.execute(params![n, i as i64, event.name, event.time_us, attributes])?;
        }
        Ok(())
    }

    pub fn trace(&mut self, trace: &Trace) -> Result<()> {
        let Some(root) = trace.root() else { return Ok(()) };
        let sums = trace.sums();
        self.trace.execute(params![
            root.status,
            trace.id.to_string(),
            trace.start_us,
            trace.end_us,
            trace.errors as i64,
            trace.spans.len() as i64,
            sums.prompt,
            sums.completion,
            sums.total,
            sums.cost,
            trace.session,
            trace.user,
            root.id.to_string(),
            root.name,
            trace.first_n,
        ])?;
        Ok(())
    }
}

/// Feedback that the application put on the span: `annotations.N.annotation.label` and its like,
/// for the span itself or, with `trace.` or `session.` before it, for something wider.
pub(super) fn annotations(said: &mut Said, row: &Row) -> Result<()> {
    let json = row.text(ATTRIBUTES);
    if !json.contains(".annotation.") && !json.contains(".evaluation.") {
        return Ok(());
    }
    let Ok(serde_json::Value::Object(object)) = serde_json::from_str(json) else { return Ok(()) };
    let attributes = Attributes::of(object);
    for (prefix, target, id) in [
        ("", "span", at::SPAN_ID),
        ("trace.", "trace", at::TRACE_ID),
        ("session.", "session", at::SESSION_ID),
    ] {
        for (list, item) in [("annotations.", "annotation."), ("evaluations.", "evaluation.")] {
            let list = format!("{prefix}{list}");
            let mut found: BTreeMap<usize, BTreeMap<&str, &serde_json::Value>> = BTreeMap::new();
            for (index, key, value) in attributes.items(&list) {
                if let Some(key) = key.strip_prefix(item) {
                    found.entry(index).or_default().insert(key, value);
                }
            }
            for (at, fields) in found.into_iter().filter(|_| !row.text(id).is_empty()) {
                let text = |key| fields.get(key).and_then(|value| as_text(value));
                said.carried(&Carried {
                    target,
                    id: row.text(id),
                    at,
                    name: text("name").unwrap_or_default(),
                    label: text("label"),
                    score: fields.get("score").and_then(|value| value.as_f64()),
                    explanation: text("explanation"),
                    annotator_kind: text("annotator_kind"),
                    identifier: text("identifier"),
                })?;
            }
        }
    }
    Ok(())
}

/// What is summed up over the spans of one trace.
pub(super) struct Trace {
    id: TraceId,
    pub first_n: i64,
    pub start_us: i64,
    pub end_us: i64,
    pub errors: u64,
    /// By start.
    spans: Vec<Member>,
    calls: Sums,
    others: Sums,
    session: Option<String>,
    user: Option<String>,
}

/// A span of a trace, as far as its root is looked for.
struct Member {
    id: SpanId,
    parent: Option<SpanId>,
    name: String,
    status: &'static str,
}

#[derive(Default)]
struct Sums {
    prompt: Option<i64>,
    completion: Option<i64>,
    total: Option<i64>,
    cost: Option<f64>,
}

impl Trace {
    pub fn of(id: TraceId, first_n: i64) -> Self {
        Self {
            id,
            first_n,
            start_us: i64::MAX,
            end_us: i64::MIN,
            errors: 0,
            spans: Vec::new(),
            calls: Sums::default(),
            others: Sums::default(),
            session: None,
            user: None,
        }
    }

    pub fn add(&mut self, span_id: SpanId, row: &Row) {
        let status = match row.text(at::STATUS) {
            "ERROR" => "ERROR",
            "OK" => "OK",
            _ => "UNSET",
        };
        self.errors += u64::from(status == "ERROR");
        self.spans.push(Member {
            id: span_id,
            parent: SpanId::read(row.text(at::PARENT_ID)),
            // Only a root's name is asked for.
            name: row.text(at::NAME).to_owned(),
            status,
        });
        self.start_us = self.start_us.min(row.integer(at::START_US).unwrap_or(i64::MAX));
        self.end_us = self.end_us.max(row.integer(at::END_US).unwrap_or(i64::MIN));
        // Agents and chains often repeat the sum of their calls; only the calls are counted, unless
        // nothing else says a number.
        match row.text(at::KIND) {
            "LLM" | "EMBEDDING" | "RERANKER" => self.calls.add(row),
            _ if self.others.is_empty() => self.others.add(row),
            _ => {}
        }
        for (at, own) in [(at::SESSION_ID, &mut self.session), (at::USER_ID, &mut self.user)] {
            let text = row.text(at);
            if own.is_none() && !text.is_empty() {
                *own = Some(text.to_owned());
            }
        }
    }

    pub fn cost(&self) -> Option<f64> {
        self.sums().cost
    }

    /// Of prompts, of completions, and in all.
    pub fn tokens(&self) -> [Option<i64>; 3] {
        let Sums { prompt, completion, total, .. } = *self.sums();
        [prompt, completion, total]
    }

    /// From its first start to its last end.
    pub fn latency_ms(&self) -> f64 {
        self.end_us.saturating_sub(self.start_us).max(0) as f64 / 1_000.0
    }

    fn sums(&self) -> &Sums {
        if self.calls.is_empty() { &self.others } else { &self.calls }
    }

    /// The first span without a parent; else the first whose parent is not here; else the first.
    fn root(&self) -> Option<&Member> {
        let without = self.spans.iter().find(|span| span.parent.is_none());
        without.or_else(|| {
            let ids: HashSet<_> = self.spans.iter().map(|span| span.id).collect();
            let orphan = |span: &&Member| span.parent.is_some_and(|id| !ids.contains(&id));
            self.spans.iter().find(orphan).or(self.spans.first())
        })
    }
}

impl Sums {
    fn is_empty(&self) -> bool {
        self.total.is_none() && self.cost.is_none()
    }

    fn add(&mut self, row: &Row) {
        for (at, own) in [
            (at::PROMPT_TOKENS, &mut self.prompt),
            (at::COMPLETION_TOKENS, &mut self.completion),
            (at::TOTAL_TOKENS, &mut self.total),
        ] {
            if let Some(count) = row.integer(at) {
                *own = Some(own.unwrap_or(0).saturating_add(count));
            }
        }
        if let Some(cost) = row.real(at::COST_USD) {
            self.cost = Some(self.cost.unwrap_or(0.0) + cost);
        }
    }
}
