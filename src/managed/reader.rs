//! Reads the journal of a managed session into events of a transcript, and judges how a turn ended.
//! Pure.
//!
//! It has the shape of a harness's reader: fed one turn's lines in order, asked for the rest once,
//! then for its verdict. Events of types that it does not know stay whole, as `unread`.
//!
//! Usage events are sums of all model calls since the last one, as those of the vendor's own harness
//! are. What a turn used is told by `session.usage`, which counts over the whole session and comes before
//! every pause; the line that a turn begins with says what was used before it. Where a turn ends
//! without, the sum of its model calls stands in, which tells tokens and no cost.

use super::cursor::ABOUT;
use super::event::{REPOSITORY, said};
use crate::domain::journal::Exit;
use crate::domain::transcript::{EventKind, Usage};
use crate::domain::turn::{Conversation, Outcome, Verdict};
use serde_json::Value;

/// The most of somebody's words in a reason, in characters.
const REASON: usize = 400;

#[derive(Debug, Default)]
pub struct Reader {
    id: String,
    model: Option<String>,
    /// What was used when a usage event was last read, in the whole session.
    so_far: Used,
    /// Tokens of model calls since then.
    since: Usage,
    usage: Usage,
    cost_usd: Option<f64>,
    answer: Option<String>,
    worked: bool,
    finished: bool,
    trouble: Option<Trouble>,
    /// The last error that the service told of, which may be why it gave up.
    error: Option<String>,
}

#[derive(Debug)]
struct Trouble {
    outcome: Outcome,
    reason: String,
    credential: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Used {
    tokens: Usage,
    cents: Option<u64>,
}

impl Used {
    fn read(usage: &Value) -> Self {
        let count = |at: &str| count(usage.pointer(at));
        let written = count("/cache_creation/ephemeral_5m_input_tokens")
            + count("/cache_creation/ephemeral_1h_input_tokens");
        Self {
            tokens: Usage {
                input_tokens: count("/input_tokens"),
                output_tokens: count("/output_tokens"),
                cache_read_tokens: count("/cache_read_input_tokens"),
                cache_write_tokens: written,
            },
            cents: usage.pointer("/list_cost/amount").and_then(cents),
        }
    }
}

/// A count that sums of can be held, whatever the service says.
fn count(value: Option<&Value>) -> u64 {
    value.and_then(Value::as_u64).unwrap_or(0).min(1 << 48)
}

/// Whole cents as the vendor writes them: in a string.
fn cents(amount: &Value) -> Option<u64> {
    match amount {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

impl Reader {
    /// A line of the journal's `out`.
    pub fn out(&mut self, line: &str) -> Vec<EventKind> {
        match serde_json::from_str::<Value>(line) {
            Ok(event) if event["type"].is_string() => self.event(&event, line),
            _ if line.trim().is_empty() => Vec::new(),
            _ => vec![EventKind::Unread { line: line.to_owned() }],
        }
    }

    /// What was used and not told yet.
    pub fn rest(&mut self) -> Vec<EventKind> {
        let since = std::mem::take(&mut self.since);
        if since == Usage::default() {
            return Vec::new();
        }
        self.usage += since;
        vec![EventKind::Usage { usage: since, cost_usd: None, model: self.model.clone() }]
    }

    /// The turn is over.
    pub fn end(&mut self, exit: &Exit) -> Verdict {
        let answer = self.answer.take().filter(|text| !text.trim().is_empty());
        let judged = self.judge(exit, answer.is_some());
        Verdict {
            outcome: judged.outcome,
            answer: answer.filter(|_| judged.outcome.is_success()),
            reason: Some(judged.reason).filter(|reason| !reason.is_empty()),
            credential: judged.credential,
            usage: self.usage,
            cost_usd: self.cost_usd,
            conversation: Some(self.id.clone())
                .filter(|id| !id.is_empty())
                .map(|id| Conversation { id, usage_so_far: self.so_far.tokens }),
        }
    }

    fn judge(&mut self, exit: &Exit, answered: bool) -> Trouble {
        let so = |outcome, reason: &str| Trouble {
            outcome,
            reason: reason.to_owned(),
            credential: false,
        };
        if let Some(trouble) = self.trouble.take() {
            return trouble;
        }
        match exit.code {
            Some(0) if self.finished && (answered || self.worked) => so(Outcome::Succeeded, ""),
            Some(0) if self.finished => {
                so(Outcome::Empty, "it ended well, but said nothing and used no tool")
            }
            Some(_) => so(Outcome::Failed, "it ended for a reason that is not known"),
            None => so(Outcome::Interrupted, "it is not known how it ended"),
        }
    }

    fn event(&mut self, event: &Value, line: &str) -> Vec<EventKind> {
        let text = |at: &str| event[at].as_str().unwrap_or_default().to_owned();
        let kind = event["type"].as_str().unwrap_or_default();
        match kind {
            ABOUT => self.about(event),
            "user.message" => message(event),
            "user.interrupt" => status("asked to stop"),
            "user.tool_confirmation" => confirmation(event),
            "user.custom_tool_result" => result(event, text("custom_tool_use_id")),
            "user.tool_result" | "agent.tool_result" => result(event, text("tool_use_id")),
            "agent.mcp_tool_result" => result(event, text("mcp_tool_use_id")),
            "agent.message" => self.said(event),
            "agent.tool_use" | "agent.custom_tool_use" => self.call(event, text("name")),
            "agent.mcp_tool_use" => {
                let name = format!("{}/{}", text("mcp_server_name"), text("name"));
                self.call(event, name)
            }
            "agent.thread_message_sent" => {
                let to = event["to_agent_name"].as_str().unwrap_or("a subagent");
                status(format!("to {to}: {}", said(&event["content"])))
            }
            "agent.thread_message_received" => {
                let from = event["from_agent_name"].as_str().unwrap_or("a subagent");
                status(format!("from {from}: {}", said(&event["content"])))
            }
            "agent.thread_context_compacted" => status("the conversation was compacted"),
            "span.model_request_end" => self.request(&event["model_usage"]),
            "span.outcome_evaluation_end" => {
                status(format!("outcome {}: {}", text("result"), text("explanation")))
            }
            "workflow_run.error" => self.error(&event["error"]),
            _ if kind.starts_with("session.") => self.session(event, kind, line),
            _ if SILENT.contains(&kind) || kind.starts_with("workflow_run.") => Vec::new(),
            _ => vec![EventKind::Unread { line: line.to_owned() }],
        }
    }

    fn session(&mut self, event: &Value, kind: &str, line: &str) -> Vec<EventKind> {
        match kind {
            "session.status_idle" => self.idle(event),
            "session.status_rescheduled" => {
                status("the service had a fault and starts the session again by itself")
            }
            "session.status_terminated" => {
                let why = self.error.clone().map(|error| format!(": {error}")).unwrap_or_default();
                self.failed(format!("the service ended the session{why}"))
            }
            "session.deleted" => self.failed("the session was deleted at the vendor".to_owned()),
            "session.error" => self.error(&event["error"]),
            "session.usage" => self.used(&event["usage"]),
            "session.thread_created" => {
                let name = event["agent_name"].as_str().unwrap_or("one");
                status(format!("subagent started: {name}"))
            }
            "session.status_running" | "session.updated" => Vec::new(),
            _ if kind.starts_with("session.thread_status_") => Vec::new(),
            _ => vec![EventKind::Unread { line: line.to_owned() }],
        }
    }

    fn about(&mut self, event: &Value) -> Vec<EventKind> {
        let text = |at: &str| event[at].as_str().unwrap_or_default();
        text("session").clone_into(&mut self.id);
        self.model = Some(text("model").to_owned()).filter(|model| !model.is_empty());
        self.so_far = Used::read(&event["used"]);
        status(format!(
            "managed session, agent {} version {}, model {}: {}",
            text("agent"),
            event["version"],
            text("model"),
            text("url")
        ))
    }

    fn said(&mut self, event: &Value) -> Vec<EventKind> {
        let text = match &event["content"] {
            Value::Array(blocks) => blocks
                .iter()
                .filter_map(|block| block["text"].as_str())
                .collect::<Vec<_>>()
                .join("\n"),
            other => said(other),
        };
        if text.is_empty() {
            return Vec::new();
        }
        self.finished = false;
        self.answer = Some(text.clone());
        vec![EventKind::Assistant { text }]
    }

    fn call(&mut self, event: &Value, name: String) -> Vec<EventKind> {
        self.worked = true;
        // What a subagent does takes nothing back of what was said.
        if event["session_thread_id"].is_null() {
            self.answer = None;
        }
        vec![EventKind::ToolCall {
            id: event["id"].as_str().unwrap_or_default().to_owned(),
            name,
            input: event["input"].clone(),
            parent: None,
        }]
    }

    fn request(&mut self, usage: &Value) -> Vec<EventKind> {
        let count = |at: &str| count(usage.get(at));
        self.since += Usage {
            input_tokens: count("input_tokens"),
            output_tokens: count("output_tokens"),
            cache_read_tokens: count("cache_read_input_tokens"),
            cache_write_tokens: count("cache_creation_input_tokens"),
        };
        Vec::new()
    }

    /// It counts over the whole session, so the difference is what is new.
    fn used(&mut self, usage: &Value) -> Vec<EventKind> {
        let now = Used::read(usage);
        let before = std::mem::replace(&mut self.so_far, now);
        let tokens = now.tokens.since(&before.tokens);
        self.since = Usage::default();
        let cost_usd =
            now.cents.map(|cents| cents.saturating_sub(before.cents.unwrap_or(0)) as f64 / 100.0);
        // A sum that went backwards is none.
        self.so_far.cents = now.cents.max(before.cents);
        if tokens == Usage::default() && cost_usd.is_none_or(|cost| cost == 0.0) {
            return Vec::new();
        }
        self.usage += tokens;
        if let Some(cost) = cost_usd {
            *self.cost_usd.get_or_insert(0.0) += cost;
        }
        vec![EventKind::Usage { usage: tokens, cost_usd, model: self.model.clone() }]
    }

    fn error(&mut self, error: &Value) -> Vec<EventKind> {
        let kind = error["type"].as_str().unwrap_or("unknown_error");
        let retry = error.pointer("/retry_status/type").and_then(Value::as_str);
        let place = ["mcp_server_name", "repository_url", "credential_id"]
            .into_iter()
            .find_map(|key| error[key].as_str())
            .map(|place| format!(" `{}`", shortened(place)))
            .unwrap_or_default();
        let text = format!(
            "{}{place}: {}",
            kind.trim_end_matches("_error").replace('_', " "),
            shortened(error["message"].as_str().unwrap_or("it gave no reason"))
        );
        if kind.starts_with(REPOSITORY) {
            let credential =
                matches!(kind, "repository_authentication_error" | "repository_forbidden_error");
            self.set(Outcome::Failed, format!("the worker has no repository: {text}"), credential);
            return vec![EventKind::Error { text }];
        }
        self.error = Some(text.clone());
        match retry {
            Some("retrying") => status(format!("{text}; it is tried again")),
            _ => vec![EventKind::Error { text }],
        }
    }

    fn idle(&mut self, event: &Value) -> Vec<EventKind> {
        let reason = event.pointer("/stop_reason/type").and_then(Value::as_str);
        match reason {
            Some("end_turn") => {
                self.finished = true;
                Vec::new()
            }
            Some("requires_action") => status("it asks for a permission, which the preset answers"),
            Some("budget_reached") => {
                let reason = "the session's budget ended it";
                self.set(Outcome::Limit, reason.to_owned(), false);
                status(reason)
            }
            Some("retries_exhausted") => {
                let why = self.error.clone().unwrap_or_else(|| "it gave no reason".to_owned());
                self.failed(format!("the service gave up: {why}"))
            }
            Some("refusal") => {
                let word = |at: &str| event.pointer(at).and_then(Value::as_str).map(shortened);
                let category = word("/stop_details/category").unwrap_or_default();
                let why = word("/stop_details/explanation").unwrap_or_default();
                let told = [category, why].into_iter().filter(|word| !word.is_empty());
                let told = told.collect::<Vec<_>>().join(": ");
                let told = if told.is_empty() { told } else { format!(" ({told})") };
                self.failed(format!("the model refused the task{told}"))
            }
            other => {
                let other = shortened(other.unwrap_or("none told"));
                self.failed(format!("it stopped for a reason that is not known here: {other}"))
            }
        }
    }

    fn failed(&mut self, reason: String) -> Vec<EventKind> {
        let text = reason.clone();
        self.set(Outcome::Failed, reason, false);
        vec![EventKind::Error { text }]
    }

    /// The first trouble is the cause; what follows are its echoes.
    fn set(&mut self, outcome: Outcome, reason: String, credential: bool) {
        self.trouble.get_or_insert(Trouble { outcome, reason, credential });
    }
}

/// Known, and of no use to who reads a transcript.
const SILENT: [&str; 6] = [
    "agent.thinking",
    "span.model_request_start",
    "span.outcome_evaluation_start",
    "span.outcome_evaluation_ongoing",
    "user.define_outcome",
    "system.message",
];

fn status(text: impl Into<String>) -> Vec<EventKind> {
    vec![EventKind::Status { text: text.into() }]
}

/// Our own message is told where the turn begins.
fn message(event: &Value) -> Vec<EventKind> {
    let text = said(&event["content"]);
    if text.starts_with("<loop-turn session=\"") {
        return Vec::new();
    }
    status(format!("somebody else wrote to the session: {text}"))
}

fn confirmation(event: &Value) -> Vec<EventKind> {
    let how = match event["result"].as_str() {
        Some("allow") => "allowed",
        _ => "denied",
    };
    status(format!("the call {} was {how}", event["tool_use_id"].as_str().unwrap_or_default()))
}

fn result(event: &Value, id: String) -> Vec<EventKind> {
    vec![EventKind::ToolResult {
        id,
        output: said(&event["content"]),
        is_error: event["is_error"].as_bool().unwrap_or(false),
        exit_code: None,
    }]
}

/// Words of others, on one line and no longer than anybody reads.
pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= REASON {
        return line.trim_end_matches('.').to_owned();
    }
    line.chars().take(REASON).chain("…".chars()).collect()
}
