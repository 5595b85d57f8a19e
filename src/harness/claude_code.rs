//! Claude Code: `claude -p --output-format stream-json`.
//!
//! One `assistant` event a content block, one or more `result` events at the end (background
//! subagents make a second one; the last is the answer). A `result` may say `subtype: "success"` and
//! still be an error, so only `is_error` counts; and an interrupted run exits 0, so neither the event
//! nor the exit code alone makes a success. The user's own prompt is not in the stream.

use super::invoking::{RETRIES, unversioned};
use super::reading::{Gathered, Trouble, output_text, status, unread};
use super::{Ask, Build, Harness, Invocation, Key, Native, Program, Reader, key};
use crate::domain::journal::Exit;
use crate::domain::transcript::{Counting, EventKind, Usage};
use crate::domain::turn::{Conversation, Verdict};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub struct ClaudeCode;

const VERSION: &str = "2.1.328";

const BUILDS: &[Build] = &[
    Build {
        arch: "x86_64",
        libc: "glibc",
        package: "@anthropic-ai/claude-code-linux-x64",
        package_version: VERSION,
        path: "package/claude",
        beside: &[],
        integrity: "sha512-KuzL+dBHgDCFTHJxwW+xuBJdVKfBsesGx2BBcTOG9sYDGoAD7b1hUV8rsTS4xjoJsB2SmeGraGjBiFuhrYuC9w==",
    },
    Build {
        arch: "aarch64",
        libc: "glibc",
        package: "@anthropic-ai/claude-code-linux-arm64",
        package_version: VERSION,
        path: "package/claude",
        beside: &[],
        integrity: "sha512-zeWsClzx/rli8q6RsngKisu5BnuZ41J7Htp0qgsdZomaJCINiksf+mewQ/gyaylKajBZCoE9Z8R+OkLMjIkJig==",
    },
    Build {
        arch: "x86_64",
        libc: "musl",
        package: "@anthropic-ai/claude-code-linux-x64-musl",
        package_version: VERSION,
        path: "package/claude",
        beside: &[],
        integrity: "sha512-JiYOp70eNGo+NQGwfPOyzupUf4rVjXd2cXpyF1elbp97mR22tagM7qlCQ/8jGrKSce82/ZKkyXQo39IsQjnNLQ==",
    },
    Build {
        arch: "aarch64",
        libc: "musl",
        package: "@anthropic-ai/claude-code-linux-arm64-musl",
        package_version: VERSION,
        path: "package/claude",
        beside: &[],
        integrity: "sha512-7WgJJKqF3+ZHug9afhVfiEouUME1Y4dApnwqXDK0N06ipIyTPmE7Mqi53FfmUZI7In651SI4ZN7A14xGoe3M2w==",
    },
];

const KEY: &str = "ANTHROPIC_API_KEY";

/// Secrets with a variable of their own: bearer tokens, which the key's variable cannot carry.
const TOKENS: [&str; 2] = ["ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

impl Harness for ClaudeCode {
    fn name(&self) -> &'static str {
        "claude-code"
    }

    fn program(&self) -> Program {
        Program::Native(Native { name: "claude", version: VERSION, builds: BUILDS })
    }

    fn key(&self) -> Option<Key> {
        Some(key::ANTHROPIC)
    }

    fn invocation(&self, ask: &Ask) -> Invocation {
        let mut run = Invocation::of(ask, "claude");
        run.args(["-p", "--output-format", "stream-json", "--verbose"]);
        run.arg("--dangerously-skip-permissions");
        match ask.conversation {
            Some(conversation) => run.option("--resume", Some(&conversation.id)),
            None => run.option("--session-id", Some(ask.session_uuid)),
        }
        run.option("--model", ask.model);
        if !ask.instructions.is_empty() {
            // A file, since one argument may not be longer than 128 KiB; and the system prompt
            // rather than a `CLAUDE.md`, which the model is told may not concern it.
            let path = format!("{}/.claude/loop-instructions.md", ask.paths.home);
            run.option("--append-system-prompt-file", Some(&path));
            run.file(path, ask.instructions);
        }
        run.option("--max-turns", ask.limits.max_turns);
        run.option("--max-budget-usd", ask.limits.budget_usd);
        // Without it the program refuses to skip permissions where it is root.
        run.set("IS_SANDBOX", "1");
        run.set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
        run.set("DISABLE_AUTOUPDATER", "1");
        run.set("CLAUDE_CODE_MAX_RETRIES", RETRIES.to_string());
        if let Some(url) = ask.base_url() {
            run.set("ANTHROPIC_BASE_URL", unversioned(url, "v1"));
        }
        let secret = ask.secret(KEY);
        let variable = TOKENS.into_iter().find(|token| *token == secret).unwrap_or(KEY);
        run.secret_env.insert(variable.to_owned(), secret.to_owned());
        run.trust(ask);
        run
    }

    fn skills(&self) -> &'static str {
        ".claude/skills"
    }

    fn counting(&self) -> Counting {
        Counting::Summed
    }

    fn reader(&self, before: Option<&Conversation>) -> Box<dyn Reader> {
        Box::new(Lines { before: before.cloned(), ..Lines::default() })
    }
}

#[derive(Default)]
struct Lines {
    before: Option<Conversation>,
    gathered: Gathered,
    greeted: bool,
    /// Messages since the last result, by id: each is told once a content block.
    messages: BTreeSet<String>,
    /// Their usage as it stood at each message's start: a lower bound, for runs that end without a
    /// result.
    at_least: Usage,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    System(System),
    Assistant(Said),
    User(Said),
    Result(Box<Ended>),
    /// Parts of messages that come whole as well.
    StreamEvent {},
    RateLimitEvent {},
}

#[derive(Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
enum System {
    Init {
        session_id: String,
        model: String,
        #[serde(default)]
        claude_code_version: String,
    },
    ApiRetry {
        attempt: u64,
        max_retries: u64,
        retry_delay_ms: f64,
        error_status: Option<u64>,
        error: Option<String>,
    },
    ModelFallback {
        content: String,
    },
    TaskStarted {
        description: String,
    },
    TaskNotification {
        status: String,
        #[serde(default)]
        summary: String,
    },
    PermissionDenied {
        tool_name: String,
        message: String,
    },
    CompactBoundary {},
    // Known, and of no use to who reads a transcript.
    Status {},
    ThinkingTokens {},
    TaskProgress {},
    TaskUpdated {},
    BackgroundTasksChanged {},
}

#[derive(Deserialize)]
struct Said {
    message: Message,
    /// Set where a subagent speaks.
    parent_tool_use_id: Option<String>,
    #[serde(default)]
    is_api_error_message: bool,
}

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    /// A string, or a list of blocks.
    content: Value,
    usage: Option<ApiUsage>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    Thinking {
        thinking: String,
    },
    RedactedThinking {},
    ToolUse {
        id: String,
        name: String,
        input: Value,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(default)]
        content: Value,
        is_error: Option<bool>,
    },
}

#[derive(Deserialize)]
struct Ended {
    session_id: Option<String>,
    subtype: String,
    is_error: bool,
    result: Option<String>,
    #[serde(default)]
    errors: Vec<String>,
    terminal_reason: Option<String>,
    api_error_status: Option<u64>,
    total_cost_usd: Option<f64>,
    usage: Option<ApiUsage>,
    model_usage_since_last_result: Option<BTreeMap<String, ModelUsage>>,
}

#[expect(clippy::struct_field_names, reason = "the names of the stream")]
#[derive(Deserialize)]
struct ApiUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

impl ApiUsage {
    fn usage(&self) -> Usage {
        Usage {
            input_tokens: self.input_tokens.unwrap_or(0),
            output_tokens: self.output_tokens.unwrap_or(0),
            cache_read_tokens: self.cache_read_input_tokens.unwrap_or(0),
            cache_write_tokens: self.cache_creation_input_tokens.unwrap_or(0),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ModelUsage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    #[serde(rename = "costUSD")]
    cost_usd: Option<f64>,
}

impl Reader for Lines {
    fn out(&mut self, line: &str) -> Vec<EventKind> {
        self.read(line).unwrap_or_else(|| unread(line))
    }

    fn err(&mut self, line: &str) -> Vec<EventKind> {
        self.gathered.stderr.push(line);
        Vec::new()
    }

    fn end(&mut self, exit: &Exit) -> Verdict {
        let at_least = std::mem::take(&mut self.at_least);
        self.gathered.usage += at_least;
        self.gathered.verdict(exit, self.before.as_ref(), Usage::default())
    }
}

impl Lines {
    fn read(&mut self, line: &str) -> Option<Vec<EventKind>> {
        match serde_json::from_str(line).ok()? {
            Line::System(system) => Some(self.system(system)),
            Line::Assistant(said) => self.assistant(said),
            Line::User(said) => {
                self.gathered.finished = false;
                user(&said)
            }
            Line::Result(ended) => Some(self.result(&ended)),
            Line::StreamEvent {} | Line::RateLimitEvent {} => Some(Vec::new()),
        }
    }

    fn system(&mut self, system: System) -> Vec<EventKind> {
        match system {
            System::Init { session_id, model, claude_code_version } => {
                self.gathered.conversation = Some(session_id);
                self.gathered.finished = false;
                // It comes again with each background task.
                if std::mem::replace(&mut self.greeted, true) {
                    return Vec::new();
                }
                status(format!("Claude Code {claude_code_version}, model {model}"))
            }
            System::ApiRetry { attempt, max_retries, retry_delay_ms, error_status, error } => {
                let error = error.unwrap_or_else(|| "unknown".to_owned());
                let code = error_status.map(|code| format!(" {code}")).unwrap_or_default();
                status(format!(
                    "the model API failed ({error}{code}); attempt {attempt} of {max_retries} \
                     follows in {:.1} s",
                    retry_delay_ms / 1000.0
                ))
            }
            System::ModelFallback { content } => status(content),
            System::TaskStarted { description } => status(format!("task started: {description}")),
            System::TaskNotification { status: how, summary } => {
                status(format!("task {how}: {summary}"))
            }
            System::PermissionDenied { tool_name, message } => {
                status(format!("{tool_name} was denied: {message}"))
            }
            System::CompactBoundary {} => status("the conversation was compacted"),
            System::Status {}
            | System::ThinkingTokens {}
            | System::TaskProgress {}
            | System::TaskUpdated {}
            | System::BackgroundTasksChanged {} => Vec::new(),
        }
    }

    fn assistant(&mut self, said: Said) -> Option<Vec<EventKind>> {
        let parent = said.parent_tool_use_id;
        let blocks: Vec<Block> = serde_json::from_value(said.message.content).ok()?;
        self.gathered.finished = false;
        if let (Some(id), Some(usage)) = (said.message.id, said.message.usage)
            && self.messages.insert(id)
        {
            self.at_least += usage.usage();
        }
        let mut events = Vec::new();
        for block in blocks {
            events.push(match block {
                Block::Text { text } if said.is_api_error_message => EventKind::Error { text },
                Block::Text { text } if parent.is_some() => {
                    EventKind::Status { text: format!("subagent: {text}") }
                }
                Block::Text { text } => EventKind::Assistant { text },
                Block::Thinking { thinking } => EventKind::Thinking { text: thinking },
                Block::RedactedThinking {} => continue,
                Block::ToolUse { id, name, input } => {
                    self.gathered.worked = true;
                    EventKind::ToolCall { id, name, input, parent: parent.clone() }
                }
                Block::ToolResult { .. } => return None,
            });
        }
        Some(events)
    }

    fn result(&mut self, ended: &Ended) -> Vec<EventKind> {
        let gathered = &mut self.gathered;
        if let Some(id) = &ended.session_id {
            gathered.conversation = Some(id.clone());
        }
        gathered.finished = true;
        gathered.answer.clone_from(&ended.result);
        gathered.trouble = ended.trouble();
        self.messages.clear();
        self.at_least = Usage::default();
        let mut events = Vec::new();
        for (usage, cost_usd, model) in ended.spent(self.before.is_none()) {
            gathered.spent(usage, cost_usd);
            events.push(EventKind::Usage { usage, cost_usd, model });
        }
        // What the API said was told by a message before.
        if let Some(text) = ended.errors.first().filter(|_| ended.is_error) {
            events.push(EventKind::Error { text: text.clone() });
        }
        events
    }
}

impl Ended {
    fn trouble(&self) -> Option<Trouble> {
        if !self.is_error {
            return None;
        }
        let why = self.terminal_reason.as_deref().unwrap_or_default();
        let text = self.result.as_ref().or(self.errors.first()).map_or(&self.subtype, |text| text);
        Some(match self.subtype.as_str() {
            "error_max_turns" => Trouble::Limit(format!("its turn limit ended it: {text}")),
            "error_max_budget_usd" => Trouble::Limit(format!("its budget ended it: {text}")),
            _ if why.starts_with("aborted") => {
                Trouble::Interrupted(format!("it was interrupted ({why})"))
            }
            _ => Trouble::Failed { status: self.api_error_status, text: text.clone() },
        })
    }

    /// What was spent since the last result, subagents included, a model each.
    fn spent(&self, first_turn: bool) -> Vec<(Usage, Option<f64>, Option<String>)> {
        if let Some(models) = &self.model_usage_since_last_result {
            let spent = models.iter().map(|(model, used)| {
                let usage = Usage {
                    input_tokens: used.input_tokens,
                    output_tokens: used.output_tokens,
                    cache_read_tokens: used.cache_read_input_tokens,
                    cache_write_tokens: used.cache_creation_input_tokens,
                };
                (usage, used.cost_usd, Some(model.clone()))
            });
            return spent.collect();
        }
        // `total_cost_usd` counts over all turns of the conversation, so it says something about
        // this turn only where it is the first.
        let cost = self.total_cost_usd.filter(|_| first_turn);
        self.usage.iter().map(|usage| (usage.usage(), cost, None)).collect()
    }
}

/// Tool results, and words that the program puts into the user's mouth.
fn user(said: &Said) -> Option<Vec<EventKind>> {
    if let Value::String(text) = &said.message.content {
        return Some(status(text));
    }
    let blocks: Vec<Block> = Vec::deserialize(&said.message.content).ok()?;
    let mut events = Vec::new();
    for block in blocks {
        events.push(match block {
            Block::Text { text } => EventKind::Status { text },
            Block::ToolResult { tool_use_id, content, is_error } => {
                let (output, is_error) = (output_text(&content), is_error.unwrap_or(false));
                let exit_code = is_error.then(|| exit_code(&output)).flatten();
                EventKind::ToolResult { id: tool_use_id, output, is_error, exit_code }
            }
            _ => return None,
        });
    }
    Some(events)
}

/// A failed command's output begins with `Exit code 3`.
fn exit_code(output: &str) -> Option<i32> {
    output.strip_prefix("Exit code ")?.lines().next()?.trim().parse().ok()
}
