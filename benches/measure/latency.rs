//! How soon what a worker prints is an event on the command's standard output.

use super::rig::{Rig, bubblewrap};
use super::table::{Aim, Row, Unit, quantile};
use super::timed;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// A line about every twenty milliseconds, two hundred of them, and how many must be seen.
const SCRIPT: &str = "i=0; while [ $i -lt 200 ]; do date +%s.%N; sleep 0.02; i=$((i+1)); done";
const LEAST: usize = 200;
const MOST: f64 = 0.15;

pub fn measure(rig: &mut Rig) -> Result<()> {
    let shell = ["sh", "-c", SCRIPT];
    if bubblewrap() {
        rig.preset("ticks", &shell, "provider = \"local\"\nnetwork = \"none\"")?;
        let ours = session(rig)?;
        let floor = seen(rig, &shell, |line| line.parse().ok())?;
        add(rig, "local", &ours, &floor, "a pipe");
    }
    rig.need_docker()?;
    rig.preset("ticks", &shell, &rig.docker_sandbox("none"))?;
    let ours = session(rig)?;
    let bare = ["docker", "run", "--rm", "--network", "none", &rig.image, "sh", "-c", SCRIPT];
    let floor = seen(rig, &bare, |line| line.parse().ok())?;
    add(rig, "docker", &ours, &floor, "docker run");
    Ok(())
}

fn add(rig: &mut Rig, provider: &str, ours: &[f64], floor: &[f64], name: &str) {
    for (part, what) in [(0.5, "p50"), (0.99, "p99")] {
        let of = |values: &[f64]| quantile(values.iter().copied(), part);
        let title = format!("(e) event on {provider}, {what}");
        let pair = [(of(ours), of(floor))];
        rig.rows.push(Row::of(&title, Unit::Ms, &pair, name, Aim::Below(MOST)));
    }
}

fn session(rig: &Rig) -> Result<Vec<f64>> {
    let program = rig.program.display().to_string();
    let argv = [&program, "session", "start", "--preset", "ticks", "--json", "-q"];
    seen(rig, &argv, |line| {
        let event: Value = serde_json::from_str(line).ok()?;
        if event["kind"] == "assistant" { event["text"].as_str()?.parse().ok() } else { None }
    })
}

/// How old each printed time was when its line was read.
fn seen(rig: &Rig, argv: &[&str], time: impl Fn(&str) -> Option<f64>) -> Result<Vec<f64>> {
    let mut child = rig.timed(argv).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let stdout = child.stdout.take().context("no standard output")?;
    let mut ages = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        let now = timed::now();
        ages.extend(time(&line).map(|at| now - at));
    }
    child.wait()?;
    ensure!(ages.len() >= LEAST, "only {} times were seen", ages.len());
    Ok(ages)
}
