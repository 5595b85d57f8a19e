//! What a pull request says: its title and its text, from the investigation. Pure.
//!
//! The words are the worker's, so they are made harmless: no credential, nobody is called by name, no
//! issue is closed, nothing is loaded from elsewhere. What we add says where it comes from.

use super::rewrite::is_unseen;
use crate::domain::artifact::Check;
use crate::secrets::Redactor;

const TITLE: usize = 120;
/// A part longer than this is cut; the forge takes some 65,000 characters in all.
const PART: usize = 14_000;

/// What is known when a pull request is opened.
pub struct Investigation<'a> {
    /// The text of `investigation.md`, where there is one.
    pub text: Option<&'a str>,
    /// The subject of the oldest commit.
    pub subject: &'a str,
    pub session: &'a str,
    pub preset: Option<&'a str>,
    pub harness: &'a str,
    /// The worker's last words, where it left no investigation.
    pub answer: Option<&'a str>,
    pub checks: &'a [Check],
    /// Makes a link of a trace's id, where its source has pages.
    pub trace_link: &'a dyn Fn(&str) -> Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub title: String,
    pub body: String,
}

pub fn compose(about: &Investigation, redactor: &Redactor) -> Text {
    let text = about.text.unwrap_or_default();
    let mut parts = Vec::new();
    for heading in ["Overview", "Evidence", "Proposed fix"] {
        if let Some(part) = section(text, heading) {
            let part = if heading == "Evidence" { linked(&part, about.trace_link) } else { part };
            parts.push(format!("## {heading}\n\n{}", cut(&part)));
        }
    }
    if parts.is_empty() {
        let said = about.answer.filter(|answer| !answer.trim().is_empty());
        parts.extend(said.map(|answer| format!("## Overview\n\n{}", cut(answer.trim()))));
    }
    let mut verified = section(text, "Verification").map(|part| cut(&part)).unwrap_or_default();
    for check in about.checks {
        let mark = if check.passed { "✓" } else { "✗" };
        verified.push_str(&format!("\n- {mark} {}", check.detail));
    }
    if !verified.trim().is_empty() {
        parts.push(format!("## How it was verified\n\n{}", verified.trim()));
    }
    let preset = about.preset.map(|preset| format!(", preset `{preset}`")).unwrap_or_default();
    let by = format!(
        "---\nProposed by a worker (`{}`{preset}) in {}, for a person to review.",
        about.harness,
        mark(about.session)
    );
    let body = format!("{}\n\n{by}\n", harmless(&parts.join("\n\n"), redactor));
    Text { title: title(about, redactor), body }
}

/// The words of a text by which it is known to be a session's.
pub fn mark(session: &str) -> String {
    format!("`loop` session `{session}`")
}

/// The first line of the file, of the overview, or of the commits.
fn title(about: &Investigation, redactor: &Redactor) -> String {
    let text = about.text.unwrap_or_default();
    let named = text.lines().find_map(|line| line.strip_prefix("# ")).map(str::trim);
    let named = named.filter(|name| {
        !["overview", "evidence", "proposed fix", "investigation"]
            .contains(&name.to_lowercase().as_str())
    });
    let overview = section(text, "Overview");
    let first = overview.as_ref().and_then(|part| part.lines().next());
    let title = named.or(first).unwrap_or(about.subject);
    let title = harmless(title, redactor).replace(['\n', '\t', '`', '*'], " ");
    let title: String = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = title.trim_start_matches(['#', '-', ' ']);
    let mut short: String = title.chars().take(TITLE).collect();
    if short.len() < title.len() {
        short.push('…');
    }
    if short.is_empty() { format!("Changes of session {}", about.session) } else { short }
}

/// The text below a heading of any level, up to the next one of its level or above.
fn section(text: &str, heading: &str) -> Option<String> {
    let mut level = None;
    let mut lines = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let depth = line.chars().take_while(|c| *c == '#').count();
        let is_heading = !fenced && depth > 0 && line[depth..].starts_with([' ', '\t']);
        match level {
            None if is_heading && line[depth..].trim().eq_ignore_ascii_case(heading) => {
                level = Some(depth);
            }
            Some(level) if is_heading && depth <= level => break,
            Some(_) => lines.push(line),
            None => {}
        }
    }
    let found = lines.join("\n").trim().to_owned();
    (level.is_some() && !found.is_empty()).then_some(found)
}

/// Cut at a line's end; a fence that is open there is closed.
fn cut(text: &str) -> String {
    if text.len() <= PART {
        return text.to_owned();
    }
    let mut end = PART;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text[..end].rsplit_once('\n').map_or(&text[..end], |(kept, _)| kept);
    let open = kept.lines().filter(|line| line.trim_start().starts_with("```")).count() % 2 == 1;
    format!("{kept}{}\n\n(the rest is in the session)", if open { "\n```" } else { "" })
}

/// Trace ids as links. In code, where a link would not show, they stay as they are.
fn linked(text: &str, page: &dyn Fn(&str) -> Option<String>) -> String {
    let mut fenced = false;
    let line = |line: &str| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        if fenced || is_fence {
            return line.to_owned();
        }
        let mut out = String::new();
        for (at, piece) in line.split('`').enumerate() {
            let is_id = piece.len() == 32 && piece.bytes().all(|b| b.is_ascii_hexdigit());
            match (at % 2, page(piece).filter(|_| is_id)) {
                (0, _) => out.push_str(piece),
                (_, Some(url)) => out.push_str(&format!("[`{piece}`]({url})")),
                (_, None) => out.push_str(&format!("`{piece}`")),
            }
        }
        out
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Plain Markdown that neither calls nor closes anything, and loads nothing.
fn harmless(text: &str, redactor: &Redactor) -> String {
    let text = String::from_utf8_lossy(&redactor.redact(text.as_bytes())).into_owned();
    let shown = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || is_unseen(*c));
    let text: String = text.chars().filter(shown).collect();
    // A comment would hide what follows from whoever reviews, an image tells who looked.
    let text = text.replace("<!--", "&lt;!--").replace("![", "!\\[").replace("<img", "&lt;img");
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        out.push(c);
        // `@name` calls somebody.
        if c == '@' && !before.is_alphanumeric() {
            out.push('\u{2060}');
        }
        before = c;
    }
    unclosing(&out)
}

/// `fixes #12` as words that close nothing.
fn unclosing(text: &str) -> String {
    const WORDS: [&str; 9] =
        ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(' ') {
        let last = out.trim_end().trim_end_matches(':');
        let word = last.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let closes = WORDS.contains(&word.to_lowercase().as_str());
        let names = piece.trim_start_matches("GH-").starts_with(|c: char| c.is_ascii_digit())
            && piece.starts_with("GH-")
            || piece.starts_with('#')
            || piece.contains("/issues/");
        if closes && names {
            out.push_str("issue ");
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::flags::check;

    const TEXT: &str = "# Refunds fail for `Ünï` orders\n\n## Overview\nThe tool times out. Thanks \
        @octocat, fixes #12.\n\n## Evidence\n`0af7651916cd43dd8448eb211c80319c` shows it\n```\n\
        `0af7651916cd43dd8448eb211c80319c`\n## not a heading\n```\n## Proposed fix\nA retry.\n\n### \
        Risks\nNone. ![x](https://evil/x.png)\n# Appendix\nkey canary-secret-1\n";

    fn composed(text: Option<&str>) -> Text {
        let checks = [check("changes", true, "1 commit: 1 file changed")];
        let about = Investigation {
            text,
            subject: "fix: it",
            session: "7f3a",
            preset: Some("fix"),
            harness: "h",
            answer: Some("I did it; the key is canary-secret-1"),
            checks: &checks,
            trace_link: &|id| Some(format!("https://traces/{id}")),
        };
        compose(&about, &Redactor::new(&["canary-secret-1"]))
    }

    #[test]
    fn from_an_investigation() {
        let Text { title, body } = composed(Some(TEXT));
        assert_eq!(title, "Refunds fail for Ünï orders");
        insta::assert_snapshot!(body);
    }

    #[test]
    fn without_one() {
        let Text { title, body } = composed(None);
        assert_eq!(title, "fix: it");
        assert!(
            body.contains("the key is [redacted]") && body.contains("session `7f3a`"),
            "{body}"
        );
        let long = format!("## Overview\n```\n{}", "x\n".repeat(PART));
        assert!(composed(Some(&long)).body.len() < PART + 1_000);
        assert_eq!(composed(Some("# Overview\n")).title, "fix: it");
    }
}
