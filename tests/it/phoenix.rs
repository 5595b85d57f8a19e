//! A real Phoenix server as a source of traces: what `loop` reads of it is what the server has, whole,
//! once, and with as few requests as that takes.

use crate::acts::holds_none;
use crate::need;
use crate::phoenix_rig::{
    Act, Direct, HOUR, MINUTE, Proxy, Sent, agent, ask, asked, now, rows, session, text, unique,
};
use crate::support::{Done, Home, Phoenix, need};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// How many traces the shared project has, of five spans each: more than one page.
const TRACES: u64 = 300;

/// A project that several tests read and none changes.
fn corpus(phoenix: &Phoenix) -> &'static Direct {
    static SENT: OnceLock<Direct> = OnceLock::new();
    SENT.get_or_init(|| {
        let direct = Direct::new(&phoenix.open, &unique("corpus"));
        direct.send(&agent(1, TRACES, now() - 20 * HOUR, 3 * MINUTE));
        direct
    })
}

/// A home with the project `p` at this address.
fn home(url: &str, project: &str) -> Home {
    let home = Home::new();
    home.phoenix("p", url, project, "");
    home
}

fn snapshot(home: &Home, project: &str, more: &[&str]) -> Done {
    let mut arguments = vec!["traces", "snapshot", "--json", "--project", project, "-o", "out.db"];
    arguments.extend(more);
    home.ask(&arguments)
}

/// The ids of the spans in the snapshot that was just written.
fn spans(home: &Home) -> BTreeSet<String> {
    let database = rusqlite::Connection::open(home.path().join("work/out.db")).unwrap();
    let mut statement = database.prepare("SELECT trace_id || span_id FROM span").unwrap();
    let ids = statement.query_map([], |row| row.get(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

fn ids(sent: &[Sent]) -> BTreeSet<String> {
    sent.iter().map(|span| format!("{:032x}{:016x}", span.trace, span.span)).collect()
}

fn passing(url: &str) -> Proxy {
    Proxy::before(url, |_, _| Act::Pass)
}

#[test]
fn counts_are_the_servers_own() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    let home = home(&phoenix.open, &direct.project);
    let stats = home.ask(&["traces", "stats", "--project", "p", "--json"]).ok().json();
    let (spans, traces) = (direct.all("spans?limit=1000"), direct.all("traces?limit=1000"));
    let failing = spans.iter().filter(|span| span["status_code"] == "ERROR");
    let failing: BTreeSet<_> =
        failing.map(|span| span["context"]["trace_id"].as_str().unwrap()).collect();
    let sum = |key: &str| traces.iter().map(|trace| trace[key].as_i64().unwrap()).sum::<i64>();
    assert_eq!((spans.len() as u64, traces.len() as u64), (TRACES * 5, TRACES));
    assert_eq!(stats["spans"], spans.len());
    let total = &stats["total"];
    assert_eq!(total["traces"], traces.len());
    assert_eq!(total["errors"], failing.len());
    assert_eq!(total["prompt_tokens"], sum("token_count_prompt"));
    assert_eq!(total["completion_tokens"], sum("token_count_completion"));
    // Each trace, and what it lasted, one by one.
    let listed = home.ask(&[
        "traces",
        "sql",
        "--json",
        "--project",
        "p",
        "--limit",
        "1000",
        "SELECT trace_id, start_us, end_us FROM traces ORDER BY trace_id",
    ]);
    let listed = listed.ok().json();
    let mut own: Vec<_> = traces
        .iter()
        .map(|trace| {
            let us = |key: &str| {
                let time: jiff::Timestamp = trace[key].as_str().unwrap().parse().unwrap();
                time.as_microsecond()
            };
            json!([trace["trace_id"], us("start_time"), us("end_time")])
        })
        .collect();
    own.sort_by_key(|row| row[0].as_str().unwrap().to_owned());
    assert_eq!(listed["rows"].as_array().unwrap(), &own);
}

#[test]
fn pages_in_files_make_the_same_snapshot() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    let home = home(&phoenix.open, &direct.project);
    snapshot(&home, "p", &[]).ok();
    // As somebody would save them: pages of an odd size, newest first.
    for (n, page) in direct.all("spans?limit=400").chunks(400).enumerate() {
        let page = json!({"data": page, "next_cursor": null});
        home.write(&format!("work/saved/{n}.json"), &page.to_string());
    }
    let out = home.path().join("work");
    home.ask(&["traces", "snapshot", "--project", "./saved", "-o", "files.db"]).ok();
    let (server, files) = (rows(&out.join("out.db")), rows(&out.join("files.db")));
    assert_eq!(server.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
    for (name, rows) in &server {
        assert_eq!(rows, &files[name], "{name}");
    }
    assert_eq!(server["span"].len() as u64, TRACES * 5);
}

#[test]
fn an_unchanged_window_costs_one_request() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    let proxy = passing(&phoenix.open);
    let home = home(&proxy.url, &direct.project);
    snapshot(&home, "p", &[]).ok();
    let first = proxy.asked();
    let pages = first.iter().filter(|line| line.contains("/spans?")).count() as u64;
    assert_eq!(pages, (TRACES * 5).div_ceil(1_000), "{first:#?}");
    let wanted = spans(&home);
    for window in [&[][..], &["--since", "10h"], &["--since", "15h", "--until", "2h"]] {
        snapshot(&home, "p", window).ok();
        let asked = proxy.asked();
        assert_eq!(asked.len(), 1, "{window:?} {asked:#?}");
    }
    snapshot(&home, "p", &[]).ok();
    assert_eq!(spans(&home), wanted);
}

#[test]
fn only_what_is_new_is_fetched_and_late_spans_are_found() {
    let phoenix = need!(need::phoenix());
    let direct = Direct::new(&phoenix.open, &unique("late"));
    let start = now() - 6 * HOUR;
    let mut sent = agent(2, 20, start, MINUTE);
    // The last of these is held back, and so is the middle of an early trace.
    let (held, early) = (sent.pop().unwrap(), sent.remove(8));
    direct.send(&sent);
    let proxy = passing(&phoenix.open);
    let home = home(&proxy.url, &direct.project);
    snapshot(&home, "p", &["--since", "1d"]).ok();
    assert_eq!(spans(&home), ids(&sent));
    proxy.asked();
    direct.send(&[held.clone(), early.clone()]);
    sent.extend([held, early]);
    snapshot(&home, "p", &["--since", "1d"]).ok();
    assert_eq!(spans(&home), ids(&sent));
    let asked = proxy.asked();
    let pages: Vec<_> = asked.iter().filter(|line| line.contains("/spans?")).collect();
    assert_eq!(pages.len(), 1, "{asked:#?}");
    assert!(pages[0].contains("&cursor="), "{asked:#?}");
    // Annotations are asked of the two traces that are news, and of no others.
    let others: Vec<_> = asked.iter().filter(|line| line.contains("trace_annotations")).collect();
    assert_eq!(others.len(), 1);
    assert_eq!(others[0].matches("trace_ids=").count(), 2, "{others:?}");
}

/// Signal looks at a server again and again: every trace counts once, also one that came late.
#[test]
fn signal_counts_what_is_new_once() {
    let phoenix = need!(need::phoenix());
    let direct = Direct::new(&phoenix.open, &unique("signal"));
    let mut sent = agent(8, 57, now() - 2 * HOUR, MINUTE);
    // The last one, which fails, comes when the server was looked at already.
    let late = sent.split_off(sent.len() - 5);
    assert!(late.iter().any(|span| span.failed));
    direct.send(&sent);
    let home = home(&phoenix.open, &direct.project);
    home.ask(&["signal", "enable", "p", "--preset", "none"]).ok();
    let run = || home.ask(&["signal", "run", "p", "--json"]).ok().json();
    let counted = || {
        let issues = home.ask(&["signal", "issues", "--project", "p", "--json"]).ok().json();
        let of_tool = |issue: &&Value| issue["entity"]["name"] == "lookup_order";
        let issues = issues.as_array().unwrap().clone();
        let issue = issues.iter().find(of_tool).expect("the failing tool is an issue").clone();
        issue["life"]["traces"].as_u64().unwrap()
    };
    let first = run();
    assert_eq!((&first["traces"], &first["fresh"]), (&json!(56), &json!(56)), "{first:#}");
    let before = counted();
    assert_eq!(before, 8);
    assert_eq!(run()["fresh"], 0);
    direct.send(&late);
    let last = run();
    assert_eq!((&last["traces"], &last["fresh"]), (&json!(57), &json!(1)), "{last:#}");
    assert_eq!(counted(), before + 1);
    assert_eq!((run()["fresh"].clone(), counted()), (json!(0), before + 1));
}

#[test]
fn a_window_that_reaches_further_back_is_filled() {
    let phoenix = need!(need::phoenix());
    let direct = Direct::new(&phoenix.open, &unique("back"));
    let sent = agent(3, 48, now() - 48 * HOUR + MINUTE, HOUR);
    direct.send(&sent);
    let proxy = passing(&phoenix.open);
    let home = home(&proxy.url, &direct.project);
    let since = |hours: i64| {
        let from = now() - hours * HOUR;
        let whole: Vec<_> = sent
            .chunks(5)
            .filter(|trace| trace.iter().map(|span| span.start).min().unwrap() >= from)
            .flatten()
            .cloned()
            .collect();
        ids(&whole)
    };
    for hours in [5, 10, 30, 7] {
        snapshot(&home, "p", &["--since", &format!("{hours}h")]).ok();
        assert_eq!(spans(&home), since(hours), "{hours}");
    }
    proxy.asked();
    snapshot(&home, "p", &["--since", "29h"]).ok();
    assert_eq!(proxy.asked().len(), 1);
    // Ended windows, inside and beyond.
    snapshot(&home, "p", &["--since", "40h", "--until", "20h"]).ok();
    assert_eq!(spans(&home), since(40).difference(&since(20)).cloned().collect());
    let fresh = self::home(&proxy.url, &direct.project);
    snapshot(&fresh, "p", &["--since", "40h", "--until", "20h"]).ok();
    assert_eq!(spans(&fresh), since(40).difference(&since(20)).cloned().collect());
}

#[test]
fn traces_are_whole_however_long_they_run() {
    let phoenix = need!(need::phoenix());
    let direct = Direct::new(&phoenix.open, &unique("whole"));
    let at = now() - 30 * HOUR;
    // It begins before the window, is silent for hours, and goes on in it.
    let before = [
        Sent::new(0xa1, 1, None, at),
        Sent::new(0xa1, 2, Some(1), at + MINUTE),
        Sent::new(0xa1, 3, Some(2), at + 12 * HOUR),
    ];
    // It begins in the window. Its root is stored last, as it ends last.
    let within =
        [Sent::new(0xa2, 12, Some(11), at + 13 * HOUR), Sent::new(0xa2, 11, None, at + 12 * HOUR)];
    direct.send(&before);
    direct.send(&within);
    let home = home(&phoenix.open, &direct.project);
    snapshot(&home, "p", &["--since", "24h"]).ok();
    assert_eq!(spans(&home), ids(&within));
    snapshot(&home, "p", &["--since", "40h"]).ok();
    let all: Vec<_> = before.iter().chain(&within).cloned().collect();
    assert_eq!(spans(&home), ids(&all));
}

#[test]
fn annotations_come_along_and_are_looked_at_again() {
    let phoenix = need!(need::phoenix());
    let direct = Direct::new(&phoenix.open, &unique("told"));
    let sent = agent(4, 6, now() - HOUR, MINUTE);
    direct.send(&sent);
    let (span, trace) = (format!("{:016x}", sent[1].span), format!("{:032x}", sent[1].trace));
    let told: Vec<_> = (0..12)
        .map(|n| {
            json!({"span_id": span, "name": format!("n{n}"), "annotator_kind": "LLM",
                "identifier": if n % 2 == 0 { "" } else { "run-1" },
                "result": {"label": "good", "score": 0.25 + f64::from(n), "explanation": "weil „so“"}})
        })
        .collect();
    direct.annotate("span", &told);
    direct.annotate(
        "trace",
        &[json!({"trace_id": trace, "name": "failure", "annotator_kind": "CODE",
        "result": {"label": "wrong_order"}})],
    );
    direct.annotate(
        "session",
        &[json!({"session_id": session(4, 0), "name": "mood", "annotator_kind": "HUMAN",
        "result": {"score": -1.5}})],
    );
    let proxy = passing(&phoenix.open);
    let home = home(&proxy.url, &direct.project);
    let found = || -> Vec<Value> {
        let sql = "SELECT target, span_id, trace_id, session_id, name, label, score, explanation,
                   annotator_kind, identifier FROM annotations ORDER BY target, name";
        let found = home.ask(&["traces", "sql", "--json", "--limit", "100", "--project", "p", sql]);
        found.ok().json()["rows"].as_array().unwrap().clone()
    };
    let first = found();
    assert_eq!(first.len(), 14, "{first:#?}");
    assert_eq!(first[0][3], session(4, 0));
    assert_eq!(first[0][6], -1.5);
    let n1 = first.iter().find(|row| row[4] == "n1").unwrap();
    assert_eq!(n1[1], span);
    assert_eq!(
        n1.as_array().unwrap()[5..],
        [json!("good"), json!(1.25), json!("weil „so“"), json!("LLM"), json!("run-1")][..]
    );
    assert_eq!(first[13][2], trace);
    // Within minutes nobody asks again; after that, what changed and what went is seen.
    direct.annotate(
        "span",
        &[json!({"span_id": span, "name": "n0", "annotator_kind": "LLM",
        "result": {"label": "bad"}})],
    );
    let url = format!(
        "{}/v1/projects/{}/span_annotations?name=n2&delete_all=true",
        direct.url, direct.project
    );
    assert_eq!(ask("DELETE", &url, None, None).0, 204);
    proxy.asked();
    assert_eq!(found(), first);
    assert_eq!(proxy.asked().len(), 1);
    age(&home, "UPDATE span SET looked = looked - 700000");
    let second = found();
    assert_eq!(second.len(), 13);
    assert_eq!(second.iter().find(|row| row[4] == "n0").unwrap()[5], "bad");
}

/// Lets time pass for what the home's mirror holds.
fn age(home: &Home, sql: &str) {
    let folder = std::fs::read_dir(home.data().join("mirrors")).unwrap();
    let mirror =
        folder.map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "db");
    let database = rusqlite::Connection::open(mirror.unwrap()).unwrap();
    assert!(database.execute(sql, []).unwrap() > 0);
}

#[test]
fn a_project_made_anew_is_read_anew() {
    let phoenix = need!(need::phoenix());
    let direct = Direct::new(&phoenix.open, &unique("anew"));
    let (old, new) = (agent(5, 8, now() - 3 * HOUR, MINUTE), agent(6, 5, now() - 2 * HOUR, MINUTE));
    direct.send(&old);
    let home = home(&phoenix.open, &direct.project);
    snapshot(&home, "p", &[]).ok();
    assert_eq!(spans(&home), ids(&old));
    let url = format!("{}/v1/projects/{}", direct.url, direct.id());
    assert_eq!(ask("DELETE", &url, None, None).0, 204);
    let failed = snapshot(&home, "p", &[]).exits(3);
    assert!(failed.stderr.contains("has no project"), "{}", failed.stderr);
    direct.send(&new);
    snapshot(&home, "p", &[]).ok();
    assert_eq!(spans(&home), ids(&new));
    // A trace deleted from the middle is noticed within a day.
    let url = format!("{}/v1/traces/{:032x}", direct.url, new[5].trace);
    assert_eq!(ask("DELETE", &url, None, None).0, 204);
    age(&home, "UPDATE part SET begun = begun - 90000000");
    snapshot(&home, "p", &[]).ok();
    let left: Vec<_> = new.iter().filter(|span| span.trace != new[5].trace).cloned().collect();
    assert_eq!(spans(&home), ids(&left));
}

#[test]
fn killed_between_pages_it_loses_and_doubles_nothing() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    // The second page never comes, until it is asked for by another.
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let proxy = Proxy::before(&phoenix.open, |_, line| {
        if line.contains("cursor=") && ASKED.fetch_add(1, Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_secs(4));
        }
        Act::Pass
    });
    let home = home(&proxy.url, &direct.project);
    let running = home.run(&["traces", "stats", "--project", "p"]).start();
    while ASKED.load(Ordering::SeqCst) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    running.signal(Signal::SIGKILL);
    assert_eq!(running.done().signal, Some(9));
    proxy.asked();
    snapshot(&home, "p", &[]).ok();
    let asked = proxy.asked();
    let pages: Vec<_> = asked.iter().filter(|line| line.contains("/spans?")).collect();
    assert_eq!(pages.len(), 1, "the first page was kept: {pages:#?}");
    assert!(pages[0].contains("cursor="));
    let fresh = self::home(&phoenix.open, &direct.project);
    snapshot(&fresh, "p", &[]).ok();
    let out = |home: &Home| rows(&home.path().join("work/out.db"));
    assert_eq!(out(&home), out(&fresh));
}

#[test]
fn two_at_once_fetch_once() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    let proxy = passing(&phoenix.open);
    let home = home(&proxy.url, &direct.project);
    let running: Vec<_> = (0..3)
        .map(|_| home.run(&["traces", "stats", "--project", "p", "--json"]).start())
        .collect();
    let told: Vec<_> = running.into_iter().map(|one| one.done().ok().json()).collect();
    assert!(told.iter().all(|one| one["spans"] == TRACES * 5), "{told:?}");
    let asked = proxy.asked();
    let pages = asked.iter().filter(|line| line.contains("/spans?")).count() as u64;
    assert_eq!(pages, (TRACES * 5).div_ceil(1_000) + 2, "{asked:#?}");
}

#[test]
fn cut_connections_and_busy_servers_are_tried_again() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    let busy = || Act::Say("503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_owned());
    let proxy = Proxy::before(&phoenix.open, move |n, _| match n {
        0 => busy(),
        1 => Act::Cut(0),
        2 => Act::Cut(40_000),
        4 => busy(),
        _ => Act::Pass,
    });
    let home = home(&proxy.url, &direct.project);
    snapshot(&home, "p", &[]).ok();
    let fresh = self::home(&phoenix.open, &direct.project);
    snapshot(&fresh, "p", &[]).ok();
    assert_eq!(spans(&home), spans(&fresh));
}

#[test]
fn a_server_that_stays_away_is_told() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    // It gives one page, and is gone.
    let proxy = Proxy::before(&phoenix.open, |n, _| if n == 0 { Act::Pass } else { Act::Cut(0) });
    let home = home(&proxy.url, &direct.project);
    let failed = snapshot(&home, "p", &[]).exits(6);
    assert!(failed.stderr.contains("cannot reach Phoenix at"), "{}", failed.stderr);
    // What it did give is not asked for again.
    let proxy = passing(&phoenix.open);
    let config = home.config().join("config.toml");
    let _ = std::fs::remove_file(config);
    home.phoenix("p", &proxy.url, &direct.project, "");
    snapshot(&home, "p", &[]).ok();
}

/// A key as the administrator makes one.
fn system_key(direct: &Direct, seconds: i64) -> String {
    let expires = jiff::Timestamp::from_millisecond(now() + seconds * 1_000).unwrap();
    let body = json!({"data": {"name": unique("key"), "expires_at": expires.to_string()}});
    direct.post("/v1/system/api_keys", &body)["data"]["key"].as_str().unwrap().to_owned()
}

/// The key of a user who may only read.
pub fn viewer_key(direct: &Direct) -> String {
    let name = unique("viewer");
    let (email, password) = (format!("{name}@example.invalid"), "Only-for-tests-1!");
    direct.post(
        "/v1/users",
        &json!({"user": {"email": email, "username": name, "role": "VIEWER",
        "auth_method": "LOCAL", "password": password}, "send_welcome_email": false}),
    );
    let login = json!({"email": email, "password": password}).to_string();
    let url = format!("{}/auth/login", direct.url);
    let (_, head, _) = asked("POST", &url, None, Some(("application/json", login.as_bytes())));
    let cookie = head.lines().find_map(|line| line.split_once("phoenix-access-token=")).unwrap().1;
    let own = Direct { key: Some(cookie.split(';').next().unwrap().to_owned()), ..direct.clone() };
    let made = own.post("/v1/user/api_keys", &json!({"data": {"name": "read"}}));
    made["data"]["key"].as_str().unwrap().to_owned()
}

#[test]
fn keys_are_told_apart() {
    let phoenix = need!(need::phoenix());
    let mut direct = Direct::new(&phoenix.auth, &unique("locked"));
    direct.key = Some(phoenix.admin.clone());
    direct.send(&agent(7, 4, now() - HOUR, MINUTE));
    let short = system_key(&direct, 3);
    let (system, viewer) = (system_key(&direct, 600), viewer_key(&direct));
    let home = Home::new();
    home.phoenix("open", &direct.url, &direct.project, "");
    home.phoenix("p", &direct.url, &direct.project, "secret = \"PK\"");
    let with = |key: &str, arguments: &[&str]| home.run(arguments).env("PK", key).done();
    let list = ["traces", "list", "--project", "p"];
    let failed = home.ask(&["traces", "list", "--project", "open"]).exits(4);
    assert!(failed.stderr.contains("asks for a key"), "{}", failed.stderr);
    let failed = home.ask(&list).exits(4);
    assert!(failed.stderr.contains("`PK` is not set"), "{}", failed.stderr);
    let failed = with("not-a-key", &list).exits(4);
    assert!(failed.stderr.contains("does not know the key in `PK`"), "{}", failed.stderr);
    for key in [&system, &viewer, &phoenix.admin] {
        with(key, &list).ok();
    }
    let show = ["project", "show", "p", "--check", "--json"];
    let role = |key: &str| with(key, &show).ok().json()[2].clone();
    assert_eq!(role(&viewer)["state"], "ready");
    assert!(role(&system)["mend"].as_str().unwrap().contains("Viewer"));
    std::thread::sleep(Duration::from_secs(3));
    // The server forgets an expired key some time later, and then does not know it.
    let said = || ask("GET", &format!("{}/v1/projects", direct.url), Some(&short), None);
    let (before, failed, after) = (said(), with(&short, &list).exits(4), said());
    for (said, told) in [
        ("Expired token", "the key in `PK` has expired"),
        ("Invalid token", "does not know the key in `PK`"),
    ] {
        let both = (401, said.to_owned());
        if before == both && after == both {
            assert!(failed.stderr.contains(told), "{}", failed.stderr);
        }
    }
    assert!(failed.stderr.contains("export PK="), "{}", failed.stderr);
    // A viewer's key adds a project without a word of warning; another with one.
    let add = |name: &str, key: &str| {
        with(
            key,
            &[
                "project",
                "add",
                name,
                "--source",
                "phoenix",
                "--url",
                &direct.url,
                "--project",
                &direct.project,
                "--secret",
                "PK",
            ],
        )
        .ok()
    };
    assert!(!add("quiet", &viewer).stderr.contains("warning"));
    let told = add("warned", &system).stderr;
    assert!(told.contains("warning: key: ") && told.contains("may also write"), "{told}");
    holds_none(home.path(), &[&short, &system, &viewer, &phoenix.admin, "not-a-key"]);
}

#[test]
fn what_is_kept_is_private() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    let home = home(&phoenix.open, &direct.project);
    snapshot(&home, "p", &[]).ok();
    let mirrors = home.data().join("mirrors");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&mirrors), 0o700);
    let files: Vec<_> =
        std::fs::read_dir(mirrors).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
    // What is broken there is made anew.
    for file in &files {
        std::fs::write(file, "this is no database of any kind, but long enough to look like one")
            .unwrap();
    }
    snapshot(&home, "p", &[]).ok();
    assert_eq!(spans(&home).len() as u64, TRACES * 5);
}

#[test]
fn projects_of_any_name() {
    let phoenix = need!(need::phoenix());
    for (seed, name) in (80..).zip(["a/b?c#d", "with space & % ü", "a.b"]) {
        let direct = Direct::new(&phoenix.open, &unique(name));
        let sent = agent(seed, 2, now() - HOUR, MINUTE);
        direct.send(&sent);
        let proxy = passing(&phoenix.open);
        let home = home(&format!("{}/", proxy.url), &direct.project);
        snapshot(&home, "p", &[]).ok();
        assert_eq!(spans(&home), ids(&sent), "{name}");
        proxy.asked();
        snapshot(&home, "p", &[]).ok();
        assert_eq!(proxy.asked().len(), 1, "{name}");
    }
}

/// Of an old server, that takes no order and gives the newest first.
fn old_answer() -> String {
    let row = |id: &str| {
        let context = json!({"trace_id": "1".repeat(32), "span_id": "2".repeat(16)});
        json!({"id": id, "context": context, "start_time": "2026-01-01T00:00:00Z"})
    };
    let rows = json!({"data": [row("U3Bhbjo5"), row("U3Bhbjo4")], "next_cursor": null}).to_string();
    format!(
        "200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{rows}",
        rows.len()
    )
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    let page = "200 OK\r\ncontent-type: text/html\r\ncontent-length: 12\r\n\r\n<html></html";
    let say = |answer: &str| {
        let answer = answer.to_owned();
        Proxy::before(&phoenix.open, move |_, _| Act::Say(answer.clone())).url
    };
    let near = direct.project.trim_end_matches(char::is_alphanumeric).to_owned() + "x";
    let cases = [
        (say(&old_answer()), "p", 6, "does not list spans as asked", "update Phoenix"),
        (phoenix.open.clone(), near.as_str(), 3, "has no project", "did you mean `project = "),
        (
            format!("{}/base", phoenix.open),
            "p",
            6,
            "is Phoenix, but under another path",
            "`http://127.",
        ),
        ("http://127.0.0.1:1".to_owned(), "p", 6, "cannot reach Phoenix", "does it run there?"),
        (say(page), "p", 6, "is not Phoenix's API", "check the project's `url`"),
        (
            say("200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]"),
            "p",
            6,
            "is not Phoenix's API",
            "check the project's `url`",
        ),
        (
            say("302 Found\r\nlocation: https://sso.example.invalid/\r\ncontent-length: 0\r\n\r\n"),
            "p",
            6,
            "redirects elsewhere",
            "sign in",
        ),
        (
            say("403 Forbidden\r\ncontent-length: 4\r\n\r\nnope"),
            "p",
            4,
            "refuses this key",
            "Viewer",
        ),
        (
            say("500 Oh\r\ncontent-length: 4\r\n\r\noops"),
            "p",
            6,
            "cannot answer (status 500)",
            "again",
        ),
        (say("422 Odd\r\ncontent-length: 4\r\n\r\nhuh?"), "p", 6, "does not understand", "update"),
    ];
    for (url, project, code, sentence, hint) in cases {
        let home = home(&url, project);
        let failed = snapshot(&home, "p", &[]).exits(code);
        assert!(failed.stderr.contains(sentence), "{}", failed.stderr);
        let (_, hints) = failed.stderr.split_once("hint:").unwrap();
        assert!(hints.contains(hint), "{}", failed.stderr);
    }
}

#[test]
fn adding_a_project_looks_at_the_server() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    let home = Home::new();
    let add = |name: &str, url: &str, project: &str, more: &[&str]| {
        let mut all = vec!["project", "add", name, "--source", "phoenix", "--url", url];
        all.extend(["--project", project]);
        all.extend(more);
        home.ask(&all)
    };
    let told = add("demo2", &phoenix.open, &direct.project, &[]).ok().stderr;
    assert!(told.contains("server: Phoenix 20.26.1 at `http://127.0.0.1:"), "{told}");
    assert!(told.contains("its newest span is of 20"), "{told}");
    assert!(told.contains("key: this Phoenix asks for none"), "{told}");
    let stats = home.ask(&["traces", "stats", "--project", "demo2", "--json"]).ok().json();
    assert_eq!(stats["spans"], TRACES * 5);
    for (url, project, code) in [
        ("http://127.0.0.1:1", "x", 6),
        (phoenix.open.as_str(), "never-there", 3),
        ("nowhere", "x", 2),
    ] {
        let failed = add("new", url, project, &[]).exits(code);
        assert_eq!(failed.stderr.contains("--no-check"), code != 2, "{}", failed.stderr);
        home.ask(&["project", "show", "new"]).exits(2);
    }
    add("new", "http://127.0.0.1:1", "x", &["--no-check"]).ok();
    home.ask(&["project", "show", "new"]).ok();
}

#[test]
fn hostile_values_are_only_values() {
    let phoenix = need!(need::phoenix());
    let direct = Direct::new(&phoenix.open, &unique("hostile"));
    let mut span = Sent::new(0xbad, 0xbad, None, now() - HOUR);
    span.name = "\u{1b}[31mred\u{7} ' OR 1=1 --".to_owned();
    span.attributes = vec![
        ("input.value".to_owned(), text(&"x".repeat(3 << 20))),
        ("a.b".to_owned(), text("scalar")),
        ("a.b.c".to_owned(), text("below a scalar")),
        (format!("{}x", "k.".repeat(90)), text("deep")),
        ("output.value".to_owned(), text("\u{202e}\u{0}nul")),
    ];
    direct.send(std::slice::from_ref(&span));
    let home = home(&phoenix.open, &direct.project);
    let shown = home.ask(&["traces", "list", "--project", "p"]).ok();
    assert!(!shown.stdout.contains('\u{1b}'), "{}", shown.stdout);
    snapshot(&home, "p", &[]).ok();
    assert_eq!(spans(&home), ids(&[span]));
}

#[test]
fn a_session_looks_at_the_last_day_of_a_server() {
    let phoenix = need!(need::phoenix());
    need!(need::bubblewrap());
    let direct = Direct::new(&phoenix.open, &unique("session"));
    let (old, new) =
        (agent(90, 3, now() - 40 * HOUR, MINUTE), agent(91, 30, now() - 3 * HOUR, MINUTE));
    direct.send(&old);
    direct.send(&new);
    let proxy = passing(&phoenix.open);
    let home = home(&proxy.url, &direct.project);
    let start = ["session", "start", "--preset", "triage", "--project", "p", "--sandbox", "local"];
    let start = |home: &Home| home.ask(&[&start[..], &["--json"]].concat()).ok().session(home);
    let lines = start(&home);
    assert_eq!(lines.last().unwrap()["outcome"], "succeeded");
    let folder = std::fs::read_dir(home.data().join("sessions")).unwrap().next().unwrap().unwrap();
    let snapshot = rows(&folder.path().join("snapshot.db"));
    assert_eq!(snapshot["trace"].len(), 30);
    assert_eq!(snapshot["span"].len(), 150);
    proxy.asked();
    start(&home);
    assert_eq!(proxy.asked().len(), 1, "the second session fetches what is new: nothing");
    home.nothing_left();
}

#[test]
fn what_nobody_used_for_a_month_is_collected() {
    let phoenix = need!(need::phoenix());
    let direct = corpus(&phoenix);
    let home = home(&phoenix.open, &direct.project);
    snapshot(&home, "p", &[]).ok();
    let collected = || home.ask(&["gc", "--json"]).ok().json()["unused"].as_array().unwrap().len();
    assert_eq!(collected(), 0);
    let old = SystemTime::now() - Duration::from_hours(31 * 24);
    for folder in ["mirrors", "snapshots"] {
        for entry in std::fs::read_dir(home.data().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            // A snapshot is read-only, for its owner too.
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            file.set_modified(old).unwrap();
        }
    }
    assert_eq!(collected(), 2);
    snapshot(&home, "p", &[]).ok();
    assert_eq!(spans(&home).len() as u64, TRACES * 5);
}
