//! Eval labels: what a worker thinks of spans and traces, and their way out.
//!
//! A worker leaves them as `evals.jsonl`. Nothing in it is believed: [`read`] checks every line, also
//! against the evidence that the worker had. Nothing leaves by itself: a person looks at them
//! ([`review`]) and has them written ([`push`]) to where the spans came from. Both a session's check of
//! its artifacts and the commands that show and push ask the same reader.

mod locate;
mod push;
mod read;
pub mod render;
mod review;

pub use push::{Annotate, Batch, push};
pub use read::{Evals, Fault, Mistake, read};
pub use review::review;

use super::annotation::Target;
use super::span::SpanId;

/// One line that is as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Eval {
    /// Counted from 1.
    pub line: usize,
    /// A span or a trace.
    pub target: Target,
    pub name: String,
    pub label: Option<String>,
    /// Finite.
    pub score: Option<f64>,
    pub explanation: Option<String>,
    /// Where it is, as far as there is evidence to tell.
    pub spot: Option<Spot>,
}

/// The span that stands for a target: itself, or a trace's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    pub span_id: SpanId,
    /// Unix microseconds.
    pub start_us: i64,
}
