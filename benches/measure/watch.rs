//! Watches the processes of one program from outside, whatever container they are in.

use anyhow::Result;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What was seen of the processes of a program.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The largest sum of their proportional set sizes at one moment, MiB: those that were started
    /// by hand, and with the supervisors in the sandboxes.
    pub commands: f64,
    pub all: f64,
    /// The largest resident size of any, MiB.
    pub command_peak: f64,
    pub supervisor_peak: f64,
    /// Processor seconds of all supervisors, as last seen, in steps of a hundredth.
    pub supervisor_cpu: f64,
}

pub struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watch {
    pub fn start(program: &Path, pause: Duration) -> Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let file = identity(program)?;
        let done = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let (mut seen, mut cpu) = (Seen::default(), HashMap::new());
            while !done.load(Ordering::Relaxed) {
                look(file, &mut seen, &mut cpu);
                std::thread::sleep(pause);
            }
            seen.supervisor_cpu = cpu.values().sum();
            seen
        });
        Ok(Self { over, thread })
    }

    pub fn end(self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// A program is the file it was started from; a path would differ in a container.
fn identity(program: &Path) -> Result<(u64, u64)> {
    let about = program.metadata()?;
    Ok((about.dev(), about.ino()))
}

fn processes(file: (u64, u64)) -> Vec<(i32, PathBuf)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let of = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let ours = identity(&entry.path().join("exe")).ok()? == file;
        ours.then(|| (pid, entry.path()))
    };
    entries.flatten().filter_map(of).collect()
}

fn look(file: (u64, u64), seen: &mut Seen, cpu: &mut HashMap<i32, f64>) {
    let (mut commands, mut all) = (0.0, 0.0);
    for (pid, path) in processes(file) {
        let pss = field(&path.join("smaps_rollup"), "Pss:");
        let peak = field(&path.join("status"), "VmHWM:");
        all += pss;
        if is_supervisor(&path) {
            seen.supervisor_peak = seen.supervisor_peak.max(peak);
            cpu.insert(pid, used(&path));
        } else {
            commands += pss;
            seen.command_peak = seen.command_peak.max(peak);
        }
    }
    seen.commands = seen.commands.max(commands);
    seen.all = seen.all.max(all);
}

fn is_supervisor(path: &Path) -> bool {
    let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).nth(1) == Some(b"supervise")
}

/// A number of a file of the kernel's, in KiB there and in MiB here.
fn field(path: &Path, name: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    number.unwrap_or(0.0) / 1024.0
}

fn used(path: &Path) -> f64 {
    let text = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
    // The name in brackets may hold anything; after it, the 12th and 13th field are what is wanted.
    let rest = text.rsplit(')').next().unwrap_or_default();
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// How many processes of a program there are that have to do with a folder.
pub fn left(program: &Path, folder: &Path) -> Result<Vec<i32>> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let mine = |path: &Path| {
        ["cmdline", "environ"].iter().any(|name| {
            let text = std::fs::read(path.join(name)).unwrap_or_default();
            text.windows(folder.len()).any(|part| part == folder)
        })
    };
    let found = processes(identity(program)?).into_iter();
    Ok(found.filter(|(_, path)| mine(path)).map(|(pid, _)| pid).collect())
}

/// Ends what is left of our own runs.
pub fn end_all_of(program: &Path, folder: &Path) -> Result<()> {
    for pid in left(program, folder)? {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    Ok(())
}
