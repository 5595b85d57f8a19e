//! Speed and memory of the built program, each figure beside its floor, as one table.
//!
//! `cargo bench --bench measure [-- WHICH...]`, where WHICH are letters of figures. Ours and the
//! floor run in turns (A B A B), so that whatever else the machine does falls on both; medians are
//! shown, and the ratio is the median of the ratios of the pairs. What each figure means is in
//! `benches/README.md`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a bench prints, reads its own settings, and compares clocks of processes"
)]

mod due;
mod events;
mod fifty;
mod import;
mod latency;
mod logs;
mod redaction;
mod rig;
mod small;
mod spans;
mod ssh;
mod start;
mod store;
mod table;
mod throughput;
mod timed;
mod triage;
mod watch;

/// What the measured code calls its neighbour.
#[path = "."]
mod domain {
    #[expect(dead_code, reason = "only a part of it is measured")]
    #[path = "../../src/domain/credential.rs"]
    pub mod credential;

    #[expect(dead_code, reason = "only a part of it is measured")]
    #[path = "../../src/domain/automation/mod.rs"]
    pub mod automation;
    #[cfg_attr(test, expect(unused_imports, reason = "its tests are not run here"))]
    #[path = "../../src/domain/digest.rs"]
    pub mod digest;
    #[expect(dead_code, reason = "only a part of it is measured")]
    #[cfg_attr(test, expect(unused_imports, reason = "its tests are not run here"))]
    #[path = "../../src/domain/measure.rs"]
    pub mod measure;
    #[expect(dead_code, reason = "only a part of it is measured")]
    #[path = "../../src/domain/schedule/mod.rs"]
    pub mod schedule;
    #[expect(dead_code, reason = "only a part of it is measured")]
    #[cfg_attr(test, expect(unused_imports, reason = "its tests are not run here"))]
    #[path = "../../src/domain/words.rs"]
    pub mod words;
}

use anyhow::Result;
use rig::Rig;
use std::process::ExitCode;

/// One figure: its letter, what it is, and what measures it.
type Figure = (&'static str, &'static str, fn(&mut Rig) -> Result<()>);

const FIGURES: [Figure; 11] = [
    ("a", "commands that do little", small::measure),
    ("b", "a session's start", start::measure),
    ("c", "fifty sessions at once", fifty::measure),
    ("d", "a transcript of 100 MB", logs::measure),
    ("e", "from the worker's output to stored events", throughput::measure),
    ("e", "how soon an event is seen", latency::measure),
    ("f", "files of spans into a snapshot", import::measure),
    ("h", "sandboxes on another host", ssh::measure),
    ("t", "triage of a million spans", triage::measure),
    ("s", "what is due of many automations", due::measure),
    ("r", "taking secrets out of text", redaction::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [how, report, command @ ..] = arguments.as_slice()
        && how == timed::HOW
    {
        return timed::one(report, command);
    }
    if let [how, demo, target, count] = arguments.as_slice()
        && how == spans::HOW
    {
        return spans::write(demo, target, count);
    }
    let wanted: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    if wanted.is_empty() && !arguments.iter().any(|word| word == "--bench") {
        // `cargo test --all-targets` comes by here.
        eprintln!("run me with `cargo bench --bench measure [-- WHICH...]`");
        return ExitCode::SUCCESS;
    }
    match run(&wanted) {
        Ok(missed) if missed.is_empty() => ExitCode::SUCCESS,
        Ok(missed) => {
            eprintln!("not measured: {}", missed.join(", "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures what is wanted, all where nothing is named; gives what could not be measured.
fn run(wanted: &[&str]) -> Result<Vec<&'static str>> {
    let mut rig = Rig::new()?;
    let mut missed = Vec::new();
    for (letter, what, measure) in FIGURES {
        if !wanted.is_empty() && !wanted.contains(&letter) {
            continue;
        }
        let before = rig::load();
        eprintln!("({letter}) {what} ...");
        if let Err(error) = measure(&mut rig) {
            eprintln!("({letter}) {what}: {error:#}");
            missed.push(letter);
        }
        rig.loads.push(format!("({letter}) {before} -> {}", rig::load()));
    }
    println!("{}", rig::machine());
    println!("Load: {}.\n", rig.loads.join(", "));
    println!("{}", table::render(&rig.rows));
    Ok(missed)
}
