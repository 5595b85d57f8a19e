//! Automations: the list, one of them on a card, and what they did.

use super::card::Card;
use super::table::{self, Column, Piece};
use crate::domain::automation::fire::{Fire, State};
use crate::domain::automation::watch::Phase;
use crate::domain::automation::{Automation, RunLimits};
use crate::output::sanitise::{line, text};
use crate::output::style::{Role, Screen};
use crate::output::text::{ago, moment, span};
use crate::output::view::AutomationView;
use std::io::{self, Write};

const COLUMNS: [Column; 7] = [
    Column::fixed("NAME"),
    Column::wrapped("TRIGGER", 18),
    Column::fixed("STATE"),
    Column::fixed("NEXT").dropped(1),
    Column::fixed("LAST").dropped(2),
    Column::fixed("PRESET").dropped(3),
    Column::wrapped("PROJECT", 12).dropped(4),
];

/// `automation list`. `now` is Unix milliseconds.
pub fn write_list(
    out: &mut dyn Write,
    screen: &Screen,
    views: &[AutomationView],
    now: i64,
) -> io::Result<()> {
    let row = |view: &AutomationView| -> Vec<Piece> {
        let Automation { name, preset, project, trigger, .. } = &view.listed.value;
        let last = view.last.as_ref();
        let when = last.map(|fire| {
            let at = fire.started_at.unwrap_or(fire.decided_at);
            let how = fire.outcome.clone().unwrap_or_else(|| fire.state.name().to_owned());
            Piece::new(role(fire), format!("{how} {}", ago(now, at)))
        });
        vec![
            Piece::new(Role::Name, line(name)),
            line(&trigger.line()).into(),
            state(view),
            view.next_at.map(|at| ahead(now, at)).unwrap_or_default().into(),
            when.unwrap_or_else(|| Piece::new(Role::Aside, "never")),
            line(preset).into(),
            line(project.as_deref().unwrap_or_default()).into(),
        ]
    };
    let rows: Vec<_> = views.iter().map(row).collect();
    if rows.is_empty() { Ok(()) } else { table::write(out, screen, &COLUMNS, &rows) }
}

/// What it watches, in a word.
fn state(view: &AutomationView) -> Piece {
    if !view.listed.value.enabled {
        return Piece::new(Role::Aside, "disabled");
    }
    let watches = view.listed.value.trigger.every_ms().is_some();
    match (watches, view.watched.phase) {
        (false, _) => Piece::new(Role::Good, "enabled"),
        (true, Phase::Fired { .. }) => Piece::new(Role::Bad, "over"),
        (true, Phase::Over { .. }) => Piece::new(Role::Warn, "over, held"),
        (true, _) if view.watched.looked_at.is_none() => Piece::new(Role::Aside, "not seen yet"),
        (true, Phase::Calm) if view.watched.value.is_none() => Piece::new(Role::Warn, "no data"),
        (true, Phase::Calm) => Piece::new(Role::Good, "calm"),
    }
}

/// How long until then: `in 3 m`.
fn ahead(now: i64, at: i64) -> String {
    match u64::try_from(at - now) {
        Ok(0..1_000) | Err(_) => "now".to_owned(),
        Ok(ms) => format!("in {}", span(ms)),
    }
}

fn role(fire: &Fire) -> Role {
    match (fire.state, fire.outcome.as_deref()) {
        (State::Done, Some("succeeded")) => Role::Good,
        (State::Done | State::Failed, _) => Role::Bad,
        (State::Waiting | State::Running, _) => Role::Name,
        (State::Refused, _) => Role::Warn,
        (State::Skipped | State::Merged, _) => Role::Aside,
    }
}

/// `automation show`.
pub fn write_card(
    out: &mut dyn Write,
    screen: &Screen,
    view: &AutomationView,
    now: i64,
) -> io::Result<()> {
    let automation = &view.listed.value;
    let name = screen.paint(Role::Name, line(&automation.name));
    let Piece { role, text: state } = state(view);
    writeln!(out, "automation {name}  {}", screen.paint(role, state))?;
    let mut card = Card::default();
    card.row("description", line(&automation.description));
    card.row("from", line(&view.listed.origin));
    card.colored("hides", Role::Warn, line(&view.listed.hides.join(", ")));
    card.row("trigger", line(&automation.trigger.line()));
    watched(&mut card, view, now);
    card.row("preset", line(&automation.preset));
    card.maybe("project", automation.project.as_deref().map(line));
    card.maybe("harness", automation.harness.as_deref().map(line));
    card.maybe("repository", automation.repo.as_deref().map(line));
    card.row("overlap", automation.overlap.name());
    card.row("catch up", automation.catch_up.name());
    card.row("at most", limits(automation.limits));
    let next = view.next_at.map(|at| format!("{}, {}", moment(at), ahead(now, at)));
    card.maybe("next", next);
    if let Some(fire) = &view.last {
        let at = fire.started_at.unwrap_or(fire.decided_at);
        let how = fire.outcome.as_deref().unwrap_or(fire.state.name());
        card.row("last", format!("{how}, {}, session {}", ago(now, at), line(&fire.id)));
        card.maybe("reason", fire.reason.as_deref().map(line));
    }
    card.maybe("prompt", automation.prompt.as_deref().map(text));
    card.write(out, screen)
}

fn watched(card: &mut Card, view: &AutomationView, now: i64) {
    let watched = &view.watched;
    if view.listed.value.trigger.every_ms().is_none() {
        return;
    }
    if let Some(at) = watched.looked_at {
        let value = watched.value.map_or("no data".to_owned(), |value| format!("{value}"));
        card.row("seen", format!("{value}, {}", ago(now, at)));
    }
    if let (None, Some(at)) = (watched.value, watched.seen_at) {
        card.row("last data", ago(now, at));
    }
    match watched.phase {
        Phase::Calm => {}
        Phase::Over { since } => drop(card.row("over", format!("since {}", moment(since)))),
        Phase::Fired { since } => {
            card.row("over", format!("since {}, and it fired", moment(since)));
        }
    }
    card.colored("error", Role::Warn, watched.error.as_deref().map(line).unwrap_or_default());
}

fn limits(limits: RunLimits) -> String {
    let part = |most: Option<u32>, what: &str| most.map(|most| format!("{most} {what}"));
    let parts: Vec<_> = [part(limits.per_hour, "an hour"), part(limits.per_day, "a day")]
        .into_iter()
        .flatten()
        .collect();
    parts.join(", ")
}

const FIRES: [Column; 6] = [
    Column::fixed("FIRE"),
    Column::fixed("AUTOMATION").dropped(2),
    Column::fixed("CAUSE").dropped(3),
    Column::fixed("DUE"),
    Column::fixed("STATE"),
    Column::wrapped("REASON", 20).dropped(1),
];

/// `automation history`. `now` is Unix milliseconds.
pub fn write_fires(
    out: &mut dyn Write,
    screen: &Screen,
    fires: &[Fire],
    now: i64,
) -> io::Result<()> {
    let row = |fire: &Fire| -> Vec<Piece> {
        let state = match (&fire.outcome, fire.state) {
            (Some(outcome), State::Done) => outcome.clone(),
            (_, state) => state.name().to_owned(),
        };
        let reason = fire.reason.clone().unwrap_or_else(|| fire.about.headline().to_owned());
        vec![
            Piece::new(Role::Name, line(&fire.id)),
            line(&fire.automation).into(),
            fire.cause.name().into(),
            format!("{}, {}", moment(fire.nominal_at), ago(now, fire.nominal_at)).into(),
            Piece::new(role(fire), state),
            line(&reason).into(),
        ]
    };
    let rows: Vec<_> = fires.iter().map(row).collect();
    if rows.is_empty() { Ok(()) } else { table::write(out, screen, &FIRES, &rows) }
}
