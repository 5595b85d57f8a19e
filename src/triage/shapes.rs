//! What the arguments of tools look like, and what they look like when a call goes wrong.
//!
//! An argument's shape is its value where that is a plain word (`eu-3`, `card`), else
//! the kinds of characters it is made of (`NL-104233-B` is `A-9-A`). Of each tool a bounded number of
//! arguments and shapes is counted.

use super::trace::{Name, Trace};
use super::words::is_nothing;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

const TOOLS: usize = 512;
const ARGUMENTS: usize = 24;
const SHAPES_OF_ONE: usize = 64;

/// Calls of a tool that are all counted; of those beyond, one in eight.
const CALLS: u64 = 4_000;

/// How calls with one shape went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    pub gave: u64,
    pub nothing: u64,
    pub failed: u64,
}

#[derive(Debug, Default)]
pub(super) struct Shapes {
    tools: HashMap<Name, Tool>,
}

#[derive(Debug, Default)]
struct Tool {
    calls: u64,
    failed: u64,
    looked_at: u64,
    all: Outcomes,
    arguments: BTreeMap<String, BTreeMap<String, Outcomes>>,
}

impl Shapes {
    pub(super) fn look(&mut self, trace: &Trace) {
        for span in &trace.spans {
            let Some(name) = &span.tool else { continue };
            if self.tools.len() >= TOOLS && !self.tools.contains_key(name) {
                continue;
            }
            let tool = self.tools.entry(name.clone()).or_default();
            tool.calls += 1;
            tool.failed += u64::from(span.failed());
            if tool.calls > CALLS && !(trace.hash() ^ span.id).is_multiple_of(8) {
                continue;
            }
            tool.looked_at += 1;
            let empty = !span.failed() && is_nothing(span.output.as_deref());
            let count = |outcomes: &mut Outcomes| match (span.failed(), empty) {
                (true, _) => outcomes.failed += 1,
                (false, true) => outcomes.nothing += 1,
                (false, false) => outcomes.gave += 1,
            };
            count(&mut tool.all);
            for (key, shape) in arguments(span.input.as_deref().unwrap_or_default()) {
                if tool.arguments.len() >= ARGUMENTS && !tool.arguments.contains_key(&key) {
                    continue;
                }
                let shapes = tool.arguments.entry(key).or_default();
                if shapes.len() < SHAPES_OF_ONE || shapes.contains_key(&shape) {
                    count(shapes.entry(shape).or_default());
                }
            }
        }
    }

    /// Calls of a tool, and how many of them failed in any way.
    pub(super) fn calls(&self, tool: &str) -> (u64, u64) {
        self.tools.get(tool).map_or((0, 0), |tool| (tool.calls, tool.failed))
    }

    pub(super) fn outcomes(&self, tool: &str) -> Outcomes {
        self.tools.get(tool).map_or_else(Outcomes::default, |tool| tool.all)
    }

    pub(super) fn of(&self, tool: &str, argument: &str, shape: &str) -> Outcomes {
        let found = self.tools.get(tool).and_then(|tool| tool.arguments.get(argument)?.get(shape));
        found.copied().unwrap_or_default()
    }

    /// What failing calls have in common that calls that went well mostly do not: of at least eight
    /// calls nine in ten have it, and of those that went well at most one in ten.
    pub(super) fn apart(&self, name: &str, inputs: &[String]) -> Option<String> {
        let tool = self.tools.get(name)?;
        let went_well = tool.all.gave + tool.all.nothing;
        if inputs.len() < 6 || went_well < 10 {
            return None;
        }
        let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
        for input in inputs {
            for argument in arguments(input) {
                *counts.entry(argument).or_default() += 1;
            }
        }
        let mut best: Option<(f64, String)> = None;
        for ((key, shape), count) in counts {
            let there = self.of(name, &key, &shape);
            let there = there.gave + there.nothing;
            let (own, others) =
                (count as f64 / inputs.len() as f64, there as f64 / went_well as f64);
            if own < 0.9
                || others > 0.1
                || best.as_ref().is_some_and(|(most, _)| own - others <= *most)
            {
                continue;
            }
            let argument =
                if key.is_empty() { "the input".to_owned() } else { format!("argument `{key}`") };
            let all = inputs.len();
            best = Some((
                own - others,
                format!(
                    "in {count} of {all} failing calls looked at, {argument} is of the shape `{shape}`; so it is in {there} of {went_well} that went well"
                ),
            ));
        }
        best.map(|(_, text)| text)
    }
}

/// Names of arguments and the shapes of their values. What is no object is one argument without name.
pub(super) fn arguments(input: &str) -> Vec<(String, String)> {
    match serde_json::from_str(input) {
        Ok(Value::Object(object)) => {
            object.iter().take(ARGUMENTS).map(|(key, value)| (key.clone(), shape(value))).collect()
        }
        Ok(other) => vec![(String::new(), shape(&other))],
        Err(_) => vec![(String::new(), shape_of_text(input))],
    }
}

pub(super) fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) if number.as_f64() == Some(0.0) => "0".to_owned(),
        Value::Number(number) if number.as_f64().is_some_and(|n| n < 0.0) => {
            "<negative number>".to_owned()
        }
        Value::Number(_) => "<number>".to_owned(),
        Value::String(text) => shape_of_text(text),
        Value::Array(list) if list.is_empty() => "[]".to_owned(),
        Value::Array(_) => "[…]".to_owned(),
        Value::Object(object) => {
            let keys: Vec<&str> = object.keys().map(String::as_str).take(6).collect();
            format!("{{{}}}", keys.join(","))
        }
    }
}

fn shape_of_text(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return "\"\"".to_owned();
    }
    if text.chars().any(char::is_whitespace) || text.len() > 64 {
        return "<text>".to_owned();
    }
    // A digit or two belong to a name (`eu-3`).
    if text.chars().filter(char::is_ascii_digit).count() < 2 {
        return text.to_owned();
    }
    let mut shape = String::new();
    for c in text.chars() {
        let class = match c {
            '0'..='9' => '9',
            c if c.is_uppercase() => 'A',
            c if c.is_alphabetic() => 'a',
            other => other,
        };
        if !shape.ends_with(class) {
            shape.push(class);
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_arguments() {
        let input =
            r#"{"id":"NL-104233-B","where":"eu-3","n":-2,"q":"two words","l":[],"o":{"a":1}}"#;
        let found = arguments(input);
        let shapes: Vec<&str> = found.iter().map(|(_, shape)| shape.as_str()).collect();
        assert_eq!(shapes, ["A-9-A", "eu-3", "<negative number>", "<text>", "[]", "{a}"]);
        assert_eq!(arguments("plain"), [(String::new(), "plain".to_owned())]);
    }
}
