//! The report as people and programs read it.

use super::advice::look_at;
use super::{Group, Report};
use crate::domain::words::Count;
use crate::traces::query::render::{one_line, percent};
use crate::traces::snapshot::show_time;
use serde_json::json;
use std::fmt::Write as _;

/// Markdown. Whole trace and span ids in back-ticks, so that they can be checked.
pub fn investigation(report: &Report) -> String {
    let mut text =
        format!("# Recurring failures in `{}`\n\n## Overview\n\n", code(&report.about.project));
    overview(&mut text, report);
    text.push_str("\n## Evidence\n");
    if report.groups.is_empty() {
        text.push_str("\nNone: no failure occurs in more than one trace.\n");
    }
    for (at, group) in report.groups.iter().enumerate() {
        evidence(&mut text, at + 1, group, report);
    }
    text.push_str("\n## Proposed fix\n\n");
    if report.groups.is_empty() {
        text.push_str(
            "Nothing to fix was found by status alone. Wrong answers do not show this way.\n",
        );
    } else {
        text.push_str(
            "This was found by grouping errors, without a model and without the code; it says where \
             to look, not what the cause is.\n\n",
        );
    }
    for (at, group) in report.groups.iter().enumerate() {
        let _ =
            writeln!(text, "{}. **`{}`**: {}", at + 1, code(group.entity.name()), look_at(group));
    }
    text
}

fn overview(text: &mut String, report: &Report) {
    let _ = writeln!(
        text,
        "{} and {} from {} to {} were read. {} at least one error.",
        Count::of(report.traces, "trace"),
        Count::of(report.spans, "span"),
        show_time(report.first_us),
        show_time(report.last_us),
        match report.failing {
            1 => "1 trace has".to_owned(),
            n => format!("{n} traces have"),
        },
    );
    let _ = writeln!(
        text,
        "{} found, besides {} of one trace each.",
        match report.groups.len() {
            0 => "No recurring failure was".to_owned(),
            1 => "1 recurring failure was".to_owned(),
            n => format!("{n} recurring failures were"),
        },
        Count::of(report.one_offs, "one-off"),
    );
    if report.mended > 0 {
        let _ = writeln!(
            text,
            "Not counted: {} in {} that a later attempt in the same trace made good.",
            Count::of(report.mended, "error"),
            Count::of(report.mended_traces, "trace")
        );
    }
    for (reason, count) in &report.left_out {
        let _ = writeln!(text, "Not in the snapshot: {count} ({}).", one_line(reason));
    }
    if report.groups.is_empty() {
        return;
    }
    text.push_str("\n| # | failure | traces | share | severity |\n|--:|---|--:|--:|---|\n");
    for (at, group) in report.groups.iter().enumerate() {
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} |",
            at + 1,
            code(&group.title()).replace('|', "\\|"),
            group.traces,
            percent(group.share),
            group.severity().name()
        );
    }
}

fn evidence(text: &mut String, number: usize, group: &Group, report: &Report) {
    let entity = code(group.entity.name());
    let kind = group.entity.kind();
    let exception = if group.exception.is_empty() { "an error" } else { &group.exception };
    let _ = writeln!(text, "\n### {number}. `{}` in {kind} `{entity}`\n", code(exception));
    let _ = writeln!(
        text,
        "- affects {} of {} ({}), {} in all",
        group.traces,
        Count::of(report.traces, "trace"),
        percent(group.share),
        Count::of(group.spans, "span")
    );
    let _ = writeln!(
        text,
        "- of all {} calls of {kind} `{entity}`, {} failed in one way or another",
        group.calls, group.failed_calls
    );
    let _ = writeln!(
        text,
        "- first seen {}, last seen {}",
        show_time(group.first_us),
        show_time(group.last_us)
    );
    let _ = writeln!(
        text,
        "- {}",
        match group.roots_failed {
            0 => "in none of these traces does the root report an error".to_owned(),
            n if n == group.traces => "in all of these traces the root is in error too".to_owned(),
            n => format!("in {n} of these traces the root is in error too"),
        }
    );
    if !group.example.is_empty() {
        let _ = writeln!(text, "- message, for example: `{}`", code(&group.example));
    }
    text.push_str("- example traces:\n");
    for example in &group.examples {
        let _ = write!(text, "  - `{}`, span `{}`", example.trace_id, example.span_id);
        if let Some(input) = &example.input {
            let _ = write!(text, ", input `{}`", code(input));
        }
        text.push('\n');
    }
}

/// Text of somebody's application, to stand between back-ticks.
fn code(text: &str) -> String {
    one_line(text).replace('`', "'")
}

/// A document of its own format, apart from this program's types.
pub fn issues_json(report: &Report) -> String {
    let issues: Vec<_> = report
        .groups
        .iter()
        .map(|group| {
            json!({
                "title": group.title(),
                "severity": group.severity().name(),
                "traces_affected": group.traces,
                "share": (group.share * 1e6).round() / 1e6,
                "trace_ids": group.examples.iter().map(|example| &example.trace_id).collect::<Vec<_>>(),
                "fingerprint": group.fingerprint,
                "entity": {"kind": group.entity.kind(), "name": group.entity.name()},
                "exception": {
                    "type": group.exception,
                    "message": group.template,
                    "example": group.example,
                },
                "first_seen": show_time(group.first_us),
                "last_seen": show_time(group.last_us),
            })
        })
        .collect();
    let document = json!({"version": 1, "issues": issues});
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}
