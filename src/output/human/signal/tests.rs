use super::*;
use crate::domain::issue::{Example, Input, PullRequest, Told};
use crate::domain::signal::{Run, Signal};
use crate::output::testing::{at_both_widths, noon};
use crate::output::view::{RunView, SignalView};

const MINUTE: i64 = 60_000;

fn told(kind: &str, name: &str, title: &str, score: f64) -> Told {
    Told {
        pattern: "error".into(),
        title: title.into(),
        entity_kind: kind.into(),
        entity_name: name.into(),
        severity: if score >= 9.0 { "high" } else { "medium" }.into(),
        score,
        arithmetic: format!(
            "{score:.1} = 100 × 0.6 (a step fails) × √0.0291 (at least this share of all traces) × 1 (steady)"
        ),
        traces: 19,
        share: 0.045,
        users: Some(17),
        trend: "steady".into(),
        path: ["support_chat", "plan", name].map(str::to_owned).into(),
        examples: (0..3)
            .map(|n| Example {
                trace_id: format!("{n}bf92f3577b34da6a3ce929d0e0e4736"),
                input: None,
            })
            .collect(),
        healthy: vec!["9c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f".into()],
        facts: vec![
            "19 of 19 failing calls give `order_id` without its prefix; none of 140 others does"
                .into(),
        ],
        leads_to: Vec::new(),
        advice: "Let the tool take both spellings, or say in its schema which one it wants.".into(),
        exception: Some(("InvalidOrderIdError".into(), "order <id> is not valid".into())),
        example: "InvalidOrderIdError: order 48213 is not valid".into(),
    }
}

fn known(rank: u32, told: Told, inputs: &[Input]) -> KnownIssue {
    let mut issue = Issue::new("checkout", &format!("print {rank}"), told, noon() - 300 * MINUTE);
    let start = |n: i64| (noon() - 290 * MINUTE + n * MINUTE) * 1_000;
    issue.count(1, &(0..19).map(start).collect::<Vec<_>>(), 112);
    for (at, input) in inputs.iter().enumerate() {
        issue.take(*input, noon() - (200 - at as i64) * MINUTE);
    }
    KnownIssue { issue, rank, investigation: None, overview: None, seen: Vec::new(), next: None }
}

fn merged() -> KnownIssue {
    let at_us = (noon() - 120 * MINUTE) * 1_000;
    let inputs = [
        Input::Started,
        Input::Ended,
        Input::Proposed,
        Input::Merged { at_us, needed: Some(27) },
        Input::Observed { hits: 0, chances: 12 },
    ];
    let title = "InvalidOrderIdError in tool `lookup_order`: order <id> is not valid";
    let mut known = known(1, told("tool", "lookup_order", title, 10.2), &inputs);
    known.issue.sessions = vec!["7f3a9c215b1e".into()];
    known.issue.pull_request = Some(PullRequest {
        url: "https://github.com/acme/checkout/pull/412".into(),
        session: Some("7f3a9c215b1e".into()),
    });
    known.investigation =
        Some("/home/me/.local/share/loop/sessions/7f3a9c215b1e/artifacts/investigation.md".into());
    known.overview = Some(
        "Orders that exist are reported as missing. The planner drops the prefix `ORD-` of an order's number when the customer writes it with a space, and the tool takes no other spelling.".into(),
    );
    known.seen = vec![(noon() - 300 * MINUTE, 4, 30), (0, 7, 30), (0, 8, 40), (0, 0, 6), (0, 0, 6)];
    known
}

fn issues() -> Vec<KnownIssue> {
    let mut timeout = known(
        2,
        told("model", "gpt-5-mini", "RateLimitError: <n> from model `gpt-5-mini`", 6.1),
        &[],
    );
    timeout.next = Some("it is new");
    let back = [Input::Resolve { at_us: 1 }, Input::Observed { hits: 2, chances: 9 }];
    vec![
        merged(),
        timeout,
        known(
            3,
            told(
                "agent",
                "planner",
                "agent planner calls search_catalog 4 times with the same arguments",
                4.8,
            ),
            &back,
        ),
        known(
            4,
            told(
                "retriever",
                "kb",
                "retriever kb finds nothing, and the answer goes on as if it had",
                4.1,
            ),
            &[Input::Mute],
        ),
    ]
}

fn run(changes: &[&str]) -> Run {
    Run {
        project: "checkout".into(),
        run: 7,
        started_at: noon() - 3 * MINUTE,
        ended_at: Some(noon() - 2 * MINUTE),
        since: Some(noon() - 1_440 * MINUTE),
        until: noon() - 3 * MINUTE,
        traces: 1_280,
        fresh: 42,
        sessions: 1,
        changes: changes.iter().map(|id| ((*id).to_owned(), "open".to_owned())).collect(),
        notes: vec!["2 more issues to be looked into: a run takes 1".into()],
    }
}

fn status() -> SignalView {
    let issues = issues();
    let quiet = Run { changes: Vec::new(), notes: Vec::new(), ..run(&[]) };
    SignalView {
        project: "checkout".into(),
        file: Some("/home/me/.config/loop/automations/signal-checkout.toml".into()),
        enabled: true,
        when: Some("*/10 * * * * UTC".into()),
        next_at: Some(noon() + 7 * MINUTE),
        preset: Some("signal".into()),
        harness: Some("claude-code".into()),
        signal: Signal { top: 1, repo: Some("acme/checkout".into()), ..Signal::default() },
        spent_usd: 1.234,
        runs: vec![run(&[&issues[1].issue.id, &issues[2].issue.id]), quiet.clone(), quiet],
        issues,
    }
}

#[test]
fn a_list_of_issues() {
    at_both_widths("signal-issues", |screen, out| {
        write_issues(out, screen, &issues(), noon()).unwrap();
    });
}

#[test]
fn an_issue_whose_fix_is_watched() {
    at_both_widths("signal-issue-merged", |screen, out| {
        write_issue(out, screen, &merged(), noon()).unwrap();
    });
}

#[test]
fn an_issue_that_is_new() {
    at_both_widths("signal-issue-open", |screen, out| {
        write_issue(out, screen, &issues()[1], noon()).unwrap();
    });
}

#[test]
fn how_it_stands() {
    at_both_widths("signal-status", |screen, out| {
        write_status(out, screen, &status(), noon()).unwrap();
    });
    let nothing = SignalView { project: "checkout".into(), ..SignalView::default() };
    at_both_widths("signal-status-never", |screen, out| {
        write_status(out, screen, &nothing, noon()).unwrap();
    });
}

#[test]
fn what_a_run_came_to() {
    let issues = issues();
    let run = run(&[&issues[1].issue.id, &issues[2].issue.id]);
    at_both_widths("signal-run", |screen, out| {
        write_run(out, screen, &RunView { run: &run, issues: &issues }, noon()).unwrap();
    });
}

#[test]
fn bars_show_how_much() {
    assert_eq!(bars([0, 1, 4, 8]), "▁▂▅█");
    assert_eq!(bars([0, 0]), "▁▁");
    assert_eq!(bars([]), "");
}

/// What the application wrote does not steer the terminal.
#[test]
fn text_of_the_application_is_harmless() {
    let mut known = merged();
    let evil = "a\u{1b}[2Jb\r\u{202e}c";
    let told = &mut known.issue.told;
    for text in [&mut told.title, &mut told.example, &mut told.advice, &mut told.entity_name] {
        *text = evil.to_owned();
    }
    told.facts = vec![evil.to_owned()];
    known.overview = Some(evil.to_owned());
    let mut out = Vec::new();
    write_issue(&mut out, &Screen::plain(100), &known, noon()).unwrap();
    write_issues(&mut out, &Screen::plain(100), &[known], noon()).unwrap();
    let shown = String::from_utf8(out).unwrap();
    assert!(!shown.contains(['\u{1b}', '\r', '\u{202e}']), "{shown}");
}
