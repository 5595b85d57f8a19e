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
use super::{All, Pattern, Told, Words, is_unusual, may_be_unusual};
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
    /// Traces that a tool or agent occurs in, and those where it loops.
    traces: HashMap<Name, (u64, u64)>,
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
                self.traces.entry((*name).clone()).or_default().0 += 1;
            }
        }
        let found: Vec<Hit> =
            tools.into_iter().filter_map(|(name, calls)| hit(name, &calls, false)).collect();
        // Whoever calls a tool over and over is itself asked over and over; the tool says more.
        let found = if found.is_empty() {
            agents.into_iter().filter_map(|(name, calls)| hit(name, &calls, true)).collect()
        } else {
            found
        };
        for hit in found {
            let Some((traces, loops)) = self.traces.get_mut(hit.key.entity.name()) else {
                continue;
            };
            *loops += 1;
            if may_be_unusual(*loops, *traces) {
                told.hits.push(hit);
            }
        }
    }

    fn stands(&self, key: &Key, group: &Group, _: &All) -> bool {
        let (traces, loops) = self.traces.get(key.entity.name()).copied().unwrap_or_default();
        group.traces >= 3 && is_unusual(loops, traces)
    }

    fn words(&self, key: &Key, group: &Group, _: &All) -> Words {
        let (kind, name) = (key.entity.kind(), key.entity.name());
        let (traces, _) = self.traces.get(name).copied().unwrap_or_default();
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

fn hit(name: &Name, calls: &[(usize, &Span)], agent: bool) -> Option<Hit> {
    if calls.len() < SAME {
        return None;
    }
    let (at, times) = same(calls).or_else(|| if agent { None } else { nearly(calls) })?;
    let kind = if agent { Entity::Agent } else { Entity::Tool };
    let input =
        calls.iter().find(|(own, _)| *own == at).and_then(|(_, span)| span.input.as_deref());
    let say = format!("{times} times {name}({})", input.unwrap_or_default());
    let key = Key { pattern: "loop", entity: kind(name.to_string()), parts: Vec::new() };
    Some(Hit::new(key, at, &say))
}

/// The second call of the longest run with the same arguments and outcome, and its length.
fn same(calls: &[(usize, &Span)]) -> Option<(usize, usize)> {
    let mut runs: BTreeMap<u64, Vec<(usize, u64)>> = BTreeMap::new();
    for (at, span) in calls {
        let Some(input) = span.input.as_deref() else { continue };
        let arguments =
            word_set(input).into_iter().fold(1, |all, word| hash(&(all ^ word).to_be_bytes()));
        runs.entry(arguments).or_default().push((*at, outcome(span)));
    }
    let stuck = runs
        .into_values()
        .filter(|run| run.len() >= SAME && run.iter().all(|(_, out)| *out == run[0].1));
    stuck.max_by_key(|run| run.len()).map(|run| (run[1].0, run.len()))
}

/// All calls alike in their words, each with the same outcome.
fn nearly(calls: &[(usize, &Span)]) -> Option<(usize, usize)> {
    let sets: Vec<_> =
        calls.iter().map(|(_, span)| word_set(span.input.as_deref().unwrap_or_default())).collect();
    let close = sets.windows(2).all(|two| two[0].len() >= 4 && alike(&two[0], &two[1]) >= 0.8);
    // A number that counts up is headway.
    let digits =
        |span: &Span| span.input.as_deref().unwrap_or_default().bytes().any(|b| b.is_ascii_digit());
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
