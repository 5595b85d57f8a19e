//! What came of a run, as Markdown: for the page of a CI job, and for chat rooms.

use crate::domain::automation::fire::{Fire, State};
use crate::domain::measure::{show_duration, show_usd};
use crate::error::{Cannot as _, Kind, Result};
use crate::output::sanitise;
use crate::output::view::{ArtifactView, SessionView};
use crate::runner;
use crate::store::Store;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

/// How many issues are named.
const ISSUES: usize = 10;

/// Adds it at the end of a file, as CI services want it.
pub fn add(store: &Store, fire: &Fire, path: &Path) -> Result<()> {
    let text = markdown(fire, session(store, fire)?.as_ref());
    let doing = || format!("write `{}`", path.display());
    let mut page =
        OpenOptions::new().append(true).create(true).open(path).cannot(Kind::Config, doing)?;
    page.write_all(text.as_bytes()).cannot(Kind::Config, doing)
}

/// The session of a fire, with its artifacts.
pub fn session(store: &Store, fire: &Fire) -> Result<Option<SessionView>> {
    let session = store.session_of_fire(&fire.id)?;
    session.map(|session| runner::view(store, &session)).transpose()
}

/// One line: what ran, and how it came out.
pub fn line(fire: &Fire, session: Option<&SessionView>) -> String {
    let how = match (fire.state, &fire.outcome) {
        (State::Done, Some(outcome)) => outcome.clone(),
        (state, _) => state.name().to_owned(),
    };
    let mut line = format!("{}: {how}", fire.automation);
    if let Some(reason) = &fire.reason {
        line.push_str(&format!(", {}", sanitise::line(reason)));
    }
    let issues: usize =
        session.iter().flat_map(|one| &one.artifacts).map(|one| one.issues.len()).sum();
    if issues > 0 {
        line.push_str(&format!(", {}", crate::domain::words::Count::of(issues, "issue")));
    }
    line
}

pub fn markdown(fire: &Fire, session: Option<&SessionView>) -> String {
    let mut text = format!("## {}\n\n", escape(&line(fire, session)));
    text.push_str("| | |\n| --- | --- |\n");
    let mut row = |name: &str, value: &str| {
        text.push_str(&format!("| {name} | {} |\n", escape(value)));
    };
    row("set off by", fire.cause.name());
    if let Some(session) = session {
        row("session", &session.id);
        row("preset", session.preset.as_deref().unwrap_or(&session.harness));
        if let Some(project) = &session.project {
            row("project", project);
        }
        if let Some(ms) = session.duration_ms() {
            row("took", &show_duration(ms));
        }
        if let Some(usd) = session.cost_usd {
            row("cost", &show_usd(usd));
        }
    }
    if !fire.about.note.is_empty() {
        text.push_str(&format!("\n{}\n", escape(fire.about.headline())));
    }
    for artifact in session.iter().flat_map(|session| &session.artifacts) {
        part(&mut text, artifact);
    }
    text.push('\n');
    text
}

fn part(text: &mut String, artifact: &ArtifactView) {
    let place = artifact.url.as_ref().or(artifact.path.as_ref());
    let place = place.map(|place| format!(": `{}`", place.replace('`', "'"))).unwrap_or_default();
    text.push_str(&format!("\n- {} {}{place}\n", artifact.kind.name(), escape(&artifact.title)));
    for check in artifact.checks.iter().filter(|check| !check.passed) {
        text.push_str(&format!("  - not as it should be: {}\n", escape(&check.detail)));
    }
    for issue in artifact.issues.iter().take(ISSUES) {
        let severity = issue.severity.as_deref().map(|one| format!("{one}: ")).unwrap_or_default();
        let share =
            issue.share.map(|share| format!(", {:.1} %", share * 100.0)).unwrap_or_default();
        let title = escape(&format!("{severity}{}", issue.title));
        text.push_str(&format!("  {}. {title} ({} traces{share})\n", issue.rank, issue.traces));
    }
    if artifact.issues.len() > ISSUES {
        text.push_str(&format!("  - and {} more\n", artifact.issues.len() - ISSUES));
    }
}

/// Text that somebody else wrote, as text and not as Markdown or HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in sanitise::line(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '@' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The same for a chat room, which has a few lines.
pub fn chat(fire: &Fire, session: Option<&SessionView>) -> String {
    let mut text = plain(&line(fire, session));
    if !fire.about.note.is_empty() {
        text.push_str(&format!("\n{}", plain(fire.about.headline())));
    }
    for artifact in session.iter().flat_map(|session| &session.artifacts) {
        for issue in artifact.issues.iter().take(3) {
            text.push_str(&format!(
                "\n{}. {} ({} traces)",
                issue.rank,
                plain(&issue.title),
                issue.traces
            ));
        }
        if let Some(url) = &artifact.url {
            text.push_str(&format!("\n{}: {}", artifact.kind.name(), plain(url)));
        }
    }
    if session.is_some() {
        text.push_str(&format!("\nloop session show {}", fire.id));
    }
    text
}

/// Chat rooms make mentions and links of what stands in angle brackets.
fn plain(text: &str) -> String {
    sanitise::line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::automation::fire::{About, Cause};

    #[test]
    fn what_others_wrote_is_text() {
        let fire = Fire {
            id: "0123456789ab".to_owned(),
            automation: "nightly".to_owned(),
            key: "k".to_owned(),
            cause: Cause::Metric,
            nominal_at: 0,
            decided_at: 0,
            state: State::Refused,
            reason: Some("<!channel> [x](http://evil) | `y`".to_owned()),
            spec: String::new(),
            chain: Vec::new(),
            about: About { note: "@everyone <script>\u{1b}[31m".to_owned(), ..About::default() },
            started_at: None,
            ended_at: None,
            outcome: None,
        };
        let markdown = markdown(&fire, None);
        for bad in ["<!", "<script", "[x]", "\u{1b}", "\n@everyone"] {
            assert!(!markdown.contains(bad), "{bad}: {markdown}");
        }
        let chat = chat(&fire, None);
        assert!(chat.starts_with("nightly: refused, &lt;!channel&gt;"), "{chat}");
        assert!(!chat.contains('<') && !chat.contains('\u{1b}'), "{chat}");
    }
}
