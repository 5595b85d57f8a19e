//! The transcript: typed events made from the journal, for people and scripts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One event of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Counted from 1 over the whole session, without gaps.
    pub seq: u64,
    pub turn: u32,
    /// Unix milliseconds: when the supervisor read the line, not when we did.
    pub at: i64,
    #[serde(flatten)]
    pub kind: EventKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// What is going on: a turn begins or ends, a model call is retried, a limit is near.
    Status {
        text: String,
    },
    /// What the worker was asked.
    User {
        text: String,
    },
    /// What it said.
    Assistant {
        text: String,
    },
    Thinking {
        text: String,
    },
    ToolCall {
        /// Shared with the result; made up by us where the harness gives none.
        id: String,
        name: String,
        input: Value,
        /// The call of the subagent whose own call this is, where the harness tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<String>,
    },
    ToolResult {
        id: String,
        output: String,
        is_error: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
    },
    /// Tokens and cost since the last such event of the turn; see [`Counting`].
    Usage {
        #[serde(flatten)]
        usage: Usage,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost_usd: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// Something went wrong; not every error ends a turn.
    Error {
        text: String,
    },
    /// A line that the adapter does not understand, whole.
    Unread {
        line: String,
    },
}

#[cfg(test)]
impl EventKind {
    /// As it is serialised.
    pub fn name(&self) -> String {
        serde_json::to_value(self).unwrap()["kind"].as_str().unwrap().to_owned()
    }
}

/// What a harness's `usage` events count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// One model call, and they come right after it. Where none comes, there was no call.
    Each,
    /// All model calls since the last such event, in one sum a model.
    Summed,
}

/// Tokens. `input_tokens` leaves out what was read from or written to a cache.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
}

impl Usage {
    pub fn total(&self) -> u64 {
        self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens
    }

    /// What was added since `before`; never below zero.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_sub(before.input_tokens),
            output_tokens: self.output_tokens.saturating_sub(before.output_tokens),
            cache_read_tokens: self.cache_read_tokens.saturating_sub(before.cache_read_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_sub(before.cache_write_tokens),
        }
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
    }
}
