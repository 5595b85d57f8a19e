//! A whole session as one file: Markdown for people, JSON for programs. Streaming: the transcript
//! may be of any length.
//!
//! In Markdown everything that we did not write stands in a fence longer than any run of backticks
//! inside it, or has its punctuation escaped; so no worker can add headings, links or images to the
//! page that tells on it.

use super::human::tool;
use super::human::transcript::usage_line;
use super::json::v1;
use super::view::{ArtifactView, SessionView};
use super::wire::Written;
use super::{json, sanitise, style, text};
use crate::domain::transcript::{Event, EventKind};
use crate::domain::turn::Outcome;
use crate::error::{Failure, Result};
use std::io::{self, Write};

/// What ended the writing early.
pub(super) enum Stop {
    Write(io::Error),
    Read(Failure),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

pub(super) fn told(result: Result<(), Stop>) -> Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(Stop::Write(error)) => Written::of(Err(error)).ok(),
        Err(Stop::Read(failure)) => Err(failure),
    }
}

/// `session export --format json`: `{"v", "session", "events"}`.
pub fn write_json(
    out: &mut dyn Write,
    session: &SessionView,
    events: &mut dyn Iterator<Item = Result<Event>>,
) -> Result<()> {
    told(json_inner(out, session, events))
}

fn json_inner(
    out: &mut dyn Write,
    session: &SessionView,
    events: &mut dyn Iterator<Item = Result<Event>>,
) -> Result<(), Stop> {
    out.write_all(b"{\"v\":1,\"session\":")?;
    json::write_line(out, &v1::Session::of(session))?;
    out.write_all(b",\"events\":[\n")?;
    for (index, event) in events.enumerate() {
        let event = event.map_err(Stop::Read)?;
        if index > 0 {
            out.write_all(b",")?;
        }
        v1::write_event(out, &session.id, &event)?;
    }
    out.write_all(b"]}\n")?;
    Ok(out.flush()?)
}

/// `session export --format md`.
pub fn write_markdown(
    out: &mut dyn Write,
    session: &SessionView,
    events: &mut dyn Iterator<Item = Result<Event>>,
) -> Result<()> {
    told(markdown_inner(out, session, events))
}

fn markdown_inner(
    out: &mut dyn Write,
    session: &SessionView,
    events: &mut dyn Iterator<Item = Result<Event>>,
) -> Result<(), Stop> {
    header(out, session)?;
    if !session.artifacts.is_empty() {
        writeln!(out, "\n## Artifacts\n")?;
        for artifact in &session.artifacts {
            write_artifact(out, artifact)?;
        }
    }
    writeln!(out, "\n## Transcript")?;
    let mut turn = None;
    for event in events {
        let event = event.map_err(Stop::Read)?;
        if turn != Some(event.turn) {
            turn = Some(event.turn);
            turn_heading(out, session, event.turn)?;
        }
        write_event(out, session.created_at, &event)?;
    }
    Ok(out.flush()?)
}

fn header(out: &mut dyn Write, session: &SessionView) -> io::Result<()> {
    let name = session.name.as_deref().unwrap_or("Session");
    writeln!(out, "# {}\n", escaped(name))?;
    rows(session).iter().try_for_each(|(name, value)| writeln!(out, "- {name}: {}", escaped(value)))
}

/// What is told of a session before everything else; what is not known or empty is left out.
pub(super) fn rows(session: &SessionView) -> Vec<(&'static str, String)> {
    let labels = session.labels.iter().map(|(key, value)| format!("{key}={value}"));
    let rows = [
        ("session", Some(session.id.clone())),
        ("preset", session.preset.clone()),
        ("harness", Some(session.harness.clone())),
        ("sandbox", Some(session.sandbox.clone())),
        ("project", session.project.clone()),
        ("phase", Some(session.phase.name().to_owned())),
        ("outcome", session.outcome.map(|outcome| outcome.name().to_owned())),
        ("reason", session.reason.clone()),
        ("started", Some(text::moment(session.created_at))),
        ("took", session.duration_ms().map(text::span)),
        ("usage", Some(usage_line(&session.usage, session.cost_usd, None))),
        ("labels", Some(labels.collect::<Vec<_>>().join(", "))),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
    rows.filter(|(_, value)| !value.is_empty()).collect()
}

fn write_artifact(out: &mut dyn Write, artifact: &ArtifactView) -> io::Result<()> {
    writeln!(out, "- **{}** {}", artifact.kind.name(), escaped(&artifact.title))?;
    for check in &artifact.checks {
        let mark = if check.passed { "✓" } else { "✗" };
        writeln!(out, "  - {mark} {}", escaped(&check.detail))?;
    }
    let path = artifact.path.as_deref().map(style::file_url);
    for url in artifact.url.iter().chain(path.iter()) {
        writeln!(out, "  - <{}>", style::Screen::plain(80).url(url))?;
    }
    Ok(())
}

fn turn_heading(out: &mut dyn Write, session: &SessionView, turn: u32) -> io::Result<()> {
    if turn == 0 {
        return writeln!(out, "\n### Before the first turn");
    }
    let told = session.turns.iter().find(|told| told.turn == turn);
    let outcome = told.and_then(|turn| turn.outcome).map(Outcome::name);
    let gap = if outcome.is_some() { ": " } else { "" };
    writeln!(out, "\n### Turn {turn}{gap}{}", outcome.unwrap_or_default())
}

fn write_event(out: &mut dyn Write, began: i64, event: &Event) -> io::Result<()> {
    let at = text::offset(event.at - began);
    let mut labelled = |label: &str| writeln!(out, "\n**{at}** {label}");
    match &event.kind {
        EventKind::Status { text } => labelled(&escaped(text)),
        EventKind::Error { text } => labelled(&format!("error: {}", escaped(text))),
        EventKind::Usage { usage, cost_usd, model } => {
            labelled(&escaped(&usage_line(usage, *cost_usd, model.as_deref())))
        }
        EventKind::User { text } => {
            labelled("prompt")?;
            fenced(out, "", text)
        }
        EventKind::Assistant { text } => {
            labelled("assistant")?;
            fenced(out, "markdown", text)
        }
        EventKind::Thinking { text } => {
            labelled("thinking")?;
            fenced(out, "", text)
        }
        EventKind::ToolCall { name, input, .. } => {
            labelled(&format!("calls {}", escaped(name)))?;
            let telling = tool::telling(input);
            let whole = input.as_object().is_none_or(|fields| fields.len() == 1);
            if whole && !telling.is_empty() {
                return fenced(out, "", &telling);
            }
            fenced(out, "json", &serde_json::to_string_pretty(input).unwrap_or_default())
        }
        EventKind::ToolResult { output, is_error, exit_code, .. } => {
            let code = exit_code.map(|code| format!(", exit {code}")).unwrap_or_default();
            labelled(&format!("{}{code}", if *is_error { "error" } else { "result" }))?;
            fenced(out, "", output)
        }
        EventKind::Unread { line } => {
            labelled("not understood")?;
            fenced(out, "", line)
        }
    }
}

/// Text in a fence that it cannot end.
fn fenced(out: &mut dyn Write, language: &str, untrusted: &str) -> io::Result<()> {
    let shown = sanitise::text(untrusted.trim_end());
    if shown.is_empty() {
        return writeln!(out, "\nnothing");
    }
    let (mut longest, mut run) = (0, 0);
    for byte in shown.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(3.max(longest + 1));
    writeln!(out, "\n{fence}{language}\n{shown}\n{fence}")
}

/// One line of text that is nothing but text in Markdown.
fn escaped(untrusted: &str) -> String {
    let shown = sanitise::line(untrusted.trim());
    let mut out = String::with_capacity(shown.len() + 8);
    for c in shown.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '#' | '!')
        {
            out.push('\\');
        }
        out.push(c);
    }
    // A bare address would become a link.
    out.replace("://", ":\\//").replace("www.", "www\\.").replace('@', "\\@")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::output::testing::{event, events, session, snapshot};
    use proptest::prelude::*;

    #[test]
    fn documents() {
        let events = || events().into_iter().filter(|event| event.seq != 8).map(Ok);
        let mut out = Vec::new();
        write_markdown(&mut out, &session(), &mut events()).unwrap();
        snapshot("export-markdown", &String::from_utf8(out).unwrap());
        let mut out = Vec::new();
        write_json(&mut out, &session(), &mut events()).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(document["events"].as_array().map(Vec::len), Some(16));
        assert_eq!(document["session"]["id"], session().id.as_str());
    }

    #[test]
    fn a_transcript_that_cannot_be_read_is_told() {
        let broken = Failure::new(Kind::Config, "cannot read the transcript");
        let mut events = [Ok(events().remove(0)), Err(broken)].into_iter();
        let failure = write_markdown(&mut Vec::new(), &session(), &mut events).unwrap_err();
        assert_eq!(failure.sentence, "cannot read the transcript");
    }

    proptest! {
        #[test]
        fn nobody_leaves_the_fence(hostile in "[`~a\n ]{0,60}") {
            prop_assume!(!hostile.trim_end().is_empty());
            let mut out = Vec::new();
            let kind = EventKind::Assistant { text: hostile.clone() };
            write_event(&mut out, 0, &event(1, 0, kind)).unwrap();
            let shown = String::from_utf8(out).unwrap();
            let mut lines = shown.lines().skip(3);
            let fence = lines.next().unwrap().trim_end_matches("markdown").to_owned();
            let ends: Vec<usize> = lines
                .enumerate()
                .filter(|(_, line)| line.trim().starts_with(&fence))
                .map(|(at, _)| at)
                .collect();
            prop_assert_eq!(ends, [hostile.trim_end().split('\n').count()]);
        }
    }

    #[test]
    fn inline_text_is_only_text() {
        assert_eq!(
            escaped("![x](https://e.com) <b>\n# y"),
            "\\!\\[x\\](https:\\//e.com) \\<b\\>\\\\n\\# y"
        );
    }
}
