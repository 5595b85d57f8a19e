//! Tables that fit their screen.
//!
//! A table that is too wide first drops columns by priority, then wraps those that may be wrapped.
//! Nothing is cut: a cell that is shown is shown whole, so that ids and paths can be copied.

use crate::output::style::{Role, Screen};
use crate::output::text::{self, width};
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width,
};
use std::io::{self, Write};

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    head: &'static str,
    /// Columns of the highest number go first; 0 stays.
    drop: u8,
    /// How narrow it may be wrapped.
    wrap: Option<usize>,
    right: bool,
}

impl Column {
    /// A column that always stays whole.
    pub const fn fixed(head: &'static str) -> Self {
        Self { head, drop: 0, wrap: None, right: false }
    }

    /// A column that may be wrapped, down to a width.
    pub const fn wrapped(head: &'static str, narrowest: usize) -> Self {
        Self { head, drop: 0, wrap: Some(narrowest), right: false }
    }

    /// May be left out, before those of lower numbers.
    pub const fn dropped(self, drop: u8) -> Self {
        Self { drop, ..self }
    }

    pub const fn right(self) -> Self {
        Self { right: true, ..self }
    }
}

/// A cell: sanitised text, in a role.
#[derive(Debug, Clone)]
pub struct Piece {
    pub text: String,
    pub role: Role,
}

impl Piece {
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { text: text.into(), role }
    }

    fn width(&self) -> usize {
        self.text.lines().map(width).max().unwrap_or(0)
    }
}

impl<T: Into<String>> From<T> for Piece {
    fn from(text: T) -> Self {
        Self::new(Role::Plain, text)
    }
}

const GAP: usize = 2;

/// Writes a table without lines. Columns that are empty throughout are left out.
pub fn write(
    out: &mut dyn Write,
    screen: &Screen,
    columns: &[Column],
    rows: &[Vec<Piece>],
) -> io::Result<()> {
    let shown = chosen(screen.width, columns, rows);
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let total: usize = shown.iter().map(|(_, width)| width + GAP).sum();
    table.set_width(u16::try_from(total).unwrap_or(u16::MAX));
    if screen.color {
        table.enforce_styling().style_text_only();
    } else {
        table.force_no_tty();
    }
    table.set_header(shown.iter().map(|(index, _)| {
        let column = columns[*index];
        aligned(Cell::new(column.head).add_attribute(Attribute::Dim), column.right)
    }));
    for row in rows {
        table.add_row(shown.iter().map(|(index, width)| {
            let piece = &row[*index];
            let text = wrapped(&piece.text, *width);
            aligned(painted(Cell::new(text), piece.role), columns[*index].right)
        }));
    }
    for (at, (_, width)) in shown.iter().enumerate() {
        if let Some(column) = table.column_mut(at) {
            column.set_padding((0, GAP as u16));
            let width = Width::Fixed((width + GAP) as u16);
            column.set_constraint(ColumnConstraint::Absolute(width));
        }
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Broken where names and paths have joints, which the table itself does not know of.
fn wrapped(text: &str, width: usize) -> String {
    let lines = text.lines().flat_map(|line| text::wrap(line, width));
    let lines = lines.map(|(indent, piece)| format!("{:indent$}{piece}", ""));
    lines.collect::<Vec<_>>().join("\n")
}

fn aligned(cell: Cell, right: bool) -> Cell {
    cell.set_alignment(if right { CellAlignment::Right } else { CellAlignment::Left })
}

fn painted(cell: Cell, role: Role) -> Cell {
    match role {
        Role::Plain => cell,
        Role::Name => cell.fg(Color::DarkCyan),
        Role::Link => cell.add_attribute(Attribute::Underlined),
        Role::Good => cell.fg(Color::DarkGreen),
        Role::Bad => cell.fg(Color::DarkRed),
        Role::Warn => cell.fg(Color::DarkYellow),
        Role::Aside => cell.add_attribute(Attribute::Dim),
        Role::Strong => cell.add_attribute(Attribute::Bold),
    }
}

/// Which columns are shown, and how wide.
fn chosen(room: usize, columns: &[Column], rows: &[Vec<Piece>]) -> Vec<(usize, usize)> {
    let natural = |index: usize| rows.iter().map(|row| row[index].width()).max().unwrap_or(0);
    let mut shown: Vec<(usize, usize)> = (0..columns.len())
        .map(|index| (index, natural(index)))
        .filter(|(_, natural)| *natural > 0)
        .map(|(index, natural)| (index, natural.max(columns[index].head.len())))
        .collect();
    let least = |(index, natural): &(usize, usize)| match columns[*index].wrap {
        Some(narrowest) => (*natural).min(narrowest.max(columns[*index].head.len())),
        None => *natural,
    };
    let needed = |shown: &[(usize, usize)]| -> usize {
        shown.iter().map(&least).sum::<usize>() + GAP * shown.len().saturating_sub(1)
    };
    while needed(&shown) > room {
        let droppable = shown.iter().enumerate().max_by_key(|(_, (index, _))| columns[*index].drop);
        match droppable {
            Some((at, (index, _))) if columns[*index].drop > 0 => shown.remove(at),
            _ => break,
        };
    }
    // What is left over goes to the wrapped columns, the narrowest first.
    let mut spare = room.saturating_sub(needed(&shown));
    let mut wide: Vec<(usize, usize)> =
        shown.iter().map(|column| (column.0, least(column))).collect();
    while spare > 0 {
        let next =
            (0..wide.len()).filter(|at| wide[*at].1 < shown[*at].1).min_by_key(|at| wide[*at].1);
        let Some(next) = next else { break };
        wide[next].1 += 1;
        spare -= 1;
    }
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_go_by_priority_and_the_rest_wraps() {
        const COLUMNS: [Column; 4] = [
            Column::fixed("ID"),
            Column::wrapped("TEXT", 10),
            Column::fixed("AGE").dropped(1),
            Column::fixed("NOTE").dropped(2),
        ];
        #[track_caller]
        fn check(room: usize, expected: &[(usize, usize)]) {
            let row =
                |text: &str| vec!["12345678".into(), text.into(), "3 m ago".into(), "note".into()];
            assert_eq!(chosen(room, &COLUMNS, &[row("x"), row(&"word ".repeat(6))]), expected);
        }
        check(100, &[(0, 8), (1, 30), (2, 7), (3, 4)]);
        check(45, &[(0, 8), (1, 20), (2, 7), (3, 4)]);
        check(30, &[(0, 8), (1, 11), (2, 7)]);
        check(20, &[(0, 8), (1, 10)]);
        check(5, &[(0, 8), (1, 10)]);
    }
}
