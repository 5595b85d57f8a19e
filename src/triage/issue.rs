//! What triage tells: issues, and what each of them consists of.

use super::rank::{Severity, Trend};
use crate::traces::snapshot::About;

/// What was found in one snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    pub about: About,
    pub traces: u64,
    pub spans: u64,
    /// Traces with any error at all.
    pub failing: u64,
    /// When the first and the last span start, in Unix microseconds.
    pub first_us: i64,
    pub last_us: i64,
    /// The worst first; see [`super::rank`].
    pub issues: Vec<Issue>,
    /// Errors of a kind that only one trace has.
    pub one_offs: u64,
    /// Errors that a later attempt in the same trace mended, and the traces they are in.
    pub mended: u64,
    pub mended_traces: u64,
    /// Errors that only say that somebody stopped waiting, or that a person is asked.
    pub interrupted: u64,
    /// Errors of calls below the application's own steps whose caller went well.
    pub dealt_with: u64,
    /// What the snapshot had to leave out, and triage.
    pub left_out: Vec<(String, u64)>,
}

/// One recurring failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// The pattern's name: `error`, `loop`, …
    pub pattern: &'static str,
    /// The same failure has the same one in every snapshot.
    pub fingerprint: String,
    pub title: String,
    pub entity: Entity,
    pub traces: u64,
    pub spans: u64,
    /// Of all traces of the snapshot.
    pub share: f64,
    /// None where no trace says whose it is, or it was not counted.
    pub users: Option<u64>,
    /// In how many of the traces the root is in error.
    pub roots_failed: u64,
    pub first_us: i64,
    pub last_us: i64,
    pub trend: Trend,
    pub severity: Severity,
    pub locus: Locus,
    /// Up to five traces that show it: the most ordinary first, then by time.
    pub examples: Vec<Example>,
    /// Traces that did the same and went well: the most alike first.
    pub healthy: Vec<Example>,
    /// Sentences that say what is known of it.
    pub facts: Vec<String>,
    /// Titles of what follows from it in the same traces.
    pub leads_to: Vec<String>,
    pub advice: String,
    /// Of errors: exception type, message with its variable parts masked.
    pub exception: Option<(String, String)>,
    /// A message, a call or a value as it was.
    pub example: String,
}

/// Where it first went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locus {
    /// Names of spans, from the root.
    pub path: Vec<String>,
    pub span_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Example {
    pub trace_id: String,
    pub span_id: String,
    pub input: Option<String>,
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    Agent(String),
    Evaluator(String),
    Model(String),
    Retriever(String),
    Span(String),
    Tool(String),
}

impl Entity {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Agent(_) => "agent",
            Self::Evaluator(_) => "evaluator",
            Self::Model(_) => "model",
            Self::Retriever(_) => "retriever",
            Self::Span(_) => "span",
            Self::Tool(_) => "tool",
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Agent(name)
            | Self::Evaluator(name)
            | Self::Model(name)
            | Self::Retriever(name)
            | Self::Span(name)
            | Self::Tool(name) => name,
        }
    }
}
