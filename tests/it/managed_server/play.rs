//! Plays a turn of a script: what a session does, event after event, while others look on.

use super::script::{Act, answers};
use super::store::{StoredFile, millis, now};
use super::streams::{frame, tell};
use super::{State, lock};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Adds an event to a session's log and tells it; its id.
pub(crate) fn log(state: &State, id: &str, mut event: Value) -> String {
    let mut store = lock(&state.store);
    let event_id = store.id("sevt");
    let Some(session) = store.session_mut(id) else { return event_id };
    event["id"] = json!(event_id);
    event["processed_at"] = json!(now());
    if event["tool_use_id"] == "$last" {
        let call = session.events.iter().rev().find(|one| one["type"] == "agent.tool_use");
        event["tool_use_id"] = call.map(|call| call["id"].clone()).unwrap_or_default();
    }
    session.events.push(event.clone());
    tell(session, &frame(&event));
    event_id
}

/// A message came: the session works, now or when it has ended what it does.
pub(crate) fn work(state: &Arc<State>, id: &str) {
    let turn = {
        let mut store = lock(&state.store);
        let Some(session) = store.session_mut(id) else { return };
        if session.playing {
            session.queued += 1;
            return;
        }
        session.playing = true;
        session.interrupted = false;
        session.about["status"] = json!("running");
        store.script.pop_front().unwrap_or_else(|| answers("Done."))
    };
    let (state, id) = (Arc::clone(state), id.to_owned());
    tokio::spawn(async move { play(&state, &id, turn).await });
}

async fn play(state: &Arc<State>, id: &str, turn: Vec<Act>) {
    log(state, id, json!({ "type": "session.status_running" }));
    for act in turn {
        if is_interrupted(state, id) {
            break;
        }
        if matches!(act, Act::Idle(_) | Act::Terminated) {
            return rest(state, id, act);
        }
        perform(state, id, act).await;
    }
    rest(state, id, Act::Idle(json!({ "stop_reason": { "type": "end_turn" } })));
}

fn is_interrupted(state: &State, id: &str) -> bool {
    lock(&state.store).session(id).is_none_or(|session| session.interrupted)
}

async fn perform(state: &Arc<State>, id: &str, act: Act) {
    match act {
        Act::Event(event) => drop(log(state, id, event)),
        Act::Ask(events) => ask(state, id, events).await,
        Act::Used(input, output, cents) => used(state, id, [input, output, cents]),
        Act::Pause(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Act::WaitForInterrupt => {
            until(state, || is_interrupted(state, id)).await;
        }
        Act::EndStreams => {
            if let Some(session) = lock(&state.store).session_mut(id) {
                session.streams.clear();
            }
        }
        Act::Raw(text) => {
            if let Some(session) = lock(&state.store).session_mut(id) {
                tell(session, text.as_bytes());
            }
        }
        Act::Again => {
            if let Some(session) = lock(&state.store).session_mut(id)
                && let Some(event) = session.events.last().cloned()
            {
                tell(session, &frame(&event));
            }
        }
        Act::Output { name, bytes, late_ms } => {
            let mut store = lock(&state.store);
            store.make_file(name, bytes, Some(id));
            if let Some(StoredFile { from, .. }) = store.files.last_mut() {
                *from = millis() + late_ms.cast_signed();
            }
        }
        Act::Idle(_) | Act::Terminated => {}
    }
}

/// Waits until something that others do is done.
async fn until(state: &State, done: impl Fn() -> bool) {
    while !done() {
        let _ = tokio::time::timeout(Duration::from_millis(20), state.changed.notified()).await;
    }
}

/// Waits for ever for answers; a partial one makes it say again what is open.
async fn ask(state: &Arc<State>, id: &str, events: Vec<Value>) {
    let ids: Vec<String> = events.into_iter().map(|event| log(state, id, event)).collect();
    let open = || -> Vec<String> {
        let store = lock(&state.store);
        let session = store.session(id);
        session.map(|session| session.waits_for.iter().cloned().collect()).unwrap_or_default()
    };
    if let Some(session) = lock(&state.store).session_mut(id) {
        session.waits_for.extend(ids);
    }
    while !open().is_empty() && !is_interrupted(state, id) {
        let asked = open();
        if let Some(session) = lock(&state.store).session_mut(id) {
            session.about["status"] = json!("idle");
        }
        log(
            state,
            id,
            json!({ "type": "session.status_idle", "stop_details": null,
            "stop_reason": { "type": "requires_action", "event_ids": asked } }),
        );
        until(state, || open() != asked || is_interrupted(state, id)).await;
    }
    if let Some(session) = lock(&state.store).session_mut(id) {
        session.waits_for.clear();
        session.about["status"] = json!("running");
    }
    log(state, id, json!({ "type": "session.status_running" }));
}

fn used(state: &State, id: &str, [input, output, cents]: [u64; 3]) {
    let (usage, budget) = {
        let mut store = lock(&state.store);
        let Some(session) = store.session_mut(id) else { return };
        let usage = &mut session.about["usage"];
        let count = |value: &Value| value.as_u64().unwrap_or(0);
        let before = usage["list_cost"]["amount"].as_str().and_then(|text| text.parse().ok());
        *usage = json!({
            "input_tokens": count(&usage["input_tokens"]) + input,
            "output_tokens": count(&usage["output_tokens"]) + output,
            "cache_read_input_tokens": 0, "active_seconds": 1.5,
            "cache_creation": { "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0 },
            "list_cost": { "amount": (before.unwrap_or(0) + cents).to_string(), "currency": "USD" },
        });
        (usage.clone(), session.about["budget"].clone())
    };
    log(state, id, json!({ "type": "session.usage", "usage": usage, "budget": budget }));
}

/// The session comes to rest. Its stored status may lag behind its last event.
fn rest(state: &Arc<State>, id: &str, act: Act) {
    let (event, status) = match act {
        Act::Idle(mut event) => {
            event["type"] = json!("session.status_idle");
            if event["stop_details"].is_null() {
                event["stop_details"] = Value::Null;
            }
            (event, "idle")
        }
        _ => (json!({ "type": "session.status_terminated" }), "terminated"),
    };
    let late = {
        let mut store = lock(&state.store);
        let late = store.late_status;
        if let Some(session) = store.session_mut(id) {
            session.playing = false;
            session.budget_reached = event["stop_reason"]["type"] == "budget_reached";
            if late == 0 {
                session.about["status"] = json!(status);
            }
        }
        late
    };
    log(state, id, event);
    if late > 0 {
        let (state, id) = (Arc::clone(state), id.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(late)).await;
            if let Some(session) = lock(&state.store).session_mut(&id)
                && !session.playing
                && session.about["archived_at"].is_null()
            {
                session.about["status"] = json!(status);
            }
        });
    }
    let queued = lock(&state.store).session_mut(id).is_some_and(|session| {
        let queued = session.queued > 0;
        session.queued = session.queued.saturating_sub(1);
        queued
    });
    if queued {
        work(state, id);
    }
}
