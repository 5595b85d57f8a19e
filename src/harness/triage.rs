//! The worker built into this program: no model, no key, no network.
//!
//! It writes our own events as JSON lines and, as the last line, `{"kind":"result","answer":"…"}`.
//! It is read as strictly as the others: without that line it did not succeed. Prompt and
//! instructions change nothing about what it does.

use super::reading::{Gathered, unread};
use super::{Ask, Harness, Invocation, Key, Program, Reader};
use crate::domain::journal::Exit;
use crate::domain::transcript::{EventKind, Usage};
use crate::domain::turn::{Conversation, Verdict};
use serde::Deserialize;

pub struct Triage;

impl Harness for Triage {
    fn name(&self) -> &'static str {
        "triage"
    }

    fn program(&self) -> Program {
        Program::Builtin
    }

    fn key(&self) -> Option<Key> {
        None
    }

    fn invocation(&self, ask: &Ask) -> Invocation {
        let paths = ask.paths;
        let argv = [
            &paths.loop_bin,
            "triage",
            "--snapshot",
            &paths.snapshot,
            "--artifacts",
            &paths.artifacts,
        ];
        Invocation {
            argv: argv.map(str::to_owned).to_vec(),
            stdin: ask.prompt.to_owned(),
            ..Invocation::default()
        }
    }

    fn reader(&self, _before: Option<&Conversation>) -> Box<dyn Reader> {
        Box::new(Lines::default())
    }
}

#[derive(Default)]
struct Lines {
    gathered: Gathered,
}

/// The last line.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Last {
    Result { answer: String },
}

impl Reader for Lines {
    fn out(&mut self, line: &str) -> Vec<EventKind> {
        if let Ok(Last::Result { answer }) = serde_json::from_str(line) {
            self.gathered.finished = true;
            self.gathered.answer = Some(answer);
            return Vec::new();
        }
        // Nothing may come after it.
        self.gathered.finished = false;
        match serde_json::from_str(line) {
            Ok(event) => {
                if matches!(event, EventKind::ToolCall { .. }) {
                    self.gathered.worked = true;
                }
                vec![event]
            }
            Err(_) => unread(line),
        }
    }

    fn err(&mut self, line: &str) -> Vec<EventKind> {
        self.gathered.stderr.push(line);
        Vec::new()
    }

    fn end(&mut self, exit: &Exit) -> Verdict {
        self.gathered.verdict(exit, None, Usage::default())
    }
}
