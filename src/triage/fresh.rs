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
    traces: Vec<(u128, i64)>,
    chances: HashMap<Name, Chances>,
}

#[derive(Default)]
struct Chances {
    /// The trace that was counted last, by its number.
    last: usize,
    starts: Vec<i64>,
}

/// What new traces show. Starts of traces are in Unix microseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counted {
    /// Ids and starts of all traces that are new.
    pub traces: Vec<(u128, i64)>,
    hits: BTreeMap<String, Vec<i64>>,
    chances: HashMap<String, Vec<i64>>,
}

impl<'a> Fresh<'a> {
    pub(super) fn new(snapshot: &Snapshot, seen: &'a HashSet<u128>) -> Result<Self> {
        let doing = || format!("read what was said in `{}`", snapshot.path().display());
        let judged = judged(snapshot).cannot(Kind::Config, doing)?;
        Ok(Self { seen, judged, traces: Vec::new(), chances: HashMap::new() })
    }

    pub(super) fn is_new(&self, trace_id: u128) -> bool {
        !self.seen.contains(&trace_id)
    }

    pub(super) fn look(&mut self, trace: &Trace) {
        if !self.is_new(trace.id) {
            return;
        }
        self.traces.push((trace.id, trace.start_us));
        let number = self.traces.len();
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
            if chances.last != number {
                chances.last = number;
                chances.starts.push(trace.start_us);
            }
        }
    }
}

impl Counted {
    /// When the new traces that show a failure start.
    pub fn hits(&self, fingerprint: &str) -> &[i64] {
        self.hits.get(fingerprint).map(Vec::as_slice).unwrap_or_default()
    }

    /// When the new traces start in which something takes part, by its name.
    pub fn chances(&self, entity: &str) -> &[i64] {
        self.chances.get(entity).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn of(pass: &mut Pass) -> Self {
        let Some(fresh) = pass.fresh.take() else { return Self::default() };
        let hits = std::mem::take(&mut pass.fresh_hits);
        let chances = fresh.chances.into_iter().map(|(name, own)| (name.to_string(), own.starts));
        Self { traces: fresh.traces, hits, chances: chances.collect() }
    }
}

impl Pass<'_> {
    /// Keeps the hits in new traces of every group there is, by fingerprint. Of errors whose variants
    /// may be united, now or in another snapshot, they count for all of them together as well.
    pub(super) fn keep_fresh_hits(&mut self) {
        let Some(fresh) = &self.fresh else { return };
        for (key, group) in self.groups.iter().filter(|(_, group)| !group.fresh.is_empty()) {
            let united = Some(united(key)).filter(|united| united != key);
            for key in [Some(key.clone()), united].into_iter().flatten() {
                self.fresh_hits.entry(key.fingerprint()).or_default().extend(&group.fresh);
            }
        }
        // What is slower since a time is slower in whatever takes part since then.
        for (key, group) in &self.told.whole {
            let chances = fresh.chances.get(key.entity.name());
            let starts = chances.map(|own| own.starts.as_slice()).unwrap_or_default();
            let since = starts.iter().copied().filter(|start| *start >= group.first_us);
            self.fresh_hits.entry(key.fingerprint()).or_default().extend(since);
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

    #[test]
    fn a_trace_counts_once_however_the_whole_is_cut() {
        let (snapshot, _folder) = snapshot_with(demo::spans(), demo::annotations());
        let nothing = HashSet::new();
        let (report, all) = find_new(&snapshot, &nothing).unwrap();
        assert_eq!(report, find(&snapshot).unwrap(), "the report is the same");
        assert_eq!(all.traces.len() as u64, report.traces);
        let half: HashSet<u128> =
            all.traces.iter().map(|(id, _)| *id).filter(|id| id % 2 == 0).collect();
        let odd: HashSet<u128> =
            all.traces.iter().map(|(id, _)| *id).filter(|id| id % 2 == 1).collect();
        let (_, one) = find_new(&snapshot, &half).unwrap();
        let (_, other) = find_new(&snapshot, &odd).unwrap();
        for issue in &report.issues {
            let count = |counted: &Counted| counted.hits(&issue.fingerprint).len();
            assert!(count(&all) > 0, "{}", issue.title);
            assert_eq!(count(&one) + count(&other), count(&all), "{}", issue.title);
            if issue.pattern != "regression" {
                assert_eq!(count(&all) as u64, issue.traces, "{}", issue.title);
            }
            let chances = |counted: &Counted| counted.chances(issue.entity.name()).len();
            assert!(chances(&all) >= count(&all), "{}: {}", issue.title, chances(&all));
            assert_eq!(chances(&one) + chances(&other), chances(&all));
        }
        let everything: HashSet<u128> = all.traces.iter().map(|(id, _)| *id).collect();
        let (again, none) = find_new(&snapshot, &everything).unwrap();
        assert_eq!(again, report);
        assert!(none.traces.is_empty());
        assert!(report.issues.iter().all(|issue| none.hits(&issue.fingerprint).is_empty()));
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
