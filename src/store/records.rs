//! The stored records.

use crate::domain::plan::LaunchPlan;
use crate::domain::session::Phase;
use crate::domain::transcript::Usage;
use crate::domain::turn::{Conversation, Outcome};

/// A session as it is stored. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    pub id: String,
    /// For harnesses that let the caller choose the conversation's id.
    pub uuid: String,
    pub phase: Phase,
    pub plan: LaunchPlan,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    /// The provider's name of the sandbox, once it was made.
    pub sandbox: Option<String>,
    /// What the snapshot holds, where there is one: traces, spans, failing traces.
    pub evidence: Option<(u64, u64, u64)>,
    /// One sentence, where it did not simply end well.
    pub reason: Option<String>,
    pub turns: u32,
    pub usage: Usage,
    pub cost_usd: Option<f64>,
    pub artifacts: u32,
    /// The outcome of the newest collected turn.
    pub outcome: Option<Outcome>,
    /// When it was begun to remove its sandbox for good.
    pub closing_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnState {
    /// To be handed over when the one before is over.
    Queued,
    /// Handed to the supervisor, or about to be.
    Handed,
    /// Its end is stored.
    Collected,
}

impl TurnState {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Handed => "handed",
            Self::Collected => "collected",
        }
    }

    pub(super) fn of_name(name: &str) -> Self {
        match name {
            "queued" => Self::Queued,
            "collected" => Self::Collected,
            _ => Self::Handed,
        }
    }
}

#[derive(Debug, Clone)]
pub struct TurnRecord {
    pub turn: u32,
    pub prompt: String,
    pub state: TurnState,
    /// Where in the host's copy of the journal the turn's lines begin, in bytes.
    pub journal_from: u64,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub outcome: Option<Outcome>,
    pub reason: Option<String>,
    pub answer: Option<String>,
    pub usage: Usage,
    pub cost_usd: Option<f64>,
    pub conversation: Option<Conversation>,
    /// When it was begun to take in what it left, and when that was done.
    pub collecting_at: Option<i64>,
    pub collected_at: Option<i64>,
}

impl TurnRecord {
    pub fn new(turn: u32, prompt: &str, state: TurnState) -> Self {
        Self {
            turn,
            prompt: prompt.to_owned(),
            state,
            journal_from: 0,
            started_at: None,
            ended_at: None,
            outcome: None,
            reason: None,
            answer: None,
            usage: Usage::default(),
            cost_usd: None,
            conversation: None,
            collecting_at: None,
            collected_at: None,
        }
    }
}
