//! Metrics, in all and over time.

use super::super::super::metric::{Bucket, Measured};
use super::{Typed, dash, finished, grid, grouped, latency, money, one_line, percent, seconds};
use std::fmt::Write as _;

/// A value as people read it; `-` where there is none.
pub fn value(measured: &Measured) -> String {
    let Some(value) = measured.value else { return dash() };
    match measured.unit {
        "share" => percent(value),
        "ms" => latency(value),
        "USD" => money(value),
        "score" => format!("{value:.3}"),
        _ => grouped(value as u64),
    }
}

pub fn metrics(measured: &[Measured], buckets: &[Bucket], typed: Typed) -> String {
    let mut text = String::new();
    let mut table = grid(&["metric", "value", "counted from", "complete", "note"], &[1, 2]);
    for one in measured {
        table.add_row([
            one_line(&one.metric),
            value(one),
            grouped(one.sample),
            if one.complete { "yes" } else { "no" }.to_owned(),
            one_line(one.note.as_deref().unwrap_or_default()),
        ]);
    }
    text.push_str(&finished(&table));
    if !buckets.is_empty() {
        text.push_str(&over_time(measured, buckets));
    }
    let _ = writeln!(text, "next: {}", typed.command("list --errors"));
    text
}

fn over_time(measured: &[Measured], buckets: &[Bucket]) -> String {
    let heads: Vec<String> = std::iter::once("from (UTC)".to_owned())
        .chain(measured.iter().map(|one| one.metric.clone()))
        .collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let right: Vec<usize> = (1..heads.len()).collect();
    let mut table = grid(&heads, &right);
    for bucket in buckets {
        let values = bucket.measured.iter().map(|one| {
            let mark = if one.complete || one.value.is_none() { "" } else { "*" };
            format!("{}{mark}", value(one))
        });
        table.add_row(std::iter::once(seconds(&bucket.start)).chain(values));
    }
    let partial = buckets
        .iter()
        .flat_map(|bucket| &bucket.measured)
        .any(|one| !one.complete && one.value.is_some());
    let legend = if partial { "* is counted from a part of what there is\n" } else { "" };
    format!("{}{legend}", finished(&table).trim_start_matches('\n'))
}
