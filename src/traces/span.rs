//! One span, read alike from OpenInference and from OpenTelemetry's GenAI conventions.
//!
//! The attributes stay as the application wrote them. What is asked often (model, tool, tokens, …)
//! is read through the methods here, which know both vocabularies; where a span speaks both,
//! OpenInference counts. Times are Unix microseconds: finer than any latency that is asked about,
//! and small enough to stay exact in JSON.

use super::attributes::{Attributes, as_text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TraceId(pub u128);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SpanId(pub u64);

impl TraceId {
    /// Hexadecimal of 32 digits (or 16, as older tracers write), with `0x` or as a UUID, or base64
    /// as protobuf's JSON has it. Zero is no id.
    pub fn read(text: &str) -> Option<Self> {
        let digits = hex_digits(text);
        let id = match digits.len() {
            32 | 16 if is_hex(&digits) => u128::from_str_radix(&digits, 16).ok()?,
            24 => u128::from_be_bytes(base64(&digits)?),
            _ => return None,
        };
        (id != 0).then_some(Self(id))
    }
}

impl SpanId {
    /// As [`TraceId::read`], of 16 digits.
    pub fn read(text: &str) -> Option<Self> {
        let digits = hex_digits(text);
        let id = match digits.len() {
            16 if is_hex(&digits) => u64::from_str_radix(&digits, 16).ok()?,
            12 => u64::from_be_bytes(base64(&digits)?),
            _ => return None,
        };
        (id != 0).then_some(Self(id))
    }
}

fn hex_digits(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let text = text.strip_prefix("0x").unwrap_or(text);
    if text.len() == 36 && text.contains('-') {
        Cow::Owned(text.replace('-', ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// The standard library's parser would also take a sign.
fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()?.try_into().ok()
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a span is, in OpenInference's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Agent,
    Chain,
    Embedding,
    Evaluator,
    Guardrail,
    Llm,
    Prompt,
    Reranker,
    Retriever,
    Tool,
    Unknown,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Agent,
        Self::Chain,
        Self::Embedding,
        Self::Evaluator,
        Self::Guardrail,
        Self::Llm,
        Self::Prompt,
        Self::Reranker,
        Self::Retriever,
        Self::Tool,
        Self::Unknown,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Chain => "CHAIN",
            Self::Embedding => "EMBEDDING",
            Self::Evaluator => "EVALUATOR",
            Self::Guardrail => "GUARDRAIL",
            Self::Llm => "LLM",
            Self::Prompt => "PROMPT",
            Self::Reranker => "RERANKER",
            Self::Retriever => "RETRIEVER",
            Self::Tool => "TOOL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// A kind by its name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name.trim()))
    }

    /// The kind that a `gen_ai.operation.name` stands for.
    fn of_operation(operation: &str) -> Option<Self> {
        Some(match operation {
            "invoke_agent" | "create_agent" => Self::Agent,
            "invoke_workflow" => Self::Chain,
            "chat" | "generate_content" | "text_completion" => Self::Llm,
            "execute_tool" => Self::Tool,
            "embeddings" => Self::Embedding,
            "retrieval" => Self::Retriever,
            _ => return None,
        })
    }

    /// From what the exporter says beside the attributes, else from the attributes.
    pub fn read(beside: Option<&str>, attributes: &Attributes) -> Self {
        let own = attributes.text("openinference.span.kind");
        let known = |kind: &Self| *kind != Self::Unknown;
        beside
            .and_then(Self::named)
            .filter(known)
            .or_else(|| Self::named(&own?))
            .filter(known)
            .or_else(|| Self::of_operation(&attributes.text("gen_ai.operation.name")?))
            .unwrap_or(Self::Unknown)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Unset,
    Ok,
    Error,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Unset => "UNSET",
            Self::Ok => "OK",
            Self::Error => "ERROR",
        }
    }

    /// By any of the names in use (`ERROR`, `STATUS_CODE_ERROR`, `StatusCode.ERROR`) or number.
    pub fn read(text: &str) -> Self {
        match text.rsplit(['.', '_']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "ERROR" | "2" => Self::Error,
            "OK" | "1" => Self::Ok,
            _ => Self::Unset,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    pub trace_id: TraceId,
    #[expect(clippy::struct_field_names, reason = "this is what everybody calls it")]
    pub span_id: SpanId,
    pub parent_id: Option<SpanId>,
    pub name: String,
    pub kind: Kind,
    /// Unix microseconds.
    pub start_us: i64,
    /// Unix microseconds. A span that ends before it starts (clocks differ) has no latency.
    pub end_us: i64,
    pub status: Status,
    pub status_message: String,
    pub attributes: Attributes,
    pub events: Vec<Event>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub name: String,
    /// Unix microseconds; 0 where the exporter gave none.
    pub time_us: i64,
    pub attributes: serde_json::Map<String, Value>,
}

/// Token counts as the model's API told them; a number nobody gave is absent, not 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    pub prompt: Option<u64>,
    pub completion: Option<u64>,
    pub total: Option<u64>,
    pub cache_read: Option<u64>,
}

/// One message of a conversation with a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub role: String,
    pub text: String,
}

/// What went wrong in a span whose status is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exception {
    /// Empty where only a message is known.
    pub kind: String,
    pub message: String,
}

impl Span {
    pub fn model(&self) -> Option<Cow<'_, str>> {
        self.attributes.first_text(&[
            "llm.model_name",
            "llm.response.model_name",
            "llm.request.model_name",
            "gen_ai.response.model",
            "gen_ai.request.model",
            "embedding.model_name",
            "reranker.model_name",
        ])
    }

    pub fn provider(&self) -> Option<Cow<'_, str>> {
        self.attributes.first_text(&[
            "llm.provider",
            "llm.system",
            "gen_ai.provider.name",
            "gen_ai.system",
        ])
    }

    /// The tool of a tool span; spans of tools that do not say which are known by their own name.
    pub fn tool(&self) -> Option<Cow<'_, str>> {
        self.attributes
            .first_text(&["tool.name", "gen_ai.tool.name"])
            .or_else(|| (self.kind == Kind::Tool).then_some(Cow::Borrowed(self.name.as_str())))
    }

    pub fn agent(&self) -> Option<Cow<'_, str>> {
        self.attributes.first_text(&["agent.name", "gen_ai.agent.name"])
    }

    pub fn session(&self) -> Option<Cow<'_, str>> {
        self.attributes.first_text(&["session.id", "gen_ai.conversation.id"])
    }

    pub fn user(&self) -> Option<Cow<'_, str>> {
        self.attributes.first_text(&["user.id", "enduser.id"])
    }

    pub fn finish_reason(&self) -> Option<Cow<'_, str>> {
        if let Some(Value::Array(reasons)) = self.attributes.get("gen_ai.response.finish_reasons") {
            return reasons.first().and_then(as_text);
        }
        self.attributes.first_text(&["llm.finish_reason", "gen_ai.response.finish_reasons"])
    }

    pub fn tokens(&self) -> Tokens {
        let count = |keys: &[&str]| {
            self.attributes.first_number(keys).filter(|n| *n >= 0.0).map(|n| n as u64)
        };
        let prompt = count(&[
            "llm.token_count.prompt",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
        ]);
        let completion = count(&[
            "llm.token_count.completion",
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
        ]);
        let total = count(&["llm.token_count.total"]).or(match (prompt, completion) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        });
        let cache_read = count(&[
            "llm.token_count.prompt_details.cache_read",
            "gen_ai.usage.cache_read.input_tokens",
        ]);
        Tokens { prompt, completion, total, cache_read }
    }

    /// In USD, where the span says so. Prices are not guessed here.
    pub fn cost(&self) -> Option<f64> {
        let part = |key| self.attributes.first_number(&[key]);
        let cost = part("llm.cost.total").or_else(|| {
            match (part("llm.cost.prompt"), part("llm.cost.completion")) {
                (None, None) => None,
                (a, b) => Some(a.unwrap_or(0.0) + b.unwrap_or(0.0)),
            }
        });
        cost.filter(|usd| usd.is_finite() && *usd >= 0.0)
    }

    /// What went in: the value given, a tool's arguments, else the newest message.
    pub fn input(&self) -> Option<Cow<'_, str>> {
        self.attributes
            .first_text(&["input.value", "gen_ai.tool.call.arguments", "tool.parameters"])
            .or_else(|| Some(Cow::Owned(self.input_messages().pop()?.text)))
    }

    /// What came out: the value given, a tool's result, the answer, else the documents found.
    pub fn output(&self) -> Option<Cow<'_, str>> {
        self.attributes
            .first_text(&["output.value", "gen_ai.tool.call.result"])
            .or_else(|| {
                let texts = self.output_messages().into_iter().map(|message| message.text);
                joined(texts.collect()).map(Cow::Owned)
            })
            .or_else(|| {
                let texts =
                    self.attributes.items("retrieval.documents.").filter_map(|(_, key, value)| {
                        (key == "document.content").then(|| as_text(value)).flatten()
                    });
                joined(texts.map(Cow::into_owned).collect()).map(Cow::Owned)
            })
    }

    pub fn input_messages(&self) -> Vec<Message> {
        self.messages(&["llm.input_messages.", "gen_ai.prompt."], "gen_ai.input.messages")
    }

    pub fn output_messages(&self) -> Vec<Message> {
        self.messages(&["llm.output_messages.", "gen_ai.completion."], "gen_ai.output.messages")
    }

    fn messages(&self, flat: &[&str], structured: &str) -> Vec<Message> {
        flat.iter()
            .map(|prefix| flat_messages(&self.attributes, prefix))
            .find(|messages| !messages.is_empty())
            .or_else(|| self.attributes.get(structured).map(structured_messages))
            .unwrap_or_default()
    }

    /// The exception that an errored span tells of, the last where there are several.
    pub fn exception(&self) -> Option<Exception> {
        if self.status != Status::Error {
            return None;
        }
        let told = self.events.iter().rev().find(|event| event.name == "exception");
        let of_event = |key: &str| {
            told.and_then(|event| as_text(event.attributes.get(key)?)).map(Cow::into_owned)
        };
        let own = |key: &str| self.attributes.text(key).map(Cow::into_owned);
        let kind = of_event("exception.type")
            .or_else(|| own("exception.type"))
            .or_else(|| own("error.type"));
        let message = of_event("exception.message")
            .or_else(|| Some(self.status_message.clone()).filter(|text| !text.is_empty()))
            .or_else(|| own("exception.message"))
            .or_else(|| own("error.message"));
        Some(Exception { kind: kind.unwrap_or_default(), message: message.unwrap_or_default() })
    }
}

fn joined(texts: Vec<String>) -> Option<String> {
    let texts: Vec<_> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// Messages of dotted keys: `<prefix>N.message.content`, or without `message.` as some write.
fn flat_messages(attributes: &Attributes, prefix: &str) -> Vec<Message> {
    let mut found: Vec<(usize, Message, String)> = Vec::new();
    for (index, key, value) in attributes.items(prefix) {
        let at = found.iter().position(|(own, ..)| *own == index).unwrap_or_else(|| {
            found.push((index, Message::default(), String::new()));
            found.len() - 1
        });
        let (_, message, call) = &mut found[at];
        let Some(text) = as_text(value) else { continue };
        let key = key.strip_prefix("message.").unwrap_or(key);
        if key == "role" {
            message.role = text.into_owned();
        } else if key == "content" || key.ends_with("message_content.text") {
            add_line(&mut message.text, &text);
        } else if key.ends_with("tool_call.function.arguments") {
            // Keys are sorted, so a call's arguments come before its name.
            *call = text.into_owned();
        } else if key.ends_with("tool_call.function.name") {
            add_line(&mut message.text, &format!("{text}({})", std::mem::take(call)));
        }
    }
    found.sort_by_key(|(index, ..)| *index);
    found.into_iter().map(|(_, message, _)| message).collect()
}

/// Messages as GenAI's JSON: a role and parts.
fn structured_messages(value: &Value) -> Vec<Message> {
    let parsed: Option<Value> = match value {
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    };
    let Some(list) = parsed.as_ref().unwrap_or(value).as_array() else { return Vec::new() };
    let read = |message: &Value| {
        let mut text = String::new();
        let parts = message["parts"].as_array().map_or(&[][..], Vec::as_slice);
        for part in parts {
            let line = match part["type"].as_str() {
                Some("tool_call") => {
                    let name = part["name"].as_str().unwrap_or_default();
                    let arguments = as_text(&part["arguments"]).unwrap_or_default();
                    Some(Cow::Owned(format!("{name}({arguments})")))
                }
                _ => ["content", "response", "result"].iter().find_map(|key| as_text(&part[*key])),
            };
            if let Some(line) = line {
                add_line(&mut text, &line);
            }
        }
        if let Some(content) = as_text(&message["content"]) {
            add_line(&mut text, &content);
        }
        Message { role: message["role"].as_str().unwrap_or_default().to_owned(), text }
    };
    list.iter().map(read).collect()
}

fn add_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn span(kind: Kind, attributes: &Value) -> Span {
        let attributes = Attributes::of(attributes.as_object().unwrap().clone());
        Span {
            trace_id: TraceId(1),
            span_id: SpanId(1),
            parent_id: None,
            name: "n".to_owned(),
            kind: Kind::read(Some(kind.name()), &attributes),
            start_us: 0,
            end_us: 0,
            status: Status::Error,
            status_message: "it broke".to_owned(),
            attributes,
            events: Vec::new(),
        }
    }

    #[test]
    fn both_vocabularies_say_the_same() {
        let open_inference = span(
            Kind::Llm,
            &json!({"llm": {"model_name": "m", "provider": "p", "finish_reason": "stop",
                "token_count": {"prompt": 10, "completion": 2, "total": 12},
                "input_messages": [{"message": {"role": "user", "content": "hi"}}],
                "output_messages": [{"message": {"role": "assistant", "tool_calls": [
                    {"tool_call": {"function": {"name": "f", "arguments": "{\"a\":1}"}}}]}}]},
                "session.id": "s"}),
        );
        let gen_ai = span(
            Kind::Unknown,
            &json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
                "gen_ai.provider.name": "p", "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2,
                "gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"hi\"}]}]",
                "gen_ai.output.messages": [{"role": "assistant", "parts": [
                    {"type": "tool_call", "name": "f", "arguments": {"a": 1}}]}],
                "gen_ai.conversation.id": "s"}),
        );
        for span in [open_inference, gen_ai] {
            assert_eq!(span.kind, Kind::Llm);
            assert_eq!(span.model().as_deref(), Some("m"));
            assert_eq!(span.provider().as_deref(), Some("p"));
            assert_eq!(span.finish_reason().as_deref(), Some("stop"));
            assert_eq!(span.tokens().total, Some(12));
            assert_eq!(span.input().as_deref(), Some("hi"));
            assert_eq!(span.output().as_deref(), Some(r#"f({"a":1})"#));
            assert_eq!(span.session().as_deref(), Some("s"));
        }
    }

    #[test]
    fn ids_in_every_spelling() {
        let id = Some(TraceId(0x5b8e_fff7_9803_8103_d269_b633_813f_c60c));
        for text in [
            "5b8efff798038103d269b633813fc60c",
            "5B8EFFF798038103D269B633813FC60C",
            "0x5b8efff798038103d269b633813fc60c",
            "5b8efff7-9803-8103-d269-b633813fc60c",
            "W47/95gDgQPSabYzgT/GDA==",
        ] {
            assert_eq!(TraceId::read(text), id, "{text}");
        }
        for text in [
            "",
            "xyz",
            "00000000000000000000000000000000",
            "5b8e",
            "+b8efff798038103d269b633813fc60c ",
        ] {
            assert_eq!(TraceId::read(text), None, "{text}");
        }
        assert_eq!(SpanId::read("7uGbfsOxwXQ="), Some(SpanId(0xeee1_9b7e_c3b1_c174)));
        assert_eq!(SpanId(10).to_string(), "000000000000000a");
    }

    #[test]
    fn statuses_in_every_spelling() {
        for (text, status) in [
            ("STATUS_CODE_ERROR", Status::Error),
            ("StatusCode.ERROR", Status::Error),
            ("error", Status::Error),
            ("2", Status::Error),
            ("Ok", Status::Ok),
            ("1", Status::Ok),
            ("UNSET", Status::Unset),
            ("", Status::Unset),
        ] {
            assert_eq!(Status::read(text), status, "{text}");
        }
    }
}
