//! Sessions from start to end and after it: leaving, coming back, looking, sending, ending. The
//! worker is a shell script, on both providers where it matters.

use crate::acts::{gapless, of_kind, texts, valid, valid_as};
use crate::need;
use crate::places::on_each;
use crate::support::{Home, need};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// A worker that counts its turns in its workspace, says so, and leaves a file.
const COUNTS: &str = "n=$(cat n 2>/dev/null || echo 0); n=$((n + 1)); echo $n > n; \
                      read -r asked; echo \"turn $n: $asked\"; echo done > /artifacts/turn-$n.txt";

/// A worker that goes on until there is a file `go` in its workspace.
const WAITS: &str = "echo waiting; while [ ! -e go ]; do sleep 0.05; done; echo went on";

fn start(preset: &str) -> [&str; 6] {
    ["session", "start", "--preset", preset, "--json", "do it"]
}

#[test]
fn a_session_in_a_pipe_ends_after_its_turn() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        home.script("counts", sandbox, COUNTS, "");
        let lines = home.ask(&start("counts")).ok().session(&home);
        assert_eq!(texts(&lines, "assistant"), "turn 1: do it");
        let last = &lines[lines.len() - 1];
        assert_eq!((&last["turns"], &last["phase"]), (&json!(1), &json!("succeeded")));
        let path = last["artifacts"][0]["path"].as_str().unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "done\n");
        home.nothing_left();
        let late = home.ask(&["session", "send", "last", "more"]).exits(2);
        assert!(late.stderr.contains("is over"), "{}", late.stderr);
    });
}

#[test]
fn a_detached_session_is_come_back_to() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        home.script("counts", sandbox, COUNTS, "");
        let id = home.detach(&["--preset", "counts", "--name", "mine", "one"]);
        let shown = home.wait(&id, "idle");
        assert_eq!((&shown["name"], &shown["outcome"]), (&json!("mine"), &json!("succeeded")));
        for _ in 0..2 {
            let done = home.ask(&["session", "send", "mine", "--wait", "--json", "two"]).ok();
            assert!(texts(&done.session(&home), "assistant").contains(": two"));
        }
        home.ask(&["session", "send", "last", "three"]).ok();
        let shown = home.wait(&id, "idle");
        let outcomes = shown["turns"].as_array().unwrap().iter().map(|turn| &turn["outcome"]);
        assert_eq!(outcomes.collect::<Vec<_>>(), [&json!("succeeded"); 4]);
        let said = texts(&home.events(&id), "assistant");
        assert_eq!(said, "turn 1: one\nturn 2: two\nturn 3: two\nturn 4: three");
        let ended = home.ask(&["session", "stop", &id, "--json"]).ok().last();
        assert_eq!((&ended["phase"], &ended["turns"]), (&json!("succeeded"), &json!(4)));
        assert_eq!(ended["artifacts"].as_array().unwrap().len(), 4);
        home.nothing_left();
    });
}

/// The command that started it is killed in the middle; another one goes on to its end.
#[test]
fn a_killed_command_loses_nothing() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let script = "i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo line $i; sleep 0.02; done";
        home.script("talks", sandbox, script, "");
        let started = home.run(&start("talks")).start();
        started.wait_for("line 9\"");
        started.signal(nix::sys::signal::Signal::SIGKILL);
        started.done();
        let lines = home.ask(&["session", "attach", "last", "--json"]).ok().session(&home);
        let wanted: Vec<String> = (1..=60).map(|i| format!("line {i}")).collect();
        assert_eq!(texts(&lines, "assistant"), wanted.join("\n"), "none lost, none doubled");
        assert_eq!(lines.iter().find(|line| line["type"] == "event").unwrap()["seq"], 1);
        home.nothing_left();
    });
}

/// Ctrl-C leaves, and the worker goes on.
#[test]
fn an_interrupt_detaches() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.script("waits", "local", WAITS, "");
    let started = home.run(&["session", "start", "--preset", "waits", "do it"]).start();
    let began = std::time::Instant::now();
    while home.ask(&["session", "list", "--status", "running", "--json"]).ok().json() == json!([]) {
        assert!(began.elapsed() < Duration::from_secs(20));
    }
    started.signal(nix::sys::signal::Signal::SIGINT);
    let left = started.done();
    assert!(left.stderr.contains("loop session attach"), "it says how to come back: {left:?}");
    assert_eq!(home.show("last")["phase"], "running");
    go_on(&home, "last");
    home.wait("last", "idle");
    home.ask(&["session", "stop", "last"]).ok();
    home.nothing_left();
}

/// Lets a worker that waits on this machine go on.
fn go_on(home: &Home, session: &str) {
    let id = home.show(session)["id"].as_str().unwrap().to_owned();
    let sandbox = home.data().join("sessions").join(id).join("sandbox");
    std::fs::write(sandbox.join("workspace/go"), "").unwrap();
}

#[test]
fn two_may_attach_at_once() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.script("waits", "local", WAITS, "");
    let id = home.detach(&["--preset", "waits", "do it"]);
    let attached: Vec<_> =
        (0..2).map(|_| home.run(&["session", "attach", &id, "--json"]).start()).collect();
    for one in &attached {
        one.wait_for("waiting");
    }
    go_on(&home, &id);
    let seen: Vec<Vec<Value>> = attached
        .into_iter()
        .map(|one| one.done().ok().session(&home))
        .map(|lines| lines.into_iter().filter(|line| line["type"] == "event").collect())
        .collect();
    assert_eq!(seen[0], seen[1], "both see all of it");
    assert!(texts(&seen[0], "assistant").ends_with("went on"));
    home.nothing_left();
}

#[test]
fn follow_ups_wait_or_are_refused() {
    need!(need::bubblewrap());
    let home = Home::new();
    let script = format!("read -r asked; echo \"asked $asked\"; {WAITS}");
    home.script("waits", "local", &script, "");
    let id = home.detach(&["--preset", "waits", "one"]);
    let refused = home.ask(&["session", "send", &id, "two"]).exits(2);
    assert!(refused.stderr.contains("is running") && refused.stderr.contains("--queue"));
    home.ask(&["session", "send", &id, "--queue", "two"]).ok();
    home.ask(&["session", "send", &id, "--queue", "three"]).ok();
    go_on(&home, &id);
    let attached = home.ask(&["session", "attach", &id, "--json"]).ok().session(&home);
    let asked: Vec<&str> =
        of_kind(&attached, "user").iter().map(|event| event["text"].as_str().unwrap()).collect();
    assert_eq!(asked, ["one", "two", "three"]);
    assert_eq!(attached[attached.len() - 1]["turns"], 3);
    home.nothing_left();
}

#[test]
fn an_interrupted_turn_ends_and_the_session_stays() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        // It will not go when it is asked to.
        let script = "trap '' INT TERM; read -r a; echo \"$a\"; [ \"$a\" = stay ] && sleep 987654";
        home.script("stays", sandbox, &format!("{script}; true"), "");
        let id = home.detach(&["--preset", "stays", "stay"]);
        let follow = home.run(&["session", "logs", &id, "-f", "--json"]).start();
        follow.wait_for("\"assistant\"");
        home.ask(&["session", "interrupt", &id]).ok();
        let shown = home.wait(&id, "idle");
        assert_eq!(shown["turns"][0]["outcome"], "interrupted", "{shown:#}");
        let again = home.ask(&["session", "interrupt", &id]).exits(2);
        assert!(again.stderr.contains("no running turn"), "{}", again.stderr);
        home.ask(&["session", "send", &id, "--wait", "go"]).ok();
        home.ask(&["session", "stop", &id]).ok();
        gapless(&follow.done().ok().lines());
        home.nothing_left();
    });
}

#[test]
fn a_stopped_session_is_collected() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        home.script(
            "works",
            sandbox,
            "echo half > /artifacts/half.txt; echo on it; sleep 987654",
            "",
        );
        let id = home.detach(&["--preset", "works", "do it"]);
        let follow = home.run(&["session", "logs", &id, "-f"]).start();
        follow.wait_for("on it");
        home.ask(&["session", "stop", &id]).ok();
        follow.done().ok();
        let shown = home.show(&id);
        assert_eq!(shown["artifacts"][0]["title"], "half.txt", "{shown:#}");
        assert_eq!(shown["phase"], "cancelled", "{shown:#}");
        home.ask(&["session", "stop", &id]).ok();
        home.nothing_left();
    });
}

/// A worker that ended while nobody looked is taken in by whatever looks next.
#[test]
fn gc_collects_and_removes() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        home.script("counts", sandbox, COUNTS, "idle_timeout = \"1s\"\n");
        let id = home.detach(&["--preset", "counts", "one"]);
        std::thread::sleep(Duration::from_millis(2500));
        let dry = home.ask(&["gc", "--dry-run", "--json"]).ok().json();
        assert_eq!(dry["running"], json!([id]), "{dry:#}");
        let done = home.ask(&["gc", "--json"]).ok().json();
        assert_eq!(done["advanced"], json!([id]), "{done:#}");
        let shown = home.show(&id);
        assert_eq!(
            (&shown["phase"], shown["artifacts"].as_array().unwrap().len()),
            (&json!("succeeded"), 1)
        );
        home.nothing_left();
    });
}

#[test]
fn a_kept_sandbox_stays_until_its_session_is_removed() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        home.script("fails", sandbox, "echo no; exit 3", "keep = \"on-failure\"\n");
        home.script("counts", sandbox, COUNTS, "");
        home.ask(&start("counts")).ok();
        home.nothing_left();
        home.ask(&start("fails")).exits(1);
        assert_eq!(place.sandboxes(&home), 1, "it is kept");
        home.ask(&["gc"]).ok();
        assert_eq!(place.sandboxes(&home), 1, "it is still kept");
        home.ask(&["session", "rm", "last"]).ok();
        home.nothing_left();
    });
}

/// Three sessions that are over, and every way to look at them.
#[test]
fn looking_at_sessions() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.script("counts", "local", COUNTS, "");
    home.script("fails", "local", "echo no; exit 3", "");
    home.ask(&start("counts")).ok();
    home.ask(&["session", "start", "--preset", "counts", "--name", "second", "again"]).ok();
    home.ask(&start("fails")).exits(1);

    let list = home.ask(&["session", "list", "--json"]).ok().json();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 3);
    valid_as(&home, "session", list);
    let names: Vec<&Value> = list.iter().map(|session| &session["preset"]).collect();
    assert_eq!(names, ["fails", "counts", "counts"], "the newest first");
    for (flags, count) in [
        (&["--preset", "counts"][..], 2),
        (&["--status", "failed"], 1),
        (&["--status", "running"], 0),
        (&["--since", "1h"], 3),
        (&["--limit", "2"], 2),
    ] {
        let listed = home.ask(&[&["session", "ls", "--json"], flags].concat()).ok().json();
        assert_eq!(listed.as_array().unwrap().len(), count, "{flags:?}");
    }
    let people = home.ask(&["sessions", "list"]).ok().stdout;
    assert!(people.contains("second") && people.contains("failed"), "{people}");

    let id = list[1]["id"].as_str().unwrap();
    for word in [id, &id[..6], "second", &id[..6].to_uppercase()] {
        assert_eq!(home.show(word)["id"], id, "{word}");
    }
    assert_eq!(home.show("last")["preset"], "fails");
    let none = home.ask(&["session", "show", "zzz"]).exits(2);
    assert!(none.stderr.contains("no session is called `zzz`"), "{}", none.stderr);
    let card = home.ask(&["session", "show", "second"]).ok().stdout;
    assert!(card.contains("turn-1.txt") && card.contains("again"), "{card}");
    looking_at_logs(&home);
    looking_at_artifacts(&home);
    removing(&home, id);
}

fn looking_at_logs(home: &Home) {
    let all = home.events("second");
    valid(home, &all);
    gapless(&all);
    let count = all.len() as u64;
    assert_eq!(all[0]["seq"], 1);
    let logs = |flags: &[&str]| {
        home.ask(&[&["session", "logs", "second", "--json"], flags].concat()).ok().lines()
    };
    assert_eq!(logs(&["--tail", "2"]), all[all.len() - 2..]);
    assert_eq!(logs(&["--tail", "0"]), Vec::<Value>::new());
    assert_eq!(logs(&["--tail", "1000"]), all);
    assert_eq!(logs(&["--after", "1"]), all[1..]);
    assert_eq!(logs(&["--after", &count.to_string()]), Vec::<Value>::new());
    assert_eq!(logs(&["--turn", "1"]), all);
    assert_eq!(logs(&["--turn", "2"]), Vec::<Value>::new());
    assert_eq!(logs(&["-f"]), all, "of one that is over it ends at once");
    let people = home.ask(&["session", "logs", "second"]).ok().stdout;
    assert!(people.contains("turn 1: again"), "{people}");
    let raw = home.ask(&["session", "logs", "second", "--raw"]).ok().lines();
    let numbers: Vec<u64> = raw.iter().map(|line| line["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=raw.len() as u64).collect::<Vec<_>>());
}

fn looking_at_artifacts(home: &Home) {
    let listed = home.ask(&["session", "artifacts", "second", "--json"]).ok().json();
    valid_as(home, "artifact", listed.as_array().unwrap());
    assert_eq!(listed[0]["title"], "turn-1.txt");
    let target = home.path().join("work/taken/out");
    let target = target.to_str().unwrap();
    home.ask(&["session", "artifacts", "second", "--download", target]).ok();
    let taken = std::fs::read_to_string(Path::new(target).join("turn-1.txt")).unwrap();
    assert_eq!(taken, "done\n");
    let exported = home.ask(&["session", "export", "second", "--format", "json"]).ok().json();
    assert!(exported.to_string().contains("turn 1: again"), "{exported:#}");
    home.ask(&["session", "export", "second", "-o", "out.md"]).ok();
    let text = std::fs::read_to_string(home.path().join("work/out.md")).unwrap();
    assert!(text.starts_with("# ") && text.contains("turn 1: again"), "{text}");
    home.ask(&["session", "export", "second", "-o", "no/such/folder.md"]).exits(3);
}

fn removing(home: &Home, id: &str) {
    home.ask(&["session", "rm", "second"]).ok();
    assert!(!home.data().join("sessions").join(id).exists(), "its folder is gone");
    home.ask(&["session", "show", id]).exits(2);
    let left = home.ask(&["session", "list", "--json"]).ok().json();
    assert_eq!(left.as_array().unwrap().len(), 2);
    home.nothing_left();
}

#[test]
fn what_runs_is_not_removed() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.script("waits", "local", WAITS, "");
    let id = home.detach(&["--preset", "waits", "one"]);
    let refused = home.ask(&["session", "rm", &id]).exits(2);
    assert!(refused.stderr.contains("loop session stop"), "{}", refused.stderr);
    home.ask(&["session", "stop", &id]).ok();
    home.ask(&["session", "rm", &id]).ok();
    home.nothing_left();
}

#[test]
fn a_dry_run_starts_nothing() {
    need!(need::docker());
    let home = Home::new();
    let start = ["session", "start", "--preset", "investigate", "--project", "demo", "--dry-run"];
    let plan = home.ask(&[&start[..], &["--json"]].concat()).ok().json();
    valid_as(&home, "plan", std::slice::from_ref(&plan));
    let people = home.run(&start).env("ANTHROPIC_API_KEY", "marked-value").done().ok();
    assert!(people.stdout.contains("claude-code") && !people.stdout.contains("marked-value"));
    assert_eq!(home.ask(&["session", "list", "--json"]).ok().json(), json!([]));
    home.nothing_left();
}

/// `setup` runs once a session, before the first turn, and is told.
#[test]
fn setup_runs_once() {
    on_each(|place| {
        let (home, sandbox) = (place.home(), place.sandbox);
        let script = "cat setup.log";
        home.script(
            "set-up",
            sandbox,
            script,
            "setup = [\"echo prepared >> setup.log\", \"echo told\"]\n",
        );
        let id = home.detach(&["--preset", "set-up", "one"]);
        home.wait(&id, "idle");
        home.ask(&["session", "send", &id, "--wait", "two"]).ok();
        let events = home.events(&id);
        assert_eq!(texts(&events, "assistant"), "prepared\nprepared", "once, seen by both turns");
        assert!(texts(&events, "status").contains("told"), "{events:#?}");
        home.ask(&["session", "stop", &id]).ok();
        home.script("set-up", sandbox, script, "setup = [\"echo first; exit 7\"]\n");
        let failed = home.ask(&start("set-up")).exits(1).session(&home);
        assert!(texts(&failed, "error").contains("setup failed"), "{failed:#?}");
        home.nothing_left();
    });
}

/// A reader that goes away is no failure, and what was started is not left behind.
#[test]
fn a_broken_pipe_is_no_failure() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.script("counts", "local", COUNTS, "");
    home.ask(&start("counts")).ok();
    let shell = format!(
        "'{}' session logs last --json | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_loop")
    );
    let done = std::process::Command::new("bash")
        .args(["-c", &shell])
        .env("LOOP_DATA_DIR", home.data())
        .env("LOOP_CONFIG_DIR", home.config())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "0\n", "{done:?}");
}

/// The first commands of all, at once: the store is made by one of them, and none is refused.
#[test]
fn a_new_store_is_made_once() {
    for _ in 0..20 {
        let home = Home::new();
        let list = || home.run(&["session", "list", "--json"]).start();
        let at_once: Vec<_> = (0..4).map(|_| list()).collect();
        for one in at_once {
            assert_eq!(one.done().ok().json(), json!([]));
        }
    }
}

/// Whoever only looks at an idle session holds its lock for a moment, and that refuses nobody.
#[test]
fn a_look_refuses_nobody() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.script("counts", "local", COUNTS, "");
    let id = home.detach(&["--preset", "counts", "one"]);
    home.wait(&id, "idle");
    let path = home.data().join("sessions").join(&id).join("lock");
    let lock = nix::fcntl::Flock::lock(
        std::fs::File::open(path).unwrap(),
        nix::fcntl::FlockArg::LockExclusive,
    );
    let send = home.run(&["session", "send", &id, "--wait", "two"]).start();
    std::thread::sleep(Duration::from_millis(300));
    drop(lock.unwrap());
    send.done().ok();
    assert!(texts(&home.events(&id), "assistant").ends_with("turn 2: two"));
    home.ask(&["session", "stop", &id]).ok();
    home.nothing_left();
}
