//! Lists of presets, skills and projects, with the file each comes from and what it hides.

use super::card::Card;
use super::table::{self, Column, Piece};
use crate::domain::preset::{Preset, Project, Skill};
use crate::output::sanitise::{line, text};
use crate::output::style::{Role, Screen};
use crate::output::view::Listed;
use std::io::{self, Write};

const COLUMNS: [Column; 5] = [
    Column::fixed("NAME"),
    Column::fixed("USES").dropped(2),
    Column::wrapped("DESCRIPTION", 24).dropped(1),
    Column::wrapped("FROM", 12),
    Column::wrapped("HIDES", 12),
];

pub fn write_presets(
    out: &mut dyn Write,
    screen: &Screen,
    presets: &[Listed<Preset>],
) -> io::Result<()> {
    let row = |listed: &Listed<Preset>| {
        let Preset { name, harness, sandbox, description, .. } = &listed.value;
        let uses = match sandbox.provider.as_str() {
            "" => harness.clone(),
            provider => format!("{harness}, {provider}"),
        };
        row([name, &uses, description], listed)
    };
    write(out, screen, &presets.iter().map(row).collect::<Vec<_>>())
}

pub fn write_skills(
    out: &mut dyn Write,
    screen: &Screen,
    skills: &[Listed<Skill>],
) -> io::Result<()> {
    let row = |listed: &Listed<Skill>| {
        let Skill { name, kind, description, .. } = &listed.value;
        row([name, kind, description], listed)
    };
    write(out, screen, &skills.iter().map(row).collect::<Vec<_>>())
}

pub fn write_projects(
    out: &mut dyn Write,
    screen: &Screen,
    projects: &[Listed<Project>],
) -> io::Result<()> {
    let row = |listed: &Listed<Project>| {
        let Project { name, source, path, url, project, .. } = &listed.value;
        let parts: Vec<&str> =
            [path, url, project].into_iter().flatten().map(String::as_str).collect();
        row([name, source, &parts.join(" ")], listed)
    };
    write(out, screen, &projects.iter().map(row).collect::<Vec<_>>())
}

fn row<T>([name, uses, description]: [&str; 3], listed: &Listed<T>) -> Vec<Piece> {
    let hides: Vec<_> = listed.hides.iter().map(|hidden| line(hidden)).collect();
    vec![
        Piece::new(Role::Name, line(name)),
        line(uses).into(),
        line(description).into(),
        Piece::new(Role::Aside, line(&listed.origin)),
        Piece::new(Role::Warn, hides.join("\n")),
    ]
}

fn write(out: &mut dyn Write, screen: &Screen, rows: &[Vec<Piece>]) -> io::Result<()> {
    if rows.is_empty() { Ok(()) } else { table::write(out, screen, &COLUMNS, rows) }
}

/// `skill show`.
pub fn write_skill(out: &mut dyn Write, screen: &Screen, listed: &Listed<Skill>) -> io::Result<()> {
    let skill = &listed.value;
    writeln!(out, "skill {}", screen.paint(Role::Name, line(&skill.name)))?;
    let mut card = Card::default();
    card.row("description", line(&skill.description));
    card.row("from", line(&listed.origin));
    card.colored("hides", Role::Warn, line(&listed.hides.join(", ")));
    card.row("kind", line(&skill.kind));
    card.row("hosts", line(&skill.hosts.join(", ")));
    for (name, secret) in &skill.secrets {
        card.row("secret", line(&format!("{name}: {}", secret.help)));
    }
    for (name, value) in &skill.env {
        card.row("variable", line(&format!("{name}={value}")));
    }
    card.maybe("source", skill.source.as_ref().map(|source| line(&source.git)));
    card.row("instructions", text(&skill.instructions));
    card.write(out, screen)
}

/// `preset show`.
pub fn write_preset(
    out: &mut dyn Write,
    screen: &Screen,
    listed: &Listed<Preset>,
) -> io::Result<()> {
    let preset = &listed.value;
    writeln!(out, "preset {}", screen.paint(Role::Name, line(&preset.name)))?;
    let mut card = Card::default();
    card.row("description", line(&preset.description));
    card.row("from", line(&listed.origin));
    card.colored("hides", Role::Warn, line(&listed.hides.join(", ")));
    card.row("harness", line(&preset.harness));
    card.maybe("model", preset.model.as_deref().map(line));
    card.row("command", line(&preset.command.join(" ")));
    card.row("skills", line(&preset.skills.join(", ")));
    card.maybe("repository", preset.repo.as_deref().map(line));
    if preset.pull_request {
        card.row("opens", "a pull request");
    }
    super::plan::sandbox_rows(&mut card, &preset.sandbox);
    super::plan::limit_rows(&mut card, &preset.limits);
    card.maybe("prompt", preset.prompt.as_deref().map(text));
    card.maybe("system prompt", preset.system_prompt.as_deref().map(text));
    card.write(out, screen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::at_both_widths;

    fn preset(name: &str, harness: &str, description: &str, origin: &str) -> Listed<Preset> {
        Listed {
            value: Preset {
                name: name.into(),
                harness: harness.into(),
                description: description.into(),
                prompt: Some(
                    "Find what fails in {{project}} since {{since}}.\n\nCite traces.".into(),
                ),
                ..Preset::default()
            },
            origin: origin.into(),
            hides: Vec::new(),
        }
    }

    #[test]
    fn lists() {
        let mut mine = preset(
            "fix",
            "claude-code",
            "root-cause one failure and open a pull request",
            "/home/me/acme/.loop/presets/fix.toml",
        );
        mine.hides = vec!["bundled".into(), "/home/me/.config/loop/presets/fix.toml".into()];
        mine.value.sandbox.provider = "docker".into();
        let presets = [
            mine,
            preset(
                "triage",
                "triage",
                "group recurring failures and rank them, without a model",
                "bundled",
            ),
            preset(
                "investigate",
                "claude-code",
                "find out why something fails, from traces alone",
                "bundled",
            ),
        ];
        at_both_widths("preset-list", |screen, out| write_presets(out, screen, &presets).unwrap());
        at_both_widths("preset-card", |screen, out| {
            write_preset(out, screen, &presets[0]).unwrap();
        });
        let project = |name: &str, source: &str, path: Option<&str>, url: Option<&str>| Listed {
            value: Project {
                name: name.into(),
                source: source.into(),
                path: path.map(Into::into),
                url: url.map(Into::into),
                ..Project::default()
            },
            origin: "bundled".into(),
            hides: Vec::new(),
        };
        let projects = [
            project("demo", "demo", None, None),
            project("checkout", "phoenix", None, Some("http://localhost:6006")),
            project("files", "file", Some("/data/traces/checkout.jsonl.gz"), None),
        ];
        at_both_widths("project-list", |screen, out| {
            write_projects(out, screen, &projects).unwrap();
        });
        let skill = Listed {
            value: Skill {
                name: "github".into(),
                kind: "github".into(),
                description: "repositories and pull requests".into(),
                ..Skill::default()
            },
            origin: "bundled".into(),
            hides: Vec::new(),
        };
        at_both_widths("skill-list", |screen, out| {
            write_skills(out, screen, std::slice::from_ref(&skill)).unwrap();
        });
    }
}
