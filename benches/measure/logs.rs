//! (d) Reading a transcript of 100 MB, and only the end of one.

use super::events;
use super::rig::{Ran, Rig, each, has, pairs, text};
use super::table::{Aim, Row, Unit};
use anyhow::{Result, ensure};

const ROUNDS: usize = 7;
const BIG: u64 = 100_000_000;
const SMALL: u64 = 1_000_000;
const WALL: f64 = 0.3;
const PEAK: f64 = 20.0;

const PYTHON: &str = "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)";

pub fn measure(rig: &mut Rig) -> Result<()> {
    let (big, small) = (rig.finished_session()?, rig.finished_session()?);
    let of = |id: &str| rig.data().join("sessions").join(id).join("transcript.jsonl");
    let file = of(&big);
    let events = events::transcript(&file, BIG)?;
    events::transcript(&of(&small), SMALL)?;
    let path = text(&file).to_owned();
    let json = || rig.ours(&["session", "logs", &big, "--json"]);
    let told = json()?.bytes;
    ensure!(told > BIG, "`session logs --json` gave {told} bytes of {events} events");
    let cat = pairs(ROUNDS, json, || rig.run(&["cat", &path]))?;
    let people = || rig.ours(&["session", "logs", &big]);
    let count = pairs(ROUNDS, people, || rig.run(&["wc", "-l", &path]))?;
    let tail = |id: &str, json: &[&str]| {
        rig.ours(&[&["session", "logs", id, "--tail", "100"], json].concat())
    };
    let ends = pairs(ROUNDS * 3, || tail(&big, &[]), || tail(&small, &[]))?;
    let json_ends = pairs(ROUNDS * 3, || tail(&big, &["--json"]), || tail(&small, &["--json"]))?;
    let python = match has("python3") {
        true => Some(pairs(3, people, || rig.run(&["python3", "-c", PYTHON, &path]))?),
        false => None,
    };
    add(rig, "logs --json", &cat, "cat");
    add(rig, "logs", &count, "wc -l");
    if let Some(python) = python {
        let wall = each(&python, |ran| ran.cost.wall);
        let title = "(d) `logs`, 100 MB, wall";
        rig.rows.push(Row::of(title, Unit::Ms, &wall, "python json.loads", Aim::Below(WALL)));
    }
    for (name, ends) in [("logs --tail 100", ends), ("logs --tail 100 --json", json_ends)] {
        let wall = each(&ends, |ran| ran.cost.wall);
        let title = format!("(d) `{name}`, 100 MB, wall");
        rig.rows.push(Row::of(&title, Unit::Ms, &wall, "of 1 MB", Aim::Ratio(1.2)));
    }
    std::fs::remove_file(file)?;
    Ok(())
}

fn add(rig: &mut Rig, name: &str, pairs: &[(Ran, Ran)], floor: &str) {
    let wall = each(pairs, |ran| ran.cost.wall);
    let title = |what: &str| format!("(d) `{name}`, 100 MB, {what}");
    let cpu = each(pairs, |ran| ran.cost.cpu);
    let peak = each(pairs, |ran| ran.cost.peak);
    let rows = [
        Row::of(&title("wall"), Unit::Ms, &wall, floor, Aim::Below(WALL)),
        Row::of(&title("CPU"), Unit::Ms, &cpu, floor, Aim::Told),
        Row::of(&title("memory"), Unit::MiB, &peak, floor, Aim::Below(PEAK)),
    ];
    rig.rows.extend(rows);
}
