//! Workers that misbehave, by accident or not: what they do is told, cut and ended, and nothing of
//! them is left.

use crate::acts::{of_kind, processes, texts};
use crate::need;
use crate::places::on_each;
use crate::support::{Home, need};
use serde_json::Value;
use std::time::Duration;

/// Runs a script as a worker; the lines of its session.
#[track_caller]
fn run(home: &Home, sandbox: &str, script: &str, more: &str, code: i32) -> Vec<Value> {
    home.script("hostile", sandbox, script, more);
    let start = ["session", "start", "--preset", "hostile", "--json", "do it"];
    let lines = home.ask(&start).exits(code).session(home);
    home.nothing_left();
    lines
}

fn outcome(lines: &[Value]) -> (&str, &str) {
    let last = lines.last().unwrap();
    (last["outcome"].as_str().unwrap(), last["reason"].as_str().unwrap_or_default())
}

#[test]
fn one_that_says_nothing() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let lines = run(&home, sandbox, "exit 0", "", 1);
        assert_eq!(outcome(&lines), ("empty", "it exited 0 and wrote nothing"));
        let lines = run(&home, sandbox, "printf '\\n  \\n'", "", 1);
        assert_eq!(outcome(&lines).0, "empty");
    });
}

#[test]
fn one_that_fails() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let lines =
            run(&home, sandbox, "echo on it; echo 'error: no such model' >&2; exit 9", "", 1);
        let (outcome, reason) = outcome(&lines);
        assert_eq!(outcome, "failed");
        assert!(reason.contains("code 9") && reason.contains("no such model"), "{reason}");
        let lines = run(&home, sandbox, "echo on it; kill -SEGV $$", "", 1);
        assert!(super::hostile::outcome(&lines).1.contains("signal 11"), "{lines:#?}");
    });
}

/// Neither a byte nor a moment of the processor.
#[test]
fn one_that_hangs() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let limits = "[limits]\nquiet = \"1s\"\n";
        let lines = run(&home, sandbox, "echo on it; exec sleep 987654", limits, 7);
        assert_eq!(outcome(&lines).0, "limit");
        assert!(outcome(&lines).1.contains("too long"), "{lines:#?}");
    });
}

#[test]
fn one_that_never_ends() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let limits = "[limits]\ntimeout = \"1s\"\n";
        let script = "trap '' INT TERM HUP; while :; do echo busy; sleep 0.1; done";
        let lines = run(&home, sandbox, script, limits, 7);
        assert_eq!(outcome(&lines), ("limit", "the turn's time limit ended it"));
        assert!(texts(&lines, "assistant").starts_with("busy"), "what it said is kept");
    });
}

/// Children, and children that left the process group and closed everything.
#[test]
fn one_that_forks() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let script = "sleep 987651 & (setsid sleep 987652 >/dev/null 2>&1 &); \
                      setsid sh -c 'trap \"\" TERM INT HUP; sleep 987653; sleep 987653' & echo done";
        let began = std::time::Instant::now();
        let lines = run(&home, sandbox, script, "", 0);
        assert_eq!(texts(&lines, "assistant"), "done");
        assert!(began.elapsed() < Duration::from_secs(20), "it does not wait for them");
        for marker in ["sleep 987651", "sleep 987652", "sleep 987653"] {
            assert_eq!(processes(marker), Vec::<String>::new());
        }
    });
}

/// More processes than a sandbox may have: the sandbox is full, the machine is not.
#[test]
fn one_that_forks_without_end() {
    need!(need::image());
    let home = Home::new();
    let script = "f() { sleep 987655 & f; }; echo on it; f";
    home.script("bomb", "docker", script, "[limits]\ntimeout = \"4s\"\n");
    let start = ["session", "start", "--preset", "bomb", "--json", "do it"];
    let lines = home.ask(&start).session(&home);
    assert_ne!(outcome(&lines).0, "succeeded");
    home.nothing_left();
    assert_eq!(processes("sleep 987655"), Vec::<String>::new());
}

#[test]
fn much_output() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let script = "yes 'a line of some length that is said again and again' | head -c 20000000";
        home.script("much", sandbox, script, "");
        let done = home.ask(&["session", "start", "--preset", "much", "--json", "do it"]).ok();
        // What is printed is what was said; holding every line against the schema would take long.
        let said = done.stdout.lines().filter(|line| line.contains("\"assistant\"")).count();
        assert_eq!(said, 20_000_000_usize.div_ceil(51));
        let tail = home.ask(&["session", "logs", "last", "--tail", "3"]).ok();
        assert!(tail.took < Duration::from_secs(2), "{:?}", tail.took);
        home.nothing_left();
    });
}

/// Past its limit it is ended, and what it said until then is kept.
#[test]
fn more_output_than_allowed() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let limits = "[limits]\noutput = \"1MiB\"\n";
        let lines = run(&home, sandbox, "yes 'a longer line, to be quick about it'", limits, 7);
        let (outcome, reason) = outcome(&lines);
        assert_eq!(outcome, "limit");
        assert!(reason.contains("output limit"), "{reason}");
        assert!(!of_kind(&lines, "assistant").is_empty());
    });
}

/// The longest line there may be, and one byte that is too much.
#[test]
fn a_line_of_64_mebibytes() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let script = "head -c 67108865 /dev/zero | tr '\\0' x; echo; echo after";
        let lines = run(&home, sandbox, script, "", 0);
        assert!(texts(&lines, "error").contains("1 byte of it left out"), "it is told");
        let said = texts(&lines, "assistant");
        assert!(said.ends_with("x\nafter"), "what comes after it is read");
        assert_eq!(said.len(), (64 << 20) + "\nafter".len());
    });
}

#[test]
fn bytes_that_are_no_text() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let script = "printf 'a\\377\\376b\\n\\000c\\n'; printf 'no newline at the end'";
        let lines = run(&home, sandbox, script, "", 0);
        let said = texts(&lines, "assistant");
        assert!(said.contains("a\u{fffd}\u{fffd}b"), "{said:?}");
        assert!(said.ends_with("no newline at the end"), "{said:?}");
    });
}

/// A terminal is not steered by what a worker says, writes or is called.
#[test]
fn terminal_escapes() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let script = "printf '\\033]0;owned\\007\\033[2Jhello\\r\\033[31mred\\n'; \
                      printf '\\302\\233\\342\\200\\256x\\n'; printf 'e\\033[1mrr\\n' >&2; \
                      printf x > \"/artifacts/$(printf 'a\\033[2Jb.txt')\"";
        home.script("hostile", sandbox, script, "");
        let start = ["session", "start", "--preset", "hostile", "--name", "evil\u{1b}[2J", "do it"];
        let started = home.ask(&start).ok();
        let again = ["session", "logs", "last"];
        for done in [
            started,
            home.ask(&again).ok(),
            home.ask(&[&again[..], &["--json"]].concat()).ok(),
            home.ask(&[&again[..], &["--raw"]].concat()).ok(),
            home.ask(&["session", "show", "last"]).ok(),
            home.ask(&["session", "list"]).ok(),
            home.ask(&["session", "artifacts", "last"]).ok(),
            home.ask(&["session", "export", "last"]).ok(),
        ] {
            let all = format!("{}{}", done.stdout, done.stderr);
            for bad in ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r'] {
                assert!(!all.contains(bad), "{bad:?} in {all:?}");
            }
        }
        home.nothing_left();
    });
}

/// What is left for people comes out safely: no link, no device, nothing outside its folder.
#[test]
fn artifacts_that_are_none() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let script = "cd /artifacts; echo mine > good.txt; ln -s /etc/passwd link.txt; \
                      ln -s / root; mkfifo pipe; mkdir -p a/b; echo deep > a/b/deep.txt; \
                      ln good.txt hard.txt; printf x > '-rf'; mkdir 'with space'; \
                      echo y > 'with space/é.txt'; echo done";
        let lines = run(&home, sandbox, script, "", 0);
        let last = lines.last().unwrap();
        let mut titles: Vec<&str> = last["artifacts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|artifact| artifact["title"].as_str().unwrap())
            .collect();
        titles.sort_unstable();
        titles.retain(|title| *title != "hard.txt" && *title != "good.txt");
        assert_eq!(titles, ["-rf", "a/b/deep.txt", "with space/é.txt"], "{last:#}");
        for artifact in last["artifacts"].as_array().unwrap() {
            let path = std::path::PathBuf::from(artifact["path"].as_str().unwrap());
            assert!(path.symlink_metadata().unwrap().is_file(), "{}", path.display());
        }
    });
}

/// An investigation that cites what is not there is told as that, and is still kept.
#[test]
fn an_investigation_that_makes_things_up() {
    need!(need::bubblewrap());
    let home = Home::new();
    let script = "printf '# x\\n## Overview\\n## Evidence\\n00000000000000000000000000000bad\\n' \
                  > /artifacts/investigation.md; echo '[]' > /artifacts/issues.json; \
                  echo '{\"name\": 1}' > /artifacts/evals.jsonl; echo done";
    home.script("liar", "local", script, "");
    let start = ["session", "start", "--preset", "liar", "--project", "demo", "--json", "x"];
    let lines = home.ask(&start).ok().session(&home);
    let artifacts: Vec<&Value> = lines.iter().filter(|line| line["type"] == "artifact").collect();
    let told = serde_json::to_string(&artifacts).unwrap();
    for wanted in [
        "lacks the heading Proposed fix",
        "0 of 1 cited traces exist; not 00000000000000000000000000000bad",
        "`version` 1",
        "line 1: it has neither `span_id` nor `trace_id`; `name` is no text",
    ] {
        assert!(told.contains(wanted), "no `{wanted}`: {told}");
    }
    let passed = artifacts.iter().flat_map(|one| one["checks"].as_array().unwrap());
    assert!(passed.into_iter().all(|check| check["passed"] == false), "{told}");
    let people = home.ask(&["session", "artifacts", "last"]).ok().stdout;
    assert!(people.contains("0 of 1 cited traces exist"), "{people}");
    home.nothing_left();
}

/// The worker is nobody: it reads no journal, alters no evidence, and sees no other's files.
#[test]
fn what_a_worker_may_not() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let script = "for f in /loop/run/journal.jsonl /etc/shadow; do cat $f >/dev/null 2>&1 && echo READ $f; done; \
                      echo x >> /traces/snapshot.db 2>/dev/null && echo WROTE; \
                      rm -f /traces/snapshot.db 2>/dev/null && echo REMOVED; \
                      echo x > /loop/bin/loop 2>/dev/null && echo ALTERED; \
                      kill -9 1 2>/dev/null; echo uid $(id -u); grep CapEff /proc/self/status; \
                      grep NoNewPrivs /proc/self/status; ls /var/run/docker.sock 2>/dev/null; echo end";
        home.script("nosy", sandbox, script, "");
        let start = ["session", "start", "--preset", "nosy", "--project", "demo", "--json", "x"];
        let lines = home.ask(&start).ok().session(&home);
        let said = texts(&lines, "assistant");
        let lines: Vec<&str> = said.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            ["uid 1000", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "end"],
            "on {sandbox}"
        );
        home.nothing_left();
    });
}

/// Memory it was not given ends it, and that is told.
#[test]
fn one_that_eats_memory() {
    need!(need::image());
    let home = Home::new();
    let script = "echo on it; tail /dev/zero; echo tail: $?; exit 1";
    let lines = run(&home, "docker", script, "memory = \"64MiB\"\n", 1);
    assert!(outcome(&lines).1.contains("out of memory"), "{lines:#?}");
}

/// Without a network there is none.
#[test]
fn no_way_out() {
    // It listens on every address of this machine, those that sandboxes could reach among them.
    let there = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = there.local_addr().unwrap().port();
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let hosts = own_addresses().join(" ");
        let script = format!(
            "for host in {hosts}; do timeout 1 bash -c \"exec 3<>/dev/tcp/$host/{port}\" \
             2>/dev/null && echo reached $host; done; echo tried"
        );
        let lines = run(&home, sandbox, &script, "network = \"none\"\n", 0);
        assert_eq!(texts(&lines, "assistant").trim(), "tried");
    });
}

/// This machine's addresses, but for those that everybody has of their own.
fn own_addresses() -> Vec<String> {
    let told = std::process::Command::new("hostname").arg("-I").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let addresses: Vec<String> =
        told.split_whitespace().filter(|one| one.contains('.')).map(str::to_owned).collect();
    assert!(!addresses.is_empty());
    addresses
}
