//! Everything that a session promises, over there.

use super::far::{Far, on_each};
use crate::acts::{holds_none, of_kind, processes, texts};
use crate::need;
use crate::support::{Home, need};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const COUNTS: &str = "n=$(cat n 2>/dev/null || echo 0); n=$((n + 1)); echo $n > n; \
                      read -r asked; echo \"turn $n: $asked\"; echo done > /artifacts/turn-$n.txt";

fn start(preset: &str) -> [&str; 6] {
    ["session", "start", "--preset", preset, "--json", "do it"]
}

#[test]
fn a_session_is_left_come_back_to_and_ended() {
    on_each(|far, engine| {
        let home = Home::new();
        home.script("counts", "ssh", COUNTS, &far.options(engine));
        let id = home.detach(&["--preset", "counts", "--name", "mine", "one"]);
        assert_eq!(home.wait(&id, "idle")["outcome"], "succeeded");
        let done = home.ask(&["session", "send", "mine", "--wait", "--json", "two"]).ok();
        assert_eq!(texts(&done.session(&home), "assistant"), "turn 2: two");
        // The shared connection is gone, its socket is not, and a stranger's file is no better.
        far.disconnect(&home);
        home.ask(&["session", "send", "last", "three"]).ok();
        assert_eq!(home.wait(&id, "idle")["turns"].as_array().unwrap().len(), 3);
        let said = texts(&home.events(&id), "assistant");
        assert_eq!(said, "turn 1: one\nturn 2: two\nturn 3: three");
        let ended = home.ask(&["session", "stop", &id, "--json"]).ok().last();
        assert_eq!((&ended["phase"], &ended["turns"]), (&json!("succeeded"), &json!(3)));
        assert_eq!(ended["artifacts"].as_array().unwrap().len(), 3);
        far.nothing_left(&home);
    });
}

#[test]
fn a_killed_command_loses_nothing() {
    on_each(|far, engine| {
        let home = Home::new();
        let script = "i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo line $i; sleep 0.05; done";
        home.script("talks", "ssh", script, &far.options(engine));
        let started = home.run(&start("talks")).start();
        started.wait_for("line 9\"");
        started.signal(Signal::SIGKILL);
        started.done();
        // Who followed the journal there ends with who asked; the worker goes on.
        let since = Instant::now();
        while far.asked() > 0 && engine == "local" {
            assert!(since.elapsed() < Duration::from_secs(10), "somebody still follows there");
            std::thread::sleep(Duration::from_millis(50));
        }
        let lines = home.ask(&["session", "attach", "last", "--json"]).ok().session(&home);
        let wanted: Vec<String> = (1..=60).map(|i| format!("line {i}")).collect();
        assert_eq!(texts(&lines, "assistant"), wanted.join("\n"), "none lost, none doubled");
        far.nothing_left(&home);
    });
}

/// What the worker had said by then is kept, and the end is told as what it is.
#[test]
fn a_machine_that_starts_anew_has_ended_its_workers() {
    on_each(|far, engine| {
        let home = Home::new();
        let script = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done";
        home.script("talks", "ssh", script, &far.options(engine));
        let started = home.run(&start("talks")).start();
        started.wait_for("line 20\"");
        far.power_cycle(&home);
        let done = started.done().exits(1);
        assert_eq!(done.last()["phase"], "lost", "{:#}", done.last());
        let said = texts(&done.session(&home), "assistant");
        let wanted: Vec<String> = (1..=said.lines().count()).map(|i| format!("line {i}")).collect();
        assert!(wanted.len() >= 20, "{said}");
        assert_eq!(said, wanted.join("\n"), "none lost, none doubled");
        far.nothing_left(&home);
        // The machine is as good as before.
        home.script("says", "ssh", "echo said", &far.options(engine));
        home.ask(&start("says")).ok();
        far.nothing_left(&home);
    });
}

#[test]
fn limits_hold_there() {
    on_each(|far, engine| {
        let home = Home::new();
        let more = format!("{}[limits]\ntimeout = \"2s\"\n", far.options(engine));
        home.script(
            "sleeps",
            "ssh",
            "echo half > /artifacts/half.txt; echo on it; sleep 987654",
            &more,
        );
        let last = home.ask(&start("sleeps")).exits(7).last();
        assert_eq!(last["outcome"], "limit", "{last:#}");
        assert_eq!(last["artifacts"][0]["title"], "half.txt", "{last:#}");
        far.nothing_left(&home);
    });
}

/// What nobody drives any more is found by its place, and what another store has is left alone.
#[test]
fn gc_finds_what_is_there_and_only_its_own() {
    on_each(|far, engine| {
        let (home, other) = (Home::new(), Home::new());
        for home in [&home, &other] {
            home.script("waits", "ssh", "echo up; sleep 987654", &far.options(engine));
        }
        let theirs = other.detach(&["--preset", "waits", "x"]);
        let ours = home.detach(&["--preset", "waits", "x"]);
        assert_eq!(far.sessions().len(), 2);
        // Its record says that it is over, as after a failure on the way to remove it.
        let store = rusqlite::Connection::open(home.data().join("store.db")).unwrap();
        let changed = store.execute(
            "UPDATE sessions SET phase = 'failed', finished_at = 1 WHERE id = ?1",
            [&ours],
        );
        assert_eq!(changed, Ok(1));
        let told = home.ask(&["gc", "--json"]).ok().json();
        assert!(told["removed"][0].as_str().unwrap().contains(&ours), "{told:#}");
        if engine == "docker" {
            let foreign = told["foreign"].as_array().unwrap();
            assert!(foreign.contains(&json!(format!("loop-{theirs}"))), "{told:#}");
        }
        assert_eq!(far.sessions().len(), 1, "the other store's stays");
        assert_eq!(other.show(&theirs)["phase"], "running");
        other.ask(&["session", "stop", &theirs]).ok();
        far.nothing_left(&other);
        far.nothing_left(&home);
    });
}

/// More at once than one connection may have channels.
#[test]
fn many_at_once_on_one_machine() {
    let far = need!(Far::start());
    need!(need::bubblewrap());
    let home = Home::new();
    let script = "read -r asked; i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo \"$asked $i\"; done; sleep 2";
    home.script("talks", "ssh", script, &far.options("local"));
    let all: Vec<_> = (0..14)
        .map(|n| {
            let words = format!("number {n}");
            let start = ["session", "start", "--preset", "talks", "--json", &words];
            (n, home.run(&start).start())
        })
        .collect();
    for (n, one) in all {
        let lines = one.done().ok().session(&home);
        let wanted: Vec<String> = (1..=200).map(|i| format!("number {n} {i}")).collect();
        assert_eq!(texts(&lines, "assistant"), wanted.join("\n"));
    }
    far.nothing_left(&home);
}

/// The first sessions on a machine, at once: the program is put there, whole, whoever is first.
#[test]
fn the_program_is_put_there_once_and_what_is_spoilt_is_not_run() {
    let cache = tempfile::tempdir().unwrap();
    let far = need!(Far::start_with(&[], Some(cache.path())));
    need!(need::bubblewrap());
    let home = Home::new();
    home.write("config/config.toml", &far.options("local"));
    let fact = |what: &str| {
        let rows = home.ask(&["doctor", "--json"]).json();
        let all = rows.as_array().unwrap().clone();
        let found = all.into_iter().find(|row| row["requirement"].as_str().unwrap().contains(what));
        found.unwrap_or_else(|| panic!("no `{what}`: {rows:#}"))
    };
    assert!(fact("program on `far`")["detail"].as_str().unwrap().contains("not there yet"));
    assert!(!cache.path().join("loop").exists(), "a look puts nothing there");
    let triage =
        ["session", "start", "--preset", "triage", "--project", "demo", "--sandbox", "ssh"];
    let both = [home.run(&triage).start(), home.run(&triage).start()];
    for one in both {
        one.done().ok();
    }
    let copies: Vec<_> =
        std::fs::read_dir(cache.path().join("loop/bin")).unwrap().flatten().collect();
    assert_eq!(copies.len(), 1);
    let inside: Vec<_> = std::fs::read_dir(copies[0].path()).unwrap().flatten().collect();
    assert_eq!(inside.len(), 1, "{inside:?}");
    let evidence = || std::fs::read_dir(cache.path().join("loop/contents")).unwrap().count();
    let before = evidence();
    let done = home.ask(&triage).ok();
    assert!(!done.stderr.contains("putting"), "{}", done.stderr);
    assert_eq!(evidence(), before, "the same evidence is kept once");
    assert!(fact("SSH on `far`")["detail"].as_str().unwrap().contains("the program is there"));
    assert_eq!(fact("bubblewrap on `far`")["state"], "ready");
    far.nothing_left(&home);
}

/// A machine for which there is no build is told as what it is.
#[test]
fn a_machine_of_another_kind_is_refused() {
    for (system, machine, told) in [
        ("Darwin", "arm64", "`far` runs Darwin, and sandboxes need Linux"),
        (
            "Linux",
            "riscv64",
            "there is no build of this program for `far`, a Linux riscv64 machine",
        ),
    ] {
        let (cache, bin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let uname = bin.path().join("uname");
        std::fs::write(
            &uname,
            format!("#!/bin/sh\n[ \"$1\" = -s ] && echo {system} || echo {machine}\n"),
        )
        .unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&uname, executable).unwrap();
        let path = format!("SetEnv PATH={}:/usr/bin:/bin", bin.path().display());
        let far = need!(Far::start_with(&[&path], Some(cache.path())));
        let home = Home::new();
        home.write("config/config.toml", &far.options(""));
        let start =
            ["session", "start", "--preset", "triage", "--project", "demo", "--sandbox", "ssh"];
        let done = home.ask(&start).exits(5);
        assert!(done.stderr.contains(told), "{}", done.stderr);
        assert!(done.stderr.contains("hint:"), "{}", done.stderr);
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0, "nothing was put there");
        far.nothing_left(&home);
    }
}

const LEAKED: &str = "canary-5d1e-90aa/b7c3+f14&52";

/// A secret reaches the worker, and no argument of any process, no environment but the worker's own, and
/// no file of either side.
#[test]
fn a_canary_is_found_nowhere() {
    on_each(|far, engine| {
        let home = Home::new();
        home.write(
            "config/skills/canary.toml",
            "kind = \"custom\"\ndescription = \"x\"\n[secrets]\nCANARY = { help = \"x\" }\n",
        );
        // What it printed would be in a file of its own.
        let script = "read -r a; echo \"length ${#CANARY}\"; sleep 1; echo $a";
        let script = serde_json::to_string(script).unwrap();
        home.preset(
            "leaky",
            &format!(
                "description = \"x\"\nharness = \"command\"\ncommand = [\"/bin/sh\", \"-c\", {script}]\n\
                 skills = [\"canary\"]\n[sandbox]\nprovider = \"ssh\"\nimage = \"loop-test-base:1\"\n{}",
                far.options(engine)
            ),
        );
        let pass = ("LOOP_SECRETS_PASSPHRASE", "right");
        let set = ["secret", "set", "CANARY", "--store", "file"];
        home.run(&set).env(pass.0, pass.1).stdin(LEAKED).done().ok();
        let start = ["session", "start", "--preset", "leaky", "--json", "x"];
        let running = home.run(&start).env(pass.0, pass.1).start();
        let mut looked = 0;
        while !running.so_far().contains("session_finished") && looked < 600 {
            looked += 1;
            assert_eq!(processes(LEAKED), Vec::<String>::new());
            if looked % 20 == 0 {
                holds_none(&far.path().join("home"), &[LEAKED]);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let done = running.done().ok();
        assert!(looked > 20, "it was looked at while it ran");
        let length = format!("length {}", LEAKED.len());
        assert!(texts(&done.lines(), "assistant").contains(&length), "{}", done.stdout);
        holds_none(far.path().join("home").as_path(), &[LEAKED]);
        holds_none(far.cache().join("loop/contents").as_path(), &[LEAKED]);
        holds_none(&home.data(), &[LEAKED]);
        far.nothing_left(&home);
    });
}

/// What a login shell says before our program is no answer of it.
#[test]
fn a_shell_that_greets_is_put_up_with() {
    let far = need!(Far::start());
    need!(need::bubblewrap());
    let home = Home::new();
    // `bash` reads this where it is run by a server, whoever logs in.
    std::fs::write(far.path().join("home/.bashrc"), "echo welcome; printf 'no end of line'\n")
        .unwrap();
    home.script("counts", "ssh", COUNTS, &far.options("local"));
    let lines = home.ask(&start("counts")).ok().session(&home);
    assert_eq!(texts(&lines, "assistant"), "turn 1: do it");
    std::fs::write(far.path().join("home/.bashrc"), "yes welcome | head -c 100000\n").unwrap();
    let bash = std::fs::read_to_string("/etc/passwd").unwrap();
    if bash.lines().any(|line| line.starts_with("root:") && line.ends_with("bash")) {
        let done = home.ask(&start("counts")).exits(5);
        assert!(done.stderr.contains("says too much before our program starts"), "{}", done.stderr);
    }
    std::fs::write(far.path().join("home/.bashrc"), "").unwrap();
    home.ask(&["gc"]).ok();
    far.nothing_left(&home);
}

/// A Dockerfile's folder travels with it.
#[test]
fn an_image_is_built_there() {
    let far = need!(Far::start());
    need!(need::image());
    let home = Home::new();
    home.write("image/Dockerfile", "FROM loop-test-base:1\nCOPY said.txt /said.txt\n");
    home.write("image/said.txt", "in the image\n");
    let preset = format!(
        "description = \"x\"\nharness = \"command\"\ncommand = [\"/bin/cat\", \"/said.txt\"]\n[sandbox]\n\
         provider = \"ssh\"\nimage = {{ dockerfile = {:?} }}\n{}",
        home.path().join("image/Dockerfile"),
        far.options("docker")
    );
    home.preset("built", &preset);
    let lines = home.ask(&start("built")).ok().session(&home);
    assert_eq!(texts(&lines, "assistant"), "in the image");
    assert!(of_kind(&lines, "error").is_empty());
    far.nothing_left(&home);
}

#[test]
fn what_is_missing_there_is_told() {
    let far = need!(Far::start());
    let home = Home::new();
    let start = ["session", "start", "--preset", "triage", "--project", "demo", "--sandbox", "ssh"];
    home.write("config/config.toml", &far.options("podman"));
    if std::path::Path::new("/run/podman/podman.sock").exists() {
        return;
    }
    let done = home.ask(&start).exits(5);
    assert!(done.stderr.contains("on `far`: no Docker engine answers"), "{}", done.stderr);
    home.write("config/config.toml", "[sandbox.ssh]\nhost = \"-oProxyCommand=x\"\n");
    let done = home.ask(&start).exits(3);
    assert!(done.stderr.contains("is no SSH host"), "{}", done.stderr);
    home.write("config/config.toml", "");
    let done = home.ask(&start).exits(3);
    assert!(done.stderr.contains("needs `host`"), "{}", done.stderr);
    let told: Value = home.ask(&["session", "list", "--json"]).ok().json();
    assert!(told.as_array().is_some());
}
