//! A worker that is in another container than its supervisor, as others see it: real processes, real
//! signals, a socket on disk. The two containers are two process trees here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const LOOP: &str = env!("CARGO_BIN_EXE_loop");

/// Both trees, and the folder that they share.
struct Rig {
    dir: tempfile::TempDir,
    hands: Child,
    supervisor: Option<Child>,
}

impl Rig {
    fn new() -> Self {
        Self::owned_by(fs::metadata("/proc/self").unwrap().uid())
    }

    fn owned_by(owner: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(LOOP);
        command.arg("hands").arg("--socket").arg(dir.path().join("sock"));
        command.arg("--owner").arg(owner.to_string());
        let hands = command.stdin(Stdio::null()).spawn().unwrap();
        let rig = Self { dir, hands, supervisor: None };
        rig.until("the hands listen", |rig| rig.path("sock").exists());
        rig
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn enter(&self, script: &str) -> Command {
        let mut command = Command::new(LOOP);
        command.arg("enter").arg("--socket").arg(self.path("sock"));
        command.arg("--used").arg(self.path("used")).args(["--cwd", "/tmp"]);
        command.args(["--", "sh", "-c", script]);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("KEY", "value");
        command
    }

    fn run(&self, script: &str, input: &[u8]) -> Output {
        let mut command = self.enter(script);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    /// A supervisor whose worker is over there.
    fn supervise(&mut self, first: &Value) {
        let wrap = ["enter", "--socket", "SOCK", "--cwd", "/tmp", "--used", "USED", "--"];
        let word = |word: &str| match word {
            "SOCK" => self.path("sock").display().to_string(),
            "USED" => self.path("used").display().to_string(),
            word => word.to_owned(),
        };
        let wrap: Vec<String> =
            std::iter::once(LOOP.to_owned()).chain(wrap.into_iter().map(word)).collect();
        let boot = json!({ "idle_ms": 200, "worker": null, "wrap": wrap, "open": [],
            "elsewhere": self.path("used"), "first": first });
        let mut command = Command::new(LOOP);
        command.arg("supervise").arg("--run").arg(self.path("run"));
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{boot}\n").as_bytes()).unwrap();
        self.supervisor = Some(child);
    }

    fn journal(&self) -> Vec<Value> {
        let bytes = fs::read(self.path("run/journal.jsonl")).unwrap_or_default();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn exit(&self) -> Value {
        let path = self.path("run/turn-1/exit.json");
        self.until("the turn ends", |_| path.exists());
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        while !done(self) {
            assert!(since.elapsed() < Duration::from_secs(30), "{what}: {:?}", self.journal());
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for child in std::iter::once(&mut self.hands).chain(self.supervisor.as_mut()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn turn(script: &str) -> Value {
    json!({
        "turn": 1,
        "argv": ["sh", "-c", script],
        "env": { "PATH": "/usr/local/bin:/usr/bin:/bin" },
        "cwd": "/elsewhere",
        "files": [],
        "stdin": "",
        "setup": [],
        "limits": { "wall_ms": 20000, "quiet_ms": 0, "output_bytes": 0 },
        "secrets": [],
    })
}

/// A duration for `sleep` that no other test uses, to find what is left of it.
fn mark() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}.{}", 7000 + NEXT.fetch_add(1, Ordering::SeqCst), std::process::id())
}

fn running(mark: &str) -> usize {
    of_mark(mark).len()
}

fn of_mark(mark: &str) -> Vec<nix::unistd::Pid> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let sleeps = |path: &Path| {
        let words = fs::read(path.join("cmdline")).unwrap_or_default();
        let words: Vec<_> = words.split(|byte| *byte == 0).collect();
        words.first() == Some(&&b"sleep"[..]) && words.get(1) == Some(&mark.as_bytes())
    };
    let found = entries.filter(|entry| sleeps(&entry.path()));
    let pids = found.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.map(nix::unistd::Pid::from_raw).collect()
}

#[test]
fn a_command_is_as_it_would_be_here() {
    let rig = Rig::new();
    let done = rig.run("pwd; echo $KEY; cat; echo bad >&2; exit 3", b"read\n");
    assert_eq!(String::from_utf8_lossy(&done.stdout), "/tmp\nvalue\nread\n");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "bad\n");
    assert_eq!(done.status.code(), Some(3));
    let done = rig.run("kill -SEGV $$", b"");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&done.status), Some(11));
    let done = Command::new(LOOP)
        .arg("enter")
        .arg("--socket")
        .arg(rig.path("sock"))
        .args(["--cwd", "/", "--", "/no/such/program"])
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&done.stderr).contains("/no/such/program"), "{done:?}");
}

#[test]
fn nothing_of_much_output_is_lost_when_the_program_ends() {
    let rig = Rig::new();
    let since = Instant::now();
    let done = rig.run("head -c 60000000 /dev/zero | tr '\\0' x; echo; echo end", b"");
    assert_eq!(done.stdout.len(), 60_000_005);
    assert!(done.stdout.ends_with(b"x\nend\n"));
    eprintln!("60 MB in {:?}", since.elapsed());
}

#[test]
fn what_is_left_behind_is_ended_before_the_end_is_told() {
    let rig = Rig::new();
    let mark = mark();
    let script =
        format!("setsid sleep {mark} & (trap '' TERM; setsid sh -c 'sleep {mark}; :') & sleep 0.2");
    assert!(rig.run(&script, b"").status.success());
    assert_eq!(running(&mark), 0);
}

#[test]
fn whoever_asked_is_gone_and_so_is_the_command() {
    let rig = Rig::new();
    let mark = mark();
    let mut child = rig.enter(&format!("sleep {mark}")).stdin(Stdio::null()).spawn().unwrap();
    rig.until("it runs", |_| running(&mark) == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    rig.until("it is ended", |_| running(&mark) == 0);
    assert!(rig.run("true", b"").status.success(), "the hands go on");
}

#[test]
fn hands_that_are_gone_are_told() {
    let mut rig = Rig::new();
    let mark = mark();
    let mut command = rig.enter(&format!("sleep {mark}"));
    let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    rig.until("it runs", |_| running(&mark) == 1);
    rig.hands.kill().unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(137));
    assert!(String::from_utf8_lossy(&done.stderr).contains("container ended"), "{done:?}");
    for pid in of_mark(&mark) {
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}

#[test]
fn they_obey_one_user() {
    let rig = Rig::owned_by(54_321);
    let done = rig.run("echo done >&2", b"");
    assert_ne!(done.status.code(), Some(0));
    assert!(!String::from_utf8_lossy(&done.stderr).contains("done\n"), "{done:?}");
}

#[test]
fn a_turn_is_interrupted_over_there() {
    let mut rig = Rig::new();
    let mark = mark();
    let script = format!("trap 'echo asked; exit 7' INT; echo ready; sleep {mark} & wait");
    rig.supervise(&turn(&script));
    rig.until("it runs", |_| running(&mark) == 1);
    let mut interrupt = Command::new(LOOP);
    interrupt.arg("interrupt").arg("--run").arg(rig.path("run"));
    assert!(interrupt.output().unwrap().status.success());
    let exit = rig.exit();
    assert_eq!((&exit["code"], &exit["interrupted"]), (&json!(7), &json!(true)), "{exit}");
    let said: Vec<_> = rig.journal().into_iter().filter(|line| line["s"] == "out").collect();
    assert_eq!(
        said.iter().map(|line| line["line"].as_str().unwrap()).collect::<Vec<_>>(),
        ["ready", "asked"]
    );
    assert_eq!(running(&mark), 0);
}

#[test]
fn a_turn_that_hears_nothing_is_killed_over_there() {
    let mut rig = Rig::new();
    let mark = mark();
    let mut deaf = turn(&format!("trap '' INT TERM; sleep {mark}; sleep {mark}"));
    deaf["limits"]["wall_ms"] = json!(300);
    rig.supervise(&deaf);
    let exit = rig.exit();
    assert_eq!((&exit["signal"], &exit["limit"]), (&json!(9), &json!("time")), "{exit}");
    rig.until("it is ended", |_| running(&mark) == 0);
}

#[test]
fn work_over_there_is_work() {
    let mut rig = Rig::new();
    let busy = "end=$(($(date +%s) + 6)); while [ $(date +%s) -lt $end ]; do :; done; echo done";
    let mut quiet = turn(busy);
    quiet["limits"]["quiet_ms"] = json!(3500);
    rig.supervise(&quiet);
    let exit = rig.exit();
    assert_eq!(exit["code"], 0, "{exit}");
    let mut rig = Rig::new();
    let mut idle = turn("sleep 20");
    idle["limits"]["quiet_ms"] = json!(2500);
    rig.supervise(&idle);
    assert_eq!(rig.exit()["limit"], "quiet");
}

#[test]
fn what_keeps_the_files_ends_in_time_and_takes_the_hands_along() {
    let mut rig = Rig::new();
    let mut keeper = Command::new(LOOP)
        .arg("keep")
        .arg("--run")
        .arg(rig.path("run"))
        .args(["--grace", "1", "--hands"])
        .arg(rig.path("sock"))
        .spawn()
        .unwrap();
    rig.supervise(&turn("sleep 1"));
    rig.exit();
    assert!(keeper.try_wait().unwrap().is_none(), "it stays while the supervisor lives");
    rig.supervisor.as_mut().unwrap().wait().unwrap();
    let since = Instant::now();
    assert!(keeper.wait().unwrap().success());
    assert!(since.elapsed() > Duration::from_millis(300), "and for a while after");
    assert!(rig.hands.wait().unwrap().success());
}
