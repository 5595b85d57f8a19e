//! Anthropic's Messages API, as far as agent programs use it.

use super::Asked;
use super::script::{CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, Part};
use serde_json::{Value, json};

pub fn tools(body: &Value) -> Vec<String> {
    super::names(body["tools"].as_array(), |tool| tool["name"].as_str())
}

pub fn error(code: u16) -> Value {
    let kind = match code {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500..=599 => "api_error",
        _ => "invalid_request_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": format!("scripted {code}")}})
}

fn usage(output: u64) -> Value {
    json!({"input_tokens": INPUT_TOKENS - CACHED_TOKENS, "cache_creation_input_tokens": 0,
           "cache_read_input_tokens": CACHED_TOKENS, "output_tokens": output})
}

fn message(asked: &Asked, content: &[Value], stop: &Value, output: u64) -> Value {
    json!({"id": format!("msg_{}", asked.number), "type": "message", "role": "assistant",
           "model": asked.model, "content": content, "stop_reason": stop, "stop_sequence": null,
           "usage": usage(output)})
}

fn block(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Thinking(text) => json!({"type": "thinking", "thinking": text, "signature": "c2ln"}),
        Part::Call { id, tool, input } => {
            json!({"type": "tool_use", "id": format!("toolu_{id}"), "name": tool, "input": input})
        }
        Part::TextCall { id, tool, input } => {
            json!({"type": "tool_use", "id": format!("toolu_{id}"), "name": tool, "input": {"input": input}})
        }
    }
}

fn stop_reason(parts: &[Part]) -> Value {
    json!(if parts.iter().any(Part::is_call) { "tool_use" } else { "end_turn" })
}

/// The whole answer as one document.
pub fn document(asked: &Asked, parts: &[Part]) -> Value {
    let content: Vec<Value> = parts.iter().map(block).collect();
    message(asked, &content, &stop_reason(parts), OUTPUT_TOKENS)
}

/// The answer as events, in order.
pub fn events(asked: &Asked, parts: &[Part]) -> Vec<String> {
    let mut events =
        vec![json!({"type": "message_start", "message": message(asked, &[], &Value::Null, 1)})];
    for (index, part) in parts.iter().enumerate() {
        let (start, deltas) = match part {
            Part::Text(text) => (
                json!({"type": "text", "text": ""}),
                vec![json!({"type": "text_delta", "text": text})],
            ),
            Part::Thinking(text) => (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                vec![
                    json!({"type": "thinking_delta", "thinking": text}),
                    json!({"type": "signature_delta", "signature": "c2ln"}),
                ],
            ),
            Part::Call { .. } | Part::TextCall { .. } => {
                let mut start = block(part);
                let input = start["input"].take().to_string();
                start["input"] = json!({});
                (start, vec![json!({"type": "input_json_delta", "partial_json": input})])
            }
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        for delta in deltas {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(json!({"type": "message_delta",
        "delta": {"stop_reason": stop_reason(parts), "stop_sequence": null},
        "usage": usage(OUTPUT_TOKENS)}));
    events.push(json!({"type": "message_stop"}));
    events.iter().map(super::typed_event).collect()
}
