//! What can go wrong around the program: its sandbox killed, removed or paused, disks full, limits
//! reached, more output than there is memory, two at once.

use crate::faults_rig::{Look, Rig, told};
use crate::need;
use crate::support::{Running, need};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::Command;
use std::time::{Duration, Instant};

/// Starts a session that goes on for about a second, and waits until it is at work.
fn working(rig: &Rig, name: &str) -> (Running, String) {
    let running =
        rig.home.run(&["session", "start", "--preset", "slow", "--name", name, "--json"]).start();
    running.wait_for("line 200");
    let id = rig.home.ask(&["session", "show", name, "--json"]).ok().json();
    (running, id["id"].as_str().or(id["session"].as_str()).unwrap().to_owned())
}

/// A session that was cut off: what there is of it is the beginning of a whole one.
#[track_caller]
fn is_lost(look: &Look, expected: &Look) {
    assert_eq!(look.phase(), "lost");
    assert_eq!(look.show["outcome"], "interrupted");
    assert_eq!(look.show["reason"], "the sandbox ended before the turn did");
    assert!(look.events.len() >= 200, "{}", look.events.len());
    assert_eq!(look.events, expected.events[..look.events.len()]);
    assert_eq!(look.turns_started(), 1);
}

#[test]
fn a_killed_supervisor_is_told() {
    need!(need::bubblewrap());
    let rig = Rig::new("local");
    let expected = rig.reference("slow");
    rig.preset("slow", "echo half > /artifacts/half.txt; i=0; while [ $i -lt 600 ]; do i=$((i + 1)); echo line $i; done; sleep 60", "");
    let (running, id) = working(&rig, "k");
    let run = format!("{}/sandbox/run", rig.folder(&id).display());
    let pid = told("sh", &["-c", &format!("pgrep -f 'supervise .*--run {run}'")]);
    kill(Pid::from_raw(pid.lines().next().unwrap().parse().unwrap()), Signal::SIGKILL).unwrap();
    running.done().exits(1);
    let look = rig.look("k").unwrap();
    is_lost(&look, &expected);
    assert_eq!(look.show["artifacts"][0]["title"], "half.txt", "{}", look.show);
    rig.nothing_left("a killed supervisor");
}

#[test]
fn a_removed_container_is_told() {
    need!(need::image());
    let rig = Rig::new("docker");
    let expected = rig.reference("slow");
    let (running, id) = working(&rig, "k");
    told("docker", &["rm", "-f", "-v", &format!("loop-{id}")]);
    let since = Instant::now();
    running.done().exits(1);
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    is_lost(&rig.look("k").unwrap(), &expected);
    rig.nothing_left("a removed container");
}

#[test]
fn a_paused_container_goes_on() {
    need!(need::image());
    let rig = Rig::new("docker");
    let expected = rig.reference("slow");
    let (running, id) = working(&rig, "k");
    let name = format!("loop-{id}");
    told("docker", &["pause", &name]);
    running.signal(Signal::SIGKILL);
    running.done();
    let since = Instant::now();
    rig.home.ask(&["session", "list"]).ok();
    rig.home.ask(&["gc"]).ok();
    assert!(since.elapsed() < Duration::from_secs(5), "a look took {:?}", since.elapsed());
    let attached = rig.home.run(&["session", "attach", "k"]).start();
    std::thread::sleep(Duration::from_secs(4));
    told("docker", &["unpause", &name]);
    attached.done().ok();
    rig.look("k").unwrap().is_as(&expected, "a pause");
    rig.nothing_left("a pause");
}

/// A small file system, gone when dropped.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(path: std::path::PathBuf, size: &str) -> Result<Self, String> {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "small"]).arg(&path);
        let done = command.output().map_err(|error| error.to_string())?;
        match done.status.success() {
            true => Ok(Self(path)),
            false => Err(format!(
                "no file system can be mounted: {}",
                String::from_utf8_lossy(&done.stderr).trim()
            )),
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_and_doubles_nothing() {
    need!(need::image());
    let expected = Rig::new("docker").reference("slow");
    // The more is left, the later it is full: while it starts, in the middle, near the end.
    for left in [40_u64, 80, 120, 200, 280, 330] {
        let rig = Rig::new("docker");
        let small = need!(Small::mount(rig.home.data(), "4m"));
        rig.home.ask(&["session", "list"]).ok();
        let stat = nix::sys::statvfs::statvfs(&small.0).unwrap();
        let free = stat.blocks_available() * stat.fragment_size();
        std::fs::write(small.0.join("filler"), vec![0; (free - (left << 10)) as usize]).unwrap();
        let done = rig.home.ask(&["session", "start", "--preset", "slow", "--name", "k"]);
        assert!(done.took < Duration::from_secs(20), "told after {:?}", done.took);
        let said: String = done.stderr.lines().filter(|line| !line.contains(" line ")).collect();
        let told = format!("{left} KiB left: {:?}\n{said}", done.code);
        assert!(done.code != Some(0), "it was not full: {told}");
        assert!(
            done.stderr.contains("No space left") || done.stderr.contains("disk is full"),
            "{told}"
        );
        std::fs::remove_file(small.0.join("filler")).unwrap();
        if rig.look("k").is_some() {
            rig.home.ask(&["session", "attach", "k"]).ok();
            rig.look("k").unwrap().is_as(&expected, &told);
        } else {
            assert!(left <= 80, "never recorded: {told}");
        }
        rig.nothing_left(&told);
        drop(small);
    }
}

struct Limited {
    name: &'static str,
    script: &'static str,
    settings: &'static str,
    code: i32,
    outcome: &'static str,
    reason: &'static str,
}

/// A worker that reaches a limit is ended, told with its reason, and leaves nothing.
fn is_limited(limited: &Limited) {
    need!(need::image());
    let rig = Rig::new("docker");
    rig.preset(limited.name, limited.script, limited.settings);
    let start = ["session", "start", "--preset", limited.name, "--name", "k", "-q"];
    let done = rig.home.run(&start).limit(Duration::from_secs(90)).done();
    assert_eq!(done.code, Some(limited.code), "{}", done.stderr);
    let look = rig.look("k").unwrap();
    assert_eq!(look.show["outcome"], limited.outcome, "{}", look.show);
    let reason = look.show["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(limited.reason), "{reason}");
    rig.nothing_left(limited.name);
}

#[test]
fn a_worker_without_memory_is_told() {
    is_limited(&Limited {
        name: "hungry",
        script: "echo began; perl -e '$x = \"a\" x 300_000_000; print length $x'; exit $?",
        settings: "memory = \"64MiB\"",
        code: 1,
        outcome: "failed",
        reason: "ran out of memory",
    });
}

#[test]
fn a_fork_bomb_stays_in_its_sandbox() {
    is_limited(&Limited {
        name: "bomb",
        script: "i=0; while [ $i -lt 4000 ]; do sleep 300 & i=$((i + 1)); done; echo all of them",
        settings: "",
        code: 1,
        outcome: "failed",
        reason: "",
    });
}

#[test]
fn endless_output_ends_at_its_limit() {
    is_limited(&Limited {
        name: "flood",
        script: "yes again and again",
        settings: "[limits]\noutput = \"256KiB\"",
        code: 7,
        outcome: "limit",
        reason: "output limit",
    });
}

/// The most memory that a process has had, in KiB.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// `LOOP_TEST_OUTPUT_MB` MB of output, 100 by default.
#[test]
fn much_output_takes_little_memory() {
    need!(need::bubblewrap());
    let set = std::env::var("LOOP_TEST_OUTPUT_MB").ok().and_then(|mb| mb.parse().ok());
    let megabytes: u64 = set.unwrap_or(100);
    let lines = megabytes * 1000;
    let rig = Rig::new("local");
    // 999 bytes and a newline each.
    let script = format!(
        "exec awk 'BEGIN {{ s = sprintf(\"%989s\", \"\"); gsub(/ /, \"x\", s); \
         for (i = 1; i <= {lines}; i++) printf \"%010d%s\\n\", i, s }}'"
    );
    rig.preset("big", &script, "");
    let start = ["session", "start", "--preset", "big", "--name", "k", "-q"];
    let running = rig.home.run(&start).limit(Duration::from_mins(20)).start();
    let (pid, mut most) = (running.pid(), 0);
    let since = Instant::now();
    while let Some(now) = peak(pid) {
        most = most.max(now);
        std::thread::sleep(Duration::from_millis(20));
    }
    running.done().ok();
    let took = since.elapsed();
    eprintln!("{megabytes} MB in {took:.1?}, at most {} MiB", most >> 10);
    assert!(most < 100 << 10, "{most} KiB");
    let id = rig.home.ask(&["session", "show", "k", "--json"]).ok().json();
    let id = id["id"].as_str().or(id["session"].as_str()).unwrap().to_owned();
    let file = std::fs::File::open(rig.folder(&id).join("transcript.jsonl")).unwrap();
    let mut next = 1;
    for line in std::io::BufRead::lines(std::io::BufReader::new(file)) {
        let line = line.unwrap();
        if line.contains("\"kind\":\"assistant\"") {
            assert!(
                line.contains(&format!("\"text\":\"{next:010}xxx")),
                "{next}: {}",
                &line[..200]
            );
            next += 1;
        }
    }
    assert_eq!(next - 1, lines);
    rig.nothing_left("much output");
}

#[test]
fn of_two_sends_at_once_one_wins() {
    need!(need::bubblewrap());
    let rig = Rig::new("local");
    rig.preset("short", "echo a turn; sleep 0.5", "");
    rig.home.ask(&["session", "start", "--preset", "short", "--name", "k", "--detach"]).ok();
    let idle = || {
        let show = rig.home.ask(&["session", "show", "k", "--json"]).ok().json();
        show["phase"] == "idle"
    };
    for round in 0..30 {
        let since = Instant::now();
        while !idle() {
            assert!(since.elapsed() < Duration::from_secs(20), "round {round} does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        // One that waits for the end, and one that does not.
        let wait: &[&str] = if round % 2 == 0 { &["--wait"] } else { &[] };
        let words = [&["session", "send", "k", "again"][..], wait].concat();
        let both = [(); 2].map(|()| rig.home.run(&words).start()).map(Running::done);
        let mut codes = both.clone().map(|done| done.code);
        codes.sort_unstable();
        assert_eq!(codes, [Some(0), Some(2)], "round {round}: {both:?}");
        let loser = both.iter().find(|done| done.code == Some(2)).unwrap();
        assert!(loser.stderr.contains("is running"), "{}", loser.stderr);
    }
    rig.home.ask(&["session", "attach", "k"]).ok();
    let look = rig.look("k").unwrap();
    assert_eq!((look.turns_started(), look.phase()), (31, "succeeded"));
    assert_eq!(look.events.len(), 3 * 31);
    let said = |kind: &str| look.events.iter().filter(|event| event["kind"] == kind).count();
    assert_eq!((said("user"), said("assistant")), (31, 31));
    rig.nothing_left("races");
}
