//! What a scripted Arize AX holds.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How attributes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Nested,
    Dotted,
}

pub struct World {
    /// Ids and names.
    pub spaces: Vec<(String, String)>,
    pub projects: Vec<Value>,
    pub spans: Vec<Held>,
    pub monitors: Vec<Value>,
    pub configs: Vec<Value>,
    /// What was annotated: by granularity, record and name.
    pub annotations: BTreeMap<(String, String, String), Value>,
    /// By id: what was asked for, and `status` where it was revoked.
    pub keys: BTreeMap<String, Value>,
    pub form: Form,
    /// So many pages that have a cursor are refused.
    pub refuse_cursors: usize,
}

/// A span, with dotted attributes.
#[derive(Debug, Clone)]
pub struct Held {
    pub project: String,
    /// A question for a range of time does not find it yet; one for its trace does.
    pub is_late: bool,
    pub span: Value,
}

/// The ids of a world of one space and project.
pub const SPACE: &str = "U3BhY2U6MQ==";
pub const PROJECT: &str = "TW9kZWw6MTA=";

impl World {
    /// One space `support` with one project `bot`, without a span.
    pub fn new() -> Self {
        Self {
            spaces: vec![(SPACE.to_owned(), "support".to_owned())],
            projects: vec![project(PROJECT, "bot", SPACE)],
            spans: Vec::new(),
            monitors: Vec::new(),
            configs: Vec::new(),
            annotations: BTreeMap::new(),
            keys: BTreeMap::new(),
            form: Form::Nested,
            refuse_cursors: 0,
        }
    }

    pub fn hold(&mut self, spans: impl IntoIterator<Item = Value>) {
        let held = |span| Held { project: PROJECT.to_owned(), is_late: false, span };
        self.spans.extend(spans.into_iter().map(held));
    }

    /// A span as it is given.
    pub fn shown(&self, held: &Held) -> Value {
        let mut span = held.span.clone();
        if self.form == Form::Nested {
            span["attributes"] = nested(span["attributes"].as_object().unwrap());
        }
        let id = span["context"]["span_id"].as_str().unwrap().to_owned();
        for (granularity, list) in [("SPAN", "annotations"), ("TRACE", "trace_annotations")] {
            let said = self.annotations.iter().filter(|((kind, record, _), _)| {
                (kind.as_str(), record.as_str()) == (granularity, id.as_str())
            });
            let mut all = span[list].as_array().cloned().unwrap_or_default();
            all.extend(said.map(|(_, value)| value.clone()));
            span[list] = all.into();
        }
        span
    }
}

pub fn project(id: &str, name: &str, space: &str) -> Value {
    json!({"id": id, "name": name, "space_id": space, "created_at": "2026-06-01T00:00:00Z",
           "project_type": "APPLICATION"})
}

/// A span that starts so many milliseconds after 1970 and takes half a second.
pub fn span(trace: u64, id: u64, parent: Option<u64>, start_ms: i64) -> Value {
    let kind = if parent.is_none() { "AGENT" } else { "TOOL" };
    let failed = id.is_multiple_of(7);
    let mut attributes = json!({"openinference.span.kind": kind, "session.id": format!("s-{trace}"),
        "input.value": format!("question {id}"), "output.value": format!("answer {id}"),
        "metadata.n": id});
    if parent.is_some() {
        attributes["tool.name"] = json!(format!("tool-{}", id % 3));
    }
    let mut events = Vec::new();
    if failed {
        events.push(json!({"name": "exception", "timestamp": time(start_ms + 400),
            "attributes": {"exception.type": "Timeout", "exception.message": "too slow"}}));
    }
    json!({"name": format!("{} {}", kind.to_lowercase(), id % 5), "kind": kind,
        "context": {"trace_id": trace_id(trace), "span_id": span_id(id)},
        "parent_id": parent.map(span_id), "start_time": time(start_ms),
        "end_time": time(start_ms + 500), "status_code": if failed { "ERROR" } else { "OK" },
        "status_message": if failed { "it failed" } else { "" }, "attributes": attributes,
        "annotations": [], "trace_annotations": [], "evaluations": [], "events": events})
}

pub fn trace_id(n: u64) -> String {
    format!("{:032x}", 0xa5a5_0000_0000_0000_0000_u128 + u128::from(n))
}

pub fn span_id(n: u64) -> String {
    format!("{:016x}", 0xb6b6_0000_0000_u64 + n)
}

pub fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// `{"a.b": 1}` as `{"a": {"b": 1}}`.
fn nested(flat: &Map<String, Value>) -> Value {
    let mut root = Map::new();
    for (key, value) in flat {
        let mut at = &mut root;
        let mut parts = key.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                at.insert(part.to_owned(), value.clone());
                break;
            }
            let inner = at.entry(part).or_insert_with(|| json!({}));
            at = inner.as_object_mut().expect("a key is either a value or an object");
        }
    }
    Value::Object(root)
}
