//! Every requirement, its state, and the command that mends it.

use crate::output::sanitise::line;
use crate::output::style::{Role, Screen};
use crate::output::text;
use crate::output::view::{DoctorRow, DoctorState};
use std::io::{self, Write};

/// Not a table: what is to be typed stands on a line of its own, whole.
pub fn write(out: &mut dyn Write, screen: &Screen, rows: &[DoctorRow]) -> io::Result<()> {
    let widest = rows.iter().map(|row| text::width(&line(&row.requirement))).max().unwrap_or(0);
    let indent = 2 + widest.min(30) + 2;
    let room = screen.width.saturating_sub(indent + 10).max(20);
    for row in rows {
        let (role, mark) = match row.state {
            DoctorState::Ready => (Role::Good, "✓"),
            DoctorState::Optional => (Role::Warn, "-"),
            DoctorState::Missing => (Role::Bad, "✗"),
        };
        let name = line(&row.requirement);
        let gap = (indent - 2).saturating_sub(text::width(&name)).max(2);
        write!(out, "{} {name}{:gap$}", screen.paint(role, mark), "")?;
        write!(out, "{}", screen.paint(role, format!("{:10}", row.state.name())))?;
        let detail = line(row.detail.trim());
        for (index, (hang, piece)) in text::wrap(&detail, room).into_iter().enumerate() {
            let indent = if index == 0 { 0 } else { indent + 10 + hang };
            writeln!(out, "{:indent$}{piece}", "")?;
        }
        if let Some(mend) = &row.mend {
            writeln!(
                out,
                "{:indent$}{} {}",
                "",
                screen.paint(Role::Aside, "run:"),
                screen.paint(Role::Name, line(mend))
            )?;
        }
    }
    Ok(())
}

/// One row of several that are told one after the other.
pub fn write_next(out: &mut dyn Write, screen: &Screen, row: &DoctorRow) -> io::Result<()> {
    let requirement = format!("{:12}", row.requirement);
    write(out, screen, &[DoctorRow { requirement, ..row.clone() }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::at_both_widths;

    #[test]
    fn states() {
        let row = |requirement: &str, state, detail: &str, mend: Option<&str>| DoctorRow {
            requirement: requirement.into(),
            state,
            detail: detail.into(),
            mend: mend.map(Into::into),
        };
        let rows = [
            row(
                "Docker",
                DoctorState::Missing,
                "cannot reach it at `/var/run/docker.sock`: permission denied",
                Some("sudo usermod -aG docker $USER"),
            ),
            row("bubblewrap", DoctorState::Ready, "0.8.0, user namespaces work", None),
            row("git", DoctorState::Ready, "2.39.5", None),
            row(
                "secret ANTHROPIC_API_KEY",
                DoctorState::Optional,
                "not set; the presets `investigate`, `fix` and `regression` need it",
                Some("loop secret set ANTHROPIC_API_KEY"),
            ),
        ];
        at_both_widths("doctor", |screen, out| write(out, screen, &rows).unwrap());
    }
}
