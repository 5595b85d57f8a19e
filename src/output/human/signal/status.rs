//! How Signal stands on a project, and what a run came to.

use super::super::card::Card;
use super::{bars, write_issues};
use crate::domain::issue::State;
use crate::domain::measure::show_usd;
use crate::domain::signal::Run;
use crate::domain::words::Count;
use crate::output::sanitise::line;
use crate::output::style::{Role, Screen};
use crate::output::text::{ago, moment, span};
use crate::output::view::{KnownIssue, RunView, SignalView};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Issues that are named, and things that they are in.
const WORST: usize = 3;
const ENTITIES: usize = 4;

/// A run that has not ended after this long was cut off.
const CUT_OFF_MS: i64 = 86_400_000;

/// `signal status`, of one project.
pub fn write_status(
    out: &mut dyn Write,
    screen: &Screen,
    view: &SignalView,
    now: i64,
) -> io::Result<()> {
    let (role, state) = match (&view.file, view.enabled) {
        (None, _) => (Role::Aside, "not enabled"),
        (Some(_), false) => (Role::Warn, "disabled"),
        (Some(_), true) => (Role::Good, "enabled"),
    };
    let name = screen.paint(Role::Name, line(&view.project));
    writeln!(out, "signal {name}  {}", screen.paint(role, state))?;
    writeln!(out)?;
    let mut card = Card::default();
    times(&mut card, view, now);
    spending(&mut card, view);
    found(&mut card, view);
    card.maybe("settings", view.file.as_deref().map(line));
    card.write(out, screen)?;
    let open: Vec<KnownIssue> =
        view.issues.iter().filter(|known| known.issue.life.state.is_open()).cloned().collect();
    if !open.is_empty() {
        writeln!(out, "\nthe worst of {}", Count::of(open.len(), "open issue"))?;
        write_issues(out, screen, &open[..open.len().min(WORST)], now)?;
    }
    writeln!(out)?;
    Card::default().row("next", next(view)).write(out, screen)
}

fn times(card: &mut Card, view: &SignalView, now: i64) {
    card.maybe("runs", view.when.as_deref().map(line));
    match view.runs.first() {
        Some(run) => {
            card.row("last run", last(run, now));
            let notes: Vec<_> = run.notes.iter().map(|note| line(note).into_owned()).collect();
            card.colored("notes", Role::Warn, notes.join("\n"));
        }
        None => {
            card.row("last run", "never");
        }
    }
    let next = view.next_at.filter(|_| view.enabled);
    card.maybe(
        "next run",
        next.map(|at| format!("{}, in {}", moment(at), span((at - now).max(0) as u64))),
    );
}

fn last(run: &Run, now: i64) -> String {
    let state = match run.ended_at {
        Some(_) => String::new(),
        None if now - run.started_at > CUT_OFF_MS => ", cut off".to_owned(),
        None => ", not over".to_owned(),
    };
    let changed = match run.changes.len() {
        0 => "nothing changed".to_owned(),
        n => format!("{} changed", Count::of(n, "issue")),
    };
    let sessions = match run.sessions {
        0 => String::new(),
        n => format!(", {n} looked into"),
    };
    format!(
        "{}{state}: {} of {} were new, {changed}{sessions}",
        ago(now, run.started_at),
        run.fresh,
        Count::of(run.traces, "trace")
    )
}

fn spending(card: &mut Card, view: &SignalView) {
    if view.file.is_none() {
        return;
    }
    let signal = &view.signal;
    if signal.top == 0 {
        card.row("looks into", "nothing: issues are found and ranked");
    } else {
        let preset = view.preset.as_deref().unwrap_or_default();
        let harness = view.harness.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
        let issues = Count::of(signal.top, "issue");
        card.row(
            "looks into",
            line(&format!("at most {issues} a run, with preset {preset}{harness}")),
        );
        card.row(
            "may spend",
            format!(
                "{} a day; {} in the last 24 hours",
                show_usd(signal.budget_usd_per_day),
                show_usd(view.spent_usd)
            ),
        );
    }
    let repo = signal.repo.as_deref().map(line);
    card.row(
        "repository",
        repo.unwrap_or_else(|| "none: fixes are described, not proposed".into()),
    );
    card.maybe("context", signal.context.as_deref().map(line));
}

fn found(card: &mut Card, view: &SignalView) {
    let mut states: BTreeMap<u8, (State, u64)> = BTreeMap::new();
    let mut entities: BTreeMap<String, u64> = BTreeMap::new();
    for known in &view.issues {
        let state = known.issue.life.state;
        states.entry(state as u8).or_insert((state, 0)).1 += 1;
        if state.is_open() {
            let told = &known.issue.told;
            *entities.entry(format!("{} {}", told.entity_kind, told.entity_name)).or_default() += 1;
        }
    }
    let of_states = states.values().map(|(state, count)| format!("{count} {}", state.name()));
    card.row("issues", of_states.collect::<Vec<_>>().join(", "));
    let mut entities: Vec<_> = entities.into_iter().collect();
    entities.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let more = entities.len().saturating_sub(ENTITIES);
    entities.truncate(ENTITIES);
    let mut named: Vec<_> =
        entities.iter().map(|(name, count)| format!("{} {count}", line(name))).collect();
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    card.row("open in", named.join(", "));
    if view.runs.len() > 1 {
        let counts = view.runs.iter().rev().map(|run| run.changes.len() as u64);
        let runs = Count::of(view.runs.len(), "run");
        card.row("activity", format!("{}  issues changed, in the last {runs}", bars(counts)));
    }
}

fn next(view: &SignalView) -> String {
    let name = line(&view.project);
    match (&view.file, view.enabled, view.runs.is_empty()) {
        (None, _, _) | (Some(_), false, _) => format!("`loop signal enable {name}`"),
        (Some(_), true, true) => format!("`loop signal run {name}`"),
        (Some(_), true, false) => format!("`loop signal issues --project {name}`"),
    }
}

/// `signal run`.
pub fn write_run(out: &mut dyn Write, screen: &Screen, view: &RunView, now: i64) -> io::Result<()> {
    let run = view.run;
    let changed: Vec<KnownIssue> = view
        .issues
        .iter()
        .filter(|known| run.changes.iter().any(|(id, _)| *id == known.issue.id))
        .cloned()
        .collect();
    let project = screen.paint(Role::Name, line(&run.project));
    writeln!(
        out,
        "{project}: {} of {} were new; {}",
        run.fresh,
        Count::of(run.traces, "trace"),
        match changed.len() {
            0 => "no issue changed".to_owned(),
            n => format!("{} changed", Count::of(n, "issue")),
        }
    )?;
    if run.sessions > 0 {
        writeln!(out, "{} looked into", Count::of(run.sessions, "issue"))?;
    }
    if !changed.is_empty() {
        writeln!(out)?;
        write_issues(out, screen, &changed, now)?;
    }
    let open = view.issues.iter().filter(|known| known.issue.life.state.is_open()).count();
    let mut card = Card::default();
    let notes: Vec<_> = run.notes.iter().map(|note| line(note).into_owned()).collect();
    card.colored("notes", Role::Warn, notes.join("\n"));
    let next = match changed.iter().find(|known| known.issue.life.state.is_open()) {
        Some(known) => {
            format!("`loop signal issue show {}`", &known.issue.id[..8.min(known.issue.id.len())])
        }
        None => "`loop signal issues`".to_owned(),
    };
    card.row("open", format!("{}; {next}", Count::of(open, "issue")));
    writeln!(out)?;
    card.write(out, screen)
}
