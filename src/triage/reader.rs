//! Reads a snapshot trace by trace: one statement, in the order of the file, one trace in memory.
//!
//! This is the only file of triage that knows the snapshot's tables. What somebody sent is bounded
//! here: the spans of a trace, the length of a text, the number of different names.

use super::trace::{Error, Name, Span, Trace, Verdict};
use crate::error::{Cannot, Kind as FailureKind, Result};
use crate::traces::snapshot::Snapshot;
use crate::traces::span::Kind;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Spans of one trace that are looked at; what comes later is not.
const SPANS: usize = 10_000;

/// Different names (of spans, tools, models, …) that are told apart.
const NAMES: usize = 65_536;

/// Names longer than this, in bytes, are masked anew every time.
const LONGEST: usize = 400;

/// What was said against traces, at most.
const VERDICTS: usize = 100_000;

const SPANS_IN_ORDER: &str = "
SELECT n, trace_id, span_id, parent_id, name, kind, start_us, end_us, status,
  CASE WHEN status = 'ERROR' THEN substr(error_type, 1, 200) END,
  CASE WHEN status = 'ERROR' THEN substr(coalesce(error_message, status_message), 1, 2000) END,
  model, tool, agent, finish_reason, prompt_tokens, completion_tokens, cost_usd,
  session_id, user_id,
  CASE WHEN parent_id IS NULL OR kind IN ('AGENT','TOOL','RETRIEVER','GUARDRAIL','EVALUATOR')
    THEN substr(input, 1, 2000) END,
  CASE WHEN parent_id IS NULL OR kind IN ('AGENT','TOOL','RETRIEVER','GUARDRAIL','EVALUATOR')
    THEN substr(output, 1, 2000) END,
  CASE kind WHEN 'RETRIEVER'
    THEN attributes ->> '$.\"retrieval.documents.0.document.score\"' END,
  CASE kind WHEN 'RETRIEVER'
    THEN attributes ->> '$.\"retrieval.documents.1.document.score\"' END
FROM spans ORDER BY n";

/// Labels of what failed, whoever gives them.
const BAD: [&str; 18] = [
    "bad",
    "fail",
    "failed",
    "hallucinated",
    "hallucination",
    "harmful",
    "inaccurate",
    "incorrect",
    "irrelevant",
    "not relevant",
    "poor",
    "thumbs-down",
    "toxic",
    "unfaithful",
    "unhelpful",
    "unsafe",
    "violation",
    "wrong",
];

/// Labels that mean something bad only where the evaluator's name asks for something good.
const NO: [&str; 4] = ["0", "false", "negative", "no"];

/// Parts of such names.
const GOOD: [&str; 13] = [
    "accura", "adher", "complete", "correct", "faithful", "good", "ground", "helpful", "pass",
    "quality", "relevan", "resolved", "success",
];

/// Calls `take` with every trace; returns how many spans were passed over in traces of too many.
pub(super) fn each(snapshot: &Snapshot, take: &mut dyn FnMut(&mut Trace)) -> Result<u64> {
    let doing = || format!("look for failures in `{}`", snapshot.path().display());
    read(snapshot.database(), take).cannot(FailureKind::Config, doing)
}

/// The beginning of what went into a span.
pub(super) fn input(database: &Connection, n: i64) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT substr(input, 1, 2000) FROM spans WHERE n = ?";
    database.prepare_cached(sql)?.query_row([n], |row| Ok(owned(row, 0)))
}

/// All attributes of a span but those with a column of their own.
pub(super) fn attributes(database: &Connection, n: i64) -> rusqlite::Result<Map<String, Value>> {
    let sql = "SELECT attributes FROM spans WHERE n = ?";
    let text: Option<String> = database.prepare_cached(sql)?.query_row([n], |row| row.get(0))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

fn read(database: &Connection, take: &mut dyn FnMut(&mut Trace)) -> rusqlite::Result<u64> {
    let mut verdicts = verdicts(database)?;
    let mut names = Names::default();
    let mut over = 0;
    let mut trace = Trace::default();
    let mut id = String::new();
    let mut statement = database.prepare(SPANS_IN_ORDER)?;
    let mut rows = statement.query([])?;
    loop {
        let row = rows.next()?;
        let own = row.map_or("", |row| text(row, 1));
        if own != id {
            finish(database, &mut trace, &mut verdicts, take)?;
            id.clear();
            id.push_str(own);
            trace.id = u128::from_str_radix(own, 16).unwrap_or_default();
        }
        let Some(row) = row else { break };
        if trace.spans.len() < SPANS {
            for (at, own) in [(18, &mut trace.session), (19, &mut trace.user)] {
                if own.is_none() {
                    *own = owned(row, at);
                }
            }
            trace.spans.push(span(row, &mut names)?);
        } else {
            over += 1;
        }
    }
    Ok(over)
}

fn finish(
    database: &Connection,
    trace: &mut Trace,
    verdicts: &mut HashMap<u128, Vec<Verdict>>,
    take: &mut dyn FnMut(&mut Trace),
) -> rusqlite::Result<()> {
    if trace.spans.is_empty() {
        return Ok(());
    }
    trace.start_us = trace.spans.iter().map(|span| span.start_us).min().unwrap_or_default();
    trace.end_us = trace.spans.iter().map(|span| span.end_us).max().unwrap_or_default();
    trace.verdicts = verdicts.remove(&trace.id).unwrap_or_default();
    trace.link();
    let root = &mut trace.spans[trace.root];
    if root.parent_id.is_some() && root.input.is_none() && root.output.is_none() {
        // A root whose parent is elsewhere was not known for one when it was read.
        let sql = "SELECT substr(input, 1, 2000), substr(output, 1, 2000) FROM spans WHERE n = ?";
        (root.input, root.output) = database
            .prepare_cached(sql)?
            .query_row([root.n], |row| Ok((owned(row, 0), owned(row, 1))))?;
    }
    take(trace);
    trace.spans.clear();
    (trace.session, trace.user) = (None, None);
    Ok(())
}

fn span(row: &Row, names: &mut Names) -> rusqlite::Result<Span> {
    let mut name = |at: usize| match text(row, at) {
        "" => None,
        text => Some(names.of(text)),
    };
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let error = (text(row, 8) == "ERROR").then(|| {
        let (kind, message) = (text(row, 9).to_owned(), text(row, 10).to_owned());
        Box::new(Error { kind, message, mended: false, origin: false })
    });
    Ok(Span {
        n: row.get(0)?,
        id: hex(text(row, 2)).unwrap_or_default(),
        parent_id: hex(text(row, 3)),
        parent: None,
        name: name(4).unwrap_or_else(|| Name::from("")),
        kind: kind(text(row, 5)),
        start_us: row.get(6)?,
        end_us: row.get(7)?,
        error,
        model: name(11),
        tool: name(12),
        agent: name(13),
        finish: name(14),
        prompt: row.get(15)?,
        completion: row.get(16)?,
        cost: row.get(17)?,
        input: owned(row, 20),
        output: owned(row, 21),
        scores: [number(row, 22), number(row, 23)],
    })
}

fn kind(text: &str) -> Kind {
    Kind::named(text).unwrap_or(Kind::Unknown)
}

fn text<'a>(row: &'a Row, at: usize) -> &'a str {
    match row.get_ref(at) {
        Ok(ValueRef::Text(bytes)) => std::str::from_utf8(bytes).unwrap_or_default(),
        _ => "",
    }
}

fn owned(row: &Row, at: usize) -> Option<String> {
    Some(text(row, at)).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn number(row: &Row, at: usize) -> Option<f64> {
    match row.get_ref(at) {
        Ok(ValueRef::Real(number)) => Some(number),
        Ok(ValueRef::Integer(number)) => Some(number as f64),
        _ => None,
    }
}

/// Names are kept once each. A name that holds an id (`task-5b8efff7`) is known without it.
#[derive(Default)]
struct Names {
    known: HashMap<String, Name>,
    kept: HashSet<Name>,
}

impl Names {
    fn of(&mut self, text: &str) -> Name {
        if let Some(name) = self.known.get(text) {
            return name.clone();
        }
        let masked = if text.bytes().filter(u8::is_ascii_digit).count() >= 3 {
            super::mask::mask(text)
        } else {
            text.chars().take(200).collect()
        };
        let name = match self.kept.get(masked.as_str()) {
            Some(name) => name.clone(),
            None if self.kept.len() >= NAMES => Name::from("<another name>"),
            None => Name::from(masked),
        };
        self.kept.insert(name.clone());
        if self.known.len() < NAMES && text.len() <= LONGEST {
            self.known.insert(text.to_owned(), name.clone());
        }
        name
    }
}

/// What was said against traces: labels that mean bad, and the zeros of evaluators that give nothing
/// but 0 and 1 and whose name says that 1 is good. Other labels and scores mean nothing here.
fn verdicts(database: &Connection) -> rusqlite::Result<HashMap<u128, Vec<Verdict>>> {
    let scored = scored(database)?;
    let mut found: HashMap<u128, Vec<Verdict>> = HashMap::new();
    let mut statement = database.prepare(
        "SELECT trace_id, span_id, name, label, score, substr(explanation, 1, 400) FROM annotations
         WHERE trace_id IS NOT NULL ORDER BY trace_id, span_id, name, label, identifier",
    )?;
    let mut rows = statement.query([])?;
    let mut many = 0;
    while let Some(row) = rows.next()?.filter(|_| many < VERDICTS) {
        let name = text(row, 2);
        let label = text(row, 3).trim().to_lowercase().replace('_', "-");
        let zero = label.is_empty() && number(row, 4) == Some(0.0) && scored.contains(name);
        let Ok(id) = u128::from_str_radix(text(row, 0), 16) else { continue };
        if !zero && !is_bad(name, &label) {
            continue;
        }
        many += 1;
        found.entry(id).or_default().push(Verdict {
            name: name.chars().take(100).collect(),
            label: if zero { "0".to_owned() } else { label },
            explanation: text(row, 5).to_owned(),
            span_id: u64::from_str_radix(text(row, 1), 16).ok(),
        });
    }
    Ok(found)
}

/// Of an inline evaluator's or an annotation's label, in lower case with dashes.
pub(super) fn is_bad(name: &str, label: &str) -> bool {
    BAD.contains(&label) || NO.contains(&label) && asks_for_good(name)
}

fn asks_for_good(name: &str) -> bool {
    let name = name.to_lowercase();
    GOOD.iter().any(|word| name.contains(word))
}

/// Evaluators that give 0 and 1 only, and 1 more often.
fn scored(database: &Connection) -> rusqlite::Result<HashSet<String>> {
    let mut statement = database.prepare(
        "SELECT name FROM annotations WHERE score IS NOT NULL GROUP BY name
         HAVING sum(score NOT IN (0, 1)) = 0 AND sum(score) * 2 > count(*)",
    )?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    let names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
    Ok(names.into_iter().filter(|name| asks_for_good(name)).collect())
}
