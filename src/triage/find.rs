//! From a snapshot to a report.

use super::fresh::{Counted, Fresh};
use super::group::{Clock, Group, Key, Seen, excerpt};
use super::issue::{Entity, Example, Issue, Locus, Report};
use super::pass::{Chosen, Pass};
use super::patterns::All;
use super::rank::{Severity, Trend};
use super::{facets, reader};
use crate::error::{Cannot, Kind, Result};
use crate::traces::snapshot::Snapshot;
use crate::traces::span::{SpanId, TraceId};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Examples of an issue, and healthy traces beside them.
const EXAMPLES: usize = 5;
const BESIDE: usize = 2;

pub fn find(snapshot: &Snapshot) -> Result<Report> {
    go(snapshot, None).map(|(report, _)| report)
}

/// The same, and what of it shows in traces that were not seen before.
pub fn find_new(snapshot: &Snapshot, seen: &HashSet<u128>) -> Result<(Report, Counted)> {
    go(snapshot, Some(Fresh::new(snapshot, seen)?))
}

fn go(snapshot: &Snapshot, fresh: Option<Fresh>) -> Result<(Report, Counted)> {
    let summary = snapshot.summary();
    let mut pass = Pass::new(Clock { first_us: summary.first, last_us: summary.last }, fresh);
    let over = reader::each(snapshot, &mut |trace| pass.look(trace))?;
    let chosen = pass.choose();
    let mut issues = Vec::with_capacity(chosen.len());
    for one in chosen {
        issues.push(issue(snapshot, &pass, one)?);
    }
    issues.sort_by(|a, b| {
        let by_score = b.severity.score.total_cmp(&a.severity.score);
        by_score.then(b.traces.cmp(&a.traces)).then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
    let mut left_out = summary.left_out.clone();
    for (reason, count) in [
        ("spans of traces with more than 10000, not looked at", over),
        ("failures of kinds beyond the first 1024, not counted", pass.beyond),
    ] {
        if count > 0 {
            left_out.push((reason.to_owned(), count));
        }
    }
    let counted = Counted::of(&mut pass);
    let report = Report {
        about: snapshot.about().clone(),
        traces: summary.traces,
        spans: summary.spans,
        failing: summary.failing,
        first_us: summary.first,
        last_us: summary.last,
        issues,
        one_offs: pass.one_offs,
        mended: pass.mended,
        mended_traces: pass.mended_traces,
        interrupted: pass.interrupted,
        dealt_with: pass.dealt_with,
        left_out,
    };
    Ok((report, counted))
}

fn issue(snapshot: &Snapshot, pass: &Pass, chosen: Chosen) -> Result<Issue> {
    let Chosen { key, group, leads_to } = chosen;
    let words = pass.pattern(&key).words(&key, &group, &pass.all);
    let trend = Trend::of(&group.by_slice, &pass.all.by_slice);
    let seen = told_in_order(&group);
    let first = seen.first().copied().cloned().unwrap_or_default();
    let mut facts = words.facts;
    facts.extend(apart(snapshot, &pass.all, &key, &group)?);
    facts.extend(in_common(snapshot, pass, &key, &group)?);
    let examples = seen.iter().take(EXAMPLES).map(|seen| example(snapshot, seen));
    let healthy = healthy(pass, &key, &group, &first);
    let healthy = healthy.iter().map(|seen| example(snapshot, seen));
    Ok(Issue {
        pattern: key.pattern,
        fingerprint: key.fingerprint(),
        title: words.title,
        traces: group.traces,
        spans: group.spans,
        share: group.traces as f64 / pass.all.traces.max(1) as f64,
        users: group.users.as_ref().map(|users| users.count()),
        roots_failed: group.roots_failed,
        first_us: group.first_us,
        last_us: group.last_us,
        trend,
        severity: Severity::of(words.harm, (group.traces, pass.all.traces), trend),
        locus: Locus {
            path: first.path.iter().map(ToString::to_string).collect(),
            span_id: SpanId(first.span_id).to_string(),
        },
        examples: examples.collect::<Result<_>>()?,
        healthy: healthy.collect::<Result<_>>()?,
        facts,
        leads_to,
        advice: words.advice,
        exception: (key.pattern == "error")
            .then(|| (key.part(0).to_owned(), key.part(1).to_owned())),
        example: first.say,
        entity: key.entity,
    })
}

/// The most ordinary first (of those that did what most did, the earliest), then others at even
/// distances from the first to the last.
fn told_in_order(group: &Group) -> Vec<&Seen> {
    let mut all: Vec<&Seen> = group.seen.iter().collect();
    all.sort_by_key(|seen| (seen.start_us, seen.trace_id));
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for seen in &all {
        *counts.entry(seen.bits).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or(0);
    let Some(first) = all.iter().position(|seen| counts[&seen.bits] == most) else { return all };
    let first = all.remove(first);
    let wanted = all.len().min(EXAMPLES - 1);
    let others = (0..wanted).map(|at| all[at * (all.len() - 1) / (wanted - 1).max(1)]);
    std::iter::once(first).chain(others).collect()
}

/// Those that did most of what the first example did, the nearest in time first where they are equal.
fn healthy(pass: &Pass, key: &Key, group: &Group, first: &Seen) -> Vec<Seen> {
    let name = match &key.entity {
        Entity::Evaluator(_) | Entity::Span(_) => {
            first.path.last().map_or("", |name| name.as_ref())
        }
        other => other.name(),
    };
    let root = first.path.first().map_or("", |name| name.as_ref());
    let kept = pass.healthy.get(name).or_else(|| pass.healthy.get(root));
    let mut all: Vec<Seen> = if group.healthy.is_empty() {
        kept.map(|sample| sample.iter().cloned().collect()).unwrap_or_default()
    } else {
        group.healthy.clone()
    };
    let unlike = |seen: &Seen| {
        let (both, any) =
            ((seen.bits & first.bits).count_ones(), (seen.bits | first.bits).count_ones());
        1_000 - 1_000 * both / any.max(1)
    };
    all.sort_by_key(|seen| (unlike(seen), seen.start_us.abs_diff(first.start_us), seen.trace_id));
    all.truncate(BESIDE);
    all
}

fn example(snapshot: &Snapshot, seen: &Seen) -> Result<Example> {
    Ok(Example {
        trace_id: TraceId(seen.trace_id).to_string(),
        span_id: SpanId(seen.span_id).to_string(),
        input: input(snapshot, seen.n)?.map(|text| excerpt(&text)),
    })
}

/// What sets the failing calls of a tool apart from those that went well.
fn apart(snapshot: &Snapshot, all: &All, key: &Key, group: &Group) -> Result<Option<String>> {
    let Entity::Tool(tool) = &key.entity else { return Ok(None) };
    if key.pattern != "error" {
        return Ok(None);
    }
    let mut inputs = Vec::new();
    for seen in group.seen.iter() {
        inputs.extend(input(snapshot, seen.n)?);
    }
    Ok(all.shapes.apart(tool, &inputs))
}

/// How the traces of a group were set up, beside others; and its calls, beside such that went well.
fn in_common(snapshot: &Snapshot, pass: &Pass, key: &Key, group: &Group) -> Result<Vec<String>> {
    let of = |places: Vec<i64>| -> Result<Vec<BTreeMap<String, String>>> {
        let attributes = places.into_iter().map(|n| reader::attributes(snapshot.database(), n));
        let found: rusqlite::Result<Vec<_>> = attributes.collect();
        let found = found.cannot(Kind::Config, || looking(snapshot))?;
        Ok(found.iter().map(facets::facets).collect())
    };
    let own: BTreeSet<u128> = group.seen.iter().map(|seen| seen.trace_id).collect();
    let others = pass.any.iter().filter(|(trace_id, _)| !own.contains(trace_id));
    let roots = of(group.seen.iter().map(|seen| seen.root).collect())?;
    let mut told = facets::apart(&roots, &of(others.map(|(_, root)| *root).collect())?);
    let is_root = group.seen.iter().any(|seen| seen.n == seen.root);
    if let Some(healthy) = pass.healthy.get(key.entity.name()).filter(|_| !is_root) {
        let calls = of(group.seen.iter().map(|seen| seen.n).collect())?;
        let went_well = of(healthy.iter().map(|seen| seen.n).collect())?;
        told.extend(facets::apart(&calls, &went_well));
    }
    told.dedup();
    Ok(told)
}

fn looking(snapshot: &Snapshot) -> String {
    format!("look at examples in `{}`", snapshot.path().display())
}

fn input(snapshot: &Snapshot, n: i64) -> Result<Option<String>> {
    reader::input(snapshot.database(), n).cannot(Kind::Config, || looking(snapshot))
}
