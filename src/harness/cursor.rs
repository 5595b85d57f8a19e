//! Cursor CLI: `cursor-agent -p --output-format stream-json`.
//!
//! Built from its documentation (cursor.com/docs/cli: output format, headless, parameters) and not from
//! recordings: the program talks to its vendor's servers and to nothing else, so it has not been run
//! here, and the streams it is tested on are made by hand after the documented shapes. What the
//! documentation leaves open is taken carefully: whatever is not understood is kept as it came.
//!
//! A run that fails writes no final event; it exits with another code than 0 and says why on standard
//! error. Tokens and cost are not told. It reads instructions only from the repository, where they
//! would be in the way, so ours stand before the first prompt. The program must be in the image.

use super::reading::{Gathered, output_text, status, unread};
use super::{Ask, Harness, Invocation, Key, Program, Reader, key};
use crate::domain::journal::Exit;
use crate::domain::transcript::{EventKind, Usage};
use crate::domain::turn::{Conversation, Verdict};
use serde::Deserialize;
use serde_json::{Map, Value};

pub struct Cursor;

const KEY: &str = "CURSOR_API_KEY";

impl Harness for Cursor {
    fn name(&self) -> &'static str {
        "cursor"
    }

    fn program(&self) -> Program {
        Program::InImage("cursor-agent")
    }

    fn key(&self) -> Option<Key> {
        Some(key::CURSOR)
    }

    fn invocation(&self, ask: &Ask) -> Invocation {
        let mut run = Invocation::of(ask, "cursor-agent");
        // `--trust` is for the folder, `--force` for whatever would ask.
        run.args(["-p", "--output-format", "stream-json", "--trust", "--force"]);
        run.option("--model", ask.model);
        run.option("--resume", ask.conversation.map(|conversation| &conversation.id));
        if ask.conversation.is_none() && !ask.instructions.is_empty() {
            run.stdin = format!("{}\n\n---\n\n{}", ask.instructions.trim_end(), ask.prompt);
        }
        run.secret_env.insert(KEY.to_owned(), ask.secret(KEY).to_owned());
        run.trust(ask);
        run
    }

    fn reader(&self, before: Option<&Conversation>) -> Box<dyn Reader> {
        Box::new(Lines { before: before.cloned(), ..Lines::default() })
    }
}

#[derive(Default)]
struct Lines {
    before: Option<Conversation>,
    gathered: Gathered,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    System { subtype: String, session_id: String, model: Option<String> },
    User {},
    Assistant { message: Message },
    ToolCall { subtype: Step, call_id: String, tool_call: Map<String, Value> },
    Result { is_error: bool, result: String, session_id: Option<String> },
}

#[derive(Deserialize)]
struct Message {
    content: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    Text { text: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Started,
    Completed,
}

impl Reader for Lines {
    fn out(&mut self, line: &str) -> Vec<EventKind> {
        let read = serde_json::from_str(line).ok().and_then(|read| self.read(read));
        read.unwrap_or_else(|| unread(line))
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
    /// None for what is not understood after all.
    fn read(&mut self, line: Line) -> Option<Vec<EventKind>> {
        Some(match line {
            Line::System { subtype, session_id, model } if subtype == "init" => {
                self.gathered.conversation = Some(session_id);
                status(format!("Cursor CLI, model {}", model.unwrap_or("unknown".to_owned())))
            }
            Line::System { .. } => return None,
            // The prompt, which the transcript has already.
            Line::User { .. } => Vec::new(),
            Line::Assistant { message } => {
                let text: String =
                    message.content.into_iter().map(|Part::Text { text }| text).collect();
                self.gathered.finished = false;
                self.gathered.answer = Some(text.clone());
                vec![EventKind::Assistant { text }]
            }
            Line::ToolCall { subtype, call_id, tool_call } => {
                let (name, tool) = named(&tool_call)?;
                match subtype {
                    Step::Started => self.called(call_id, name, tool),
                    Step::Completed => vec![result(call_id, tool)],
                }
            }
            Line::Result { is_error, result, session_id } => {
                self.gathered.conversation = session_id.or(self.gathered.conversation.take());
                if is_error {
                    self.gathered.failed(None, &result);
                    return Some(vec![EventKind::Error { text: result }]);
                }
                self.gathered.finished = true;
                // All that was said in one: the answer, where nothing was said after the last tool.
                if self.gathered.answer.is_none() && !result.trim().is_empty() {
                    self.gathered.answer = Some(result);
                }
                Vec::new()
            }
        })
    }

    fn called(&mut self, id: String, name: &str, tool: &Value) -> Vec<EventKind> {
        self.gathered.finished = false;
        self.gathered.tool_called();
        let input = ["args", "arguments"].into_iter().find_map(|key| tool.get(key));
        let input = input.cloned().unwrap_or(Value::Null);
        vec![EventKind::ToolCall { id, name: name.to_owned(), input, parent: None }]
    }
}

/// The one tool of a call: `{"shellToolCall": {…}}`, or `{"function": {"name": …}}`.
fn named(call: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (key, tool) = call.iter().find(|(_, tool)| tool.is_object())?;
    let own = tool.get("name").and_then(Value::as_str).filter(|_| key == "function");
    Some((own.unwrap_or(key.strip_suffix("ToolCall").unwrap_or(key)), tool))
}

/// `{"result": {"success": {…}}}`; any other word than `success` tells that it did not work.
fn result(id: String, tool: &Value) -> EventKind {
    let told = tool.get("result").and_then(Value::as_object);
    let told = told.and_then(|result| result.iter().next());
    let exit_code = told
        .and_then(|(_, value)| value.get("exitCode"))
        .and_then(Value::as_i64)
        .and_then(|code| i32::try_from(code).ok());
    let (output, is_error) = match told {
        Some((how, value)) => (text(value), how != "success" || exit_code.unwrap_or(0) != 0),
        None => (String::new(), false),
    };
    EventKind::ToolResult { id, output, is_error, exit_code }
}

/// What a tool gave: its text where it has one, else all of it.
fn text(value: &Value) -> String {
    let part = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    match (part("content"), part("stdout"), part("stderr")) {
        ("", "", "") => output_text(value),
        ("", out, err) => format!("{out}{err}"),
        (content, ..) => content.to_owned(),
    }
}
