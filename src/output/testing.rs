//! What the tests of this module share: screens, a session to show, and where snapshots are.

use super::style::Screen;
use super::view::{ArtifactView, SessionView, TurnView};
use crate::domain::artifact::{ArtifactKind, Check};
use crate::domain::session::{End, Phase};
use crate::domain::transcript::{Event, EventKind, Usage};
use crate::domain::turn::Outcome;
use serde_json::json;

/// 2026-11-20 11:52:52.123 UTC.
pub fn noon() -> i64 {
    1_795_175_572_123
}

pub fn plain(width: usize) -> Screen {
    Screen::plain(width)
}

pub fn colored(width: usize) -> Screen {
    Screen { tty: true, color: true, links: true, moves: true, width }
}

/// Compares with `tests/output/<name>.snap`. Escapes are made visible.
#[track_caller]
pub fn snapshot(name: &str, shown: &str) {
    let shown = shown.replace('\u{1b}', "␛");
    insta::with_settings!({
        snapshot_path => "../../tests/output",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, shown); });
}

/// Renders at 80 and 140 columns, and checks that nothing sticks out.
#[track_caller]
pub fn at_both_widths(name: &str, render: impl Fn(&Screen, &mut Vec<u8>)) {
    for width in [80, 140] {
        let mut out = Vec::new();
        render(&plain(width), &mut out);
        let shown = String::from_utf8(out).unwrap();
        for line in shown.lines().filter(|line| !line.contains("://")) {
            assert!(super::text::width(line) <= width, "wider than {width}: {line}");
        }
        snapshot(&format!("{name}-{width}"), &shown);
    }
}

pub fn event(seq: u64, after_ms: i64, kind: EventKind) -> Event {
    Event { seq, turn: 1, at: noon() + after_ms, kind }
}

fn call(id: &str, name: &str, input: serde_json::Value) -> EventKind {
    EventKind::ToolCall { id: id.into(), name: name.into(), input, parent: None }
}

fn result(id: &str, output: &str, exit_code: Option<i32>) -> EventKind {
    let is_error = exit_code.is_some_and(|code| code != 0);
    EventKind::ToolResult { id: id.into(), output: output.into(), is_error, exit_code }
}

fn usage() -> Usage {
    Usage {
        input_tokens: 3_120,
        output_tokens: 1_840,
        cache_read_tokens: 41_200,
        cache_write_tokens: 9_800,
    }
}

/// One session's events, of every kind.
pub fn events() -> Vec<Event> {
    let stats = "tool           traces  errors  p95\nlookup_order      214      31  4.2 s\nrefund             88       2  0.9 s\n";
    let row = |n| format!("trace {n:04}\tlookup_order\ttimeout after 4000 ms");
    let table = (1..=220).map(row).collect::<Vec<_>>().join("\n");
    let kinds = vec![
        (0, EventKind::Status { text: "turn 1 started".into() }),
        (5, EventKind::User { text: "Which failures recur in checkout? Rank them by traces affected and say what to change first.\n\nLeave the healthy traffic out of it.".into() }),
        (1_900, EventKind::Thinking { text: "I should begin with the error rate of every tool, because a single slow tool can explain most of the failed traces, and then look at the messages of the worst one to see whether they say the same thing each time. After that I will check the retries.".into() }),
        (2_400, call("t1", "Bash", json!({"command": "traces stats --by tool", "description": "error rate by tool"}))),
        (2_700, result("t1", stats, Some(0))),
        (4_000, call("t2", "Bash", json!({"command": "traces list --errors --name lookup_order --limit 220\necho done"}))),
        (4_100, call("t3", "Read", json!({"file_path": "/workspace/src/tools/lookup_order.py", "offset": 10}))),
        (4_900, result("t2", &table, Some(0))),
        (5_000, result("t3", "", None)),
        (6_000, call("t4", "Bash", json!({"command": "traces show 9f00aa --span 17"}))),
        (6_200, result("t4", "error: no trace begins with `9f00aa`\nhint: `traces list` shows the ids", Some(2))),
        (6_300, EventKind::Usage { usage: usage(), cost_usd: Some(0.0412), model: Some("sonnet".into()) }),
        (7_000, EventKind::Error { text: "the model API is overloaded (529), trying again in 2 s".into() }),
        (9_000, EventKind::Unread { line: "{\"type\":\"rate_limit_event\",\"resets\":1795181123}".into() }),
        (64_000, EventKind::Assistant { text: "## Overview\n\n- **`lookup_order` times out** in 31 of 214 traces: it waits 4 s for the order service and is never tried again, so the assistant tells the customer that the order does not exist.\n- `refund` fails twice, both times on an expired token.\n\n```python\nresponse = client.get(url, timeout=4)\n```".into() }),
        (64_500, EventKind::Usage { usage: usage(), cost_usd: Some(0.0611), model: Some("sonnet".into()) }),
        (64_600, EventKind::Status { text: "turn 1 succeeded".into() }),
    ];
    kinds.into_iter().zip(1..).map(|((after, kind), seq)| event(seq, after, kind)).collect()
}

pub fn artifacts() -> Vec<ArtifactView> {
    let check = |name: &str, passed, detail: &str| Check {
        name: name.into(),
        passed,
        detail: detail.into(),
    };
    let folder =
        "/home/me/.local/share/loop/sessions/7f3a9c21-5b1e-4c7e-9d55-0a1b2c3d4e5f/artifacts";
    vec![
        ArtifactView {
            kind: ArtifactKind::Investigation,
            title: "Orders that exist are reported as missing".into(),
            path: Some(format!("{folder}/investigation.md")),
            url: None,
            issues: Vec::new(),
            checks: vec![
                check("headings", true, "has Overview, Evidence and Proposed fix"),
                check("traces", true, "7 of 7 cited traces exist"),
            ],
        },
        ArtifactView {
            kind: ArtifactKind::Issues,
            title: "5 issues".into(),
            path: Some(format!("{folder}/issues.json")),
            url: None,
            issues: Vec::new(),
            checks: vec![check(
                "traces",
                false,
                "2 of 9 cited traces do not exist: `9f00aa17c2b14d0d`, `deadbeefdeadbeef`",
            )],
        },
        ArtifactView {
            kind: ArtifactKind::PullRequest,
            title: "Retry the order look-up once, and say so when it fails".into(),
            path: None,
            url: Some("https://github.com/acme/checkout/pull/412".into()),
            issues: Vec::new(),
            checks: Vec::new(),
        },
    ]
}

pub fn session() -> SessionView {
    let prompt = "Which failures recur in checkout? Rank them by traces affected and say what to change first.";
    SessionView {
        id: "7f3a9c21-5b1e-4c7e-9d55-0a1b2c3d4e5f".into(),
        name: Some("nightly-checkout".into()),
        preset: Some("investigate".into()),
        harness: "claude-code".into(),
        sandbox: "docker".into(),
        sandbox_id: Some("loop-7f3a9c21".into()),
        project: Some("checkout".into()),
        phase: Phase::Finished(End::Succeeded),
        outcome: Some(Outcome::Succeeded),
        reason: None,
        created_at: noon() - 1_500,
        finished_at: Some(noon() + 212_000),
        turn_count: 2,
        artifact_count: 2,
        turns: vec![
            TurnView {
                turn: 1,
                prompt: prompt.into(),
                outcome: Some(Outcome::Succeeded),
                reason: None,
                started_at: noon(),
                ended_at: Some(noon() + 64_600),
                usage: usage(),
                cost_usd: Some(0.0611),
            },
            TurnView {
                turn: 2,
                prompt: "Open a pull request for the first one.".into(),
                outcome: Some(Outcome::Limit),
                reason: Some("the turn's time limit ended it".into()),
                started_at: noon() + 120_000,
                ended_at: Some(noon() + 211_000),
                usage: Usage::default(),
                cost_usd: None,
            },
        ],
        usage: usage(),
        cost_usd: Some(0.0611),
        artifacts: artifacts(),
        labels: [("team".to_owned(), "payments".to_owned())].into(),
    }
}
