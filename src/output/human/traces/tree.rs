//! One trace as a tree with bars of when each span ran, and one span whole.

use super::{one_line, write_end, write_pieces, write_wrapped};
use crate::output::human::card::Card;
use crate::output::sanitise::{line, text};
use crate::output::style::{Role, Screen};
use crate::output::text::{self as measure, width};
use std::io::{self, Write};

/// `traces show`.
#[derive(Debug, Clone, Default)]
pub struct TreeView {
    pub id: String,
    pub name: String,
    /// Spans in error.
    pub errors: u64,
    pub latency_ms: f64,
    pub latency: String,
    /// Tokens, cost, start, session and the like: `2,310 tokens`.
    pub facts: Vec<String>,
    pub spans: Vec<TreeSpan>,
    pub notes: Vec<String>,
    pub next: String,
}

#[derive(Debug, Clone, Default)]
pub struct TreeSpan {
    /// The branches before it, and before what is told below it.
    pub guide: String,
    pub below: String,
    pub id: String,
    pub kind: String,
    pub name: String,
    pub offset_ms: f64,
    pub latency_ms: f64,
    pub latency: String,
    pub failed: bool,
    /// Model, tokens, cost.
    pub facts: Vec<String>,
    pub error: Option<String>,
    pub input: Option<String>,
    pub output: Option<String>,
}

pub fn write_tree(out: &mut dyn Write, screen: &Screen, view: &TreeView) -> io::Result<()> {
    let status = match view.errors {
        0 => (Role::Good, "ok".to_owned()),
        errors => (Role::Bad, format!("ERROR ({errors})")),
    };
    let pieces = [
        (Role::Name, view.id.clone()),
        (Role::Strong, format!("  {}", one_line(&view.name))),
        (Role::Plain, "  ".to_owned()),
        status,
    ];
    write_pieces(out, screen, &pieces)?;
    write_facts(out, screen, &view.facts)?;
    writeln!(out)?;
    let bars = if screen.width >= 120 { 28 } else { 14 };
    write_scale(out, screen, bars, &view.latency)?;
    for span in &view.spans {
        write_branch(out, screen, span, (bars, view.latency_ms))?;
    }
    write_end(out, screen, &view.notes, &view.next)
}

/// Side by side, each whole where it fits a line.
fn write_facts(out: &mut dyn Write, screen: &Screen, facts: &[String]) -> io::Result<()> {
    let mut row = String::new();
    for fact in facts.iter().map(|fact| one_line(fact)) {
        if !row.is_empty() && width(&row) + 2 + width(&fact) > screen.width {
            write_wrapped(out, screen, Role::Aside, &std::mem::take(&mut row))?;
        }
        if !row.is_empty() {
            row.push_str("  ");
        }
        row.push_str(&fact);
    }
    write_wrapped(out, screen, Role::Aside, &row)
}

/// What the ends of the bars are.
fn write_scale(out: &mut dyn Write, screen: &Screen, bars: usize, end: &str) -> io::Result<()> {
    let space = bars.saturating_sub(1 + width(end));
    writeln!(out, "{}", screen.paint(Role::Aside, format!("0{}{end}", " ".repeat(space))))
}

fn write_branch(
    out: &mut dyn Write,
    screen: &Screen,
    span: &TreeSpan,
    (bars, whole_ms): (usize, f64),
) -> io::Result<()> {
    let (before, during, after) = stretch(span, bars, whole_ms);
    let bar = if span.failed { Role::Bad } else { Role::Good };
    let id = span.id.get(..8).unwrap_or(&span.id);
    let facts: String = span.facts.iter().map(|fact| format!("  {}", line(fact))).collect();
    let mut pieces = vec![
        (Role::Aside, "·".repeat(before)),
        (bar, "█".repeat(during)),
        (Role::Aside, format!("{} {:>8}  {}", "·".repeat(after), span.latency, span.guide)),
        (Role::Plain, format!("{} ", span.kind)),
        (Role::Strong, one_line(&span.name)),
        (Role::Bad, if span.failed { "  ERROR" } else { "" }.to_owned()),
        (Role::Aside, facts),
    ];
    // The id stays: it is what one types next.
    let room = screen.width.saturating_sub(width(id) + 2);
    fit(&mut pieces, room);
    pieces.push((Role::Name, format!("  {id}")));
    write_pieces(out, screen, &pieces)?;
    let lead = format!("{:1$}{2}   ", "", bars + 11, span.below);
    let error = span.error.as_ref().map(|error| ("error", error, Role::Bad));
    let told = [("in", &span.input), ("out", &span.output)];
    let told =
        told.into_iter().filter_map(|(label, value)| Some((label, value.as_ref()?, Role::Aside)));
    for (label, value, role) in told.chain(error) {
        let pieces = [(Role::Aside, lead.clone()), (role, format!("{label}: {}", one_line(value)))];
        write_pieces(out, screen, &pieces)?;
    }
    Ok(())
}

/// Cuts pieces so that all together are at most so wide.
fn fit(pieces: &mut [(Role, String)], mut room: usize) {
    for (_, text) in pieces {
        let fitting = if room == 0 { String::new() } else { measure::cut(text, room).into_owned() };
        room = room.saturating_sub(width(&fitting));
        *text = fitting;
    }
}

/// Columns before a span runs, while it does, and after.
fn stretch(span: &TreeSpan, bars: usize, whole_ms: f64) -> (usize, usize, usize) {
    if whole_ms <= 0.0 {
        return (0, bars, 0);
    }
    let at = |ms: f64| ((ms / whole_ms * bars as f64).max(0.0) as usize).min(bars);
    let from = at(span.offset_ms).min(bars - 1);
    let to = at(span.offset_ms + span.latency_ms).max(from + 1);
    (from, to - from, bars - to)
}

/// `traces show --span`.
#[derive(Debug, Clone, Default)]
pub struct WholeView {
    pub trace: String,
    pub span: SpanView,
    pub notes: Vec<String>,
    pub next: String,
}

#[derive(Debug, Clone, Default)]
pub struct SpanView {
    pub id: String,
    pub kind: String,
    pub name: String,
    pub failed: bool,
    /// Name and value.
    pub facts: Vec<(&'static str, String)>,
    pub error: Option<String>,
    /// A heading and a text: input, output, messages. JSON is shown with line breaks.
    pub texts: Vec<(String, String)>,
    pub attributes: Vec<(String, String)>,
    pub events: Vec<EventView>,
}

#[derive(Debug, Clone, Default)]
pub struct EventView {
    pub name: String,
    pub time: String,
    pub attributes: Vec<(String, String)>,
}

pub fn write_span(out: &mut dyn Write, screen: &Screen, view: &WholeView) -> io::Result<()> {
    let span = &view.span;
    let pieces = [
        (Role::Name, span.id.clone()),
        (Role::Plain, format!("  {} ", span.kind)),
        (Role::Strong, one_line(&span.name)),
        (Role::Bad, if span.failed { "  ERROR" } else { "" }.to_owned()),
    ];
    write_pieces(out, screen, &pieces)?;
    let mut card = Card::default();
    card.row("trace", line(&view.trace));
    for (name, value) in &span.facts {
        card.row(name, line(value));
    }
    if let Some(error) = &span.error {
        card.colored("error", Role::Bad, text(error));
    }
    card.write(out, screen)?;
    for (heading, body) in &span.texts {
        writeln!(out, "\n{}", screen.paint(Role::Strong, line(heading)))?;
        write_text(out, screen, &pretty(body))?;
    }
    write_pairs(out, screen, "attributes", &span.attributes)?;
    for event in &span.events {
        let heading = format!("event {} at {}", one_line(&event.name), event.time);
        write_pairs(out, screen, &heading, &event.attributes)?;
    }
    write_end(out, screen, &view.notes, &view.next)
}

/// JSON with line breaks, anything else as it is.
fn pretty(body: &str) -> String {
    let json = body.trim_start();
    let parsed = if json.starts_with(['{', '[']) {
        serde_json::from_str::<serde_json::Value>(json).ok()
    } else {
        None
    };
    let printed = parsed.and_then(|value| serde_json::to_string_pretty(&value).ok());
    printed.unwrap_or_else(|| body.to_owned())
}

fn write_text(out: &mut dyn Write, screen: &Screen, body: &str) -> io::Result<()> {
    let room = screen.width.saturating_sub(2).max(8);
    for part in text(body).lines() {
        for (indent, piece) in measure::wrap(&measure::untab(part), room) {
            writeln!(out, "  {:indent$}{piece}", "")?;
        }
    }
    Ok(())
}

fn write_pairs(
    out: &mut dyn Write,
    screen: &Screen,
    heading: &str,
    pairs: &[(String, String)],
) -> io::Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", screen.paint(Role::Strong, line(heading)))?;
    for (key, value) in pairs {
        let pair = format!("{} = {}", one_line(key), one_line(value));
        for (at, (_, piece)) in
            measure::wrap(&pair, screen.width.saturating_sub(4).max(8)).into_iter().enumerate()
        {
            writeln!(out, "  {}{piece}", if at == 0 { "" } else { "  " })?;
        }
    }
    Ok(())
}
