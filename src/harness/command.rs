//! Any program of the preset's: its output is the transcript.
//!
//! The prompt is on its standard input, and in `LOOP_PROMPT` where it is shorter than 100 KiB: the
//! system takes no variable over 128 KiB. What the worker must know beyond it is in the file that
//! `LOOP_INSTRUCTIONS` names. A line of standard output that is a JSON object in the shape of our
//! own events (`{"kind":"assistant","text":"…"}`) is that event; every other line is something the
//! worker said, and standard error is its status. It has no conversation: a follow-up is a new run
//! in the same sandbox. Success is exit code 0 and something said.

use super::reading::{Gathered, plain, status};
use super::{Ask, Harness, Invocation, Key, Program, Reader};
use crate::domain::journal::Exit;
use crate::domain::transcript::{EventKind, Usage};
use crate::domain::turn::{Conversation, Outcome, Verdict};

pub struct Command;

/// The longest prompt that goes into a variable as well.
const LONGEST_VARIABLE: usize = 100 << 10;

/// How much of the end of the output is the answer.
const LONGEST_ANSWER: usize = 64 << 10;

impl Harness for Command {
    fn name(&self) -> &'static str {
        "command"
    }

    fn program(&self) -> Program {
        Program::Preset
    }

    fn key(&self) -> Option<Key> {
        None
    }

    fn invocation(&self, ask: &Ask) -> Invocation {
        let mut run = Invocation {
            argv: ask.command.to_vec(),
            stdin: ask.prompt.to_owned(),
            ..Invocation::default()
        };
        // A variable cannot hold a NUL either.
        if ask.prompt.len() < LONGEST_VARIABLE && !ask.prompt.contains('\0') {
            run.set("LOOP_PROMPT", ask.prompt);
        }
        if !ask.instructions.is_empty() {
            let path = format!("{}/.loop/instructions.md", ask.paths.home);
            run.set("LOOP_INSTRUCTIONS", path.as_str());
            run.file(path, ask.instructions);
        }
        if let Some(model) = ask.model {
            run.set("LOOP_MODEL", model);
        }
        if let Some(url) = ask.base_url() {
            run.set("LOOP_BASE_URL", url);
        }
        // The key goes by the secret's own name, since only the program knows a better one.
        if let Some(secret) = ask.provider.and_then(|provider| provider.secret.as_ref()) {
            run.secret_env.insert(secret.clone(), secret.clone());
        }
        run.trust(ask);
        run
    }

    fn reader(&self, _before: Option<&Conversation>) -> Box<dyn Reader> {
        Box::new(Lines::default())
    }
}

#[derive(Default)]
struct Lines {
    gathered: Gathered,
    said: String,
}

impl Reader for Lines {
    fn out(&mut self, line: &str) -> Vec<EventKind> {
        let event = if line.starts_with('{') { serde_json::from_str(line).ok() } else { None };
        if let Some(event) = event {
            self.note(&event);
            return vec![event];
        }
        self.say(line);
        if line.trim().is_empty() {
            return Vec::new();
        }
        vec![EventKind::Assistant { text: line.to_owned() }]
    }

    fn err(&mut self, line: &str) -> Vec<EventKind> {
        self.gathered.stderr.push(line);
        if plain(line).trim().is_empty() {
            return Vec::new();
        }
        status(line)
    }

    fn end(&mut self, exit: &Exit) -> Verdict {
        let said = self.said.trim();
        let said =
            said[said.ceil_char_boundary(said.len().saturating_sub(LONGEST_ANSWER))..].trim();
        if !said.is_empty() {
            self.gathered.answer = Some(said.to_owned());
        }
        // It has no final event: its exit code is all that tells an end from a cut.
        self.gathered.finished = true;
        let mut verdict = self.gathered.verdict(exit, None, Usage::default());
        if verdict.outcome == Outcome::Empty {
            verdict.reason = Some("it exited 0 and wrote nothing".to_owned());
        }
        verdict
    }
}

impl Lines {
    fn note(&mut self, event: &EventKind) {
        match event {
            EventKind::Assistant { text } => self.say(text),
            EventKind::ToolCall { .. } => self.gathered.worked = true,
            EventKind::Usage { usage, cost_usd, .. } => self.gathered.spent(*usage, *cost_usd),
            _ => {}
        }
    }

    fn say(&mut self, text: &str) {
        self.said.push_str(text);
        self.said.push('\n');
        // Cut seldom, so that long output does not move all the time.
        if self.said.len() > 2 * LONGEST_ANSWER {
            let over = self.said.len() - LONGEST_ANSWER;
            self.said.drain(..self.said.ceil_char_boundary(over));
        }
    }
}
