//! The vendor's events, as far as a driver has to understand them. Pure.
//!
//! Only the fields that are used are read, each by itself: a field that has changed its shape costs
//! what it said, never the event.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Longer ids are nobody's.
const ID: usize = 256;

/// What every event has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub id: String,
    pub kind: String,
    /// Unix milliseconds; none while it waits to be processed.
    pub at: Option<i64>,
}

impl Head {
    /// `None` of what is no event of the log, as previews and pings are not.
    pub fn read(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Wire<'a> {
            #[serde(borrow)]
            id: Cow<'a, str>,
            #[serde(borrow, rename = "type")]
            kind: Cow<'a, str>,
            #[serde(borrow, default)]
            processed_at: Option<&'a RawValue>,
        }
        let wire: Wire = serde_json::from_str(text).ok()?;
        if wire.id.is_empty() || wire.id.len() > ID {
            return None;
        }
        let at = wire.processed_at.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let at = at.and_then(|text| millis(&text));
        Some(Self { id: wire.id.into_owned(), kind: wire.kind.into_owned(), at })
    }
}

/// A time as the vendor writes it, in Unix milliseconds.
pub(super) fn millis(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond())
}

/// What an event means for whoever drives the session.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    /// A message, with the number of our own turn that it begins, where it is ours.
    Message(Option<u32>),
    Interrupt,
    /// A call of a tool that the session's owner has to run.
    CustomCall,
    /// Somebody answered what the session waited for.
    Answered(String),
    /// It waits for answers about these events.
    Asks(Vec<String>),
    /// It works.
    Working,
    /// The turn is over; whether well.
    Over(bool),
    /// It cannot have its repository, and goes on without.
    Repository,
    /// What was used so far.
    Usage(Value),
    Nothing,
}

/// The types of errors that mean that there is no repository begin so.
pub(super) const REPOSITORY: &str = "repository_";

pub(super) fn meaning(kind: &str, text: &str, session: &str) -> Meaning {
    let read = || serde_json::from_str::<Value>(text).unwrap_or_default();
    let word = |at: &str| read().pointer(at).and_then(Value::as_str).unwrap_or("").to_owned();
    match kind {
        "user.message" => Meaning::Message(turn_of(&said(&read()["content"]), session)),
        "user.interrupt" => Meaning::Interrupt,
        "user.tool_confirmation" | "user.tool_result" => Meaning::Answered(word("/tool_use_id")),
        "user.custom_tool_result" => Meaning::Answered(word("/custom_tool_use_id")),
        "agent.custom_tool_use" => Meaning::CustomCall,
        "session.status_running" => Meaning::Working,
        "session.status_idle" => idle(&read()),
        "session.status_terminated" | "session.deleted" => Meaning::Over(false),
        "session.error" if word("/error/type").starts_with(REPOSITORY) => Meaning::Repository,
        "session.usage" => Meaning::Usage(read()["usage"].take()),
        _ => Meaning::Nothing,
    }
}

fn idle(event: &Value) -> Meaning {
    match event.pointer("/stop_reason/type").and_then(Value::as_str) {
        Some("requires_action") => {
            let ids = event.pointer("/stop_reason/event_ids").and_then(Value::as_array);
            let ids = ids.into_iter().flatten().filter_map(Value::as_str);
            Meaning::Asks(ids.map(str::to_owned).collect())
        }
        reason => Meaning::Over(reason == Some("end_turn")),
    }
}

/// The texts of a list of content blocks. What is no text stays whole, as JSON.
pub(super) fn said(content: &Value) -> String {
    let block = |block: &Value| match block["text"].as_str() {
        Some(text) => text.to_owned(),
        None if block["type"] == "redacted" => "[redacted]".to_owned(),
        None => block.to_string(),
    };
    match content {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().map(block).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

/// What a message of ours begins with. Events carry nothing of ours but their text, and a message
/// that may have been sent has to be known again.
pub(super) fn mark(session: &str, turn: u32) -> String {
    format!("<loop-turn session=\"{session}\" turn=\"{turn}\"/>")
}

/// The turn that a message of this session's begins.
pub(super) fn turn_of(text: &str, session: &str) -> Option<u32> {
    let rest = text.strip_prefix("<loop-turn session=\"")?.strip_prefix(session)?;
    let rest = rest.strip_prefix("\" turn=\"")?;
    let (turn, _) = rest.split_once("\"/>")?;
    turn.parse().ok().filter(|turn| *turn > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read() {
        let text =
            r#"{"type":"agent.message","id":"sevt_1","processed_at":"2026-08-01T10:00:00.5Z"}"#;
        let head = Head::read(text).unwrap();
        assert_eq!((head.id.as_str(), head.kind.as_str()), ("sevt_1", "agent.message"));
        assert_eq!(head.at, Some(1_785_578_400_500));
        let waits = r#"{"type":"x","id":"s","processed_at":null}"#;
        assert_eq!(Head::read(waits).unwrap().at, None);
        let odd = r#"{"type":"x","id":"s","processed_at":{"new":"shape"}}"#;
        assert_eq!(Head::read(odd).unwrap().at, None);
        let long = format!(r#"{{"type":"x","id":"{}"}}"#, "a".repeat(300));
        for none in [r#"{"type":"event_start"}"#, r#"{"id":"x"}"#, "[]", "", "{", long.as_str()] {
            assert_eq!(Head::read(none), None, "{none}");
        }
    }

    #[test]
    fn deep_nesting_is_no_trouble() {
        let deep =
            format!(r#"{{"id":"s","type":"new","x":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(Head::read(&deep).unwrap().kind, "new");
        assert_eq!(meaning("session.status_idle", &deep, "s"), Meaning::Over(false));
    }

    #[test]
    fn our_messages_are_known_again() {
        assert_eq!(turn_of(&mark("7f3a", 12), "7f3a"), Some(12));
        assert_eq!(turn_of(&format!("{}\nmore", mark("7f3a", 2)), "7f3a"), Some(2));
        for (text, session) in [
            (mark("7f3a", 0), "7f3a"),
            (mark("7f3a", 1), "7f3"),
            (mark("7f3a", 1), "7f3ab"),
            (format!("see {}", mark("7f3a", 1)), "7f3a"),
            ("<loop-turn session=\"7f3a\" turn=\"x\"/>".to_owned(), "7f3a"),
        ] {
            assert_eq!(turn_of(&text, session), None, "{text}");
        }
    }

    #[test]
    fn the_end_of_a_turn_is_known() {
        let of = |kind: &str, text: &str| meaning(kind, text, "s");
        let idle =
            |reason: &str| of("session.status_idle", &format!(r#"{{"stop_reason":{reason}}}"#));
        assert_eq!(idle(r#"{"type":"end_turn"}"#), Meaning::Over(true));
        assert_eq!(idle(r#"{"type":"retries_exhausted"}"#), Meaning::Over(false));
        assert_eq!(idle(r#"{"type":"of a later version"}"#), Meaning::Over(false));
        assert_eq!(idle("null"), Meaning::Over(false));
        assert_eq!(
            idle(r#"{"type":"requires_action","event_ids":["a",3,"b"]}"#),
            Meaning::Asks(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(of("session.status_terminated", "{}"), Meaning::Over(false));
        let error = |kind: &str| format!(r#"{{"error":{{"type":"{kind}"}}}}"#);
        assert_eq!(of("session.error", &error("repository_clone_error")), Meaning::Repository);
        assert_eq!(of("session.error", &error("billing_error")), Meaning::Nothing);
    }
}
