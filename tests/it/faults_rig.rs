//! What the fault tests share: a home with workers that count, how an uninterrupted run looks, and
//! what must be so after everything was killed.

use crate::support::{Done, Home};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How many lines the workers write.
pub const SLOW: u32 = 2000;
pub const QUICK: u32 = 40;

/// A home with presets of its own.
pub struct Rig {
    pub home: Home,
    provider: &'static str,
}

impl Rig {
    pub fn new(provider: &'static str) -> Self {
        let rig = Self { home: Home::new(), provider };
        rig.preset("slow", &counting(SLOW, "[ $((i % 100)) = 0 ] && sleep 0.04"), "");
        // A sandbox that nobody drives ends itself before anybody looks.
        rig.preset("quick", &counting(QUICK, ":"), "idle_timeout = \"1s\"");
        rig
    }

    /// A worker that is a shell script.
    pub fn preset(&self, name: &str, script: &str, more: &str) {
        let image = match self.provider {
            "docker" => "image = \"loop-test-base:1\"\n",
            _ => "",
        };
        let text = format!(
            "harness = \"command\"\nprompt = \"count\"\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\n\
             [sandbox]\nprovider = \"{}\"\n{image}network = \"none\"\nkeep = \"never\"\n{more}",
            self.provider
        );
        self.home.write(&format!("config/presets/{name}.toml"), &text);
    }

    /// Runs a session to its end, undisturbed.
    pub fn reference(&self, preset: &str) -> Look {
        let name = format!("reference-{preset}");
        self.home.ask(&["session", "start", "--preset", preset, "--name", &name]).ok();
        self.look(&name).unwrap()
    }

    /// A session as it is stored, or `None` where none of that name is.
    pub fn look(&self, name: &str) -> Option<Look> {
        let done = self.home.ask(&["session", "show", name, "--json"]);
        if done.code == Some(2) && done.stdout.contains("no session is called") {
            return None;
        }
        let show = done.ok().json();
        let id = show["id"].as_str().or(show["session"].as_str()).unwrap().to_owned();
        Some(Look { id, show, events: self.events(name), journal: self.journal(name) })
    }

    /// The transcript without what differs from run to run.
    pub fn events(&self, name: &str) -> Vec<Value> {
        let mut events = self.home.ask(&["session", "logs", name, "--json"]).ok().lines();
        events.retain(|event| event["type"] == "event");
        for event in &mut events {
            let event = event.as_object_mut().unwrap();
            event.remove("session");
            event.remove("at");
        }
        events
    }

    fn journal(&self, name: &str) -> Vec<Value> {
        let done = self.home.ask(&["session", "show", name, "--json"]).ok().json();
        let id = done["id"].as_str().or(done["session"].as_str()).unwrap();
        let path = self.folder(id).join("journal.jsonl");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn folder(&self, id: &str) -> PathBuf {
        self.home.data().join("sessions").join(id)
    }

    /// Processes that were started for this home, by their command lines.
    pub fn processes(&self) -> Vec<String> {
        let home = self.home.path().display().to_string();
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        lines
            .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
            .filter(|line| line.contains(&home) && !line.starts_with("strace "))
            .collect()
    }

    /// The supervisors of a session that are there now. What they start looks like them for a moment.
    pub fn supervisors(&self, id: &str) -> usize {
        let run = format!("{}/sandbox/run", self.folder(id).display());
        let count = || {
            let processes = self.processes();
            processes.iter().filter(|p| p.contains(" supervise ") && p.contains(&run)).count()
        };
        let look = |_| {
            std::thread::sleep(Duration::from_millis(5));
            count()
        };
        let now = count();
        if now > 1 { (0..20).map(look).min().unwrap_or(now) } else { now }
    }

    /// Fails where anything of the sessions' sandboxes is left after `loop gc`.
    pub fn nothing_left(&self, told: &str) {
        self.home.ask(&["gc"]).ok();
        let left = || {
            let sessions = std::fs::read_dir(self.home.data().join("sessions"));
            let folders = sessions.into_iter().flatten().flatten().flat_map(|session| {
                ["sandbox", "artifacts.new"].map(|name| session.path().join(name))
            });
            let folders = folders.filter(|path| path.exists());
            let mut left: Vec<String> = folders.map(|path| path.display().to_string()).collect();
            left.extend(self.processes());
            left.extend(self.home.containers());
            left
        };
        // What was killed may take a moment to be gone.
        let since = Instant::now();
        while !left().is_empty() && since.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(50));
            if self.provider == "docker" {
                // The engine ends what it was asked to by somebody who was killed.
                self.home.ask(&["gc"]).ok();
            }
        }
        assert_eq!(left(), Vec::<String>::new(), "left after {told}");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nobody else ends what a failed test left.
            for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let ours = String::from_utf8_lossy(&line)
                    .contains(&self.home.path().display().to_string());
                if let (true, Ok(pid)) = (ours, entry.file_name().to_string_lossy().parse()) {
                    let pid = nix::unistd::Pid::from_raw(pid);
                    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
                }
            }
        }
    }
}

fn counting(lines: u32, each: &str) -> String {
    format!(
        "i=0; while [ $i -lt {lines} ]; do i=$((i + 1)); echo line $i; {each}; done; \
         echo $i > /artifacts/count.txt"
    )
}

/// What is known of a session.
#[derive(Debug)]
pub struct Look {
    pub id: String,
    pub show: Value,
    pub events: Vec<Value>,
    pub journal: Vec<Value>,
}

impl Look {
    pub fn phase(&self) -> &str {
        self.show["phase"].as_str().unwrap()
    }

    pub fn turns_started(&self) -> usize {
        self.journal.iter().filter(|line| line["event"] == "turn_started").count()
    }

    /// Fails unless it came out as the undisturbed one did.
    #[track_caller]
    pub fn is_as(&self, expected: &Look, told: &str) {
        let numbers = self.events.iter().map(|event| event["seq"].as_u64().unwrap());
        assert!(numbers.eq(1..=self.events.len() as u64), "seq has gaps: {told}");
        let numbers = self.journal.iter().map(|line| line["n"].as_u64().unwrap());
        assert!(numbers.eq(1..=self.journal.len() as u64), "the journal has gaps: {told}");
        assert_eq!(self.turns_started(), 1, "turns: {told}");
        let first = self.events.iter().zip(&expected.events).find(|(ours, theirs)| ours != theirs);
        assert!(first.is_none(), "another event: {first:?}: {told}");
        assert_eq!(self.events.len(), expected.events.len(), "events: {told}");
        for key in ["phase", "outcome", "reason", "turn_count", "usage"] {
            assert_eq!(self.show[key], expected.show[key], "{key}: {told}");
        }
        let artifacts = |look: &Look| -> Vec<Value> {
            let all = look.show["artifacts"].as_array().unwrap();
            all.iter().map(|artifact| artifact["title"].clone()).collect()
        };
        assert_eq!(artifacts(self), artifacts(expected), "artifacts: {told}");
    }
}

/// Numbers by chance that a seed gives again.
pub struct Chance(u64);

impl Chance {
    /// Told on standard error, and taken from `LOOP_TEST_SEED` where that is set.
    pub fn new(what: &str) -> Self {
        let set = std::env::var("LOOP_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed: u64 = set.unwrap_or_else(|| u64::from(std::process::id()) << 16 | 1);
        eprintln!("{what}: LOOP_TEST_SEED={seed}");
        Self(seed)
    }

    pub fn fork(&mut self) -> Self {
        Self(self.next() | 1)
    }

    pub fn next(&mut self) -> u64 {
        // xorshift64*, and never 0.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

/// Runs the program and kills it after a while. Says whether it was killed: it may have ended before.
pub fn killed(rig: &Rig, arguments: &[&str], after: Duration) -> Done {
    let running = rig.home.run(arguments).start();
    std::thread::sleep(after);
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.done()
}

/// What a command of the machine prints.
pub fn told(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}
