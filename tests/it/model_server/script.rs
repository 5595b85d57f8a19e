//! What a scripted model does, step by step, and what was asked of it.

use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What every answer reports as its usage. The tests compare with these.
pub const INPUT_TOKENS: u64 = 1200;
pub const CACHED_TOKENS: u64 = 200;
pub const OUTPUT_TOKENS: u64 = 40;

/// What a side request (one that offers no tools: a title, a route) gets as text.
pub const SIDE_ANSWER: &str = "A title";

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Text, and the turn is over.
    Say(String),
    /// A call of the harness's own shell tool, whatever its name and shape are.
    Shell(String),
    /// A call of a tool by its name, whether it was offered or not.
    Call { tool: String, input: Value },
    /// Several of `Think`, `Say`, `Shell` and `Call` as one answer.
    Both(Vec<Step>),
    /// Reasoning. Alone it is an answer without a text.
    Think(String),
    /// An HTTP error.
    Status {
        code: u16,
        #[serde(default)]
        body: Option<Value>,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The answer begins and never goes on.
    Hang,
    /// The answer begins and the connection is cut.
    Cut,
    /// A whole answer with nothing in it.
    Empty,
    /// First a pause, then the step.
    After { ms: u64, then: Box<Step> },
    /// The step for this and every further request.
    Always(Box<Step>),
}

pub fn say(text: &str) -> Step {
    Step::Say(text.to_owned())
}

pub fn shell(command: &str) -> Step {
    Step::Shell(command.to_owned())
}

pub fn status(code: u16) -> Step {
    Step::Status { code, body: None, headers: BTreeMap::new() }
}

pub fn always(step: Step) -> Step {
    Step::Always(Box::new(step))
}

/// A piece of an answer, ready to be put into an API's own words.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text(String),
    Thinking(String),
    Call {
        id: String,
        tool: String,
        input: Value,
    },
    /// A call whose input is one text rather than an object.
    TextCall {
        id: String,
        tool: String,
        input: String,
    },
}

impl Part {
    pub fn is_call(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::TextCall { .. })
    }
}

/// The parts of an answer. `Err` says what the script asks that the request does not offer.
pub fn parts(step: &Step, tools: &[String], next_id: &mut u64) -> Result<Vec<Part>, String> {
    let mut id = || {
        *next_id += 1;
        format!("call_{next_id}")
    };
    Ok(match step {
        Step::Say(text) => vec![Part::Text(text.clone())],
        Step::Think(text) => vec![Part::Thinking(text.clone())],
        Step::Call { tool, input } => {
            vec![Part::Call { id: id(), tool: tool.clone(), input: input.clone() }]
        }
        Step::Shell(command) => vec![shell_call(command, tools, id())?],
        Step::Both(steps) => {
            let mut all = Vec::new();
            for step in steps {
                all.extend(parts(step, tools, next_id)?);
            }
            all
        }
        Step::Empty => Vec::new(),
        Step::Status { .. } | Step::Hang | Step::Cut | Step::After { .. } | Step::Always(_) => {
            return Err(format!("`{step:?}` cannot be a part of an answer"));
        }
    })
}

/// Every harness calls its shell something else.
fn shell_call(command: &str, tools: &[String], id: String) -> Result<Part, String> {
    for tool in tools {
        let input = match tool.as_str() {
            "Bash" | "bash" => json!({"command": command, "description": "look around"}),
            "exec_command" => json!({"cmd": command}),
            "shell_command" | "run_shell_command" => json!({"command": command}),
            "shell" => json!({"command": ["bash", "-lc", command]}),
            // The model writes JavaScript for this one, and runs commands from there.
            "exec" => {
                let call = json!({"cmd": command});
                let input = format!("text(await tools.exec_command({call}));");
                return Ok(Part::TextCall { id, tool: tool.clone(), input });
            }
            _ => continue,
        };
        return Ok(Part::Call { id, tool: tool.clone(), input });
    }
    Err(format!("no shell among the tools offered: {tools:?}"))
}
