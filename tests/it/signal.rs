//! Signal on the demo's traces: issues found, looked into, fixed, and watched until they are gone; and
//! back.

use crate::acts::valid_as;
use crate::github_server::GitHub;
use crate::model_server::ModelServer;
use crate::model_server::script::{say, shell};
use crate::need;
use crate::support::{Done, Home, need};
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const DAY_US: i64 = 86_400_000_000;

/// After all of the demo's own traces, which are of 9 to 11 March 2026.
const MERGED_AT: &str = "2026-03-13T00:00:00Z";

/// A home with a project `shop` of files, which grow.
struct Rig {
    home: Home,
    demo: Connection,
    /// Variables of every command.
    env: Vec<(String, String)>,
}

impl Rig {
    fn new() -> Self {
        let home = Home::new();
        let file = home.path().join("demo.db");
        let file = file.to_str().unwrap();
        home.ask(&["traces", "snapshot", "--project", "demo", "-o", file]).ok();
        let demo = Connection::open(file).unwrap();
        let rig = Self { home, demo, env: Vec::new() };
        rig.add(0, &BTreeSet::new());
        let folder = rig.home.path().join("traces");
        let folder = folder.to_str().unwrap();
        rig.home.ask(&["project", "add", "shop", "--source", "file", "--path", folder]).ok();
        rig
    }

    fn ask(&self, arguments: &[&str]) -> Done {
        let run = self.home.run(arguments);
        self.env.iter().fold(run, |run, (name, value)| run.env(name, value)).done()
    }

    /// The demo's traces once more, so many days later and with other ids, without some of them.
    fn add(&self, days: i64, without: &BTreeSet<String>) {
        let sql = "SELECT trace_id, span_id, parent_id, name, kind, start_us, end_us, status,
            status_message, attributes, input, output, model, provider, tool, agent, session_id,
            user_id, prompt_tokens, completion_tokens, total_tokens, cost_usd FROM spans ORDER BY n";
        let mut statement = self.demo.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut text = String::new();
        while let Some(row) = rows.next().unwrap() {
            let trace: String = row.get(0).unwrap();
            if !without.contains(&trace) {
                text.push_str(&format!("{}\n", self.line(row, days)));
            }
        }
        self.home.write(&format!("traces/day-{days:03}.jsonl"), &text);
    }

    /// A span as OpenInference exports have it.
    fn line(&self, row: &rusqlite::Row, days: i64) -> Value {
        let text = |at: usize| row.get::<_, Option<String>>(at).unwrap();
        let time = |at: usize| {
            let us = row.get::<_, i64>(at).unwrap() + days * DAY_US;
            jiff::Timestamp::from_microsecond(us).unwrap().to_string()
        };
        let mut attributes: Map<String, Value> = serde_json::from_str(&text(9).unwrap()).unwrap();
        for (at, name) in [
            (10, "input.value"),
            (11, "output.value"),
            (12, "llm.model_name"),
            (13, "llm.provider"),
            (14, "tool.name"),
            (15, "agent.name"),
            (16, "session.id"),
            (17, "user.id"),
        ] {
            if let Some(text) = text(at) {
                let text = if name == "session.id" { format!("{text}-{days}") } else { text };
                attributes.insert(name.to_owned(), text.into());
            }
        }
        for (at, name) in [
            (18, "llm.token_count.prompt"),
            (19, "llm.token_count.completion"),
            (20, "llm.token_count.total"),
        ] {
            if let Some(number) = row.get::<_, Option<i64>>(at).unwrap() {
                attributes.insert(name.to_owned(), number.into());
            }
        }
        if let Some(cost) = row.get::<_, Option<f64>>(21).unwrap() {
            attributes.insert("llm.cost.total".to_owned(), json!(cost));
        }
        let (trace, span) = (text(0).unwrap(), text(1).unwrap());
        let id = |id: &str| later(id, days);
        json!({
            "name": text(3),
            "context": {"trace_id": id(&trace), "span_id": id(&span)},
            "parent_id": text(2).map(|parent| id(&parent)),
            "span_kind": text(4),
            "start_time": time(5),
            "end_time": time(6),
            "status_code": text(7),
            "status_message": text(8).unwrap_or_default(),
            "attributes": attributes,
            "events": self.events(&trace, &span, days),
        })
    }

    fn events(&self, trace: &str, span: &str, days: i64) -> Vec<Value> {
        let sql =
            "SELECT name, time_us, attributes FROM events WHERE trace_id = ?1 AND span_id = ?2
            ORDER BY i";
        let mut statement = self.demo.prepare_cached(sql).unwrap();
        let event = |row: &rusqlite::Row| {
            let at = row.get::<_, i64>(1)? + days * DAY_US;
            let attributes: Value = serde_json::from_str(&row.get::<_, String>(2)?).unwrap();
            let at = jiff::Timestamp::from_microsecond(at).unwrap().to_string();
            Ok(json!({"name": row.get::<_, String>(0)?, "timestamp": at, "attributes": attributes}))
        };
        statement.query_map([trace, span], event).unwrap().map(Result::unwrap).collect()
    }

    /// The demo's traces of which an error's type is this.
    fn failing(&self, error: &str) -> BTreeSet<String> {
        let sql = "SELECT DISTINCT trace_id FROM spans WHERE error_type = ?1";
        let mut statement = self.demo.prepare(sql).unwrap();
        statement.query_map([error], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// A run of Signal, as it is told.
    fn look(&self, more: &[&str]) -> Value {
        let done = self.ask(&[&["signal", "run", "shop", "--json"], more].concat()).ok();
        let run = done.json();
        valid_as(&self.home, "signal_run", std::slice::from_ref(&run));
        run
    }

    fn issues(&self, status: &str) -> Vec<Value> {
        let all = self.ask(&["signal", "issues", "--status", status, "--json"]).ok().json();
        let all = all.as_array().unwrap().clone();
        valid_as(&self.home, "issue", &all);
        all
    }

    fn issue(&self, word: &str) -> Value {
        let all = self.issues("all");
        let found = all.into_iter().find(|one| one["title"].as_str().unwrap().contains(word));
        found.unwrap_or_else(|| panic!("no issue is of `{word}`"))
    }

    /// What its card says.
    fn show(&self, id: &str) -> Value {
        self.ask(&["signal", "issue", "show", id, "--json"]).ok().json()
    }

    /// The states that it has been through.
    fn states(&self, id: &str) -> Vec<String> {
        let history = self.show(id)["life"]["history"].clone();
        let states = history.as_array().unwrap().iter().filter_map(|one| one["state"].as_str());
        states.map(str::to_owned).collect()
    }
}

/// The same id for the same day, and another for every other.
fn later(id: &str, days: i64) -> String {
    let number = u128::from_str_radix(id, 16).unwrap();
    let mask = if id.len() == 16 { u128::from(u64::MAX) } else { u128::MAX };
    format!("{:0width$x}", number.wrapping_add(days as u128) & mask, width = id.len())
}

fn id(issue: &Value) -> String {
    issue["id"].as_str().unwrap().to_owned()
}

fn state(issue: &Value) -> &str {
    issue["life"]["state"].as_str().unwrap()
}

/// Found, looked into, fixed, merged, gone, and back: with a worker that needs no model, and a pull
/// request that a person names.
#[test]
fn a_whole_life() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    let first = rig.look(&[]);
    assert_eq!((&first["traces"], &first["fresh"]), (&json!(420), &json!(420)));
    let found = first["changes"].as_array().unwrap();
    assert!(found.len() >= 8 && found.iter().all(|one| one["state"] == "open"), "{first:#}");
    let again = rig.look(&[]);
    assert_eq!(
        (&again["fresh"], &again["changes"]),
        (&json!(0), &json!([])),
        "nothing counts twice"
    );

    let issue = rig.issue("InvalidOrderIdError");
    let id = id(&issue);
    let failing = rig.failing("InvalidOrderIdError");
    assert_eq!(issue["life"]["traces"], failing.len(), "{issue:#}");
    let prefix = &id[..6];
    let sandbox = ["--preset", "triage", "--sandbox", "local"];
    rig.ask(&[&["signal", "issue", "investigate", prefix], &sandbox[..]].concat()).ok();
    let shown = rig.show(prefix);
    assert_eq!(state(&shown), "open");
    let investigation = shown["life"]["investigation"].as_str().unwrap();
    assert!(std::fs::read_to_string(investigation).unwrap().contains("InvalidOrderIdError"));
    assert_eq!(shown["life"]["next"], Value::Null, "nobody need look again");

    let url = "https://git.acme.com/shop/pull/7";
    let assigned =
        ["signal", "issue", "assign-pr", prefix, url, "--merged", "--at", MERGED_AT, "--json"];
    let merged = rig.ask(&assigned).ok().json();
    assert_eq!((state(&merged), &merged["life"]["pull_request"]), ("merged", &json!(url)));
    let needed = merged["life"]["watch"]["needed"].as_u64().unwrap();
    assert!((20..200).contains(&needed), "{needed}");
    // Some traces without it are not enough.
    let all: BTreeSet<String> = rig.all();
    let few: BTreeSet<String> = all.iter().filter(|id| !few_of(id)).cloned().collect();
    rig.add(7, &few.union(&failing).cloned().collect());
    rig.look(&[]);
    let watched = rig.show(prefix);
    let without = watched["life"]["watch"]["without"].as_u64().unwrap();
    assert_eq!(state(&watched), "merged");
    assert!(without > 0 && without < needed, "{without} of {needed}");
    rig.add(14, &failing);
    let run = rig.look(&[]);
    assert!(run["changes"].to_string().contains("verified gone"), "{run:#}");
    assert_eq!(state(&rig.show(prefix)), "verified gone");
    assert!(rig.issues("open").iter().all(|one| one["id"] != id), "it is over");
    // One trace with it is enough.
    let one = failing.iter().next().unwrap().clone();
    let others: BTreeSet<String> = all.into_iter().filter(|id| *id != one).collect();
    rig.add(21, &others);
    let run = rig.look(&[]);
    assert_eq!((&run["fresh"], &run["changes"][0]["state"]), (&json!(1), &json!("regressed")));
    let back = rig.show(prefix);
    assert_eq!(back["life"]["traces"], failing.len() + 1);
    assert_eq!(back["life"]["next"], "it is back");
    assert_eq!(
        rig.states(&id),
        ["open", "investigating", "open", "fix proposed", "merged", "verified gone", "regressed"]
    );
    let status = rig.ask(&["signal", "status", "shop", "--json"]).ok().json();
    valid_as(&rig.home, "signal", std::slice::from_ref(&status));
    rig.home.nothing_left();
}

/// One in forty.
fn few_of(id: &str) -> bool {
    u64::from_str_radix(&id[..8], 16).unwrap().is_multiple_of(40)
}

impl Rig {
    fn all(&self) -> BTreeSet<String> {
        let mut statement = self.demo.prepare("SELECT trace_id FROM traces").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

/// What a person says of an issue holds until it is seen again, or whatever comes.
#[test]
fn a_persons_word() {
    let rig = Rig::new();
    rig.look(&[]);
    let (timeout, orders) = (rig.issue("ReadTimeout"), rig.issue("InvalidOrderIdError"));
    let (timeout, orders) = (id(&timeout), id(&orders));
    // Demo traces are of the past: the word is given before the traces that come now.
    let act = |verb: &str, id: &str| rig.ask(&["signal", "issue", verb, id, "--json"]).ok().json();
    assert_eq!(state(&act("mute", &orders)), "muted");
    assert_eq!(state(&act("resolve", &timeout)), "resolved");
    assert!(rig.ask(&["signal", "issue", "resolve", &timeout]).ok().stderr.contains("already"));
    let far = 400;
    rig.add(far, &BTreeSet::new());
    rig.look(&[]);
    assert_eq!(state(&rig.show(&timeout)), "regressed");
    let muted = rig.show(&orders);
    assert_eq!(state(&muted), "muted");
    assert_eq!(muted["life"]["traces"], 2 * rig.failing("InvalidOrderIdError").len());
    assert_eq!(state(&act("reopen", &orders)), "open");
    let wrong = rig.ask(&["signal", "issues", "--status", "regresed"]).exits(2);
    assert!(wrong.stderr.contains("did you mean `regressed`?"), "{}", wrong.stderr);
    rig.ask(&["signal", "issue", "show", "zzzz"]).exits(2);
}

/// Two runs at once: one goes on, the other says so.
#[test]
fn one_run_at_a_time() {
    let rig = Rig::new();
    rig.look(&[]);
    let lock = std::fs::File::open(rig.home.data().join("signal/shop.lock")).unwrap();
    let lock = nix::fcntl::Flock::lock(lock, nix::fcntl::FlockArg::LockExclusive).unwrap();
    let done = rig.ask(&["signal", "run", "shop"]).exits(2);
    assert!(done.stderr.contains("is going on already"), "{}", done.stderr);
    assert_eq!(rig.look_at("demo")["fresh"], 420, "another project");
    drop(lock);
    rig.look(&[]);
}

impl Rig {
    fn look_at(&self, project: &str) -> Value {
        self.ask(&["signal", "run", project, "--json"]).ok().json()
    }
}

/// A killed run has counted everything or nothing, and the next one goes on.
#[test]
fn a_killed_run_counts_nothing_twice() {
    let rig = Rig::new();
    for after in [5, 40, 120, 250, 400, 700] {
        let running = rig.home.run(&["signal", "run", "shop", "--json"]).start();
        std::thread::sleep(std::time::Duration::from_millis(after));
        running.signal(nix::sys::signal::Signal::SIGKILL);
        running.done();
    }
    rig.look(&[]);
    let issue = rig.issue("InvalidOrderIdError");
    assert_eq!(issue["life"]["traces"], rig.failing("InvalidOrderIdError").len());
    let runs = rig.show(&id(&issue))["life"]["runs"].as_array().unwrap().len();
    assert_eq!(runs, 1);
}

/// What comes to nothing twice is left to a person.
#[test]
fn a_worker_that_fails() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    rig.home.script("broken", "local", "exit 1", "");
    let look = || rig.look(&["--preset", "broken", "--top", "1"]);
    let first = look();
    let id = id(&rig.issues("open")[0]);
    assert_eq!(first["sessions"], 1);
    assert_eq!(rig.show(&id)["life"]["next"], "it is new", "one more time");
    look();
    let shown = rig.show(&id);
    let states = ["open", "investigating", "open", "investigating", "open"];
    assert_eq!(rig.states(&id), states);
    assert_eq!(shown["life"]["sessions"].as_array().unwrap().len(), 2);
    assert!(shown["life"]["history"].to_string().contains("came to nothing"), "{shown:#}");
    assert_eq!(shown["life"]["next"], Value::Null);
    look();
    assert_eq!(rig.show(&id)["life"]["sessions"].as_array().unwrap().len(), 2, "it takes another");
    rig.home.nothing_left();
}

/// The command is killed before its worker works, or while it does: the next run takes in what there is.
#[test]
fn a_killed_run_leaves_its_worker() {
    need!(need::bubblewrap());
    for works in [false, true] {
        let rig = Rig::new();
        let script = "sleep 2; printf '# T\\n\\n## Overview\\nIt is so.\\n\\n## Evidence\\nx\\n\\n\
            ## Proposed fix\\ny\\n' > /artifacts/investigation.md; echo done";
        rig.home.script("slow", "local", script, "");
        let run = ["signal", "run", "shop", "--preset", "slow", "--top", "1", "--json"];
        let running = rig.home.run(&run).start();
        let began = std::time::Instant::now();
        let is_there = |rig: &Rig| {
            let told = rig.ask(&["session", "list", "--status", "running", "--json"]).ok().json();
            !works || !told.as_array().unwrap().is_empty()
        };
        let id = loop {
            if let Some(issue) = rig.issues("investigating").first().filter(|_| is_there(&rig)) {
                break id(issue);
            }
            assert!(began.elapsed().as_secs() < 60, "nobody looks into anything");
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        running.signal(nix::sys::signal::Signal::SIGKILL);
        running.done();
        while state(&rig.show(&id)) == "investigating" {
            rig.look(&["--top", "0"]);
            assert!(began.elapsed().as_secs() < 90, "{:#}", rig.show(&id));
        }
        let shown = rig.show(&id);
        assert_eq!(state(&shown), "open");
        let looked = shown["life"]["investigation"].is_string();
        assert!(looked || shown["life"]["next"] == "it is new" && !works, "{shown:#}");
        rig.ask(&["gc"]).ok();
        rig.home.nothing_left();
    }
}

/// The check that an issue is made into tells its rows apart by itself.
#[test]
fn an_issue_becomes_a_check() {
    need!(need::command("python3"));
    let rig = Rig::new();
    rig.look(&[]);
    let id = id(&rig.issue("InvalidOrderIdError"));
    let done = rig.ask(&["signal", "issue", "to-eval", &id, "-o", "check"]).ok();
    assert_eq!(done.stdout, "check/dataset.jsonl\ncheck/evaluator.py\n");
    let folder = rig.home.path().join("work/check");
    let rows = std::fs::read_to_string(folder.join("dataset.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let count = |label: &str| rows.iter().filter(|row| row["label"] == label).count();
    assert!(count("fail") >= 3 && count("pass") >= 1, "{rows:#?}");
    let python = |file: &str| {
        let done = std::process::Command::new("python3").arg(folder.join(file)).output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let (code, said) = python("evaluator.py");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("{0} of {0} rows as labelled", rows.len())), "{said}");
    // A wrong label is found out.
    let text = std::fs::read_to_string(folder.join("dataset.jsonl")).unwrap();
    let wrong = text.replacen("\"label\":\"fail\"", "\"label\":\"pass\"", 1);
    std::fs::write(folder.join("dataset.jsonl"), wrong).unwrap();
    assert_eq!(python("evaluator.py").0, Some(1));
    // What is there is somebody's work.
    rig.ask(&["signal", "issue", "to-eval", &id, "-o", "check"]).exits(2);
}

/// The settings, as people make and change them.
#[test]
fn enabling_and_disabling() {
    let rig = Rig::new();
    let file = rig.home.config().join("automations/signal-shop.toml");
    let text = || std::fs::read_to_string(&file).unwrap();
    rig.ask(&["signal", "enable", "shop", "--preset", "none", "--every", "1h"]).ok();
    assert!(text().contains("cron = \"0 * * * *\"") && text().contains("top = 0"), "{}", text());
    rig.ask(&["signal", "attach-repo", "shop", "acme/shop"]).ok();
    rig.ask(&["signal", "enable", "shop", "--top", "2", "--budget", "5", "--context", "x"]).ok();
    let status = rig.ask(&["signal", "status", "shop", "--json"]).ok().json();
    assert_eq!((&status["enabled"], &status["top"]), (&json!(true), &json!(2)), "{status:#}");
    assert_eq!((&status["repo"], &status["context"]), (&json!("acme/shop"), &json!("x")));
    assert!(status["next_at"].is_string());
    rig.ask(&["signal", "detach-repo", "shop"]).ok();
    rig.ask(&["signal", "disable", "shop"]).ok();
    let status = rig.ask(&["signal", "status", "shop", "--json"]).ok().json();
    assert_eq!((&status["enabled"], &status["repo"]), (&json!(false), &Value::Null));
    for wrong in [
        &["enable", "shp"][..],
        &["enable", "shop", "--every", "7m"],
        &["enable", "shop", "--cron", "0 30 2 * *"],
        &["enable", "shop", "--preset", "nobody"],
        &[
            "enable",
            "demo",
            "--context",
            "key sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ],
        &["disable", "demo"],
        &["attach-repo", "shop", "not a repository"],
    ] {
        let before = text();
        let done = rig.ask(&[&["signal"], wrong].concat());
        assert_eq!(done.code, Some(2), "{wrong:?}: {}", done.stderr);
        assert_eq!(text(), before);
    }
}

/// An automation with a `[signal]` table is a run of Signal, and has a row like any other.
#[test]
fn an_automation_performs_it() {
    let rig = Rig::new();
    rig.ask(&["signal", "enable", "shop", "--preset", "none"]).ok();
    let done = rig.ask(&["automation", "run", "signal-shop", "--wait", "--json"]).ok();
    let fire = done.json();
    assert_eq!(
        (&fire["state"], &fire["outcome"]),
        (&json!("done"), &json!("succeeded")),
        "{fire:#}"
    );
    assert!(fire["reason"].as_str().unwrap().contains("420 of 420 traces were new"), "{fire:#}");
    assert!(rig.issues("open").len() >= 8);
    let shown = rig.ask(&["signal", "status", "shop", "--json"]).ok().json();
    assert_eq!(shown["runs"].as_array().unwrap().len(), 1);
}

/// Real Claude Code, a scripted model, a Git server and a fake forge: the worst issue is looked into and
/// a fix is proposed; it is merged, and the failure stays away; and comes back.
#[test]
fn a_fix_by_claude_code() {
    need!(need::program("claude"));
    let engine = need!(need::docker());
    let image = need!(need::image());
    let token = "ghx-canary-5b1d9e7f30a24c68";
    let github = GitHub::start(token);
    github.repositories.make("acme/shop", &[("limit.txt", "80000\n")]);
    let mut rig = Rig::new();
    rig.env = vec![
        ("GH_TOKEN".to_owned(), token.to_owned()),
        ("MODEL_KEY".to_owned(), "model-key-canary-2".to_owned()),
    ];
    rig.home.write("config/skills/github.toml", &github.skill());
    rig.look(&[]);
    let issue = rig.issues("open")[0].clone();
    let id = id(&issue);
    assert!(issue["title"].as_str().unwrap().contains("RateLimitError"), "{issue:#}");
    let cited: Vec<&str> =
        issue["examples"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let steps = vec![shell(&fix(&cited[..3].join(" "))), say("Half of it.")];
    let lane = ModelServer::shared().lane("signal-claude", steps);
    rig.home.preset("signal", &bundled(&lane.url(&engine.gateway), &image));
    let context = "the limit is per minute";
    rig.ask(&["signal", "enable", "shop", "--top", "1", "--context", context]).ok();
    rig.ask(&["signal", "attach-repo", "shop", "acme/shop"]).ok();
    let run = rig.look(&[]);
    assert_eq!(run["sessions"], 1, "{run:#}");
    let shown = rig.show(&id);
    assert_eq!(state(&shown), "fix proposed", "{run:#}\n{shown:#}");
    let pulls = github.pulls();
    assert_eq!((pulls.len(), &pulls[0]["html_url"]), (1, &shown["life"]["pull_request"]));
    let told = lane.asked()[0].body.to_string();
    for wanted in [context, &id, cited[0], "RateLimitError"] {
        assert!(told.contains(wanted), "the worker is told `{wanted}`: {told}");
    }
    no_more_than_allowed(&rig);
    // It is still open, so nothing changes; then it is merged.
    assert_eq!(rig.look(&["--top", "0"])["changes"], json!([]));
    github.edit(1, |pull| {
        pull["state"] = json!("closed");
        pull["merged_at"] = json!(MERGED_AT);
    });
    rig.add(14, &rig.failing("RateLimitError"));
    rig.look(&["--top", "0"]);
    assert_eq!(state(&rig.show(&id)), "verified gone");
    rig.add(21, &BTreeSet::new());
    rig.look(&["--top", "0"]);
    assert_eq!(
        rig.states(&id),
        ["open", "investigating", "open", "fix proposed", "merged", "verified gone", "regressed"]
    );
    rig.home.nothing_left();
}

/// Commits, and an investigation that cites this.
fn fix(cited: &str) -> String {
    format!(
        "git checkout -q -b slower; echo 40000 > limit.txt; git commit -qam 'limit: half of it'; \
         printf '# Too many tokens a minute\n\n## Overview\nThe limit is hit.\n\n## Evidence\n%s\n\n\
         ## Proposed fix\nLess.\n' '{cited}' > /artifacts/investigation.md"
    )
}

/// The bundled preset, for a scripted model.
fn bundled(url: &str, image: &str) -> String {
    let provider = format!(
        "[provider]\nbase_url = \"{url}\"\nsecret = \"MODEL_KEY\"\n\n[sandbox]\n\
         provider = \"docker\"\nimage = \"{image}\"\n"
    );
    let text = include_str!("../../presets/signal.toml");
    text.replace("[sandbox]\n", &provider).replace("4GiB", "2GiB")
}

/// What a session cost counts, and no more is spent than allowed.
fn no_more_than_allowed(rig: &Rig) {
    let status = rig.ask(&["signal", "status", "shop", "--json"]).ok().json();
    let spent = status["spent_usd"].as_f64().unwrap();
    assert!(spent > 0.0, "{status:#}");
    let allowed = format!("{:.4}", spent + 0.001);
    rig.ask(&["signal", "enable", "shop", "--budget", &allowed]).ok();
    let other = rig.issues("open")[1]["id"].as_str().unwrap().to_owned();
    let refused = rig.ask(&["signal", "issue", "investigate", &other]).exits(7);
    assert!(refused.stderr.contains("the day's money is spent"), "{}", refused.stderr);
    let run = rig.look(&[]);
    assert_eq!(run["sessions"], 0);
    assert!(run["notes"].to_string().contains("the day's money is spent"), "{run:#}");
}

/// A fix whose investigation does not show the failure is not proposed.
#[test]
fn a_fix_without_evidence() {
    need!(need::bubblewrap());
    let token = "ghx-canary-0c4d8a1e6b72f935";
    let github = GitHub::start(token);
    github.repositories.make("acme/shop", &[("limit.txt", "80000\n")]);
    let mut rig = Rig::new();
    rig.env = vec![("GH_TOKEN".to_owned(), token.to_owned())];
    rig.home.write("config/skills/github.toml", &github.skill());
    let script = format!("read -r asked; {}; echo done", fix("none that I know of"));
    rig.home.script("sloppy", "local", &script, "");
    rig.ask(&["signal", "enable", "shop", "--preset", "sloppy", "--top", "1"]).ok();
    rig.ask(&["signal", "attach-repo", "shop", "acme/shop"]).ok();
    let run = rig.look(&[]);
    assert_eq!((&run["sessions"], github.opened()), (&json!(1), 0), "{run:#}");
    let notes = run["notes"].to_string();
    assert!(notes.contains("no pull request") && notes.contains("cites 0 of"), "{notes}");
    let shown = rig.show(&id(&rig.issues("open")[0]));
    assert_eq!((state(&shown), &shown["life"]["pull_request"]), ("open", &Value::Null));
    assert!(shown["life"]["history"].to_string().contains("no pull request"), "{shown:#}");
    rig.home.nothing_left();
}
