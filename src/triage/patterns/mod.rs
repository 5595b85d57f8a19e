//! What can go wrong, one kind a file. A new one is a file, its line in [`all`], and its cases in
//! `tests/triage/`.

mod errors;
mod evaluators;
mod guardrails;
mod loops;
mod regressions;
mod retrieval;
mod sessions;
mod truncated;
mod wrong_agent;
mod wrong_tool;

pub(super) use errors::{is_dealt_with, is_interruption};

use super::group::{Clock, Group, Hit, Key, Seen};
use super::rank::{Harm, SLICES};
use super::shapes::Shapes;
use super::trace::Trace;

/// A kind of failure. It may remember what it has seen, in bounded memory.
pub(super) trait Pattern {
    /// Stands in keys, and for people.
    fn name(&self) -> &'static str;

    fn look(&mut self, trace: &Trace, told: &mut Told);

    /// Tells what shows only when all traces were seen.
    fn end(&mut self, _all: &All, _told: &mut Told) {}

    /// Whether what was gathered is enough to tell somebody.
    fn stands(&self, key: &Key, group: &Group, all: &All) -> bool;

    fn words(&self, key: &Key, group: &Group, all: &All) -> Words;
}

pub(super) fn all(clock: Clock) -> Vec<Box<dyn Pattern>> {
    vec![
        Box::new(errors::Errors),
        Box::new(truncated::Truncated::default()),
        Box::new(retrieval::Retrieval::default()),
        Box::new(loops::Loops::default()),
        Box::new(wrong_tool::WrongTool::default()),
        Box::new(wrong_agent::WrongAgent::default()),
        Box::new(guardrails::Guardrails),
        Box::new(evaluators::Evaluators),
        Box::new(regressions::Regressions::new(clock)),
        // Last, for it asks whether another has told of a trace.
        Box::new(sessions::Sessions::default()),
    ]
}

/// What the patterns tell while they look.
#[derive(Default)]
pub(super) struct Told {
    /// Of the trace at hand.
    pub hits: Vec<Hit>,
    /// Of traces that are past: the trace, whose it was, and when it started.
    pub past: Vec<(Key, Seen, Option<String>)>,
    /// Groups that were counted elsewhere.
    pub whole: Vec<(Key, Group)>,
}

/// What is known of the whole snapshot.
pub(super) struct All {
    pub traces: u64,
    pub by_slice: [u64; SLICES],
    pub first_us: i64,
    pub last_us: i64,
    pub shapes: Shapes,
}

/// A group as people read it.
pub(super) struct Words {
    pub title: String,
    pub harm: Harm,
    pub facts: Vec<String>,
    pub advice: String,
}

/// Whether a behaviour may still turn out to be [`is_unusual`], by what was seen so far. What cannot
/// is not told, so that its traces count as healthy.
fn may_be_unusual(hits: u64, chances: u64) -> bool {
    hits * 2 <= chances + 10
}

/// Whether a behaviour is rare enough among the traces that could show it to be no design: at most
/// half, and some that do not.
fn is_unusual(hits: u64, chances: u64) -> bool {
    hits * 2 <= chances && chances >= hits + 5
}
