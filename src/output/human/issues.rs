//! Recurring failures, ranked.

use super::table::{self, Column, Piece};
use crate::output::sanitise::line;
use crate::output::style::{Role, Screen};
use crate::output::view::IssueView;
use std::io::{self, Write};

const COLUMNS: [Column; 7] = [
    Column::fixed("#").right(),
    Column::fixed("SEVERITY"),
    Column::wrapped("ISSUE", 40),
    Column::fixed("TRACES").right(),
    Column::fixed("SHARE").right().dropped(3),
    Column::fixed("TREND").dropped(1),
    Column::fixed("EXAMPLE").dropped(2),
];

/// Characters of an example's id: enough to name a trace by.
const PREFIX: usize = 12;

pub fn write(out: &mut dyn Write, screen: &Screen, issues: &[IssueView]) -> io::Result<()> {
    let rows: Vec<_> = issues.iter().map(row).collect();
    if rows.is_empty() { Ok(()) } else { table::write(out, screen, &COLUMNS, &rows) }
}

fn row(issue: &IssueView) -> Vec<Piece> {
    let example = issue.examples.first().map(String::as_str).unwrap_or_default();
    let example: String = example.chars().take(PREFIX).collect();
    let severity = issue.severity.as_deref().unwrap_or_default();
    let role = match severity {
        "high" => Role::Bad,
        "medium" => Role::Warn,
        _ => Role::Aside,
    };
    vec![
        issue.rank.to_string().into(),
        Piece::new(role, line(severity)),
        line(issue.title.trim()).into(),
        issue.traces.to_string().into(),
        issue.share.map(share).unwrap_or_default().into(),
        Piece::new(Role::Aside, line(issue.trend.as_deref().unwrap_or_default())),
        Piece::new(Role::Name, line(&example)),
    ]
}

fn share(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 1.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::{at_both_widths, colored, snapshot};

    fn issues() -> Vec<IssueView> {
        let issue = |rank, title: &str, traces, share, example: &str| IssueView {
            rank,
            id: None,
            title: title.into(),
            traces,
            share,
            examples: vec![example.into()],
            severity: Some(if rank == 1 { "high" } else { "medium" }.into()),
            trend: (rank < 3).then(|| "rising".into()),
            ..IssueView::default()
        };
        vec![
            issue(
                1,
                "`lookup_order` times out after 4000 ms and is not tried again",
                31,
                Some(0.145),
                "4bf92f3577b34da6a3ce929d0e0e4736",
            ),
            issue(
                2,
                "RateLimitError: 429 from model `gpt-5-mini`",
                9,
                Some(0.042),
                "9c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f",
            ),
            issue(
                3,
                "JSONDecodeError in `parse_refund`: expecting value, line 1 column 1",
                1,
                Some(0.0047),
                "00aa11bb22cc33dd44ee55ff66778899",
            ),
        ]
    }

    #[test]
    fn ranked() {
        at_both_widths("issues", |screen, out| write(out, screen, &issues()).unwrap());
        let mut out = Vec::new();
        write(&mut out, &colored(80), &issues()).unwrap();
        snapshot("issues-color", &String::from_utf8(out).unwrap());
    }
}
