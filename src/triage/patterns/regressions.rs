//! What became slower or dearer in the course of the window, against the time before as baseline.
//!
//! Followed are the latency of spans by name, the tokens of model calls by name, and of whole traces
//! the cost and the number of model calls. For a point in time to count as a change:
//!
//! - at least 20 values on either side, and the median at least half as much again;
//! - a value after is above one before in at least 80 % of pairs, with a rank test (Mann and Whitney)
//!   at z of 5, so that a few extremes or a wide spread do not count;
//! - seasons: values are compared only within the same quarter of the day (UTC), and working days with
//!   working days; every such part with 6 values on either side must agree. A rhythm of weeks or
//!   months is not seen through;
//! - it must last: the newest quarter of the values after must still be so. What was slow for a while
//!   is an incident and told by its errors, if any.
//!
//! A span that is slow because what it calls is slow is not told, nor a call that takes longer because
//! it writes more, nor the cost that follows from tokens or calls.

use super::super::group::{Clock, Group, Key, Seen};
use super::super::issue::Entity;
use super::super::rank::Harm;
use super::super::sketch::{Histogram, Sample};
use super::super::trace::{Name, Trace};
use super::{All, Pattern, Told, Words};
use crate::domain::measure::show_usd;
use crate::traces::snapshot::show_time;
use crate::traces::span::Kind;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const HOUR_US: i64 = 3_600_000_000;
const BUCKETS: i64 = 96;
const SERIES: usize = 512;
const CHILDREN: usize = 32;

const LEAST: u64 = 20;
const LEAST_OF_A_SEASON: u64 = 6;
const RATIO: f64 = 1.5;
const ABOVE: f64 = 0.8;
const Z: f64 = 5.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Measure {
    Completion,
    Prompt,
    Calls,
    Latency,
    Cost,
}

impl Measure {
    fn name(self) -> &'static str {
        match self {
            Self::Completion => "completion tokens",
            Self::Prompt => "prompt tokens",
            Self::Calls => "model calls",
            Self::Latency => "latency",
            Self::Cost => "cost",
        }
    }

    /// A change smaller than this is not worth a word.
    fn least(self) -> f64 {
        match self {
            Self::Completion | Self::Prompt => 50.0,
            Self::Calls => 1.0,
            Self::Latency => 50.0,
            Self::Cost => 0.000_1,
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Completion | Self::Prompt | Self::Calls => format!("{value:.0}"),
            Self::Latency if value >= 1_000.0 => format!("{:.1} s", value / 1_000.0),
            Self::Latency => format!("{value:.0} ms"),
            Self::Cost => show_usd(value),
        }
    }
}

pub(super) struct Regressions {
    /// Microseconds of one bucket: whole hours.
    width: i64,
    clock: Clock,
    series: HashMap<(Measure, Name), Series>,
}

struct Series {
    entity: Entity,
    buckets: BTreeMap<i64, Bucket>,
    /// Names of spans right below.
    children: BTreeSet<Name>,
}

struct Bucket {
    values: Histogram,
    examples: Sample<(f64, Seen)>,
}

/// A change that counts.
struct Change {
    measure: Measure,
    name: Name,
    /// The first bucket after it.
    at: i64,
    before: f64,
    after: f64,
    /// What hardly any value before exceeds.
    high: f64,
    counts: (u64, u64),
    above: f64,
}

impl Regressions {
    pub(super) fn new(clock: Clock) -> Self {
        let hours = (clock.last_us.saturating_sub(clock.first_us) / HOUR_US / BUCKETS).max(0) + 1;
        Self { width: hours * HOUR_US, clock, series: HashMap::new() }
    }

    fn add(&mut self, trace: &Trace, at: usize, measure: Measure, value: f64) {
        let span = &trace.spans[at];
        let key = (measure, span.name.clone());
        if self.series.len() >= SERIES && !self.series.contains_key(&key) {
            return;
        }
        let series = self.series.entry(key).or_insert_with(|| Series {
            entity: span.entity(),
            buckets: BTreeMap::new(),
            children: BTreeSet::new(),
        });
        let bucket = series
            .buckets
            .entry(span.start_us.div_euclid(self.width))
            .or_insert_with(|| Bucket { values: Histogram::default(), examples: Sample::of(3) });
        bucket.values.add(value);
        bucket.examples.add(trace.hash(), || (value, Seen::of(trace, at, &measure.show(value))));
    }
}

impl Pattern for Regressions {
    fn name(&self) -> &'static str {
        "regression"
    }

    fn look(&mut self, trace: &Trace, _: &mut Told) {
        let (mut calls, mut cost) = (0_u32, None);
        for (at, span) in trace.spans.iter().enumerate() {
            if !span.failed() {
                self.add(trace, at, Measure::Latency, span.latency_ms());
            }
            if span.kind == Kind::Llm {
                calls += 1;
                for (measure, tokens) in
                    [(Measure::Prompt, span.prompt), (Measure::Completion, span.completion)]
                {
                    if let Some(tokens) = tokens {
                        self.add(trace, at, measure, tokens as f64);
                    }
                }
                if let Some(own) = span.cost {
                    cost = Some(cost.unwrap_or(0.0) + own);
                }
            }
        }
        if calls > 0 && !trace.whole().failed() {
            self.add(trace, trace.root, Measure::Calls, f64::from(calls));
        }
        if let Some(cost) = cost.filter(|_| !trace.whole().failed()) {
            self.add(trace, trace.root, Measure::Cost, cost);
        }
        self.note_children(trace);
    }

    fn end(&mut self, all: &All, told: &mut Told) {
        let mut changes: Vec<Change> = self
            .series
            .iter()
            .filter_map(|((measure, name), series)| self.change(*measure, name, series))
            .collect();
        changes.sort_by(|a, b| (a.measure, &a.name).cmp(&(b.measure, &b.name)));
        for change in &changes {
            if !self.follows(change, &changes) {
                told.whole.push(self.tell(change, all));
            }
        }
    }

    fn stands(&self, _: &Key, group: &Group, _: &All) -> bool {
        group.traces >= 5
    }

    fn words(&self, key: &Key, group: &Group, _: &All) -> Words {
        let (kind, name) = (key.entity.kind(), key.entity.name());
        let (title, facts) = match group.facts.as_slice() {
            [title, facts @ ..] => (title.clone(), facts.to_vec()),
            [] => (String::new(), Vec::new()),
        };
        Words {
            title: format!("{} of {kind} {name} {title}", key.part(0)),
            harm: group.harm.unwrap_or(Harm(0.3, "dearer than it was")),
            facts,
            advice: format!(
                "Look at what was changed at that time: a release, a prompt, a model, a dependency of `{name}`. The healthy traces are of the time before."
            ),
        }
    }
}

impl Regressions {
    fn note_children(&mut self, trace: &Trace) {
        for span in &trace.spans {
            let Some(parent) = span.parent else { continue };
            let key = (Measure::Latency, trace.spans[parent].name.clone());
            if let Some(series) = self.series.get_mut(&key)
                && series.children.len() < CHILDREN
                && !series.children.contains(&span.name)
            {
                series.children.insert(span.name.clone());
            }
        }
    }

    /// The point in time that parts before and after most clearly, if any does.
    fn change(&self, measure: Measure, name: &Name, series: &Series) -> Option<Change> {
        let all: u64 = series.buckets.values().map(|bucket| bucket.values.count()).sum();
        if all < 2 * LEAST {
            return None;
        }
        let step = (series.buckets.len() / 32).max(1);
        let points = series.buckets.keys().skip(1).step_by(step);
        let sound: Vec<(i64, Found)> =
            points.filter_map(|at| Some((*at, self.compare(series, *at)?))).collect();
        // The rank test favours even halves; of those it is nearly as sure of, the cleanest counts.
        let most = sound.iter().map(|(_, found)| found.z).fold(0.0, f64::max);
        let nearly = sound.into_iter().filter(|(_, found)| found.z >= most * 0.8);
        let (at, found) = nearly.max_by(|(_, a), (_, b)| a.above.total_cmp(&b.above))?;
        if found.after - found.before < measure.least() {
            return None;
        }
        Some(Change {
            measure,
            name: name.clone(),
            at,
            before: found.before,
            after: found.after,
            high: found.high,
            counts: found.counts,
            above: found.above,
        })
    }

    fn compare(&self, series: &Series, at: i64) -> Option<Found> {
        let mut seasons: BTreeMap<(i64, bool), (Histogram, Histogram)> = BTreeMap::new();
        for (bucket, own) in &series.buckets {
            let (before, after) = seasons.entry(season(bucket * self.width)).or_default();
            (if *bucket < at { before } else { after }).merge(&own.values);
        }
        // Only what has a counterpart is compared.
        seasons.retain(|_, (before, after)| {
            before.count() >= LEAST_OF_A_SEASON && after.count() >= LEAST_OF_A_SEASON
        });
        let (mut before, mut after) = (Histogram::default(), Histogram::default());
        for (own_before, own_after) in seasons.values() {
            if own_after.chance_above(own_before) < ABOVE - 0.1 {
                return None;
            }
            before.merge(own_before);
            after.merge(own_after);
        }
        let found = Found::of(&before, &after)?;
        let mut newest = Histogram::default();
        for (bucket, own) in series.buckets.iter().rev() {
            if *bucket < at || newest.count() * 4 >= after.count() {
                break;
            }
            newest.merge(&own.values);
        }
        (newest.chance_above(&before) >= ABOVE - 0.1).then_some(found)
    }

    /// Whether another change explains this one.
    fn follows(&self, change: &Change, all: &[Change]) -> bool {
        let same = |measure: Measure| {
            all.iter().any(|other| other.measure == measure && other.name == change.name)
        };
        match change.measure {
            Measure::Completion | Measure::Prompt | Measure::Calls => false,
            Measure::Cost => all.iter().any(|other| other.measure < Measure::Latency),
            Measure::Latency => {
                let shift = change.after - change.before;
                let below = self.below(&change.name);
                let explains = |other: &Change| {
                    other.measure == Measure::Latency
                        && other.name != change.name
                        && below.contains(&other.name)
                        && (other.after - other.before) >= shift * 0.3
                };
                let writes = |other: &Change| {
                    matches!(other.measure, Measure::Completion | Measure::Prompt)
                        && below.contains(&other.name)
                };
                same(Measure::Completion)
                    || same(Measure::Prompt)
                    || same(Measure::Calls)
                    || all.iter().any(|other| explains(other) || writes(other))
            }
        }
    }

    /// Names of spans anywhere below spans of this name.
    fn below(&self, name: &Name) -> BTreeSet<Name> {
        let mut found = BTreeSet::new();
        let mut open = vec![name.clone()];
        while let Some(name) = open.pop() {
            if let Some(series) = self.series.get(&(Measure::Latency, name)) {
                for child in &series.children {
                    if found.insert(child.clone()) {
                        open.push(child.clone());
                    }
                }
            }
        }
        found
    }

    /// By how much of the whole trace's time what is slower takes more.
    fn harm(&self, change: &Change, group: &Group) -> Option<Harm> {
        if change.measure != Measure::Latency {
            return None;
        }
        let root = group.seen.iter().find_map(|seen| seen.path.first())?;
        let mut whole = Histogram::default();
        let series = self.series.get(&(Measure::Latency, root.clone()))?;
        for (_, own) in series.buckets.iter().filter(|(bucket, _)| **bucket < change.at) {
            whole.merge(&own.values);
        }
        Some(match (change.after - change.before) / whole.quantile(0.5).max(1.0) {
            part if part < 0.25 => Harm(0.15, "a little longer to wait"),
            part if part < 0.75 => Harm(0.25, "longer to wait"),
            _ => Harm(0.4, "much longer to wait"),
        })
    }

    fn tell(&self, change: &Change, all: &All) -> (Key, Group) {
        let series = &self.series[&(change.measure, change.name.clone())];
        let since = (change.at * self.width).max(all.first_us);
        let mut group = Group { first_us: since, last_us: since, ..Group::default() };
        for (bucket, own) in series.buckets.iter().filter(|(bucket, _)| **bucket >= change.at) {
            let high = own.values.above(change.high);
            group.traces += high;
            group.by_slice[self.clock.slice(bucket * self.width + self.width / 2)] += high;
            for (value, seen) in own.examples.iter().filter(|(value, _)| *value > change.high) {
                group.last_us = group.last_us.max(seen.start_us);
                group.seen.add(super::super::sketch::mix(seen.trace_id as u64), || {
                    let _ = value;
                    seen.clone()
                });
            }
        }
        group.spans = group.traces;
        group.harm = self.harm(change, &group);
        let before = series.buckets.iter().rev().filter(|(bucket, _)| **bucket < change.at);
        let calm = before.flat_map(|(_, own)| own.examples.iter());
        let calm =
            calm.filter(|(value, _)| *value <= change.before * 1.2).map(|(_, seen)| seen.clone());
        group.healthy = calm.take(3).collect();
        let show = |value| change.measure.show(value);
        group.facts = vec![
            format!("rises from {} to {} (medians)", show(change.before), show(change.after)),
            format!(
                "since about {}: {} values before, {} after",
                show_time(since),
                change.counts.0,
                change.counts.1
            ),
            format!(
                "a value after is above one before in {:.0} % of pairs; compared within the same quarter of the day, and working days with working days",
                change.above * 100.0
            ),
            format!(
                "counted are traces above {}, which one in twenty exceeded before",
                show(change.high)
            ),
        ];
        let parts = vec![change.measure.name().to_owned()];
        (Key { pattern: "regression", entity: series.entity.clone(), parts }, group)
    }
}

struct Found {
    before: f64,
    after: f64,
    high: f64,
    counts: (u64, u64),
    above: f64,
    z: f64,
}

impl Found {
    fn of(before: &Histogram, after: &Histogram) -> Option<Self> {
        let counts = (before.count(), after.count());
        let (n, m) = (counts.0 as f64, counts.1 as f64);
        let above = after.chance_above(before);
        let z = (above - 0.5) / ((n + m + 1.0) / (12.0 * n * m)).sqrt();
        let found = Self {
            before: before.quantile(0.5),
            after: after.quantile(0.5),
            high: before.quantile(0.95),
            counts,
            above,
            z,
        };
        let enough = counts.0 >= LEAST && counts.1 >= LEAST;
        (enough && above >= ABOVE && z >= Z && found.after >= found.before * RATIO).then_some(found)
    }
}

/// The quarter of the day, and whether it is a weekend.
fn season(us: i64) -> (i64, bool) {
    let day = us.div_euclid(24 * HOUR_US);
    // 1 January 1970 was a Thursday.
    let weekday = (day + 3).rem_euclid(7);
    (us.rem_euclid(24 * HOUR_US) / (6 * HOUR_US), weekday >= 5)
}
