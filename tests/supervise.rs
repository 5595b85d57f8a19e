//! The supervisor as others see it: real processes, real signals, a folder on disk.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const LOOP: &str = env!("CARGO_BIN_EXE_loop");

/// A supervisor and its folder.
struct Rig {
    dir: tempfile::TempDir,
    run_dir: PathBuf,
    child: Option<Child>,
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let run_dir = dir.path().join("run");
        Self { dir, run_dir, child: None }
    }

    /// Starts it. Its standard output is read by nobody.
    fn boot(mut self, boot: &Value) -> Self {
        self.start(boot);
        self
    }

    fn start(&mut self, boot: &Value) {
        let mut child = Command::new(LOOP)
            .arg("supervise")
            .arg("--run")
            .arg(&self.run_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = boot.to_string();
        line.push('\n');
        child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        self.child = Some(child);
    }

    fn pid(&self) -> i32 {
        self.child.as_ref().unwrap().id() as i32
    }

    /// The most memory it ever had.
    fn peak_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Waits until it has ended by itself.
    fn wait(&mut self) -> std::process::ExitStatus {
        let child = self.child.as_mut().unwrap();
        for _ in 0..3000 {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("it does not end");
    }

    fn ask(&self, verb: &str, input: &str) -> Output {
        let mut child = Command::new(LOOP)
            .arg(verb)
            .arg("--run")
            .arg(&self.run_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn told(&self, verb: &str, input: &str) -> String {
        let output = self.ask(verb, input);
        let reply: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        reply["state"].as_str().unwrap_or_default().to_owned()
    }

    fn follow(&self, after: u64, until: u32, wait: bool) -> Vec<u8> {
        let mut command = Command::new(LOOP);
        command.arg("journal").arg("--run").arg(&self.run_dir);
        command.arg("--after").arg(after.to_string());
        if until > 0 {
            command.arg("--turn").arg(until.to_string());
        }
        if wait {
            command.arg("--follow");
        }
        command.output().unwrap().stdout
    }

    fn journal(&self) -> Vec<Value> {
        // A live journal may end in a line that is just being written.
        let bytes = fs::read(self.run_dir.join("journal.jsonl")).unwrap_or_default();
        lines(&bytes[..bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1)])
    }

    fn exit(&self, turn: u32) -> Value {
        let path = self.run_dir.join(format!("turn-{turn}/exit.json"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        while !done(self) {
            assert!(since.elapsed() < Duration::from_secs(30), "{what}: {:?}", self.journal());
            sleep(Duration::from_millis(5));
        }
    }

    fn until_exit(&self, turn: u32) -> Value {
        let path = self.run_dir.join(format!("turn-{turn}/exit.json"));
        self.until("it exits", |_| path.exists());
        self.exit(turn)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Journal lines, which have to be whole and numbered from 1 without gaps.
fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "torn");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect(line));
    let lines: Vec<Value> = lines.collect();
    for (at, line) in lines.iter().enumerate() {
        assert_eq!(line["n"], at as u64 + 1, "a gap");
    }
    lines
}

/// The words of one stream, `out` or `err`.
fn said(journal: &[Value], stream: &str) -> Vec<String> {
    let lines = journal.iter().filter(|line| line["s"] == stream);
    lines.map(|line| line["line"].as_str().unwrap_or("b64").to_owned()).collect()
}

fn events(journal: &[Value]) -> Vec<&str> {
    journal.iter().filter_map(|line| line["event"].as_str()).collect()
}

fn spec(turn: u32, script: &str) -> Value {
    json!({
        "turn": turn,
        "argv": ["sh", "-c", script],
        "env": { "PATH": "/usr/local/bin:/usr/bin:/bin" },
        "cwd": "/tmp",
        "files": [],
        "stdin": "",
        "setup": [],
        "limits": { "wall_ms": 20000, "quiet_ms": 0, "output_bytes": 0 },
        "secrets": [],
    })
}

fn with(mut spec: Value, name: &str, value: Value) -> Value {
    spec[name] = value;
    spec
}

fn boot(idle_ms: u64, first: &Value) -> Value {
    json!({ "idle_ms": idle_ms, "worker": null, "wrap": [], "open": [], "first": first })
}

/// Runs one turn to its end.
#[expect(clippy::needless_pass_by_value, reason = "made for this call everywhere")]
fn run(first: Value) -> (Rig, Vec<Value>, Value) {
    let mut rig = Rig::new().boot(&boot(1, &first));
    assert!(rig.wait().success());
    let (journal, exit) = (rig.journal(), rig.exit(1));
    (rig, journal, exit)
}

/// A duration for `sleep` that no other test uses, to find what is left of it.
fn mark() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let pid = std::process::id();
    format!("{}.{pid}", 4000 + NEXT.fetch_add(1, Ordering::SeqCst))
}

fn running(mark: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let cmdlines = processes.filter_map(|p| fs::read(p.path().join("cmdline")).ok());
    cmdlines.filter(|line| line.split(|b| *b == 0).any(|word| word == mark.as_bytes())).count()
}

#[test]
fn ends_of_every_kind() {
    for (script, code, signal) in [
        ("true", json!(0), Value::Null),
        ("exit 3", json!(3), Value::Null),
        ("kill -9 $$", Value::Null, json!(9)),
        ("kill -TERM $$", Value::Null, json!(15)),
    ] {
        let (_rig, journal, exit) = run(spec(1, script));
        assert_eq!((&exit["code"], &exit["signal"]), (&code, &signal), "{script}");
        assert_eq!(events(&journal), ["turn_started", "turn_exited", "ended"]);
        assert_eq!(journal[1]["data"], exit, "the line is the record");
    }
    let missing = with(spec(1, ""), "argv", json!(["no-such-program"]));
    let (_rig, _, exit) = run(missing);
    let reason = exit["spawn_error"].as_str().unwrap();
    assert!(reason.starts_with("cannot run `no-such-program` in `/tmp`: No such file"), "{reason}");
}

#[test]
fn everything_written_is_there_in_order() {
    let (_rig, journal, exit) = run(spec(1, "seq 1 20000; seq 1 500 >&2; printf torn"));
    let mut expected: Vec<String> = (1..=20000).map(|n| n.to_string()).collect();
    expected.push("torn".to_owned());
    assert_eq!(said(&journal, "out"), expected);
    assert_eq!(said(&journal, "err"), expected[..500]);
    assert_eq!(exit["out_bytes"], 108_894 + 4);

    let (_rig, journal, _) =
        run(spec(1, "printf '\\377\\n'; head -c 3000000 /dev/zero | tr '\\0' x"));
    assert_eq!(journal[1]["b64"], "/w==");
    assert_eq!(said(&journal, "out")[1].len(), 3_000_000);
}

#[test]
fn a_long_prompt_arrives_and_ends() {
    let prompt = "0123456789abcde\n".repeat(1 << 16);
    let (_rig, journal, _) = run(with(spec(1, "wc -c; cat"), "stdin", json!(prompt)));
    assert_eq!(said(&journal, "out")[0], (1 << 20).to_string());
    // Without a prompt the input is at its end, too.
    assert_eq!(said(&run(spec(1, "wc -c")).1, "out"), ["0"]);
}

#[test]
fn files_and_setup_come_first() {
    let rig = Rig::new();
    let path = rig.dir.path().join("a/b/file");
    let files = json!([{ "path": path, "content": "placed\n" }]);
    let setup = json!([format!("cat {}", path.display()), "echo two >&2"]);
    let first = with(with(spec(1, "echo harness"), "files", files), "setup", setup);
    let (_rig, journal, exit) = run(first);
    assert_eq!(exit["code"], 0);
    let expected = ["setup_started", "setup_exited", "setup_started", "setup_exited"];
    assert_eq!(events(&journal)[..4], expected);
    assert_eq!(events(&journal)[4..], ["turn_started", "turn_exited", "ended"]);
    assert_eq!((&journal[1]["line"], &journal[1]["turn"]), (&json!("placed"), &json!(0)));

    let failing = with(spec(1, "echo never"), "setup", json!(["exit 4", "echo never"]));
    let (_rig, journal, exit) = run(failing);
    assert_eq!(exit["spawn_error"], "setup command `exit 4` failed with exit code 4");
    assert!(said(&journal, "out").is_empty());

    let files = json!([{ "path": "/proc/nowhere/x", "content": "" }]);
    let (_rig, _, exit) = run(with(spec(1, "echo never"), "files", files));
    let reason = exit["spawn_error"].as_str().unwrap();
    assert!(reason.starts_with("cannot place files: "), "{reason}");
    assert!(reason.contains("/proc/nowhere/x"), "{reason}");
}

#[test]
fn the_environment_is_the_given_one() {
    let first =
        with(spec(1, "env | sort; ulimit -c; umask"), "env", json!({ "PATH": "/usr/bin:/bin" }));
    let (_rig, journal, _) = run(first);
    assert_eq!(said(&journal, "out"), ["PATH=/usr/bin:/bin", "PWD=/tmp", "0", "0022"]);
}

#[test]
fn secrets_stay_out_of_the_journal() {
    let mut first = spec(1, "echo a-$KEY-b; echo $KEY >&2; echo \"line $KEY\"; printf $KEY");
    first["env"]["KEY"] = json!("hunter2-hunter2");
    first["secrets"] = json!(["hunter2-hunter2"]);
    first["setup"] = json!(["echo hunter2-hunter2; false"]);
    let (rig, journal, exit) = run(first.clone());
    assert_eq!(
        exit["spawn_error"],
        "setup command `echo [redacted]; false` failed with exit code 1"
    );
    assert_eq!(said(&journal, "out"), ["[redacted]"]);
    let text = fs::read_to_string(rig.run_dir.join("journal.jsonl")).unwrap();
    assert!(!text.contains("hunter2-hunter2"));
    first["setup"] = json!([]);
    let (_rig, journal, _) = run(first);
    assert_eq!(said(&journal, "out"), ["a-[redacted]-b", "line [redacted]", "[redacted]"]);
    assert_eq!(said(&journal, "err"), ["[redacted]"]);
}

fn limited(script: &str, name: &str, value: u64) -> Value {
    let mut first = spec(1, script);
    first["limits"][name] = json!(value);
    first
}

#[test]
fn a_hang_is_quiet_and_work_is_not() {
    let mark = mark();
    let (_rig, journal, exit) = run(limited(&format!("sleep {mark}"), "quiet_ms", 300));
    assert_eq!((&exit["limit"], &exit["signal"]), (&json!("quiet"), &json!(2)));
    assert!(events(&journal).contains(&"limit"));
    assert_eq!(running(&mark), 0);

    // A grandchild works and says nothing for much longer than the limit.
    let busy = "sh -c 'timeout 2 sh -c \"while :; do :; done\"; true'; echo done";
    let (_rig, journal, exit) = run(limited(busy, "quiet_ms", 700));
    assert_eq!((&exit["limit"], &exit["code"]), (&Value::Null, &json!(0)));
    assert_eq!(said(&journal, "out"), ["done"]);
}

#[test]
fn nothing_outlives_the_time_limit() {
    let mark = mark();
    let script = format!(
        "trap '' INT TERM; for i in 1 2 3; do \
         setsid sh -c 'trap \"\" INT TERM; (sleep {mark} & ) ; sleep {mark}' & \
         done; while :; do sleep {mark}; done"
    );
    let (_rig, _, exit) = run(limited(&script, "wall_ms", 500));
    assert_eq!((&exit["limit"], &exit["signal"]), (&json!("time"), &json!(9)));
    assert_eq!(running(&mark), 0);
    let took = exit["duration_ms"].as_u64().unwrap();
    assert!((5_400..9_000).contains(&took), "{took}");
}

#[test]
fn what_a_harness_leaves_behind_is_ended() {
    let mark = mark();
    let script = format!("(setsid sleep {mark} &) ; (trap '' TERM; sleep {mark}) & echo x; exit 5");
    let (_rig, journal, exit) = run(spec(1, &script));
    assert_eq!((&exit["code"], exit["limit"].is_null()), (&json!(5), true));
    assert_eq!(running(&mark), 0);
    assert_eq!(said(&journal, "out"), ["x"]);
    assert!(exit["duration_ms"].as_u64().unwrap() < 5_000);
}

#[test]
fn zombies_are_taken_in() {
    let script = "for i in 1 2 3 4 5 6 7 8 9; do (true &) ; done; sleep 0.3; echo ready; sleep 9";
    let rig = Rig::new().boot(&boot(0, &spec(1, script)));
    rig.until("ready", |rig| said(&rig.journal(), "out") == ["ready"]);
    let children = format!("/proc/{0}/task/{0}/children", rig.pid());
    let children = fs::read_to_string(children).unwrap();
    assert_eq!(children.split_whitespace().count(), 1, "only the harness: {children}");
    assert_eq!(rig.told("interrupt", ""), "interrupting");
    rig.until_exit(1);
}

#[test]
fn a_turn_is_claimed_once() {
    let rig = Rig::new().boot(&boot(0, &Value::Null));
    let turn = spec(1, "echo once; sleep 0.5").to_string();
    let answers: Vec<String> = std::thread::scope(|scope| {
        let ask = || rig.told("turn", &turn);
        let askers: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|a| *a == "started").count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|a| *a == "already").count(), 7, "{answers:?}");
    assert_eq!(rig.told("turn", &spec(2, "true").to_string()), "busy");
    rig.until_exit(1);
    assert_eq!(rig.told("turn", &turn), "already");
    rig.until("idle", |rig| events(&rig.journal()).contains(&"turn_exited"));
    assert_eq!(said(&rig.journal(), "out"), ["once"]);
    assert_eq!(rig.told("interrupt", ""), "idle");
    let refused = rig.ask("turn", &spec(0, "true").to_string());
    assert!(String::from_utf8_lossy(&refused.stdout).contains("the supervisor refused"));
    assert_eq!(rig.told("turn", &spec(2, "echo two").to_string()), "started");
    assert_eq!(rig.until_exit(2)["code"], 0);
}

#[test]
fn an_interrupted_turn_may_say_its_last_words() {
    let mark = mark();
    let script = format!("trap 'echo bye; exit 0' INT; echo ready; sleep {mark} & wait");
    let mut rig = Rig::new().boot(&boot(0, &spec(1, &script)));
    rig.until("ready", |rig| said(&rig.journal(), "out") == ["ready"]);
    assert_eq!(rig.told("interrupt", ""), "interrupting");
    let exit = rig.until_exit(1);
    assert_eq!((&exit["code"], &exit["interrupted"]), (&json!(0), &json!(true)));
    assert_eq!(running(&mark), 0);
    rig.until("told", |rig| events(&rig.journal()).contains(&"turn_exited"));
    assert_eq!(said(&rig.journal(), "out"), ["ready", "bye"]);
    assert_eq!(rig.told("close", ""), "closing");
    assert!(rig.wait().success());
    assert_eq!(rig.journal().last().unwrap()["data"]["reason"], "closed");
}

#[test]
fn a_terminated_supervisor_ends_the_turn_first() {
    let mark = mark();
    let script = format!("trap '' INT TERM; echo ready; while :; do sleep {mark}; done");
    let mut rig = Rig::new().boot(&boot(0, &spec(1, &script)));
    rig.until("ready", |rig| said(&rig.journal(), "out") == ["ready"]);
    let since = Instant::now();
    rig.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(rig.wait().success());
    assert!(since.elapsed() < Duration::from_secs(6));
    assert_eq!((&rig.exit(1)["interrupted"], &rig.exit(1)["signal"]), (&json!(true), &json!(9)));
    assert_eq!(rig.journal().last().unwrap()["data"]["reason"], "terminated");
    assert_eq!(running(&mark), 0);
}

#[test]
fn output_has_a_limit() {
    let (_rig, journal, exit) = run(limited("yes 123456789", "output_bytes", 100_000));
    assert_eq!(exit["limit"], "output");
    let kept: usize = said(&journal, "out").iter().map(|line| line.len() + 1).sum();
    assert!((99_990..=100_001).contains(&kept), "{kept}");
    let told = journal.iter().find(|line| line["event"] == "truncated").unwrap();
    let left_out = told["data"]["bytes"].as_u64().unwrap();
    assert_eq!(exit["out_bytes"].as_u64().unwrap(), left_out + 100_000);
}

#[test]
fn a_line_that_is_too_long_is_cut_in_little_memory() {
    let script = "head -c 75000000 /dev/zero | tr '\\0' x; echo; echo after; sleep 60";
    let mut first = spec(1, script);
    first["limits"]["wall_ms"] = json!(120_000);
    let rig = Rig::new().boot(&boot(0, &first));
    rig.until("after", |rig| {
        let journal = fs::read(rig.run_dir.join("journal.jsonl")).unwrap_or_default();
        journal.ends_with(b"\"line\":\"after\"}\n")
    });
    // What the program itself takes is not the line's.
    let short = Rig::new().boot(&boot(0, &spec(1, "echo short; sleep 60")));
    short.until("short", |rig| {
        fs::read_to_string(rig.run_dir.join("journal.jsonl")).is_ok_and(|all| all.contains("short"))
    });
    let more = rig.peak_kb() - short.peak_kb();
    assert!(more < 16_000, "{more} kB more");
    let journal = rig.journal();
    assert_eq!(said(&journal, "out")[0].len(), 64 << 20);
    assert_eq!(journal[2]["data"], json!({ "what": "line", "bytes": 75_000_000 - (64 << 20) }));
}

#[test]
fn a_truncated_output_file_is_told() {
    let script = "seq 1 100; sleep 0.3; truncate -s 0 /proc/self/fd/1 2>/dev/null; \
                  python3 -c 'import os; os.ftruncate(1, 0)'; sleep 0.3; echo after";
    let (_rig, journal, _) = run(spec(1, script));
    assert!(events(&journal).contains(&"tampered"));
    let said = said(&journal, "out");
    assert_eq!((said.len(), said[100].as_str()), (101, "after"));
}

#[test]
fn the_journal_is_followed_from_any_line() {
    let rig = Rig::new().boot(&boot(0, &spec(1, "for i in 1 2 3 4; do echo $i; sleep 0.1; done")));
    // It waits for a supervisor that just starts, and ends with the turn.
    let whole = rig.follow(0, 1, true);
    assert_eq!(events(&lines(&whole)), ["turn_started", "turn_exited"]);
    let starts = whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
    let starts: Vec<usize> = std::iter::once(0).chain(starts).collect();
    for (after, start) in starts.iter().enumerate() {
        let part = rig.follow(after as u64, 1, true);
        assert_eq!(part, whole[*start..], "after {after}");
    }
    assert_eq!(rig.told("turn", &spec(2, "echo two").to_string()), "started");
    assert!(rig.follow(0, 2, true).starts_with(&whole));
    // Lines of the second turn stand after what was asked for.
    assert_eq!(rig.follow(0, 1, true), whole);
    for after in 6..9 {
        assert_eq!(rig.follow(after, 1, true), b"" as &[u8], "after {after}");
    }
    assert_eq!(rig.follow(0, 0, false), fs::read(rig.run_dir.join("journal.jsonl")).unwrap());
    // Whoever follows to the end sees the end of the supervisor.
    let all = std::thread::scope(|scope| {
        let follower = scope.spawn(|| rig.follow(0, 0, true));
        sleep(Duration::from_millis(200));
        assert_eq!(rig.told("close", ""), "closing");
        follower.join().unwrap()
    });
    assert_eq!(events(&lines(&all)).last(), Some(&"ended"));
}

#[test]
fn the_attached_output_is_the_journal() {
    let mut rig = Rig::new();
    let mut child = Command::new(LOOP)
        .args(["supervise", "--run"])
        .arg(&rig.run_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let first = boot(1, &spec(1, "seq 1 30000"));
    child.stdin.take().unwrap().write_all(format!("{first}\n").as_bytes()).unwrap();
    let mut seen = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut seen).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(seen, fs::read(rig.run_dir.join("journal.jsonl")).unwrap());
    assert_eq!(said(&lines(&seen), "out").len(), 30_000);

    // A reader that reads nothing holds up nothing.
    let mut stuck = Command::new(LOOP)
        .args(["supervise", "--run"])
        .arg(rig.dir.path().join("stuck"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    stuck.stdin.take().unwrap().write_all(format!("{first}\n").as_bytes()).unwrap();
    let unread = stuck.stdout.take();
    rig.child = Some(stuck);
    assert!(rig.wait().success());
    drop(unread);
}

#[test]
fn killed_at_any_moment_the_journal_goes_on() {
    let mut rig = Rig::new();
    let script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; sleep 2";
    let script = format!("timeout 2 sh -c '{script}'");
    for turn in 1..=25_u32 {
        rig.start(&boot(0, &spec(turn, &script)));
        // Times of many sizes, from before the claim to the middle of the output.
        sleep(Duration::from_micros(u64::from(turn * turn) * 700));
        rig.signal(nix::sys::signal::Signal::SIGKILL);
        rig.child.take().unwrap().wait().unwrap();
    }
    rig.start(&boot(1, &Value::Null));
    assert!(rig.wait().success());
    let journal = rig.journal();
    let mut ends = 0;
    for turn in 1..=25_u32 {
        let is_end = |line: &&Value| line["turn"] == turn && line["event"] == "turn_exited";
        let told = journal.iter().filter(is_end).count();
        assert_eq!(told, usize::from(rig.run_dir.join(format!("turn-{turn}")).exists()));
        if told == 1 {
            ends += 1;
            assert_eq!(rig.exit(turn)["interrupted"], true);
        }
    }
    assert!(ends > 5, "{ends} turns were claimed");
    assert_eq!(lines(&rig.follow(0, 0, true)), journal);
}

#[test]
fn a_second_supervisor_is_refused_and_a_long_path_is_not() {
    let mut rig = Rig::new();
    rig.run_dir = rig.dir.path().join("d".repeat(100)).join("e".repeat(100));
    let mut rig = rig.boot(&boot(0, &spec(1, "echo x")));
    rig.until_exit(1);
    let second = rig.ask("supervise", "");
    assert!(String::from_utf8_lossy(&second.stderr).contains("another supervisor runs there"));
    assert_eq!(rig.told("close", ""), "closing");
    assert!(rig.wait().success());
    // Nobody is there any more.
    assert_eq!(rig.told("close", ""), "", "nobody is there to answer");
}

#[test]
fn an_idle_supervisor_ends() {
    let mut rig = Rig::new().boot(&boot(300, &Value::Null));
    let since = Instant::now();
    assert!(rig.wait().success());
    assert!(since.elapsed() >= Duration::from_millis(250));
    assert_eq!(rig.journal()[0]["data"]["reason"], "idle");
}

/// Root on a supervisor's diet, the worker as another user.
#[test]
fn the_worker_is_another_user() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    let rig = Rig::new();
    let home = rig.dir.path().join("home");
    let open = rig.dir.path().join("artifacts");
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(1000), Some(1000)).unwrap();
    let allow = |path: &Path| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    allow(rig.dir.path());
    let file = home.join("x/file");
    let script = format!(
        "id -u; id -G; grep -h -e CapEff -e CapPrm -e NoNewPrivs /proc/self/status; \
         cat {}; touch {}/f && echo opened; \
         cat /proc/self/fd/1 2>/dev/null || echo closed; ls {} 2>/dev/null || echo hidden",
        file.display(),
        open.display(),
        rig.run_dir.display()
    );
    let mut first = spec(1, &script);
    first["files"] = json!([{ "path": file, "content": "mine\n" }]);
    let mut start = boot(1, &first);
    start["worker"] = json!({ "uid": 1000, "gid": 1000 });
    start["open"] = json!([open]);
    // As in a container: only the capabilities that are given there.
    let keep = "cap_setuid,cap_setgid,cap_kill";
    let mut child = Command::new("setpriv")
        .arg(format!("--bounding-set=-all,{}", keep.replace("cap_", "+").replace("+,", "+")))
        .args([LOOP, "supervise", "--run"])
        .arg(&rig.run_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{start}\n").as_bytes()).unwrap();
    let mut rig = rig;
    rig.child = Some(child);
    assert!(rig.wait().success());
    let zero = "0".repeat(16);
    let expected = [
        "1000".to_owned(),
        "1000".to_owned(),
        format!("CapPrm:\t{zero}"),
        format!("CapEff:\t{zero}"),
        "NoNewPrivs:\t1".to_owned(),
        "mine".to_owned(),
        "opened".to_owned(),
        "closed".to_owned(),
        "hidden".to_owned(),
    ];
    assert_eq!(said(&rig.journal(), "out"), expected, "{:?}", rig.journal());
}

/// A disk that is full does not keep the end of a turn from being known.
#[test]
fn a_full_disk_delays_and_loses_nothing() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    let mut rig = Rig::new();
    fs::create_dir(&rig.run_dir).unwrap();
    let on = rig.run_dir.clone();
    let mount = |options: &str| {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&on);
        command.output().unwrap().status.success()
    };
    if !mount("size=400k") {
        eprintln!("skipped: cannot mount");
        return;
    }
    // The journal takes more room than the output, so it is the journal that does not fit.
    let script = "seq 1 20000; echo written >&2; sleep 1; seq 1 3 >&2";
    rig.start(&boot(0, &spec(1, script)));
    sleep(Duration::from_secs(3));
    let over = rig.run_dir.join("turn-1/exit.json").exists();
    let grown = mount("remount,size=64m");
    rig.until_exit(1);
    rig.until("told", |rig| {
        let journal = fs::read_to_string(rig.run_dir.join("journal.jsonl")).unwrap();
        journal.contains("turn_exited")
    });
    let journal = rig.journal();
    assert_eq!(rig.told("close", ""), "closing");
    assert!(rig.wait().success());
    assert!(Command::new("umount").arg(&rig.run_dir).status().unwrap().success());
    assert!(grown && !over, "the end waits for the journal");
    assert_eq!(said(&journal, "out").len(), 20_000);
    assert_eq!(said(&journal, "err"), ["written", "1", "2", "3"]);
}
