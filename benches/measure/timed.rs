//! One process, timed by a small process of its own.
//!
//! The kernel tells a parent what its children used: the sum of their time and the largest of them.
//! So that these are one command's figures, this program runs itself once for each, runs the command
//! as its only child, and writes down what it was told. The largest resident size cannot be told
//! below the size of that small process itself, about 2 MiB.

use anyhow::{Context as _, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The argument that makes this program the small one.
pub const HOW: &str = "--one";

/// What a command took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cost {
    /// When it was started, in seconds of the machine's clock.
    pub started: f64,
    /// Seconds.
    pub wall: f64,
    /// Seconds of the processor, for the program and for the kernel.
    pub cpu: f64,
    /// The largest resident size, MiB.
    pub peak: f64,
    pub code: Option<i32>,
}

/// Runs a command and writes its cost to a file.
pub fn one(report: &str, command: &[String]) -> ExitCode {
    match measured(command).and_then(|cost| {
        std::fs::write(report, serde_json::to_vec(&cost)?).context("write the report")
    }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measured(command: &[String]) -> Result<Cost> {
    let (program, arguments) = command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments);
    let (started, began) = (now(), Instant::now());
    let status = command.status().with_context(|| format!("run `{program}`"))?;
    let wall = began.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(Cost {
        started,
        wall,
        cpu: seconds(usage.user_time()) + seconds(usage.system_time()),
        peak: usage.max_rss() as f64 / 1024.0,
        code: status.code(),
    })
}

pub fn read(report: &Path) -> Result<Cost> {
    let text = std::fs::read(report).context("read what a command took")?;
    let cost: Cost = serde_json::from_slice(&text)?;
    ensure!(cost.wall > 0.0, "a command took no time");
    Ok(cost)
}

/// Seconds of the machine's clock, which containers share.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Seconds of the processor that children took which were waited for.
pub fn children_cpu() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
