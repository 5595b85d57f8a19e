//! What a transcript makes of events.

use crate::domain::journal::Exit;
use crate::domain::transcript::{EventKind, Usage};
use crate::domain::turn::Outcome;
use crate::managed::Reader;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(events: &[Value]) -> (Reader, Vec<EventKind>) {
    let mut reader = Reader::default();
    let told = events.iter().flat_map(|event| reader.out(&event.to_string())).collect();
    (reader, told)
}

fn about(used: Value) -> Value {
    json!({ "type": "loop.session", "id": "loop.session.1", "session": "sesn_1", "agent": "a",
        "version": 2, "model": "claude-opus-5-5", "url": "https://x/sesn_1", "used": used })
}

fn used(input: u64, cents: &Value) -> Value {
    json!({ "type": "session.usage", "usage": { "input_tokens": input,
        "output_tokens": 1, "cache_read_input_tokens": 2,
        "cache_creation": { "ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4 },
        "list_cost": { "amount": cents, "currency": "USD" } } })
}

fn exit() -> Exit {
    Exit { code: Some(0), ..Exit::default() }
}

#[test]
fn every_kind_of_event() {
    let content = |text: &str| json!([{ "type": "text", "text": text }, { "type": "redacted" }]);
    let (_, told) = read(&[
        about(Value::Null),
        json!({ "type": "user.message", "content": [{ "type": "text", "text": "<loop-turn session=\"a\" turn=\"1\"/>" }] }),
        json!({ "type": "user.message", "content": [{ "type": "text", "text": "hello" }] }),
        json!({ "type": "agent.thinking" }),
        json!({ "type": "agent.message", "content": content("I look.") }),
        json!({ "type": "agent.mcp_tool_use", "id": "sevt_1", "mcp_server_name": "github",
            "name": "search", "input": { "q": "x" } }),
        json!({ "type": "agent.mcp_tool_result", "mcp_tool_use_id": "sevt_1",
            "content": content("found"), "is_error": true }),
        json!({ "type": "user.tool_confirmation", "tool_use_id": "sevt_2", "result": "deny" }),
        json!({ "type": "user.interrupt" }),
        json!({ "type": "agent.thread_message_sent", "to_agent_name": "helper",
            "content": content("look there") }),
        json!({ "type": "agent.thread_context_compacted" }),
        json!({ "type": "session.status_rescheduled" }),
        json!({ "type": "session.thread_created", "agent_name": "helper" }),
        json!({ "type": "session.thread_status_idle" }),
        json!({ "type": "session.error", "error": { "type": "mcp_connection_failed_error",
            "message": "refused", "mcp_server_name": "github", "retry_status": { "type": "retrying" } } }),
        json!({ "type": "session.error", "error": { "type": "model_request_failed_error",
            "message": "no", "retry_status": { "type": "exhausted" } } }),
        json!({ "type": "span.outcome_evaluation_end", "result": "satisfied", "explanation": "fine" }),
        json!({ "type": "workflow_run.created" }),
        json!({ "type": "session.of_a_later_version" }),
    ]);
    let shown: Vec<String> =
        told.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn what_was_used_before_the_turn_is_not_counted() {
    let before = used(100, &json!("250"))["usage"].clone();
    let (mut reader, told) = read(&[
        about(before),
        json!({ "type": "span.model_request_end", "model_usage": { "input_tokens": 30 } }),
        used(130, &json!("251")),
        json!({ "type": "agent.message", "content": "x" }),
        used(150, &json!("260")),
        json!({ "type": "session.status_idle", "stop_reason": { "type": "end_turn" } }),
    ]);
    let model = Some("claude-opus-5-5".to_owned());
    let tokens = |input_tokens| Usage { input_tokens, ..Usage::default() };
    let usage = |input, cost| EventKind::Usage {
        usage: tokens(input),
        cost_usd: Some(cost),
        model: model.clone(),
    };
    assert_eq!(
        told[1..],
        [usage(30, 0.01), EventKind::Assistant { text: "x".to_owned() }, usage(20, 0.09)]
    );
    assert!(reader.rest().is_empty());
    let verdict = reader.end(&exit());
    assert_eq!((verdict.outcome, verdict.usage), (Outcome::Succeeded, tokens(50)));
    assert!((verdict.cost_usd.unwrap() - 0.10).abs() < 1e-9);
    let so_far = verdict.conversation.unwrap().usage_so_far;
    assert_eq!((so_far.input_tokens, so_far.cache_write_tokens), (150, 7));
}

#[test]
fn a_turn_that_ends_without_its_sum_counts_its_calls() {
    let call = json!({ "type": "span.model_request_end",
        "model_usage": { "input_tokens": 10, "output_tokens": 2, "cache_creation_input_tokens": 5 } });
    let (mut reader, _) = read(&[
        about(Value::Null),
        call.clone(),
        call,
        json!({ "type": "session.status_terminated" }),
    ]);
    assert_eq!(reader.rest().len(), 1);
    let verdict = reader.end(&Exit { code: Some(1), ..Exit::default() });
    assert_eq!((verdict.outcome, verdict.usage.total()), (Outcome::Failed, 34));
    assert_eq!(verdict.reason.as_deref(), Some("the service ended the session"));
}

#[test]
fn an_end_that_nobody_told_is_no_success() {
    let said = json!({ "type": "agent.message", "content": "x" });
    for code in [None, Some(0), Some(1)] {
        let (mut reader, _) = read(&[about(Value::Null), said.clone()]);
        let verdict = reader.end(&Exit { code, ..Exit::default() });
        assert!(!verdict.outcome.is_success() && verdict.answer.is_none(), "{code:?}");
    }
}

#[test]
fn what_a_tool_comes_after_is_no_answer() {
    let (mut reader, _) = read(&[
        json!({ "type": "agent.message", "content": "I will look." }),
        json!({ "type": "agent.tool_use", "id": "x", "name": "bash", "input": {} }),
        json!({ "type": "session.status_idle", "stop_reason": { "type": "end_turn" } }),
    ]);
    let verdict = reader.end(&exit());
    assert_eq!((verdict.outcome, verdict.answer), (Outcome::Succeeded, None));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key(), inner), 0..4)
                .prop_map(|pairs| { Value::Object(pairs.into_iter().collect()) }),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "type",
        "id",
        "content",
        "text",
        "usage",
        "list_cost",
        "amount",
        "input_tokens",
        "error",
        "message",
        "retry_status",
        "stop_reason",
        "stop_details",
        "name",
        "input",
        "model_usage",
    ])
    .prop_map(str::to_owned)
}

const KINDS: [&str; 14] = [
    "loop.session",
    "user.message",
    "user.tool_confirmation",
    "agent.message",
    "agent.tool_use",
    "agent.tool_result",
    "agent.mcp_tool_use",
    "session.status_idle",
    "session.status_terminated",
    "session.error",
    "session.usage",
    "span.model_request_end",
    "workflow_run.error",
    "x",
];

proptest! {
    #[test]
    fn fields_of_any_shape_are_no_panic(
        events in proptest::collection::vec(
            (proptest::sample::select(&KINDS[..]), proptest::collection::vec((key(), value()), 0..5)),
            0..12,
        ),
        code in proptest::option::of(0..2),
    ) {
        let mut reader = Reader::default();
        let mut usage = Usage::default();
        let mut told = Vec::new();
        for (kind, fields) in events {
            let mut event = Value::Object(fields.into_iter().collect());
            event["type"] = json!(kind);
            told.extend(reader.out(&event.to_string()));
        }
        told.extend(reader.rest());
        let verdict = reader.end(&Exit { code, ..Exit::default() });
        for event in told {
            if let EventKind::Usage { usage: some, .. } = event {
                usage.input_tokens = usage.input_tokens.wrapping_add(some.input_tokens);
            }
        }
        prop_assert_eq!(usage.input_tokens, verdict.usage.input_tokens, "a turn's sum is its events'");
    }

    #[test]
    fn any_line_is_no_panic(line in "\\PC*") {
        let _ = Reader::default().out(&line);
    }
}
