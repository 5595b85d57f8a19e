//! Evals summed up for whoever decides whether they are worth pushing.

use super::super::annotation::Target;
use super::{Eval, Evals, Mistake};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many evals of each name are shown whole.
const SAMPLE: usize = 3;
/// How many mistakes are listed.
const MISTAKES: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Review {
    pub version: u32,
    pub session: String,
    /// The project that a push would write to. `null` where there is none.
    pub project: Option<String>,
    pub good: usize,
    pub wrong: usize,
    /// By name.
    pub names: Vec<Name>,
    /// By line; the first of them.
    pub mistakes: Vec<Mistake>,
    /// Keys that are not pushed, and how many lines have each.
    pub ignored: BTreeMap<String, u64>,
    /// The first of each name.
    pub sample: Vec<Shown>,
}

/// The evals of one name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Name {
    pub name: String,
    pub spans: usize,
    pub traces: usize,
    /// How many have each label, most first.
    pub labels: Vec<Label>,
    /// Of those that have one.
    pub scores: Option<Scores>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    pub label: String,
    pub count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scores {
    pub count: usize,
    pub mean: f64,
    pub least: f64,
    pub most: f64,
}

/// One eval as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    pub line: usize,
    pub name: String,
    /// `span` or `trace`.
    pub target: &'static str,
    pub id: String,
    pub label: Option<String>,
    pub score: Option<f64>,
    pub explanation: Option<String>,
}

pub fn review(evals: &Evals, session: &str, project: Option<&str>) -> Review {
    let mut by_name: BTreeMap<&str, Vec<&Eval>> = BTreeMap::new();
    for eval in &evals.good {
        by_name.entry(&eval.name).or_default().push(eval);
    }
    let sample = by_name.values().flat_map(|evals| evals.iter().take(SAMPLE));
    Review {
        version: 1,
        session: session.to_owned(),
        project: project.map(str::to_owned),
        good: evals.good.len(),
        wrong: evals.mistakes.len(),
        sample: sample.map(|eval| shown(eval)).collect(),
        names: by_name.iter().map(|(name, evals)| summed(name, evals)).collect(),
        mistakes: evals.mistakes.iter().take(MISTAKES).cloned().collect(),
        ignored: evals.ignored.clone(),
    }
}

fn summed(name: &str, evals: &[&Eval]) -> Name {
    let spans = evals.iter().filter(|eval| matches!(eval.target, Target::Span(_))).count();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for label in evals.iter().filter_map(|eval| eval.label.as_deref()) {
        *counts.entry(label).or_default() += 1;
    }
    let label = |(label, count): (&str, usize)| Label { label: label.to_owned(), count };
    let mut labels: Vec<Label> = counts.into_iter().map(label).collect();
    labels.sort_by_key(|label| Reverse(label.count));
    let scores: Vec<f64> = evals.iter().filter_map(|eval| eval.score).collect();
    let count = scores.len();
    let scores = (count > 0).then(|| Scores {
        count,
        mean: scores.iter().map(|score| score / count as f64).sum(),
        least: scores.iter().copied().fold(f64::INFINITY, f64::min),
        most: scores.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    });
    Name { name: name.to_owned(), spans, traces: evals.len() - spans, labels, scores }
}

fn shown(eval: &Eval) -> Shown {
    Shown {
        line: eval.line,
        name: eval.name.clone(),
        target: eval.target.name(),
        id: eval.target.id(),
        label: eval.label.clone(),
        score: eval.score,
        explanation: eval.explanation.clone(),
    }
}
