//! What somebody, or some evaluator, said about a span, a trace or a session after the fact.

use super::span::{SpanId, TraceId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    pub target: Target,
    pub name: String,
    pub label: Option<String>,
    pub score: Option<f64>,
    pub explanation: Option<String>,
    /// `LLM`, `CODE` or `HUMAN`.
    pub annotator_kind: Option<String>,
    /// What makes a repeated write an update: one target holds one annotation of a name and identifier.
    pub identifier: Option<String>,
}

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Span(SpanId),
    Trace(TraceId),
    Session(String),
}

impl Target {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Span(_) => "span",
            Self::Trace(_) => "trace",
            Self::Session(_) => "session",
        }
    }

    pub fn id(&self) -> String {
        match self {
            Self::Span(id) => id.to_string(),
            Self::Trace(id) => id.to_string(),
            Self::Session(id) => id.clone(),
        }
    }
}
