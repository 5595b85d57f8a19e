//! What a run found, held against what is known. Pure.

use crate::domain::issue::{self, Example, Input, Issue, State, Told};
use crate::domain::signal::Run as SignalRun;
use crate::store::Observation;
use crate::triage::{self, Counted, Report, Start};
use std::collections::BTreeMap;

/// An issue that a run changed.
pub type Change = (String, State);

/// Takes a run's findings into the known issues, by fingerprint. Gives what was counted of each, and
/// which of them changed.
pub fn merge(
    known: &mut BTreeMap<String, Issue>,
    found: (&Report, &Counted),
    run: &SignalRun,
) -> (Vec<Observation>, Vec<Change>) {
    let (report, counted) = found;
    let told: BTreeMap<&str, &triage::Issue> =
        report.issues.iter().map(|issue| (issue.fingerprint.as_str(), issue)).collect();
    for (fingerprint, found) in &told {
        if let Some(issue) = known.get_mut(*fingerprint) {
            issue.told = tell(found);
        } else {
            let new = Issue::new(&run.project, fingerprint, tell(found), run.started_at);
            known.insert((*fingerprint).to_owned(), new);
        }
    }
    let (mut observations, mut moved) = (Vec::new(), Vec::new());
    for (fingerprint, issue) in known.iter_mut() {
        let (is_first, before) = (issue.hits == 0, issue.life.state);
        let counts = |start: &&Start| is_first || start.is_new;
        let of = |starts: &[Start]| -> Vec<i64> {
            starts.iter().filter(counts).map(|start| start.us).collect()
        };
        let (hits, could) =
            (of(counted.hits(fingerprint)), of(counted.chances(&issue.told.entity_name)));
        let since = told.get(fingerprint.as_str()).map(|found| found.first_us);
        watch(issue, (&hits, &could), since, run.started_at);
        issue.count(run.run, &hits, could.len() as u64);
        if !hits.is_empty() || !could.is_empty() {
            observations.push(Observation {
                issue: issue.id.clone(),
                run: run.run,
                at: run.started_at,
                hits: hits.len() as u64,
                chances: could.len().max(hits.len()) as u64,
            });
        }
        if is_first || issue.life.state != before {
            moved.push((issue.id.clone(), issue.life.state));
        }
    }
    (observations, moved)
}

/// Tells an issue that may be gone what was seen since. `since_us` is when it began, where it is told.
fn watch(issue: &mut Issue, (hits, could): (&[i64], &[i64]), since_us: Option<i64>, now: i64) {
    let Some(watch) = issue.life.watch else { return };
    // One that became slower before the fix may still show in the hours after it.
    let proves = issue.is_verifiable() || since_us.is_none_or(|since| since >= watch.since_us);
    let after =
        |starts: &[i64]| starts.iter().filter(|start| **start >= watch.since_us).count() as u64;
    let hits = if proves { after(hits) } else { 0 };
    issue.take(Input::Observed { hits, chances: after(could).max(hits) }, now);
}

fn tell(found: &triage::Issue) -> Told {
    Told {
        pattern: found.pattern.to_owned(),
        title: found.title.clone(),
        entity_kind: found.entity.kind().to_owned(),
        entity_name: found.entity.name().to_owned(),
        severity: found.severity.name().to_owned(),
        score: found.severity.score,
        arithmetic: found.severity.arithmetic(),
        traces: found.traces,
        share: found.share,
        users: found.users,
        trend: found.trend.name().to_owned(),
        path: found.locus.path.clone(),
        examples: found.examples.iter().map(example).collect(),
        healthy: found.healthy.iter().map(|one| one.trace_id.clone()).collect(),
        facts: found.facts.clone(),
        leads_to: found.leads_to.clone(),
        advice: found.advice.clone(),
        exception: found.exception.clone(),
        example: found.example.clone(),
    }
}

fn example(found: &triage::Example) -> Example {
    issue::Example { trace_id: found.trace_id.clone(), input: found.input.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::demo;
    use crate::traces::snapshot::{About, Snapshot, write};
    use crate::traces::span::{Span, TraceId};
    use std::collections::HashSet;

    const DAY_US: i64 = 86_400_000_000;

    /// Runs on the spans of traces that `keep` keeps, of which those in `seen` were seen.
    struct Runs {
        known: BTreeMap<String, Issue>,
        seen: HashSet<u128>,
        run: i64,
    }

    impl Runs {
        fn new() -> Self {
            Self { known: BTreeMap::new(), seen: HashSet::new(), run: 0 }
        }

        fn look(&mut self, spans: Vec<Span>) -> Vec<Change> {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            write(&path, spans, &About::default()).unwrap();
            let snapshot = Snapshot::open(&path).unwrap();
            let (report, counted) = triage::find_new(&snapshot, &self.seen).unwrap();
            self.run += 1;
            let run = SignalRun {
                project: "demo".to_owned(),
                run: self.run,
                started_at: self.run * 1_000,
                ..SignalRun::default()
            };
            let (_, changes) = merge(&mut self.known, (&report, &counted), &run);
            self.seen.extend(counted.traces.iter().map(|(id, _)| *id));
            changes
        }

        fn of(&mut self, word: &str) -> &mut Issue {
            let found = self.known.values_mut().find(|one| one.told.title.contains(word));
            found.unwrap()
        }
    }

    /// The demo again, days later: other ids, and without the traces of some.
    fn later(days: i64, without: &HashSet<u128>) -> Vec<Span> {
        let mut spans = demo::spans();
        spans.retain(|span| !without.contains(&span.trace_id.0));
        for span in &mut spans {
            span.trace_id = TraceId(span.trace_id.0.wrapping_add(days as u128));
            span.start_us += days * DAY_US;
            span.end_us += days * DAY_US;
        }
        spans
    }

    fn failing(issue: &Issue, spans: &[Span]) -> HashSet<u128> {
        let (_, message) = issue.told.exception.clone().unwrap();
        let word = message.split(|c: char| !c.is_alphabetic()).max_by_key(|w| w.len()).unwrap();
        let shows = |span: &&Span| {
            span.status_message.contains(word) || format!("{:?}", span.events).contains(word)
        };
        spans.iter().filter(shows).map(|span| span.trace_id.0).collect()
    }

    #[test]
    fn a_whole_life() {
        let mut runs = Runs::new();
        let nobody = HashSet::new();
        let found = runs.look(later(0, &nobody));
        assert!(found.len() >= 3 && found.iter().all(|(_, state)| *state == State::Open));
        assert_eq!(runs.look(later(0, &nobody)), [], "the same traces again change nothing");
        let issue = runs.known.values().filter(|one| one.told.exception.is_some());
        let issue = issue.max_by(|a, b| a.told.score.total_cmp(&b.told.score)).unwrap().clone();
        assert_eq!(issue.hits, issue.told.traces, "every trace counts once");
        let word = issue.told.title.clone();
        let at_us = runs.known.values().map(|one| one.last_us).max().unwrap();
        let needed = Some(issue.needed());
        runs.of(&word).take(Input::Proposed, 1);
        runs.of(&word).take(Input::Merged { at_us, needed }, 1);
        let without = failing(&issue, &demo::spans());
        assert!(without.len() as u64 >= issue.hits, "{} {}", without.len(), issue.hits);
        let mut days = 4;
        while runs.of(&word).life.state == State::Merged && days < 60 {
            runs.look(later(days, &without));
            days += 4;
        }
        let gone = runs.of(&word).clone();
        assert_eq!(gone.life.state, State::VerifiedGone, "{:#?}", gone.history);
        let changes = runs.look(later(days, &nobody));
        assert!(changes.contains(&(issue.id.clone(), State::Regressed)), "{changes:?}");
        assert_eq!(runs.of(&word).hits, 2 * issue.hits);
    }

    #[test]
    fn one_trace_with_it_is_enough_to_be_back() {
        let mut runs = Runs::new();
        let nobody = HashSet::new();
        runs.look(later(0, &nobody));
        let issue = runs.known.values().find(|one| one.told.exception.is_some()).unwrap().clone();
        let word = issue.told.title.clone();
        let at_us = runs.known.values().map(|one| one.last_us).max().unwrap() + 1;
        runs.of(&word).take(Input::Resolve { at_us }, 1);
        let mut failing = failing(&issue, &demo::spans());
        // All but one of them.
        let shown = u128::from_str_radix(&issue.told.examples[0].trace_id, 16).unwrap();
        failing.remove(&shown);
        runs.look(later(4, &failing));
        assert_eq!(runs.of(&word).life.state, State::Regressed);
        assert_eq!(runs.of(&word).hits, issue.hits + 1);
    }
}
