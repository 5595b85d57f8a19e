//! What Phoenix answers with, taken apart. Everything in it is somebody else's.

use crate::traces::annotation::{Annotation, Target};
use crate::traces::file::record;
use crate::traces::span::{Span, SpanId, TraceId};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// One page of a list. The cursor is the id of the first item of the next page.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub data: Vec<T>,
    pub next_cursor: Option<String>,
}

/// A span as it stands in a page. It is read by itself, so that one that cannot be costs no other.
pub(super) type Raw = Box<RawValue>;

/// What a span is known by at the server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Row {
    /// Of the row it is stored in: later stored is greater.
    pub id: String,
    pub context: Context,
    #[serde(default)]
    pub start_time: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Context {
    pub trace_id: String,
    pub span_id: String,
}

impl Row {
    pub fn of(raw: &Raw) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    /// The number in its id, which is `Span:99` in base64.
    pub fn number(&self) -> Option<u64> {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.decode(&self.id).ok()?;
        std::str::from_utf8(&text).ok()?.strip_prefix("Span:")?.parse().ok()
    }
}

/// The error is the reason why it is left out.
pub(super) fn span(raw: &Raw) -> Result<Span, &'static str> {
    let object: Map<String, Value> = serde_json::from_str(raw.get())
        .map_err(|_| "spans that cannot be read, or are nested too deep")?;
    record::span_of(object)
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub id: String,
    pub name: String,
}

/// An annotation of any of the three lists.
#[derive(Deserialize)]
pub(super) struct Told {
    name: String,
    annotator_kind: Option<String>,
    identifier: Option<String>,
    result: Option<Outcome>,
    span_id: Option<String>,
    trace_id: Option<String>,
    session_id: Option<String>,
}

#[derive(Deserialize, Default)]
struct Outcome {
    label: Option<String>,
    score: Option<f64>,
    explanation: Option<String>,
}

impl Told {
    /// `None` where it is about nothing that could be in a snapshot.
    pub fn annotation(self) -> Option<Annotation> {
        let span = self.span_id.as_deref().and_then(SpanId::read).map(Target::Span);
        let trace = || self.trace_id.as_deref().and_then(TraceId::read).map(Target::Trace);
        let target = span.or_else(trace).or(self.session_id.map(Target::Session))?;
        let Outcome { label, score, explanation } = self.result.unwrap_or_default();
        Some(Annotation {
            target,
            name: self.name,
            label,
            score,
            explanation,
            annotator_kind: self.annotator_kind,
            identifier: self.identifier.filter(|identifier| !identifier.is_empty()),
        })
    }
}
