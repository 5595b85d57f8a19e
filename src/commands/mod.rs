//! The command line: a page each.

use crate::error::{Failure, Kind, Result};
use crate::supervise;
use std::borrow::Cow;
use std::io::Write as _;
use std::process::ExitCode;

pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let run_dir = args.get(1).map_or("/loop/run", String::as_str);
    let run_dir = std::path::Path::new(run_dir);
    let mut stdin = std::io::stdin().lock();
    let answer: supervise::Answer = match args.first().map(String::as_str) {
        Some("supervise") => {
            drop(stdin);
            let options = supervise::Options { run_dir: run_dir.to_owned() };
            return supervise::supervise(&options, &redactor);
        }
        Some("place") => return supervise::place(&mut stdin),
        Some("journal") => {
            let number = |at: usize| args.get(at).and_then(|text| text.parse::<u64>().ok());
            let part = supervise::Follow {
                after: number(2).unwrap_or(0),
                until_turn: number(3).filter(|n| *n > 0).map(|n| n as u32),
                wait: args.get(4).is_some(),
            };
            return supervise::follow(run_dir, part, &mut std::io::stdout());
        }
        Some("turn") => supervise::turn(run_dir, &mut stdin)?,
        Some("interrupt") => supervise::interrupt(run_dir)?,
        Some("close") => supervise::close(run_dir)?,
        _ => return Err(Failure::new(Kind::Usage, "no such command")),
    };
    let _ = writeln!(std::io::stdout(), "{}", serde_json::to_string(&answer).unwrap_or_default());
    Ok(())
}

fn redactor(secrets: &[String]) -> supervise::Redact {
    let values = secrets.iter().filter(|secret| !secret.is_empty());
    let found = aho_corasick::AhoCorasick::new(values);
    let marks = vec!["[secret]"; secrets.len()];
    Box::new(move |bytes| match &found {
        Ok(found) if found.patterns_len() > 0 && found.is_match(bytes) => {
            Cow::Owned(found.replace_all_bytes(bytes, &marks[..found.patterns_len()]))
        }
        _ => Cow::Borrowed(bytes),
    })
}
