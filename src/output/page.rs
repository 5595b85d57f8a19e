//! A whole session as one page for a browser: no script, nothing from elsewhere, of any length.
//!
//! What we did not write is text in an element and nothing else; a policy in the page's head would
//! keep a browser from running or fetching anything even if it were not. What a tool was given and
//! gave is folded away.

use super::export::{Stop, rows, told};
use super::human::tool;
use super::human::transcript::usage_line;
use super::view::{ArtifactView, SessionView};
use super::{sanitise, style, text};
use crate::domain::transcript::{Event, EventKind};
use crate::domain::turn::Outcome;
use crate::error::Result;
use std::io::{self, Write};

/// `session export --format html`.
pub fn write_html(
    out: &mut dyn Write,
    session: &SessionView,
    events: &mut dyn Iterator<Item = Result<Event>>,
) -> Result<()> {
    told(inner(out, session, events))
}

fn inner(
    out: &mut dyn Write,
    session: &SessionView,
    events: &mut dyn Iterator<Item = Result<Event>>,
) -> Result<(), Stop> {
    let name = escaped(session.name.as_deref().unwrap_or("Session"));
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{name} · {}</title>\n<style>\n{}</style>\n<main>\n<h1>{name}</h1>",
        escaped(&session.id),
        include_str!("page.css")
    )?;
    header(out, session)?;
    if !session.artifacts.is_empty() {
        writeln!(out, "<h2>Artifacts</h2>\n<ul>")?;
        for artifact in &session.artifacts {
            write_artifact(out, artifact)?;
        }
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "<h2>Transcript</h2>")?;
    let mut turn = None;
    for event in events {
        let event = event.map_err(Stop::Read)?;
        if turn != Some(event.turn) {
            turn = Some(event.turn);
            turn_heading(out, session, event.turn)?;
        }
        write_event(out, session.created_at, &event)?;
    }
    writeln!(out, "</main>\n</html>")?;
    Ok(out.flush()?)
}

fn header(out: &mut dyn Write, session: &SessionView) -> io::Result<()> {
    writeln!(out, "<table>")?;
    for (name, value) in rows(session) {
        writeln!(out, "<tr><th>{name}<td>{}", escaped(&value))?;
    }
    writeln!(out, "</table>")
}

fn write_artifact(out: &mut dyn Write, artifact: &ArtifactView) -> io::Result<()> {
    writeln!(out, "<li><b>{}</b> {}", artifact.kind.name(), escaped(&artifact.title))?;
    for check in &artifact.checks {
        let (class, mark) = if check.passed { ("good", "✓") } else { ("bad", "✗") };
        writeln!(out, "<br><span class=\"{class}\">{mark}</span> {}", escaped(&check.detail))?;
    }
    // An address is shown and not linked: where it leads was a worker's choice.
    let path = artifact.path.as_deref().map(style::file_url);
    for url in artifact.url.iter().chain(path.iter()) {
        writeln!(out, "<br><code>{}</code>", escaped(url))?;
    }
    Ok(())
}

fn turn_heading(out: &mut dyn Write, session: &SessionView, turn: u32) -> io::Result<()> {
    let told = session.turns.iter().find(|told| told.turn == turn);
    let outcome = told.and_then(|turn| turn.outcome).map(Outcome::name);
    let gap = if outcome.is_some() { ": " } else { "" };
    writeln!(out, "<h3>Turn {turn}{gap}{}</h3>", outcome.unwrap_or_default())
}

fn write_event(out: &mut dyn Write, began: i64, event: &Event) -> io::Result<()> {
    let at = text::offset(event.at - began);
    let mut line = |class: &str, text: &str| {
        writeln!(out, "<p class=\"{class}\"><time>{at}</time> {}", escaped(text))
    };
    match &event.kind {
        EventKind::Status { text } => line("aside", text),
        EventKind::Error { text } => line("bad", &format!("error: {text}")),
        EventKind::Usage { usage, cost_usd, model } => {
            line("aside", &usage_line(usage, *cost_usd, model.as_deref()))
        }
        EventKind::User { text } => {
            line("who", "prompt")?;
            block(out, "user", text)
        }
        EventKind::Assistant { text } => {
            line("who", "assistant")?;
            block(out, "said", text)
        }
        EventKind::Thinking { text } => folded(out, &at, "thinking", text),
        EventKind::ToolCall { name, input, .. } => {
            let telling = tool::telling(input);
            let whole = serde_json::to_string_pretty(input).unwrap_or_default();
            folded(out, &at, &format!("calls {name} {telling}"), &whole)
        }
        EventKind::ToolResult { output, is_error, exit_code, .. } => {
            let code = exit_code.map(|code| format!(", exit {code}")).unwrap_or_default();
            let what = if *is_error { "error" } else { "result" };
            folded(out, &at, &format!("{what}{code}"), output)
        }
        EventKind::Unread { line } => folded(out, &at, "not understood", line),
    }
}

fn block(out: &mut dyn Write, class: &str, untrusted: &str) -> io::Result<()> {
    writeln!(out, "<pre class=\"{class}\">{}</pre>", escaped_text(untrusted.trim_end()))
}

/// A line that opens to the whole text.
fn folded(out: &mut dyn Write, at: &str, what: &str, untrusted: &str) -> io::Result<()> {
    const LINE: usize = 160;
    let mut short: String = what.chars().take(LINE).collect();
    if short.len() < what.len() {
        short.push('…');
    }
    writeln!(out, "<details><summary><time>{at}</time> {}</summary>", escaped(&short))?;
    block(out, "tool", untrusted)?;
    writeln!(out, "</details>")
}

/// One line of text that is nothing but text.
fn escaped(untrusted: &str) -> String {
    entities(&sanitise::line(untrusted.trim()))
}

/// The same, of several lines.
fn escaped_text(untrusted: &str) -> String {
    entities(&sanitise::text(untrusted))
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::{event, events, session, snapshot};
    use proptest::prelude::*;

    #[test]
    fn a_page() {
        let mut out = Vec::new();
        write_html(&mut out, &session(), &mut events().into_iter().map(Ok)).unwrap();
        let page = String::from_utf8(out).unwrap();
        let (head, rest) = page.split_once("<style>").unwrap();
        let body = rest.split_once("</style>").unwrap().1;
        snapshot("export-html", &format!("{head}{body}"));
    }

    proptest! {
        #[test]
        fn nobody_opens_an_element(hostile in "[<>&\"'a/\n ]{0,60}") {
            let page = |text: &str| {
                let mut out = Vec::new();
                for kind in [
                    EventKind::Assistant { text: text.to_owned() },
                    EventKind::Error { text: text.to_owned() },
                    EventKind::ToolCall {
                        id: String::new(),
                        name: text.to_owned(),
                        input: serde_json::json!({ text: text }),
                        parent: None,
                    },
                ] {
                    write_event(&mut out, 0, &event(1, 0, kind)).unwrap();
                }
                String::from_utf8(out).unwrap()
            };
            let tags = |page: &str| page.matches(['<', '>', '"', '\'']).count();
            prop_assert_eq!(tags(&page(&hostile)), tags(&page("a")));
        }
    }
}
