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

/// Asks as somebody who is not trusted does, with all the patience there is.
fn attack(
    snapshot: &Snapshot,
    query: &str,
    limit: usize,
    full: bool,
) -> crate::error::Result<Table> {
    let mut looks = 0;
    let overdue = move || {
        looks += 1;
        looks > 3_000
    };
    sql(snapshot, query, Bounds::new(limit, 200, full), overdue)
}

/// What somebody who is not trusted may try to reach.
#[test]
fn sql_reaches_nothing_else() {
    let (snapshot, folder) = demo();
    let other = folder.path().join("other.db").display().to_string();
    for refused in [
        format!("ATTACH '{other}' AS o"),
        format!("ATTACH 'file:{other}?mode=rwc' AS o"),
        "DETACH main".to_owned(),
        "PRAGMA hard_heap_limit=0".to_owned(),
        "PRAGMA soft_heap_limit=0".to_owned(),
        "PRAGMA temp_store_directory='/tmp'".to_owned(),
        "PRAGMA writable_schema=1".to_owned(),
        "PRAGMA trusted_schema=1".to_owned(),
        "PRAGMA mmap_size=0".to_owned(),
        "SELECT * FROM pragma_database_list".to_owned(),
        "SELECT * FROM pragma_module_list".to_owned(),
        "SELECT load_extension('/tmp/x.so')".to_owned(),
        "SELECT LOAD_EXTENSION('/tmp/x.so', 'init')".to_owned(),
        "SELECT fts3_tokenizer('simple')".to_owned(),
        "SELECT fts3_tokenizer('simple', x'4141414141414141')".to_owned(),
        format!("SELECT writefile('{other}', 'x')"),
        "SELECT readfile('/etc/passwd')".to_owned(),
        "SELECT edit('x', 'sh')".to_owned(),
        "INSERT INTO search(search) VALUES ('rebuild')".to_owned(),
        "INSERT INTO search(search, rank) VALUES ('pgsz', 100)".to_owned(),
        "CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, search, row)".to_owned(),
        "CREATE VIRTUAL TABLE temp.v USING fts5(x)".to_owned(),
        "UPDATE sqlite_schema SET sql = ''".to_owned(),
        "DROP TABLE span".to_owned(),
        "REINDEX".to_owned(),
        "ANALYZE".to_owned(),
        "VACUUM".to_owned(),
        "BEGIN".to_owned(),
        "SAVEPOINT x".to_owned(),
        "EXPLAIN DELETE FROM span".to_owned(),
    ] {
        let failure = attack(&snapshot, &refused, 10, false).unwrap_err();
        assert_eq!(failure.kind, Kind::Usage, "{refused}: {failure:?}");
    }
    assert!(!folder.path().join("other.db").exists());
}

/// What would take all time or memory is ended, and the process stays small.
#[test]
fn sql_takes_no_more_than_it_may() {
    let (snapshot, _folder) = demo();
    let ask = |query: &str, limit, full| attack(&snapshot, query, limit, full);
    let rows = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 1000000)";
    for (ended, why) in [
        ("SELECT zeroblob(1000000000)".to_owned(), "memory"),
        ("SELECT printf('%.*c', 1000000000, 'x')".to_owned(), "memory"),
        ("SELECT replace(printf('%.*c', 100000000, 'x'), 'x', 'yyyyyyyyyy')".to_owned(), "memory"),
        ("SELECT count(*) FROM span a, span b, span c, span d".to_owned(), "longer"),
    ] {
        let failure = ask(&ended, 10, false).unwrap_err();
        assert_eq!(failure.kind, Kind::Limit, "{ended}: {failure:?}");
        assert!(failure.sentence.contains(why), "{ended}: {failure:?}");
    }
    let large = format!("{rows} SELECT printf('%.*c', 20000000, 'x') FROM c");
    let answer = ask(&large, 1_000_000, true).unwrap();
    let longest = answer.rows.iter().map(|row| row[0].as_str().unwrap().len()).max();
    assert!(longest.unwrap() < 5 << 20, "{longest:?}");
    let value =
        ask("SELECT printf('%.*c', 20000000, 'x')", 1, false).unwrap().rows.remove(0).remove(0);
    assert!(value.as_str().unwrap().contains("19,999,800 more characters"), "{value}");
    assert!(answer.full && answer.more && answer.rows.len() <= 5, "{}", answer.rows.len());
    assert!(ask("SELECT 'a' LIKE printf('%.*c', 2000, '%')", 1, false).is_err(), "a long pattern");
    // What a question may be is still there.
    for fine in [
        "EXPLAIN QUERY PLAN SELECT * FROM spans",
        "SELECT snippet(search, 1, '', '', '…', 5) FROM search WHERE search MATCH 'refund*' LIMIT 1",
        "SELECT name, percent_rank() OVER (ORDER BY latency_ms) FROM spans LIMIT 1",
        "SELECT value FROM spans, json_each(attributes) LIMIT 1",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5) SELECT * FROM c",
    ] {
        assert!(ask(fine, 1, false).is_ok(), "{fine}: {:?}", ask(fine, 1, false));
    }
}

#[test]
fn a_window_is_a_part_of_the_snapshot() {
    let (snapshot, _folder) = demo();
    let day = 1_773_014_400_000;
    let window = Window { since: Some(day + 86_400_000), until: Some(day + 2 * 86_400_000) };
    let listed =
        list(&snapshot, &ListAsk { window, ..ListAsk::default() }, bounds(500), &none()).unwrap();
    let ask = |by| StatsAsk { by, window, limit: 500 };
    let all = stats(&snapshot, &ask(None), &none()).unwrap();
    assert_eq!((all.total.count, all.total.errors), (listed.total, listed.failing));
    assert!(all.total.count > 50 && all.total.count < 420);
    let kinds = stats(&snapshot, &ask(Some(By::Kind)), &none()).unwrap();
    assert_eq!(kinds.groups.iter().map(|row| row.count).sum::<u64>(), all.spans);
    assert_eq!(listed.traces.iter().map(|trace| trace.spans).sum::<u64>(), all.spans);
    let whole = search(&snapshot, "refund", Window::default(), bounds(5)).unwrap();
    let part = search(&snapshot, "refund", window, bounds(500)).unwrap();
    let ids: Vec<_> = listed.traces.iter().map(|trace| &trace.trace_id).collect();
    assert!(part.total > 0 && part.total < whole.total);
    assert!(part.hits.iter().all(|hit| ids.contains(&&hit.trace_id)));
    let later = Window { since: Some(day * 2), until: None };
    let none_there = stats(&snapshot, &StatsAsk { by: None, window: later, limit: 1 }, &none());
    assert_eq!((none_there.as_ref().unwrap().total.count, none_there.unwrap().spans), (0, 0));
    let text = render::stats(&all, TYPED);
    assert!(text.contains("of these in the window that is asked: "), "{text}");
}

#[test]
fn messages_are_told_once_and_in_order() {
    let (snapshot, _folder) = demo();
    let sql_ask =
        "SELECT trace_id, span_id FROM spans WHERE kind = 'LLM' AND status = 'OK' LIMIT 1";
    let found = sql(&snapshot, sql_ask, bounds(1), || false).unwrap();
    let (trace, span) = (found.rows[0][0].as_str().unwrap(), found.rows[0][1].as_str().unwrap());
    let one = show_span(&snapshot, trace, &span[..8], bounds(9), &none()).unwrap();
    let roles: Vec<_> = one.spans[0].messages.iter().map(|m| (m.answer, m.role.as_str())).collect();
    assert_eq!(roles, [(false, "system"), (false, "user"), (true, "assistant")]);
    let text = render::show(&one, TYPED);
    assert!(text.contains("\nsystem says:\n") && text.contains("\nthe model answers:\n"), "{text}");
    assert!(!text.contains("llm.input_messages"), "told twice: {text}");
    let json = serde_json::to_string(&one).unwrap();
    assert!(json.contains("llm.input_messages.0.message.role"), "JSON has all attributes");
    let same = show_span(&snapshot, trace, "", bounds(9), &none()).unwrap_err();
    assert!(same.sentence.contains("has no span ``"), "{same:?}");
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

/// What was summed up when the snapshot was written says the same as looking at every span.
#[test]
fn sums_made_beforehand_are_those_of_the_spans() {
    let (snapshot, _folder) = demo();
    let price = |above, from_us| crate::domain::price::Price {
        models: vec!["*".to_owned()],
        provider: None,
        from_us,
        above,
        input: 3.0,
        cache_read: 0.3,
        cache_write: 3.75,
        output: 15.0,
    };
    // 10 March 2026: in the middle of the demo.
    let day = Some(1_773_100_800_000_000);
    let prices = Prices::new(vec![price(0, None), price(1_000, None), price(0, day)], None);
    let everything = Window { since: Some(0), until: None };
    for by in [None, Some(By::Name), Some(By::Kind), Some(By::Tool), Some(By::Model)] {
        let ask = |window| {
            let ask = StatsAsk { by, window, limit: 1_000 };
            let mut stats = stats(&snapshot, &ask, &prices).unwrap();
            // Sums of floating-point numbers depend on their order.
            let round = |usd: &mut Option<f64>| *usd = usd.map(|usd| (usd * 1e9).round() / 1e9);
            for row in stats.groups.iter_mut().chain([&mut stats.total]) {
                round(&mut row.cost_usd);
                round(&mut row.estimated_cost_usd);
            }
            round(&mut stats.costs.usd);
            stats
        };
        assert_eq!(ask(Window::default()), ask(everything), "{by:?}");
    }
}
