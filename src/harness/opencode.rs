//! OpenCode: `opencode run --format json`.
//!
//! There is no first and no last event: the conversation's id is on every line, and a run ended
//! well when its last step finished with the reason `stop` and no `error` came. A tool shows once,
//! when it is done. Tokens and cost are told a step. Retries and subagents' work do not show, a
//! refused permission ends the run with exit code 0, and there is neither a turn limit nor a budget.

use super::invoking::{openai_base, versioned};
use super::reading::{Gathered, unread};
use super::{Ask, Build, Harness, Invocation, Key, Native, Program, Reader, key};
use crate::domain::journal::Exit;
use crate::domain::transcript::{EventKind, Usage};
use crate::domain::turn::{Conversation, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};

pub struct OpenCode;

/// For x86-64 the baseline builds, since the others need AVX2, which not every machine has.
/// Not every platform of a release is published: each build has the newest version there is.
const BUILDS: &[Build] = &[
    Build {
        arch: "x86_64",
        libc: "glibc",
        package: "opencode-linux-x64-baseline",
        package_version: "1.18.33",
        path: "package/bin/opencode",
        beside: &[],
        integrity: "sha512-1KQGBiiDDeL/VHHbHkOvvFo8Jr97WT5+C1tear+p7IcDTnXgVHXqIjU4O4jM4mHQzykTP2i884FCnW5LDa+zCA==",
    },
    Build {
        arch: "x86_64",
        libc: "musl",
        package: "opencode-linux-x64-baseline-musl",
        package_version: "1.18.32",
        path: "package/bin/opencode",
        beside: &[],
        integrity: "sha512-HGa9YBUBdc+qAyC9U8zXUht5qbTufOABOfSwmhukmzl9uMtuGoUovCzilwxytH0mTr/prUT/LAqWcXXoPXjRoA==",
    },
    Build {
        arch: "aarch64",
        libc: "glibc",
        package: "opencode-linux-arm64",
        package_version: "1.18.18",
        path: "package/bin/opencode",
        beside: &[],
        integrity: "sha512-e8D3g0qJEIzawEg2+ygW3vkZjAYL2ssyAx4GbihjwXwZFvlZZy5zRWWzdz5KLBoHSTl0FB73vNtnNeXONyHpVQ==",
    },
];

/// The model APIs it knows by itself: prefix of the model, variable of the key, and its version as
/// part of the address.
const APIS: [(&str, &str, &str); 3] = [
    ("anthropic", "ANTHROPIC_API_KEY", "v1"),
    ("openai", "OPENAI_API_KEY", "v1"),
    ("google", "GOOGLE_GENERATIVE_AI_API_KEY", "v1beta"),
];

impl Harness for OpenCode {
    fn name(&self) -> &'static str {
        "opencode"
    }

    fn program(&self) -> Program {
        Program::Native(Native { name: "opencode", version: "1.18.33", builds: BUILDS })
    }

    fn key(&self) -> Option<Key> {
        Some(key::ANTHROPIC)
    }

    fn invocation(&self, ask: &Ask) -> Invocation {
        let mut run = Invocation::of(ask, "opencode");
        run.args(["run", "--format", "json", "--auto", "--thinking"]);
        run.option("-m", ask.model);
        run.option("--session", ask.conversation.map(|conversation| &conversation.id));
        if ask.is_follow_up && ask.conversation.is_none() {
            // It tells the conversation's id with the model's first answer. Where a turn was ended
            // before that, its conversation is the last one there is.
            run.arg("--continue");
        }
        let home = &ask.paths.home;
        for (variable, folder) in [
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
            ("XDG_CACHE_HOME", ".cache"),
        ] {
            run.set(variable, format!("{home}/{folder}"));
        }
        run.set("OPENCODE_DISABLE_MODELS_FETCH", "1");
        run.set("OPENCODE_DISABLE_AUTOUPDATE", "1");
        if !ask.instructions.is_empty() {
            run.file(format!("{home}/.config/opencode/AGENTS.md"), ask.instructions);
        }
        let api = api(ask.model);
        run.set("OPENCODE_CONFIG_CONTENT", config(ask, &api).to_string());
        run.secret_env.insert(api.key.clone(), ask.secret(&api.key).to_owned());
        run.trust(ask);
        run
    }

    fn reader(&self, before: Option<&Conversation>) -> Box<dyn Reader> {
        Box::new(Lines { before: before.cloned(), ..Lines::default() })
    }
}

/// The API that a model's prefix names.
struct Api {
    name: String,
    key: String,
    /// Where it is one that the program knows.
    version: Option<&'static str>,
}

fn api(model: Option<&str>) -> Api {
    let prefix =
        model.and_then(|model| model.split_once('/')).map_or("anthropic", |(name, _)| name);
    if let Some((name, key, version)) = APIS.into_iter().find(|(name, ..)| *name == prefix) {
        return Api { name: name.to_owned(), key: key.to_owned(), version: Some(version) };
    }
    let letter = |char: char| if char.is_ascii_alphanumeric() { char } else { '_' };
    let stem: String = prefix.to_ascii_uppercase().chars().map(letter).collect();
    Api { name: prefix.to_owned(), key: format!("{stem}_API_KEY"), version: None }
}

/// The key is in it as a reference to its variable only.
fn config(ask: &Ask, api: &Api) -> Value {
    let mut config = json!({ "autoupdate": false, "share": "disabled", "snapshot": false });
    let Some(url) = ask.base_url() else { return config };
    let url = match (api.version, api.name.as_str()) {
        (_, "openai") | (None, _) => openai_base(url),
        (Some(version), _) => versioned(url, version),
    };
    let mut provider = json!({
        "options": { "baseURL": url, "apiKey": format!("{{env:{}}}", api.key) },
    });
    if api.version.is_none() {
        provider["npm"] = json!("@ai-sdk/openai-compatible");
        provider["name"] = json!(api.name);
    }
    if let Some((_, model)) = ask.model.and_then(|model| model.split_once('/')) {
        // A gateway's models may have names that the program's own list does not know, and it need
        // not have the small one that titles are asked of.
        provider["models"][model] = json!({ "name": model });
        config["small_model"] = json!(ask.model);
    }
    config["provider"][&api.name] = provider;
    config
}

#[derive(Default)]
struct Lines {
    before: Option<Conversation>,
    gathered: Gathered,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "sessionID")]
    session_id: Option<String>,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Kind {
    StepStart {},
    Text { part: Text },
    Reasoning { part: Text },
    ToolUse { part: ToolPart },
    StepFinish { part: Step },
    Error { error: Failed },
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
struct ToolPart {
    tool: String,
    #[serde(rename = "callID")]
    call_id: String,
    state: ToolState,
}

#[derive(Deserialize)]
struct ToolState {
    status: String,
    #[serde(default)]
    input: Value,
    output: Option<String>,
    error: Option<String>,
    #[serde(default)]
    metadata: Value,
}

#[derive(Deserialize)]
struct Step {
    reason: String,
    tokens: Tokens,
    cost: Option<f64>,
}

#[derive(Deserialize)]
struct Tokens {
    total: Option<u64>,
    input: u64,
    output: u64,
    #[serde(default)]
    cache: Cache,
}

#[derive(Deserialize, Default)]
struct Cache {
    read: u64,
    write: u64,
}

impl Tokens {
    /// Whether `output` includes the reasoning differs between model APIs; the total does not.
    fn usage(&self) -> Usage {
        let rest = [self.input, self.cache.read, self.cache.write];
        let total = self.total.unwrap_or(0);
        let output = rest.into_iter().fold(total, u64::saturating_sub);
        Usage {
            input_tokens: self.input,
            output_tokens: output.max(self.output),
            cache_read_tokens: self.cache.read,
            cache_write_tokens: self.cache.write,
        }
    }
}

#[derive(Deserialize)]
struct Failed {
    name: String,
    #[serde(default)]
    data: FailedData,
}

#[derive(Deserialize, Default)]
struct FailedData {
    message: Option<String>,
    #[serde(rename = "statusCode")]
    status_code: Option<u64>,
}

impl Reader for Lines {
    fn out(&mut self, line: &str) -> Vec<EventKind> {
        match serde_json::from_str(line) {
            Ok(read) => self.read(read),
            Err(_) => unread(line),
        }
    }

    fn err(&mut self, line: &str) -> Vec<EventKind> {
        self.gathered.stderr.push(line);
        Vec::new()
    }

    fn end(&mut self, exit: &Exit) -> Verdict {
        self.gathered.verdict(exit, self.before.as_ref(), Usage::default())
    }
}

impl Lines {
    fn read(&mut self, line: Line) -> Vec<EventKind> {
        let gathered = &mut self.gathered;
        if line.session_id.is_some() {
            gathered.conversation = line.session_id;
        }
        gathered.finished = false;
        match line.kind {
            Kind::StepStart {} => Vec::new(),
            Kind::Text { part: Text { text } } => {
                gathered.answer = Some(text.clone());
                vec![EventKind::Assistant { text }]
            }
            Kind::Reasoning { part: Text { text } } => vec![EventKind::Thinking { text }],
            Kind::ToolUse { part } => {
                gathered.tool_called();
                tool(part)
            }
            Kind::StepFinish { part } => {
                gathered.finished = part.reason == "stop";
                let usage = part.tokens.usage();
                gathered.spent(usage, part.cost);
                let mut events = vec![EventKind::Usage { usage, cost_usd: part.cost, model: None }];
                if part.reason == "length" {
                    let text = "the model's output limit cut its answer short";
                    gathered.failed(None, text);
                    events.push(EventKind::Error { text: text.to_owned() });
                }
                events
            }
            Kind::Error { error } => {
                let text = error.data.message.unwrap_or(error.name);
                gathered.failed(error.data.status_code, &text);
                vec![EventKind::Error { text }]
            }
        }
    }
}

fn tool(part: ToolPart) -> Vec<EventKind> {
    let ToolState { status, input, output, error, metadata } = part.state;
    let exit_code = metadata.get("exit").and_then(Value::as_i64);
    let exit_code = exit_code.and_then(|code| i32::try_from(code).ok());
    let failed = exit_code.is_some_and(|code| code != 0);
    // The tool that it calls where the model asked for one that there is not.
    let unknown = part.tool == "invalid";
    vec![
        EventKind::ToolCall { id: part.call_id.clone(), name: part.tool, input, parent: None },
        EventKind::ToolResult {
            id: part.call_id,
            output: error.or(output).unwrap_or_default(),
            is_error: status != "completed" || failed || unknown,
            exit_code,
        },
    ]
}
