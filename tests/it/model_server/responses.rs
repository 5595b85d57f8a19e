//! OpenAI's Responses API, as far as agent programs use it.

use super::Asked;
use super::script::{CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, Part};
use serde_json::{Value, json};

/// The tools offered: the usual list, or an input item that holds it.
pub fn tools(body: &Value) -> Vec<String> {
    let mut names = listed(&body["tools"]);
    for item in body["input"].as_array().into_iter().flatten() {
        if item["type"] == "additional_tools" {
            names.extend(listed(&item["tools"]));
        }
    }
    names
}

fn listed(tools: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for tool in tools.as_array().into_iter().flatten() {
        if tool["type"] == "namespace" {
            names.extend(listed(&tool["tools"]));
        } else if let Some(name) = tool["name"].as_str().or(tool["type"].as_str()) {
            names.push(name.to_owned());
        }
    }
    names
}

pub fn error(code: u16) -> Value {
    json!({"error": {"message": format!("scripted {code}"), "type": "scripted_error",
                     "param": null, "code": null}})
}

fn response(asked: &Asked, state: &str, output: &[Value]) -> Value {
    let usage = json!({"input_tokens": INPUT_TOKENS,
        "input_tokens_details": {"cached_tokens": CACHED_TOKENS},
        "output_tokens": OUTPUT_TOKENS, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS});
    json!({"id": format!("resp_{}", asked.number), "object": "response",
           "created_at": 1_790_000_000, "model": asked.model, "status": state, "output": output,
           "usage": if state == "completed" { usage } else { Value::Null }})
}

fn item(asked: &Asked, index: usize, part: &Part) -> Value {
    let id = format!("item_{}_{index}", asked.number);
    match part {
        Part::Text(text) => json!({"type": "message", "id": id, "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}]}),
        Part::Thinking(text) => json!({"type": "reasoning", "id": id, "encrypted_content": "c2ln",
            "summary": [{"type": "summary_text", "text": text}]}),
        Part::Call { id: call, tool, input } => json!({"type": "function_call", "id": id,
            "call_id": call, "name": tool, "arguments": input.to_string(), "status": "completed"}),
        Part::TextCall { id: call, tool, input } => json!({"type": "custom_tool_call", "id": id,
            "call_id": call, "name": tool, "input": input, "status": "completed"}),
    }
}

fn started(item: &Value) -> Value {
    let mut item = item.clone();
    match item["type"].as_str() {
        Some("message") => item["content"] = json!([]),
        Some("reasoning") => item["summary"] = json!([]),
        Some("function_call") => item["arguments"] = json!(""),
        _ => item["input"] = json!(""),
    }
    item
}

fn output(asked: &Asked, parts: &[Part]) -> Vec<Value> {
    parts.iter().enumerate().map(|(index, part)| item(asked, index, part)).collect()
}

/// The whole answer as one document.
pub fn document(asked: &Asked, parts: &[Part]) -> Value {
    response(asked, "completed", &output(asked, parts))
}

/// The answer as events, in order.
pub fn events(asked: &Asked, parts: &[Part]) -> Vec<String> {
    let output = output(asked, parts);
    let mut events = vec![
        json!({"type": "response.created", "response": response(asked, "in_progress", &[])}),
        json!({"type": "response.in_progress", "response": response(asked, "in_progress", &[])}),
    ];
    for (index, (part, item)) in parts.iter().zip(&output).enumerate() {
        let id = &item["id"];
        events.push(json!({"type": "response.output_item.added", "output_index": index,
                           "item": started(item)}));
        let delta = match part {
            Part::Text(text) => {
                events.push(json!({"type": "response.content_part.added", "item_id": id,
                    "output_index": index, "content_index": 0,
                    "part": {"type": "output_text", "text": "", "annotations": []}}));
                json!({"type": "response.output_text.delta", "content_index": 0, "delta": text})
            }
            Part::Thinking(text) => {
                events.push(json!({"type": "response.reasoning_summary_part.added", "item_id": id,
                    "output_index": index, "summary_index": 0,
                    "part": {"type": "summary_text", "text": ""}}));
                json!({"type": "response.reasoning_summary_text.delta", "summary_index": 0,
                       "delta": text})
            }
            Part::Call { input, .. } => {
                json!({"type": "response.function_call_arguments.delta", "delta": input.to_string()})
            }
            Part::TextCall { input, .. } => {
                json!({"type": "response.custom_tool_call_input.delta", "delta": input})
            }
        };
        let mut delta = delta;
        delta["item_id"] = id.clone();
        delta["output_index"] = json!(index);
        events.push(delta);
        events.push(
            json!({"type": "response.output_item.done", "output_index": index, "item": item}),
        );
    }
    events.push(json!({"type": "response.completed",
                       "response": response(asked, "completed", &output)}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events.iter().map(super::typed_event).collect()
}
