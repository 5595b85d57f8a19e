//! What a snapshot is of, and whether that is all there is.

use super::super::snapshot::{Snapshot, Summary, show_time};
use super::asked;
use crate::error::Result;
use rusqlite::OptionalExtension as _;
use serde::Serialize;
use serde_json::Value;

/// Reasons for leaving something out after which nothing is missing.
const HARMLESS: [&str; 3] = [
    "spans whose id was there already",
    "spans of traces that start outside the window",
    "files of another kind",
];

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    pub project: String,
    pub source: String,
    /// The ends of the window that was asked for; none where it is open.
    pub since: Option<String>,
    pub until: Option<String>,
    /// When the first and the last span start.
    pub first: String,
    pub last: String,
    pub traces: u64,
    pub spans: u64,
    /// Traces with a span in error.
    pub failing: u64,
    pub left_out: Vec<LeftOut>,
    /// How the traces were chosen, where they are only a sample.
    pub sampled: Option<String>,
    /// Whether every trace of the window is here.
    pub complete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub reason: String,
    pub count: u64,
    /// Whether something is missing for it.
    pub missing: bool,
}

pub fn evidence(snapshot: &Snapshot) -> Result<Evidence> {
    let (about, summary) = (snapshot.about(), snapshot.summary());
    let Summary { traces, spans, failing, first, last, .. } = *summary;
    let bound = |ms: Option<i64>| ms.map(|ms| show_time(ms.saturating_mul(1_000)));
    let left_out: Vec<LeftOut> = summary
        .left_out
        .iter()
        .map(|(reason, count)| LeftOut {
            missing: !HARMLESS.contains(&reason.as_str()),
            reason: reason.clone(),
            count: *count,
        })
        .collect();
    let sampled = sampled(snapshot)?;
    let complete = sampled.is_none() && left_out.iter().all(|one| !one.missing);
    Ok(Evidence {
        project: about.project.clone(),
        source: about.source.clone(),
        since: bound(about.window.since),
        until: bound(about.window.until),
        first: show_time(first),
        last: show_time(last),
        traces,
        spans,
        failing,
        left_out,
        sampled,
        complete,
    })
}

/// Whatever the header says of a sample. A snapshot that says nothing holds all there was.
fn sampled(snapshot: &Snapshot) -> Result<Option<String>> {
    let sql = "SELECT value FROM header WHERE key = 'sampled'";
    let found: Option<String> =
        asked(snapshot.database().query_row(sql, [], |row| row.get(0)).optional())?;
    let found =
        found.filter(|text| !matches!(text.trim(), "" | "0" | "false" | "no" | "null" | "{}"));
    Ok(found.map(|text| said(&text)))
}

/// How many traces were kept of how many, and by which rule, where that is what is written.
fn said(text: &str) -> String {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let (Some(kept), Some(all)) = (json["kept_traces"].as_u64(), json["traces"].as_u64()) else {
        return text.to_owned();
    };
    let rule = json["rule"].as_str().map_or_else(String::new, |rule| format!(": {rule}"));
    format!("{kept} of {all} traces{rule}")
}
