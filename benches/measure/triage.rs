//! (t) Triage of a million spans: the built-in worker by itself, on a snapshot that is there.

use super::rig::{Ran, Rig, text};
use super::spans;
use super::table::{Aim, Row, Unit, median};
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};

const ROUNDS: usize = 5;
const SPANS: u64 = 1_000_000;

/// Spans a second of one core.
const SPEED: f64 = 200_000.0;

pub fn measure(rig: &mut Rig) -> Result<()> {
    let few = snapshot(rig, "few", SPANS / 10)?;
    let many = snapshot(rig, "many", SPANS)?;
    let [few, many] = [few, many].map(|path| runs(rig, &path));
    let (few, many) = (few?, many?);
    let spans = SPANS as f64;
    let of = |runs: &[Ran], what: fn(&Ran) -> f64| median(runs.iter().map(what));
    let (wall, cpu) = (of(&many, |ran| ran.cost.wall), of(&many, |ran| ran.cost.cpu));
    let title = |what: &str| format!("(t) triage of 1,000,000 spans, {what}");
    rig.rows.push(Row::alone(&title("wall"), Unit::Seconds, wall, Aim::Told));
    let speed = Aim::Above(SPEED);
    rig.rows.push(Row::alone(&title("spans a CPU second"), Unit::Count, spans / cpu, speed));
    let peak = of(&many, |ran| ran.cost.peak);
    rig.rows.push(Row::alone(&title("memory"), Unit::MiB, peak, Aim::Told));
    let peak = of(&few, |ran| ran.cost.peak);
    rig.rows.push(Row::alone("(t) triage of 100,000 spans, memory", Unit::MiB, peak, Aim::Told));
    Ok(())
}

fn runs(rig: &Rig, snapshot: &Path) -> Result<Vec<Ran>> {
    let folder = rig.path("found");
    std::fs::create_dir_all(&folder)?;
    let argv = ["triage", "--snapshot", text(snapshot), "--artifacts", text(&folder)];
    rig.ours(&argv)?;
    let runs: Vec<Ran> = (0..ROUNDS).map(|_| rig.ours(&argv)).collect::<Result<_>>()?;
    let found = std::fs::read_to_string(folder.join("issues.json"))?;
    for planted in ["InvalidOrderIdError", "is called over and over", "is cut off", "finds nothing"]
    {
        ensure!(found.contains(planted), "`{planted}` was planted and is not found: {found}");
    }
    Ok(runs)
}

/// The demo project told over and over, with all that is planted in it.
fn snapshot(rig: &Rig, name: &str, count: u64) -> Result<PathBuf> {
    let demo = rig.path("demo.db");
    rig.ours(&["traces", "snapshot", "--project", "demo", "-o", text(&demo)])?;
    let (file, path) = (rig.path(&format!("{name}.jsonl")), rig.path(&format!("{name}.db")));
    spans::otlp(&demo, &file, count)?;
    rig.ours(&["traces", "snapshot", "--project", text(&file), "-o", text(&path)])
        .context("make a snapshot of what was generated")?;
    std::fs::remove_file(file)?;
    Ok(path)
}
