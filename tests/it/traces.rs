//! What is asked of a project's traces: on this machine, and as `traces` in a sandbox.

use crate::acts::texts;
use crate::need;
use crate::support::{Done, Home, need};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const USAGE: i32 = 2;
const CONFIG: i32 = 3;
const LIMIT: i32 = 7;

/// Spans of one trace each, as OTLP's JSON lines: every third in error, each a call of a model.
fn spans(numbers: std::ops::Range<u32>, model: &str) -> String {
    let line = |n: u32| {
        let status = if n.is_multiple_of(3) { 2 } else { 1 };
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let count =
            |key: &str, value: u32| json!({"key": key, "value": {"intValue": value.to_string()}});
        let start = 1_773_050_400_000_000_000_u64 + u64::from(n) * 60_000_000_000;
        let span = json!({
            "traceId": format!("{:032x}", n + 1), "spanId": format!("{:016x}", n + 1), "name": "answer",
            "startTimeUnixNano": start.to_string(),
            "endTimeUnixNano": (start + 1_000_000_000).to_string(),
            "status": {"code": status},
            "attributes": [
                text("openinference.span.kind", "LLM"), text("llm.model_name", model),
                text("input.value", &format!("question {n}")),
                count("llm.token_count.prompt", 1_000), count("llm.token_count.completion", 100),
            ],
        });
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string() + "\n"
    };
    numbers.map(line).collect()
}

fn traces(home: &Home, arguments: &[&str]) -> Done {
    home.ask(&[&["traces"], arguments].concat())
}

/// Every verb answers in JSON and in text, and the next command it names is one that works.
#[test]
fn every_question_leads_to_the_next() {
    let home = Home::new();
    let first = traces(&home, &["list", "--project", "demo", "--errors", "--limit", "1", "--json"]);
    let id = first.ok().json()["traces"][0]["trace_id"].as_str().unwrap().to_owned();
    let metrics = "error_rate,p95_latency,tokens,cost,tool_failure_rate:issue_refund";
    for question in [
        vec!["stats"],
        vec!["stats", "--by", "tool"],
        vec!["stats", "--metric", metrics, "--every", "6h"],
        vec!["list", "--errors", "--since", "2026-03-10"],
        vec!["show", &id],
        vec!["search", "rate limit"],
        vec!["sql", "SELECT trace_id, count(*) FROM spans GROUP BY 1 LIMIT 2"],
    ] {
        let asked = [&question[..], &["--project", "demo"]].concat();
        let json = traces(&home, &[&asked[..], &["--json"]].concat()).ok().json();
        assert_eq!(json["version"], 1, "{question:?}");
        let text = traces(&home, &asked).ok().stdout;
        assert!(text.len() < 20_000, "{question:?} is bounded: {}", text.len());
        assert!(!text.contains('\u{1b}'), "no colour where there is no terminal");
        let next = text.lines().rev().find_map(|line| line.strip_prefix("next: loop "));
        let words: Vec<&str> = next.unwrap_or_else(|| panic!("{text}")).split(' ').collect();
        let then = home.ask(&words).ok().stdout;
        assert!(then.contains("next: "), "{question:?} leads to {words:?}: {then}");
        assert_eq!(traces(&home, &asked).ok().stdout, text, "it is the same every time");
    }
    let wrong = traces(&home, &["stats", "--project", "demo", "--metric", "eror_rate"]);
    let told = wrong.exits(USAGE).stderr;
    assert!(told.contains("did you mean `error_rate`?"), "{told}");
}

/// A snapshot that was written is asked as the project is.
#[test]
fn a_snapshot_is_asked_as_its_project() {
    let home = Home::new();
    traces(&home, &["snapshot", "--project", "demo", "-o", "demo.db"]).ok();
    let of =
        |project: &str| traces(&home, &["stats", "--by", "kind", "--project", project, "--json"]);
    assert_eq!(of("demo.db").ok().json(), of("demo").ok().json());
}

#[test]
fn files_are_imported_once() {
    let home = Home::new();
    home.write("work/one.jsonl", &spans(0..30, "gpt-4.1-mini"));
    home.write("work/two.json", &(spans(20..40, "gpt-4.1-mini") + "no span\n"));
    let import = |files: &[&str]| {
        traces(&home, &[&["import", "--project", "shop", "--json"], files].concat())
    };
    let told = import(&["one.jsonl", "two.json"]).ok().json();
    assert_eq!(told["created"], true);
    assert_eq!(
        (&told["read"], &told["new"], &told["doubled"]),
        (&json!(50), &json!(40), &json!(10))
    );
    assert_eq!(told["left_out"], 1, "{told:#}");
    let stats = || traces(&home, &["stats", "--project", "shop", "--json"]).ok().json();
    let before = stats();
    assert_eq!((&before["total"]["count"], &before["root_errors"]), (&json!(40), &json!(14)));
    // A thousand tokens at 0.40, a hundred at 1.60, for a million each.
    let estimated = before["total"]["estimated_cost_usd"].as_f64().unwrap();
    assert!((estimated - 40.0 * (0.0004 + 0.00016)).abs() < 1e-9, "{estimated}");
    assert_eq!(before["total"]["cost_usd"], Value::Null, "no span says a cost");

    let kept = files_below(&home.data().join("projects"));
    let again = import(&["two.json", "one.jsonl"]).ok().json();
    assert_eq!((&again["new"], &again["created"]), (&json!(0), &json!(false)));
    assert_eq!(again["files"][0]["already"], true);
    assert_eq!(files_below(&home.data().join("projects")), kept, "nothing changed");
    assert_eq!(stats(), before);
    let piped = home.run(&["traces", "import", "-", "--project", "shop", "--json"]);
    let piped = piped.stdin(spans(40..45, "gpt-4.1-mini")).done().ok().json();
    assert_eq!((&piped["new"], &piped["files"][0]["file"]), (&json!(5), &json!("stdin")));
    assert_eq!(stats()["total"]["count"], 45);

    // What the project says of itself is so, and what `rm` says too.
    let shown = home.ask(&["project", "show", "shop", "--json"]).ok().json();
    let folder = shown["path"].as_str().unwrap();
    assert_eq!(Path::new(folder), home.data().join("projects/shop"));
    let removed = home.ask(&["project", "rm", "shop"]).ok().stderr;
    assert!(removed.contains("kept 3 imported files") && removed.contains(folder), "{removed}");
    let back = import(&["one.jsonl"]).ok().json();
    assert_eq!((&back["created"], &back["new"]), (&json!(true), &json!(0)));
    assert_eq!(stats()["total"]["count"], 45, "they were kept");
    home.ask(&["project", "rm", "shop", "--traces"]).ok();
    assert!(!Path::new(folder).exists());
}

fn files_below(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let all = crate::acts::files(folder, &|path| path.is_file());
    let mut all: Vec<_> =
        all.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    all.sort();
    all
}

#[test]
fn what_cannot_be_imported_says_why() {
    let home = Home::new();
    home.write("work/good.jsonl", &spans(0..3, "m"));
    home.write("work/prose.txt", "It was a dark and stormy night.\n");
    home.write(
        "config/config.toml",
        "[projects.far]\nsource = \"phoenix\"\nurl = \"http://localhost:1\"\n\
         [projects.own]\nsource = \"file\"\npath = \"/srv/traces\"\n",
    );
    for (project, files, code, wanted) in [
        ("demo", &["good.jsonl"][..], USAGE, "its traces come from `demo`, not from files"),
        ("far", &["good.jsonl"], USAGE, "its traces come from `phoenix`, not from files"),
        ("own", &["good.jsonl"], USAGE, "its traces are your own, at `/srv/traces`"),
        ("../x", &["good.jsonl"], USAGE, "`../x` is no name"),
        ("new", &["good.jsonl", "prose.txt"], CONFIG, "`prose.txt`"),
        ("new", &["absent.jsonl"], CONFIG, "`absent.jsonl`"),
        ("new", &["."], USAGE, "`.` is a folder"),
    ] {
        let done = traces(&home, &[&["import", "--project", project], files].concat()).exits(code);
        assert!(done.stderr.contains(wanted), "{}", done.stderr);
        assert!(!done.stderr.contains(".import-"), "{}", done.stderr);
    }
    let left = files_below(&home.data().join("projects"));
    assert!(left.is_empty(), "all or nothing: {left:?}");
    let listed = home.ask(&["project", "list", "--json"]).ok().stdout;
    assert!(!listed.contains("\"new\""), "no project was made for nothing: {listed}");
}

/// Killed at any moment, an import leaves the whole of it or nothing that is seen; again, it is whole.
#[test]
fn an_import_that_is_killed() {
    let home = Home::new();
    home.write("work/many.jsonl", &spans(0..40_000, "m"));
    home.write("work/few.jsonl", &spans(40_000..40_010, "m"));
    let import = ["traces", "import", "few.jsonl", "many.jsonl", "--project", "shop", "--json"];
    let folder = home.data().join("projects/shop");
    let mut stages = 0;
    for wait in [0, 5, 20, 60, 150, 400] {
        let running = home.run(&import).start();
        std::thread::sleep(Duration::from_millis(wait));
        running.signal(nix::sys::signal::Signal::SIGKILL);
        running.done();
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let names: Vec<_> =
            entries.map(|one| one.file_name().to_string_lossy().into_owned()).collect();
        stages += names.iter().filter(|name| name.starts_with(".import-")).count();
        for name in names.iter().filter(|name| !name.starts_with('.')) {
            let lines = std::fs::read_to_string(folder.join(name)).unwrap().lines().count();
            assert!([10, 40_000].contains(&lines), "{name} has {lines} lines");
        }
    }
    assert!(stages > 0, "not once was it killed on the way");
    let told = home.ask(&import).ok().json();
    assert_eq!(told["read"], 40_010);
    let stats = traces(&home, &["stats", "--project", "shop", "--json"]).ok().json();
    assert_eq!(stats["total"]["count"], 40_010);
    let left = crate::acts::files(&folder, &|path| path.to_string_lossy().contains(".import-"));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn prices_are_the_users_to_set() {
    let home = Home::new();
    home.write("work/t.jsonl", &(spans(0..4, "house-1") + &spans(4..10, "gpt-4.1-mini")));
    let stats = || traces(&home, &["stats", "--project", "./t.jsonl", "--json"]);
    let before = stats().ok().json();
    assert_eq!(before["costs"]["unpriced_models"], json!([{"model": "house-1", "calls": 4}]));
    let text = traces(&home, &["stats", "--project", "./t.jsonl"]).ok().stdout;
    assert!(text.contains("4 of 10 model calls have no price"), "{text}");
    home.write(
        "config/prices.toml",
        "[[price]]\nmodels = [\"house-*\"]\ninput = 1\noutput = 10\n\
         [[price]]\nmodels = [\"gpt-4.1-mini\"]\ninput = 0\noutput = 0\n",
    );
    let after = stats().ok().json();
    assert_eq!(after["costs"]["unpriced"], 0);
    let usd = after["total"]["estimated_cost_usd"].as_f64().unwrap();
    assert!((usd - 4.0 * 0.002).abs() < 1e-9, "one's own price comes first: {usd}");
    home.write("config/prices.toml", "[[price]]\nmodel = \"x\"\ninput = 1\noutput = 1\n");
    let told = stats().exits(CONFIG).stdout;
    assert!(told.contains("did you mean `models`?"), "{told}");
    // A repository's are not used before they are allowed.
    std::fs::remove_file(home.config().join("prices.toml")).unwrap();
    home.write("work/.loop/prices.toml", "[[price]]\nmodels = [\"*\"]\ninput = 9\noutput = 9\n");
    let told = stats().exits(CONFIG).stdout;
    assert!(told.contains("loop allow"), "{told}");
}

/// A query that SQLite itself would not end, and one that would take all memory.
#[test]
fn a_query_takes_no_more_than_it_may() {
    let home = Home::new();
    let sql = |query: &str| traces(&home, &["sql", "--project", "demo", query]);
    let endless =
        "SELECT instr(printf('%.*c', 60000000, 'a'), printf('%.*c', 30000000, 'a') || 'b')";
    let done = sql(endless).exits(LIMIT);
    assert!(done.stderr.contains("took longer than it may"), "{}", done.stderr);
    assert!(done.took < Duration::from_secs(20), "{:?}", done.took);
    let rows = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 1000000)";
    for bomb in [
        "WITH RECURSIVE c(x) AS (SELECT randomblob(9000000) UNION SELECT randomblob(9000000) FROM c) \
         SELECT count(*) FROM c"
            .to_owned(),
        "SELECT length(group_concat(hex(randomblob(200000)))) FROM spans".to_owned(),
        format!("{rows} SELECT count(DISTINCT n || hex(randomblob(200000))) FROM c"),
        format!("{rows} SELECT n FROM c ORDER BY hex(randomblob(200000))"),
    ] {
        // On a busy machine its time is over before.
        let done = sql(&bomb).exits(LIMIT);
        assert!(done.stderr.contains("than it may"), "{bomb}: {}", done.stderr);
    }
}

/// In a sandbox there is the evidence of the session, and nothing else.
#[test]
fn a_worker_reaches_its_own_project_alone() {
    need!(need::bubblewrap());
    let home = Home::new();
    let other = home.write("work/other.jsonl", &spans(0..3, "m"));
    let script = format!(
        "traces stats | head -2; for p in other demo.db {other} demo; do \
         traces list --limit 1 --project $p >/tmp/out 2>/tmp/err; echo \"$p: $?\"; \
         grep error: /tmp/err; grep because: /tmp/err; done; \
         traces import x --project y 2>&1 | head -1; traces stats --since 2026-03-10 --json | \
         grep -o '\"complete\": [a-z]*'; traces list --limit 1 | tail -1",
        other = other.display()
    );
    home.script("looker", "local", &script, "network = \"none\"\n");
    let window = ["--since", "2026-03-09T12:00:00Z"];
    let start = ["session", "start", "--preset", "looker", "--project", "demo", "--json", "x"];
    let lines = home.ask(&[&start[..], &window].concat()).ok().session(&home);
    let said = texts(&lines, "assistant");
    let mut told = said.lines();
    let first = told.next().unwrap();
    assert!(
        first.starts_with("project demo (demo): ")
            && first.contains("window since 2026-03-09 12:00:00"),
        "{said}"
    );
    assert!(
        told.next().unwrap().contains("spans of traces that start outside the window"),
        "{said}"
    );
    for wanted in [
        "other: 2",
        "error: `other` cannot be reached from this sandbox",
        "because: its session is bound to the project `demo` alone",
        "demo.db: 2",
        &format!("{}: 2", other.display()),
        "\ndemo: 0",
        "error: nothing is imported in a sandbox",
        "\"complete\": true",
        "next: traces show ",
    ] {
        assert!(said.contains(wanted), "no `{wanted}`: {said}");
    }
    assert!(!said.contains("next: loop"), "{said}");
    // Without a project there is nothing to reach.
    home.script("blind", "local", "traces stats --project demo 2>&1", "");
    let start = ["session", "start", "--preset", "blind", "--json", "x"];
    let lines = home.ask(&start).session(&home);
    assert!(
        texts(&lines, "assistant").contains("this session has no traces to look at"),
        "{lines:#?}"
    );
    home.nothing_left();
}
