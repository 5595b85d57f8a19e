//! Where workers can run: a table of them, and one of them whole.

use super::card::Card;
use super::doctor;
use super::table::{self, Column, Piece};
use crate::domain::options::Opt;
use crate::output::sanitise::line;
use crate::output::style::{Role, Screen};
use crate::output::text;
use crate::output::view::{DoctorState, ProviderView};
use std::io::{self, Write};

const COLUMNS: [Column; 5] = [
    Column::fixed("NAME"),
    Column::fixed("STATE"),
    Column::wrapped("RUNS WORKERS IN", 20).dropped(2),
    Column::wrapped("CAN", 16).dropped(1),
    Column::wrapped("LACKS", 24),
];

pub fn write_list(
    out: &mut dyn Write,
    screen: &Screen,
    providers: &[ProviderView],
) -> io::Result<()> {
    let rows: Vec<Vec<Piece>> = providers.iter().map(row).collect();
    table::write(out, screen, &COLUMNS, &rows)
}

fn row(view: &ProviderView) -> Vec<Piece> {
    let about = &view.about;
    let lacks = view.needs.iter().filter(|need| need.state != DoctorState::Ready);
    let lacks: Vec<String> =
        lacks.map(|need| line(&format!("{}: {}", need.requirement, need.detail)).into()).collect();
    let (role, state) =
        if view.is_ready() { (Role::Good, "ready") } else { (Role::Warn, "not here") };
    vec![
        Piece::new(Role::Name, about.name.to_owned()),
        Piece::new(role, state.to_owned()),
        about.runs_in.to_owned().into(),
        Piece::new(Role::Aside, can(view)),
        lacks.join("\n").into(),
    ]
}

fn can(view: &ProviderView) -> String {
    let can: Vec<String> = view.about.able.iter().map(ToString::to_string).collect();
    can.join(", ")
}

pub fn write_one(out: &mut dyn Write, screen: &Screen, view: &ProviderView) -> io::Result<()> {
    let about = &view.about;
    writeln!(out, "provider {}", screen.paint(Role::Name, about.name))?;
    let mut card = Card::default();
    card.row("runs in", about.runs_in);
    card.row("can", can(view));
    card.write(out, screen)?;
    writeln!(out)?;
    doctor::write(out, screen, &view.needs)?;
    if about.options.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", screen.paint(Role::Aside, format!("[sandbox.{}]", about.name)))?;
    about.options.iter().try_for_each(|opt| write_option(out, screen, opt))
}

/// As it is written in a file, with what it is beside it, or below where there is no room.
fn write_option(out: &mut dyn Write, screen: &Screen, opt: &Opt) -> io::Result<()> {
    const BESIDE: usize = 30;
    let line = format!("{} = {}", opt.name, opt.shape.example());
    let help = if opt.required { format!("{} (required)", opt.help) } else { opt.help.to_owned() };
    write!(out, "{line}")?;
    let mut at = text::width(&line);
    let room = screen.width.saturating_sub(BESIDE + 2).max(20);
    for (hang, piece) in text::wrap(&help, room) {
        if at >= BESIDE {
            writeln!(out)?;
            at = 0;
        }
        let indent = BESIDE + hang - at;
        writeln!(out, "{:indent$}{}", "", screen.paint(Role::Aside, format!("# {piece}")))?;
        at = 0;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::options::Shape;
    use crate::domain::provider::{Ability, About};
    use crate::output::testing::at_both_widths;
    use crate::output::view::DoctorRow;

    const OPTIONS: [Opt; 2] = [
        Opt { name: "host", shape: Shape::Text, required: true, help: "where" },
        Opt { name: "engine", shape: Shape::Name(&["a", "b"]), required: false, help: "which" },
    ];

    fn views() -> Vec<ProviderView> {
        let need = |requirement: &str, state, detail: &str, mend: Option<&str>| DoctorRow {
            requirement: requirement.into(),
            state,
            detail: detail.into(),
            mend: mend.map(Into::into),
        };
        let about = About {
            name: "far",
            runs_in: "containers of another machine",
            able: &[Ability::AnyHarness, Ability::Images, Ability::Automations],
            options: &OPTIONS,
        };
        let engine = need("engine", DoctorState::Ready, "20.10", None);
        let host = need(
            "the host",
            DoctorState::Optional,
            "it does not answer at build1.example.com:22",
            Some("ssh build1.example.com"),
        );
        vec![
            ProviderView {
                about: About { name: "near", options: &[], ..about },
                needs: vec![engine.clone()],
            },
            ProviderView { about, needs: vec![engine, host] },
        ]
    }

    #[test]
    fn all_of_them() {
        at_both_widths("providers", |screen, out| write_list(out, screen, &views()).unwrap());
    }

    #[test]
    fn one_of_them() {
        at_both_widths("provider", |screen, out| write_one(out, screen, &views()[1]).unwrap());
    }
}
