//! Failure patterns of a snapshot: found, ranked, written up. No model, no clock, no guess.
//!
//! What counts as a failure is a span whose status is an error. Of the errors of a trace, only those
//! count where they began (no child of theirs is in error), and only those that nobody mended (no later
//! span of the same name in the same trace went well). They are grouped by what failed (tool, model,
//! else span) and how (exception type, message with its variable parts masked), a trace counts once a
//! group, and what happened in one trace only is counted apart. Failures that no status tells of, such
//! as a wrong answer, are deliberately not looked for here: this finds what is certain.
//!
//! The same snapshot gives the same report, byte for byte.

mod advice;
mod find;
mod mask;
mod report;

pub use find::find;
pub use report::{investigation, issues_json};

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
    /// Failures of more than one trace, by how many traces they affect.
    pub groups: Vec<Group>,
    /// How many failures of one trace only there are.
    pub one_offs: u64,
    /// Errors that a later attempt in the same trace mended, and the traces they are in.
    pub mended: u64,
    pub mended_traces: u64,
    /// What the snapshot had to leave out.
    pub left_out: Vec<(String, u64)>,
}

/// One recurring failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub entity: Entity,
    /// Empty where no span says one.
    pub exception: String,
    /// The message with its variable parts masked.
    pub template: String,
    /// A message as it was.
    pub example: String,
    pub traces: u64,
    pub spans: u64,
    /// Of all traces of the snapshot.
    pub share: f64,
    /// In how many of the traces the root is in error too.
    pub roots_failed: u64,
    /// How often the entity was called in the snapshot, and how often that failed in any way.
    pub calls: u64,
    pub failed_calls: u64,
    /// Up to five, spread over the time it was seen.
    pub examples: Vec<Example>,
    pub first_us: i64,
    pub last_us: i64,
    /// The same failure has the same one in every snapshot.
    pub fingerprint: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub trace_id: String,
    pub span_id: String,
    pub input: Option<String>,
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    Tool(String),
    Model(String),
    Span(String),
}

impl Entity {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tool(_) => "tool",
            Self::Model(_) => "model",
            Self::Span(_) => "span",
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Tool(name) | Self::Model(name) | Self::Span(name) => name,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    High,
    Medium,
    Low,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl Group {
    /// By the share of traces it affects; a failure that mostly takes the whole trace down weighs more.
    pub fn severity(&self) -> Severity {
        let takes_down = self.roots_failed * 2 >= self.traces;
        if self.share >= 0.05 || (takes_down && self.share >= 0.02) {
            Severity::High
        } else if self.share >= 0.01 {
            Severity::Medium
        } else {
            Severity::Low
        }
    }

    /// `InvalidOrderIdError in lookup_order: order id '<text>' does not match '<text>'`.
    pub fn title(&self) -> String {
        let what = if self.exception.is_empty() { "error" } else { &self.exception };
        let title = format!("{what} in {} {}", self.entity.kind(), self.entity.name());
        if self.template.is_empty() { title } else { format!("{title}: {}", self.template) }
    }
}

#[cfg(test)]
mod tests;
