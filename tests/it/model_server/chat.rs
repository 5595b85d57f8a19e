//! OpenAI's Chat Completions API, as far as agent programs use it.

use super::Asked;
use super::script::{CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, Part};
use serde_json::{Value, json};

pub fn tools(body: &Value) -> Vec<String> {
    super::names(body["tools"].as_array(), |tool| tool["function"]["name"].as_str())
}

fn usage() -> Value {
    json!({"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS,
           "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
           "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS}})
}

fn finish(parts: &[Part]) -> &'static str {
    if parts.iter().any(Part::is_call) { "tool_calls" } else { "stop" }
}

fn call(index: usize, part: &Part) -> Option<Value> {
    let (id, tool, arguments) = match part {
        Part::Call { id, tool, input } => (id, tool, input.to_string()),
        Part::TextCall { id, tool, input } => (id, tool, json!({"input": input}).to_string()),
        Part::Text(_) | Part::Thinking(_) => return None,
    };
    Some(json!({"index": index, "id": id, "type": "function",
                "function": {"name": tool, "arguments": arguments}}))
}

fn deltas(parts: &[Part]) -> Vec<Value> {
    let mut calls = 0;
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => json!({"content": text}),
            Part::Thinking(text) => json!({"reasoning_content": text}),
            Part::Call { .. } | Part::TextCall { .. } => {
                calls += 1;
                json!({"tool_calls": [call(calls - 1, part)]})
            }
        })
        .collect()
}

/// The whole answer as one document.
pub fn document(asked: &Asked, parts: &[Part]) -> Value {
    let mut text = String::new();
    let mut calls = Vec::new();
    for part in parts {
        if let Part::Text(more) = part {
            text.push_str(more);
        }
        calls.extend(call(calls.len(), part));
    }
    let mut message = json!({"role": "assistant", "content": text});
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    json!({"id": format!("chatcmpl-{}", asked.number), "object": "chat.completion",
           "created": 1_790_000_000, "model": asked.model, "usage": usage(),
           "choices": [{"index": 0, "message": message, "finish_reason": finish(parts)}]})
}

/// The answer as events, in order.
pub fn events(asked: &Asked, parts: &[Part]) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({"id": format!("chatcmpl-{}", asked.number),
            "object": "chat.completion.chunk", "created": 1_790_000_000, "model": asked.model,
            "choices": choices, "usage": usage});
        format!("data: {chunk}\n\n")
    };
    let choice = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish}]), Value::Null)
    };
    let mut events = vec![choice(json!({"role": "assistant", "content": ""}), Value::Null)];
    events.extend(deltas(parts).into_iter().map(|delta| choice(delta, Value::Null)));
    events.push(choice(json!({}), json!(finish(parts))));
    events.push(chunk(json!([]), usage()));
    events.push("data: [DONE]\n\n".to_owned());
    events
}
