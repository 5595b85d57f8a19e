//! The main job without an account: triage on the bundled traces, on every provider.

use crate::acts::{of_kind, valid_as};
use crate::need;
use crate::places::{Place, on_each};
use crate::support::{Home, need};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;

fn check(place: &Place) {
    let (home, sandbox) = (place.home(), place.sandbox);
    let start = ["session", "start", "--preset", "triage", "--project", "demo", "--json"];
    let done = home.ask(&[&start[..], &["--sandbox", sandbox]].concat()).ok();
    let lines = done.session(&home);
    let last = lines.last().unwrap();
    assert_eq!((&last["phase"], &last["outcome"]), (&"succeeded".into(), &"succeeded".into()));
    assert_eq!(lines[0]["sandbox"], sandbox);
    assert!(!of_kind(&lines, "assistant").is_empty(), "it says what it found");
    let artifacts: Vec<&Value> = lines.iter().filter(|line| line["type"] == "artifact").collect();
    let kinds: Vec<&str> = artifacts.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["investigation", "issues"]);
    for artifact in &artifacts {
        for check in artifact["checks"].as_array().unwrap() {
            assert_eq!(check["passed"], true, "{artifact:#}");
        }
    }
    assert!(artifacts[0]["checks"].to_string().contains("cited traces exist"), "{artifacts:?}");
    // What the checks say, looked at by ourselves.
    let read = |artifact: &Value| std::fs::read_to_string(artifact["path"].as_str().unwrap());
    let investigation = read(artifacts[0]).unwrap();
    for heading in ["Overview", "Evidence", "Proposed fix"] {
        assert!(investigation.contains(&format!("# {heading}")), "{investigation}");
    }
    let issues: Value = serde_json::from_str(&read(artifacts[1]).unwrap()).unwrap();
    let issues = issues["issues"].as_array().unwrap();
    assert!(issues.len() >= 3, "several failures are planted: {issues:?}");
    let shown = home.ask(&["traces", "list", "--project", "demo", "--limit", "100000", "--json"]);
    let all: BTreeSet<String> = ids(&shown.ok().stdout);
    for issue in issues {
        let cited = issue["trace_ids"].as_array().unwrap();
        assert!(!cited.is_empty(), "{issue}");
        let healthy = issue["healthy_trace_ids"].as_array().unwrap();
        assert!(!healthy.is_empty(), "{issue}");
        for id in cited.iter().chain(healthy) {
            assert!(all.contains(id.as_str().unwrap()), "{id} is no trace of the project");
        }
        assert!(healthy.iter().all(|id| !cited.contains(id)), "{issue}");
        let score = issue["score"].as_f64().unwrap();
        assert!(issue["arithmetic"].as_str().unwrap().starts_with(&format!("{score:.1} = 100 ×")));
        assert!(issue["locus"]["path"].as_array().is_some_and(|path| !path.is_empty()), "{issue}");
    }
    let scores: Vec<f64> = issues.iter().map(|issue| issue["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "the worst first: {scores:?}");
    let shown = home.show("last");
    let listed = &shown["artifacts"][1]["issues"][0];
    assert_eq!(listed["severity"], issues[0]["severity"]);
    assert_eq!(listed["entity"], issues[0]["entity"]);
    valid_as(&home, "session", &[shown]);
    home.nothing_left();
}

/// Whatever looks like a trace's id.
fn ids(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_hexdigit());
    words.filter(|word| word.len() == 32).map(str::to_owned).collect()
}

#[test]
fn triage_of_the_demo() {
    on_each(check);
}

/// The same evidence gives the same files, wherever it is looked at.
#[test]
fn triage_may_be_repeated() {
    need!(need::bubblewrap());
    let home = Home::new();
    let mut seen = BTreeSet::new();
    for _ in 0..2 {
        home.ask(&[
            "session",
            "start",
            "--preset",
            "triage",
            "--project",
            "demo",
            "--sandbox",
            "local",
        ])
        .ok();
        let shown = home.show("last");
        let artifacts = shown["artifacts"].as_array().unwrap().iter();
        let read = |one: &Value| std::fs::read_to_string(one["path"].as_str().unwrap()).unwrap();
        seen.insert(artifacts.map(read).collect::<Vec<_>>());
    }
    assert_eq!(seen.len(), 1, "two runs, two results");
    home.nothing_left();
}

/// One preset, of which one line changes: the same transcript everywhere, times and ids aside, and the
/// same files.
#[test]
fn triage_is_the_same_everywhere() {
    let seen = RefCell::new(Vec::new());
    on_each(|place| {
        let home = place.home();
        let preset = std::fs::read_to_string("presets/triage.toml").unwrap();
        let line = format!("[sandbox]\nprovider = \"{}\"\n{}", place.sandbox, place.image());
        assert_eq!(preset.matches("[sandbox]\n").count(), 1);
        home.write("config/presets/mine.toml", &preset.replace("[sandbox]\n", &line));
        home.ask(&["session", "start", "--preset", "mine", "--project", "demo"]).ok();
        let shown = home.show("last");
        let mut events = home.events(shown["id"].as_str().unwrap());
        for event in &mut events {
            for field in ["at", "session"] {
                event.as_object_mut().unwrap().shift_remove(field);
            }
        }
        let artifacts = shown["artifacts"].as_array().unwrap().iter();
        let read = |one: &Value| std::fs::read_to_string(one["path"].as_str().unwrap()).unwrap();
        seen.borrow_mut().push((place.name, events, artifacts.map(read).collect::<Vec<_>>()));
        home.nothing_left();
    });
    let seen = seen.into_inner();
    for (name, events, files) in &seen {
        assert_eq!((events, files), (&seen[0].1, &seen[0].2), "{name} is not as {}", seen[0].0);
        assert!(events.len() > 3 && files.len() == 2, "{name}");
    }
}

/// What a person sees: the transcript beside the answer, and the answer alone on standard output.
#[test]
fn triage_for_people() {
    need!(need::bubblewrap());
    let home = Home::new();
    let start =
        ["session", "start", "--preset", "triage", "--project", "demo", "--sandbox", "local"];
    let done = home.ask(&start).ok();
    for wanted in ["investigation.md", "cited traces exist", "issues"] {
        assert!(done.stdout.contains(wanted), "no `{wanted}`:\n{}", done.stdout);
    }
    assert!(!done.stdout.contains('\u{1b}') && !done.stderr.contains('\u{1b}'), "no terminal");
    home.nothing_left();
}
