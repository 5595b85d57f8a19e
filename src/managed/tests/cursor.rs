//! Properties of the way from events to lines: whatever comes, in whatever pieces.

use super::rig::SESSION;
use crate::domain::journal::{Body, Line, Sys};
use crate::managed::cursor::{About, Cursor};
use crate::managed::event::mark;
use crate::secrets::Redactor;
use proptest::prelude::*;
use serde_json::{Value, json};

fn cursor() -> Cursor {
    let about = About { id: "sesn_1".to_owned(), model: "m".to_owned(), ..About::default() };
    Cursor::new(SESSION, about, Redactor::new(&["hunter2-hunter2"]))
}

fn taken(mut cursor: Cursor, events: &[Value]) -> Vec<u8> {
    let mut lines = Vec::new();
    for event in events {
        cursor.take(&event.to_string(), 0, &mut lines);
    }
    cursor.settle(&mut lines);
    lines
}

fn restored(journal: &[u8]) -> Cursor {
    cursor().restore(journal).unwrap()
}

/// The whole lines of what was written.
fn whole(journal: &[u8]) -> &[u8] {
    &journal[..journal.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)]
}

fn kind() -> impl Strategy<Value = Value> {
    let text = |text: String| json!([{ "type": "text", "text": text }]);
    prop_oneof![
        (1_u32..4).prop_map(move |turn| json!({ "type": "user.message",
            "content": text(mark(SESSION, turn)) })),
        Just(json!({ "type": "user.message", "content": [{ "type": "text", "text": "hello" }] })),
        Just(json!({ "type": "user.interrupt" })),
        "\\PC{0,12}"
            .prop_map(move |said| json!({ "type": "agent.message", "content": text(said) })),
        Just(json!({ "type": "agent.message", "content": text("hunter2-hunter2".to_owned()) })),
        Just(json!({ "type": "agent.custom_tool_use", "name": "x", "input": {} })),
        Just(json!({ "type": "session.status_running" })),
        Just(json!({ "type": "session.status_idle", "stop_reason": { "type": "end_turn" } })),
        Just(json!({ "type": "session.status_idle", "stop_reason": { "type": "budget_reached" } })),
        Just(json!({ "type": "session.status_idle",
            "stop_reason": { "type": "requires_action", "event_ids": ["sevt_1"] } })),
        Just(json!({ "type": "user.tool_confirmation", "tool_use_id": "sevt_1" })),
        Just(json!({ "type": "session.error", "error": { "type": "repository_clone_error" } })),
        Just(json!({ "type": "session.usage", "usage": { "input_tokens": 7 } })),
        Just(json!({ "type": "session.status_terminated" })),
        Just(json!({ "type": "of.a.later.version", "x": [1, { "y": null }] })),
    ]
}

fn log() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(kind(), 0..30).prop_map(|kinds| {
        let numbered = kinds.into_iter().enumerate().map(|(at, mut event)| {
            event["id"] = json!(format!("sevt_{at}"));
            event["processed_at"] = json!(format!("2026-08-01T10:00:{at:02}Z"));
            event
        });
        numbered.collect()
    })
}

proptest! {
    /// Killed after any byte, and given the whole history again: the same journal.
    #[test]
    fn a_restart_loses_nothing_and_doubles_nothing(events in log(), cut in any::<prop::sample::Index>()) {
        let journal = taken(cursor(), &events);
        let cut = &journal[..cut.index(journal.len() + 1)];
        let rest = taken(restored(cut), &events);
        let joined = [whole(cut), &rest].concat();
        prop_assert_eq!(String::from_utf8_lossy(&joined), String::from_utf8_lossy(&journal));
    }

    /// A history, then a stream that tells some of it again.
    #[test]
    fn duplicates_make_no_line(
        events in log(),
        again in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..5), 0..12),
    ) {
        let mut told = Vec::new();
        for at in 0..events.len() {
            told.push(events[at].clone());
            for (index, after) in &again {
                if at % 5 == *after {
                    told.push(events[index.index(at + 1)].clone());
                }
            }
        }
        prop_assert_eq!(taken(cursor(), &told), taken(cursor(), &events));
    }

    #[test]
    fn a_journal_is_well_formed(events in log()) {
        let journal = taken(cursor(), &events);
        let (mut last, mut open, mut started, mut t) = (0, None, 0, i64::MIN);
        for bytes in journal.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line = Line::read(bytes).unwrap();
            prop_assert_eq!(line.n, last + 1);
            prop_assert!(line.turn >= 1 && line.t >= t);
            (last, t) = (line.n, line.t);
            match line.body {
                Body::Sys(Sys::TurnStarted { .. }) => {
                    prop_assert!(line.turn > started, "turns are counted up");
                    (started, open) = (line.turn, Some(line.turn));
                }
                Body::Sys(Sys::TurnExited(_)) => {
                    prop_assert_eq!(open.take(), Some(line.turn), "it ends what began, and once");
                }
                _ => {}
            }
        }
        prop_assert!(!String::from_utf8_lossy(&journal).contains("hunter2"));
    }

    #[test]
    fn anything_may_be_told(texts in proptest::collection::vec("\\PC*", 0..8)) {
        let mut cursor = cursor();
        let mut lines = Vec::new();
        for text in texts {
            cursor.take(&text, 0, &mut lines);
        }
    }
}

#[test]
fn an_event_that_was_queued_is_taken_once_and_has_a_time() {
    let queued = json!({ "type": "user.message", "id": "sevt_1", "processed_at": null,
        "content": [{ "type": "text", "text": mark(SESSION, 1) }] });
    let mut processed = queued.clone();
    processed["processed_at"] = json!("2026-08-01T10:00:00Z");
    let mut cursor = cursor();
    let mut lines = Vec::new();
    cursor.take(&queued.to_string(), 1234, &mut lines);
    cursor.take(&processed.to_string(), 2345, &mut lines);
    let lines: Vec<Line> = lines.split(|byte| *byte == b'\n').filter_map(Line::read).collect();
    assert_eq!(lines.len(), 3, "the turn's beginning, what the session is, the message");
    assert!(lines.iter().all(|line| line.t == 1234 && line.turn == 1));
}

#[test]
fn what_is_waited_for_is_asked_until_it_is_answered() {
    let mut cursor = cursor();
    let mut lines = Vec::new();
    let mut take = |cursor: &mut Cursor, mut event: Value, id: &str| {
        event["id"] = json!(id);
        cursor.take(&event.to_string(), 0, &mut lines);
    };
    let message = json!({ "type": "user.message", "content": mark(SESSION, 1) });
    take(&mut cursor, message, "sevt_0");
    take(&mut cursor, json!({ "type": "agent.custom_tool_use" }), "sevt_2");
    let asks = |ids: &[&str]| {
        json!({ "type": "session.status_idle",
            "stop_reason": { "type": "requires_action", "event_ids": ids } })
    };
    take(&mut cursor, asks(&["sevt_1", "sevt_2"]), "sevt_3");
    let asked: Vec<_> = cursor.asked().into_iter().map(|asked| (asked.id, asked.custom)).collect();
    assert_eq!(asked, [("sevt_1".to_owned(), false), ("sevt_2".to_owned(), true)]);
    cursor.answered("sevt_1");
    take(&mut cursor, asks(&["sevt_1", "sevt_2"]), "sevt_4");
    assert_eq!(cursor.asked().len(), 1, "once an id");
    take(&mut cursor, json!({ "type": "session.status_running" }), "sevt_5");
    assert!(cursor.asked().is_empty());
    let journal = lines;
    assert!(restored(&journal).asked().is_empty());
}

#[test]
fn an_event_that_is_too_long_is_told_and_left_out() {
    let text = "x".repeat(crate::domain::journal::MAX_LINE);
    let event = json!({ "type": "agent.message", "id": "sevt_1", "content": text });
    let mut lines = Vec::new();
    cursor().take(&event.to_string(), 0, &mut lines);
    let lines: Vec<Line> = lines.split(|byte| *byte == b'\n').filter_map(Line::read).collect();
    assert!(matches!(&lines[0].body, Body::Sys(Sys::Truncated { bytes, .. }) if *bytes > 1 << 26));
    assert!(
        matches!(&lines[1].body, Body::Out(text) if text.contains("sevt_1") && text.len() < 99)
    );
}
