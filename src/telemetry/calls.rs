//! Model calls, as far as a transcript tells of them.
//!
//! No harness says when it asked its model. What it prints are the answers and the tools' results; so
//! a call is what was said between two results, it begins where the newest of what it answers was
//! known, and its input is what came since the call before (the whole conversation would make every
//! call longer than the last).

use super::attributes::{Draft, Kind};
use super::texts::Texts;
use crate::domain::transcript::Usage;
use serde_json::Value;

/// More messages of one call are counted and left out.
const MESSAGES: usize = 32;

/// One conversation: the worker's own, or a subagent's.
#[derive(Default)]
pub struct Lane {
    /// When the newest of what the next call answers was known.
    pub since: i64,
    pub open: Option<Call>,
    pub asked: Messages<Asked>,
}

/// A model call. Its texts are redacted and cut.
pub struct Call {
    /// The event with which it begins.
    pub seq: u64,
    pub start: i64,
    pub end: i64,
    asked: Messages<Asked>,
    said: Messages<Said>,
}

pub struct Messages<T> {
    kept: Vec<T>,
    left_out: u64,
}

pub enum Asked {
    Prompt(String),
    Result { id: String, output: String },
}

pub enum Said {
    Text(String),
    Thinking(String),
    Tool { id: String, name: String, input: String },
}

/// What a harness told that was spent.
pub struct Told {
    pub seq: u64,
    pub at: i64,
    pub usage: Usage,
    pub cost_usd: Option<f64>,
    pub model: Option<String>,
}

impl<T> Default for Messages<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), left_out: 0 }
    }
}

impl<T> Messages<T> {
    pub fn push(&mut self, message: T) {
        if self.kept.len() < MESSAGES {
            self.kept.push(message);
        } else {
            self.left_out += 1;
        }
    }
}

impl Lane {
    /// Something was said: the call that says it, begun where there is none.
    pub fn said(&mut self, seq: u64, at: i64, said: Said) {
        let call = self.open.get_or_insert_with(|| Call {
            seq,
            start: self.since,
            end: at,
            asked: std::mem::take(&mut self.asked),
            said: Messages::default(),
        });
        call.end = at;
        call.said.push(said);
    }

    /// Whether a tool is called in the instant in which the last result came: then no model was
    /// asked in between, and the call before had asked for both.
    pub fn had_no_time(&self, at: i64) -> bool {
        let resulted = matches!(self.asked.kept.last(), Some(Asked::Result { .. }));
        self.open.is_none() && resulted && at == self.since
    }
}

impl Call {
    /// `model` is the one that was asked for, where what was spent does not name it.
    pub fn draft(&self, told: Option<&Told>, model: Option<&str>, texts: &Texts) -> Draft {
        let model = told.and_then(|told| told.model.as_deref()).or(model).map(|m| texts.short(m));
        let name = model.as_ref().map_or("chat".to_owned(), |model| format!("chat {model}"));
        let mut draft = Draft::new(Kind::Llm, name, (self.start, self.end));
        draft.set_some("llm.model_name", model);
        self.asked.write(&mut draft);
        self.said.write(&mut draft);
        if let Some(told) = told {
            draft.spent(&told.usage, told.cost_usd);
        }
        draft.note("times", "derived");
        draft.note("input", "since the previous call");
        let left_out = self.asked.left_out + self.said.left_out;
        if left_out > 0 {
            draft.note("messages_left_out", left_out);
        }
        draft.ok();
        draft
    }
}

impl Told {
    /// A span of its own, for what is not one call's.
    pub fn draft(&self, what: &str, model: Option<&str>, texts: &Texts) -> Draft {
        let model = self.model.as_deref().or(model).map(|model| texts.short(model));
        let name = model.as_ref().map_or("usage".to_owned(), |model| format!("usage {model}"));
        let mut draft = Draft::new(Kind::Llm, name, (self.at, self.at));
        draft.set_some("llm.model_name", model);
        draft.spent(&self.usage, self.cost_usd);
        draft.note("tokens", what);
        draft.ok();
        draft
    }
}

impl Messages<Asked> {
    fn write(&self, draft: &mut Draft) {
        for (at, asked) in self.kept.iter().enumerate() {
            let key = |rest: &str| format!("llm.input_messages.{at}.message.{rest}");
            match asked {
                Asked::Prompt(text) => {
                    draft.set(&key("role"), "user");
                    draft.set(&key("content"), text);
                }
                Asked::Result { id, output } => {
                    draft.set(&key("role"), "tool");
                    draft.set(&key("tool_call_id"), id);
                    draft.set(&key("content"), output);
                }
            }
        }
        if let Some(Asked::Prompt(text) | Asked::Result { output: text, .. }) = self.kept.last() {
            draft.input(text.clone(), false);
        }
    }
}

impl Messages<Said> {
    /// One message of the assistant's.
    fn write(&self, draft: &mut Draft) {
        let key = |rest: &str| format!("llm.output_messages.0.message.{rest}");
        draft.set(&key("role"), "assistant");
        let thought = self.kept.iter().any(|said| matches!(said, Said::Thinking(_)));
        let (mut text, mut parts, mut tools) = (String::new(), 0, Vec::new());
        let mut part = |draft: &mut Draft, kind: &str, text: &str| {
            let key = key(&format!("contents.{parts}.message_content"));
            draft.set(&format!("{key}.type"), kind);
            draft.set(&format!("{key}.text"), text);
            parts += 1;
        };
        for said in &self.kept {
            match said {
                Said::Thinking(thinking) => part(draft, "reasoning", thinking),
                Said::Text(said) => {
                    if thought {
                        part(draft, "text", said);
                    }
                    text.push_str(if text.is_empty() { "" } else { "\n\n" });
                    text.push_str(said);
                }
                Said::Tool { id, name, input } => {
                    let key = key(&format!("tool_calls.{}.tool_call", tools.len()));
                    draft.set(&format!("{key}.id"), id);
                    draft.set(&format!("{key}.function.name"), name);
                    draft.set(&format!("{key}.function.arguments"), input);
                    tools.push(Value::from(name.as_str()));
                }
            }
        }
        if !text.is_empty() && !thought {
            draft.set(&key("content"), &text);
        }
        let finish = if tools.is_empty() { "stop" } else { "tool_calls" };
        if text.is_empty() {
            draft.output(Value::from(tools).to_string(), true);
        } else {
            draft.output(text, false);
        }
        draft.note("ended_with", finish);
    }
}
