mod corpus;
mod desk;
mod node;
mod properties;
mod scores;

use super::issue::Report;
use super::*;
use crate::domain::artifact::HEADINGS;
use crate::traces::Sink as _;
use crate::traces::annotation::Annotation;
use crate::traces::attributes::Attributes;
use crate::traces::cited::cited;
use crate::traces::demo;
use crate::traces::snapshot::{About, Snapshot, Writer};
use crate::traces::span::{Kind, Span, SpanId, Status, TraceId};
use scores::{Scores, Truth};

pub(super) fn snapshot_with(
    spans: Vec<Span>,
    annotations: Vec<Annotation>,
) -> (Snapshot, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let mut writer = Writer::new(About { project: "demo".to_owned(), ..About::default() }).unwrap();
    for span in spans {
        writer.span(span).unwrap();
    }
    for one in annotations {
        writer.annotation(one).unwrap();
    }
    writer.finish(&path).unwrap();
    (Snapshot::open(&path).unwrap(), folder)
}

fn snapshot(spans: Vec<Span>) -> (Snapshot, tempfile::TempDir) {
    snapshot_with(spans, Vec::new())
}

fn report_of(spans: Vec<Span>, annotations: Vec<Annotation>) -> Report {
    find(&snapshot_with(spans, annotations).0).unwrap()
}

/// Trace, id, parent, name, error message if any.
fn span(trace: u128, id: u64, parent: u64, name: &str, error: Option<&str>) -> Span {
    let mut attributes = Attributes::default();
    attributes.insert("input.value", format!("input of {id}"));
    Span {
        trace_id: TraceId(trace),
        span_id: SpanId(id),
        parent_id: (parent > 0).then_some(SpanId(parent)),
        name: name.to_owned(),
        kind: Kind::Tool,
        start_us: id as i64 * 10,
        end_us: id as i64 * 10 + 5,
        status: if error.is_some() { Status::Error } else { Status::Ok },
        status_message: error.unwrap_or_default().to_owned(),
        attributes,
        events: Vec::new(),
    }
}

fn check(spans: Vec<Span>, expected: &[(&str, u64)], one_offs: u64, mended: u64) {
    let (snapshot, _folder) = snapshot(spans);
    let report = find(&snapshot).unwrap();
    let groups: Vec<_> = report.issues.iter().map(|g| (g.entity.name(), g.traces)).collect();
    assert_eq!(groups, expected);
    assert_eq!((report.one_offs, report.mended), (one_offs, mended));
}

#[test]
fn an_error_counts_where_it_began_and_once_a_trace() {
    let spans = (1..=3).flat_map(|trace| {
        let at = trace as u64 * 100;
        [
            span(trace, at, 0, "root", Some("it broke")),
            span(trace, at + 1, at, "step", Some("it broke")),
            span(trace, at + 2, at + 1, "tool", Some(&format!("no order {at}"))),
            span(trace, at + 3, at + 1, "tool", Some(&format!("no order {at}"))),
        ]
    });
    check(spans.collect(), &[("tool", 3)], 0, 0);
}

#[test]
fn what_was_mended_or_happened_once_is_no_pattern() {
    let mut spans = Vec::new();
    for trace in 1..=2 {
        let at = trace as u64 * 100;
        spans.push(span(trace, at, 0, "root", None));
        spans.push(span(trace, at + 1, at, "mended", Some("try again")));
        spans.push(span(trace, at + 2, at, "mended", None));
        spans.push(span(trace, at + 3, at, "lost", None));
        spans.push(span(trace, at + 4, at, "lost", Some("after it went well once")));
    }
    spans.push(span(3, 900, 0, "once", Some("alone")));
    check(spans, &[("lost", 2)], 1, 2);
}

#[test]
fn a_root_that_fails_beside_a_mended_child_is_seen() {
    let spans = (1..=2).flat_map(|trace| {
        let at = trace as u64 * 100;
        [
            span(trace, at, 0, "root", Some("out of budget")),
            span(trace, at + 1, at, "call", Some("try again")),
            span(trace, at + 2, at, "call", None),
        ]
    });
    check(spans.collect(), &[("root", 2)], 0, 2);
}

#[test]
fn groups_are_ranked_and_the_rest_is_honest() {
    check(Vec::from([span(1, 1, 0, "fine", None)]), &[], 0, 0);
    let spans =
        [("b", 2), ("c", 3), ("a", 2)].into_iter().enumerate().flat_map(|(i, (name, many))| {
            (0..many).map(move |n| {
                let id = (i as u64 + 1) * 10 + n;
                span(u128::from(id), id, 0, name, Some("x"))
            })
        });
    check(spans.collect(), &[("c", 3), ("a", 2), ("b", 2)], 0, 0);
}

/// What was planted in the demo, as the schedule knows it.
fn demo_truth() -> Vec<Truth> {
    let of = |planted: demo::Planted| Truth {
        name: planted.name.to_owned(),
        failure: planted.failure,
        traces: planted.traces.iter().map(ToString::to_string).collect(),
    };
    demo::planted().into_iter().map(of).collect()
}

#[test]
fn of_the_demo_the_planted_failures_are_found_and_no_look_alike() {
    let report = report_of(demo::spans(), demo::annotations());
    let scores = Scores::of(&report, &demo_truth());
    println!("{}", scores.table());
    assert_eq!(scores.missed, Vec::<String>::new());
    assert_eq!(scores.wrong, Vec::<String>::new());
    assert_eq!((report.one_offs, report.mended), (7, 9));
    for issue in &report.issues {
        assert_eq!(issue.examples.len(), 5, "{}", issue.title);
        assert!(!issue.healthy.is_empty(), "{}", issue.title);
        assert!(issue.severity.arithmetic().starts_with(&issue.severity.score.to_string()));
    }
}

#[test]
fn the_reports_are_stable_and_cite_what_exists() {
    let (first, _a) = snapshot_with(demo::spans(), demo::annotations());
    let (second, _b) =
        snapshot_with(demo::spans().into_iter().rev().collect(), demo::annotations());
    let report = find(&first).unwrap();
    assert_eq!(report, find(&second).unwrap());
    let text = investigation(&report);
    for heading in HEADINGS {
        assert!(text.contains(&format!("## {heading}\n")), "{heading}");
    }
    let json = issues_json(&report);
    for text in [&text, &json] {
        let citations = cited(text);
        assert!(citations.traces.len() >= 25, "{}", citations.traces.len());
        assert_eq!(first.check(&citations).unwrap().missing, Vec::<String>::new());
    }
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["version"], 1);
    let issues = document["issues"].as_array().unwrap();
    assert!(issues.is_sorted_by(|a, b| a["score"].as_f64() >= b["score"].as_f64()), "{issues:#?}");
    let of = |title: &str| {
        issues.iter().find(|issue| issue["title"].as_str().unwrap().contains(title)).unwrap()
    };
    assert_eq!(of("InvalidOrderIdError")["traces_affected"], 19);
    assert_eq!(of("is cut off")["leads_to"].as_array().unwrap().len(), 1);
    assert!(of("InvalidOrderIdError")["facts"].to_string().contains("`A-9-A`"), "{issues:#?}");
    let slow = of("latency of tool search_catalog");
    assert!(slow["facts"].to_string().contains("`app_version` is `2.14.1`"), "{slow:#?}");
    let none = investigation(&find(&snapshot(vec![span(1, 1, 0, "fine", None)]).0).unwrap());
    assert!(HEADINGS.iter().all(|heading| none.contains(heading)), "{none}");
}

#[test]
fn text_of_the_application_cannot_break_out() {
    let message = "a `b` | c\n## Overview";
    let spans = vec![span(1, 1, 0, "x`|", Some(message)), span(2, 2, 0, "x`|", Some(message))];
    let text = investigation(&find(&snapshot(spans).0).unwrap());
    assert_eq!(text.matches("\n## Overview").count(), 1, "{text}");
    assert!(text.lines().all(|line| line.matches('`').count() % 2 == 0), "{text}");
}
