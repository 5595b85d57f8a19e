//! Recorded streams of the real programs as spans, and what holds for all spans.

use super::*;
use crate::domain::journal::Exit;
use crate::domain::session::{End, Phase};
use crate::domain::transcript::{Counting, Event, EventKind, Usage};
use crate::domain::turn::Outcome;
use crate::harness;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// The first second of the sessions here.
const T0: i64 = 1_795_000_000_000;

fn run(counting: Counting, turns: Vec<Turn>) -> Run {
    Run {
        session: "7f3a7f3a7f3a".to_owned(),
        uuid: "5f0c7c1e-5a5e-4d0e-9f61-0d6a3c1f2b11".to_owned(),
        name: None,
        preset: Some("investigate".to_owned()),
        harness: "recorded".to_owned(),
        counting,
        model: Some("asked-for".to_owned()),
        sandbox: "local".to_owned(),
        project: Some("demo".to_owned()),
        repo: None,
        evidence: Some((420, 2_000, 88)),
        artifacts: vec!["investigation.md".to_owned()],
        labels: vec![("team".to_owned(), "checkout".to_owned())],
        created_at: T0 - 2_000,
        closing_at: Some(T0 + 900_000),
        finished_at: Some(T0 + 900_500),
        phase: Phase::Finished(End::Succeeded),
        outcome: Some(Outcome::Succeeded),
        reason: None,
        turns,
        unfinished: false,
    }
}

fn turn(number: u32, times: (i64, i64)) -> Turn {
    Turn {
        turn: number,
        prompt: "look around".to_owned(),
        started_at: Some(times.0),
        ended_at: Some(times.1),
        collecting_at: Some(times.1 + 10),
        collected_at: Some(times.1 + 20),
        outcome: Some(Outcome::Succeeded),
        reason: None,
        answer: Some("done".to_owned()),
        usage: Usage::default(),
        cost_usd: None,
    }
}

fn spans_of(run: &Run, events: &[Event]) -> Vec<Span> {
    let making = Making::new(run, Texts::new(&[]));
    let events = events.iter().cloned().map(Ok);
    Spans::new(run, &making, events).map(Result::unwrap).collect()
}

/// One recording: a line a second, so that times tell what comes from where.
fn recorded(name: &str, of: &str, recording: &Path) -> (Run, Vec<Event>) {
    let harness = harness::by_name(name).unwrap();
    let mut reader = harness.reader(None);
    let meta = std::fs::read_to_string(recording.with_extension("meta.json")).unwrap_or_default();
    let meta: serde_json::Value = serde_json::from_str(&meta).unwrap_or_default();
    let code = meta["exit_code"].as_i64().unwrap_or(0) as i32;
    let exit = Exit { code: Some(code), ..Exit::default() };
    let mut events = vec![EventKind::User { text: "look around".to_owned() }];
    let mut at = vec![T0];
    for (second, line) in std::fs::read_to_string(recording).unwrap().lines().enumerate() {
        events.extend(reader.out(line));
        at.resize(events.len(), T0 + 1_000 * (second as i64 + 1));
    }
    events.extend(reader.rest());
    let end = T0 + 1_000 * (at.len() as i64 + 60);
    at.resize(events.len(), end);
    let verdict = reader.end(&exit);
    let told = events.into_iter().zip(at).enumerate();
    let told = told.map(|(n, (kind, at))| Event { seq: n as u64 + 1, turn: 1, at, kind });
    let turn = Turn {
        outcome: Some(verdict.outcome),
        reason: verdict.reason,
        answer: verdict.answer,
        usage: verdict.usage,
        cost_usd: verdict.cost_usd,
        ..turn(1, (T0, end))
    };
    let run = Run { harness: of.to_owned(), ..run(harness.counting(), vec![turn]) };
    (run, told.collect())
}

fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let text = |value: &Any| match value {
        Any::StringValue(text) => text.clone(),
        Any::IntValue(count) => count.to_string(),
        Any::DoubleValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let all = span.attributes.iter();
    all.map(|one| {
        let value = one.value.as_ref().and_then(|value| value.value.as_ref()).unwrap();
        (one.key.as_str(), text(value))
    })
    .collect()
}

fn count(span: &Span, key: &str) -> u64 {
    let key = format!("llm.token_count.{key}");
    attributes(span).get(key.as_str()).map_or(0, |count| count.parse().unwrap())
}

/// A tree in the order in which its spans begin, with seconds since the turn began.
fn tree(spans: &[Span]) -> String {
    let mut text = String::new();
    let mut by_start: Vec<&Span> = spans.iter().collect();
    by_start.sort_by_key(|span| (span.start_time_unix_nano, span.end_time_unix_nano));
    below(&by_start, &[], 0, &mut text);
    text
}

fn below(spans: &[&Span], parent: &[u8], depth: usize, text: &mut String) {
    for span in spans.iter().filter(|span| span.parent_span_id == parent) {
        let seconds = |nanos: u64| (nanos as f64 / 1e9) - (T0 as f64 / 1e3);
        let (from, to) = (span.start_time_unix_nano, span.end_time_unix_nano);
        let told = attributes(span);
        let status = span.status.as_ref().map_or("unset".to_owned(), |status| match status.code {
            1 => "ok".to_owned(),
            _ => format!("error `{}`", status.message),
        });
        let pad = "  ".repeat(depth);
        let kind = &told["openinference.span.kind"];
        let _ = writeln!(
            text,
            "{pad}{kind} {} {:.1}..{:.1} {status}",
            span.name,
            seconds(from),
            seconds(to)
        );
        for (key, value) in &told {
            let is_plain = ["session.id", "openinference.span.kind"].contains(key)
                || key.ends_with("mime_type");
            if !is_plain {
                let value: String = value.chars().take(90).collect();
                let _ = writeln!(text, "{pad}    {key}: {value:?}");
            }
        }
        for event in &span.events {
            let _ = writeln!(text, "{pad}    ! {:.1}", seconds(event.time_unix_nano));
        }
        below(spans, &span.span_id, depth + 1, text);
    }
}

/// What holds for the spans of any session.
fn sound(run: &Run, spans: &[Span]) {
    let ids: BTreeSet<_> = spans.iter().map(|span| span.span_id.clone()).collect();
    assert_eq!(ids.len(), spans.len(), "two spans of one id:\n{}", tree(spans));
    let roots: Vec<_> = spans.iter().filter(|span| span.parent_span_id.is_empty()).collect();
    assert_eq!(roots.len(), 1);
    for span in spans {
        assert_eq!(span.trace_id, spans[0].trace_id);
        assert_eq!(attributes(span)["session.id"], run.session, "{}", span.name);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{}", span.name);
        let parent = &span.parent_span_id;
        assert!(parent.is_empty() || ids.contains(parent), "{} hangs in the air", span.name);
        let keys: BTreeSet<_> = span.attributes.iter().map(|one| &one.key).collect();
        assert_eq!(keys.len(), span.attributes.len(), "{} says something twice", span.name);
    }
}

fn recordings(of: &str) -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams").join(of);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    paths.sort();
    assert!(paths.len() > 10);
    paths
}

const OF: [(&str, &str); 4] =
    [("claude-code", "claude"), ("codex", "codex"), ("opencode", "opencode"), ("gemini", "gemini")];

/// Every recording is a sound tree, and its spans add up to what the turn's record says.
#[test]
fn tokens_add_up() {
    for (harness, of) in OF {
        for path in recordings(of) {
            let (run, events) = recorded(harness, of, &path);
            let spans = spans_of(&run, &events);
            sound(&run, &spans);
            let usage = run.turns[0].usage;
            let sum = |key: &str| spans.iter().map(|span| count(span, key)).sum::<u64>();
            let name = path.display();
            assert_eq!(sum("total"), usage.total(), "{name}");
            assert_eq!(sum("completion"), usage.output_tokens, "{name}");
            assert_eq!(sum("prompt_details.cache_read"), usage.cache_read_tokens, "{name}");
            assert_eq!(sum("prompt"), usage.total() - usage.output_tokens, "{name}");
            let cost = |span: &Span| attributes(span).get("llm.cost.total")?.parse::<f64>().ok();
            let cost: f64 = spans.iter().filter_map(cost).sum();
            assert!((cost - run.turns[0].cost_usd.unwrap_or(0.0)).abs() < 1e-9, "{name}");
            let calls = events.iter().filter(|e| matches!(e.kind, EventKind::ToolCall { .. }));
            let tools = spans.iter().filter(|span| attributes(span).contains_key("tool.id"));
            assert_eq!(calls.count(), tools.count(), "{name}");
        }
    }
}

#[test]
fn recorded_trees() {
    for (harness, of, names) in [
        (
            "claude-code",
            "claude",
            &["first", "parallel-tools", "subagent", "subagent-background"][..],
        ),
        ("codex", "codex", &["first", "parallel-tools", "api-error-400"][..]),
        ("opencode", "opencode", &["first", "parallel-tools", "subagent", "thinking"][..]),
        ("gemini", "gemini", &["first", "tool-error"][..]),
    ] {
        let mut all = String::new();
        for path in recordings(of) {
            let name = path.file_stem().unwrap().to_str().unwrap();
            if names.contains(&name) {
                let (run, events) = recorded(harness, of, &path);
                let _ = writeln!(all, "## {name}\n{}", tree(&spans_of(&run, &events)));
            }
        }
        insta::assert_snapshot!(of, all);
    }
}

/// Any event, with few ids so that they meet.
fn kind() -> impl Strategy<Value = EventKind> {
    let id = || prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("c".to_owned())];
    let text = || "[a-z]{0,4}";
    prop_oneof![
        text().prop_map(|text| EventKind::Assistant { text }),
        text().prop_map(|text| EventKind::Thinking { text }),
        text().prop_map(|text| EventKind::Status { text }),
        text().prop_map(|text| EventKind::Error { text }),
        (id(), proptest::option::of(id()), any::<bool>()).prop_map(|(id, parent, agent)| {
            let input = if agent { serde_json::json!({"subagent_type": "x"}) } else { 1.into() };
            EventKind::ToolCall { id, name: "t".to_owned(), input, parent }
        }),
        (id(), any::<bool>()).prop_map(|(id, is_error)| EventKind::ToolResult {
            id,
            output: String::new(),
            is_error,
            exit_code: None
        }),
        (0..5_u64, any::<bool>()).prop_map(|(n, named)| EventKind::Usage {
            usage: Usage { input_tokens: n, output_tokens: n, ..Usage::default() },
            cost_usd: None,
            model: named.then(|| "m".to_owned()),
        }),
    ]
}

proptest! {
    /// Whatever a worker writes, the tree is sound, and what one more turn brings comes after what
    /// was there.
    #[test]
    fn what_is_new_comes_last(
        kinds in prop::collection::vec((kind(), 0..3_i64), 0..60),
        cut in 0..60_usize,
        each in any::<bool>(),
    ) {
        let mut at = T0;
        let mut events = Vec::new();
        for (n, (kind, later)) in kinds.into_iter().enumerate() {
            at += later;
            let turn = if n < cut { 1 } else { 2 };
            events.push(Event { seq: n as u64 + 1, turn, at, kind });
        }
        let counting = if each { Counting::Each } else { Counting::Summed };
        let turns = vec![turn(1, (T0, at)), turn(2, (at + 10, at + 20))];
        let both = run(counting, turns);
        let all = spans_of(&both, &events);
        sound(&both, &all);
        let one = Run {
            phase: Phase::Idle,
            finished_at: None,
            closing_at: None,
            turns: both.turns[..1].to_vec(),
            ..both.clone()
        };
        let before = spans_of(&one, &events);
        prop_assert_eq!(&all[..before.len()], &before[..]);
    }
}

#[test]
fn a_long_session_goes_in_pieces() {
    let events = (0..3_000_u64).map(|n| {
        let id = n.to_string();
        let kind = match n % 2 {
            0 => EventKind::ToolCall { id, name: "t".into(), input: 1.into(), parent: None },
            _ => EventKind::ToolResult {
                id: (n - 1).to_string(),
                output: "x".repeat(40_000),
                is_error: false,
                exit_code: None,
            },
        };
        Ok(Event { seq: n + 1, turn: 1, at: T0 + n as i64, kind })
    });
    let run = run(Counting::Summed, vec![turn(1, (T0, T0 + 3_000))]);
    let making = Making::new(&run, Texts::new(&[]));
    let about = About { project: "p".to_owned(), is_harness: true };
    let batches = Batches::new(Spans::new(&run, &making, events));
    let (mut spans, mut bytes) = (0, Vec::new());
    for batch in batches {
        let batch = batch.unwrap();
        assert!(batch.len() <= 512);
        spans += batch.len();
        let piece = protobuf(&about.request(batch));
        assert!(piece.len() < (1 << 20) + 2_000, "{}", piece.len());
        bytes.extend(piece);
    }
    // 1,500 tool calls, as many model calls, one of them held to the end, and what is around them.
    assert!(spans > 3_000, "{spans}");
    let whole = <Request as prost::Message>::decode(bytes.as_slice()).unwrap();
    let told = whole.resource_spans.iter().flat_map(|one| &one.scope_spans);
    assert_eq!(told.map(|one| one.spans.len()).sum::<usize>(), spans);
}

#[test]
fn secrets_do_not_leave() {
    let secret = "s3cret-s3cret-s3cret";
    let mut told = turn(1, (T0, T0 + 9));
    told.prompt = format!("use {secret}");
    told.answer = Some(format!("used {secret}"));
    told.reason = Some(secret.to_owned());
    let events = [
        EventKind::Assistant { text: secret.into() },
        EventKind::ToolCall {
            id: secret.into(),
            name: secret.into(),
            input: serde_json::json!({ secret: secret }),
            parent: None,
        },
        EventKind::ToolResult {
            id: secret.into(),
            output: secret.into(),
            is_error: true,
            exit_code: None,
        },
        EventKind::Error { text: secret.into() },
        EventKind::Usage { usage: Usage::default(), cost_usd: None, model: Some(secret.into()) },
    ];
    let run = Run {
        reason: Some(secret.to_owned()),
        repo: Some(format!("https://x:{secret}@host/r")),
        labels: vec![("a".into(), secret.into())],
        artifacts: vec![secret.into()],
        name: Some(secret.into()),
        ..run(Counting::Summed, vec![told])
    };
    let making = Making::new(&run, Texts::new(&[secret.to_owned()]));
    let events = events.into_iter().enumerate();
    let events =
        events.map(|(n, kind)| Ok(Event { seq: n as u64 + 1, turn: 1, at: T0 + n as i64, kind }));
    let spans: Vec<_> = Spans::new(&run, &making, events).map(Result::unwrap).collect();
    assert!(spans.len() > 5);
    let about = About { project: "p".to_owned(), is_harness: false };
    let bytes = protobuf(&about.request(spans));
    assert!(!String::from_utf8_lossy(&bytes).contains("s3cret"));
}

/// A sandbox that could not be made is all that there is to tell.
#[test]
fn a_session_that_never_began() {
    let run = Run {
        phase: Phase::Finished(End::Failed),
        outcome: None,
        reason: Some("no such image".to_owned()),
        closing_at: None,
        ..run(Counting::Each, Vec::new())
    };
    let spans = spans_of(&run, &[]);
    sound(&run, &spans);
    let told: Vec<_> = spans.iter().map(|span| (span.name.as_str(), &span.status)).collect();
    assert_eq!(told.len(), 2);
    for (name, status) in told {
        assert!(["sandbox.provision", "invoke_agent investigate"].contains(&name));
        assert_eq!(status.as_ref().unwrap().message, "no such image");
    }
}

/// Of a session that goes on a file has what is known, and a server gets what will not change.
#[test]
fn a_session_that_goes_on() {
    let going = Run {
        phase: Phase::Running,
        finished_at: None,
        closing_at: None,
        unfinished: true,
        ..run(Counting::Summed, vec![Turn { ended_at: None, outcome: None, ..turn(1, (T0, T0)) }])
    };
    let call = |id: &str| EventKind::ToolCall {
        id: id.into(),
        name: "t".into(),
        input: 1.into(),
        parent: None,
    };
    let event = |seq, kind| Event { seq, turn: 1, at: T0 + 1_000 * seq as i64, kind };
    let spans = spans_of(&going, &[event(1, call("a")), event(2, call("b"))]);
    sound(&going, &spans);
    let open = |span: &&Span| span.status.is_none();
    let names: Vec<_> = spans.iter().filter(open).map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["execute_tool t", "execute_tool t", "turn 1", "invoke_agent investigate"]);
    let turn = spans.iter().find(|span| span.name == "turn 1").unwrap();
    assert_eq!(turn.end_time_unix_nano, (T0 + 2_000) as u64 * 1_000_000);
    let server = Run { unfinished: false, ..going };
    assert!(spans_of(&server, &[]).iter().all(|span| !span.parent_span_id.is_empty()));
}
