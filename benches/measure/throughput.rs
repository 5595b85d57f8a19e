//! (e) How fast a worker's output becomes stored events, and in how much memory.
//!
//! The file to print has to be inside the sandbox. For a program of a preset it goes where the
//! certificates would be, which is the one file of this machine that a preset can name; the stand-in
//! for Claude Code has it beside itself.

use super::events;
use super::rig::{Rig, bubblewrap, text};
use super::table::{Aim, Row, Unit, median};
use super::watch::{Seen, Watch};
use anyhow::{Context as _, Result, ensure};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROUNDS: usize = 3;
const BYTES: u64 = 256 << 20;
const SPEED: f64 = 50.0;
const PEAK: f64 = 100.0;
const CERTIFICATES: &str = "/loop/etc/ca.pem";

struct Run {
    wall: f64,
    cpu: f64,
    floor: f64,
    seen: Seen,
}

pub fn measure(rig: &mut Rig) -> Result<()> {
    ensure!(bubblewrap(), "there is no bubblewrap for a local sandbox");
    let bytes = match std::env::var("LOOP_BENCH_BYTES") {
        Ok(text) => text.parse().context("LOOP_BENCH_BYTES is a number of bytes")?,
        Err(_) => BYTES,
    };
    let input = rig.path("lines");
    let size = events::lines(&input, bytes)?;
    let sandbox = format!(
        "provider = \"local\"\nnetwork = \"none\"\nca_bundle = {}",
        serde_json::to_string(text(&input))?
    );
    rig.preset("plain", &["cat", CERTIFICATES], &sandbox)?;
    several(rig, "plain lines", "plain", size, &input)?;
    std::fs::remove_file(&input)?;
    let input = stand_in(rig)?;
    let size = events::claude(&input, bytes)?;
    let text = "description = \"a bench\"\nharness = \"claude-code\"\nprompt = \"go\"\n\
                [sandbox]\nkeep = \"never\"\nprovider = \"local\"\nnetwork = \"none\"\n";
    std::fs::write(rig.path("config/presets/claude.toml"), text)?;
    several(rig, "Claude Code's lines", "claude", size, &input)?;
    std::fs::remove_file(&input)?;
    Ok(())
}

/// A program in Claude Code's place that prints what lies beside it. Gives the path of that. Which
/// version is looked for is in the failure to fetch it from nowhere.
fn stand_in(rig: &Rig) -> Result<PathBuf> {
    let nowhere = "[harness]\nregistry = \"http://127.0.0.1:9\"\n";
    std::fs::write(rig.path("config/config.toml"), nowhere)?;
    let argv =
        ["session", "start", "--harness", "claude-code", "--sandbox", "local", "--json", "-q"];
    let refused = rig.ours(&[&argv[..], &["go"]].concat());
    let said = refused.err().map(|error| error.to_string()).unwrap_or_default();
    let (_, rest) = said
        .split_once("fetch `claude ")
        .with_context(|| format!("no version of Claude Code is told: {said}"))?;
    let version = rest.split('`').next().unwrap_or_default();
    let arch = std::env::consts::ARCH;
    let folder = rig.path("cache/programs").join(format!("claude-{version}-{arch}-glibc"));
    std::fs::create_dir_all(&folder)?;
    let program = folder.join("claude");
    std::fs::write(&program, "#!/bin/sh\nexec cat \"${0%/*}/output\"\n")?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    Ok(folder.join("output"))
}

fn several(rig: &mut Rig, name: &str, preset: &str, size: u64, input: &Path) -> Result<()> {
    let runs: Vec<Run> = (0..ROUNDS).map(|_| run(rig, preset, input)).collect::<Result<_>>()?;
    let megabytes = size as f64 / 1e6;
    let speed: Vec<(f64, f64)> =
        runs.iter().map(|run| (megabytes / run.wall, megabytes / run.floor)).collect();
    let most = |number: fn(&Run) -> f64| runs.iter().map(number).fold(0.0, f64::max);
    let one_core = median(runs.iter().map(|run| megabytes / (run.cpu + run.seen.supervisor_cpu)));
    let title = |what: &str| format!("(e) {megabytes:.0} MB of {name}, {what}");
    let mut first = Row::of(&title("speed"), Unit::Speed, &speed, "cat to cat", Aim::Told);
    // The smaller, the better, as everywhere.
    first.ratio = first.ratio.map(|ratio| 1.0 / ratio);
    let command = most(|run| run.seen.command_peak);
    let supervisor = most(|run| run.seen.supervisor_peak);
    let rows = [
        first,
        Row::alone(&title("per CPU second"), Unit::Speed, one_core, Aim::Above(SPEED)),
        Row::alone(&title("memory of the command"), Unit::MiB, command, Aim::Below(PEAK)),
        Row::alone(&title("memory of the supervisor"), Unit::MiB, supervisor, Aim::Below(PEAK)),
    ];
    rig.rows.extend(rows);
    Ok(())
}

fn run(rig: &Rig, preset: &str, input: &Path) -> Result<Run> {
    let watch = Watch::start(&rig.program, Duration::from_millis(20))?;
    // What people would see is nothing: the events are stored, and that is what is measured.
    let ran = rig.ours(&["session", "start", "--preset", preset, "-q"]);
    let seen = watch.end();
    let cost = ran?.cost;
    let out = rig.path("copy");
    let copy = format!("cat '{}' | cat > '{}'", text(input), text(&out));
    let floor = rig.run(&["sh", "-c", &copy])?.cost;
    std::fs::remove_file(out)?;
    stored(rig, input.metadata()?.len())?;
    Ok(Run { wall: cost.wall, cpu: cost.cpu, floor: floor.wall, seen })
}

/// Makes sure that it is all there, and makes room again.
fn stored(rig: &Rig, size: u64) -> Result<()> {
    let sessions = rig.data().join("sessions");
    let mut journals = 0;
    for entry in std::fs::read_dir(sessions)? {
        let folder = entry?.path();
        for (name, counts) in [("journal.jsonl", true), ("transcript.jsonl", false)] {
            let path = folder.join(name);
            if path.metadata().is_ok_and(|about| about.len() > 1 << 20) {
                journals += if counts { path.metadata()?.len() } else { 0 };
                std::fs::remove_file(&path)?;
            }
        }
    }
    ensure!(journals >= size, "only {journals} bytes of {size} were stored");
    Ok(())
}
