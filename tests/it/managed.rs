//! Managed sessions: the vendor's own client against the scripted server, and the program against it.

use crate::acts::texts;
use crate::managed_server::script::{Act, answers, call, calls, idle, result, says};
use crate::managed_server::{KEY, Vendor};
use crate::support::{Done, Home, Run, cache};
use serde_json::json;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The vendor's own client, where it is there.
fn python() -> Option<PathBuf> {
    Some(cache().join("anthropic/bin/python")).filter(|python| python.exists())
}

/// The vendor's own client gets along with the scripted server, so that the server is right by a
/// measure that is not ours.
#[test]
fn the_vendors_client_drives_the_scripted_server() {
    let Some(python) = python() else {
        crate::skip!("the vendor's client is not there; tests/rig/anthropic-sdk.sh makes it");
    };
    let vendor = Vendor::start();
    vendor.script([
        vec![
            says("I look."),
            Act::Ask(vec![call("bash", json!({ "command": "rm -rf /" }), "ask")]),
            Act::Output { name: "report.md", bytes: b"# Report\n".to_vec(), late_ms: 0 },
            Act::Used(10, 5, 2),
            idle("end_turn"),
        ],
        [vec![Act::WaitForInterrupt], answers("never")].concat(),
    ]);
    let done = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/managed_sdk.py"))
        .arg(vendor.url())
        .env_clear()
        .env("T", KEY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "well", "{said}");
}

/// A home whose preset `managed` runs at the scripted vendor.
struct Rig {
    home: Home,
    vendor: Vendor,
}

const OPTIONS: &str = "agent = \"triage\"\nenvironment = \"plain\"\n";

impl Rig {
    fn new() -> Self {
        let rig = Self { home: Home::new(), vendor: Vendor::start() };
        rig.preset("managed", &format!("{OPTIONS}create = true\n"), "");
        rig
    }

    fn preset(&self, name: &str, options: &str, more: &str) {
        let text = format!(
            "harness = \"claude-code\"\nmodel = \"claude-opus-5-5\"\n{more}\n[sandbox]\n\
             provider = \"claude-managed\"\n[sandbox.claude-managed]\n{options}"
        );
        self.home.preset(name, &text);
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let run = self.home.run(arguments);
        run.env("ANTHROPIC_API_KEY", KEY).env("ANTHROPIC_BASE_URL", &self.vendor.url())
    }

    fn ask(&self, arguments: &[&str]) -> Done {
        self.run(arguments).done()
    }

    /// Starts one and leaves; its id here and at the vendor's.
    fn detach(&self, more: &[&str]) -> (String, String) {
        let arguments = [&["session", "start", "--preset", "managed", "--detach", "--json"], more];
        let started = self.ask(&arguments.concat()).ok().last();
        let at_vendor = self.vendor.sessions().pop().unwrap()["id"].as_str().unwrap().to_owned();
        (started["session"].as_str().unwrap().to_owned(), at_vendor)
    }

    fn is_archived(&self, id: &str) -> bool {
        let sessions = self.vendor.sessions();
        let session = sessions.iter().find(|session| session["id"] == id).unwrap();
        !session["archived_at"].is_null()
    }

    fn has(&self, id: &str, kind: &str) -> bool {
        self.vendor.events(id).iter().any(|event| event["type"] == kind)
    }

    /// Waits until the vendor's log of a session holds such an event.
    fn wait_for(&self, id: &str, kind: &str) {
        let began = Instant::now();
        while !self.has(id, kind) {
            assert!(began.elapsed() < Duration::from_secs(20), "no {kind} in the log of {id}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

const INVESTIGATION: &str =
    "# Refunds\n\n## Overview\nIt fails.\n\n## Evidence\nNone.\n\n## Proposed fix\nMend it.\n";

#[test]
fn a_session_at_the_vendors_is_like_any_other() {
    let rig = Rig::new();
    rig.vendor.script([vec![
        says("I look."),
        calls("write", json!({ "file_path": "/mnt/session/outputs/investigation.md" })),
        result("written"),
        Act::Output {
            name: "investigation.md",
            bytes: INVESTIGATION.as_bytes().to_vec(),
            late_ms: 400,
        },
        says("Refunds fail."),
        Act::Used(1200, 80, 7),
        idle("end_turn"),
    ]]);
    let done = rig.ask(&[
        "session",
        "start",
        "--preset",
        "managed",
        "--project",
        "demo",
        "--json",
        "look",
    ]);
    let lines = done.ok().session(&rig.home);
    assert_eq!(texts(&lines, "assistant"), "I look.\nRefunds fail.");
    let last = &lines[lines.len() - 1];
    assert_eq!((&last["phase"], &last["outcome"]), (&json!("succeeded"), &json!("succeeded")));
    assert_eq!(last["cost_usd"], 0.07, "{last:#}");
    let path = last["artifacts"][0]["path"].as_str().unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), INVESTIGATION);
    let session = &rig.vendor.sessions()[0];
    assert!(rig.is_archived(session["id"].as_str().unwrap()));
    let id = last["session"].as_str().unwrap();
    assert_eq!(session["metadata"]["loop_session"], id);
    assert_eq!(session["metadata"]["loop_store"], rig.home.store_id().unwrap());
    let amount = &session["budget"]["max_list_cost"]["amount"];
    assert_eq!(amount, "500", "there is always a budget");

    let files = rig.vendor.files();
    let mine = format!("loop-{id}-snapshot.db");
    assert_eq!(files.iter().filter(|name| **name == mine).count(), 1, "what was sent is deleted");
    the_evidence_can_be_asked_as_the_brief_says(&rig, &mine);
    crate::acts::holds_none(&rig.home.data(), &[KEY]);
    rig.ask(&["session", "rm", id]).ok();
}

/// The line that the worker is told runs, on the file that it is given.
fn the_evidence_can_be_asked_as_the_brief_says(rig: &Rig, name: &str) {
    let started = rig.vendor.seen().into_iter().find(|seen| seen.call == "POST /v1/sessions");
    let content = &started.unwrap().body["initial_events"][0]["content"];
    let brief = content[1]["text"].as_str().unwrap();
    let from = brief.find("python3 -c").unwrap();
    let line = &brief[from..from + brief[from..].find("\n```").unwrap()];
    let file = rig.home.path().join("given.db");
    std::fs::write(&file, rig.vendor.file(name).unwrap()).unwrap();
    let line = line.replace("/mnt/session/uploads/snapshot.db", file.to_str().unwrap());
    let done = Command::new("sh").args(["-c", &line]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(said.lines().count() > 5, "{line}: {said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("\tERROR\t"), "{said}");
}

#[test]
fn a_killed_command_leaves_nothing_that_cannot_be_taken_up() {
    let rig = Rig::new();
    let talk = (0..30).flat_map(|i| {
        let text = Box::leak(format!("line {i}").into_boxed_str());
        [says(text), Act::Pause(60)]
    });
    let end = [Act::Used(10, 10, 1), idle("end_turn")];
    rig.vendor.script([talk.chain(end).collect()]);
    let started = rig.run(&["session", "start", "--preset", "managed", "--json", "talk"]).start();
    started.wait_for("line 9\"");
    started.signal(nix::sys::signal::Signal::SIGKILL);
    started.done();
    let lines = rig.ask(&["session", "attach", "last", "--json"]).ok().session(&rig.home);
    let wanted: Vec<String> = (0..30).map(|i| format!("line {i}")).collect();
    assert_eq!(texts(&lines, "assistant"), wanted.join("\n"), "none lost, none doubled");
    let sessions = rig.vendor.sessions();
    assert_eq!(sessions.len(), 1);
    assert!(rig.is_archived(sessions[0]["id"].as_str().unwrap()));
}

#[test]
fn a_session_that_was_left_takes_follow_ups_and_is_stopped() {
    let rig = Rig::new();
    rig.vendor.script([answers("One."), answers("Two."), vec![says("Hm."), Act::WaitForInterrupt]]);
    let (id, at_vendor) = rig.detach(&["one"]);
    rig.wait_for(&at_vendor, "session.status_idle");
    let list = rig.ask(&["session", "list", "--json"]).ok();
    assert!(list.stdout.contains("idle"), "{}", list.stdout);
    let sent = rig.ask(&["session", "send", &id, "--wait", "--json", "two"]).ok();
    assert_eq!(texts(&sent.session(&rig.home), "assistant"), "Two.");
    rig.ask(&["session", "send", &id, "three"]).ok();
    rig.wait_for(&at_vendor, "agent.message");
    assert!(!rig.is_archived(&at_vendor));
    let ended = rig.ask(&["session", "stop", &id, "--json"]).ok().last();
    assert_eq!((&ended["phase"], &ended["turns"]), (&json!("cancelled"), &json!(3)), "{ended:#}");
    assert!(rig.is_archived(&at_vendor));
}

/// Nobody follows it, and its time is over: who looks ends it.
#[test]
fn a_session_that_nobody_follows_does_not_spend_for_ever() {
    let rig = Rig::new();
    rig.vendor.script([vec![says("I take my time."), Act::WaitForInterrupt]]);
    let (id, at_vendor) = rig.detach(&["--timeout", "1s", "one"]);
    // Its second counts from when the vendor says that it began.
    let began = Instant::now();
    while !rig.has(&at_vendor, "user.interrupt") {
        assert!(began.elapsed() < Duration::from_secs(30), "nobody ends it");
        rig.ask(&["gc"]).ok();
        std::thread::sleep(Duration::from_millis(200));
    }
    rig.wait_for(&at_vendor, "session.status_idle");
    rig.ask(&["gc"]).ok();
    let shown = rig.ask(&["session", "show", &id, "--json"]).ok().stdout;
    assert!(shown.contains("\"limit\""), "{shown}");
}

#[test]
fn what_nobody_holds_is_found_and_ended() {
    let rig = Rig::new();
    rig.vendor.script([vec![says("I work."), Act::WaitForInterrupt]]);
    let (id, at_vendor) = rig.detach(&["one"]);
    // Its folder is lost, as on a machine that was set back; the store knows the agent.
    let home = &rig.home;
    home.write("config/config.toml", &format!("[sandbox.claude-managed]\n{OPTIONS}"));
    std::fs::remove_dir_all(home.data().join("sessions").join(&id)).unwrap();
    let store = rusqlite::Connection::open(home.data().join("store.db")).unwrap();
    store.execute_batch("DELETE FROM turns; DELETE FROM sessions").unwrap();
    let said = rig.ask(&["gc", "--json"]).ok();
    assert!(said.stdout.contains(&at_vendor), "{}", said.stdout);
    assert!(rig.is_archived(&at_vendor));
}

/// A preset that names no place would come to the vendor by the settings' default.
#[test]
fn no_automation_comes_to_it_by_a_default() {
    let rig = Rig::new();
    let home = &rig.home;
    let text =
        format!("[defaults]\nsandbox = \"claude-managed\"\n[sandbox.claude-managed]\n{OPTIONS}");
    home.write("config/config.toml", &text);
    home.write("config/presets/open.toml", "harness = \"claude-code\"\nprompt = \"look\"\n");
    let text = "preset = \"open\"\n[trigger]\ncron = \"0 3 * * *\"\n";
    home.write("config/automations/nightly.toml", text);
    let asked = rig.ask(&["automation", "run", "nightly", "--wait"]);
    assert_ne!(asked.code, Some(0));
    let told = format!("{}{}", asked.stdout, asked.stderr);
    assert!(told.contains("automations do not run on `claude-managed`"), "{told}");
    assert!(rig.vendor.sessions().is_empty(), "nothing was made");
}

#[test]
fn what_cannot_be_is_told_at_once() {
    let rig = Rig::new();
    let start = |preset: &str| ["session", "start", "--preset", preset, "x"].map(str::to_owned);
    let asked = |preset: &str| {
        let words = start(preset);
        rig.ask(&words.each_ref().map(String::as_str))
    };
    rig.preset("shy", OPTIONS, "");
    let failed = asked("shy").exits(3);
    assert!(
        failed.stderr.contains("no agent of the account is called `triage`"),
        "{}",
        failed.stderr
    );
    assert!(failed.stderr.contains("create = true"), "{}", failed.stderr);
    assert!(rig.vendor.sessions().is_empty());

    rig.preset("empty", "", "");
    let failed = asked("empty").exits(3);
    assert!(failed.stderr.contains("agent = "), "{}", failed.stderr);

    let other = format!(
        "harness = \"codex\"\n[sandbox]\nprovider = \"claude-managed\"\n\
        [sandbox.claude-managed]\n{OPTIONS}"
    );
    rig.home.preset("other", &other);
    let failed = asked("other").exits(3);
    assert!(failed.stderr.contains("do not run the harness `codex`"), "{}", failed.stderr);

    let words = start("managed");
    let words = words.each_ref().map(String::as_str);
    let failed = rig.home.run(&words).env("ANTHROPIC_BASE_URL", &rig.vendor.url()).done().exits(4);
    assert!(failed.stderr.contains("loop secret set ANTHROPIC_API_KEY"), "{}", failed.stderr);
    let wrong = rig.run(&words).env("ANTHROPIC_API_KEY", "sk-ant-wrong-wrong-wrong").done();
    let failed = wrong.exits(4);
    assert!(!failed.stderr.contains("wrong-wrong"), "{}", failed.stderr);
}

/// Every request that the program makes is of the types of the vendor's own client.
#[test]
fn requests_are_of_the_vendors_types() {
    let Some(python) = python() else {
        crate::skip!("the vendor's client is not there; tests/rig/anthropic-sdk.sh makes it");
    };
    let rig = Rig::new();
    rig.preset(
        "strict",
        &format!("{OPTIONS}create = true\nvaults = [\"vlt_1\"]\n"),
        "system_prompt = \"Be brief.\"",
    );
    let custom = json!({ "type": "agent.custom_tool_use", "name": "deploy", "input": {} });
    let asks = vec![call("bash", json!({}), "ask"), custom];
    rig.vendor.script([vec![Act::Ask(asks), says("x"), idle("end_turn")], answers("y")]);
    let words = ["session", "start", "--preset", "strict", "--project", "demo", "--json", "x"];
    rig.ask(&words).ok();
    let (id, at_vendor) = rig.detach(&["one"]);
    rig.wait_for(&at_vendor, "session.status_idle");
    rig.ask(&["session", "send", &id, "--wait", "two"]).ok();
    rig.vendor.script([vec![Act::WaitForInterrupt]]);
    rig.ask(&["session", "send", &id, "three"]).ok();
    rig.ask(&["session", "stop", &id]).ok();
    let ends = ["/agents", "/environments", "/sessions", "/events"];
    let held: Vec<String> = rig
        .vendor
        .seen()
        .into_iter()
        .filter(|seen| {
            seen.call.starts_with("POST") && ends.iter().any(|end| seen.call.ends_with(end))
        })
        .map(|seen| json!([seen.call, seen.body]).to_string())
        .collect();
    assert!(held.len() >= 8, "{held:#?}");
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/managed_bodies.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all((held.join("\n") + "\n").as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), held.len().to_string(), "{said}");
}
