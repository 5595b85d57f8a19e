//! Sessions: the list, and one of them on a card.

use super::artifacts;
use super::card::Card;
use super::table::{self, Column, Piece};
use super::transcript::usage_line;
use crate::domain::measure::show_usd;
use crate::domain::session::{End, Phase};
use crate::domain::turn::Outcome;
use crate::domain::words::Count;
use crate::output::sanitise::{line, text};
use crate::output::style::{Role, Screen};
use crate::output::text::{ago, cut, large, moment, more_lines, span};
use crate::output::view::{SessionView, TurnView};
use std::io::{self, Write};

const COLUMNS: [Column; 9] = [
    Column::fixed("ID"),
    Column::wrapped("NAME", 14).dropped(2),
    Column::fixed("PRESET"),
    Column::wrapped("PROJECT", 14).dropped(1),
    Column::fixed("PHASE"),
    Column::fixed("AGE"),
    Column::fixed("TURNS").right().dropped(4),
    Column::fixed("COST").right().dropped(3),
    Column::fixed("ARTIFACTS").right().dropped(5),
];

/// `session list`. `now` is Unix milliseconds.
pub fn write_list(
    out: &mut dyn Write,
    screen: &Screen,
    sessions: &[SessionView],
    now: i64,
) -> io::Result<()> {
    let ids = short_ids(sessions);
    let row = |(session, id): (&SessionView, &str)| -> Vec<Piece> {
        vec![
            Piece::new(Role::Name, line(id)),
            line(session.name.as_deref().unwrap_or_default()).into(),
            line(session.preset.as_deref().unwrap_or(&session.harness)).into(),
            line(session.project.as_deref().unwrap_or_default()).into(),
            Piece::new(role(session.phase), session.phase.name()),
            ago(now, session.created_at).into(),
            session.turn_count.to_string().into(),
            session.cost_usd.map(show_usd).unwrap_or_default().into(),
            session.artifact_count.to_string().into(),
        ]
    };
    let rows: Vec<_> = sessions.iter().zip(ids).map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    table::write(out, screen, &COLUMNS, &rows)
}

/// The shortest prefixes, of at least eight characters, that tell the listed ids apart.
fn short_ids(sessions: &[SessionView]) -> Vec<&str> {
    let prefix =
        |id: &'_ str, length: usize| id.char_indices().nth(length).map_or(id.len(), |(at, _)| at);
    let mut sorted: Vec<&str> = sessions.iter().map(|session| session.id.as_str()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let common =
        |pair: &[&str]| pair[0].chars().zip(pair[1].chars()).take_while(|(a, b)| a == b).count();
    let length = sorted.windows(2).map(|pair| common(pair) + 1).max().unwrap_or(0).max(8);
    sessions.iter().map(|session| &session.id[..prefix(&session.id, length)]).collect()
}

/// `session show`.
pub fn write_card(
    out: &mut dyn Write,
    screen: &Screen,
    session: &SessionView,
    now: i64,
) -> io::Result<()> {
    let name = session.name.as_deref().map(line).unwrap_or_default();
    let phase = screen.paint(role(session.phase), session.phase.name());
    let gap = if name.is_empty() { "" } else { "  " };
    let id = screen.paint(Role::Name, line(&session.id));
    writeln!(out, "session {id}{gap}{name}  {phase}")?;
    let mut card = Card::default();
    let reason = session.reason.as_deref().map(text);
    card.colored("reason", Role::Warn, reason.unwrap_or_default());
    card.maybe("preset", session.preset.as_deref().map(line));
    card.row("harness", line(&session.harness));
    let sandbox = session.sandbox_id.as_deref().map(|id| format!("{}, {}", session.sandbox, id));
    card.row("sandbox", line(sandbox.as_deref().unwrap_or(&session.sandbox)));
    card.maybe("project", session.project.as_deref().map(line));
    let labels: Vec<String> =
        session.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    card.row("labels", line(&labels.join(", ")));
    card.row(
        "started",
        format!("{}, {}", moment(session.created_at), ago(now, session.created_at)),
    );
    card.maybe("took", session.duration_ms().map(span));
    card.row("usage", usage_line(&session.usage, session.cost_usd, None));
    card.write(out, screen)?;
    for turn in &session.turns {
        writeln!(out)?;
        write_turn(out, screen, turn, now)?;
    }
    if !session.artifacts.is_empty() {
        writeln!(out, "\n{}", Count::of(session.artifacts.len(), "artifact"))?;
        artifacts::write(out, screen, &session.artifacts)?;
    }
    Ok(())
}

/// The first lines of its prompt, and how it went.
fn write_turn(out: &mut dyn Write, screen: &Screen, turn: &TurnView, now: i64) -> io::Result<()> {
    let (role, state) = match turn.outcome {
        Some(outcome) => (outcome_role(outcome), outcome.name()),
        None => (Role::Name, "running"),
    };
    let end = turn.ended_at.unwrap_or(now);
    let took = span(u64::try_from(end - turn.started_at).unwrap_or(0));
    writeln!(out, "turn {}  {}  {took}", turn.turn, screen.paint(role, state))?;
    let mut card = Card::default();
    let prompt = text(&turn.prompt);
    let mut lines = prompt.lines();
    let shown: Vec<_> = lines.by_ref().take(3).map(|line| cut(line, 400)).collect();
    let more = lines.count();
    card.row("prompt", shown.join("\n").trim_end());
    if more > 0 {
        card.colored("", Role::Aside, more_lines(more));
    }
    card.colored("reason", Role::Warn, turn.reason.as_deref().map(text).unwrap_or_default());
    if turn.usage.total() > 0 {
        card.row("usage", usage_line(&turn.usage, turn.cost_usd, None));
    }
    card.write(out, screen)
}

pub fn role(phase: Phase) -> Role {
    match phase {
        Phase::Provisioning | Phase::Running => Role::Name,
        Phase::Idle => Role::Plain,
        Phase::Finished(End::Succeeded) => Role::Good,
        Phase::Finished(End::Failed | End::Lost) => Role::Bad,
        Phase::Finished(End::Cancelled) => Role::Warn,
    }
}

pub fn outcome_role(outcome: Outcome) -> Role {
    match outcome {
        Outcome::Succeeded => Role::Good,
        Outcome::Failed | Outcome::Empty => Role::Bad,
        Outcome::Cancelled | Outcome::Limit | Outcome::Interrupted => Role::Warn,
    }
}

/// The first line of a session that begins.
pub fn write_title(out: &mut dyn Write, screen: &Screen, session: &SessionView) -> io::Result<()> {
    let id: String = session.id.chars().take(8).collect();
    let task = session.preset.as_deref().or(session.name.as_deref()).unwrap_or("ad hoc");
    let project = session.project.as_deref().map(|project| format!(" on {project}"));
    let project = project.unwrap_or_default();
    let aside = format!("{task}{project} · {} in {}", session.harness, session.sandbox);
    let name = session.name.as_deref().map(|name| format!("  {}", line(name))).unwrap_or_default();
    let id = screen.paint(Role::Name, line(&id));
    writeln!(out, "session {id}{name}  {}", screen.paint(Role::Aside, line(&aside)))
}

/// How a session stands: `session 7f3a9c21 succeeded after 12 s · 1 turn · $0.06`.
pub fn write_summary(
    out: &mut dyn Write,
    screen: &Screen,
    session: &SessionView,
) -> io::Result<()> {
    let (state_role, state) = match session.outcome {
        Some(outcome) => (outcome_role(outcome), ended(outcome)),
        None => (role(session.phase), session.phase.name()),
    };
    let id: String = session.id.chars().take(8).collect();
    let id = screen.paint(Role::Name, line(&id));
    write!(out, "session {id} {}", screen.paint(state_role, state))?;
    if let Some(ms) = session.duration_ms() {
        write!(out, " after {}", span(ms))?;
    }
    write!(out, " · {}", Count::of(session.turns.len(), "turn"))?;
    if session.usage.total() > 0 {
        write!(out, " · {} tokens", large(session.usage.total()))?;
    }
    if let Some(cost) = session.cost_usd {
        write!(out, " · {}", show_usd(cost))?;
    }
    writeln!(out)?;
    match session.reason.as_deref() {
        Some(reason) => writeln!(out, "  because: {}", line(reason)),
        None => Ok(()),
    }
}

fn ended(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Empty => "left no answer",
        Outcome::Cancelled => "was cancelled",
        Outcome::Limit => "hit a limit",
        Outcome::Interrupted => "was interrupted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::{at_both_widths, colored, noon, session, snapshot};

    fn several() -> Vec<SessionView> {
        let mut running = session();
        running.id = "7f3a9c21-5c00-4c7e-9d55-0a1b2c3d4e5f".into();
        running.name = None;
        running.phase = Phase::Running;
        running.preset = None;
        running.cost_usd = None;
        running.artifacts.clear();
        running.created_at = noon() + 200_000;
        let mut failed = session();
        failed.id = "01c8d2aa-5c00-4c7e-9d55-0a1b2c3d4e5f".into();
        failed.name = Some("a-rather-long-name-that-somebody-gave-to-it".into());
        failed.project = Some("checkout-assistant-production".into());
        failed.phase = Phase::Finished(End::Lost);
        failed.created_at = noon() - 172_800_000;
        vec![running, session(), failed]
    }

    #[test]
    fn lists() {
        at_both_widths("session-list", |screen, out| {
            write_list(out, screen, &several(), noon() + 240_000).unwrap();
        });
        let mut out = Vec::new();
        write_list(&mut out, &colored(80), &several(), noon() + 240_000).unwrap();
        snapshot("session-list-color", &String::from_utf8(out).unwrap());
    }

    #[test]
    fn cards() {
        at_both_widths("session-card", |screen, out| {
            write_card(out, screen, &session(), noon() + 240_000).unwrap();
        });
        at_both_widths("session-summary", |screen, out| {
            write_summary(out, screen, &session()).unwrap();
            let mut empty = session();
            empty.outcome = Some(Outcome::Empty);
            empty.reason = Some("it ended well but left no answer".into());
            write_summary(out, screen, &empty).unwrap();
        });
    }

    #[test]
    fn prefixes_tell_ids_apart() {
        let sessions = several();
        assert_eq!(short_ids(&sessions), ["7f3a9c21-5c", "7f3a9c21-5b", "01c8d2aa-5c"]);
        assert_eq!(short_ids(&sessions[1..]), ["7f3a9c21", "01c8d2aa"]);
        assert!(short_ids(&[]).is_empty());
    }
}
