//! One trace as the patterns see it.

use super::issue::Entity;
use super::sketch;
use crate::traces::span::Kind;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// A name that comes again and again.
pub(super) type Name = Rc<str>;

#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    pub id: u128,
    /// When its first span starts and its last one ends, in Unix microseconds.
    pub start_us: i64,
    pub end_us: i64,
    /// By start.
    pub spans: Vec<Span>,
    pub root: usize,
    pub session: Option<String>,
    pub user: Option<String>,
    pub verdicts: Vec<Verdict>,
}

#[derive(Debug, Clone)]
pub(super) struct Span {
    /// Its place in the snapshot.
    pub n: i64,
    pub id: u64,
    pub parent_id: Option<u64>,
    /// Its place in the trace.
    pub parent: Option<usize>,
    pub name: Name,
    pub kind: Kind,
    pub start_us: i64,
    pub end_us: i64,
    /// Of a span whose status is an error.
    pub error: Option<Box<Error>>,
    pub model: Option<Name>,
    pub tool: Option<Name>,
    pub agent: Option<Name>,
    pub finish: Option<Name>,
    pub prompt: Option<i64>,
    pub completion: Option<i64>,
    pub cost: Option<f64>,
    /// The beginnings of what went in and came out, of roots, agents, tools, retrievers, guardrails
    /// and evaluators.
    pub input: Option<String>,
    pub output: Option<String>,
    /// Of a retriever: the scores of its first two documents.
    pub scores: [Option<f64>; 2],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Error {
    /// Empty where no span says one.
    pub kind: String,
    pub message: String,
    /// A later span of the same name and kind went well.
    pub mended: bool,
    /// It is not mended, and no child of the span is in error without being mended.
    pub origin: bool,
}

/// What an evaluator, or a person, said against a span or the trace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub name: String,
    pub label: String,
    pub explanation: String,
    /// None where it is about the trace.
    pub span_id: Option<u64>,
}

impl Trace {
    /// The span of the whole.
    pub(super) fn whole(&self) -> &Span {
        &self.spans[self.root]
    }

    /// What the user got, where the trace as a whole went well.
    pub(super) fn answer(&self) -> Option<&str> {
        let root = self.whole();
        root.output.as_deref().filter(|text| root.error.is_none() && !text.trim().is_empty())
    }

    /// Errors that began here: nobody mended them, and no error of a child explains them.
    pub(super) fn origins(&self) -> impl Iterator<Item = (usize, &Error)> {
        let all = self.spans.iter().enumerate();
        all.filter_map(|(at, span)| Some((at, span.error.as_deref().filter(|e| e.origin)?)))
    }

    /// From the root to the span, at most eight names.
    pub(super) fn path(&self, at: usize) -> Vec<Name> {
        let mut path = vec![self.spans[at].name.clone()];
        let mut here = at;
        while let Some(parent) = self.spans[here].parent.filter(|_| path.len() < 8) {
            path.push(self.spans[parent].name.clone());
            here = parent;
        }
        path.reverse();
        path
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (usize, &Span)> {
        self.spans.iter().enumerate().filter(move |(_, span)| span.kind == kind)
    }

    /// Chooses among traces without favour.
    pub(super) fn hash(&self) -> u64 {
        sketch::mix(self.id as u64 ^ (self.id >> 64) as u64)
    }

    /// One bit a name: traces that did the same things have the same bits.
    pub(super) fn bits(&self) -> u64 {
        self.spans.iter().fold(0, |bits, span| bits | bit(&span.name))
    }

    /// Links spans to their parents, finds the root, and which errors were mended.
    pub(super) fn link(&mut self) {
        let mut places: Vec<(u64, usize)> =
            self.spans.iter().enumerate().map(|(at, span)| (span.id, at)).collect();
        places.sort_unstable();
        let find = |id: u64| {
            places.binary_search_by_key(&id, |(own, _)| *own).ok().map(|place| places[place].1)
        };
        for at in 0..self.spans.len() {
            let parent = self.spans[at].parent_id.and_then(find);
            self.spans[at].parent = parent.filter(|parent| *parent != at);
        }
        let orphan = |span: &Span| span.parent_id.is_some() && span.parent.is_none();
        let root = self.spans.iter().position(|span| span.parent_id.is_none());
        self.root = root.or_else(|| self.spans.iter().position(orphan)).unwrap_or(0);
        if self.spans.iter().any(Span::failed) {
            self.judge();
        }
    }

    fn judge(&mut self) {
        let mut last_good: HashMap<(Name, &str), i64> = HashMap::new();
        for span in self.spans.iter().filter(|span| !span.failed()) {
            let last = last_good.entry((span.name.clone(), span.kind.name())).or_insert(i64::MIN);
            *last = (*last).max(span.start_us);
        }
        for span in &mut self.spans {
            if let Some(error) = &mut span.error {
                let good = last_good.get(&(span.name.clone(), span.kind.name()));
                error.mended = good.is_some_and(|start| *start >= span.end_us);
            }
        }
        let open = |span: &Span| span.error.as_ref().is_some_and(|error| !error.mended);
        let parents: HashSet<usize> =
            self.spans.iter().filter(|span| open(span)).filter_map(|span| span.parent).collect();
        for (at, span) in self.spans.iter_mut().enumerate() {
            if let Some(error) = &mut span.error {
                error.origin = !error.mended && !parents.contains(&at);
            }
        }
    }
}

impl Span {
    /// What it is a call of, for people.
    pub(super) fn entity(&self) -> Entity {
        let text = |name: &Name| name.to_string();
        match (self.kind, &self.tool, &self.model, &self.agent) {
            (_, Some(tool), _, _) => Entity::Tool(text(tool)),
            (Kind::Retriever, ..) => Entity::Retriever(text(&self.name)),
            (_, _, Some(model), _) => Entity::Model(text(model)),
            (Kind::Agent, _, _, Some(agent)) => Entity::Agent(text(agent)),
            (Kind::Agent, ..) => Entity::Agent(text(&self.name)),
            _ => Entity::Span(text(&self.name)),
        }
    }

    pub(super) fn failed(&self) -> bool {
        self.error.is_some()
    }

    pub(super) fn latency_ms(&self) -> f64 {
        self.end_us.saturating_sub(self.start_us).max(0) as f64 / 1_000.0
    }
}

fn bit(name: &str) -> u64 {
    1 << (sketch::hash(name.as_bytes()) & 63)
}
