//! Projects of Arize AX, against a scripted server of its REST API, which the vendor's own clients
//! read too.

use crate::arize_server::world::{self, Form, Held, PROJECT, SPACE, World, span};
use crate::arize_server::{ArizeServer, Fault, KEY, READ_ONLY};
use crate::need;
use crate::support::{Done, Home, need};
use serde_json::{Value, json};
use std::path::Path;

const HOUR: i64 = 3_600_000;

/// Noon, three days ago: Unix milliseconds.
fn noon() -> i64 {
    let day = 24 * HOUR;
    (jiff::Timestamp::now().as_millisecond() / day - 3) * day + 12 * HOUR
}

/// So many traces of three spans, one trace a second from then on.
fn traces(count: u64, from: i64) -> Vec<Value> {
    let of_trace = |n: u64| {
        let (start, first) = (from + n.cast_signed() * 1_000, n * 3 + 1);
        let child = move |id| span(n, id, Some(first), start + 100);
        [span(n, first, None, start), child(first + 1), child(first + 2)]
    };
    (0..count).flat_map(of_trace).collect()
}

/// A home with the server's project as `bot`.
fn home(server: &ArizeServer) -> Home {
    let home = Home::new();
    configure(&home, server, "project = \"bot\"\nspace = \"support\"");
    home
}

fn configure(home: &Home, server: &ArizeServer, more: &str) {
    let url = server.url();
    let text = format!("[projects.bot]\nsource = \"arize\"\nurl = \"{url}\"\n{more}\n");
    home.write("config/config.toml", &text);
}

fn ask(home: &Home, arguments: &[&str]) -> Done {
    ask_with(home, arguments, KEY)
}

#[track_caller]
fn ask_with(home: &Home, arguments: &[&str], key: &str) -> Done {
    let done = home.run(arguments).env("ARIZE_API_KEY", key).done();
    let told = format!("{}{}", done.stdout, done.stderr);
    assert!(!told.contains(key), "the key shows: {told}");
    done
}

/// The snapshot of a window of hours around noon.
#[track_caller]
fn snapshot(home: &Home, from: i64, to: i64) -> rusqlite::Connection {
    let [since, until] = [from, to].map(|hours| world::time(noon() + hours * HOUR));
    let to = home.path().join("snapshot.db");
    let to = to.to_str().unwrap();
    let window = ["--since", &since, "--until", &until, "-o", to];
    ask(home, &[&["traces", "snapshot", "--project", "bot"], &window[..]].concat()).ok();
    rusqlite::Connection::open(to).unwrap()
}

/// Every row of what spans are, as text.
fn rows(database: &rusqlite::Connection) -> Vec<String> {
    let mut all = Vec::new();
    for table in ["span", "payload", "trace", "event"] {
        let mut statement =
            database.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row| {
            let cells = (0..columns).map(|at| row.get::<_, rusqlite::types::Value>(at).unwrap());
            Ok(format!("{table} {:?}", cells.collect::<Vec<_>>()))
        };
        all.extend(statement.query_map([], row).unwrap().map(Result::unwrap));
    }
    all
}

fn header(database: &rusqlite::Connection, key: &str) -> String {
    let sql = "SELECT value FROM header WHERE key = ?";
    database.query_row(sql, [key], |row| row.get(0)).unwrap()
}

#[test]
fn a_window_is_what_a_file_of_the_same_spans_is() {
    let spans = traces(500, noon());
    let home = Home::new();
    let lines: Vec<String> = spans.iter().map(Value::to_string).collect();
    let file = home.write("work/spans.jsonl", &lines.join("\n"));
    let of_file = home.path().join("file.db");
    let [file, to] = [&file, &of_file].map(|path| path.to_str().unwrap());
    home.ask(&["traces", "snapshot", "--project", file, "-o", to]).ok();
    let expected = rows(&rusqlite::Connection::open(to).unwrap());
    assert!(expected.len() > 3_000);
    for form in [Form::Nested, Form::Dotted] {
        let mut world = World::new();
        world.hold(spans.clone());
        world.form = form;
        let server = ArizeServer::start(world);
        configure(&home, &server, "project = \"bot\"\nspace = \"support\"");
        let database = snapshot(&home, -1, 1);
        assert_eq!(rows(&database), expected, "{form:?}");
        assert_eq!(header(&database, "left_out"), "{}");
        let mut pages = server.seen();
        pages.retain(|call| call.path == "/v2/spans");
        assert!(pages.iter().all(|call| call.query["limit"] == "500" && call.status == 200));
        assert!((3..=7).contains(&pages.len()), "1500 spans, 500 at once, in days: {pages:#?}");
    }
}

#[test]
fn a_server_that_fails_now_and_then_loses_nothing() {
    let mut world = World::new();
    // Many start in the same instant, so that a page ends between them.
    world.hold(traces(400, noon()).into_iter().map(|mut span| {
        span["start_time"] = json!(world::time(noon()));
        span
    }));
    world.hold((0..100).map(|n| span(9_000 + n, 90_000 + n, None, noon() + 500)));
    let server = ArizeServer::start(world);
    let home = home(&server);
    let expected = rows(&snapshot(&home, -1, 1));
    server.world().refuse_cursors = 2;
    server.fail([Fault::Wait(429, 0), Fault::Wait(503, 0), Fault::Cut, Fault::Wait(502, 0)]);
    let database = snapshot(&home, -1, 1);
    assert_eq!(rows(&database), expected);
    assert_eq!(header(&database, "spans"), "1300");
    assert_eq!(header(&database, "left_out"), "{}", "what comes twice is counted once");
}

#[test]
fn a_server_that_never_takes_a_cursor_is_told_of() {
    let mut world = World::new();
    world.hold((0..600).map(|n| span(n, n + 1, None, noon())));
    world.refuse_cursors = usize::MAX;
    let server = ArizeServer::start(world);
    let home = home(&server);
    let done = ask(&home, &["traces", "list", "--project", "bot", "--since", "7d"]).exits(6);
    assert!(done.stderr.contains("the cursor is not valid any more"), "{}", done.stderr);
}

#[test]
fn traces_are_whole_or_not_there() {
    let mut world = World::new();
    let hours = |hours: i64| noon() + hours * HOUR;
    // Begins three hours before the window, and its child lies within: none of it.
    world.hold([span(1, 1, None, hours(-3)), span(1, 2, Some(1), hours(0) + 60_000)]);
    // Begins within, and goes on for five hours after the end: all of it.
    let mut long = span(2, 3, None, hours(0));
    long["end_time"] = json!(world::time(hours(6)));
    world.hold([long, span(2, 4, Some(3), hours(6) - 500)]);
    // Begins within, and ends soon after.
    world.hold([span(3, 5, None, hours(1) - 1_000), span(3, 6, Some(5), hours(1) + 1_000)]);
    // Began before, and is over before.
    world.hold([span(4, 7, None, hours(-2))]);
    let server = ArizeServer::start(world);
    let database = snapshot(&home(&server), 0, 1);
    let sql = "SELECT group_concat(span_id, ' ') FROM (SELECT span_id FROM span ORDER BY span_id)";
    let ids: String = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(ids, [3, 4, 5, 6].map(world::span_id).join(" "));
}

#[test]
fn spans_that_only_their_trace_finds_are_found() {
    let now = jiff::Timestamp::now().as_millisecond();
    let mut world = World::new();
    world.hold([span(1, 2, Some(1), now - 60_000)]);
    let late = span(1, 1, None, now - 61_000);
    world.spans.push(Held { project: PROJECT.to_owned(), is_late: true, span: late });
    let server = ArizeServer::start(world);
    let done =
        ask(&home(&server), &["traces", "list", "--project", "bot", "--since", "1h", "--json"]);
    let listed = done.ok().json();
    assert_eq!(listed["traces"][0]["spans"], 2, "{listed:#}");
    assert_eq!(listed["traces"][0]["name"], "agent 1", "{listed:#}");
}

#[test]
fn a_second_look_asks_only_for_what_may_be_new() {
    let now = jiff::Timestamp::now().as_millisecond();
    let mut world = World::new();
    world.hold(traces(700, now - 48 * HOUR));
    let mut broken = span(8_000, 80_000, None, now - 2 * HOUR);
    broken["context"]["trace_id"] = json!("none");
    world.hold([broken]);
    let server = ArizeServer::start(world);
    let home = home(&server);
    let count = || {
        let list = ["traces", "list", "--project", "bot", "--since", "3d", "--json"];
        let listed = ask(&home, &list).ok().json();
        let calls = server.seen().into_iter().filter(|call| call.path == "/v2/spans");
        (listed["total"].as_u64().unwrap(), calls.collect::<Vec<_>>())
    };
    let (total, calls) = count();
    assert_eq!((total, calls.len() >= 5), (700, true), "{calls:#?}");
    let (total, calls) = count();
    assert_eq!((total, calls.len()), (700, 1), "{calls:#?}");
    let start: jiff::Timestamp = calls[0].body["start_time"].as_str().unwrap().parse().unwrap();
    assert!(start.as_millisecond() >= now - 13 * HOUR, "{calls:#?}");
    // One that starts long before the last look, and turns up only now.
    server.world().hold([span(7_000, 70_000, None, now - 12 * HOUR)]);
    let (total, calls) = count();
    assert_eq!((total, calls.len()), (701, 1), "{calls:#?}");
    let to = home.path().join("snapshot.db");
    let words = ["traces", "snapshot", "--project", "bot", "--since", "3d", "-o"];
    ask(&home, &[&words[..], &[to.to_str().unwrap()]].concat()).ok();
    let left_out = header(&rusqlite::Connection::open(to).unwrap(), "left_out");
    let expected = "{\"spans whose trace id is not 32 hexadecimal digits\":1}";
    assert_eq!(left_out, expected, "it came four times");
}

#[test]
fn a_look_that_was_cut_goes_on_where_it_was() {
    let now = jiff::Timestamp::now().as_millisecond();
    let mut world = World::new();
    (0..6).for_each(|day| world.hold(traces(50, now - (day + 1) * 24 * HOUR + HOUR + day)));
    // Each day's are numbered anew, and there they are one trace each.
    for (n, held) in world.spans.iter_mut().enumerate() {
        let id = format!("{:032x}", 0xa5a5_0000_u128 + (n / 3) as u128);
        held.span["context"] = json!({"trace_id": id, "span_id": world::span_id(n as u64 + 1)});
        held.span["parent_id"] = Value::Null;
    }
    let server = ArizeServer::start(world);
    let home = home(&server);
    let busy = json!({"title": "Conflict", "detail": "busy"});
    server.fail_at("/v2/spans", 4, Fault::Problem(409, busy));
    let list = ["traces", "list", "--project", "bot", "--since", "6d", "--json"];
    ask(&home, &list).exits(6);
    let asked = |calls: Vec<crate::arize_server::Seen>| {
        let of_spans = calls.into_iter().filter(|call| call.path == "/v2/spans");
        of_spans
            .map(|call| call.body["start_time"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let before = asked(server.seen());
    assert_eq!(before.len(), 5);
    let listed = ask(&home, &list).ok().json();
    assert_eq!(listed["total"], 300, "{listed:#}");
    let after = asked(server.seen());
    assert!(after[0] >= before[4], "{before:?} {after:?}");
}

#[test]
fn what_was_said_of_spans_comes_with_them() {
    let mut world = World::new();
    let mut spans = traces(1, noon());
    spans[1]["annotations"] = json!([{"name": "quality", "label": "bad", "score": 0.25,
        "text": "slow", "updated_at": world::time(noon()), "annotator": {"id": "VXNlcjox"}}]);
    spans[0]["trace_annotations"] = json!([{"name": "outcome", "label": "lost"}]);
    spans[1]["evaluations"] = json!([{"name": "quality", "label": "good", "explanation": "quick",
        "metadata": {"task_id": "t"}}]);
    world.hold(spans);
    let server = ArizeServer::start(world);
    let database = snapshot(&home(&server), -1, 1);
    let mut statement = database
        .prepare("SELECT target||' '||name||' '||label||' '||ifnull(score, '-')||' '||ifnull(explanation, '-')||' '||ifnull(annotator_kind, '-') FROM annotation ORDER BY 1")
        .unwrap();
    let said: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(
        said,
        [
            "span quality bad 0.25 slow HUMAN",
            "span quality good - quick -",
            "trace outcome lost - - HUMAN"
        ]
    );
}

#[test]
fn projects_are_found_by_name_or_id() {
    let mut world = World::new();
    world.spaces.push(("U3BhY2U6Mg==".to_owned(), "support two".to_owned()));
    world.projects.push(world::project("TW9kZWw6MTE=", "bot-two", SPACE));
    world.projects.push(world::project("TW9kZWw6MTI=", "bot", "U3BhY2U6Mg=="));
    world.hold(traces(1, noon()));
    let server = ArizeServer::start(world);
    let home = Home::new();
    let list = ["traces", "list", "--project", "bot", "--since", "7d"];
    for good in [
        "space = \"support\"",
        "space = \"U3BhY2U6MQ==\"",
        "project = \"TW9kZWw6MTA=\"",
        "project = \"BOT\"\nspace = \"support\"",
    ] {
        configure(&home, &server, good);
        ask(&home, &list).ok();
    }
    for (bad, code, told) in [
        (
            "",
            3,
            "bot `TW9kZWw6MTA=` in space U3BhY2U6MQ==, bot `TW9kZWw6MTI=` in space U3BhY2U6Mg==",
        ),
        ("project = \"bto\"\nspace = \"support\"", 3, "did you mean `project = \"bot\"`?"),
        ("space = \"supp\"", 3, "no space is called `supp`"),
        ("project = \"TW9kZWw6OTk=\"", 6, "the key may not see it"),
    ] {
        configure(&home, &server, bad);
        let done = ask(&home, &list).exits(code);
        assert!(done.stderr.contains(told), "{bad}: {}", done.stderr);
    }
}

#[test]
fn refusals_are_sentences() {
    let mut world = World::new();
    world.hold(traces(1, noon()));
    let server = ArizeServer::start(world);
    let home = home(&server);
    let list = ["traces", "list", "--project", "bot", "--since", "7d"];
    let done = ask_with(&home, &list, "ak-of-somebody-else").exits(4);
    for told in ["does not accept the key in `ARIZE_API_KEY`", "Invalid API key", "`req-0001`"] {
        assert!(done.stderr.contains(told), "{}", done.stderr);
    }
    let forbidden = json!({"title": "Forbidden", "status": 403, "detail": "an upgrade is needed",
        "request_id": "req-0002", "entitlement": "SPANS", "required_plan": "ENTERPRISE"});
    let conflict = json!({"title": "Conflict", "detail": "busy", "request_id": "req-0003"});
    for (fault, code, told) in [
        (Fault::Problem(403, forbidden), 4, "plan does not include `SPANS`; the plan ENTERPRISE"),
        (Fault::Problem(409, conflict), 6, "it says: Conflict: busy"),
        (Fault::Problem(422, json!({"detail": "no \u{1b}[2J"})), 6, "it says: no \\x1b[2J"),
        (Fault::Wait(429, 3600), 6, "wants 3600 seconds of rest"),
        (Fault::Page("<html>sign in</html>"), 6, "is the address of Arize AX's REST API"),
    ] {
        server.fail([fault]);
        let done = ask(&home, &list).exits(code);
        assert!(done.stderr.contains(told), "no `{told}`: {}", done.stderr);
    }
    let unset = home.ask(&list).exits(4);
    assert!(unset.stderr.contains("`ARIZE_API_KEY` is not set"), "{}", unset.stderr);
}

#[test]
fn monitors_are_listed() {
    let mut world = World::new();
    let monitor = |n: usize, status: &str| {
        json!({"id": format!("m{n}"), "name": format!("p95 {n}"), "type": "TRACING",
            "project_id": PROJECT, "status": status, "evaluated_at": "2026-08-20T10:00:00Z",
            "latest_computed_value": 9120.5, "metric": "P95", "uri": "https://app.arize.com/m",
            "threshold": {"type": "MANUAL_SINGLE", "operator": "GREATER_THAN", "value": 8000}})
    };
    world.monitors = (0..150).map(|n| monitor(n, "CLEARED")).collect();
    world.monitors.push(monitor(150, "TRIGGERED"));
    world.monitors.push(json!({"id": "x", "project_id": "TW9kZWw6OTk="}));
    let server = ArizeServer::start(world);
    let home = home(&server);
    let show = ["project", "show", "bot", "--monitors"];
    let done = ask(&home, &show).ok();
    assert!(done.stdout.starts_with("151 monitors, 1 triggered\n"), "{}", done.stdout);
    assert!(done.stdout.contains("p95 150: TRIGGERED, 9120.5 (above 8000) at 2026-08-20"));
    let monitors = ask(&home, &[&show[..], &["--json"]].concat()).ok().json();
    assert_eq!(monitors.as_array().unwrap().len(), 151);
    assert_eq!(monitors[150]["threshold"], "above 8000");
    assert_eq!(monitors[150]["latest_value"], 9120.5);
}

/// An automation fires when a monitor of AX becomes triggered: once, however often it is looked at,
/// and again only after it was cleared; while AX cannot be asked nothing is known, and nothing is lost.
#[test]
fn a_monitor_starts_a_session_on_its_edge() {
    need!(need::docker());
    let mut world = World::new();
    let monitor = |status: &str| {
        json!({"id": "m1", "name": "p95 latency", "type": "TRACING", "project_id": PROJECT,
            "status": status, "evaluated_at": "2026-08-20T10:00:00Z", "metric": "P95",
            "latest_computed_value": 9120.5, "uri": "https://app.arize.com/m",
            "threshold": {"type": "MANUAL_SINGLE", "operator": "GREATER_THAN", "value": 8000}})
    };
    world.monitors = vec![monitor("CLEARED")];
    world.hold(traces(20, noon()));
    let server = ArizeServer::start(world);
    let home = home(&server);
    home.write(
        "config/automations/slow.toml",
        "preset = \"triage\"\nproject = \"bot\"\nsince = \"7d\"\n[trigger]\n\
         monitor = { source = \"arize\", name = \"p95 latency\" }\nevery = \"1m\"\n",
    );
    let look = |status: Option<&str>| {
        if let Some(status) = status {
            server.world().monitors = vec![monitor(status)];
        }
        let store = home.data().join("store.db");
        if store.exists() {
            let store = rusqlite::Connection::open(store).unwrap();
            let sql = "UPDATE automations SET watched = json_set(watched, '$.looked_at', 0)";
            store.execute(sql, []).unwrap();
        }
        ask(&home, &["automation", "tick", "--wait"]);
        let history = ask(&home, &["automation", "history", "slow", "--json"]).ok().json();
        let fires = history.as_array().unwrap().clone();
        fires.into_iter().filter(|fire| fire["state"] == "done").count()
    };
    assert_eq!(look(None), 0);
    assert_eq!(look(Some("TRIGGERED")), 1);
    assert_eq!(look(None), 1, "it is still the same edge");
    server.fail_at("/v2/monitors", 0, Fault::Problem(403, json!({"title": "no"})));
    assert_eq!(look(None), 1, "nothing is known, so nothing fires");
    let shown = ask(&home, &["automation", "show", "slow"]).ok().stdout;
    assert!(shown.contains("may not do this"), "{shown}");
    assert_eq!(look(Some("CLEARED")), 1);
    assert_eq!(look(Some("TRIGGERED")), 2);
    home.nothing_left();
}

/// A home with a session that left four evals, the last of them of a span that is not there.
fn judged(server: &ArizeServer) -> Home {
    let home = home(server);
    let eval = |target: &str, id: String| json!({target: id, "name": "right", "label": "no", "explanation": "wrong order"});
    let evals = [
        eval("span_id", world::span_id(2)),
        eval("trace_id", world::trace_id(1)),
        json!({"span_id": world::span_id(2), "name": "effort", "score": 0.5}),
        eval("span_id", world::span_id(999)),
    ];
    home.judge("bot", &evals, ("ARIZE_API_KEY", KEY));
    home
}

fn config(name: &str, kind: &str, more: &[(&str, Value)]) -> Value {
    let mut config = json!({"id": format!("id of {name}"), "name": name, "space_id": SPACE,
        "created_at": world::time(noon()), "type": kind});
    for (key, value) in more {
        config[key] = value.clone();
    }
    config
}

const PUSH: [&str; 5] = ["session", "evals", "push", "last", "--yes"];

#[test]
fn evals_need_a_config_that_takes_them() {
    need!(need::bubblewrap());
    let mut world = World::new();
    world.hold(traces(2, noon()));
    let server = ArizeServer::start(world);
    let home = judged(&server);
    let artifacts = home.ask(&["session", "artifacts", "last", "--json"]).ok().json();
    let checks = artifacts[0]["checks"].to_string();
    assert!(checks.contains("3 of 4 cited spans and traces exist; line 4: no span"), "{checks}");
    let shown = home.ask(&["session", "evals", "show", "last"]).ok().stdout;
    for told in ["3 evals to push, 1 line with mistakes", "line 4: no span"] {
        assert!(shown.contains(told), "no `{told}`: {shown}");
    }
    let done = ask(&home, &PUSH).exits(3);
    for told in ["no annotation config `effort` or `right`", "ax annotation-configs create"] {
        assert!(done.stderr.contains(told), "{}", done.stderr);
    }
    let bounds = [("minimum_score", json!(0)), ("maximum_score", json!(0.25))];
    let values = ("values", json!([{"label": "yes", "score": 1}]));
    server.world().configs =
        vec![config("right", "CATEGORICAL", &[values]), config("effort", "CONTINUOUS", &bounds)];
    let done = ask(&home, &PUSH).exits(3);
    for told in ["`right` knows no label `no` (2 evals)", "`effort` takes scores from 0 to 0.25"] {
        assert!(done.stderr.contains(told), "{}", done.stderr);
    }
    let done = ask(&home, &[&PUSH[..], &["--name", "rihgt"]].concat()).exits(2);
    assert!(done.stderr.contains("--name right"), "{}", done.stderr);
    assert!(server.seen().iter().all(|call| call.path != "/v2/spans/annotate"));
}

#[test]
fn evals_go_to_the_spans_they_are_about() {
    need!(need::bubblewrap());
    let mut world = World::new();
    world.hold(traces(2, noon()));
    world.configs = vec![config("right", "FREEFORM", &[]), config("effort", "FREEFORM", &[])];
    let server = ArizeServer::start(world);
    let home = judged(&server);
    let dry = ask(&home, &["session", "evals", "push", "last", "--dry-run", "--json"]).ok().json();
    assert_eq!(dry["requests"].as_array().unwrap().len(), 2, "{dry:#}");
    let done = ask(&home, &PUSH[..4]).exits(2);
    assert!(done.stderr.contains("--yes"), "{}", done.stderr);
    assert!(server.seen().iter().all(|call| call.path != "/v2/spans/annotate"));
    let done = ask_with(&home, &PUSH, READ_ONLY).exits(4);
    assert!(done.stderr.contains("READ_ONLY cannot annotate"), "{}", done.stderr);
    assert!(server.world().annotations.is_empty());

    for _ in 0..2 {
        let done = ask(&home, &PUSH).ok();
        assert_eq!(done.stdout, "wrote 3 evals to `bot`\n");
        assert_eq!(server.world().annotations.len(), 3);
    }
    // Spans as old as these are not asked for again by whoever has them.
    let database = snapshot(&self::home(&server), -1, 1);
    let sql = "SELECT count(*), count(DISTINCT target), sum(score) FROM annotation";
    let read: (i64, i64, f64) =
        database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    assert_eq!(read, (3, 2, 0.5), "what was written is read");

    server.world().spans.retain(|held| held.span["context"]["span_id"] != world::span_id(2));
    let done = ask(&home, &PUSH).exits(6);
    for told in ["it writes nothing", "nothing was written before that"] {
        assert!(done.stderr.contains(told), "no `{told}`: {}", done.stderr);
    }
    // The first request is written, and then the server has enough.
    server.world().hold(traces(2, noon()).into_iter().skip(1).take(1));
    let busy = json!({"title": "Conflict", "detail": "busy", "request_id": "req-0009"});
    server.fail_at("/v2/spans/annotate", 1, Fault::Problem(409, busy));
    let done = ask(&home, &PUSH).exits(6);
    for told in ["2 of 3 evals were written before that", "push again"] {
        assert!(done.stderr.contains(told), "no `{told}`: {}", done.stderr);
    }
}

#[test]
fn a_project_is_looked_at_before_it_is_added() {
    let mut world = World::new();
    world.hold(traces(1, noon()));
    world
        .monitors
        .push(json!({"id": "m", "name": "p95", "project_id": PROJECT, "status": "CLEARED",
        "type": "TRACING"}));
    let server = ArizeServer::start(world);
    let home = Home::new();
    let url = server.url();
    let add = ["project", "add", "mine", "--source", "arize", "--url", &url, "--space", "support"];
    let done = ask(&home, &[&add[..], &["--project", "nobody"]].concat()).exits(3);
    assert!(done.stderr.contains("no project `nobody` in the space `support`"), "{}", done.stderr);
    let done = ask(&home, &[&add[..], &["--project", "bot"]].concat()).ok();
    assert!(done.stderr.contains("added to"), "{}", done.stderr);
    let told = ask(&home, &["project", "show", "mine", "--check"]).ok().stdout;
    for fact in ["takes the key", "bot is `TW9kZWw6MTA=`", "the newest is of", "p95: CLEARED"] {
        assert!(told.contains(fact), "no `{fact}`: {told}");
    }
    let shown = ask(&home, &["project", "show", "mine", "--json"]).ok().json();
    assert_eq!((&shown["space"], &shown["secret"]), (&json!("support"), &Value::Null));
    ask(&home, &["traces", "list", "--project", "mine", "--since", "7d"]).ok();
}

#[test]
fn a_key_that_only_reads_is_lent_for_a_while() {
    let server = ArizeServer::start(World::new());
    let home = home(&server);
    let now = jiff::Timestamp::now().as_millisecond();
    let lend = ["project", "key", "bot", "--valid", "15m"];
    let done = ask(&home, &lend).ok();
    assert_eq!(done.stdout, "ak-leased-0\n");
    assert!(!done.stderr.contains("ak-leased"), "{}", done.stderr);
    let (id, asked) = server.world().keys.pop_first().unwrap();
    let until: jiff::Timestamp = asked["expires_at"].as_str().unwrap().parse().unwrap();
    let minutes = (until.as_millisecond() - now) / 60_000;
    assert!((15..=16).contains(&minutes), "{asked:#}");
    let reads = json!({"type": "PREDEFINED", "name": "READ_ONLY"});
    let organization = &asked["organizations"][0];
    assert_eq!((&organization["role"], &organization["spaces"][0]["role"]), (&reads, &reads));
    assert_eq!(organization["spaces"].as_array().unwrap().len(), 1);
    server.world().keys.insert(id.clone(), asked);

    let revoke = ["project", "key", "bot", "--revoke", &id];
    ask(&home, &revoke).ok();
    ask(&home, &revoke).ok();
    assert_eq!(server.world().keys[&id]["status"], "REVOKED");
    let done = ask(&home, &["project", "key", "bot", "--revoke", "bm9uZTox"]).exits(6);
    assert!(done.stderr.contains("API key not found"), "{}", done.stderr);
    let done = ask_with(&home, &lend, READ_ONLY).exits(4);
    assert!(done.stderr.contains("SERVICE_KEY_CREATE in the space"), "{}", done.stderr);
    for valid in ["1s", "8d", "soon"] {
        ask(&home, &["project", "key", "bot", "--valid", valid]).exits(2);
    }
    // Made or not: asking again could make two.
    server.fail_at("/v2/api-keys", 0, Fault::Wait(503, 0));
    ask(&home, &lend).exits(6);
    assert_eq!(server.world().keys.len(), 1);
    let done = home.ask(&["project", "key", "demo"]).exits(2);
    assert!(done.stderr.contains("`demo` have no keys"), "{}", done.stderr);
}

/// The vendor's own clients, as `tests/rig/arize-clients.sh` installs them, read the same server, and
/// find nothing wrong with what we ask of it.
#[test]
fn the_vendors_own_clients_read_the_same() {
    let clients = need!(need::arize_clients());
    need!(need::bubblewrap());
    let mut world = World::new();
    world.hold(traces(150, noon()));
    world.configs = vec![config("right", "FREEFORM", &[]), config("effort", "FREEFORM", &[])];
    let server = ArizeServer::start(world);
    let home = judged(&server);
    let ours: Vec<String> = {
        let database = snapshot(&home, -1, 1);
        let mut statement = database.prepare("SELECT span_id FROM span ORDER BY span_id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(ours.len(), 450);
    ask(&home, &PUSH).ok();
    ask(&home, &["project", "key", "bot"]).ok();
    let asked = server.seen().into_iter().filter(|call| !call.body.is_null());
    let asked: Vec<Value> = asked.map(|call| json!([call.path, call.body])).collect();
    assert!(asked.len() >= 5, "{asked:#?}");
    home.write("work/asked.json", &Value::from(asked).to_string());

    assert_eq!(by_sdk(&clients, &home, &server), ours, "the SDK");
    assert_eq!(by_ax(&clients, &home, &server), ours, "the command line");
    // What the SDK annotates is there for us.
    let database = snapshot(&self::home(&server), -1, 1);
    let sql = "SELECT name FROM annotation WHERE explanation = 'fine'";
    let said: String = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(said, "right");
}

fn by_sdk(clients: &Path, home: &Home, server: &ArizeServer) -> Vec<String> {
    const SCRIPT: &str = "
import datetime, json, os, sys
from arize import ArizeClient
from arize.spans.types import AnnotateRecordInput, AnnotationInput
import arize._generated.api_client as models
MODELS = {'/v2/spans': models.ListSpansRequest, '/v2/spans/annotate': models.AnnotateSpansRequest,
    '/v2/api-keys': models.CreateServiceApiKeyRequest}
for path, body in json.load(open('asked.json')):
    MODELS[path].from_dict(body)
client = ArizeClient(api_key=os.environ['ARIZE_API_KEY'], single_host='127.0.0.1',
    single_port=int(sys.argv[1]), api_scheme='http')
assert [p.name for p in client.projects.list(space='support').projects] == ['bot']
at = [datetime.datetime.fromisoformat(text.replace('Z', '+00:00')) for text in sys.argv[2:4]]
ids, cursor = [], None
while True:
    page = client.spans.list(project='bot', space='support', start_time=at[0], end_time=at[1],
        limit=200, cursor=cursor)
    ids += [span.context.span_id for span in page.spans]
    cursor = page.pagination.next_cursor
    if not cursor:
        break
client.spans.annotate(project='bot', space='support', start_time=at[0], end_time=at[1],
    annotations=[AnnotateRecordInput(record_id=ids[0], values=[AnnotationInput(name='right', text='fine')])])
print(json.dumps(sorted(ids)))
";
    let [from, to] = [noon(), noon() + HOUR].map(world::time);
    let port = server.port().to_string();
    let told = run(clients, home, "python", &["-c", SCRIPT, &port, &from, &to]);
    // The SDK warns on standard output too.
    serde_json::from_str(told.lines().last().unwrap_or_default()).unwrap()
}

fn by_ax(clients: &Path, home: &Home, server: &ArizeServer) -> Vec<String> {
    let port = server.port();
    home.write(
        "home/.arize/profiles/test.toml",
        &format!(
            "[profile]\nname = \"test\"\n[auth]\napi_key = \"{KEY}\"\n\
             [routing]\nsingle_host = \"127.0.0.1\"\nsingle_port = \"{port}\"\napi_scheme = \"http\"\n\
             [output]\nformat = \"json\"\n"
        ),
    );
    home.write("home/.arize/.active_profile", "test");
    let projects =
        run(clients, home, "ax", &["projects", "list", "--space", "support", "-o", "json"]);
    assert!(projects.contains(PROJECT), "{projects}");
    let [from, to] = [noon(), noon() + HOUR].map(world::time);
    let export = ["spans", "export", PROJECT, "--stdout", "--limit", "500"];
    let window = ["--start-time", &from, "--end-time", &to];
    let told = run(clients, home, "ax", &[&export[..], &window].concat());
    let spans: Vec<Value> = serde_json::from_str(&told).unwrap();
    let id = |span: &Value| span["context"]["span_id"].as_str().unwrap().to_owned();
    let mut ids: Vec<String> = spans.iter().map(id).collect();
    ids.sort();
    ids
}

fn run(clients: &Path, home: &Home, program: &str, arguments: &[&str]) -> String {
    let done = std::process::Command::new(clients.join("bin").join(program))
        .args(arguments)
        .env_clear()
        .env("HOME", home.path().join("home"))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("ARIZE_API_KEY", KEY)
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(home.path().join("work"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(done.status.success(), "{program}: {}{}", text(&done.stdout), text(&done.stderr));
    text(&done.stdout)
}
