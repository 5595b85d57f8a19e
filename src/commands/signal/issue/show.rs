//! `loop signal issue show`

use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::commands::signal::issues::view;
use crate::domain::artifact::ArtifactKind;
use crate::domain::issue::Issue;
use crate::error::Result;
use crate::output::human;
use crate::output::json::{self, v1};
use crate::output::view::KnownIssue;
use crate::store::Store;
use std::io::Read as _;
use std::path::PathBuf;

/// More of an investigation is not read.
const READ: u64 = 1 << 20;

/// Show an issue: what fails, since when, what is known of it, what became of it
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal issue show 94e6
  loop signal issue show 94e6 --json | jq .life.history")]
pub struct Show {
    /// Its id, or a unique prefix of it
    issue: String,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        app.sweep_quietly(&mut store)?;
        let issue = store.find_issue(&self.issue)?;
        document(app, &store, issue)
    }
}

/// The issue as it is stored now.
pub fn document(app: &App, store: &Store, issue: Issue) -> Done {
    let known = whole(app, store, issue)?;
    app.show(
        |out| json::write_document(out, &v1::Issue::of_known(&known)),
        |out| human::signal::write_issue(out, &app.screens.out, &known, clock::now()),
    )
}

fn whole(app: &App, store: &Store, issue: Issue) -> Result<KnownIssue> {
    let ranked = super::super::issues::known(app, store, Some(&issue.project))?;
    let rank = ranked.iter().find(|known| known.issue.id == issue.id).map_or(1, |known| known.rank);
    let mut known = view(app, issue, rank);
    let counted = store.observations(&known.issue.id)?;
    known.seen = counted.into_iter().map(|one| (one.at, one.hits, one.chances)).collect();
    if let Some(path) = investigation(store, &known.issue)? {
        known.overview = overview(&path);
        known.investigation = Some(path.display().to_string());
    }
    Ok(known)
}

/// The file of its investigation, where it is still there.
fn investigation(store: &Store, issue: &Issue) -> Result<Option<PathBuf>> {
    let Some(session) = &issue.investigation else { return Ok(None) };
    let artifacts = store.artifacts(session)?;
    let file = artifacts.into_iter().find(|one| one.kind == ArtifactKind::Investigation);
    let path = file.and_then(|one| one.path).map(|path| store.dir(session).artifacts().join(path));
    Ok(path.filter(|path| path.is_file()))
}

/// The first paragraph under the heading *Overview*.
fn overview(path: &std::path::Path) -> Option<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(READ).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let is_heading = |line: &&str| line.starts_with('#');
    let named = |line: &str| line.trim_start_matches('#').trim().eq_ignore_ascii_case("overview");
    let lines = text.lines().skip_while(|line| !(is_heading(line) && named(line))).skip(1);
    let own = lines.take_while(|line| !is_heading(line)).skip_while(|line| line.trim().is_empty());
    let own: Vec<&str> = own.take_while(|line| !line.trim().is_empty()).collect();
    (!own.is_empty()).then(|| own.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_of_an_investigation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("investigation.md");
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            overview(&path)
        };
        let text = "# T\n\n## Overview\n\na\nb\n\nc\n\n## Evidence\nd";
        assert_eq!(of(text), Some("a\nb".to_owned()));
        assert_eq!(of("# T\n## Overview\n## Evidence\nd"), None);
        assert_eq!(of("# overview\nx"), Some("x".to_owned()));
        assert_eq!(of("# T\nx"), None);
        assert_eq!(overview(&folder.path().join("none")), None);
    }
}
