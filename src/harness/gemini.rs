//! Gemini CLI: `gemini --output-format stream-json`.
//!
//! The assistant's text comes in pieces only, which are joined here; its thinking does not come at
//! all, nor the exit code of a shell command. The prompt is echoed whole, and left out here, since
//! the transcript has it already. A terminated run exits 0, so success needs the `result` event.
//! Usage counts one run and includes a request to a small model that picks the model. It needs
//! Node, so it has to be in the image.

use super::invoking::{RETRIES, unversioned};
use super::reading::{Gathered, Trouble, status, unread};
use super::{Ask, Harness, Invocation, Key, Program, Reader, key};
use crate::domain::journal::Exit;
use crate::domain::transcript::{Counting, EventKind, Usage};
use crate::domain::turn::{Conversation, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct Gemini;

const KEY: &str = "GEMINI_API_KEY";

impl Harness for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn program(&self) -> Program {
        Program::InImage("gemini")
    }

    fn key(&self) -> Option<Key> {
        Some(key::GEMINI)
    }

    fn invocation(&self, ask: &Ask) -> Invocation {
        let mut run = Invocation::of(ask, "gemini");
        run.args(["--output-format", "stream-json", "--yolo", "--skip-trust"]);
        run.option("-m", ask.model);
        match ask.conversation {
            Some(conversation) => run.option("--resume", Some(&conversation.id)),
            None => run.option("--session-id", Some(ask.session_uuid)),
        }
        // Otherwise it is two processes, of which the first one obeys no signal.
        run.set("GEMINI_CLI_NO_RELAUNCH", "true");
        if let Some(url) = ask.base_url() {
            run.set("GOOGLE_GEMINI_BASE_URL", unversioned(url, "v1beta"));
        }
        let home = &ask.paths.home;
        run.file(format!("{home}/.gemini/settings.json"), settings(ask).to_string());
        if !ask.instructions.is_empty() {
            run.file(format!("{home}/.gemini/GEMINI.md"), ask.instructions);
        }
        run.secret_env.insert(KEY.to_owned(), ask.secret(KEY).to_owned());
        run.trust(ask);
        run
    }

    fn counting(&self) -> Counting {
        Counting::Summed
    }

    fn reader(&self, before: Option<&Conversation>) -> Box<dyn Reader> {
        Box::new(Lines { before: before.cloned(), ..Lines::default() })
    }
}

fn settings(ask: &Ask) -> Value {
    let mut settings = json!({
        "security": {
            // Without it a base URL makes the program refuse to start.
            "auth": { "selectedType": "gemini-api-key" },
            "folderTrust": { "enabled": false },
        },
        "general": { "enableAutoUpdate": false, "maxAttempts": RETRIES + 1 },
        "privacy": { "usageStatisticsEnabled": false },
        "context": { "fileName": ["AGENTS.md", "GEMINI.md"] },
    });
    if let Some(turns) = ask.limits.max_turns {
        settings["model"] = json!({ "maxSessionTurns": turns });
    }
    settings
}

#[derive(Default)]
struct Lines {
    before: Option<Conversation>,
    gathered: Gathered,
    /// Pieces of the text that is being said.
    saying: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Init {
        session_id: String,
        model: String,
    },
    Message {
        role: Role,
        content: String,
        #[serde(default)]
        delta: bool,
    },
    ToolUse {
        tool_name: String,
        tool_id: String,
        parameters: Value,
    },
    ToolResult {
        tool_id: String,
        status: String,
        output: Option<String>,
        error: Option<Failed>,
    },
    Error {
        severity: Option<String>,
        message: String,
    },
    Result {
        status: String,
        error: Option<Failed>,
        stats: Option<Stats>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
    Assistant,
}

#[derive(Deserialize)]
struct Failed {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: String,
}

#[derive(Deserialize)]
struct Stats {
    #[serde(flatten)]
    all: Tokens,
    #[serde(default)]
    models: BTreeMap<String, Tokens>,
}

/// `input_tokens` includes what came from the cache.
#[expect(clippy::struct_field_names, reason = "the names of the stream")]
#[derive(Deserialize)]
struct Tokens {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(default)]
    cached: u64,
}

impl Tokens {
    fn usage(&self) -> Usage {
        Usage {
            input_tokens: self.input_tokens.saturating_sub(self.cached),
            output_tokens: self.output_tokens,
            cache_read_tokens: self.cached,
            cache_write_tokens: 0,
        }
    }
}

impl Reader for Lines {
    fn out(&mut self, line: &str) -> Vec<EventKind> {
        let read = match serde_json::from_str(line) {
            Ok(Line::Message { role: Role::Assistant, content, delta: true }) => {
                self.gathered.finished = false;
                self.saying.push_str(&content);
                return Vec::new();
            }
            read => read,
        };
        let mut events = self.rest();
        match read {
            Ok(read) => events.extend(self.read(read)),
            Err(_) => events.extend(unread(line)),
        }
        events
    }

    fn err(&mut self, line: &str) -> Vec<EventKind> {
        self.gathered.stderr.push(line);
        Vec::new()
    }

    fn rest(&mut self) -> Vec<EventKind> {
        if self.saying.is_empty() {
            return Vec::new();
        }
        let text = std::mem::take(&mut self.saying);
        self.gathered.answer = Some(text.clone());
        vec![EventKind::Assistant { text }]
    }

    fn end(&mut self, exit: &Exit) -> Verdict {
        // The pieces of a turn that was cut are no answer, but whoever did not ask for them here
        // would find none after a whole one either.
        let _ = self.rest();
        if let Some(code) = exit.code {
            self.judge_code(code);
        }
        self.gathered.verdict(exit, self.before.as_ref(), Usage::default())
    }
}

impl Lines {
    fn read(&mut self, line: Line) -> Vec<EventKind> {
        match line {
            Line::Init { session_id, model } => {
                self.gathered.conversation = Some(session_id);
                status(format!("Gemini CLI, model {model}"))
            }
            Line::Message { role: Role::User, .. } => Vec::new(),
            Line::Message { role: Role::Assistant, content, .. } => {
                self.gathered.answer = Some(content.clone());
                vec![EventKind::Assistant { text: content }]
            }
            Line::ToolUse { tool_name, tool_id, parameters } => {
                self.gathered.tool_called();
                vec![EventKind::ToolCall {
                    id: tool_id,
                    name: tool_name,
                    input: parameters,
                    parent: None,
                }]
            }
            Line::ToolResult { tool_id, status, output, error } => {
                let output = joined(output, error.map(|error| error.message));
                let is_error = status != "success";
                vec![EventKind::ToolResult { id: tool_id, output, is_error, exit_code: None }]
            }
            Line::Error { severity, message } if severity.as_deref() == Some("warning") => {
                status(format!("warning: {message}"))
            }
            Line::Error { message, .. } => vec![EventKind::Error { text: message }],
            Line::Result { status, error, stats } => self.result(&status, error, stats),
        }
    }

    fn result(&mut self, how: &str, error: Option<Failed>, stats: Option<Stats>) -> Vec<EventKind> {
        let mut events = Vec::new();
        if let Some(stats) = stats {
            self.gathered.spent(stats.all.usage(), None);
            for (model, tokens) in stats.models {
                let usage = tokens.usage();
                if usage.total() > 0 {
                    events.push(EventKind::Usage { usage, cost_usd: None, model: Some(model) });
                }
            }
        }
        if how == "success" {
            self.gathered.finished = true;
            return events;
        }
        let (kind, text) = match error {
            Some(error) => (error.kind.unwrap_or_default(), error.message),
            None => (String::new(), format!("it ended with the status `{how}`")),
        };
        if kind == "FatalTurnLimitedError" {
            self.gathered.trouble = Some(turn_limit());
        } else {
            self.gathered.failed(None, &text);
        }
        events.push(EventKind::Error { text });
        events
    }

    /// Exit codes that say more than that something failed, for runs that told it only so.
    fn judge_code(&mut self, code: i32) {
        if self.gathered.trouble.is_some() {
            return;
        }
        match code {
            41 => self.gathered.failed(None, "its auth method needs `GEMINI_API_KEY`"),
            53 => self.gathered.trouble = Some(turn_limit()),
            // An HTTP status modulo 256.
            144 | 145 | 147 | 173 | 244..=248 => {
                let status = u64::from(code.unsigned_abs()) + 256;
                self.gathered.failed(Some(status), "it exited with this status as its code");
            }
            _ => {}
        }
    }
}

fn turn_limit() -> Trouble {
    Trouble::Limit("its turn limit ended it".to_owned())
}

/// A failed tool's output and its error, which often begin alike.
fn joined(output: Option<String>, error: Option<String>) -> String {
    match (output.unwrap_or_default(), error) {
        (output, None) => output,
        (output, Some(error)) if output.contains(&error) => output,
        (output, Some(error)) if error.contains(output.trim_end_matches('.')) => error,
        (output, Some(error)) => format!("{output}\n{error}"),
    }
}
