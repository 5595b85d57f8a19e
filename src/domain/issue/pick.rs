//! Which issues come first, which of them somebody should look into, and when a fix may be proposed.
//!
//! Issues are ranked by their score (triage's, see there), times 0.7 where the newest run saw none of
//! it: what stopped weighs less, as with triage's own trend. Those still to be dealt with come before
//! the others; ties go by traces, then by id.
//!
//! Looked into are those that are open and new or back, and those that became half as bad again since
//! somebody looked. What came to nothing twice is left to a person.

use super::{Issue, State};
use crate::domain::words::Count;
use std::cmp::Ordering;

const STOPPED: f64 = 0.7;
const WORSE: f64 = 1.5;
const TRIES: u32 = 2;

/// Traces that an investigation must cite of those that show the failure, where there are as many.
const CITED: usize = 3;

/// What it weighs now. `run` is the newest run of its project.
pub fn weight(issue: &Issue, run: i64) -> f64 {
    issue.told.score * if issue.last_run < run { STOPPED } else { 1.0 }
}

/// The worst first.
pub fn order(a: &(Issue, f64), b: &(Issue, f64)) -> Ordering {
    let open = |issue: &Issue| issue.life.state.is_open();
    open(&b.0)
        .cmp(&open(&a.0))
        .then(b.1.total_cmp(&a.1))
        .then(b.0.hits.cmp(&a.0.hits))
        .then_with(|| a.0.id.cmp(&b.0.id))
}

/// Why it should be looked into, where it should.
pub fn reason(issue: &Issue) -> Option<&'static str> {
    if !matches!(issue.life.state, State::Open | State::Regressed) || issue.fruitless >= TRIES {
        return None;
    }
    match issue.looked_score {
        _ if issue.look && issue.life.state == State::Regressed => Some("it is back"),
        None if issue.look => Some("it is new"),
        Some(_) if issue.look => Some("it is still there"),
        Some(before) if issue.told.score >= before * WORSE => Some("it became worse"),
        _ => None,
    }
}

/// What is known of an investigation when it is asked whether its fix may be proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence<'a> {
    pub succeeded: bool,
    /// What did not pass of the checks of what the worker left, each in a sentence.
    pub failed_checks: &'a [String],
    /// How many it cites of the traces that are known to show the failure.
    pub cited: usize,
    pub has_commits: bool,
}

/// What stands against a pull request. It is opened where nothing does: the worker's own opinion of
/// its work is not asked for.
pub fn against(issue: &Issue, evidence: Evidence) -> Vec<String> {
    let mut against = Vec::new();
    if !evidence.succeeded {
        against.push("the session did not succeed".to_owned());
    }
    against.extend(evidence.failed_checks.iter().cloned());
    let wanted = issue.told.examples.len().min(CITED);
    if evidence.cited < wanted {
        let known = Count::of(wanted, "trace");
        against.push(format!(
            "the investigation cites {} of the {known} or more that it must of those that show the failure",
            evidence.cited
        ));
    }
    if issue.told.severity == "low" {
        against.push("the severity is low".to_owned());
    }
    if !evidence.has_commits {
        against.push("the worker committed nothing".to_owned());
    }
    against
}

#[cfg(test)]
mod tests {
    use super::super::testing::issue;
    use super::super::{Example, Input};
    use super::*;

    #[test]
    fn the_worst_comes_first_and_what_is_over_comes_last() {
        let mut all: Vec<(Issue, f64)> = [("a", 3.0), ("b", 9.0), ("c", 9.0), ("d", 20.0)]
            .map(|(name, score)| (issue(name, score), score))
            .into();
        all[3].0.take(Input::Mute, 1);
        all[2].0.hits += 1;
        all.sort_by(order);
        let names: Vec<_> = all.iter().map(|(one, _)| one.told.entity_name.as_str()).collect();
        assert_eq!(names, ["c", "b", "a", "d"]);
    }

    #[test]
    fn what_stopped_weighs_less() {
        let issue = issue("a", 10.0);
        assert!((weight(&issue, 1) - 10.0).abs() < f64::EPSILON);
        assert!((weight(&issue, 2) - 7.0).abs() < 1e-9);
    }

    #[test]
    fn new_back_and_worse_ones_are_looked_into() {
        let mut one = issue("a", 4.0);
        assert_eq!(reason(&one), Some("it is new"));
        (one.look, one.looked_score) = (false, Some(4.0));
        assert_eq!(reason(&one), None);
        one.told.score = 6.0;
        assert_eq!(reason(&one), Some("it became worse"));
        one.take(Input::Resolve { at_us: 1 }, 1);
        assert_eq!(reason(&one), None);
        one.take(Input::Observed { hits: 1, chances: 1 }, 2);
        assert_eq!(reason(&one), Some("it is back"));
        one.fruitless = TRIES;
        assert_eq!(reason(&one), None);
    }

    #[test]
    fn the_bar_of_a_pull_request() {
        let mut one = issue("a", 4.0);
        let good = Evidence { succeeded: true, failed_checks: &[], cited: 2, has_commits: true };
        one.told.examples = vec![Example::default(); 2];
        assert_eq!(against(&one, good), Vec::<String>::new());
        one.told.examples = vec![Example::default(); 5];
        assert_eq!(against(&one, good).len(), 1);
        let failed = ["2 of 9 cited traces do not exist".to_owned()];
        let bad =
            Evidence { succeeded: false, failed_checks: &failed, cited: 0, has_commits: false };
        one.told.severity = "low".to_owned();
        assert_eq!(against(&one, bad).len(), 5);
    }
}
