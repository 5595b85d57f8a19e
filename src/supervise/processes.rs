//! The processes below the supervisor.
//!
//! As process 1, or as a subreaper, it inherits every orphan, so whatever a harness started, however
//! it hid, is a descendant. They are found in `/proc` by their parents.

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpid};
use std::collections::HashMap;

/// Rounds of stopping before killing: each one finds what was forked during the one before.
const ROUNDS: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    pub pid: Pid,
    parent: i32,
    pub group: i32,
    state: u8,
    /// Clock ticks used by it and by its children that it waited for.
    pub cpu: u64,
}

/// The main process of a turn, and how it is reached.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub main: Pid,
    /// A wrapper would die of a signal and take the harness with it, so the wrapper is left out.
    pub wrapped: bool,
}

/// What runs below the supervisor. Without zombies.
pub fn living() -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut below = Vec::new();
    let mut parents = vec![getpid().as_raw()];
    while let Some(parent) = parents.pop() {
        for process in children.remove(&parent).unwrap_or_default() {
            parents.push(process.pid.as_raw());
            if !matches!(process.state, b'Z' | b'X') {
                below.push(process);
            }
        }
    }
    below
}

fn all() -> impl Iterator<Item = Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        parse(pid, &stat)
    })
}

/// Reads `/proc/PID/stat`. The name in it may hold anything, spaces and parentheses too.
fn parse(pid: i32, stat: &[u8]) -> Option<Process> {
    let name_end = stat.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(stat.get(name_end + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<i64>().ok();
    let cpu = (11..15).filter_map(number).sum::<i64>() as u64;
    Some(Process {
        pid: Pid::from_raw(pid),
        state: *fields.first()?.as_bytes().first()?,
        parent: number(1)? as i32,
        group: number(2)? as i32,
        cpu,
    })
}

/// Asks everything of a turn to end. A process that is gone by now is no failure.
pub fn ask(target: Target, signal: Signal) {
    if !target.wrapped {
        let _ = killpg(target.main, signal);
    }
    for process in living() {
        let skip = if target.wrapped {
            process.pid == target.main
        } else {
            process.group == target.main.as_raw()
        };
        if !skip {
            let _ = kill(process.pid, signal);
        }
    }
}

/// Asks every descendant to end.
pub fn ask_all(signal: Signal) {
    for process in living() {
        let _ = kill(process.pid, signal);
    }
}

/// Kills every descendant. Stops them all first, so that nothing can fork while others die.
pub fn kill_all() {
    let mut before = 0;
    for _ in 0..ROUNDS {
        let now = living();
        if now.len() == before {
            break;
        }
        before = now.len();
        for process in now {
            let _ = kill(process.pid, Signal::SIGSTOP);
        }
    }
    ask_all(Signal::SIGKILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_name_is_no_trouble() {
        let stat = b"7 (a) R 1 2) S 5 6 7 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0";
        let read = parse(7, stat).unwrap();
        assert_eq!((read.parent, read.group, read.state, read.cpu), (5, 6, b'S', 100));
        assert_eq!(parse(7, b"7 (a"), None);
    }
}
