//! What a scripted session does once it has a message.

use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub enum Act {
    /// An event of the log: it gets an id and a time.
    Event(Value),
    /// Of these last events `of`, so many ask for a permission: the session waits for the answers.
    Ask(Vec<Value>),
    /// What was used so far, in tokens in and out and in cents, told by a usage event.
    Used(u64, u64, u64),
    /// The session comes to rest.
    Idle(Value),
    Terminated,
    Pause(u64),
    /// Waits until somebody asks it to stop.
    WaitForInterrupt,
    /// All open streams end.
    EndStreams,
    /// Bytes that only open streams tell.
    Raw(&'static str),
    /// An event is told once more, as those that were queued are.
    Again,
    /// A file that comes so many milliseconds later.
    Output {
        name: &'static str,
        bytes: Vec<u8>,
        late_ms: u64,
    },
}

pub fn says(text: &str) -> Act {
    Act::Event(json!({ "type": "agent.message", "content": [{ "type": "text", "text": text }] }))
}

pub fn calls(name: &str, input: Value) -> Act {
    Act::Event(call(name, input, "allow"))
}

pub fn call(name: &str, input: Value, permission: &str) -> Value {
    json!({ "type": "agent.tool_use", "name": name, "input": input,
        "evaluated_permission": permission })
}

/// The result of the call before it.
pub fn result(text: &str) -> Act {
    Act::Event(json!({ "type": "agent.tool_result", "tool_use_id": "$last", "is_error": false,
        "content": [{ "type": "text", "text": text }] }))
}

pub fn error(kind: &str, retry: &str) -> Act {
    let mut error = json!({ "type": kind, "message": "as the script has it",
        "retry_status": { "type": retry } });
    if kind.starts_with("repository_") {
        error["repository_url"] = json!("https://github.com/acme/checkout");
    }
    Act::Event(json!({ "type": "session.error", "error": error }))
}

pub fn idle(reason: &str) -> Act {
    Act::Idle(json!({ "stop_reason": { "type": reason } }))
}

/// A turn that says this and ends well.
pub fn answers(text: &str) -> Vec<Act> {
    vec![says(text), Act::Used(100, 20, 3), idle("end_turn")]
}
