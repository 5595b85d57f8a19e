//! The report as people and programs read it.

use super::issue::{Example, Issue, Report};
use crate::domain::words::Count;
use crate::traces::query::render::{one_line, percent};
use crate::traces::snapshot::show_time;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Examples of one issue that are written out; all of them are in the JSON.
const SHOWN: usize = 3;

/// Markdown. Whole trace and span ids in back-ticks, so that they can be checked.
pub fn investigation(report: &Report) -> String {
    let mut text =
        format!("# Recurring failures in `{}`\n\n## Overview\n\n", code(&report.about.project));
    overview(&mut text, report);
    text.push_str("\n## Evidence\n");
    if report.issues.is_empty() {
        text.push_str("\nNone: nothing that recurs could be shown to be a failure.\n");
    }
    for (at, issue) in report.issues.iter().enumerate() {
        evidence(&mut text, at + 1, issue, report);
    }
    text.push_str("\n## Proposed fix\n\n");
    if report.issues.is_empty() {
        text.push_str(
            "Nothing to fix was found. Answers that are plausible and wrong do not show this way.\n",
        );
    } else {
        text.push_str(
            "This was found by comparing traces, without a model and without the code; it says where \
             to look, not what the cause is.\n\n",
        );
    }
    for (at, issue) in report.issues.iter().enumerate() {
        let _ = writeln!(text, "{}. **`{}`**: {}", at + 1, code(issue.entity.name()), issue.advice);
    }
    text
}

/// The report in a sentence or two.
pub fn answer(report: &Report) -> String {
    let found = Count::of(report.issues.len(), "recurring failure");
    let read = Count::of(report.traces, "trace");
    let first = match report.issues.first() {
        Some(issue) => {
            let affected = Count::of(issue.traces, "trace");
            format!(" The worst: {} ({affected}).", one_line(&issue.title))
        }
        None => String::new(),
    };
    format!("Found {found} in {read}, {} of which have an error.{first}", report.failing)
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
        match report.issues.len() {
            0 => "No recurring failure was".to_owned(),
            1 => "1 recurring failure was".to_owned(),
            n => format!("{n} recurring failures were"),
        },
        Count::of(report.one_offs, "one-off"),
    );
    not_counted(text, report);
    if report.issues.is_empty() {
        return;
    }
    text.push_str(
        "\n| # | issue | traces | share | trend | severity |\n|--:|---|--:|--:|---|---|\n",
    );
    for (at, issue) in report.issues.iter().enumerate() {
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} | {} {:.1} |",
            at + 1,
            code(&issue.title).replace('|', "\\|"),
            issue.traces,
            percent(issue.share),
            issue.trend.name(),
            issue.severity.name(),
            issue.severity.score,
        );
    }
}

fn not_counted(text: &mut String, report: &Report) {
    if report.mended > 0 {
        let _ = writeln!(
            text,
            "Not counted: {} in {} that a later attempt in the same trace made good.",
            Count::of(report.mended, "error"),
            Count::of(report.mended_traces, "trace")
        );
    }
    if report.interrupted > 0 {
        let _ = writeln!(
            text,
            "Not counted: {} by which a program stops on purpose.",
            Count::of(report.interrupted, "interruption")
        );
    }
    if report.dealt_with > 0 {
        let _ = writeln!(
            text,
            "Not counted: {} of calls of no known kind whose caller went well all the same.",
            Count::of(report.dealt_with, "error"),
        );
    }
    for (reason, count) in &report.left_out {
        let _ = writeln!(text, "Left out: {count} ({}).", one_line(reason));
    }
}

fn evidence(text: &mut String, number: usize, issue: &Issue, report: &Report) {
    let _ = writeln!(text, "\n### {number}. `{}`\n", code(&issue.title));
    let users = match issue.users {
        Some(users) => format!(", {}", Count::of(users, "user")),
        None => String::new(),
    };
    let _ = writeln!(
        text,
        "- affects {} of {} ({}){users}; {}",
        issue.traces,
        Count::of(report.traces, "trace"),
        percent(issue.share),
        issue.trend.name(),
    );
    let _ = writeln!(text, "- severity {}: {}", issue.severity.name(), issue.severity.arithmetic());
    let _ = writeln!(
        text,
        "- first seen {}, last seen {}",
        show_time(issue.first_us),
        show_time(issue.last_us)
    );
    let path: Vec<String> =
        issue.locus.path.iter().map(|name| format!("`{}`", code(name))).collect();
    let _ = writeln!(text, "- where it goes wrong first: {}", path.join(" > "));
    for fact in &issue.facts {
        let _ = writeln!(text, "- {}", safe(fact));
    }
    for title in &issue.leads_to {
        let _ = writeln!(text, "- leads to: `{}`", code(title));
    }
    if !issue.example.is_empty() {
        let _ = writeln!(text, "- for example: `{}`", code(&issue.example));
    }
    examples(text, "traces that show it", &issue.examples[..issue.examples.len().min(SHOWN)]);
    examples(text, "traces that did the same and went well", &issue.healthy);
}

fn examples(text: &mut String, title: &str, examples: &[Example]) {
    if examples.is_empty() {
        return;
    }
    let _ = writeln!(text, "- {title}:");
    for example in examples {
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

/// A sentence of ours with names of theirs in back-ticks: a name may hold one itself.
fn safe(text: &str) -> String {
    let line = one_line(text);
    if line.matches('`').count().is_multiple_of(2) { line } else { line.replace('`', "'") }
}

/// A document of its own format, apart from this program's types.
pub fn issues_json(report: &Report) -> String {
    let issues: Vec<Value> = report.issues.iter().map(issue_json).collect();
    let document = json!({"version": 1, "issues": issues});
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn issue_json(issue: &Issue) -> Value {
    let ids = |list: &[Example]| -> Vec<String> {
        list.iter().map(|example| example.trace_id.clone()).collect()
    };
    let exception = issue
        .exception
        .as_ref()
        .map(|(kind, message)| json!({"type": kind, "message": message, "example": issue.example}));
    json!({
        "title": issue.title,
        "severity": issue.severity.name(),
        "score": issue.severity.score,
        "arithmetic": issue.severity.arithmetic(),
        "traces_affected": issue.traces,
        "users_affected": issue.users,
        "share": (issue.share * 1e6).round() / 1e6,
        "trend": issue.trend.name(),
        "trace_ids": ids(&issue.examples),
        "healthy_trace_ids": ids(&issue.healthy),
        "fingerprint": issue.fingerprint,
        "pattern": issue.pattern,
        "entity": {"kind": issue.entity.kind(), "name": issue.entity.name()},
        "locus": {"path": issue.locus.path, "span_id": issue.locus.span_id},
        "exception": exception,
        "example": issue.example,
        "facts": issue.facts,
        "leads_to": issue.leads_to,
        "advice": issue.advice,
        "first_seen": show_time(issue.first_us),
        "last_seen": show_time(issue.last_us),
    })
}
