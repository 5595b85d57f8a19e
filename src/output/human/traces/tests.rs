use super::*;
use crate::output::testing::{at_both_widths, colored, snapshot};

fn trace(id: &str, latency_ms: f64, errors: u64, input: Option<&str>) -> TraceView {
    TraceView {
        id: id.repeat(4),
        name: "support_agent".into(),
        start: "2026-03-15 23:58:12".into(),
        latency_ms,
        latency: format!("{:.2} s", latency_ms / 1_000.0),
        tokens: Some(12_345),
        cost: "≈$0.0123".into(),
        errors,
        input: input.map(str::to_owned),
    }
}

fn list() -> ListView {
    let long = "where is my order NL-2231\n\tand why does the\u{1b}[31m tool say it does not exist, please look again and answer in one sentence";
    ListView {
        head: "420 traces, 57 with errors; the newest 3".into(),
        traces: vec![
            trace("06cfce51", 4_210.0, 2, Some(long)),
            trace(
                "1f00aa9c",
                310.0,
                0,
                Some(
                    "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字",
                ),
            ),
            trace("2b00aa9c", 0.0, 0, None),
        ],
        notes: vec!["417 more: --limit 420 shows them".into()],
        next: "loop traces show 06cfce5106cfce51 --project demo".into(),
    }
}

fn tree() -> TreeView {
    let span = |depth: &str, kind: &str, name: &str, at: (f64, f64)| TreeSpan {
        guide: depth.into(),
        below: depth.replace("├─", "│ ").replace("└─", "  "),
        id: "00f067aa0ba902b7".into(),
        kind: kind.into(),
        name: name.into(),
        offset_ms: at.0,
        latency_ms: at.1,
        latency: format!("{:.0} ms", at.1),
        ..TreeSpan::default()
    };
    let root = TreeSpan {
        input: Some("where is my order?".into()),
        ..span("", "AGENT", "support_agent", (0.0, 4_210.0))
    };
    let call = TreeSpan {
        facts: vec!["gpt-4.1-mini".into(), "1,234 tokens".into(), "≈$0.0005".into()],
        output: Some("lookup_order({\"id\": 1})".into()),
        ..span(
            "├─ ",
            "LLM",
            "plan_with_a_name_that_goes_on_for_longer_than_a_name_should",
            (20.0, 1_100.0),
        )
    };
    let failed = TreeSpan {
        failed: true,
        error: Some("TimeoutError: no answer\nafter 3000 ms".into()),
        ..span("└─ ", "TOOL", "lookup_order", (1_200.0, 3_010.0))
    };
    TreeView {
        id: "06cfce510f09aabb06cfce510f09aabb".into(),
        name: "support_agent".into(),
        errors: 1,
        latency_ms: 4_210.0,
        latency: "4.21 s".into(),
        facts: vec!["2026-03-15 23:58:12 UTC".into(), "3 spans".into(), "session s-1".into()],
        spans: vec![root, call, failed],
        notes: Vec::new(),
        next: "loop traces show 06cf --span 00f0".into(),
    }
}

fn whole() -> WholeView {
    WholeView {
        trace: "06cfce510f09aabb".into(),
        span: SpanView {
            id: "00f067aa0ba902b7".into(),
            kind: "LLM".into(),
            name: "plan".into(),
            failed: false,
            facts: vec![("status", "OK".into()), ("latency", "1.10 s".into())],
            error: None,
            texts: vec![
                (
                    "system says".into(),
                    "You are a support agent. Never promise a refund. ".repeat(4),
                ),
                (
                    "the model answers".into(),
                    "{\"tool\":\"lookup_order\",\"arguments\":{\"id\":[1,2]}}".into(),
                ),
            ],
            attributes: vec![
                ("llm.provider".into(), "openai".into()),
                ("llm.invocation_parameters".into(), "{\"temperature\": 0}".into()),
            ],
            events: vec![EventView {
                name: "exception".into(),
                time: "2026-03-15T23:58:12.000Z".into(),
                attributes: vec![("exception.type".into(), "X".into())],
            }],
        },
        notes: Vec::new(),
        next: "loop traces show 06cf".into(),
    }
}

#[test]
fn traces_fit_and_mean_the_same_without_colour() {
    at_both_widths("traces-list", |screen, out| write_list(out, screen, &list()).unwrap());
    at_both_widths("traces-tree", |screen, out| write_tree(out, screen, &tree()).unwrap());
    at_both_widths("traces-span", |screen, out| write_span(out, screen, &whole()).unwrap());
    let mut out = Vec::new();
    write_list(&mut out, &colored(80), &list()).unwrap();
    write_tree(&mut out, &colored(80), &tree()).unwrap();
    snapshot("traces-color", &String::from_utf8(out).unwrap());
}

#[test]
fn numbers_fit() {
    let row = |name: &str, errors: &str| {
        [name, "1,234", errors, "2.5 %", "310 ms", "4.21 s", "9.99 s", "1,234,567", "≈$12.34+"]
            .map(str::to_owned)
    };
    let numbers = NumbersView {
        head: vec!["project demo (demo): 420 traces, 4,321 spans, 57 traces with errors; 2026-03-09 00:12:01 to 2026-03-15 23:58:12 UTC".into(), "420 traces".into()],
        what: "tool".into(),
        counted: "spans".into(),
        rows: vec![row("lookup_order", "31"), row("a_tool_with_quite_a_long_name", "0")],
        notes: vec!["≈ 28 of 340 model calls say no cost".into()],
        next: "traces list --errors".into(),
    };
    at_both_widths("traces-numbers", |screen, out| write_numbers(out, screen, &numbers).unwrap());
}

#[test]
fn trends_rows_and_hits_fit() {
    let trend = TrendView {
        metric: "error_rate".into(),
        value: "3.1 %".into(),
        counted: "420".into(),
        note: Some("left out 3: spans without a start time".into()),
        complete: false,
        points: vec![Some(0.0), None, Some(0.5), Some(1.0), Some(0.25)],
        range: Some(("0.0 %".into(), "12.0 %".into())),
    };
    let even = TrendView {
        metric: "traces".into(),
        value: "420".into(),
        points: vec![Some(2.0); 200],
        complete: true,
        ..TrendView::default()
    };
    at_both_widths("traces-trends", |screen, out| {
        write_trends(
            out,
            screen,
            &["project demo".into()],
            &[trend.clone(), even.clone()],
            "traces list",
        )
        .unwrap();
    });
    let heads = ["tool".to_owned(), "n".to_owned(), "input".to_owned()];
    let short = vec![vec!["lookup_order".to_owned(), "31".to_owned(), "-".to_owned()]];
    let long = vec![
        vec!["lookup_order".to_owned(), "31".to_owned(), "word ".repeat(40)],
        vec![String::new(), "2".to_owned(), "a\nb".to_owned()],
    ];
    at_both_widths("traces-rows", |screen, out| {
        write_rows(out, screen, &heads, &short, (&["1 row".to_owned()], "traces list")).unwrap();
        write_rows(out, screen, &heads, &long, (&[], "")).unwrap();
    });
    let hit = HitView {
        trace: "06cfce510f09aabb".into(),
        span: "00f067aa0ba902b7".into(),
        start: "2026-03-15 23:58:12".into(),
        kind: "TOOL".into(),
        name: "lookup_order".into(),
        failed: true,
        found_in: "error".into(),
        excerpt: "… the order service said that it does not know of any order with this number "
            .repeat(3),
    };
    at_both_widths("traces-hits", |screen, out| {
        write_hits(
            out,
            screen,
            "1 span in 1 trace match",
            std::slice::from_ref(&hit),
            (&[], "traces show x"),
        )
        .unwrap();
    });
}

#[test]
fn bars_have_the_length_they_should() {
    assert_eq!(bar(1.0, 4), "████");
    assert_eq!(bar(0.5, 4), "██  ");
    assert_eq!(bar(0.0, 4), "▏   ");
    assert_eq!(bar(f64::NAN, 2), "▏ ");
    assert_eq!(bar(7.0, 2), "██");
}
