//! A turn: one run of the harness, from a prompt to its end.

use super::journal::{Exit, Limit};
use super::transcript::Usage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the supervisor needs to run one turn. Handed over on standard input, never stored, since
/// `env` may hold credentials.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TurnSpec {
    pub turn: u32,
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub cwd: String,
    /// Written as the worker before the harness starts.
    pub files: Vec<FileSpec>,
    /// Standard input of the harness, which is then closed.
    pub stdin: String,
    /// A verb of this program that runs as the worker before everything else; where it fails, so does
    /// the turn, with what it said.
    #[serde(default)]
    pub prepare: Vec<String>,
    /// Shell commands that run before the first turn.
    pub setup: Vec<String>,
    /// A verb of this program that runs as the worker once nothing else of the turn does.
    #[serde(default)]
    pub conclude: Vec<String>,
    pub limits: TurnLimits,
    /// Values that must not appear in the journal.
    pub secrets: Vec<String>,
}

/// Hides everything that may be secret.
impl std::fmt::Debug for TurnSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnSpec")
            .field("turn", &self.turn)
            .field("argv", &self.argv)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSpec {
    /// Absolute, in the sandbox.
    pub path: String,
    pub content: String,
    #[serde(default)]
    pub executable: bool,
}

/// Milliseconds and bytes; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TurnLimits {
    pub wall_ms: u64,
    /// Neither output nor processor use for this long.
    pub quiet_ms: u64,
    pub output_bytes: u64,
}

/// What the supervisor is told once, when it starts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BootSpec {
    /// How long it waits for the next turn before it ends itself; 0 is for ever.
    pub idle_ms: u64,
    /// The user the harness runs as, where the supervisor may change it.
    pub worker: Option<Worker>,
    /// Put before every command of the worker's: how `local` puts it in its sandbox.
    pub wrap: Vec<String>,
    /// Where the wrapper only stands for processes that are elsewhere: the file in which it tells
    /// what they use. It is signalled in their place, and passes that on.
    #[serde(default)]
    pub elsewhere: Option<String>,
    /// Where the worker leaves what people shall review; told in the journal where it is small.
    pub artifacts: Option<String>,
    /// Directories that the worker must be able to write to.
    pub open: Vec<String>,
    /// The first turn, where it is handed over with the start.
    pub first: Option<TurnSpec>,
}

impl BootSpec {
    /// Whether a signal would end the wrapper instead of reaching what it wraps.
    pub fn wrap_takes_signals(&self) -> bool {
        !self.wrap.is_empty() && self.elsewhere.is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    pub uid: u32,
    pub gid: u32,
}

/// How a turn came out. The worker's outcome, not the process's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Succeeded,
    Failed,
    /// Ended well, left no answer.
    Empty,
    Cancelled,
    /// A limit (time, output, turns, budget) ended it.
    Limit,
    /// It ended without saying how: killed, lost, or asked to stop.
    Interrupted,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Empty => "empty",
            Self::Cancelled => "cancelled",
            Self::Limit => "limit",
            Self::Interrupted => "interrupted",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        [
            Self::Succeeded,
            Self::Failed,
            Self::Empty,
            Self::Cancelled,
            Self::Limit,
            Self::Interrupted,
        ]
        .into_iter()
        .find(|outcome| outcome.name() == name)
    }

    pub fn is_success(self) -> bool {
        self == Self::Succeeded
    }
}

/// What a harness makes of a finished turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub outcome: Outcome,
    /// The final text, where there is one.
    pub answer: Option<String>,
    /// One lower-case sentence, where it is not a plain success.
    pub reason: Option<String>,
    /// Whether the reason is a refused or missing credential.
    pub credential: bool,
    pub usage: Usage,
    pub cost_usd: Option<f64>,
    /// What a follow-up needs to resume the same conversation.
    pub conversation: Option<Conversation>,
}

/// A harness's own conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    pub id: String,
    /// Tokens counted before this turn, for harnesses that count over the whole conversation.
    #[serde(default)]
    pub usage_so_far: Usage,
}

impl Verdict {
    /// The verdict that a limit or an interruption forces, whatever the stream said.
    ///
    /// `None` where the process ended by itself.
    pub fn forced(exit: &Exit) -> Option<(Outcome, String)> {
        if let Some(limit) = exit.limit {
            let reason = match limit {
                Limit::Time => "the turn's time limit ended it",
                Limit::Quiet => "it neither wrote nor worked for too long and was ended",
                Limit::Output => "it wrote more than the output limit and was ended",
            };
            return Some((Outcome::Limit, reason.to_owned()));
        }
        if exit.terminated {
            let reason = "the sandbox was ended from outside";
            return Some((Outcome::Interrupted, reason.to_owned()));
        }
        if exit.interrupted {
            return Some((Outcome::Interrupted, "it was interrupted".to_owned()));
        }
        if let Some(error) = &exit.spawn_error {
            return Some((Outcome::Failed, format!("the harness could not be started: {error}")));
        }
        if exit.oom_kills > 0 && !exit.is_clean() {
            let reason = "it ran out of memory (the kernel killed a process of the sandbox)";
            return Some((Outcome::Failed, reason.to_owned()));
        }
        None
    }
}
