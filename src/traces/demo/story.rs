//! What happens in one turn of a conversation, before it is told as spans.

use serde_json::Value;

pub(super) const PLANNER: &str = "gpt-4.1-mini";
pub(super) const WRITER: &str = "claude-sonnet-4-5";

/// A turn: what the customer asks, what the assistant does about it, what it answers.
pub(super) struct Story {
    pub intent: &'static str,
    pub question: String,
    /// What the guardrail on the way in says, where it stops the turn.
    pub refused: Option<&'static str>,
    /// What is looked up in the help centre, where something is.
    pub reading: Option<Reading>,
    pub steps: Vec<Step>,
    /// Where the planner's model stopped writing because it ran out of tokens.
    pub plan_is_cut: bool,
    pub answer: String,
    /// The writer's model fails.
    pub answer_fails: Option<Broken>,
}

pub(super) struct Reading {
    pub query: String,
    pub documents: Vec<&'static Document>,
}

pub(super) struct Document {
    pub id: &'static str,
    pub topic: &'static str,
    pub text: &'static str,
}

/// One call of a tool.
pub(super) struct Step {
    pub tool: &'static str,
    pub arguments: Value,
    pub result: Outcome,
    /// Milliseconds, from and to.
    pub takes: (u64, u64),
    /// The planner was asked again before this call.
    pub replanned: bool,
}

pub(super) enum Outcome {
    Gives(Value),
    /// The call raises, and the assistant goes on without it.
    Raises(Broken),
    /// The call raises, and the turn ends with that.
    Ends(Broken),
}

#[derive(Clone)]
pub(super) struct Broken {
    pub kind: &'static str,
    pub message: String,
}

impl Step {
    pub(super) fn gives(tool: &'static str, arguments: Value, result: Value) -> Self {
        Self { tool, arguments, result: Outcome::Gives(result), takes: (60, 420), replanned: false }
    }

    pub(super) fn raises(tool: &'static str, arguments: Value, broken: Broken) -> Self {
        Self { result: Outcome::Raises(broken), ..Self::gives(tool, arguments, Value::Null) }
    }

    pub(super) fn taking(mut self, from_ms: u64, to_ms: u64) -> Self {
        self.takes = (from_ms, to_ms);
        self
    }

    pub(super) fn after_replanning(mut self) -> Self {
        self.replanned = true;
        self
    }
}

impl Broken {
    pub(super) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}
