//! The corpus of `tests/triage/`: of each pattern what it must find, and what only looks like it.

use super::node::{Frame, Node, tell};
use super::report_of;
use crate::triage::issue::Report;
use serde::Deserialize;
use std::path::Path;

/// Monday, 2 March 2026, 08:00 UTC.
pub(super) const START_US: i64 = 1_772_438_400_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    traces: Vec<Traces>,
    /// Issues in any order; none for a look-alike.
    expect: Vec<Expected>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Traces {
    times: u64,
    #[serde(default)]
    at_minute: i64,
    /// Between one and the next.
    #[serde(default = "ten")]
    every_minutes: i64,
    session: Option<String>,
    user: Option<String>,
    root: Node,
}

fn ten() -> i64 {
    10
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// Pattern, kind and name of the entity, traces.
    is: String,
    /// In its title.
    #[serde(default)]
    says: String,
    /// Not in its title.
    not: Option<String>,
    /// In the title of something it leads to.
    leads_to: Option<String>,
    /// In one of its facts.
    fact: Option<String>,
    /// The name of the last span of its locus.
    locus: Option<String>,
}

fn report(case: &Case, salt: u64, shift_us: i64) -> Report {
    let (mut spans, mut annotations, mut number) = (Vec::new(), Vec::new(), 0);
    for traces in &case.traces {
        for i in 0..traces.times {
            number += 1;
            let minutes = traces.at_minute + i as i64 * traces.every_minutes;
            let told = tell(
                &traces.root,
                &Frame {
                    salt,
                    number,
                    start_us: START_US + shift_us + minutes * 60_000_000,
                    session: traces.session.clone(),
                    user: traces.user.clone(),
                },
            );
            spans.extend(told.spans);
            annotations.extend(told.annotations);
        }
    }
    report_of(spans, annotations)
}

fn check(case: &Case, report: &Report) {
    let title = |at: usize| report.issues[at].title.clone();
    let is = |at: usize| {
        let issue = &report.issues[at];
        format!(
            "{} {} {} {}",
            issue.pattern,
            issue.entity.kind(),
            issue.entity.name(),
            issue.traces
        )
    };
    let mut found: Vec<String> = (0..report.issues.len()).map(is).collect();
    let mut wanted: Vec<String> = case.expect.iter().map(|expected| expected.is.clone()).collect();
    found.sort();
    wanted.sort();
    let titles: Vec<String> = (0..report.issues.len()).map(title).collect();
    assert_eq!(found, wanted, "{}: {titles:#?}", case.about);
    for expected in &case.expect {
        let at = (0..report.issues.len()).find(|at| is(*at) == expected.is).unwrap();
        let issue = &report.issues[at];
        assert!(issue.title.contains(&expected.says), "{}: {}", case.about, issue.title);
        let silent = expected.not.as_ref().is_none_or(|not| !issue.title.contains(not));
        assert!(silent, "{}: {}", case.about, issue.title);
        if let Some(follows) = &expected.leads_to {
            let found = issue.leads_to.iter().any(|title| title.contains(follows));
            assert!(found, "{}: {:?}", case.about, issue.leads_to);
        }
        if let Some(fact) = &expected.fact {
            assert!(
                issue.facts.iter().any(|own| own.contains(fact)),
                "{}: {:?}",
                case.about,
                issue.facts
            );
        }
        if let Some(locus) = &expected.locus {
            assert_eq!(issue.locus.path.last(), Some(locus), "{}", case.about);
        }
    }
}

/// The fingerprints, sorted.
fn prints(report: &Report) -> Vec<&str> {
    let mut prints: Vec<&str> =
        report.issues.iter().map(|issue| issue.fingerprint.as_str()).collect();
    prints.sort_unstable();
    prints
}

#[test]
fn every_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/triage");
    let all = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> =
        all.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    assert!(files.len() >= 10, "one file a pattern");
    for file in files {
        let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(
            cases.iter().any(|case| case.expect.is_empty()),
            "{} has no look-alike",
            file.display()
        );
        assert!(
            cases.iter().any(|case| !case.expect.is_empty()),
            "{} finds nothing",
            file.display()
        );
        for case in &cases {
            let own = report(case, 1, 0);
            check(case, &own);
            // Other ids, another week.
            let later = report(case, 77, 7 * 86_400_000_000);
            check(case, &later);
            assert_eq!(prints(&own), prints(&later), "{}", case.about);
        }
    }
}
