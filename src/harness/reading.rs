//! What the readers of all harnesses share: what they gather of a turn, and what its end means.
//!
//! A reader fills a [`Gathered`] from its own program's stream; [`Gathered::verdict`] is the one
//! place where the end of a turn is judged. Only texts that a harness itself calls errors are
//! searched for their meaning here, never what a worker said.

use super::EventKind;
use crate::domain::journal::Exit;
use crate::domain::transcript::Usage;
use crate::domain::turn::{Conversation, Outcome, Verdict};
use serde_json::Value;

/// What a stream told so far.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The id of the harness's own conversation.
    pub conversation: Option<String>,
    /// The text that would be the answer if the turn ended here.
    pub answer: Option<String>,
    /// Whether a tool was used at all.
    pub worked: bool,
    /// Whether the event was read with which this harness ends a turn well.
    pub finished: bool,
    /// What the stream itself says went wrong.
    pub trouble: Option<Trouble>,
    pub usage: Usage,
    pub cost_usd: Option<f64>,
    pub stderr: Tail,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// With the model API's HTTP status, where the harness tells it.
    Failed {
        status: Option<u64>,
        text: String,
    },
    Limit(String),
    Interrupted(String),
}

/// How a turn came out and why; the last is whether a credential is to blame.
type Judgement = (Outcome, Option<String>, bool);

impl Gathered {
    /// Notes a failure. The first one is the cause; what follows are its echoes.
    pub fn failed(&mut self, status: Option<u64>, text: &str) {
        if self.trouble.is_none() {
            self.trouble = Some(Trouble::Failed { status, text: text.to_owned() });
        }
    }

    /// A tool is called: whatever was said before it is not the answer.
    pub fn tool_called(&mut self) {
        self.worked = true;
        self.answer = None;
    }

    pub fn spent(&mut self, usage: Usage, cost_usd: Option<f64>) {
        self.usage += usage;
        if let Some(cost) = cost_usd {
            *self.cost_usd.get_or_insert(0.0) += cost;
        }
    }

    /// `usage_so_far` is what the next turn of a harness that counts over the whole conversation
    /// has to subtract. `before` stands in where the stream did not name its conversation.
    pub fn verdict(
        &mut self,
        exit: &Exit,
        before: Option<&Conversation>,
        usage_so_far: Usage,
    ) -> Verdict {
        let answer = self.answer.take().filter(|text| !text.trim().is_empty());
        let (outcome, reason, credential) = self.judge(exit, answer.is_some());
        let id = self.conversation.take().or_else(|| before.map(|before| before.id.clone()));
        Verdict {
            outcome,
            answer: answer.filter(|_| outcome.is_success()),
            reason,
            credential,
            usage: self.usage,
            cost_usd: self.cost_usd,
            conversation: id.map(|id| Conversation { id, usage_so_far }),
        }
    }

    fn judge(&self, exit: &Exit, answered: bool) -> Judgement {
        match &self.trouble {
            Some(Trouble::Limit(reason)) => return (Outcome::Limit, Some(reason.clone()), false),
            Some(Trouble::Interrupted(reason)) => {
                return (Outcome::Interrupted, Some(reason.clone()), false);
            }
            Some(Trouble::Failed { status, text }) => {
                let (reason, credential) = explain(*status, text)
                    .unwrap_or_else(|| (format!("it failed: {}", said(text)), false));
                return (Outcome::Failed, Some(reason), credential);
            }
            None => {}
        }
        let failed = |reason: String| (Outcome::Failed, Some(reason), false);
        match (exit.signal, exit.code) {
            (Some(signal), _) => failed(format!("it was killed by signal {signal}")),
            (None, None) => failed("it is not known how it ended".to_owned()),
            (None, Some(0)) if !self.finished => {
                failed("it exited 0 without a final event, so its work was cut short".to_owned())
            }
            (None, Some(0)) if answered || self.worked => (Outcome::Succeeded, None, false),
            (None, Some(0)) => {
                let reason = "it ended well, but said nothing and used no tool";
                (Outcome::Empty, Some(reason.to_owned()), false)
            }
            (None, Some(code)) => self.judge_code(code),
        }
    }

    fn judge_code(&self, code: i32) -> Judgement {
        let (mut reason, mut credential) = match code {
            // What shells and the like return for a program that a signal ended.
            129..=159 => (format!("it was ended by signal {}", code - 128), false),
            _ => (format!("it exited with code {code}"), false),
        };
        if let Some(line) = self.stderr.telling_line() {
            let (said, refused) = explain(None, line).unwrap_or_else(|| (said(line), false));
            reason = format!("{reason}: {said}");
            credential = refused;
        }
        (Outcome::Failed, Some(reason), credential)
    }
}

/// The sentence for an error of the model API, and whether a credential is to blame. None where the
/// text does not tell that it is one.
fn explain(status: Option<u64>, text: &str) -> Option<(String, bool)> {
    let said = said(text);
    let explained = match status.or_else(|| status_in(text)) {
        Some(status @ (401 | 403)) => {
            (format!("the model API refused the credential ({status}): {said}"), true)
        }
        _ if names_a_credential(text) => {
            (format!("there is no usable credential for the model API: {said}"), true)
        }
        Some(status @ (429 | 500..=599)) => {
            (format!("the model API was overloaded ({status}): {said}"), false)
        }
        Some(status) => (format!("the model API answered with status {status}: {said}"), false),
        None if text.to_ascii_lowercase().contains("overloaded") => {
            (format!("the model API was overloaded: {said}"), false)
        }
        None => return None,
    };
    Some(explained)
}

/// The first line of an error, shortened; out of a JSON answer only its message.
fn said(text: &str) -> String {
    const MOST: usize = 400;
    let json = text.find('{').zip(text.rfind('}')).and_then(|(from, to)| text.get(from..=to));
    let message = json.and_then(|json| serde_json::from_str::<Value>(json).ok()).and_then(|json| {
        let message = json.pointer("/error/message").or_else(|| json.get("message"))?;
        Some(message.as_str()?.to_owned())
    });
    let text = plain(message.as_deref().unwrap_or(text));
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or("it gave no reason").trim_end_matches('.');
    if line.chars().count() > MOST {
        line.chars().take(MOST).chain("…".chars()).collect()
    } else {
        line.to_owned()
    }
}

/// An HTTP status of an error in a text about an API.
fn status_in(text: &str) -> Option<u64> {
    ["status ", "status: ", "status code ", "API Error: ", "\"code\":", "HTTP "]
        .iter()
        .flat_map(|mark| text.match_indices(mark).map(|(at, mark)| &text[at + mark.len()..]))
        .filter_map(|rest| {
            let rest = rest.trim_start();
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (digits == 3).then(|| rest[..digits].parse().ok()).flatten()
        })
        .find(|status| (400..600).contains(status))
}

fn names_a_credential(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "not logged in",
        "invalid api key",
        "invalid x-api-key",
        "incorrect api key",
        "api key not valid",
        "api key is missing",
        "missing api key",
        "no api key",
        "missing environment variable",
        "authentication failed",
        "authentication_error",
        "failed to authenticate",
        "unauthorized",
        "auth method",
    ]
    .iter()
    .any(|phrase| text.contains(phrase))
}

/// The end of a program's standard error.
#[derive(Debug, Default)]
pub struct Tail(String);

impl Tail {
    const MOST: usize = 4096;

    pub fn push(&mut self, line: &str) {
        self.0.push_str(&line[..line.floor_char_boundary(Self::MOST)]);
        self.0.push('\n');
        let over = self.0.len().saturating_sub(Self::MOST);
        self.0.drain(..self.0.ceil_char_boundary(over));
    }

    /// The line that most likely says why the program failed.
    fn telling_line(&self) -> Option<&str> {
        let lines = || self.0.lines().rev().map(str::trim);
        let names_it = |line: &&str| {
            let line = line.to_ascii_lowercase();
            ["error", "fail", "not found", "cannot", "invalid", "missing", "unknown"]
                .iter()
                .any(|word| line.contains(word))
        };
        // Stack traces end in lines without a word in them.
        let says_it = |line: &&str| line.bytes().filter(u8::is_ascii_alphanumeric).count() > 2;
        lines().find(names_it).or_else(|| lines().find(says_it))
    }
}

/// A text without terminal escapes and other control characters but line ends and tabs.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' {
            // `ESC [ parameters letter`; other sequences are two characters long.
            if chars.next() == Some('[') {
                chars.by_ref().find(char::is_ascii_alphabetic);
            }
        } else if !char.is_control() || matches!(char, '\n' | '\t') {
            plain.push(char);
        }
    }
    plain
}

/// A line that is not understood. Empty lines say nothing.
pub fn unread(line: &str) -> Vec<EventKind> {
    if line.trim().is_empty() {
        return Vec::new();
    }
    vec![EventKind::Unread { line: line.to_owned() }]
}

pub fn status(text: impl Into<String>) -> Vec<EventKind> {
    vec![EventKind::Status { text: text.into() }]
}

/// The text of a tool's output: a string, or a list of blocks as the model APIs and MCP have them.
/// Blocks that are no text stay whole, as JSON.
pub fn output_text(content: &Value) -> String {
    match content {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts: Vec<_> = blocks
                .iter()
                .map(|block| match block.get("text").and_then(Value::as_str) {
                    Some(text) => text.to_owned(),
                    None => block.to_string(),
                })
                .collect();
            texts.join("\n")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_explained() {
        for (status, text, reason, credential) in [
            (
                None,
                "unexpected status 503 Service Unavailable: Overloaded, url: http://x/v1",
                "the model API was overloaded (503): unexpected status 503 Service Unavailable: \
                 Overloaded, url: http://x/v1",
                false,
            ),
            (
                None,
                r#"[API Error: {"error":{"code":401,"message":"invalid api key"}}]"#,
                "the model API refused the credential (401): invalid api key",
                true,
            ),
            (Some(400), "bad\nrequest", "the model API answered with status 400: bad", false),
            (
                None,
                "Missing environment variable: `K`.",
                "there is no usable credential for the model API: Missing environment variable: `K`",
                true,
            ),
        ] {
            assert_eq!(explain(status, text), Some((reason.to_owned(), credential)), "{text}");
        }
        for (text, plainly) in [
            ("\u{1b}[31mError:\u{1b}[0m no such session", "Error: no such session"),
            ("exit status 3210: API Error: 9", "exit status 3210: API Error: 9"),
            ("", "it gave no reason"),
        ] {
            assert_eq!((explain(None, text), said(text).as_str()), (None, plainly));
        }
    }

    #[test]
    fn a_tail_is_short_and_its_telling_line_is_found() {
        let mut tail = Tail::default();
        assert_eq!(tail.telling_line(), None);
        tail.push(&"ü".repeat(9_000));
        tail.push("Error: no such thing");
        tail.push("    at f (x.js:1:1) {");
        tail.push("}");
        assert!(tail.0.len() <= Tail::MOST);
        assert_eq!(tail.telling_line(), Some("Error: no such thing"));
    }
}
