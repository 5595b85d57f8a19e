//! `kill -9` of the program, at moments by chance and at its system calls one by one. Whatever was
//! cut off, the next command comes to what an undisturbed run comes to: every event once, one
//! sandbox, one turn, and nothing left.

use crate::faults_rig::{Chance, Look, Rig, killed, told};
use crate::need;
use crate::support::need;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many kills are counted so far, and how many are wanted.
struct Kills {
    done: AtomicU64,
    wanted: u64,
}

impl Kills {
    fn wanted(usual: u64) -> Self {
        let set = std::env::var("LOOP_TEST_KILLS").ok().and_then(|count| count.parse().ok());
        Self { done: AtomicU64::new(0), wanted: set.unwrap_or(usual) }
    }

    fn more(&self) -> bool {
        self.done.load(Ordering::Relaxed) < self.wanted
    }

    fn count(&self, was_killed: bool) {
        self.done.fetch_add(u64::from(was_killed), Ordering::Relaxed);
    }
}

/// How one session went: for the message of a failure, and for the sums.
#[derive(Default)]
struct Tally {
    sessions: u64,
    never_recorded: u64,
    given_up: u64,
}

/// One session, killed again and again and then taken to its end.
struct Case<'a> {
    rig: &'a Rig,
    expected: &'a Look,
    preset: &'a str,
    name: String,
    /// The first kills come within this time of the start.
    span: u64,
}

impl Case<'_> {
    fn run(&self, chance: &mut Chance, kills: &Kills, tally: &mut Tally) {
        tally.sessions += 1;
        let mut story = format!("{} `{}`", self.preset, self.name);
        let mut volumes = Vec::new();
        let start = ["session", "start", "--preset", self.preset, "--name", &self.name];
        self.kill(&start, self.span, chance, (kills, &mut story));
        let Some(look) = self.rig.look(&self.name) else {
            tally.never_recorded += 1;
            return;
        };
        let id = look.id;
        let attach = ["session", "attach", self.name.as_str()];
        let (gc, list) = (["gc"], ["session", "list"]);
        for round in 0..chance.below(8) {
            // A killed one must not stop the next from coming further.
            let span = self.span / 8 * (round + 1);
            let verb: &[&str] = match chance.below(8) {
                0 => &gc,
                1 => &list,
                _ => &attach,
            };
            self.kill(verb, span, chance, (kills, &mut story));
            assert!(self.rig.supervisors(&id) <= 1, "two supervisors: {story}");
            volumes.extend(self.volumes(&id));
        }
        let look = self.rig.look(&self.name).unwrap();
        if look.phase() == "lost" {
            // `gc` or `list` looked before the worker had its turn.
            tally.given_up += 1;
            let reason = look.show["reason"].as_str().unwrap_or_default();
            assert!(reason.contains("ended before the worker began"), "{reason}: {story}");
            assert!(look.events.is_empty(), "{story}");
        } else {
            let done = self.rig.home.run(&attach).limit(Duration::from_mins(1)).done();
            assert_eq!(done.code, Some(0), "{story}\n{}\n{}", done.stdout, done.stderr);
            self.rig.look(&self.name).unwrap().is_as(self.expected, &story);
            let count = self.rig.folder(&id).join("artifacts/count.txt");
            let count = std::fs::read_to_string(count).unwrap();
            assert_eq!(count.trim(), (self.expected.events.len() - 2).to_string(), "{story}");
        }
        for volume in volumes {
            assert_eq!(
                told("docker", &["volume", "ls", "-q", "-f", &format!("name={volume}")]),
                ""
            );
        }
    }

    fn kill(
        &self,
        verb: &[&str],
        span: u64,
        chance: &mut Chance,
        (kills, story): (&Kills, &mut String),
    ) {
        // Early moments are the more interesting ones.
        let end = 1 + chance.below(span);
        let after = Duration::from_millis(chance.below(end));
        let done = killed(self.rig, verb, after);
        let how = done.signal.map_or("ended", |_| "killed");
        kills.count(done.signal.is_some());
        story.push_str(&format!(", {} {how} after {after:?}", verb.join(" ")));
    }

    /// The volumes of the session's container, where it has one.
    fn volumes(&self, id: &str) -> Vec<String> {
        let name = format!("loop-{id}");
        let format = "{{range .Mounts}}{{if eq .Type \"volume\"}}{{.Name}} {{end}}{{end}}";
        let listed = self.rig.home.containers();
        let of_it = listed.iter().filter(|one| one.starts_with(&name)).count();
        assert!(of_it <= 1, "{listed:?}");
        let volumes = if of_it == 0 {
            String::new()
        } else {
            told("docker", &["inspect", "-f", format, &name])
        };
        volumes.split_whitespace().map(str::to_owned).collect()
    }
}

/// Kills by chance until there were enough, by several at once, each in a home of its own.
fn kill_by_chance(provider: &'static str, usual: u64, workers: u64, spans: [u64; 2]) {
    let kills = Kills::wanted(usual);
    let mut chance = Chance::new(provider);
    let since = Instant::now();
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let mut chance = chance.fork();
            let (kills, tally) = (&kills, &tally);
            scope.spawn(move || {
                let rig = Rig::new(provider);
                let expected = ["slow", "quick"].map(|preset| rig.reference(preset));
                let mut ours = Tally::default();
                while kills.more() {
                    let which = chance.below(2) as usize;
                    let case = Case {
                        rig: &rig,
                        expected: &expected[which],
                        preset: ["slow", "quick"][which],
                        name: format!("k{}", ours.sessions),
                        span: spans[which],
                    };
                    case.run(&mut chance, kills, &mut ours);
                }
                rig.nothing_left("kills by chance");
                let mut tally = tally.lock().unwrap();
                tally.sessions += ours.sessions;
                tally.never_recorded += ours.never_recorded;
                tally.given_up += ours.given_up;
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    eprintln!(
        "{provider}: {} kills over {} sessions in {:.0?}; {} never recorded, {} given up",
        kills.done.into_inner(),
        tally.sessions,
        since.elapsed(),
        tally.never_recorded,
        tally.given_up,
    );
}

#[test]
fn local_sessions_survive_kills_by_chance() {
    need!(need::bubblewrap());
    kill_by_chance("local", 260, 3, [1300, 250]);
}

#[test]
fn docker_sessions_survive_kills_by_chance() {
    need!(need::image());
    kill_by_chance("docker", 40, 2, [2000, 900]);
}

/// The system calls at which something is made to last, or begins or ends somewhere else.
const CALLS: [&str; 14] = [
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "renameat2",
    "mkdir",
    "unlink",
    "ftruncate",
    "connect",
    "sendto",
    "flock",
    "vfork",
    "clone3",
];

/// `strace` in front of the program: its children are left alone.
fn traced(rig: &Rig, options: &[&str], arguments: &[&str]) -> std::process::ExitStatus {
    let mut command = Command::new("strace");
    command.arg("-qq").args(options).arg("--").arg(env!("CARGO_BIN_EXE_loop")).args(arguments);
    command.env_clear().current_dir(rig.home.path().join("work"));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", rig.home.path().join("home")).env("TMPDIR", rig.home.path().join("tmp"));
    command.env("LOOP_CONFIG_DIR", rig.home.config()).env("LOOP_DATA_DIR", rig.home.data());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap()
}

/// How often each call is made, from a trace.
fn counts(trace: &str) -> Vec<(&'static str, u64)> {
    let count =
        |name: &str| trace.lines().filter(|line| line.starts_with(&format!("{name}("))).count();
    CALLS.iter().map(|name| (*name, count(name) as u64)).filter(|(_, count)| *count > 0).collect()
}

/// Kills `verb` at the `at`th `call`, then takes the session to its end another way.
fn kill_at(provider: &'static str, (call, at): (&str, u64), expected: &Look) -> bool {
    let story = format!("killed at {call} {at}");
    let rig = Rig::new(provider);
    let inject = format!("inject={call}:signal=KILL:when={at}");
    let trace = format!("trace={call}");
    let start = ["session", "start", "--preset", "quick", "--name", "k"];
    let status = traced(&rig, &["-o", "/dev/null", "-e", &trace, "-e", &inject], &start);
    let Some(look) = rig.look("k") else {
        rig.nothing_left(&story);
        return !status.success();
    };
    assert!(rig.supervisors(&look.id) <= 1, "{story}");
    if look.phase() == "provisioning" && at % 3 == 0 {
        std::thread::sleep(Duration::from_millis(1500));
    }
    // Every other one is first looked at by a command that starts nothing.
    if at.is_multiple_of(2) {
        rig.home.ask(&["gc"]).ok();
    }
    let look = rig.look("k").unwrap();
    if look.phase() == "lost" {
        assert!(at.is_multiple_of(2) && look.events.is_empty(), "{story}");
    } else {
        let done = rig.home.run(&["session", "attach", "k"]).limit(Duration::from_mins(1)).done();
        assert_eq!(done.code, Some(0), "{story}\n{}\n{}", done.stdout, done.stderr);
        rig.look("k").unwrap().is_as(expected, &story);
    }
    rig.nothing_left(&story);
    !status.success()
}

/// Kills a session at its calls, every so manyth of each.
fn kill_at_calls(provider: &'static str, every: usize) {
    let rig = Rig::new(provider);
    let expected = rig.reference("quick");
    let log = rig.home.path().join("trace").display().to_string();
    let set = format!("trace={}", CALLS.join(","));
    let start = ["session", "start", "--preset", "quick"];
    if !traced(&rig, &["-o", &log, "-e", &set], &start).success() {
        crate::skip!("strace may not trace here");
    }
    let counts = counts(&std::fs::read_to_string(&log).unwrap());
    let mut points = Vec::new();
    for (place, (call, count)) in counts.iter().enumerate() {
        // Not the first of each, every time.
        let first = 1 + (place % every) as u64;
        points.extend((first..=*count).step_by(every).map(|at| (*call, at)));
    }
    let since = Instant::now();
    let (next, hit) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let was_killed = kill_at(provider, *point, &expected);
                    hit.fetch_add(u64::from(was_killed), Ordering::Relaxed);
                }
            });
        }
    });
    let took = since.elapsed();
    eprintln!("{provider}: {} points of {counts:?}, {hit:?} hit, in {took:.0?}", points.len());
    assert!(hit.into_inner() * 2 > points.len() as u64, "most points were not reached");
}

#[test]
fn a_local_session_survives_a_kill_at_each_system_call() {
    need!(need::bubblewrap());
    need!(need::command("strace"));
    kill_at_calls("local", 1);
}

#[test]
fn a_docker_session_survives_a_kill_at_each_system_call() {
    need!(need::image());
    need!(need::command("strace"));
    kill_at_calls("docker", 4);
}
