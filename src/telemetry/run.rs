//! A session as the spans are made of it: plain values, whatever they were stored as.

use crate::domain::session::Phase;
use crate::domain::transcript::{Counting, Usage};
use crate::domain::turn::Outcome;

/// Times are Unix milliseconds. Names only of secrets, artifacts and the like.
#[derive(Debug, Clone)]
pub struct Run {
    pub session: String,
    pub uuid: String,
    pub name: Option<String>,
    pub preset: Option<String>,
    pub harness: String,
    pub counting: Counting,
    /// The model that was asked for.
    pub model: Option<String>,
    pub sandbox: String,
    /// The project it looked at.
    pub project: Option<String>,
    pub repo: Option<String>,
    /// Traces, spans and failing traces of its evidence.
    pub evidence: Option<(u64, u64, u64)>,
    pub artifacts: Vec<String>,
    pub labels: Vec<(String, String)>,
    pub created_at: i64,
    /// When it was begun to remove the sandbox.
    pub closing_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub phase: Phase,
    pub outcome: Option<Outcome>,
    pub reason: Option<String>,
    pub turns: Vec<Turn>,
    /// Whether the session's own span is told although it goes on: for a file. A server keeps a
    /// span as it first came.
    pub unfinished: bool,
}

#[derive(Debug, Clone)]
pub struct Turn {
    pub turn: u32,
    pub prompt: String,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    /// When it was begun to take in what it left, and when that was done.
    pub collecting_at: Option<i64>,
    pub collected_at: Option<i64>,
    pub outcome: Option<Outcome>,
    pub reason: Option<String>,
    pub answer: Option<String>,
    pub usage: Usage,
    pub cost_usd: Option<f64>,
}

impl Run {
    /// What the worker is called.
    pub fn agent(&self) -> &str {
        self.preset.as_deref().unwrap_or(&self.harness)
    }
}
