//! Signal for people: its issues in a table, one on a card, how it stands, and what a run came to.

mod issue;
mod status;
#[cfg(test)]
mod tests;

pub use issue::write_issue;
pub use status::{write_run, write_status};

use super::table::{self, Column, Piece};
use crate::domain::issue::{Issue, State};
use crate::output::sanitise::line;
use crate::output::style::{Role, Screen};
use crate::output::text::ago;
use crate::output::view::KnownIssue;
use std::io::{self, Write};

const COLUMNS: [Column; 8] = [
    Column::fixed("ID"),
    Column::wrapped("STATE", 9),
    Column::fixed("SEVERITY"),
    Column::wrapped("ISSUE", 30),
    Column::fixed("TRACES").right(),
    Column::fixed("TREND").dropped(1),
    Column::fixed("LAST SEEN").dropped(2),
    Column::fixed("PROJECT").dropped(3),
];

/// `signal issues`, in the order given.
pub fn write_issues(
    out: &mut dyn Write,
    screen: &Screen,
    issues: &[KnownIssue],
    now: i64,
) -> io::Result<()> {
    let first = issues.first().map(|known| &known.issue.project);
    let several = issues.iter().any(|known| Some(&known.issue.project) != first);
    let row = |known: &KnownIssue| {
        let issue = &known.issue;
        vec![
            Piece::new(Role::Name, line(&issue.id)),
            Piece::new(role(issue.life.state), issue.life.state.name()),
            Piece::new(severity_role(issue), line(&issue.told.severity)),
            line(issue.told.title.trim()).into(),
            issue.hits.to_string().into(),
            Piece::new(Role::Aside, line(&issue.told.trend)),
            Piece::new(Role::Aside, ago(now, issue.last_us / 1_000)),
            Piece::new(Role::Aside, if several { line(&issue.project) } else { "".into() }),
        ]
    };
    let rows: Vec<_> = issues.iter().map(row).collect();
    if rows.is_empty() { Ok(()) } else { table::write(out, screen, &COLUMNS, &rows) }
}

fn role(state: State) -> Role {
    match state {
        State::Open | State::Investigating => Role::Warn,
        State::Regressed => Role::Bad,
        State::FixProposed | State::Merged => Role::Name,
        State::VerifiedGone | State::Resolved => Role::Good,
        State::Muted => Role::Aside,
    }
}

fn severity_role(issue: &Issue) -> Role {
    match issue.told.severity.as_str() {
        "high" => Role::Bad,
        "medium" => Role::Warn,
        _ => Role::Aside,
    }
}

/// Counts as a row of blocks, the highest the tallest; zero is the lowest.
fn bars(counts: impl IntoIterator<Item = u64>) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let counts: Vec<u64> = counts.into_iter().collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts.iter().map(|count| BLOCKS[(count * 7).div_ceil(most).min(7) as usize]).collect()
}
