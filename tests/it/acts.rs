//! What tests of sessions do again and again: presets, waiting, and the questions that every session
//! has to answer well when it is over.

use crate::support::{Done, Home};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a session may take in a test before it counts as stuck.
const PATIENCE: Duration = Duration::from_mins(1);

impl Home {
    /// Writes a preset.
    pub fn preset(&self, name: &str, text: &str) {
        self.write(&format!("config/presets/{name}.toml"), text);
    }

    /// Writes a preset whose worker is a shell script, for `sandbox`. `more` are further tables.
    pub fn script(&self, name: &str, sandbox: &str, script: &str, more: &str) {
        let script = serde_json::to_string(script).unwrap();
        let text = format!(
            "description = \"a script\"\nharness = \"command\"\n\
             command = [\"/bin/sh\", \"-c\", {script}]\n\
             [sandbox]\nprovider = \"{sandbox}\"\nimage = \"loop-test-base:1\"\n{more}"
        );
        self.preset(name, &text);
    }

    /// A session as `session show --json` tells it. Looking also takes in what it did.
    #[track_caller]
    pub fn show(&self, session: &str) -> Value {
        self.ask(&["session", "show", session, "--json"]).ok().json()
    }

    /// Starts a session that goes on alone; its id.
    #[track_caller]
    pub fn detach(&self, arguments: &[&str]) -> String {
        let all = [&["session", "start", "--detach", "--json"], arguments].concat();
        let lines = self.ask(&all).ok().lines();
        lines[0]["session"].as_str().unwrap().to_owned()
    }

    /// Waits until a session is in a phase; the session then.
    #[track_caller]
    pub fn wait(&self, session: &str, phase: &str) -> Value {
        let began = Instant::now();
        loop {
            let shown = self.show(session);
            if shown["phase"] == phase {
                return shown;
            }
            assert!(began.elapsed() < PATIENCE, "it is not `{phase}` in time: {shown:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The events of a session as they are stored.
    #[track_caller]
    pub fn events(&self, session: &str) -> Vec<Value> {
        self.ask(&["session", "logs", session, "--json"]).ok().lines()
    }

    /// Fails the test unless nothing runs any more that knows this home, and nothing of a sandbox
    /// is left in its data.
    #[track_caller]
    pub fn nothing_left(&self) {
        let began = Instant::now();
        loop {
            let (processes, containers) = (self.processes(), self.containers());
            let sandboxes = files(&self.data(), &|path| path.ends_with("sandbox"));
            if processes.is_empty() && containers.is_empty() && sandboxes.is_empty() {
                return;
            }
            // A killed process takes a moment to go.
            let late = began.elapsed() > Duration::from_secs(5);
            assert!(!late, "left: {processes:?} {containers:?} {sandboxes:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The processes of this machine that were started with a path of this home. A connection of
    /// `ssh` that is shared stays for a minute, as it is to.
    pub fn processes(&self) -> Vec<String> {
        let mut all = processes(self.path().to_str().unwrap());
        all.retain(|line| !line.contains("/loop/ssh-"));
        all
    }
}

/// The processes of this machine whose command line contains a text.
pub fn processes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(text) {
            found.push(format!("{} {line}", entry.file_name().display()));
        }
    }
    found
}

/// Everything below a folder, folders too, that is wanted.
pub fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if wanted(&path) {
            found.push(path.clone());
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&path, wanted));
        }
    }
    found
}

/// No file below a folder holds any of these.
pub fn holds_none(folder: &Path, secrets: &[&str]) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds_none(&path, secrets);
            continue;
        }
        // A socket holds nothing, and a file may have gone meanwhile.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

/// Holds every line against `loop schema event`.
#[track_caller]
pub fn valid(home: &Home, lines: &[Value]) {
    valid_as(home, "event", lines);
}

#[track_caller]
pub fn valid_as(home: &Home, schema: &str, values: &[Value]) {
    let schema = home.ask(&["schema", schema]).ok().json();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for value in values {
        if let Err(error) = schema.validate(value) {
            panic!("{error}\n{value:#}");
        }
    }
}

impl Done {
    /// The lines of a whole session: all valid, the events counted without gaps from where they
    /// begin, and the last one the end.
    #[track_caller]
    pub fn session(&self, home: &Home) -> Vec<Value> {
        let lines = self.lines();
        valid(home, &lines);
        assert_eq!(lines[0]["type"], "session_started", "{}", self.stdout);
        assert_eq!(lines[lines.len() - 1]["type"], "session_finished", "{}", self.stdout);
        gapless(&lines);
        lines
    }

    /// The last line.
    #[track_caller]
    pub fn last(&self) -> Value {
        let lines = self.lines();
        lines.last().unwrap_or_else(|| panic!("no line\n{}", self.stderr)).clone()
    }
}

/// Fails the test unless the events are counted one by one.
#[track_caller]
pub fn gapless(lines: &[Value]) {
    let seqs = lines.iter().filter(|line| line["type"] == "event");
    let seqs: Vec<u64> = seqs.map(|line| line["seq"].as_u64().unwrap()).collect();
    for pair in seqs.windows(2) {
        assert_eq!(pair[0] + 1, pair[1], "{seqs:?}");
    }
}

/// The events of a kind.
pub fn of_kind<'l>(lines: &'l [Value], kind: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

/// Every text of the events of a kind, a line each.
pub fn texts(lines: &[Value], kind: &str) -> String {
    let texts = of_kind(lines, kind).into_iter();
    let texts = texts.filter_map(|event| event["text"].as_str().or(event["output"].as_str()));
    texts.collect::<Vec<_>>().join("\n")
}
