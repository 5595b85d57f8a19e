//! Rows: traces, hits, numbers, and whatever SQL answers.

use super::{bar, one_line, write_end, write_pieces, write_wrapped};
use crate::output::human::table::{self, Column, Piece};
use crate::output::sanitise::text;
use crate::output::style::{Role, Screen};
use crate::output::text::{cut, large, width, wrap};
use std::io::{self, Write};

/// `traces list`.
#[derive(Debug, Clone, Default)]
pub struct ListView {
    pub head: String,
    pub traces: Vec<TraceView>,
    pub notes: Vec<String>,
    pub next: String,
}

#[derive(Debug, Clone, Default)]
pub struct TraceView {
    pub id: String,
    pub name: String,
    /// `2026-03-09 10:12:33`.
    pub start: String,
    pub latency_ms: f64,
    pub latency: String,
    pub tokens: Option<u64>,
    pub cost: String,
    /// Spans in error.
    pub errors: u64,
    pub input: Option<String>,
}

/// As many digits of an id as mean one trace of some thousand, or where there is room of many more.
fn short(id: &str, wide: bool) -> &str {
    id.get(..if wide { 12 } else { 8 }).unwrap_or(id)
}

pub fn write_list(out: &mut dyn Write, screen: &Screen, view: &ListView) -> io::Result<()> {
    write_wrapped(out, screen, Role::Strong, &view.head)?;
    if !view.traces.is_empty() {
        writeln!(out)?;
        let wide = screen.width >= 110;
        let rows: Vec<Vec<String>> = view.traces.iter().map(|one| cells(one, wide)).collect();
        let heads = ["TRACE", "STARTED", "LATENCY", "", "TOKENS", "COST", "ERR", "INPUT"];
        let longest = view.traces.iter().map(|one| one.latency_ms).fold(0.0, f64::max);
        let bars = if wide { 14 } else { 5 };
        let widths: Vec<usize> = (0..heads.len())
            .map(|at| {
                let cells = rows.iter().map(|row| width(&row[at])).max().unwrap_or(0);
                if at == 3 { bars } else { cells.max(heads[at].len()) }
            })
            .collect();
        let head = heads.map(str::to_owned).to_vec();
        write_row(out, screen, &widths, &head, |_| Role::Aside)?;
        for (row, one) in rows.into_iter().zip(&view.traces) {
            let mut row = row;
            row[3] = bar(one.latency_ms / longest.max(f64::MIN_POSITIVE), bars);
            write_row(out, screen, &widths, &row, |at| role(at, one.errors > 0))?;
        }
    }
    write_end(out, screen, &view.notes, &view.next)
}

fn cells(one: &TraceView, wide: bool) -> Vec<String> {
    let start = if wide { one.start.as_str() } else { one.start.get(5..16).unwrap_or(&one.start) };
    let input = one.input.as_deref().map(one_line).filter(|input| !input.is_empty());
    let name = one_line(&one.name);
    let last = match (input, wide) {
        (Some(input), true) => format!("{name}: {input}"),
        (Some(input), false) => input,
        (None, _) => name,
    };
    vec![
        short(&one.id, wide).to_owned(),
        start.to_owned(),
        one.latency.clone(),
        String::new(),
        one.tokens.map_or_else(|| "-".to_owned(), large),
        one.cost.clone(),
        if one.errors == 0 { String::new() } else { one.errors.to_string() },
        last,
    ]
}

fn role(at: usize, failed: bool) -> Role {
    match at {
        0 => Role::Name,
        3 if failed => Role::Bad,
        3 => Role::Good,
        6 => Role::Bad,
        1 | 4 | 5 => Role::Aside,
        _ => Role::Plain,
    }
}

fn write_row(
    out: &mut dyn Write,
    screen: &Screen,
    widths: &[usize],
    row: &[String],
    role: impl Fn(usize) -> Role,
) -> io::Result<()> {
    let mut pieces = Vec::with_capacity(row.len() * 2);
    for (at, cell) in row.iter().enumerate() {
        let space = " ".repeat(widths[at].saturating_sub(width(cell)));
        let (before, after) = if matches!(at, 2 | 4 | 5 | 6) {
            (space, String::new())
        } else {
            (String::new(), space)
        };
        let last = at + 1 == row.len();
        pieces.push((Role::Plain, before));
        pieces.push((role(at), cell.clone()));
        let gap = if at == 2 { " " } else { "  " };
        pieces.push((Role::Plain, if last { String::new() } else { format!("{after}{gap}") }));
    }
    write_pieces(out, screen, &pieces)
}

/// One hit of `traces search`.
#[derive(Debug, Clone, Default)]
pub struct HitView {
    pub trace: String,
    pub span: String,
    pub start: String,
    pub kind: String,
    pub name: String,
    pub failed: bool,
    pub found_in: String,
    pub excerpt: String,
}

pub fn write_hits(
    out: &mut dyn Write,
    screen: &Screen,
    head: &str,
    hits: &[HitView],
    (notes, next): (&[String], &str),
) -> io::Result<()> {
    write_wrapped(out, screen, Role::Strong, head)?;
    for hit in hits {
        writeln!(out)?;
        let status = if hit.failed { "  ERROR" } else { "" };
        let pieces = [
            (Role::Name, short(&hit.trace, true).to_owned()),
            (Role::Aside, format!("  {}  ", hit.start)),
            (Role::Plain, format!("{} {}", hit.kind, one_line(&hit.name))),
            (Role::Bad, status.to_owned()),
            (Role::Aside, format!("  span {}", hit.span.get(..8).unwrap_or(&hit.span))),
        ];
        write_pieces(out, screen, &pieces)?;
        let excerpt = format!("{}: {}", hit.found_in, one_line(&hit.excerpt));
        for (_, piece) in wrap(&excerpt, screen.width.saturating_sub(2)) {
            writeln!(out, "  {piece}")?;
        }
    }
    write_end(out, screen, notes, next)
}

/// Named numbers: `traces stats`.
#[derive(Debug, Clone, Default)]
pub struct NumbersView {
    pub head: Vec<String>,
    /// What the rows are, and what is counted: the first two heads.
    pub what: String,
    pub counted: String,
    /// Name, count, errors, rate, p50, p95, p99, tokens, cost.
    pub rows: Vec<[String; 9]>,
    pub notes: Vec<String>,
    pub next: String,
}

const NUMBERS: [Column; 9] = [
    Column::wrapped("NAME", 12),
    Column::fixed("COUNT").right(),
    Column::fixed("ERRORS").right(),
    Column::fixed("RATE").right().dropped(1),
    Column::fixed("P50").right().dropped(3),
    Column::fixed("P95").right(),
    Column::fixed("P99").right().dropped(4),
    Column::fixed("TOKENS").right().dropped(2),
    Column::fixed("COST").right(),
];

pub fn write_numbers(out: &mut dyn Write, screen: &Screen, view: &NumbersView) -> io::Result<()> {
    for (at, head) in view.head.iter().enumerate() {
        write_wrapped(out, screen, if at == 0 { Role::Strong } else { Role::Plain }, head)?;
    }
    if !view.rows.is_empty() {
        writeln!(out)?;
        let counted = format!("by {}, counting {}", view.what, view.counted);
        write_wrapped(out, screen, Role::Aside, &counted)?;
    }
    let rows: Vec<Vec<Piece>> = view
        .rows
        .iter()
        .map(|row| {
            let failing = row[2] != "0";
            let role = |at| match at {
                0 => Role::Name,
                2 | 3 if failing => Role::Bad,
                2 | 3 => Role::Good,
                _ => Role::Plain,
            };
            row.iter().enumerate().map(|(at, cell)| Piece::new(role(at), one_line(cell))).collect()
        })
        .collect();
    if !rows.is_empty() {
        table::write(out, screen, &NUMBERS, &rows)?;
    }
    write_end(out, screen, &view.notes, &view.next)
}

/// One metric and how it went.
#[derive(Debug, Clone, Default)]
pub struct TrendView {
    pub metric: String,
    pub value: String,
    pub counted: String,
    pub note: Option<String>,
    /// Whether nothing is missing.
    pub complete: bool,
    /// Over time; none where there was nothing to count.
    pub points: Vec<Option<f64>>,
    /// What the lowest and highest point are, for people.
    pub range: Option<(String, String)>,
}

/// How a metric went, as a line of little bars; a gap where there is no value.
fn sparkline(points: &[Option<f64>], columns: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = &points[points.len().saturating_sub(columns)..];
    let highest = shown.iter().flatten().copied().fold(0.0, f64::max);
    let mark = |point: &Option<f64>| match point {
        None => '·',
        Some(value) if highest > 0.0 => {
            BARS[((value / highest * 7.0).round().clamp(0.0, 7.0)) as usize]
        }
        Some(_) => BARS[0],
    };
    shown.iter().map(mark).collect()
}

pub fn write_trends(
    out: &mut dyn Write,
    screen: &Screen,
    heads: &[String],
    trends: &[TrendView],
    next: &str,
) -> io::Result<()> {
    for (at, head) in heads.iter().enumerate() {
        write_wrapped(out, screen, if at == 0 { Role::Strong } else { Role::Plain }, head)?;
    }
    writeln!(out)?;
    let name = trends.iter().map(|one| width(&one.metric)).max().unwrap_or(0);
    let number = trends.iter().map(|one| width(&one.value)).max().unwrap_or(0);
    for one in trends {
        let metric = one_line(&one.metric);
        let space = " ".repeat(name.saturating_sub(width(&metric)));
        let value = if one.complete { Role::Plain } else { Role::Warn };
        let pieces = [
            (Role::Name, format!("{metric}{space}  ")),
            (value, format!("{:>number$}", one.value)),
            (Role::Aside, format!("  of {}", one.counted)),
        ];
        write_pieces(out, screen, &pieces)?;
        if !one.points.is_empty() {
            let range = one.range.as_ref();
            let range = range.map_or_else(String::new, |(low, high)| format!("  {low} to {high}"));
            let room = screen.width.saturating_sub(2 + width(&range));
            let line = sparkline(&one.points, room);
            let pieces = [(Role::Good, format!("  {line}")), (Role::Aside, range)];
            write_pieces(out, screen, &pieces)?;
        }
        if let Some(note) = &one.note {
            for (_, piece) in wrap(&one_line(note), screen.width.saturating_sub(2)) {
                writeln!(out, "  {}", screen.paint(Role::Warn, piece))?;
            }
        }
    }
    write_end(out, screen, &[], next)
}

/// Whatever was asked in SQL: a table where it fits, else a row below the other.
pub fn write_rows(
    out: &mut dyn Write,
    screen: &Screen,
    heads: &[String],
    rows: &[Vec<String>],
    (notes, next): (&[String], &str),
) -> io::Result<()> {
    const GAP: usize = 2;
    let heads: Vec<String> = heads.iter().map(|head| one_line(head)).collect();
    let clean: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let widths: Vec<usize> = (0..heads.len())
        .map(|at| clean.iter().map(|row| width(&row[at])).fold(width(&heads[at]), usize::max))
        .collect();
    let total: usize = widths.iter().map(|width| width + GAP).sum();
    if total <= screen.width + GAP {
        let padded = |cells: &[String], role: Role| -> Vec<(Role, String)> {
            let cell = |at: usize| {
                format!("{}{}", cells[at], " ".repeat(widths[at] - width(&cells[at]) + GAP))
            };
            (0..cells.len()).map(|at| (role, cell(at))).collect()
        };
        write_pieces(out, screen, &trimmed(padded(&heads, Role::Aside)))?;
        for row in &clean {
            write_pieces(out, screen, &trimmed(padded(row, Role::Plain)))?;
        }
    } else {
        let name = heads.iter().map(|head| width(head)).max().unwrap_or(0).min(24);
        for (at, row) in rows.iter().enumerate() {
            writeln!(out, "{}", screen.paint(Role::Aside, format!("row {}", at + 1)))?;
            for (head, cell) in heads.iter().zip(row) {
                write_field(out, screen, (head, name), cell)?;
            }
        }
    }
    write_end(out, screen, notes, next)
}

fn trimmed(mut pieces: Vec<(Role, String)>) -> Vec<(Role, String)> {
    if let Some((_, last)) = pieces.last_mut() {
        last.truncate(last.trim_end().len());
    }
    pieces
}

fn write_field(
    out: &mut dyn Write,
    screen: &Screen,
    (head, column): (&str, usize),
    cell: &str,
) -> io::Result<()> {
    let head = cut(head, column).into_owned();
    let mut lead = format!("  {head}{}  ", " ".repeat(column - width(&head)));
    let indent = column + 4;
    let cell = text(cell);
    for line in cell.lines().flat_map(|line| wrap(line, screen.width.saturating_sub(indent).max(8)))
    {
        writeln!(out, "{}{}", screen.paint(Role::Name, &lead), line.1.replace('\t', " "))?;
        lead = " ".repeat(indent);
    }
    if cell.is_empty() {
        writeln!(out, "{}", screen.paint(Role::Name, lead.trim_end()))?;
    }
    Ok(())
}
