//! What a session left: what it is, whether it holds, and a link on a line of its own, so that a
//! terminal can open it and a mouse can select it.

use super::issues;
use crate::output::sanitise::line;
use crate::output::style::{Role, Screen};
use crate::output::text;
use crate::output::view::ArtifactView;
use std::io::{self, Write};

pub fn write(out: &mut dyn Write, screen: &Screen, artifacts: &[ArtifactView]) -> io::Result<()> {
    for (index, artifact) in artifacts.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_one(out, screen, artifact)?;
    }
    Ok(())
}

pub fn write_one(out: &mut dyn Write, screen: &Screen, artifact: &ArtifactView) -> io::Result<()> {
    let kind = artifact.kind.name();
    let indent = kind.len() + 2;
    write!(out, "{}  ", screen.paint(Role::Strong, kind))?;
    let title = line(artifact.title.trim());
    let room = screen.width.saturating_sub(indent).max(20);
    for (index, (hang, piece)) in text::wrap(&title, room).into_iter().enumerate() {
        let indent = if index == 0 { 0 } else { indent + hang };
        writeln!(out, "{:indent$}{piece}", "")?;
    }
    for check in &artifact.checks {
        let (role, mark) = if check.passed { (Role::Good, "✓") } else { (Role::Bad, "✗") };
        let said = if check.detail.trim().is_empty() { &check.name } else { &check.detail };
        let said = line(said.trim());
        for (index, (hang, piece)) in
            text::wrap(&said, screen.width.saturating_sub(4).max(20)).into_iter().enumerate()
        {
            match index {
                0 => writeln!(out, "  {} {piece}", screen.paint(role, mark))?,
                _ => writeln!(out, "    {:hang$}{piece}", "")?,
            }
        }
    }
    for link in links(screen, artifact) {
        writeln!(out, "  {link}")?;
    }
    if !artifact.issues.is_empty() {
        writeln!(out)?;
    }
    issues::write(out, screen, &artifact.issues)
}

/// Only where it is, for `--quiet`.
pub fn write_links(
    out: &mut dyn Write,
    screen: &Screen,
    artifact: &ArtifactView,
) -> io::Result<()> {
    for link in links(screen, artifact) {
        writeln!(out, "{link}")?;
    }
    Ok(())
}

fn links<'a>(screen: &'a Screen, artifact: &'a ArtifactView) -> impl Iterator<Item = String> + 'a {
    let url = artifact.url.iter().map(|url| screen.url(url));
    url.chain(artifact.path.iter().map(|path| screen.file(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::{artifacts, at_both_widths, colored, snapshot};

    #[test]
    fn listings() {
        at_both_widths("artifacts", |screen, out| write(out, screen, &artifacts()).unwrap());
        let mut out = Vec::new();
        write(&mut out, &colored(80), &artifacts()).unwrap();
        snapshot("artifacts-color", &String::from_utf8(out).unwrap());
    }

    #[test]
    fn a_hostile_title_is_one_line() {
        let mut artifact = artifacts().remove(0);
        artifact.title = "x\u{1b}[2J\nsession stopped".into();
        artifact.path = Some("/a/\u{1b}]8;;evil\u{7}\n.md".into());
        let mut out = Vec::new();
        write_one(&mut out, &Screen::plain(80), &artifact).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert!(shown.starts_with("investigation  x\\x1b[2J\\nsession stopped\n"), "{shown}");
        assert!(shown.ends_with("  file:///a/%1B%5D8;;evil%07%0A.md\n"), "{shown}");
    }
}
