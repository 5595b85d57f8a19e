//! Traces for people: lists with bars, trees against time, spans whole, tables of numbers.
//!
//! What a model reads is made elsewhere, from the same answers. Text in the views is untrusted and
//! goes through the one door here; every line fits the screen.

mod rows;
mod tree;

pub use rows::{HitView, NumbersView, write_numbers};
pub use rows::{ListView, TraceView, TrendView, write_hits, write_list, write_rows, write_trends};
pub use tree::{EventView, SpanView, TreeSpan, TreeView, WholeView, write_span, write_tree};

use crate::output::sanitise::line;
use crate::output::style::{Role, Screen};
use crate::output::text::{cut, width};
use std::io::{self, Write};

/// White space runs become one space, and nothing is left that could steer a terminal.
fn one_line(text: &str) -> String {
    line(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// Pieces in their roles, the last of them cut so that all fit the screen.
fn write_pieces(out: &mut dyn Write, screen: &Screen, pieces: &[(Role, String)]) -> io::Result<()> {
    let mut room = screen.width;
    for (role, text) in pieces {
        if room == 0 {
            break;
        }
        let text = line(text);
        let text = cut(&text, room);
        room = room.saturating_sub(width(&text));
        if !text.is_empty() {
            write!(out, "{}", screen.paint(*role, text))?;
        }
    }
    writeln!(out)
}

/// What follows the rows: what was left out, and what to type next.
fn write_end(out: &mut dyn Write, screen: &Screen, notes: &[String], next: &str) -> io::Result<()> {
    if !notes.is_empty() || !next.is_empty() {
        writeln!(out)?;
    }
    for note in notes.iter().flat_map(|note| note.lines()) {
        write_wrapped(out, screen, Role::Aside, note)?;
    }
    if next.is_empty() {
        return Ok(());
    }
    let next = line(next);
    writeln!(out, "{} {}", screen.paint(Role::Aside, "next:"), screen.paint(Role::Name, next))
}

fn write_wrapped(out: &mut dyn Write, screen: &Screen, role: Role, text: &str) -> io::Result<()> {
    for (indent, piece) in crate::output::text::wrap(&line(text), screen.width) {
        writeln!(out, "{:indent$}{}", "", screen.paint(role, piece))?;
    }
    Ok(())
}

/// A bar from the left, to an eighth of a column.
fn bar(share: f64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let eighths = ((share * columns as f64 * 8.0).round() as usize).max(1);
    let text = format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]);
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(&text))))
}

#[cfg(test)]
mod tests;
