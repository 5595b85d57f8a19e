use super::super::annotation::{Annotation, Target};
use super::super::attributes::Attributes;
use super::super::demo;
use super::super::query::{StatsAsk, stats};
use super::super::snapshot::{About, Writer, write};
use super::super::span::{Kind as SpanKind, Span, SpanId, Status, TraceId};
use super::*;
use crate::domain::price::Price;
use crate::traces::Sink as _;
use serde_json::{Value, json};

/// 2026-03-09T10:00:00Z, in milliseconds.
const TEN: i64 = 1_773_050_400_000;
const HOUR: i64 = 3_600_000;

/// A span that starts so many minutes after ten and takes so many milliseconds.
fn span(
    ids: (u128, u64, u64),
    kind: SpanKind,
    (minute, ms): (i64, i64),
    attributes: Value,
) -> Span {
    let Value::Object(attributes) = attributes else { unreachable!() };
    let start_us = (TEN + minute * 60_000) * 1_000;
    Span {
        trace_id: TraceId(ids.0),
        span_id: SpanId(ids.1),
        parent_id: (ids.2 > 0).then_some(SpanId(ids.2)),
        name: kind.name().to_lowercase(),
        kind,
        start_us,
        end_us: start_us + ms * 1_000,
        status: Status::Ok,
        status_message: String::new(),
        attributes: Attributes::of(attributes),
        events: Vec::new(),
    }
}

fn tokens(model: &str, prompt: u64, completion: u64) -> Value {
    json!({"llm.model_name": model, "llm.token_count.prompt": prompt, "llm.token_count.completion": completion})
}

/// Four traces: at 10:00 one whose root fails, at 10:10 one with a failed tool, at 12:30 two good ones.
fn spans() -> Vec<Span> {
    let failed = |mut span: Span| {
        span.status = Status::Error;
        span
    };
    let mut priced = tokens("known-1", 1_000_000, 100_000);
    priced["llm.token_count.prompt_details.cache_read"] = 400_000.into();
    priced["llm.token_count.prompt_details.cache_write"] = 100_000.into();
    let mut told = tokens("known-1", 10, 10);
    told["llm.cost.total"] = 0.5.into();
    vec![
        failed(span((1, 1, 0), SpanKind::Agent, (0, 1_000), json!({}))),
        span((1, 2, 1), SpanKind::Llm, (0, 500), priced),
        span((2, 3, 0), SpanKind::Agent, (10, 2_000), json!({})),
        failed(span((2, 4, 3), SpanKind::Tool, (10, 100), json!({"tool.name": "look"}))),
        span((2, 5, 3), SpanKind::Tool, (11, 100), json!({"tool.name": "look"})),
        span((2, 6, 3), SpanKind::Llm, (12, 100), told),
        span((3, 7, 0), SpanKind::Agent, (150, 3_000), json!({"session.id": "s"})),
        span((3, 8, 7), SpanKind::Llm, (150, 10), tokens("unknown", 5, 5)),
        span((4, 9, 0), SpanKind::Agent, (151, 4_000), json!({})),
        span((4, 10, 9), SpanKind::Llm, (151, 10), json!({"llm.model_name": "known-1"})),
    ]
}

fn prices() -> Prices {
    let price = Price {
        models: vec!["known-*".to_owned()],
        provider: None,
        from_us: None,
        above: 0,
        input: 2.0,
        cache_read: 0.5,
        cache_write: 4.0,
        output: 10.0,
    };
    Prices::new(vec![price], Some("2026-01-01".to_owned()))
}

struct Made {
    snapshot: Snapshot,
    _folder: tempfile::TempDir,
}

fn made(window: Window, fill: impl FnOnce(&mut Writer)) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let about = About { source: "file".to_owned(), project: "p".to_owned(), window };
    let mut writer = Writer::new(about).unwrap();
    for span in spans() {
        writer.span(span).unwrap();
    }
    fill(&mut writer);
    writer.finish(&path).unwrap();
    Made { snapshot: Snapshot::open(&path).unwrap(), _folder: folder }
}

const ALL: Window = Window { since: None, until: None };

fn window(from_ms: i64, to_ms: i64) -> Window {
    Window { since: Some(TEN + from_ms), until: Some(TEN + to_ms) }
}

#[track_caller]
fn check(made: &Made, metric: &str, window: Window, expected: (Option<f64>, u64, bool)) -> String {
    let metric = Metric::parse(metric).unwrap();
    let found = measure(&made.snapshot, &metric, window, &prices()).unwrap();
    let same = match (found.value, expected.0) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        (a, b) => a == b,
    };
    assert!(same && (found.sample, found.complete) == (expected.1, expected.2), "{found:?}");
    found.note.unwrap_or_default()
}

#[test]
fn numbers_are_those_of_the_spans() {
    let made = made(ALL, |_| {});
    for (metric, expected, sample) in [
        ("error_rate", 0.25, 4),
        ("any_error_rate", 0.5, 4),
        ("p50_latency", 2_000.0, 4),
        ("p95_latency", 4_000.0, 4),
        ("p99_latency", 4_000.0, 4),
        ("tokens", 1_100_030.0, 3),
        ("prompt_tokens", 1_000_015.0, 3),
        ("completion_tokens", 100_015.0, 3),
        ("traces", 4.0, 4),
        ("spans", 10.0, 10),
        ("tool_failure_rate:look", 0.5, 2),
        ("tool_failure_rate", 0.5, 2),
    ] {
        check(&made, metric, ALL, (Some(expected), sample, true));
    }
    check(&made, "error_rate", window(0, HOUR), (Some(0.5), 2, true));
    check(&made, "spans", window(HOUR, 3 * HOUR), (Some(4.0), 4, true));
}

#[test]
fn cost_is_what_is_told_and_what_the_tokens_come_to() {
    let made = made(ALL, |_| {});
    // Half a million tokens at 2, 400,000 read at 0.5, 100,000 written at 4, 100,000 answered at 10.
    let estimated = 1.0 + 0.2 + 0.4 + 1.0;
    let note = check(&made, "cost", ALL, (Some(estimated + 0.5), 2, false));
    assert_eq!(note, "2 of 4 model calls have no price");
    check(&made, "cost", window(10 * 60_000, HOUR), (Some(0.5), 1, true));
    let note = check(&made, "cost", window(HOUR, 3 * HOUR), (None, 0, false));
    assert!(note.starts_with("no model call of the window has a cost; 2 of 2"), "{note}");

    let ask = StatsAsk { by: None, window: ALL, limit: 9 };
    let all = stats(&made.snapshot, &ask, &prices()).unwrap();
    let (told, estimate) = (all.total.cost_usd.unwrap(), all.total.estimated_cost_usd.unwrap());
    assert!((told - 0.5).abs() < 1e-9 && (estimate - estimated).abs() < 1e-9, "{all:?}");
    let models: Vec<_> =
        all.costs.unpriced_models.iter().map(|one| (one.model.as_str(), one.calls)).collect();
    assert_eq!(models, [("known-1", 1), ("unknown", 1)], "no tokens, and no price");
    let by = |by| StatsAsk { by: Some(by), window: ALL, limit: 9 };
    let of = |by_what, key: &str| {
        let stats = stats(&made.snapshot, &by(by_what), &prices()).unwrap();
        stats.groups.into_iter().find(|row| row.key == key).unwrap()
    };
    use super::super::query::By;
    assert!((of(By::Model, "known-1").estimated_cost_usd.unwrap() - estimated).abs() < 1e-9);
    assert_eq!(of(By::Model, "unknown").unpriced_calls, 1);
    assert_eq!(of(By::Session, "s").unpriced_calls, 1);
    assert_eq!(of(By::Kind, "AGENT").estimated_cost_usd, None);
}

#[test]
fn nothing_is_not_0_and_a_part_is_not_all() {
    let whole = made(ALL, |_| {});
    let later = window(5 * HOUR, 6 * HOUR);
    for metric in ["error_rate", "any_error_rate", "p95_latency", "tokens", "tool_failure_rate"] {
        let note = check(&whole, metric, later, (None, 0, true));
        assert!(note.starts_with("no "), "{note}");
    }
    check(&whole, "traces", later, (Some(0.0), 0, true));
    let note = check(&whole, "tool_failure_rate:loko", ALL, (None, 0, true));
    assert_eq!(note, "no tool `loko` was called in the window");

    let own = window(0, 2 * HOUR);
    let part = made(own, |_| {});
    check(&part, "traces", ALL, (Some(2.0), 2, true));
    check(&part, "traces", own, (Some(2.0), 2, true));
    let note = check(&part, "traces", window(-HOUR, HOUR), (Some(2.0), 2, false));
    assert_eq!(note, "the snapshot does not reach over the whole window");
    check(&part, "traces", window(2 * HOUR, 3 * HOUR), (None, 0, false));

    let broken = made(ALL, |writer| writer.left_out("spans without a start time", 3));
    let note = check(&broken, "error_rate", ALL, (Some(0.25), 4, false));
    assert_eq!(note, "left out 3: spans without a start time");
    let doubled = made(ALL, |writer| writer.span(spans().remove(0)).unwrap());
    assert_eq!(doubled.snapshot.summary().left_out.len(), 1);
    check(&doubled, "error_rate", ALL, (Some(0.25), 4, true));

    let path = whole.snapshot.path().with_file_name("sampled.db");
    std::fs::copy(whole.snapshot.path(), &path).unwrap();
    let set = |value: &str| {
        let mut about = std::fs::metadata(&path).unwrap().permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "it is a copy of ours")]
        about.set_readonly(false);
        std::fs::set_permissions(&path, about).unwrap();
        let database = rusqlite::Connection::open(&path).unwrap();
        let sql = "INSERT OR REPLACE INTO header VALUES ('sampled', ?)";
        database.execute(sql, [value]).unwrap();
        drop(database);
        let snapshot = Snapshot::open(&path).unwrap();
        measure(&snapshot, &Metric::ErrorRate, ALL, &prices()).unwrap()
    };
    assert!(!set("4 of 9 traces").complete);
    assert!(set("4 of 9 traces").note.unwrap().contains("4 of 9 traces"));
    let json = r#"{"traces": 9, "kept_traces": 4, "rule": "failing ones first"}"#;
    let note = set(json).note.unwrap();
    assert_eq!(note, "the traces are a sample (4 of 9 traces: failing ones first)");
    assert!(set("false").complete);
}

#[test]
fn annotations_are_means_and_shares() {
    let made = made(ALL, |writer| {
        let note = |target, label: Option<&str>, score| Annotation {
            target,
            name: "quality".to_owned(),
            label: label.map(str::to_owned),
            score,
            explanation: None,
            annotator_kind: None,
            identifier: None,
        };
        for one in [
            note(Target::Span(SpanId(2)), Some("good"), Some(1.0)),
            note(Target::Span(SpanId(6)), Some("bad"), Some(0.0)),
            note(Target::Trace(TraceId(3)), None, Some(0.5)),
            note(Target::Session("s".to_owned()), Some("good"), None),
        ] {
            writer.annotation(one).unwrap();
        }
    });
    check(&made, "annotation:quality", ALL, (Some(0.5), 3, true));
    check(&made, "annotation:quality=good", ALL, (Some(2.0 / 3.0), 3, true));
    check(&made, "annotation:quality=none", ALL, (Some(0.0), 3, true));
    check(&made, "annotation:quality", window(0, 60_000), (Some(1.0), 1, true));
    check(&made, "annotation:quality=good", window(2 * HOUR, 3 * HOUR), (Some(1.0), 1, true));
    let note = check(&made, "annotation:qualty", ALL, (None, 0, true));
    assert_eq!(note, "no annotation is called `qualty`; there is `quality`");
    let note =
        check(&made, "annotation:quality=good", window(151 * 60_000, HOUR * 3), (None, 0, true));
    assert_eq!(note, "no annotation `quality` of the window has a label");
}

#[test]
fn over_time_the_parts_are_the_whole() {
    let made = made(ALL, |_| {});
    let metrics = [Metric::Traces, Metric::ErrorRate];
    let all = buckets(&made.snapshot, &metrics, ALL, HOUR, &prices()).unwrap();
    assert_eq!(all[0].start, "2026-03-09T10:00:00.000Z");
    let traces: Vec<_> = all.iter().map(|bucket| bucket.measured[0].value).collect();
    assert_eq!(traces, [Some(2.0), Some(0.0), Some(2.0)]);
    let rates: Vec<_> = all.iter().map(|bucket| bucket.measured[1].value).collect();
    assert_eq!(rates, [Some(0.5), None, Some(0.0)]);
    let failure = buckets(&made.snapshot, &metrics, ALL, 1, &prices()).unwrap_err();
    assert!(failure.hints[0].contains("--every"), "{failure:?}");
}

#[test]
fn names_are_read_and_written() {
    for name in [
        "error_rate",
        "any_error_rate",
        "p50_latency",
        "p95_latency",
        "p99_latency",
        "tokens",
        "prompt_tokens",
        "completion_tokens",
        "cost",
        "traces",
        "spans",
        "annotation:a b",
        "annotation:a=b=c",
        "tool_failure_rate",
        "tool_failure_rate:x:y",
    ] {
        assert_eq!(Metric::parse(name).unwrap().name(), name);
    }
    for (name, hint) in [
        ("eror_rate", "did you mean `error_rate`?"),
        ("p90_latency", "did you mean `p50_latency`?"),
        ("annotation", "write `annotation:NAME` or `annotation:NAME=LABEL`"),
        ("annotation:=x", "write `annotation:NAME` or `annotation:NAME=LABEL`"),
        ("nothing of the kind", "known are error_rate, "),
    ] {
        let error = Metric::parse(name).unwrap_err();
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn the_demo_agrees_with_its_stats() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo.db");
    write(&path, demo::spans(), &About::default()).unwrap();
    let snapshot = Snapshot::open(&path).unwrap();
    let ask = StatsAsk { by: None, window: ALL, limit: 9 };
    let all = stats(&snapshot, &ask, &prices()).unwrap();
    let value = |metric: &str| {
        let metric = Metric::parse(metric).unwrap();
        measure(&snapshot, &metric, ALL, &prices()).unwrap().value.unwrap()
    };
    assert!((value("any_error_rate") - all.total.error_rate).abs() < 1e-12);
    assert!((value("error_rate") - all.root_errors as f64 / 420.0).abs() < 1e-12);
    assert!((value("tokens") - all.total.total_tokens as f64).abs() < 1e-6);
}
