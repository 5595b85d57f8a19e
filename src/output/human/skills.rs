//! What a custom skill installs.

use super::card::Card;
use crate::domain::measure::show_size;
use crate::domain::words::Count;
use crate::output::sanitise::line;
use crate::output::style::{Role, Screen};
use crate::output::view::PackView;
use std::io::{self, Write};

/// Files that are named; of more, how many.
const NAMED: usize = 20;

pub fn write(out: &mut dyn Write, screen: &Screen, view: &PackView) -> io::Result<()> {
    writeln!(out, "skill {}", screen.paint(Role::Name, line(&view.skill)))?;
    let mut card = Card::default();
    let within = view.path.as_ref().map_or_else(String::new, |path| format!(", {path}"));
    let rev = view.rev.as_ref().map_or_else(String::new, |rev| format!(" at {rev}"));
    card.row("source", line(&format!("{}{rev}{within}", view.git)));
    card.maybe("commit", view.commit.as_deref().map(line));
    card.row("content", format!("sha256 {}", &view.digest[..12.min(view.digest.len())]));
    let (role, agreed) = match &view.agreed {
        None => (Role::Warn, "never"),
        Some(agreed) if *agreed == view.digest => (Role::Good, "to just this"),
        Some(_) => (Role::Warn, "to something else: it has changed"),
    };
    card.colored("agreed", role, agreed);
    for skill in &view.skills {
        let size = format!("{}, {}", Count::of(skill.files, "file"), show_size(skill.bytes as u64));
        card.row("installs", line(&format!("{} ({size}): {}", skill.folder, skill.description)));
    }
    let named: Vec<_> = view.files.iter().take(NAMED).map(|file| line(file)).collect();
    card.row("files", named.join("\n"));
    if view.files.len() > NAMED {
        card.row("", format!("and {} more", view.files.len() - NAMED));
    }
    card.write(out, screen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::at_both_widths;
    use crate::output::view::SkillPack;

    #[test]
    fn what_is_agreed_to() {
        let view = PackView {
            skill: "runbooks".into(),
            git: "acme/runbooks".into(),
            rev: Some("v3".into()),
            path: Some("skills".into()),
            commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
            digest: "9f".repeat(32),
            agreed: Some("00".repeat(32)),
            skills: vec![SkillPack {
                folder: "oncall".into(),
                description: "what to do when a \u{1b}[31mpage comes, and whom to wake".into(),
                files: 2,
                bytes: 4096,
            }],
            files: vec!["oncall/SKILL.md".into(), "oncall/scripts/who.sh".into()],
        };
        at_both_widths("skill-install", |screen, out| write(out, screen, &view).unwrap());
    }
}
