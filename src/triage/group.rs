//! Hits that are one failure, counted in bounded memory.

use super::fresh::Start;
use super::issue::Entity;
use super::rank::{Harm, SLICES};
use super::sketch::{Distinct, Sample, hash};
use super::trace::{Name, Trace};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Traces of a group that are kept to choose examples from.
const SEEN: usize = 32;

/// Characters of what is quoted.
const EXCERPT: usize = 240;

/// What makes hits one failure: nothing in it may be of one trace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub pattern: &'static str,
    pub entity: Entity,
    pub parts: Vec<String>,
}

/// A pattern's finding in one trace.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub key: Key,
    /// The span where it went wrong, by its place in the trace.
    pub at: usize,
    /// A message, a call or a value as it was.
    pub say: String,
    /// Set where the trace was answered as if nothing had happened.
    pub silent: bool,
    /// What was used in the place of what failed.
    pub instead: Option<Name>,
}

impl Hit {
    pub(super) fn new(key: Key, at: usize, say: &str) -> Self {
        Self { key, at, say: excerpt(say), silent: false, instead: None }
    }
}

/// A trace in which a group was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub trace_id: u128,
    pub start_us: i64,
    pub end_us: i64,
    /// The span where it went wrong: its id and its place in the snapshot.
    pub span_id: u64,
    pub n: i64,
    /// The root's place in the snapshot.
    pub root: i64,
    pub path: Vec<Name>,
    /// See [`Trace::bits`].
    pub bits: u64,
    pub say: String,
}

impl Seen {
    pub(super) fn of(trace: &Trace, at: usize, say: &str) -> Self {
        let span = &trace.spans[at];
        Self {
            trace_id: trace.id,
            start_us: span.start_us,
            end_us: span.end_us,
            span_id: span.id,
            n: span.n,
            root: trace.whole().n,
            path: trace.path(at),
            bits: trace.bits(),
            say: say.to_owned(),
        }
    }
}

/// Which part of the window a time falls in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    pub first_us: i64,
    pub last_us: i64,
}

impl Clock {
    pub(super) fn slice(self, us: i64) -> usize {
        let whole = (self.last_us.saturating_sub(self.first_us)).max(1) as f64;
        let part = us.saturating_sub(self.first_us).max(0) as f64 / whole;
        ((part * SLICES as f64) as usize).min(SLICES - 1)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Group {
    pub traces: u64,
    pub spans: u64,
    pub roots_failed: u64,
    pub silent: u64,
    /// At most eight are told apart.
    pub instead: BTreeMap<Name, u64>,
    /// None where it was not counted.
    pub users: Option<Distinct>,
    pub first_us: i64,
    pub last_us: i64,
    pub by_slice: [u64; SLICES],
    pub seen: Sample<Seen>,
    /// Sentences that only the pattern knows.
    pub facts: Vec<String>,
    /// How much it matters, where only counting tells.
    pub harm: Option<Harm>,
    /// Traces to compare with, where the pattern knows better ones than the pass.
    pub healthy: Vec<Seen>,
    /// When its traces start and whether they are new, where somebody asks for that.
    pub starts: Vec<Start>,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            traces: 0,
            spans: 0,
            roots_failed: 0,
            silent: 0,
            instead: BTreeMap::new(),
            users: None,
            first_us: i64::MAX,
            last_us: i64::MIN,
            by_slice: [0; SLICES],
            seen: Sample::of(SEEN),
            facts: Vec::new(),
            harm: None,
            healthy: Vec::new(),
            starts: Vec::new(),
        }
    }
}

impl Group {
    /// A trace that shows it, once.
    pub(super) fn add(&mut self, trace: &Trace, hit: &Hit, clock: Clock) {
        self.roots_failed += u64::from(trace.whole().failed());
        self.silent += u64::from(hit.silent);
        if let Some(instead) = &hit.instead
            && (self.instead.len() < 8 || self.instead.contains_key(instead))
        {
            *self.instead.entry(instead.clone()).or_default() += 1;
        }
        self.count(trace.user.as_deref(), trace.start_us, clock);
        self.seen.add(trace.hash(), || Seen::of(trace, hit.at, &hit.say));
    }

    pub(super) fn count(&mut self, user: Option<&str>, start_us: i64, clock: Clock) {
        self.traces += 1;
        self.by_slice[clock.slice(start_us)] += 1;
        self.first_us = self.first_us.min(start_us);
        self.last_us = self.last_us.max(start_us);
        if let Some(user) = user {
            self.users.get_or_insert_default().add(hash(user.as_bytes()));
        }
    }

    /// Takes over another group of the same failure. A trace that was in both counts twice.
    pub(super) fn merge(&mut self, other: &Self) {
        self.traces += other.traces;
        self.spans += other.spans;
        self.roots_failed += other.roots_failed;
        self.silent += other.silent;
        for (name, count) in &other.instead {
            *self.instead.entry(name.clone()).or_default() += count;
        }
        if let Some(users) = &other.users {
            self.users.get_or_insert_default().merge(users);
        }
        self.first_us = self.first_us.min(other.first_us);
        self.last_us = self.last_us.max(other.last_us);
        for (own, other) in self.by_slice.iter_mut().zip(other.by_slice) {
            *own += other;
        }
        self.seen.merge(&other.seen);
        self.starts.extend(&other.starts);
    }

    /// Whether nearly all of the traces were answered as if nothing had happened.
    pub(super) fn is_silent(&self) -> bool {
        self.roots_failed == 0 && self.silent * 10 >= self.traces * 8
    }
}

impl Key {
    /// Twelve digits, so that it cannot be taken for the id of a span.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let own = [self.pattern, self.entity.kind(), self.entity.name()];
        for part in own.into_iter().chain(self.parts.iter().map(String::as_str)) {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.finalize()[..6].iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    pub(super) fn part(&self, at: usize) -> &str {
        self.parts.get(at).map_or("", String::as_str)
    }
}

pub(super) fn excerpt(text: &str) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.len() > EXCERPT * 4 {
            break;
        }
    }
    if words.chars().count() <= EXCERPT {
        return words;
    }
    let kept: String = words.chars().take(EXCERPT).collect();
    format!("{kept}…")
}
