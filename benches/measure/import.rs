//! (f) Files of spans into a snapshot, and questions to a large one.

use super::rig::{Rig, each, has, pairs, text};
use super::spans;
use super::table::{Aim, Row, Unit};
use anyhow::{Result, bail, ensure};
use std::path::Path;

/// Spans, and how often each is measured.
const SIZES: [(u64, usize); 3] = [(10_000, 5), (100_000, 3), (1_000_000, 3)];
const PEAK: f64 = 300.0;
const ANSWER: f64 = 0.2;

/// Reads the file into a table of a database, as ours does.
const DUCKDB: &str = "import duckdb, os, sys
if os.path.exists(sys.argv[2]): os.remove(sys.argv[2])
c = duckdb.connect(sys.argv[2])
c.execute('create table t as select * from read_json_auto(?, maximum_object_size=268435456)', [sys.argv[1]])
c.close()";

pub fn measure(rig: &mut Rig) -> Result<()> {
    let demo = rig.path("demo.db");
    rig.ours(&["traces", "snapshot", "--project", "demo", "-o", text(&demo)])?;
    let most = std::env::var("LOOP_BENCH_SPANS").ok().and_then(|spans| spans.parse().ok());
    let python = python(rig);
    if python.is_none() {
        eprintln!("(f) no DuckDB: name a Python that has it with LOOP_BENCH_PYTHON");
    }
    let mut largest = None;
    for (spans, rounds) in SIZES {
        if most.is_some_and(|most| spans > most) {
            continue;
        }
        let file = rig.path("spans.jsonl");
        let written = spans::otlp(&demo, &file, spans)?;
        ensure!(written >= spans, "only {written} spans were written");
        sizes(rig, spans, rounds, &file, python.as_deref())?;
        largest = Some(spans);
    }
    let Some(spans) = largest else { bail!("no size is small enough") };
    questions(rig, spans)
}

/// The Python that has DuckDB.
fn python(rig: &Rig) -> Option<String> {
    let python = std::env::var("LOOP_BENCH_PYTHON").unwrap_or("python3".to_owned());
    rig.run(&[&python, "-c", "import duckdb"]).is_ok().then_some(python)
}

fn snapshot(rig: &Rig) -> std::path::PathBuf {
    rig.path("spans.db")
}

fn sizes(
    rig: &mut Rig,
    spans: u64,
    rounds: usize,
    file: &Path,
    python: Option<&str>,
) -> Result<()> {
    let (path, database) = (text(file).to_owned(), snapshot(rig));
    let ours = || {
        // A snapshot of an unchanged file is kept, and would only be linked.
        let _ = std::fs::remove_dir_all(rig.data().join("snapshots"));
        rig.ours(&["traces", "snapshot", "--project", &path, "-o", text(&database)])
    };
    let title = |what: &str| format!("(f) import of {} spans, {what}", show(spans));
    let table = rig.path("duck.db");
    let duck = match python {
        Some(python) => {
            let argv = [python, "-c", DUCKDB, &path, text(&table)];
            Some(pairs(rounds, ours, || rig.run(&argv))?)
        }
        None => None,
    };
    let jq = match has("jq") {
        true => Some(pairs(1, ours, || rig.run(&["jq", "-c", ".", &path]))?),
        false => None,
    };
    let mut rows = Vec::new();
    if let Some(pairs) = duck {
        let wall = each(&pairs, |ran| ran.cost.wall);
        rows.push(Row::of(&title("wall"), Unit::Seconds, &wall, "DuckDB", Aim::Ratio(1.0)));
        let cpu = each(&pairs, |ran| ran.cost.cpu);
        rows.push(Row::of(&title("CPU"), Unit::Seconds, &cpu, "DuckDB", Aim::Told));
        let peak = each(&pairs, |ran| ran.cost.peak);
        rows.push(Row::of(&title("memory"), Unit::MiB, &peak, "DuckDB", Aim::Below(PEAK)));
    }
    if let Some(pairs) = jq {
        let wall = each(&pairs, |ran| ran.cost.wall);
        rows.push(Row::of(&title("wall, another round"), Unit::Seconds, &wall, "jq", Aim::Told));
        let peak = each(&pairs, |ran| ran.cost.peak)[0].0;
        if python.is_none() {
            rows.push(Row::alone(&title("memory"), Unit::MiB, peak, Aim::Below(PEAK)));
        }
    }
    rig.rows.extend(rows);
    Ok(())
}

fn questions(rig: &mut Rig, spans: u64) -> Result<()> {
    let database = snapshot(rig);
    let path = text(&database).to_owned();
    let mut rows = Vec::new();
    for question in [
        &["stats"][..],
        &["stats", "--by", "name"],
        &["stats", "--by", "tool"],
        &["stats", "--by", "session"],
        &["search", "refund"],
        &["search", "rate limit"],
        &["search", "order"],
        &["list", "--errors"],
    ] {
        let ask = || rig.ours(&[&["traces"], question, &["--project", &path]].concat());
        let answers = pairs(7, ask, || rig.ours(&["--version"]))?;
        let wall = each(&answers, |ran| ran.cost.wall);
        let title = format!("(f) `traces {}` of {} spans", question.join(" "), show(spans));
        rows.push(Row::of(&title, Unit::Ms, &wall, "--version", Aim::Below(ANSWER)));
    }
    rig.rows.extend(rows);
    Ok(())
}

fn show(spans: u64) -> String {
    match spans {
        1_000_000.. => format!("{} M", spans / 1_000_000),
        _ => format!("{},000", spans / 1_000),
    }
}
