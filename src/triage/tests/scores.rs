//! Precision and recall of a report, against what is known to be planted.

use super::super::issue::Report;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Something that was planted on purpose.
pub(super) struct Truth {
    pub name: String,
    /// Whether it is a failure, or only looks like one.
    pub failure: bool,
    pub traces: BTreeSet<String>,
}

/// An issue is right if four in five of its examples are traces of one planted failure, and no issue
/// before it was of the same.
#[derive(Debug, Default)]
pub(super) struct Scores {
    pub found: Vec<(String, String)>,
    pub missed: Vec<String>,
    pub wrong: Vec<String>,
    /// Healthy traces that are none.
    pub not_healthy: u64,
    pub healthy: u64,
}

impl Scores {
    pub(super) fn of(report: &Report, truths: &[Truth]) -> Self {
        let mut scores = Self::default();
        let odd: BTreeSet<&String> =
            truths.iter().filter(|truth| truth.failure).flat_map(|truth| &truth.traces).collect();
        for issue in &report.issues {
            let shown = issue.examples.len();
            let of = |truth: &&Truth| {
                let own = issue.examples.iter().filter(|e| truth.traces.contains(&e.trace_id));
                truth.failure && own.count() * 5 >= shown * 4
            };
            // What was planted may overlap: then each is found by an issue of its own, the narrowest
            // first.
            let mut fitting: Vec<&Truth> = truths.iter().filter(of).collect();
            fitting.sort_by_key(|truth| truth.traces.len());
            let open = |truth: &&&Truth| scores.found.iter().all(|(name, _)| *name != truth.name);
            match (fitting.iter().find(open), fitting.first()) {
                (Some(truth), _) => {
                    let line =
                        format!("{} {} of {}", issue.title, issue.traces, truth.traces.len());
                    scores.found.push((truth.name.clone(), line));
                }
                (None, Some(truth)) => {
                    scores.wrong.push(format!("again {}: {}", truth.name, issue.title));
                }
                (None, None) => scores.wrong.push(issue.title.clone()),
            }
            scores.healthy += issue.healthy.len() as u64;
            let not = issue.healthy.iter().filter(|e| odd.contains(&e.trace_id));
            scores.not_healthy += not.count() as u64;
        }
        let found = |name: &String| scores.found.iter().any(|(own, _)| own == name);
        let missed = truths.iter().filter(|truth| truth.failure && !found(&truth.name));
        scores.missed = missed.map(|truth| truth.name.clone()).collect();
        scores
    }

    pub(super) fn precision(&self) -> f64 {
        let all = self.found.len() + self.wrong.len();
        if all == 0 { 1.0 } else { self.found.len() as f64 / all as f64 }
    }

    pub(super) fn recall(&self) -> f64 {
        let all = self.found.len() + self.missed.len();
        if all == 0 { 1.0 } else { self.found.len() as f64 / all as f64 }
    }

    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        for (name, line) in &self.found {
            let _ = writeln!(text, "found   {name:<18} {line}");
        }
        for name in &self.missed {
            let _ = writeln!(text, "MISSED  {name}");
        }
        for title in &self.wrong {
            let _ = writeln!(text, "WRONG   {title}");
        }
        let _ = write!(
            text,
            "precision {:.3}, recall {:.3}; {} of {} healthy traces beside them are none",
            self.precision(),
            self.recall(),
            self.not_healthy,
            self.healthy
        );
        text
    }
}
