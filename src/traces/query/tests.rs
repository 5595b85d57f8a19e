use super::super::demo;
use super::super::snapshot::{About, Snapshot, write};
use super::super::span::Kind as SpanKind;
use super::render::Typed;
use super::*;
use crate::domain::plan::Window;
use crate::domain::price::Prices;

const TYPED: Typed = Typed { command: "loop traces", suffix: " --project demo" };

fn demo() -> (Snapshot, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo.db");
    let about =
        About { source: "demo".to_owned(), project: "demo".to_owned(), window: Window::default() };
    write(&path, demo::spans(), &about).unwrap();
    (Snapshot::open(&path).unwrap(), folder)
}

/// No prices.
fn none() -> Prices {
    Prices::default()
}

fn by(by: Option<By>, limit: usize) -> StatsAsk {
    StatsAsk { by, window: Window::default(), limit }
}

fn bounds(limit: usize) -> Bounds {
    Bounds::new(limit, 160, false)
}

#[test]
fn lists_are_filtered_bounded_and_in_order() {
    let (snapshot, _folder) = demo();
    let ask = |ask: ListAsk| list(&snapshot, &ask, bounds(500), &none()).unwrap();
    let all = ask(ListAsk::default());
    assert_eq!((all.total, all.traces.len()), (420, 420));
    assert!(all.traces.is_sorted_by(|a, b| a.start_us >= b.start_us), "newest first");
    let errors = ask(ListAsk { errors: true, ..ListAsk::default() });
    assert_eq!(errors.total, all.failing);
    assert!(errors.traces.iter().all(|trace| trace.errors > 0));
    let name = Some("lookup_order".to_owned());
    let of_tool = ask(ListAsk { name: name.clone(), ..ListAsk::default() });
    let failed_tool = ask(ListAsk { name, errors: true, ..ListAsk::default() });
    assert_eq!(failed_tool.total, 19 + 1, "suffixed ids and a one-off");
    assert!(of_tool.total > 100 && of_tool.total < 420);
    let kind = ask(ListAsk { kind: Some(SpanKind::Llm), errors: true, ..ListAsk::default() });
    assert_eq!(kind.total, 15, "the rate limit");
    let slow = ask(ListAsk { min_latency_ms: Some(10_000), ..ListAsk::default() });
    assert!(slow.traces.iter().all(|trace| trace.latency_ms >= 10_000.0) && slow.total >= 13);
    let day = 1_773_014_400_000;
    let window = Window { since: Some(day), until: Some(day + 86_400_000) };
    let first_day = ask(ListAsk { window, ..ListAsk::default() });
    assert!(first_day.traces.iter().all(|trace| trace.start_time.starts_with("2026-03-09")));

    let few = list(&snapshot, &ListAsk::default(), bounds(3), &none()).unwrap();
    let text = render::list(&few, TYPED);
    assert!(text.starts_with("420 traces, "), "{text}");
    assert!(text.contains("417 more: --limit 420 shows them"), "{text}");
    let last = text.lines().last().unwrap();
    assert!(
        last.starts_with("next: loop traces show ") && last.ends_with(" --project demo"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() < 600), "{text}");
}

#[test]
fn a_trace_is_a_tree_and_a_span_is_whole() {
    let (snapshot, _folder) = demo();
    let ask = ListAsk { name: Some("issue_refund".to_owned()), errors: true, ..ListAsk::default() };
    let trace = &list(&snapshot, &ask, bounds(1), &none()).unwrap().traces[0];
    let shown = show(&snapshot, &trace.trace_id[..12], bounds(100), &none()).unwrap();
    assert_eq!(shown.spans.len() as u64, trace.spans);
    let depths: Vec<_> = shown.spans.iter().map(|span| span.depth).collect();
    assert_eq!(depths[..4], [0, 1, 1, 2], "root, guardrail, planner, its call");
    let text = render::show(&shown, TYPED);
    assert!(text.contains("error: "), "{text}");
    let failed = shown.spans.iter().rfind(|span| span.status == "ERROR").unwrap();
    assert!(
        text.ends_with(&format!(
            "show {} --span {} --project demo\n",
            trace.trace_id, failed.span_id
        )),
        "{text}"
    );
    let one = show_span(&snapshot, &trace.trace_id, &failed.span_id, bounds(100), &none()).unwrap();
    assert_eq!(one.spans[0].events[0].name, "exception");
    let text = render::show(&one, TYPED);
    assert!(
        text.contains("tool.name = issue_refund") && text.contains("exception.type = "),
        "{text}"
    );

    let cut = show(&snapshot, &trace.trace_id, Bounds::new(2, 100, false), &none()).unwrap();
    assert_eq!(cut.hidden, trace.spans - 2);
    let text = render::show(&cut, TYPED);
    assert!(text.contains(&format!("--limit {} shows them", trace.spans)), "{text}");
    let cut = show(&snapshot, &trace.trace_id, Bounds::new(99, 100, false), &none()).unwrap();
    assert!(render::show(&cut, TYPED).contains("more characters; --full shows all)"));
    let full = show(&snapshot, &trace.trace_id, Bounds::new(99, 100, true), &none()).unwrap();
    assert!(!render::show(&full, TYPED).contains("more characters"));
    let none = show_span(&snapshot, &trace.trace_id, "00", bounds(1), &none()).unwrap_err();
    assert!(none.sentence.contains("has no span `00`"), "{none}");
}

#[test]
fn searching_finds_words_phrases_and_prefixes() {
    let (snapshot, _folder) = demo();
    let hits = |text: &str| search(&snapshot, text, Window::default(), bounds(5)).unwrap();
    let limited = hits("\"rate limit\" exceeded");
    assert_eq!((limited.total, limited.traces, limited.hits.len()), (30, 15, 5));
    assert_eq!(limited.hits[0].found_in, "error");
    assert!(limited.hits[0].excerpt.contains("rate limit"), "{:?}", limited.hits[0]);
    assert!(hits("RMA*").total > 0);
    assert_eq!(hits("RMA").total + hits("nowhereatall").total, hits("RMA").total);
    assert!(hits("never promise a refund").total > 300, "the system prompt is searched");
    assert!(search(&snapshot, "* -", Window::default(), bounds(5)).is_err());
    assert!(render::search(&hits("nowhereatall"), TYPED).starts_with("0 spans in 0 traces match"));
}

#[test]
fn stats_add_up() {
    let (snapshot, _folder) = demo();
    let all = stats(&snapshot, &by(None, 20), &none()).unwrap();
    assert_eq!((all.total.count, all.total.traces), (420, 420));
    assert_eq!(all.total.errors, snapshot.summary().failing);
    assert!(all.total.p50_ms < all.total.p95_ms && all.total.p95_ms <= all.total.p99_ms);
    let kinds = stats(&snapshot, &by(Some(By::Kind), 20), &none()).unwrap();
    assert_eq!(kinds.groups.iter().map(|row| row.count).sum::<u64>(), all.spans);
    let models = stats(&snapshot, &by(Some(By::Model), 20), &none()).unwrap();
    let tokens: u64 = models.groups.iter().map(|row| row.total_tokens).sum();
    assert_eq!(tokens, all.total.total_tokens, "models and traces count the same tokens");
    let sessions = stats(&snapshot, &by(Some(By::Session), 3), &none()).unwrap();
    assert_eq!(sessions.groups.len(), 3);
    assert!(sessions.hidden > 100);
    let text = render::stats(&stats(&snapshot, &by(Some(By::Tool), 20), &none()).unwrap(), TYPED);
    assert!(text.contains("issue_refund") && text.contains("p95"), "{text}");
    assert!(By::named("modle").unwrap_err().hints[0].contains("--by model"));
}

#[test]
fn sql_reads_and_does_nothing_else() {
    let (snapshot, folder) = demo();
    let ask = |query: &str| sql(&snapshot, query, bounds(10), || false);
    let table = ask("SELECT tool, count(*) AS n FROM spans WHERE status = 'ERROR' AND tool IS NOT NULL GROUP BY tool ORDER BY n DESC").unwrap();
    assert_eq!(table.columns, ["tool", "n"]);
    assert_eq!(table.rows[0][0], "lookup_order");
    assert!(ask("SELECT * FROM spans").unwrap().more);
    assert_eq!(
        ask("SELECT count(*) FROM search WHERE search MATCH 'refund'").unwrap().rows.len(),
        1
    );
    assert_eq!(
        ask("SELECT attributes ->> '$.\"llm.provider\"' FROM spans WHERE kind='LLM' LIMIT 1")
            .unwrap()
            .rows[0][0],
        "openai"
    );
    assert!(!ask("PRAGMA table_info(spans)").unwrap().rows.is_empty());
    let other = folder.path().join("other.db").display().to_string();
    for denied in [
        format!("ATTACH '{other}' AS o"),
        format!("VACUUM INTO '{other}'"),
        "DELETE FROM span".to_owned(),
        "INSERT INTO header VALUES ('a','b')".to_owned(),
        "CREATE TEMP TABLE x (y)".to_owned(),
        "PRAGMA query_only=OFF".to_owned(),
        "SELECT load_extension('x')".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "SELEC 1".to_owned(),
        String::new(),
    ] {
        assert_eq!(ask(&denied).unwrap_err().kind, Kind::Usage, "{denied}");
    }
    assert!(!folder.path().join("other.db").exists());
    let endless =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT sum(n) FROM c";
    let mut looks = 0;
    let overdue = move || {
        looks += 1;
        looks > 50
    };
    assert_eq!(sql(&snapshot, endless, bounds(1), overdue).unwrap_err().kind, Kind::Limit);
    let error = ask("SELECT tokens FROM spans").unwrap_err();
    assert_eq!(error.causes, ["no such column: tokens"]);
}

#[test]
fn depth_and_circles_are_drawn() {
    use super::super::span::{Span, SpanId, Status, TraceId};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let span = |id: u64, parent: u64| Span {
        trace_id: TraceId(1),
        span_id: SpanId(id),
        parent_id: (parent > 0).then_some(SpanId(parent)),
        name: format!("s{id}"),
        kind: SpanKind::Chain,
        start_us: id as i64,
        end_us: id as i64,
        status: Status::Unset,
        status_message: String::new(),
        attributes: super::super::attributes::Attributes::default(),
        events: Vec::new(),
    };
    // 2 before its parent 3; 5 and 6 in a circle; 7 of a parent that is not there.
    let mut spans =
        vec![span(1, 0), span(2, 3), span(3, 1), span(4, 1), span(5, 6), span(6, 5), span(7, 99)];
    spans.extend((1_000..3_000).map(|id| span(id, if id == 1_000 { 4 } else { id - 1 })));
    write(&path, spans, &About::default()).unwrap();
    let snapshot = Snapshot::open(&path).unwrap();
    let shown = show(&snapshot, &format!("{:032x}", 1), bounds(10_000), &none()).unwrap();
    assert_eq!(shown.spans.len(), 2_007, "each once");
    let order: Vec<_> = shown.spans[..4].iter().map(|s| (s.name.as_str(), s.depth)).collect();
    assert_eq!(order, [("s1", 0), ("s3", 1), ("s2", 2), ("s4", 1)]);
    let few = show(&snapshot, &format!("{:032x}", 1), bounds(5), &none()).unwrap();
    let text = render::show(&few, TYPED);
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.contains("CHAIN"))
        .map(|line| line.chars().skip(13).take(12).collect::<String>())
        .collect();
    assert_eq!(lines[..4], ["CHAIN s1  0.", "├─ CHAIN s3 ", "│  └─ CHAIN ", "└─ CHAIN s4 "]);
}
