//! Codex: `codex exec --json`.
//!
//! Items begin and end; parallel ones end in any order. `error` events and `error` items are
//! warnings: only `turn.failed` is a failure, and only `turn.completed` a success. Usage counts over
//! the whole thread, also after a resume, so the conversation keeps what was counted before. There
//! is no cost, no turn limit and no budget. A session that cannot be resumed shows on stderr alone.
//!
//! The newer models call their tools from JavaScript, which a second program runs that has to lie
//! beside the first one. Without it every tool fails, and the run still exits 0 with a completed
//! turn; so its warning of that is taken for what it is.

use super::invoking::{RETRIES, openai_base};
use super::reading::{Gathered, Trouble, output_text, status, unread};
use super::{Ask, Build, Harness, Invocation, Key, Native, Program, Reader, key};
use crate::domain::journal::Exit;
use crate::domain::transcript::{Counting, EventKind, Usage};
use crate::domain::turn::{Conversation, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub struct Codex;

const VERSION: &str = "0.169.0";

const BUILDS: &[Build] = &[
    Build {
        arch: "x86_64",
        libc: "any",
        package: "@openai/codex",
        package_version: "0.169.0-linux-x64",
        path: "package/vendor/x86_64-unknown-linux-musl/bin/codex",
        beside: &["package/vendor/x86_64-unknown-linux-musl/bin/codex-code-mode-host"],
        integrity: "sha512-o05NyAOCDygSPRo1yinzxvkRSdmsZyBD9E7mbpmjRanSfM8lypqWtQgEo4XfNkwhuCR2aFu8mlGOsQGFXVbVww==",
    },
    Build {
        arch: "aarch64",
        libc: "any",
        package: "@openai/codex",
        package_version: "0.169.0-linux-arm64",
        path: "package/vendor/aarch64-unknown-linux-musl/bin/codex",
        beside: &["package/vendor/aarch64-unknown-linux-musl/bin/codex-code-mode-host"],
        integrity: "sha512-NZ/DaQUpcQmxmqee7Z9uC1rzw3GhSbooawcaTe1LN5Yk+WlinUKGdTXJgClRT/9ogQEEM9TWxYzvxPfj5G/xFg==",
    },
];

/// The variable that carries the key, whichever secret it is.
const KEY: &str = "CODEX_API_KEY";

/// How it warns that the worker has no tools.
const NO_TOOLS: &str = "Code Mode is unavailable";

/// What keeps it from hosts other than the model's, from waiting five seconds for one at exit, and
/// from writing its whole environment, the key included, to a file of its home.
const QUIET: [&str; 5] = [
    "analytics.enabled=false",
    "features.plugins=false",
    "otel.metrics_exporter=\"none\"",
    "check_for_update_on_startup=false",
    "features.shell_snapshot=false",
];

impl Harness for Codex {
    fn name(&self) -> &'static str {
        "codex"
    }

    fn program(&self) -> Program {
        Program::Native(Native { name: "codex", version: VERSION, builds: BUILDS })
    }

    fn key(&self) -> Option<Key> {
        Some(key::OPENAI)
    }

    fn invocation(&self, ask: &Ask) -> Invocation {
        let mut run = Invocation::of(ask, "codex");
        run.arg("exec");
        if ask.conversation.is_some() {
            run.arg("resume");
        }
        run.args(["--json", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check"]);
        for setting in QUIET {
            run.option("-c", Some(setting));
        }
        if let Some(url) = ask.base_url() {
            run.option("-c", Some("model_provider=\"loop\""));
            run.option("-c", Some(provider(url)));
        }
        run.option("-m", ask.model);
        if let Some(conversation) = ask.conversation {
            run.arg(&conversation.id);
        }
        run.arg("-");
        if !ask.instructions.is_empty() {
            run.file(format!("{}/.codex/AGENTS.md", ask.paths.home), ask.instructions);
        }
        run.secret_env.insert(KEY.to_owned(), ask.secret("OPENAI_API_KEY").to_owned());
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

/// A provider of our own, since the built-in one cannot be told how often to try again, and tries
/// a WebSocket first. The strings of JSON are strings of TOML.
fn provider(url: &str) -> String {
    format!(
        "model_providers.loop={{name=\"loop\",base_url={},env_key=\"{KEY}\",\
         wire_api=\"responses\",request_max_retries={RETRIES},stream_max_retries={RETRIES}}}",
        json!(openai_base(url))
    )
}

#[derive(Default)]
struct Lines {
    before: Option<Conversation>,
    gathered: Gathered,
    /// Items whose beginning was told.
    begun: BTreeSet<String>,
    /// Tokens of the whole thread, as last told.
    counted: Option<Usage>,
    last_error: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Line {
    #[serde(rename = "thread.started")]
    ThreadStarted { thread_id: String },
    #[serde(rename = "turn.started")]
    TurnStarted {},
    #[serde(rename = "turn.completed")]
    TurnCompleted { usage: Counted },
    #[serde(rename = "turn.failed")]
    TurnFailed { error: Message },
    #[serde(rename = "error")]
    Error(Message),
    #[serde(rename = "item.started")]
    ItemStarted { item: Item },
    #[serde(rename = "item.updated")]
    ItemUpdated { item: Item },
    #[serde(rename = "item.completed")]
    ItemCompleted { item: Item },
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(flatten)]
    kind: ItemKind,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ItemKind {
    AgentMessage {
        text: String,
    },
    Reasoning {
        text: String,
    },
    Error(Message),
    CommandExecution {
        command: String,
        #[serde(default)]
        aggregated_output: String,
        exit_code: Option<i32>,
        status: String,
    },
    FileChange {
        changes: Value,
        status: String,
    },
    McpToolCall {
        server: String,
        tool: String,
        #[serde(default)]
        arguments: Value,
        result: Option<McpResult>,
        error: Option<Message>,
        status: String,
    },
    WebSearch {
        query: String,
    },
    TodoList {
        items: Vec<Todo>,
    },
}

#[derive(Deserialize)]
struct McpResult {
    content: Value,
}

#[derive(Deserialize)]
struct Todo {
    text: String,
    completed: bool,
}

/// Tokens since the thread began. `input_tokens` includes what came from or went to a cache.
#[expect(clippy::struct_field_names, reason = "the names of the stream")]
#[derive(Deserialize, Default)]
#[serde(default)]
struct Counted {
    input_tokens: u64,
    cached_input_tokens: u64,
    cache_write_input_tokens: u64,
    output_tokens: u64,
}

impl Counted {
    fn usage(&self) -> Usage {
        let cached = self.cached_input_tokens.saturating_add(self.cache_write_input_tokens);
        Usage {
            input_tokens: self.input_tokens.saturating_sub(cached),
            output_tokens: self.output_tokens,
            cache_read_tokens: self.cached_input_tokens,
            cache_write_tokens: self.cache_write_input_tokens,
        }
    }
}

impl Reader for Lines {
    fn out(&mut self, line: &str) -> Vec<EventKind> {
        match serde_json::from_str(line) {
            Ok(read) => self.read(read),
            Err(_) => unread(line),
        }
    }

    fn err(&mut self, line: &str) -> Vec<EventKind> {
        // Said whenever standard input is no terminal.
        if !line.starts_with("Reading additional input from stdin") {
            self.gathered.stderr.push(line);
        }
        Vec::new()
    }

    fn end(&mut self, exit: &Exit) -> Verdict {
        let so_far = self.counted.unwrap_or_else(|| self.base());
        self.gathered.verdict(exit, self.before.as_ref(), so_far)
    }
}

impl Lines {
    fn read(&mut self, line: Line) -> Vec<EventKind> {
        match line {
            Line::ThreadStarted { thread_id } => {
                self.gathered.conversation = Some(thread_id);
                Vec::new()
            }
            Line::TurnStarted {} => Vec::new(),
            Line::TurnCompleted { usage } => self.completed(usage.usage()),
            Line::TurnFailed { error } => {
                let text = error.message.clone();
                self.gathered.trouble = Some(Trouble::Failed { status: None, text });
                // An `error` event has mostly said the same just before.
                if self.last_error.as_ref() == Some(&error.message) {
                    return Vec::new();
                }
                vec![EventKind::Error { text: error.message }]
            }
            Line::Error(Message { message }) if message.starts_with("Reconnecting") => {
                status(message)
            }
            Line::Error(Message { message }) => {
                self.last_error = Some(message.clone());
                vec![EventKind::Error { text: message }]
            }
            Line::ItemStarted { item } => self.begin(&item),
            Line::ItemUpdated { item } => match &item.kind {
                ItemKind::TodoList { items } => status(plan(items)),
                _ => Vec::new(),
            },
            Line::ItemCompleted { item } => {
                let mut events = Vec::new();
                if !self.begun.remove(&item.id) {
                    events = self.begin(&item);
                }
                events.extend(self.finish(item));
                events
            }
        }
    }

    /// What the thread had counted before this turn.
    fn base(&self) -> Usage {
        let same = |before: &&Conversation| match &self.gathered.conversation {
            Some(id) => *id == before.id,
            None => true,
        };
        self.before.as_ref().filter(same).map(|before| before.usage_so_far).unwrap_or_default()
    }

    fn completed(&mut self, counted: Usage) -> Vec<EventKind> {
        let usage = counted.since(&self.counted.unwrap_or_else(|| self.base()));
        self.counted = Some(counted);
        self.gathered.finished = true;
        self.gathered.spent(usage, None);
        vec![EventKind::Usage { usage, cost_usd: None, model: None }]
    }

    /// The call of an item that is a tool's.
    fn begin(&mut self, item: &Item) -> Vec<EventKind> {
        let Some((name, input)) = item.kind.call() else { return Vec::new() };
        self.begun.insert(item.id.clone());
        self.gathered.tool_called();
        vec![EventKind::ToolCall { id: item.id.clone(), name, input, parent: None }]
    }

    fn finish(&mut self, item: Item) -> Vec<EventKind> {
        self.begun.remove(&item.id);
        let result = |output, status: &str, exit_code| {
            let is_error = status != "completed";
            vec![EventKind::ToolResult { id: item.id, output, is_error, exit_code }]
        };
        match item.kind {
            ItemKind::AgentMessage { text } => {
                self.gathered.answer = Some(text.clone());
                vec![EventKind::Assistant { text }]
            }
            ItemKind::Reasoning { text } => vec![EventKind::Thinking { text }],
            ItemKind::Error(Message { message }) if message.starts_with(NO_TOOLS) => {
                self.gathered.failed(None, &message);
                vec![EventKind::Error { text: message }]
            }
            ItemKind::Error(Message { message }) => status(format!("warning: {message}")),
            ItemKind::TodoList { items } => status(plan(&items)),
            ItemKind::CommandExecution { aggregated_output, exit_code, status, .. } => {
                result(aggregated_output, &status, exit_code)
            }
            ItemKind::FileChange { status, .. } => result(String::new(), &status, None),
            ItemKind::WebSearch { .. } => result(String::new(), "completed", None),
            ItemKind::McpToolCall { result: answer, error, status, .. } => {
                let output = match (error, answer) {
                    (Some(error), _) => error.message,
                    (None, Some(answer)) => output_text(&answer.content),
                    (None, None) => String::new(),
                };
                result(output, &status, None)
            }
        }
    }
}

impl ItemKind {
    /// A tool's name and input, in the stream's own words.
    fn call(&self) -> Option<(String, Value)> {
        Some(match self {
            Self::CommandExecution { command, .. } => {
                ("command_execution".to_owned(), json!({ "command": command }))
            }
            Self::FileChange { changes, .. } => {
                ("file_change".to_owned(), json!({ "changes": changes }))
            }
            Self::McpToolCall { server, tool, arguments, .. } => {
                (format!("{server}.{tool}"), arguments.clone())
            }
            Self::WebSearch { query } => ("web_search".to_owned(), json!({ "query": query })),
            Self::AgentMessage { .. }
            | Self::Reasoning { .. }
            | Self::Error(_)
            | Self::TodoList { .. } => return None,
        })
    }
}

fn plan(items: &[Todo]) -> String {
    let lines: Vec<_> = items
        .iter()
        .map(|item| format!("[{}] {}", if item.completed { 'x' } else { ' ' }, item.text))
        .collect();
    format!("plan: {}", lines.join("; "))
}
