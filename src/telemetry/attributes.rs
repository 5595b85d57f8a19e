//! A span being made: OpenInference's attributes, by the names that its specification gives them.

use super::ids::SpanId;
use crate::domain::transcript::Usage;
use crate::domain::turn::Outcome;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::{Map, Value, json};

/// What a span is, in OpenInference's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Agent,
    Chain,
    Llm,
    Tool,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Chain => "CHAIN",
            Self::Llm => "LLM",
            Self::Tool => "TOOL",
        }
    }
}

/// A span without its last touches.
pub struct Draft {
    span: Span,
    metadata: Map<String, Value>,
}

impl Draft {
    /// Times are Unix milliseconds. A span never ends before it starts, whatever two clocks say.
    pub fn new(kind: Kind, name: String, times: (i64, i64)) -> Self {
        let (start, end) = (times.0, times.1.max(times.0));
        let remote = if kind == Kind::Llm { SpanKind::Client } else { SpanKind::Internal };
        let span = Span {
            name,
            kind: remote.into(),
            start_time_unix_nano: nanos(start),
            end_time_unix_nano: nanos(end),
            ..Span::default()
        };
        let mut draft = Self { span, metadata: Map::new() };
        draft.set("openinference.span.kind", kind.name());
        draft
    }

    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.put(key, Any::StringValue(value.into()));
    }

    pub fn set_some(&mut self, key: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Words, as a list.
    pub fn tags(&mut self, key: &str, tags: Vec<String>) {
        let values = tags.into_iter().map(|tag| AnyValue { value: Some(Any::StringValue(tag)) });
        self.put(key, Any::ArrayValue(ArrayValue { values: values.collect() }));
    }

    /// Something worth knowing that OpenInference has no name for.
    pub fn note(&mut self, key: &str, value: impl Into<Value>) {
        self.metadata.insert(key.to_owned(), value.into());
    }

    pub fn input(&mut self, text: String, is_json: bool) {
        self.value("input", text, is_json);
    }

    pub fn output(&mut self, text: String, is_json: bool) {
        self.value("output", text, is_json);
    }

    fn value(&mut self, which: &str, text: String, is_json: bool) {
        let mime = if is_json { "application/json" } else { "text/plain" };
        self.set(&format!("{which}.value"), text);
        self.set(&format!("{which}.mime_type"), mime);
    }

    /// The prompt's count is the total; what a cache gave or took is a part of it.
    pub fn spent(&mut self, usage: &Usage, cost_usd: Option<f64>) {
        let Usage { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = *usage;
        let prompt = [input_tokens, cache_read_tokens, cache_write_tokens];
        let prompt = prompt.into_iter().fold(0, u64::saturating_add);
        let mut count = |key: &str, value: u64| {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            self.put(&format!("llm.token_count.{key}"), Any::IntValue(value));
        };
        count("prompt", prompt);
        count("completion", output_tokens);
        count("total", prompt.saturating_add(output_tokens));
        count("prompt_details.cache_read", cache_read_tokens);
        count("prompt_details.cache_write", cache_write_tokens);
        if let Some(cost) = cost_usd.filter(|cost| cost.is_finite()) {
            self.put("llm.cost.total", Any::DoubleValue(cost));
        }
    }

    pub fn ok(&mut self) {
        self.span.status = Some(Status { code: StatusCode::Ok.into(), message: String::new() });
    }

    pub fn failed(&mut self, why: String) {
        self.span.status = Some(Status { code: StatusCode::Error.into(), message: why });
    }

    /// How a turn or a session came out. What somebody called off has no status.
    pub fn came_out(&mut self, outcome: Outcome, reason: Option<String>) {
        match outcome {
            Outcome::Succeeded => self.ok(),
            Outcome::Cancelled => {}
            Outcome::Failed | Outcome::Empty | Outcome::Limit | Outcome::Interrupted => {
                self.failed(reason.unwrap_or_else(|| outcome.name().to_owned()));
            }
        }
    }

    /// Something that went wrong in between.
    pub fn exception(&mut self, at: i64, message: String) {
        let attribute = |key: &str, text: String| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(Any::StringValue(text)) }),
            ..KeyValue::default()
        };
        self.span.events.push(Event {
            time_unix_nano: nanos(at),
            name: "exception".to_owned(),
            attributes: vec![
                attribute("exception.type", "error".to_owned()),
                attribute("exception.message", message),
            ],
            dropped_attributes_count: 0,
        });
    }

    pub fn finish(
        mut self,
        trace: [u8; 16],
        id: SpanId,
        parent: Option<SpanId>,
        session: &str,
    ) -> Span {
        self.set("session.id", session);
        if !self.metadata.is_empty() {
            let metadata = std::mem::take(&mut self.metadata);
            self.set("metadata", json!(metadata).to_string());
        }
        let mut span = self.span;
        span.trace_id = trace.to_vec();
        span.span_id = id.0.to_vec();
        span.parent_span_id = parent.map(|parent| parent.0.to_vec()).unwrap_or_default();
        span
    }

    fn put(&mut self, key: &str, value: Any) {
        self.span.attributes.push(KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        });
    }
}

fn nanos(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0).saturating_mul(1_000_000)
}
