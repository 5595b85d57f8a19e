//! Whole lives of sessions.

use super::managed_server::Fault;
use super::managed_server::script::*;
use super::rig::*;
use crate::domain::transcript::{EventKind, Usage};
use crate::domain::turn::{FileSpec, Outcome};
use crate::error::Kind;
use crate::managed::launch::SkillFiles;
use crate::managed::remove::Found;
use crate::managed::{Creation, Launched, OnPermission, Repository, Standing, Task};
use crate::secrets::Secret;
use serde_json::json;
use std::io::Read as _;

#[test]
fn a_session_from_its_task_to_its_end() {
    let mut rig = Rig::new();
    rig.vendor.script([vec![
        says("I look."),
        calls("bash", json!({ "command": "ls" })),
        result("snapshot.db"),
        Act::Output { name: "investigation.md", bytes: b"# Found\n".to_vec(), late_ms: 700 },
        says("It is the cache."),
        Act::Used(1200, 80, 7),
        idle("end_turn"),
    ]]);
    let snapshot = rig.dir.path().join("s.db");
    std::fs::write(&snapshot, b"SQLite format 3\0").unwrap();
    let task = Task { snapshot: Some(&snapshot), ..task() };
    assert!(!rig.launch(&task).unwrap().found);
    assert_eq!(rig.vendor.file("loop-7f3a-snapshot.db").unwrap(), b"SQLite format 3\0");

    let told = rig.turn(1);
    assert_eq!(told.verdict.outcome, Outcome::Succeeded, "{:?}", told.verdict);
    assert_eq!(told.verdict.answer.as_deref(), Some("It is the cache."));
    let usage = Usage { input_tokens: 1200, output_tokens: 80, ..Usage::default() };
    assert_eq!((told.verdict.usage, told.verdict.cost_usd), (usage, Some(0.07)));
    let conversation = told.verdict.conversation.clone().unwrap();
    assert_eq!(conversation.id, rig.id);
    let kinds: Vec<String> = told.events.iter().map(EventKind::name).collect();
    assert_eq!(
        kinds,
        ["status", "assistant", "tool_call", "tool_result", "assistant", "usage"],
        "{}",
        told.texts()
    );
    assert!(matches!(rig.managed.status(&rig.id).unwrap(), Standing::Idle(_)));

    // Its files come late.
    assert_eq!(names(rig.managed.artifacts(&rig.id, true).unwrap()), ["investigation.md"]);

    // A second turn counts only what it used itself.
    rig.vendor.script([vec![says("Yes."), Act::Used(100, 5, 2), idle("end_turn")]]);
    rig.managed.follow_up(&rig.id, SESSION, 2, "Are you sure?").unwrap();
    rig.managed.follow_up(&rig.id, SESSION, 2, "Are you sure?").unwrap();
    let told = rig.turn(2);
    assert_eq!(told.verdict.answer.as_deref(), Some("Yes."));
    assert_eq!((told.verdict.usage.total(), told.verdict.cost_usd), (105, Some(0.02)));
    let sent = rig.vendor.events(&rig.id);
    let sent = sent.iter().filter(|event| event["type"] == "user.message");
    assert_eq!(sent.count(), 2, "a follow-up is sent once");

    rig.managed.remove(&rig.id).unwrap();
    rig.managed.remove(&rig.id).unwrap();
    assert_eq!(rig.managed.status(&rig.id).unwrap(), Standing::Over);
    assert!(rig.vendor.file("loop-7f3a-snapshot.db").is_some(), "the copy is the session's");
    let files = rig.vendor.files();
    assert_eq!(files.iter().filter(|name| *name == "loop-7f3a-snapshot.db").count(), 1);
    assert_eq!(rig.managed.status("sesn_gone").unwrap(), Standing::Gone);
    rig.managed.remove("sesn_gone").unwrap();
}

fn names(archive: impl std::io::Read) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap();
    entries.map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
}

#[test]
fn what_the_vendor_is_asked_for() {
    let mut rig = Rig::with(|settings| {
        settings.budget_usd = 1.234;
        settings.vaults = vec!["vlt_1".to_owned()];
        settings.agent_version = Some(1);
    });
    let token = Secret::new("ghs_repository_token", "GH_TOKEN").unwrap();
    let (snapshot, program) = (rig.dir.path().join("s.db"), rig.dir.path().join("loop"));
    std::fs::write(&snapshot, b"db").unwrap();
    std::fs::write(&program, b"elf").unwrap();
    let base = "0123456789012345678901234567890123456789";
    let task = Task {
        repository: Some(Repository {
            url: "https://github.com/acme/checkout",
            base,
            token: Some(&token),
        }),
        snapshot: Some(&snapshot),
        program: Some(&program),
        model: Some("claude-sonnet-5"),
        system_prompt: Some("Be brief."),
        ..task()
    };
    rig.launch(&task).unwrap();
    rig.turn(1);
    let seen = rig.vendor.seen();
    let asked = seen.into_iter().find(|seen| seen.call == "POST /v1/sessions").unwrap().body;
    let files: Vec<&str> = asked["resources"].as_array().unwrap()[1..]
        .iter()
        .map(|file| file["file_id"].as_str().unwrap())
        .collect();
    assert_eq!(
        asked["agent"],
        json!({ "type": "agent_with_overrides", "id": asked["agent"]["id"], "version": 1,
            "model": "claude-sonnet-5", "system": "Be brief." })
    );
    assert_eq!(
        asked["resources"],
        json!([
            { "type": "github_repository", "url": "https://github.com/acme/checkout",
              "checkout": { "type": "commit", "sha": base },
              "mount_path": "/workspace/checkout", "authorization_token": "ghs_repository_token" },
            { "type": "file", "file_id": files[0], "mount_path": "/snapshot.db" },
            { "type": "file", "file_id": files[1], "mount_path": "/traces" },
        ])
    );
    assert_eq!(asked["budget"]["max_list_cost"], json!({ "amount": "124", "currency": "USD" }));
    assert_eq!(
        asked["metadata"],
        json!({ "loop_session": "7f3a", "loop_store": "store-1", "loop_files": files.join(",") })
    );
    assert_eq!(asked["vault_ids"], json!(["vlt_1"]));
    let said = asked["initial_events"][0]["content"].clone();
    assert_eq!(said[0]["text"], "<loop-turn session=\"7f3a\" turn=\"1\"/>");
    assert_eq!(said[2]["text"], "Find out what fails.");
    let brief = said[1]["text"].as_str().unwrap();
    assert!(brief.contains("git bundle create /mnt/session/outputs/commits.bundle"), "{brief}");
    assert!(brief.contains("spans(trace_id)") && brief.contains("/tmp/traces"), "{brief}");
    let whole = asked.to_string().matches("ghs_repository_token").count();
    assert_eq!(whole, 1, "the token is where it belongs and nowhere else");
}

#[test]
fn an_agent_and_an_environment_are_made_after_consent() {
    let vendor = super::managed_server::Vendor::start();
    let hosts = ["docs.rs".to_owned()];
    let files = vec![FileSpec {
        path: "deploy/SKILL.md".to_owned(),
        content: "# Deploy".to_owned(),
        executable: false,
    }];
    let skills = [SkillFiles { name: "deploy".to_owned(), files }];
    let wants = Task {
        model: Some("claude-opus-5-5"),
        system_prompt: Some("Be brief."),
        skills: &skills,
        hosts: Some(&hosts),
        ..task()
    };
    let managed = managed(&vendor, |_| {});

    let mut no = Desk::default();
    let failed = managed.launch(&wants, &mut no).unwrap_err();
    assert_eq!(failed.kind, Kind::Config);
    assert_eq!(failed.sentence, "no agent of the account is called `triage`");
    assert!(failed.hints[0].contains("create = true"), "{failed:?}");
    assert_eq!(vendor.count("POST /v1/agents"), 0, "nothing is made without consent");

    let mut yes = Desk { agrees: true, ..Desk::default() };
    let first = managed.launch(&wants, &mut yes).unwrap();
    assert_eq!(yes.recorded, std::slice::from_ref(&first.id));
    let told: Vec<_> =
        yes.asked.iter().map(|Creation { what, name, .. }| (*what, name.as_str())).collect();
    assert_eq!(told, [("agent", "triage"), ("environment", "plain")]);
    assert_eq!(
        yes.asked[0].about,
        [
            "model claude-opus-5-5",
            "all of the service's tools but those that read the web",
            "the preset's system prompt, 9 characters",
            "the skill `deploy`, which is uploaded",
        ]
    );
    assert_eq!(yes.asked[1].about, ["no network but `docs.rs`"]);
    let made = vendor.sessions()[0]["agent"].clone();
    assert_eq!(
        (&made["system"], &made["skills"][0]["type"]),
        (&json!("Be brief."), &json!("custom"))
    );

    // They are found by their names from then on, and what is as the preset has it is not overridden.
    let mut none = Desk::default();
    let again = Task { session: "8b1c", ..wants.clone() };
    managed.launch(&again, &mut none).unwrap();
    assert!(none.asked.is_empty());
    assert_eq!(none.notes, ["the agent is there already and keeps its own skills"]);
    let asked = vendor.seen().into_iter().rfind(|seen| seen.call == "POST /v1/sessions").unwrap();
    assert_eq!(asked.body["agent"]["type"], "agent");

    let without = managed.launch(&Task { model: None, ..wants }, &mut Desk::default());
    assert!(without.is_ok(), "an agent that exists needs no model");
}

#[test]
fn several_agents_of_one_name_are_not_guessed_between() {
    let mut rig = Rig::new();
    rig.vendor.agent("triage");
    let failed = rig.launch(&task()).unwrap_err();
    assert_eq!(failed.sentence, "2 agents are called `triage`");
    let failed = {
        let managed = managed(&rig.vendor, |settings| settings.agent = "new".to_owned());
        managed.launch(&task(), &mut Desk { agrees: true, ..Desk::default() }).unwrap_err()
    };
    assert!(failed.causes[0].contains("which model"), "{failed:?}");
}

#[test]
fn an_environment_that_somebody_else_made_meanwhile_is_the_one() {
    let vendor = super::managed_server::Vendor::start();
    vendor.agent("triage");
    // It is there, and the list says otherwise at first.
    vendor.environment("plain");
    vendor.fault("GET /v1/environments", Fault::Status(200, vec![]));
    let managed = managed(&vendor, |settings| settings.create = true);
    managed.launch(&task(), &mut Desk::default()).unwrap();
    assert_eq!(vendor.count("POST /v1/environments"), 1);
    assert_eq!(vendor.sessions().len(), 1);
}

/// Nobody knows whether a session was made: it is looked for before another is.
#[test]
fn there_are_never_two_sessions_for_one_of_ours() {
    for (fault, calls) in [
        (Fault::Lose, 1),
        (Fault::Gateway, 1),
        (Fault::Drop, 2),
        (Fault::Status(500, vec![]), 2),
        (Fault::Status(429, vec![("retry-after-ms", "20")]), 2),
        (Fault::Status(529, vec![]), 2),
    ] {
        let mut rig = Rig::new();
        rig.vendor.fault("POST /v1/sessions", fault.clone());
        rig.launch(&task()).unwrap_or_else(|failed| panic!("{fault:?}: {failed}"));
        assert_eq!(rig.vendor.sessions().len(), 1, "{fault:?}");
        assert_eq!(rig.vendor.count("POST /v1/sessions"), calls, "{fault:?}");
        assert_eq!(rig.turn(1).verdict.outcome, Outcome::Succeeded, "{fault:?}");
    }
}

#[test]
fn a_launch_may_be_repeated() {
    let mut rig = Rig::new();
    let first = rig.launch(&task()).unwrap();
    let second = rig.launch(&task()).unwrap();
    assert_eq!(second, Launched { found: true, ..first });
    assert_eq!(rig.vendor.sessions().len(), 1);
    let looked = rig.vendor.seen().into_iter().find(|seen| seen.call == "GET /v1/sessions");
    let query = looked.unwrap().query;
    assert_eq!(
        query["created_at[gte]"],
        ["2026-07-31T10:00:00Z"],
        "no longer ago than it was recorded"
    );
    let other = rig.launch(&Task { session: "8b1c", ..task() }).unwrap();
    assert!(!other.found, "another session is another");
    let found = rig.managed.list().unwrap();
    let mut sessions: Vec<_> = found.iter().map(|Found { session, .. }| session.as_str()).collect();
    sessions.sort_unstable();
    assert_eq!(sessions, ["7f3a", "8b1c"]);
    let theirs = managed(&rig.vendor, |settings| settings.store = "store-2".to_owned());
    assert_eq!(theirs.list().unwrap(), [], "another store's are nobody's business");
    let none = managed(&rig.vendor, |settings| settings.agent = "unknown".to_owned());
    assert_eq!(none.list().unwrap(), []);
}

#[test]
fn what_cannot_be_recorded_does_not_go_on() {
    let rig = Rig::new();
    rig.vendor.script([vec![Act::WaitForInterrupt]]);
    let snapshot = rig.dir.path().join("s.db");
    std::fs::write(&snapshot, b"db").unwrap();
    let mut desk = Desk { cannot_record: true, ..Desk::default() };
    let failed = rig.managed.launch(&Task { snapshot: Some(&snapshot), ..task() }, &mut desk);
    assert_eq!(failed.unwrap_err().sentence, "the disk is full");
    let session = &rig.vendor.sessions()[0];
    assert!(!session["archived_at"].is_null(), "it is stopped and archived");
    let events = rig.vendor.events(session["id"].as_str().unwrap());
    assert!(events.iter().any(|event| event["type"] == "user.interrupt"));
    let uploads = rig.vendor.files();
    assert_eq!(uploads.len(), 1, "what was sent along is deleted, but for the session's copy");
}

#[test]
fn what_was_sent_along_goes_where_the_session_cannot_be_made() {
    let mut rig = Rig::new();
    let snapshot = rig.dir.path().join("s.db");
    std::fs::write(&snapshot, b"db").unwrap();
    rig.vendor.fault("POST /v1/sessions", Fault::Code(400, "environment_archived"));
    let failed = rig.launch(&Task { snapshot: Some(&snapshot), ..task() }).unwrap_err();
    assert_eq!(failed.kind, Kind::Config);
    assert!(failed.hints[0].contains("environment"), "{failed:?}");
    assert!(rig.vendor.files().is_empty());
}

#[test]
fn a_session_that_works_is_asked_to_stop_before_it_is_archived() {
    let mut rig = Rig::new();
    rig.vendor.late_status(400);
    rig.vendor.script([vec![says("hm"), Act::WaitForInterrupt]]);
    rig.launch(&task()).unwrap();
    assert_eq!(rig.managed.status(&rig.id).unwrap(), Standing::Running);
    rig.managed.remove(&rig.id).unwrap();
    let events = rig.vendor.events(&rig.id);
    let interrupts = events.iter().filter(|event| event["type"] == "user.interrupt").count();
    assert_eq!(interrupts, 1);
    assert!(!rig.vendor.sessions()[0]["archived_at"].is_null());
    assert_eq!(rig.managed.list().unwrap(), [], "what is archived is nobody's care");
}

#[test]
fn an_interruption_is_one() {
    let mut rig = Rig::new();
    rig.vendor.script([vec![says("I work."), Act::WaitForInterrupt]]);
    rig.launch(&task()).unwrap();
    rig.managed.interrupt(&rig.id).unwrap();
    let told = rig.turn(1);
    assert_eq!(told.verdict.outcome, Outcome::Interrupted);
    assert_eq!(told.verdict.reason.as_deref(), Some("it was interrupted"));
}

#[test]
fn permissions_are_answered_once_each_by_the_preset() {
    for (policy, answer) in [(OnPermission::Deny, "deny"), (OnPermission::Allow, "allow")] {
        let mut rig = Rig::with(|settings| settings.on_permission = policy);
        let custom = json!({ "type": "agent.custom_tool_use", "name": "deploy", "input": {} });
        rig.vendor.script([vec![
            Act::Ask(vec![
                call("bash", json!({ "command": "rm -rf /" }), "ask"),
                call("web_fetch", json!({}), "ask"),
                custom,
            ]),
            says("Then not."),
            idle("end_turn"),
        ]]);
        rig.launch(&task()).unwrap();
        let told = rig.turn(1);
        assert_eq!(told.verdict.outcome, Outcome::Succeeded);
        let events = rig.vendor.events(&rig.id);
        let answers: Vec<_> = events
            .iter()
            .filter(|event| event["type"] == "user.tool_confirmation")
            .map(|event| event["result"].as_str().unwrap())
            .collect();
        assert_eq!(answers, [answer, answer]);
        let results = events.iter().filter(|event| event["type"] == "user.custom_tool_result");
        assert_eq!(results.map(|event| event["is_error"] == true).collect::<Vec<_>>(), [true]);
    }
}

#[test]
fn what_is_left_is_taken_whatever_it_is_called() {
    let mut rig = Rig::new();
    let output =
        |name, text: &str, late_ms| Act::Output { name, bytes: text.as_bytes().to_vec(), late_ms };
    rig.vendor.script([vec![
        output("report.md", "old", 0),
        output("../evil", "x", 0),
        output("commits.bundle", "# v2 git bundle", 0),
        output(".loop", "x", 0),
        Act::Pause(5),
        output("report.md", "new", 200),
        says("done"),
        idle("end_turn"),
    ]]);
    rig.launch(&task()).unwrap();
    rig.turn(1);
    let mut archive = tar::Archive::new(rig.managed.artifacts(&rig.id, true).unwrap());
    let mut files: Vec<(String, String)> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.path().unwrap().display().to_string(), text)
        })
        .collect();
    files.sort();
    let told = "`../evil`: not a name that can be kept\n`.loop`: not a name that can be kept\n";
    let expected =
        [(".loop/commits.bundle", "# v2 git bundle"), ("left-out.txt", told), ("report.md", "new")];
    assert_eq!(files, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}
