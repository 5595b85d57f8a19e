//! Gemini's generateContent API, as far as agent programs use it.

use super::Asked;
use super::script::{CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, Part};
use serde_json::{Value, json};

pub fn tools(body: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        names.extend(super::names(tool["functionDeclarations"].as_array(), |declared| {
            declared["name"].as_str()
        }));
    }
    names
}

pub fn error(code: u16) -> Value {
    let state = match code {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        _ => "UNAVAILABLE",
    };
    json!({"error": {"code": code, "message": format!("scripted {code}"), "status": state}})
}

fn chunk(asked: &Asked, parts: &[Value], finish: bool) -> Value {
    let mut candidate = json!({"index": 0, "content": {"role": "model", "parts": parts}});
    if finish {
        candidate["finishReason"] = json!("STOP");
    }
    json!({"candidates": [candidate], "modelVersion": asked.model,
           "responseId": format!("resp_{}", asked.number),
           "usageMetadata": {"promptTokenCount": INPUT_TOKENS,
                             "cachedContentTokenCount": CACHED_TOKENS,
                             "candidatesTokenCount": OUTPUT_TOKENS,
                             "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS}})
}

fn piece(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({"text": text}),
        Part::Thinking(text) => json!({"text": text, "thought": true}),
        Part::Call { id, tool, input } => {
            json!({"functionCall": {"id": id, "name": tool, "args": input}})
        }
        Part::TextCall { id, tool, input } => {
            json!({"functionCall": {"id": id, "name": tool, "args": {"input": input}}})
        }
    }
}

/// The whole answer as one document.
pub fn document(asked: &Asked, parts: &[Part]) -> Value {
    let pieces: Vec<Value> = parts.iter().map(piece).collect();
    chunk(asked, &pieces, true)
}

/// The answer as events, in order.
pub fn events(asked: &Asked, parts: &[Part]) -> Vec<String> {
    let mut events: Vec<String> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let chunk = chunk(asked, &[piece(part)], index + 1 == parts.len());
        events.push(format!("data: {chunk}\r\n\r\n"));
    }
    if parts.is_empty() {
        events.push(format!("data: {}\r\n\r\n", chunk(asked, &[], true)));
    }
    events
}
