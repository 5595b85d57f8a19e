//! The same thing done over and over, with the same result.
//!
//! A tool called at least four times with the same arguments (in any case, order of words and
//! punctuation; five times where the words differ a little), each time with the same outcome and
//! without a different one in the end; else an agent run so. What makes headway is no loop: pages,
//! items of a list, or a job that is asked about until it is done. Where half of a tool's traces do
//! it, it is how the tool is used.

use super::super::group::{Group, Hit, Key};
use super::super::issue::Entity;
use super::super::mask::mask;
use super::super::rank::Harm;
use super::super::sketch::hash;
use super::super::trace::{Name, Span, Trace};
use super::super::words::{alike, word_set};
use super::{All, Pattern, Told, Words, is_unusual};
use crate::domain::words::Count;
use crate::traces::span::Kind;
use std::collections::{BTreeMap, HashMap};

const SAME: usize = 4;
const NEARLY: usize = 5;

/// Calls of one tool in one trace that are compared.
const CALLS: usize = 256;

const NAMES: usize = 4_096;

#[derive(Default)]
pub(super) struct Loops {
    /// Traces that a tool or agent occurs in.
    traces: HashMap<Name, u64>,
}

/// Calls of one name, in order.
type Calls<'a> = BTreeMap<&'a Name, Vec<(usize, &'a Span)>>;

impl Pattern for Loops {
    fn name(&self) -> &'static str {
        "loop"
    }

    fn look(&mut self, trace: &Trace, told: &mut Told) {
        let (mut tools, mut agents) = (Calls::new(), Calls::new());
        for (at, span) in trace.spans.iter().enumerate().filter(|(at, _)| *at != trace.root) {
            let calls = match (&span.tool, span.kind) {
                (Some(tool), Kind::Tool | Kind::Unknown) => tools.entry(tool).or_default(),
                (_, Kind::Agent) => agents.entry(&span.name).or_default(),
                _ => continue,
            };
            if calls.len() < CALLS {
                calls.push((at, span));
            }
        }
        for name in tools.keys().chain(agents.keys()) {
            if self.traces.len() < NAMES || self.traces.contains_key(*name) {
                *self.traces.entry((*name).clone()).or_default() += 1;
            }
        }
        let before = told.hits.len();
        tools.into_iter().for_each(|(name, calls)| tell(name, &calls, false, told));
        // Whoever calls a tool over and over is itself asked over and over; the tool says more.
        if told.hits.len() == before {
            agents.into_iter().for_each(|(name, calls)| tell(name, &calls, true, told));
        }
    }

    fn stands(&self, key: &Key, group: &Group, _: &All) -> bool {
        let traces = self.traces.get(key.entity.name()).copied().unwrap_or(0);
        group.traces >= 3 && is_unusual(group.traces, traces)
    }

    fn words(&self, key: &Key, group: &Group, _: &All) -> Words {
        let (kind, name) = (key.entity.kind(), key.entity.name());
        let traces = self.traces.get(name).copied().unwrap_or(0);
        Words {
            title: format!("{kind} {name} is called over and over with the same result"),
            harm: Harm(0.4, "time and money for nothing"),
            facts: vec![format!(
                "of {} that call {kind} `{name}`, {} loop",
                Count::of(traces, "trace"),
                group.traces
            )],
            advice: format!(
                "Look at what `{name}` answered and what the caller was told to make of it: nothing there ends the loop. A limit of attempts, and a word in the result on when to ask again, do."
            ),
        }
    }
}

fn tell(name: &Name, calls: &[(usize, &Span)], agent: bool, told: &mut Told) {
    if calls.len() < SAME {
        return;
    }
    let found = same(calls).or_else(|| if agent { None } else { nearly(calls) });
    if let Some((at, times)) = found {
        let entity = if agent { Entity::Agent(name.to_string()) } else { Entity::Tool(name.to_string()) };
        let input = calls.iter().find(|(own, _)| *own == at).and_then(|(_, span)| span.input.as_deref());
        let say = format!("{times} times {name}({})", input.unwrap_or_default());
        told.hits.push(Hit::new(Key { pattern: "loop", entity, parts: Vec::new() }, at, &say));
    }
}

/// The second call of the longest run with the same arguments and outcome, and its length.
fn same(calls: &[(usize, &Span)]) -> Option<(usize, usize)> {
    let mut runs: BTreeMap<u64, Vec<(usize, u64)>> = BTreeMap::new();
    for (at, span) in calls {
        let Some(input) = span.input.as_deref() else { continue };
        let arguments = word_set(input).into_iter().fold(1, |all, word| hash(&(all ^ word).to_be_bytes()));
        runs.entry(arguments).or_default().push((*at, outcome(span)));
    }
    let stuck = runs.into_values().filter(|run| run.len() >= SAME && run.iter().all(|(_, out)| *out == run[0].1));
    stuck.max_by_key(|run| run.len()).map(|run| (run[1].0, run.len()))
}

/// All calls alike in their words, each with the same outcome.
fn nearly(calls: &[(usize, &Span)]) -> Option<(usize, usize)> {
    let sets: Vec<_> = calls.iter().map(|(_, span)| word_set(span.input.as_deref().unwrap_or_default())).collect();
    let close = sets.windows(2).all(|two| two[0].len() >= 4 && alike(&two[0], &two[1]) >= 0.8);
    // A number that counts up is headway.
    let digits = |span: &Span| span.input.as_deref().unwrap_or_default().bytes().any(|b| b.is_ascii_digit());
    let plain = calls.iter().all(|(_, span)| !digits(span));
    let stuck = calls.iter().all(|(_, span)| outcome(span) == outcome(calls[0].1));
    (calls.len() >= NEARLY && close && plain && stuck).then(|| (calls[1].0, calls.len()))
}

fn outcome(span: &Span) -> u64 {
    match &span.error {
        Some(error) => hash(mask(&error.message).as_bytes()),
        None => hash(span.output.as_deref().unwrap_or_default().as_bytes()),
    }
}
