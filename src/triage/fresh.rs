//! What only whoever remembers asks for: which traces are new, and how often a failure shows in those.
//!
//! A run that looks at the same traces again must not count them again, and a failure that is too rare
//! to be told of still is not gone. So hits in new traces are counted of every group, whether it is
//! told or not, and beside them the traces in which whatever failed takes part: those that could have
//! shown it.

use super::pass::{Pass, united};
use super::trace::{Name, Trace};
use crate::error::{Cannot, Kind, Result};
use crate::traces::snapshot::Snapshot;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Rows of annotations that are looked at.
const ANNOTATIONS: usize = 1_000_000;

/// Counts as it goes.
pub(super) struct Fresh<'a> {
    seen: &'a HashSet<u128>,
    /// Evaluators that said something about a trace.
    judged: HashMap<u128, Vec<Name>>,
    looked: usize,
    traces: Vec<(u128, i64)>,
    chances: HashMap<Name, Chances>,
}

#[derive(Default)]
struct Chances {
    /// The trace that was counted last, by its number.
    last: usize,
    starts: Vec<Start>,
}

/// When a trace starts, in Unix microseconds, and whether it was not seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    pub us: i64,
    pub is_new: bool,
}

/// What shows where.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counted {
    /// Ids and starts of the traces that are new.
    pub traces: Vec<(u128, i64)>,
    hits: BTreeMap<String, Vec<Start>>,
    chances: HashMap<String, Vec<Start>>,
}

impl<'a> Fresh<'a> {
    pub(super) fn new(snapshot: &Snapshot, seen: &'a HashSet<u128>) -> Result<Self> {
        let doing = || format!("read what was said in `{}`", snapshot.path().display());
        let judged = judged(snapshot).cannot(Kind::Config, doing)?;
        Ok(Self { seen, judged, looked: 0, traces: Vec::new(), chances: HashMap::new() })
    }

    pub(super) fn start(&self, trace_id: u128, us: i64) -> Start {
        Start { us, is_new: !self.seen.contains(&trace_id) }
    }

    pub(super) fn look(&mut self, trace: &Trace) {
        let start = self.start(trace.id, trace.start_us);
        if start.is_new {
            self.traces.push((trace.id, trace.start_us));
        }
        self.looked += 1;
        let judged = self.judged.remove(&trace.id).unwrap_or_default();
        let of_spans = trace.spans.iter().flat_map(|span| {
            let named = [&span.tool, &span.model, &span.agent].map(Option::as_ref);
            named.into_iter().flatten().chain([&span.name])
        });
        for name in of_spans.chain(&judged) {
            let chances = match self.chances.get_mut(name) {
                Some(chances) => chances,
                None => self.chances.entry(name.clone()).or_default(),
            };
            if chances.last != self.looked {
                chances.last = self.looked;
                chances.starts.push(start);
            }
        }
    }
}

impl Counted {
    /// The traces that show a failure.
    pub fn hits(&self, fingerprint: &str) -> &[Start] {
        self.hits.get(fingerprint).map(Vec::as_slice).unwrap_or_default()
    }

    /// The traces in which something takes part, by its name.
    pub fn chances(&self, entity: &str) -> &[Start] {
        self.chances.get(entity).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn of(pass: &mut Pass) -> Self {
        let Some(fresh) = pass.fresh.take() else { return Self::default() };
        let hits = std::mem::take(&mut pass.hits);
        let chances = fresh.chances.into_iter().map(|(name, own)| (name.to_string(), own.starts));
        Self { traces: fresh.traces, hits, chances: chances.collect() }
    }
}

impl Pass<'_> {
    /// Keeps the hits of every group there is, by fingerprint. Of errors whose variants may be united,
    /// now or in another snapshot, they count for all of them together as well.
    pub(super) fn keep_hits(&mut self) {
        let Some(fresh) = &self.fresh else { return };
        for (key, group) in self.groups.iter().filter(|(_, group)| !group.starts.is_empty()) {
            let united = Some(united(key)).filter(|united| united != key);
            for key in [Some(key.clone()), united].into_iter().flatten() {
                self.hits.entry(key.fingerprint()).or_default().extend(&group.starts);
            }
        }
        // What is slower since a time is slower in whatever takes part since then.
        for (key, group) in &self.told.whole {
            let chances = fresh.chances.get(key.entity.name());
            let starts = chances.map(|own| own.starts.as_slice()).unwrap_or_default();
            let since = starts.iter().copied().filter(|start| start.us >= group.first_us);
            self.hits.entry(key.fingerprint()).or_default().extend(since);
        }
    }
}

fn judged(snapshot: &Snapshot) -> rusqlite::Result<HashMap<u128, Vec<Name>>> {
    let sql = "SELECT DISTINCT trace_id, name FROM annotations WHERE trace_id IS NOT NULL";
    let mut statement = snapshot.database().prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut names: HashSet<Name> = HashSet::new();
    let mut judged: HashMap<u128, Vec<Name>> = HashMap::new();
    let mut count = 0;
    while let Some(row) = rows.next()?.filter(|_| count < ANNOTATIONS) {
        count += 1;
        let (id, name): (String, String) = (row.get(0)?, row.get(1)?);
        let Ok(id) = u128::from_str_radix(&id, 16) else { continue };
        // As a verdict's name is kept.
        let name: String = name.chars().take(100).collect();
        let name = match names.get(name.as_str()) {
            Some(name) => name.clone(),
            None => Name::from(name),
        };
        names.insert(name.clone());
        judged.entry(id).or_default().push(name);
    }
    Ok(judged)
}

#[cfg(test)]
mod tests {
    use super::super::group::Key;
    use super::super::issue::Entity;
    use super::super::tests::snapshot_with;
    use super::super::{find, find_new};
    use super::*;
    use crate::traces::demo;
    use crate::traces::span::TraceId;

    fn new(starts: &[Start]) -> usize {
        starts.iter().filter(|start| start.is_new).count()
    }

    #[test]
    fn a_trace_counts_once_however_the_whole_is_cut() {
        let (snapshot, _folder) = snapshot_with(demo::spans(), demo::annotations());
        let nothing = HashSet::new();
        let (report, all) = find_new(&snapshot, &nothing).unwrap();
        assert_eq!(report, find(&snapshot).unwrap(), "the report is the same");
        assert_eq!(all.traces.len() as u64, report.traces);
        let ids = || all.traces.iter().map(|(id, _)| *id);
        let (_, one) = find_new(&snapshot, &ids().filter(|id| id % 2 == 0).collect()).unwrap();
        let (_, other) = find_new(&snapshot, &ids().filter(|id| id % 2 == 1).collect()).unwrap();
        for issue in &report.issues {
            let hits = |counted: &Counted| new(counted.hits(&issue.fingerprint));
            assert!(hits(&all) > 0, "{}", issue.title);
            assert_eq!(hits(&one) + hits(&other), hits(&all), "{}", issue.title);
            assert_eq!(one.hits(&issue.fingerprint).len(), hits(&all), "old ones are there too");
            if issue.pattern != "regression" {
                assert_eq!(hits(&all) as u64, issue.traces, "{}", issue.title);
            }
            let chances = |counted: &Counted| new(counted.chances(issue.entity.name()));
            assert!(chances(&all) >= hits(&all), "{}: {}", issue.title, chances(&all));
            assert_eq!(chances(&one) + chances(&other), chances(&all));
        }
        let (again, none) = find_new(&snapshot, &ids().collect()).unwrap();
        assert_eq!(again, report);
        assert!(none.traces.is_empty());
        assert!(report.issues.iter().all(|issue| new(none.hits(&issue.fingerprint)) == 0));
    }

    #[test]
    fn a_variant_counts_for_all_of_them_together() {
        let key = |message: &str| Key {
            pattern: "error",
            entity: Entity::Tool("shard".to_owned()),
            parts: vec!["Error".to_owned(), message.to_owned()],
        };
        assert_eq!(united(&key("shard-7 is down")), united(&key("shard-8 is down")));
        let other = Key { pattern: "loop", ..key("shard-7 is down") };
        assert_eq!(united(&other), other);
    }

    #[test]
    fn one_hit_that_is_too_few_to_tell_is_counted() {
        let (all, _folder) = snapshot_with(demo::spans(), demo::annotations());
        let report = find(&all).unwrap();
        let error = report.issues.iter().find(|issue| issue.pattern == "error").unwrap();
        let only = error.examples[0].trace_id.clone();
        let mut spans = demo::spans();
        let id = TraceId(u128::from_str_radix(&only, 16).unwrap());
        spans.retain(|span| span.trace_id == id);
        let (one, _folder) = snapshot_with(spans, Vec::new());
        let (alone, counted) = find_new(&one, &HashSet::new()).unwrap();
        assert!(alone.issues.is_empty());
        assert_eq!(counted.hits(&error.fingerprint).len(), 1);
    }
}
