use super::super::attributes::Attributes;
use super::super::demo;
use super::super::span::{Kind, Span, SpanId, Status, TraceId};
use super::*;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

fn about() -> About {
    About { source: "demo".to_owned(), project: "demo".to_owned(), window: Window::default() }
}

fn span(trace: u128, id: u64, parent: Option<u64>, start_ms: i64) -> Span {
    Span {
        trace_id: TraceId(trace),
        span_id: SpanId(id),
        parent_id: parent.map(SpanId),
        name: format!("s{id}"),
        kind: Kind::Chain,
        start_us: start_ms * 1_000,
        end_us: start_ms * 1_000 + 500,
        status: Status::Ok,
        status_message: String::new(),
        attributes: Attributes::default(),
        events: Vec::new(),
    }
}

fn made(
    spans: Vec<Span>,
    about: &About,
) -> crate::error::Result<(Summary, Snapshot, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b%?#é.db");
    let summary = write(&path, spans, about)?;
    let snapshot = Snapshot::open(&path)?;
    Ok((summary, snapshot, folder))
}

fn one<T: rusqlite::types::FromSql>(snapshot: &Snapshot, sql: &str) -> T {
    snapshot.database().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_same_spans_give_the_same_bytes_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let spans = demo::spans();
    let count = spans.len() as u64;
    let mut backwards = spans.clone();
    backwards.reverse();
    let first = write(&a, spans, &about()).unwrap();
    let second = write(&b, backwards, &about()).unwrap();
    assert_eq!(first, second);
    assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap(), "byte for byte");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    assert_eq!(std::fs::metadata(&a).unwrap().permissions().mode() & 0o777, 0o444);

    let snapshot = Snapshot::open(&a).unwrap();
    assert_eq!(*snapshot.summary(), first);
    assert_eq!(*snapshot.about(), about());
    assert_eq!((first.traces, first.spans), (420, count));
    assert_eq!(one::<i64>(&snapshot, "SELECT sum(spans) FROM traces"), count as i64);
    assert_eq!(one::<String>(&snapshot, "PRAGMA integrity_check"), "ok");
    assert_eq!(
        one::<i64>(&snapshot, "SELECT count(*) FROM search WHERE search MATCH '\"rate limit\"'"),
        15 * 2,
        "in the call and in the root, of each of fifteen traces"
    );
}

#[test]
fn it_is_sealed() {
    let (_, snapshot, _folder) = made(vec![span(1, 1, None, 1_000)], &about()).unwrap();
    assert!(snapshot.database().execute("DELETE FROM span", []).is_err());
    assert!(snapshot.connect().unwrap().execute("CREATE TABLE x (y)", []).is_err());
}

#[test]
fn first_of_doubled_ids_whole_traces_of_the_window() {
    let mut late = span(1, 2, Some(1), 2_500);
    late.status = Status::Error;
    let mut doubled = span(1, 1, None, 1_500);
    doubled.name = "again".to_owned();
    let spans = vec![
        span(1, 1, None, 1_000),
        late,
        doubled,
        span(2, 1, None, 2_000),
        span(3, 1, None, 999),
        span(3, 2, None, 1_200),
    ];
    let window = Window { since: Some(1_000), until: Some(2_000) };
    let (summary, snapshot, _folder) = made(spans, &About { window, ..about() }).unwrap();
    assert_eq!((summary.traces, summary.spans, summary.failing), (1, 2, 1));
    assert_eq!(
        summary.left_out,
        [
            ("spans of traces that start outside the window".to_owned(), 3),
            ("spans whose id was there already".to_owned(), 1)
        ]
    );
    assert_eq!(one::<String>(&snapshot, "SELECT name FROM traces"), "s1");
    assert_eq!(one::<String>(&snapshot, "SELECT status || root_status FROM traces"), "ERROROK");
}

#[test]
fn roots_are_found_where_there_is_none_or_more_than_one() {
    for (spans, root) in [
        (vec![span(1, 1, None, 9), span(1, 2, None, 5)], "s2"),
        (vec![span(1, 1, Some(2), 1), span(1, 2, Some(77), 5)], "s2"),
        (vec![span(1, 1, Some(2), 9), span(1, 2, Some(1), 5)], "s2"),
        (vec![span(1, 3, Some(1), 1), span(1, 1, None, 2)], "s1"),
    ] {
        let (_, snapshot, _folder) = made(spans, &about()).unwrap();
        assert_eq!(one::<String>(&snapshot, "SELECT name FROM traces"), root);
    }
}

#[test]
fn tokens_are_those_of_the_calls() {
    let with = |id, kind, total: u64| {
        let mut span = span(1, id, (id > 1).then_some(1), 1);
        span.kind = kind;
        span.attributes.insert("llm.token_count.total", total);
        span
    };
    let spans = vec![with(1, Kind::Agent, 30), with(2, Kind::Llm, 10), with(3, Kind::Llm, 20)];
    let (_, snapshot, _folder) = made(spans, &about()).unwrap();
    assert_eq!(one::<i64>(&snapshot, "SELECT total_tokens FROM traces"), 30);
    let (_, snapshot, _folder) = made(vec![with(1, Kind::Agent, 30)], &about()).unwrap();
    assert_eq!(one::<i64>(&snapshot, "SELECT total_tokens FROM traces"), 30);
}

#[test]
fn feedback_becomes_annotations() {
    let mut given = span(1, 1, None, 1);
    given.attributes = Attributes::of(
        json!({"annotations": [{"annotation": {"name": "helpful", "label": "no", "score": 0.0}}],
            "trace.evaluations.0.evaluation.name": "correct"})
        .as_object()
        .unwrap()
        .clone(),
    );
    let (_, snapshot, _folder) = made(vec![given], &about()).unwrap();
    let sql = "SELECT group_concat(target || ' ' || name || ' ' || coalesce(label, '-'), ', ') FROM annotations";
    assert_eq!(one::<String>(&snapshot, sql), "span helpful no, trace correct -");
}

#[test]
fn what_is_said_counts_once_and_the_source_has_the_last_word() {
    use super::super::Sink as _;
    use super::super::annotation::{Annotation, Target};
    let carrying = |trace: u128, id: u64| {
        let mut span = span(trace, id, None, 1);
        for (key, value) in [
            ("session.id", json!("s-1")),
            ("annotations.0.annotation.name", json!("helpful")),
            ("annotations.0.annotation.label", json!("no")),
            ("annotations.1.annotation.name", json!("helpful")),
            ("annotations.1.annotation.label", json!("yes")),
            ("trace.annotations.0.annotation.name", json!("correct")),
            ("session.annotations.0.annotation.name", json!("solved")),
        ] {
            span.attributes.insert(key, value);
        }
        span
    };
    let told = |target, name: &str, label: &str, identifier: Option<&str>| Annotation {
        target,
        name: name.to_owned(),
        label: Some(label.to_owned()),
        score: None,
        explanation: None,
        annotator_kind: Some("HUMAN".to_owned()),
        identifier: identifier.map(str::to_owned),
    };
    let given = [
        told(Target::Span(SpanId(2)), "helpful", "old", None),
        told(Target::Span(SpanId(2)), "helpful", "new", None),
        told(Target::Span(SpanId(2)), "helpful", "other", Some("run-1")),
        told(Target::Trace(TraceId(1)), "correct", "told", None),
        told(Target::Session("s-1".to_owned()), "note", "x", None),
        told(Target::Span(SpanId(99)), "helpful", "of no span here", None),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut made = Vec::new();
    for backwards in [false, true] {
        let mut writer = Writer::new(about()).unwrap();
        let mut spans = vec![carrying(1, 1), carrying(1, 2), carrying(2, 3)];
        if backwards {
            spans.reverse();
        }
        given.iter().take(3).for_each(|one| writer.annotation(one.clone()).unwrap());
        spans.into_iter().try_for_each(|span| writer.span(span)).unwrap();
        given.iter().skip(3).for_each(|one| writer.annotation(one.clone()).unwrap());
        let path = folder.path().join(format!("{backwards}.db"));
        writer.finish(&path).unwrap();
        made.push(path);
    }
    assert!(std::fs::read(&made[0]).unwrap() == std::fs::read(&made[1]).unwrap());
    let snapshot = Snapshot::open(&made[0]).unwrap();
    let sql = "SELECT group_concat(concat_ws(' ', target, substr(coalesce(span_id, trace_id, session_id), -3),
        name, label, identifier), ', ') FROM annotations";
    assert_eq!(
        one::<String>(&snapshot, sql),
        "session s-1 note x, session s-1 solved, span 001 helpful no, span 001 helpful yes, \
         span 002 helpful new, span 002 helpful other run-1, span 003 helpful no, \
         span 003 helpful yes, trace 001 correct told, trace 002 correct"
    );
}

#[test]
fn a_window_that_is_too_large_is_sampled_and_says_so() {
    let mut spans = Vec::new();
    for trace in 1..=400_u128 {
        for id in 0..5_u64 {
            let mut span = span(trace, trace as u64 * 10 + id, None, 1_000 + trace as i64);
            if trace % 40 == 0 && id == 3 {
                span.status = Status::Error;
            }
            if trace == 7 {
                span.end_us += 60_000_000;
            }
            if trace == 9 {
                span.attributes.insert("llm.cost.total", 3.5);
            }
            spans.push(span);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut made = Vec::new();
    for backwards in [false, true] {
        let mut writer = Writer::new(about()).unwrap().at_most(500);
        let path = folder.path().join(format!("{backwards}.db"));
        spans.reverse();
        for span in &spans {
            super::super::Sink::span(&mut writer, span.clone()).unwrap();
        }
        let summary = writer.finish(&path).unwrap();
        assert_eq!((summary.traces, summary.spans, summary.failing), (100, 500, 10));
        let sampled = summary.sampled.unwrap();
        assert_eq!((sampled.traces, sampled.kept_traces), (400, 100));
        assert_eq!((sampled.spans, sampled.kept_spans), (2_000, 500));
        assert!(sampled.standing_out_whole && sampled.standing_out >= 12, "{sampled:?}");
        assert_eq!(summary.left_out, [("spans of traces that were not sampled".to_owned(), 1_500)]);
        assert_eq!(*Snapshot::open(&path).unwrap().summary(), summary);
        made.push(path);
    }
    assert!(std::fs::read(&made[0]).unwrap() == std::fs::read(&made[1]).unwrap());
    let snapshot = Snapshot::open(&made[0]).unwrap();
    assert!(snapshot.has_trace(&TraceId(7).to_string()).unwrap(), "the slow one");
    assert!(snapshot.has_trace(&TraceId(9).to_string()).unwrap(), "the costly one");
    assert_eq!(one::<i64>(&snapshot, "SELECT count(*) FROM traces WHERE spans <> 5"), 0);
    assert_eq!(
        one::<String>(&snapshot, "SELECT value ->> 'rule' FROM header WHERE key = 'sampled'"),
        Sampled::RULE
    );
    // More that stands out than fits is told as well.
    let failing = spans.into_iter().map(|mut span| {
        span.status = Status::Error;
        span
    });
    let mut writer = Writer::new(about()).unwrap().at_most(500);
    failing.for_each(|span| super::super::Sink::span(&mut writer, span).unwrap());
    let sampled = writer.finish(&made[0]).unwrap().sampled.unwrap();
    assert!(!sampled.standing_out_whole && sampled.kept_traces == 100, "{sampled:?}");
}

#[test]
fn what_was_tallied_is_what_one_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    write(&path, demo::spans(), &about()).unwrap();
    let snapshot = Snapshot::open(&path).unwrap();
    for by in ["name", "kind", "model", "tool"] {
        let sql = format!(
            "SELECT count(*) FROM (
               SELECT '{by}', {by}, count(*), count(DISTINCT trace_id), sum(status = 'ERROR'),
                 coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0),
                 coalesce(sum(total_tokens), 0) FROM span WHERE {by} IS NOT NULL GROUP BY {by}
               EXCEPT SELECT by, key, count, traces, errors, prompt_tokens, completion_tokens,
                 total_tokens FROM tally)"
        );
        assert_eq!(one::<i64>(&snapshot, &sql), 0, "{by}");
        let sql = format!(
            "SELECT count(*) FROM tally t WHERE by = '{by}' AND p95_ms <> (SELECT latency_ms FROM (
               SELECT latency_ms, row_number() OVER (ORDER BY latency_ms) AS rank FROM span
               WHERE {by} = t.key) WHERE rank = (t.count * 95 + 99) / 100)"
        );
        assert_eq!(one::<i64>(&snapshot, &sql), 0, "{by}");
        let sql = format!("SELECT count(*) FROM tally WHERE by = '{by}'");
        assert!(one::<i64>(&snapshot, &sql) > 1, "{by}");
    }
}

#[test]
fn nothing_is_a_failure_that_says_what_to_do() {
    let failure = made(Vec::new(), &about()).err().unwrap();
    assert_eq!(
        failure.to_string(),
        "project `demo` has no spans to look at: the source `demo` gave none"
    );
    let window = Window { since: Some(5_000), until: None };
    let failure = made(vec![span(1, 1, None, 1_000)], &About { window, ..about() }).err().unwrap();
    assert!(failure.hints[0].contains("1970-01-01T00:00:01.000Z"), "{:?}", failure.hints);
}

#[test]
fn other_files_are_no_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    for content in [&b""[..], b"hello", b"SQLite format 3\0 and then nothing of the kind"] {
        std::fs::write(&path, content).unwrap();
        let failure = Snapshot::open(&path).err().unwrap();
        assert!(failure.sentence.ends_with("is no snapshot of traces"), "{failure}");
    }
    assert!(Snapshot::open(&folder.path().join("none.db")).is_err());
}

#[test]
fn ids_are_looked_up() {
    let whole = "0000000000000000000000000000abcd";
    let spans = vec![
        span(0xabcd, 0x77, None, 1),
        span(0xabce, 0x78, None, 2),
        span(1 << 127, 0x79, None, 3),
    ];
    let (_, snapshot, _folder) = made(spans, &about()).unwrap();
    assert!(snapshot.has_trace(whole).unwrap());
    assert!(!snapshot.has_trace("8000").unwrap());
    assert!(snapshot.has_span("0000000000000077").unwrap());
    assert_eq!(snapshot.resolve(whole).unwrap(), whole);
    assert_eq!(snapshot.resolve("8000").unwrap(), format!("8{}", "0".repeat(31)));
    assert_eq!(snapshot.resolve("0000000000000077").unwrap(), whole);
    assert!(snapshot.resolve("0000").unwrap_err().sentence.contains("means 2 traces"));
    for wrong in ["", "%", "ffff", "' OR 1"] {
        assert!(snapshot.resolve(wrong).unwrap_err().sentence.starts_with("no trace"), "{wrong}");
    }
    let cited = super::super::cited::cited(&format!("`{whole}` `{}`", "f".repeat(32)));
    let checked = snapshot.check(&cited).unwrap();
    assert_eq!((checked.found.len(), checked.missing.len()), (1, 1));
}
