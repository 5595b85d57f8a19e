//! One issue on a card.

use super::super::card::Card;
use super::{bars, role, severity_role};
use crate::domain::issue::{Event, Issue, State};
use crate::domain::words::Count;
use crate::output::sanitise::{line, text};
use crate::output::style::Screen;
use crate::output::text::{ago, moment};
use crate::output::view::KnownIssue;
use std::io::{self, Write};

/// Lines of what happened, and counts of runs, that are shown.
const EVENTS: usize = 12;
const RUNS: usize = 30;

/// Lines of an investigation's overview.
const OVERVIEW: usize = 12;

/// `signal issue show`.
pub fn write_issue(
    out: &mut dyn Write,
    screen: &Screen,
    known: &KnownIssue,
    now: i64,
) -> io::Result<()> {
    let issue = &known.issue;
    let id = screen.paint(crate::output::style::Role::Name, line(&issue.id));
    let state = screen.paint(role(issue.life.state), issue.life.state.name());
    writeln!(out, "issue {id}  {state}")?;
    writeln!(out)?;
    let mut card = Card::default();
    card.row("issue", line(issue.told.title.trim()));
    seen(&mut card, known, now);
    evidence(&mut card, issue);
    dealt_with(&mut card, known);
    card.write(out, screen)?;
    writeln!(out)?;
    history(out, screen, issue)?;
    writeln!(out)?;
    Card::default().row("next", next(known)).write(out, screen)
}

fn seen(card: &mut Card, known: &KnownIssue, now: i64) {
    let issue = &known.issue;
    let told = &issue.told;
    card.row("project", line(&issue.project));
    card.row("fails", line(&format!("{} {}", told.entity_kind, told.entity_name)));
    card.row(
        "seen in",
        format!(
            "{} of {} in which that takes part{}",
            issue.hits,
            Count::of(issue.chances, "trace"),
            match told.users {
                Some(users) => format!(", of {}", Count::of(users, "user")),
                None => String::new(),
            }
        ),
    );
    card.row("trend", line(&told.trend));
    let us = |us: i64| format!("{}, {}", moment(us / 1_000), ago(now, us / 1_000));
    card.row("first seen", us(issue.first_us));
    card.row("last seen", us(issue.last_us));
    if known.seen.len() > 1 {
        let from = known.seen.len().saturating_sub(RUNS);
        let counts = known.seen[from..].iter().map(|(_, hits, _)| *hits);
        let runs = Count::of(known.seen.len() - from, "run");
        card.row("by run", format!("{}  new traces with it, in the last {runs}", bars(counts)));
    }
    card.colored(
        "severity",
        severity_role(issue),
        line(&format!("{}: {}", told.severity, told.arithmetic)),
    );
}

fn evidence(card: &mut Card, issue: &Issue) {
    let told = &issue.told;
    card.row("where", line(&told.path.join(" > ")));
    card.row("example", line(&told.example));
    let facts: Vec<_> = told.facts.iter().map(|fact| format!("- {}", line(fact))).collect();
    card.row("known", facts.join("\n"));
    card.row("leads to", line(&told.leads_to.join("; ")));
    let ids: Vec<_> = told.examples.iter().map(|one| line(&one.trace_id).into_owned()).collect();
    card.row("traces", ids.join("\n"));
    let healthy: Vec<_> = told.healthy.iter().map(|id| line(id).into_owned()).collect();
    card.row("healthy", healthy.join("\n"));
    card.row("advice", line(&told.advice));
}

/// What somebody found out about it, and what is done about it.
fn dealt_with(card: &mut Card, known: &KnownIssue) {
    let issue = &known.issue;
    if let Some(overview) = &known.overview {
        let shown = text(overview.trim()).into_owned();
        let mut lines: Vec<&str> = shown.lines().take(OVERVIEW).collect();
        if shown.lines().count() > OVERVIEW {
            lines.push("…");
        }
        card.row("overview", lines.join("\n"));
    }
    card.maybe("investigation", known.investigation.as_deref().map(line));
    card.row("sessions", line(&issue.sessions.join(", ")));
    card.maybe("pull request", issue.pull_request.as_ref().map(|one| line(&one.url)));
    card.maybe("watched", watched(issue));
}

/// How far the proof is that it is gone.
fn watched(issue: &Issue) -> Option<String> {
    let watch = issue.life.watch.filter(|watch| watch.since_us > 0)?;
    let since = moment(watch.since_us / 1_000);
    let without = Count::of(watch.without, "comparable trace");
    Some(match (issue.life.state, watch.needed) {
        (State::Merged, Some(needed)) => format!(
            "{} of {} without it since {since}, half an hour after the merge; with the last of them \
             it counts as gone, as at its old share one would have shown it with 95 % probability",
            watch.without,
            Count::of(needed, "comparable trace"),
        ),
        (State::Merged, None) => format!(
            "since {since}; that nothing becomes slower does not show that it is fast again: compare, \
             and resolve it by hand"
        ),
        _ => format!("{without} without it since {since}"),
    })
}

fn history(out: &mut dyn Write, screen: &Screen, issue: &Issue) -> io::Result<()> {
    let events = &issue.history;
    let from = events.len().saturating_sub(EVENTS);
    let mut card = Card::default();
    let told = |event: &Event| {
        let at = moment(event.at);
        match event.state {
            Some(state) => format!("{at}  {}: {}", state.name(), line(&event.what)),
            None => format!("{at}  {}", line(&event.what)),
        }
    };
    let mut lines: Vec<String> = events[from..].iter().map(told).collect();
    if from > 0 {
        lines.insert(0, format!("{} before", Count::of(from, "event")));
    }
    card.row("history", lines.join("\n"));
    card.write(out, screen)
}

/// What may be done now.
fn next(known: &KnownIssue) -> String {
    let id: String = known.issue.id.chars().take(8).collect();
    let command = |verb: &str| format!("`loop signal issue {verb} {id}`");
    match known.issue.life.state {
        State::Open | State::Regressed => match known.next {
            Some(reason) => format!(
                "{reason}, so a run that may looks into it; or now: {}",
                command("investigate")
            ),
            None => {
                format!("{}, or measure it from now on: {}", command("resolve"), command("to-eval"))
            }
        },
        State::Investigating => match known.issue.sessions.last() {
            Some(session) => format!("follow it: `loop session attach {}`", line(session)),
            None => String::new(),
        },
        State::FixProposed => {
            "review the pull request; the next run sees whether it was merged".to_owned()
        }
        State::Merged => "nothing: every run counts traces without it".to_owned(),
        State::VerifiedGone | State::Resolved => {
            format!("measure it from now on: {}", command("to-eval"))
        }
        State::Muted => {
            format!("it is counted, and nothing else; hear of it again: {}", command("reopen"))
        }
    }
}
