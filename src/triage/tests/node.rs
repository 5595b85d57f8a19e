//! Traces as trees, for tests: each span is told with what it did, and times follow.

use super::super::sketch::mix;
use crate::traces::annotation::{Annotation, Target};
use crate::traces::attributes::Attributes;
use crate::traces::span::{Event, Kind, Span, SpanId, Status, TraceId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// One span and what is below it, one after the other. `{i}` in any text is the trace's number and
/// `{x}` something random of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Node {
    pub kind: String,
    pub name: String,
    /// Milliseconds besides those of what is below; or from and to.
    pub ms: Ms,
    #[serde(rename = "in")]
    pub input: Value,
    #[serde(rename = "out")]
    pub output: Value,
    /// Exception type and message.
    pub error: Option<(String, String)>,
    pub model: Option<String>,
    pub finish: Option<String>,
    /// Prompt and completion; each from and to.
    pub tokens: Option<[(u64, u64); 2]>,
    pub cost: Option<f64>,
    /// Scores of documents found.
    pub scores: Vec<f64>,
    pub verdict: Option<Said>,
    pub children: Vec<Node>,
    /// How often it comes.
    pub times: Option<usize>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(super) struct Ms(pub (u64, u64));

impl Default for Ms {
    fn default() -> Self {
        Self((20, 40))
    }
}

/// What an evaluator says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Said {
    pub name: String,
    pub label: Option<String>,
    pub score: Option<f64>,
}

/// What is the same for all spans of a trace.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    /// Makes the ids; other numbers, other ids.
    pub salt: u64,
    pub number: u64,
    pub start_us: i64,
    pub session: Option<String>,
    pub user: Option<String>,
}

pub(super) struct Told {
    pub trace_id: TraceId,
    pub spans: Vec<Span>,
    pub annotations: Vec<Annotation>,
}

pub(super) fn tell(node: &Node, frame: &Frame) -> Told {
    let state = mix(mix(frame.salt) ^ frame.number.wrapping_mul(0x9e37_79b9));
    let trace_id = TraceId(u128::from(mix(state)) << 64 | u128::from(mix(state ^ 1).max(1)));
    let told = Told { trace_id, spans: Vec::new(), annotations: Vec::new() };
    let mut teller = Teller { frame, state, now_us: frame.start_us, told };
    teller.node(node, None);
    teller.told
}

struct Teller<'a> {
    frame: &'a Frame,
    state: u64,
    now_us: i64,
    told: Told,
}

impl Teller<'_> {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state).max(1)
    }

    fn between(&mut self, (from, to): (u64, u64)) -> u64 {
        from + self.next() % (to - from + 1)
    }

    fn text(&mut self, value: &Value) -> Option<String> {
        let text = match value {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let random =
            format!("{:012x}", self.frame.number.wrapping_mul(0x5bd1_e995_1234_5677) >> 16);
        Some(text.replace("{i}", &self.frame.number.to_string()).replace("{x}", &random))
    }

    fn node(&mut self, node: &Node, parent: Option<SpanId>) {
        for _ in 0..node.times.unwrap_or(1) {
            self.one(node, parent);
        }
    }

    fn one(&mut self, node: &Node, parent: Option<SpanId>) {
        let id = SpanId(self.next());
        let at = self.told.spans.len();
        let start_us = self.now_us;
        let attributes = self.attributes(node);
        let kind = Kind::named(&node.kind).unwrap_or(Kind::Unknown);
        let span = Span {
            trace_id: self.told.trace_id,
            span_id: id,
            parent_id: parent,
            name: node.name.clone(),
            kind,
            start_us,
            end_us: start_us,
            status: if node.error.is_some() { Status::Error } else { Status::Unset },
            status_message: String::new(),
            attributes,
            events: Vec::new(),
        };
        self.told.spans.push(span);
        self.now_us += 1_000;
        node.children.iter().for_each(|child| self.node(child, Some(id)));
        self.now_us += self.between(node.ms.0) as i64 * 1_000;
        let end_us = self.now_us;
        self.now_us += 1_000;
        if let Some((kind, message)) = &node.error {
            let message = self.text(&message.clone().into()).unwrap_or_default();
            let mut attributes = Map::new();
            attributes.insert("exception.type".to_owned(), kind.clone().into());
            attributes.insert("exception.message".to_owned(), message.into());
            let event = Event { name: "exception".to_owned(), time_us: end_us, attributes };
            self.told.spans[at].events.push(event);
        }
        self.told.spans[at].end_us = end_us;
        if let Some(said) = &node.verdict {
            self.told.annotations.push(Annotation {
                target: Target::Span(id),
                name: said.name.clone(),
                label: said.label.clone(),
                score: said.score,
                explanation: Some("because".to_owned()),
                annotator_kind: Some("LLM".to_owned()),
                identifier: None,
            });
        }
    }

    fn attributes(&mut self, node: &Node) -> Attributes {
        let mut attributes = Attributes::default();
        attributes.insert("openinference.span.kind", node.kind.clone());
        for (key, value) in [("input.value", &node.input), ("output.value", &node.output)] {
            if let Some(text) = self.text(value) {
                attributes.insert(key, text);
            }
        }
        for (key, value) in [("llm.model_name", &node.model), ("llm.finish_reason", &node.finish)] {
            if let Some(text) = value {
                attributes.insert(key, text.clone());
            }
        }
        if let Some([prompt, completion]) = node.tokens {
            attributes.insert("llm.token_count.prompt", self.between(prompt));
            attributes.insert("llm.token_count.completion", self.between(completion));
        }
        if let Some(cost) = node.cost {
            attributes.insert("llm.cost.total", cost);
        }
        for (at, score) in node.scores.iter().enumerate() {
            let key = |name: &str| format!("retrieval.documents.{at}.document.{name}");
            attributes.insert(&key("content"), json!("a document"));
            attributes.insert(&key("score"), *score);
        }
        let frame = self.frame;
        for (key, value) in [("session.id", &frame.session), ("user.id", &frame.user)] {
            if let Some(text) = value.clone().map(Value::String).and_then(|value| self.text(&value))
            {
                attributes.insert(key, text);
            }
        }
        attributes
    }
}
