//! The wrong agent asked first: it did nothing with what it was given, and another one was then given
//! the same and did the work.
//!
//! Agents that are always asked together (a vote, a debate) look the same in one trace, and so does a
//! supervisor before whoever it chose. So it counts only where the first agent mostly does the work
//! itself.

use super::super::group::{Group, Hit, Key};
use super::super::issue::Entity;
use super::super::rank::Harm;
use super::super::trace::{Name, Span, Trace};
use super::{All, Pattern, Told, Words, is_unusual, may_be_unusual};
use crate::domain::words::Count;
use crate::traces::span::Kind;
use std::collections::{BTreeMap, HashMap};

const AGENTS: usize = 512;

/// Agents of one trace that are compared.
const RUNS: usize = 64;

#[derive(Default)]
pub(super) struct WrongAgent {
    /// Traces that an agent occurs in, and those where it used a tool or a retriever.
    traces: HashMap<Name, (u64, u64)>,
}

impl Pattern for WrongAgent {
    fn name(&self) -> &'static str {
        "wrong agent"
    }

    fn look(&mut self, trace: &Trace, told: &mut Told) {
        let runs: Vec<(usize, &Span)> =
            trace.of_kind(Kind::Agent).filter(|(at, _)| *at != trace.root).take(RUNS).collect();
        let mut own: BTreeMap<&Name, bool> = BTreeMap::new();
        for (at, span) in &runs {
            *own.entry(name(span)).or_default() |= works(trace, *at);
        }
        for (name, works) in own {
            if self.traces.len() < AGENTS || self.traces.contains_key(name) {
                let (traces, worked) = self.traces.entry(name.clone()).or_default();
                *traces += 1;
                *worked += u64::from(works);
            }
        }
        for two in runs.windows(2) {
            let [(at, first), (then, second)] = two else { continue };
            let same = first.parent == second.parent
                && name(first) != name(second)
                && second.start_us >= first.end_us
                && first.input.is_some()
                && first.input == second.input;
            let (traces, worked) = self.traces.get(name(first)).copied().unwrap_or_default();
            if same
                && !first.failed()
                && !works(trace, *at)
                && works(trace, *then)
                && may_be_unusual(traces - worked, traces)
            {
                told.hits.push(hit(*at, first, second));
            }
        }
    }

    fn stands(&self, key: &Key, group: &Group, _: &All) -> bool {
        let (traces, worked) = self.traces.get(key.entity.name()).copied().unwrap_or_default();
        group.traces >= 3 && is_unusual(group.traces, traces) && worked * 2 >= traces
    }

    fn words(&self, key: &Key, group: &Group, _: &All) -> Words {
        let (agent, other) = (key.entity.name(), key.part(0));
        let (traces, _) = self.traces.get(agent).copied().unwrap_or_default();
        Words {
            title: format!("agent {agent} is asked where {other} is meant, and then corrected"),
            harm: Harm(0.2, "a detour"),
            facts: vec![format!(
                "of {} in which `{agent}` runs, {} went on to `{other}` with the same input",
                Count::of(traces, "trace"),
                group.traces
            )],
            advice: format!(
                "Look at what whoever routes knows of `{agent}` and `{other}`, beside the inputs in the examples."
            ),
        }
    }
}

fn hit(at: usize, first: &Span, second: &Span) -> Hit {
    let entity = Entity::Agent(name(first).to_string());
    let parts = vec![name(second).to_string()];
    let say = first.output.as_deref().unwrap_or_default();
    Hit::new(Key { pattern: "wrong agent", entity, parts }, at, say)
}

fn name(span: &Span) -> &Name {
    span.agent.as_ref().unwrap_or(&span.name)
}

/// Whether a tool or a retriever was used below it.
fn works(trace: &Trace, at: usize) -> bool {
    trace
        .spans
        .iter()
        .any(|span| matches!(span.kind, Kind::Tool | Kind::Retriever) && is_below(trace, span, at))
}

fn is_below(trace: &Trace, span: &Span, at: usize) -> bool {
    let mut above = span.parent;
    for _ in 0..32 {
        match above {
            Some(own) if own == at => return true,
            Some(own) => above = trace.spans[own].parent,
            None => return false,
        }
    }
    false
}
