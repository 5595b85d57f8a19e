//! Answers that had nothing to stand on: the retrieval found nothing, or nothing near, and the
//! answer does not say so.
//!
//! It counts only if nothing else in the trace gave anything to answer from (another retrieval, a
//! tool), if the answer reads as English that admits nothing, and if the retriever otherwise does
//! find things: one whose documents are not recorded looks empty every time. "Nothing near" means a
//! best score below half of the median of that retriever, and more than four robust standard deviations
//! (1.48 times the median distance from the median) below it; of retrievers whose scores fall from the
//! first document to the second, so that more is better, and once thirty scores are known.

use super::super::group::{Group, Hit, Key};
use super::super::issue::Entity;
use super::super::rank::Harm;
use super::super::trace::{Name, Span, Trace};
use super::super::words::{is_assured, is_nothing};
use super::{All, Pattern, Told, Words, is_unusual, may_be_unusual};
use crate::traces::span::Kind;
use std::collections::HashMap;

const NAMES: usize = 512;

/// Scores of a retriever that are kept, and how many are needed to judge one.
const SCORES: usize = 512;
const ENOUGH: usize = 30;

#[derive(Default)]
pub(super) struct Retrieval {
    retrievers: HashMap<Name, Seen>,
}

#[derive(Default)]
struct Seen {
    all: u64,
    found: u64,
    /// Best scores, sorted.
    scores: Vec<f64>,
    /// What is far from most of them, once that is known.
    far: Option<f64>,
    falling: u64,
    rising: u64,
}

impl Pattern for Retrieval {
    fn name(&self) -> &'static str {
        "retrieval"
    }

    fn look(&mut self, trace: &Trace, told: &mut Told) {
        let mut poor = None;
        for (at, span) in trace.of_kind(Kind::Retriever) {
            let why = self.judge(span);
            poor = poor.or(why.map(|why| (at, why)));
        }
        let Some((at, why)) = poor else { return };
        let span = &trace.spans[at];
        let stands = trace.answer().is_some_and(is_assured)
            && !span.failed()
            && trace
                .spans
                .iter()
                .any(|other| other.kind == Kind::Llm && other.start_us >= span.end_us)
            && !trace.spans.iter().any(|other| self.supports(other));
        if stands {
            let entity = Entity::Retriever(span.name.to_string());
            let key = Key { pattern: "retrieval", entity, parts: vec![why.to_owned()] };
            told.hits.push(Hit::new(key, at, trace.answer().unwrap_or_default()));
        }
    }

    fn stands(&self, key: &Key, group: &Group, _: &All) -> bool {
        let seen = self.retrievers.get(key.entity.name());
        group.traces >= 3 && seen.is_some_and(|seen| is_unusual(seen.all - seen.found, seen.all))
    }

    fn words(&self, key: &Key, _: &Group, _: &All) -> Words {
        let name = key.entity.name();
        let mut facts = Vec::new();
        if let Some(seen) = self.retrievers.get(name) {
            facts.push(format!(
                "of {} retrievals of `{name}`, {} found nothing",
                seen.all,
                seen.all - seen.found
            ));
        }
        facts.push("nothing else in these traces gave anything to answer from".to_owned());
        Words {
            title: format!(
                "retriever {name} finds {}, and an answer is given all the same",
                key.part(0)
            ),
            harm: Harm(0.8, "an answer that nothing supports"),
            facts,
            advice: format!(
                "Look at what was asked in the examples, whether `{name}` should know it, and what the prompt tells the model to do when nothing is found."
            ),
        }
    }
}

impl Retrieval {
    /// What is poor about a retrieval, if anything, and remembers it.
    fn judge(&mut self, span: &Span) -> Option<&'static str> {
        if self.retrievers.len() >= NAMES && !self.retrievers.contains_key(&span.name) {
            return None;
        }
        let seen = self.retrievers.entry(span.name.clone()).or_default();
        seen.all += 1;
        if is_nothing(span.output.as_deref()) {
            return may_be_unusual(seen.all - seen.found, seen.all).then_some("nothing");
        }
        seen.found += 1;
        let poor = span.scores[0].is_some_and(|score| seen.is_far(score));
        seen.remember(span.scores);
        poor.then_some("nothing near")
    }

    /// Whether it gave something to answer from.
    fn supports(&self, span: &Span) -> bool {
        if span.failed() || span.output.is_some() && is_nothing(span.output.as_deref()) {
            return false;
        }
        match span.kind {
            // Of a tool whose result is not recorded nobody knows.
            Kind::Tool => true,
            Kind::Retriever if span.output.is_none() => false,
            Kind::Retriever => {
                let seen = self.retrievers.get(&span.name);
                !span.scores[0].is_some_and(|score| seen.is_some_and(|seen| seen.is_far(score)))
            }
            _ => false,
        }
    }
}

impl Seen {
    fn is_far(&self, score: f64) -> bool {
        let more_is_better = self.falling >= ENOUGH as u64 && self.rising * 20 <= self.falling;
        more_is_better && self.far.is_some_and(|far| score < far)
    }

    fn remember(&mut self, [first, second]: [Option<f64>; 2]) {
        let Some(first) = first else { return };
        if let Some(second) = second {
            self.falling += u64::from(first > second);
            self.rising += u64::from(first < second);
        }
        if self.scores.len() < SCORES {
            let at = self.scores.partition_point(|own| *own < first);
            self.scores.insert(at, first);
            if self.scores.len() >= ENOUGH && self.scores.len().is_multiple_of(10) {
                self.far = Some(far(&self.scores));
            }
        }
    }
}

fn far(sorted: &[f64]) -> f64 {
    let median = sorted[sorted.len() / 2];
    let mut distances: Vec<f64> = sorted.iter().map(|score| (score - median).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let deviation = 1.48 * distances[distances.len() / 2];
    (median / 2.0).min(median - 4.0 * deviation)
}
