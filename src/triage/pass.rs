//! The one pass over a snapshot: what is kept of it, and which groups become issues.

use super::fresh::{Fresh, Start};
use super::group::{Clock, Group, Hit, Key, Seen};
use super::mask::without_digits;
use super::patterns::{self, All, Pattern, Told};
use super::rank::SLICES;
use super::shapes::Shapes;
use super::sketch::{Sample, mix};
use super::trace::{Error, Name, Trace};
use std::collections::{BTreeMap, HashMap};

/// Kinds of failure that are counted apart.
const GROUPS: usize = 1_024;

/// Kinds of failure of one trace that are compared for which leads to which.
const TOGETHER: usize = 8;

/// Names of which healthy traces are kept, and how many of each.
const HEALTHY_OF: usize = 1_024;
const HEALTHY: usize = 12;

/// Traces of any kind that are kept.
const ANY: usize = 64;

pub(super) struct Pass<'a> {
    clock: Clock,
    pub all: All,
    patterns: Vec<Box<dyn Pattern>>,
    pub(super) told: Told,
    keys: HashMap<Key, usize>,
    pub(super) groups: Vec<(Key, Group)>,
    /// In how many traces the second group comes after the first.
    together: BTreeMap<(usize, usize), u64>,
    pub healthy: HashMap<Name, Sample<Seen>>,
    /// Some of all traces, by the place of their root.
    pub any: Sample<(u128, i64)>,
    pub beyond: u64,
    pub one_offs: u64,
    pub mended: u64,
    pub mended_traces: u64,
    pub interrupted: u64,
    pub dealt_with: u64,
    /// Set where somebody remembers.
    pub fresh: Option<Fresh<'a>>,
    pub hits: BTreeMap<String, Vec<Start>>,
}

/// A group that is an issue, and the titles of what follows from it.
pub(super) struct Chosen {
    pub key: Key,
    pub group: Group,
    pub leads_to: Vec<String>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(clock: Clock, fresh: Option<Fresh<'a>>) -> Self {
        Self {
            clock,
            all: All {
                traces: 0,
                by_slice: [0; SLICES],
                first_us: clock.first_us,
                last_us: clock.last_us,
                shapes: Shapes::default(),
            },
            patterns: patterns::all(clock),
            told: Told::default(),
            keys: HashMap::new(),
            groups: Vec::new(),
            together: BTreeMap::new(),
            healthy: HashMap::new(),
            any: Sample::of(ANY),
            beyond: 0,
            one_offs: 0,
            mended: 0,
            mended_traces: 0,
            interrupted: 0,
            dealt_with: 0,
            fresh,
            hits: BTreeMap::new(),
        }
    }

    pub(super) fn look(&mut self, trace: &Trace) {
        self.all.traces += 1;
        self.all.by_slice[self.clock.slice(trace.start_us)] += 1;
        self.all.shapes.look(trace);
        self.any.add(trace.hash(), || (trace.id, trace.whole().n));
        if let Some(fresh) = &mut self.fresh {
            fresh.look(trace);
        }
        for pattern in &mut self.patterns {
            pattern.look(trace, &mut self.told);
        }
        let mut hits = std::mem::take(&mut self.told.hits);
        let errors: Vec<&Error> =
            trace.spans.iter().filter_map(|span| span.error.as_deref()).collect();
        if hits.is_empty() && errors.is_empty() {
            self.remember_healthy(trace);
        }
        let mended = errors.iter().filter(|error| error.mended).count() as u64;
        self.mended += mended;
        self.mended_traces += u64::from(mended > 0);
        let stopped = |error: &&&Error| error.origin && patterns::is_interruption(&error.kind);
        self.interrupted += errors.iter().filter(stopped).count() as u64;
        let below = trace.origins().filter(|(at, _)| patterns::is_dealt_with(trace, *at));
        self.dealt_with += below.count() as u64;
        self.count(trace, &hits);
        hits.clear();
        self.told.hits = hits;
        self.take_past();
    }

    /// A trace counts once a group, where it first went wrong.
    fn count(&mut self, trace: &Trace, hits: &[Hit]) {
        let mut order: Vec<&Hit> = hits.iter().collect();
        order.sort_by_key(|hit| (trace.spans[hit.at].end_us, trace.spans[hit.at].start_us, hit.at));
        let start = self.fresh.as_ref().map(|fresh| fresh.start(trace.id, trace.start_us));
        let mut own: Vec<usize> = Vec::new();
        for hit in order {
            let Some(at) = self.group(&hit.key) else { continue };
            let group = &mut self.groups[at].1;
            group.spans += 1;
            if own.contains(&at) {
                continue;
            }
            group.add(trace, hit, self.clock);
            group.starts.extend(start);
            for before in own.iter().take(TOGETHER) {
                *self.together.entry((*before, at)).or_default() += 1;
            }
            own.push(at);
        }
    }

    fn group(&mut self, key: &Key) -> Option<usize> {
        if let Some(at) = self.keys.get(key) {
            return Some(*at);
        }
        if self.groups.len() >= GROUPS {
            self.beyond += 1;
            return None;
        }
        self.keys.insert(key.clone(), self.groups.len());
        self.groups.push((key.clone(), Group::default()));
        Some(self.groups.len() - 1)
    }

    fn take_past(&mut self) {
        for (key, seen, user) in std::mem::take(&mut self.told.past) {
            let Some(at) = self.group(&key) else { continue };
            let group = &mut self.groups[at].1;
            group.count(user.as_deref(), seen.start_us, self.clock);
            group.spans += 1;
            let start = self.fresh.as_ref().map(|fresh| fresh.start(seen.trace_id, seen.start_us));
            group.starts.extend(start);
            group.seen.add(mix(seen.trace_id as u64 ^ (seen.trace_id >> 64) as u64), || seen);
        }
    }

    /// By the names of its tools, models, agents and other spans.
    fn remember_healthy(&mut self, trace: &Trace) {
        let hash = trace.hash();
        for (at, span) in trace.spans.iter().enumerate() {
            let name = span.tool.as_ref().or(span.model.as_ref()).or(span.agent.as_ref());
            let name = name.unwrap_or(&span.name);
            if let Some(sample) = self.healthy.get_mut(name) {
                sample.add(hash, || Seen::of(trace, at, ""));
            } else if self.healthy.len() < HEALTHY_OF {
                let mut sample = Sample::of(HEALTHY);
                sample.add(hash, || Seen::of(trace, at, ""));
                self.healthy.insert(name.clone(), sample);
            }
        }
    }

    /// The groups that stand and follow from no other.
    pub(super) fn choose(&mut self) -> Vec<Chosen> {
        for pattern in &mut self.patterns {
            pattern.end(&self.all, &mut self.told);
        }
        self.take_past();
        self.keep_hits();
        self.unite_variants();
        let single = |(key, group): &&(Key, Group)| key.pattern == "error" && group.traces == 1;
        self.one_offs = self.groups.iter().filter(single).count() as u64;
        let groups = std::mem::take(&mut self.groups);
        let stands: Vec<bool> = groups.iter().map(|(key, group)| self.stands(key, group)).collect();
        let causes: Vec<Option<usize>> =
            (0..groups.len()).map(|at| self.cause(at, &groups, &stands)).collect();
        let mut chosen: Vec<Chosen> = Vec::new();
        for (at, (key, group)) in groups.iter().enumerate() {
            if !stands[at] || causes[at].is_some() {
                continue;
            }
            let follows = |other: &usize| stands[*other] && first_cause(*other, &causes) == at;
            let leads_to = (0..groups.len()).filter(|other| *other != at).filter(follows);
            let leads_to = leads_to.map(|other| {
                let (key, group) = &groups[other];
                self.pattern(key).words(key, group, &self.all).title
            });
            let leads_to = leads_to.collect();
            chosen.push(Chosen { key: key.clone(), group: group.clone(), leads_to });
        }
        for (key, group) in std::mem::take(&mut self.told.whole) {
            if self.stands(&key, &group) {
                chosen.push(Chosen { key, group, leads_to: Vec::new() });
            }
        }
        chosen
    }

    /// Errors whose messages differ in digits of names only (`shard-7`, `shard-8`) are kept apart as
    /// long as there are two of a kind, for which it may matter. Three are a parameter.
    fn unite_variants(&mut self) {
        let mut variants: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        for (at, (key, _)) in
            self.groups.iter().enumerate().filter(|(_, (key, _))| key.pattern == "error")
        {
            variants.entry(united(key)).or_default().push(at);
        }
        let mut moved: BTreeMap<usize, usize> = BTreeMap::new();
        for (key, places) in variants.into_iter().filter(|(_, places)| places.len() >= 3) {
            for at in &places[1..] {
                let other = std::mem::take(&mut self.groups[*at].1);
                self.groups[places[0]].1.merge(&other);
                moved.insert(*at, places[0]);
            }
            self.groups[places[0]].0 = key;
        }
        let place = |at: usize| moved.get(&at).copied().unwrap_or(at);
        let together = std::mem::take(&mut self.together);
        for ((before, after), count) in
            together.into_iter().map(|((a, b), n)| ((place(a), place(b)), n))
        {
            if before != after {
                *self.together.entry((before, after)).or_default() += count;
            }
        }
    }

    fn stands(&self, key: &Key, group: &Group) -> bool {
        self.pattern(key).stands(key, group, &self.all)
    }

    /// What a group nearly always follows, unless that is in half of all traces anyway.
    fn cause(&self, at: usize, groups: &[(Key, Group)], stands: &[bool]) -> Option<usize> {
        let own = groups[at].1.traces;
        let before = self.together.iter().filter(|((_, after), _)| *after == at);
        let nearly = before.filter(|((before, _), count)| {
            stands[*before]
                && **count * 10 >= own * 8
                && groups[*before].1.traces * 2 <= self.all.traces
        });
        nearly
            .max_by_key(|((before, _), count)| (**count, std::cmp::Reverse(*before)))
            .map(|((before, _), _)| *before)
    }

    #[expect(clippy::expect_used, reason = "every key is made by a pattern of the list")]
    pub(super) fn pattern(&self, key: &Key) -> &dyn Pattern {
        let own = self.patterns.iter().find(|pattern| pattern.name() == key.pattern);
        own.expect("a pattern of that name").as_ref()
    }
}

/// The key of an error with all its variants; of anything else its own.
pub(super) fn united(key: &Key) -> Key {
    match key.pattern {
        "error" => {
            let parts = vec![key.part(0).to_owned(), without_digits(key.part(1))];
            Key { parts, ..key.clone() }
        }
        _ => key.clone(),
    }
}

fn first_cause(at: usize, causes: &[Option<usize>]) -> usize {
    let mut here = at;
    for _ in 0..TOGETHER {
        match causes[here] {
            Some(cause) => here = cause,
            None => break,
        }
    }
    here
}
