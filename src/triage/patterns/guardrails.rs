//! Guardrails that were not heeded: one said no to a text, and that text is what the user got.
//!
//! A guardrail that stops something does its work and is no failure; one that is itself in error is
//! found by its status.

use super::super::group::{Group, Hit, Key};
use super::super::issue::Entity;
use super::super::rank::Harm;
use super::super::trace::{Span, Trace};
use super::{All, Pattern, Told, Words};
use crate::traces::span::Kind;
use serde_json::Value;

pub(super) struct Guardrails;

impl Pattern for Guardrails {
    fn name(&self) -> &'static str {
        "guardrail"
    }

    fn look(&mut self, trace: &Trace, told: &mut Told) {
        for (at, span) in trace.of_kind(Kind::Guardrail) {
            let text = span.input.as_deref().map(str::trim).unwrap_or_default();
            if text.len() >= 20 && trace.answer().map(str::trim) == Some(text) && refuses(span) {
                let entity = Entity::Span(span.name.to_string());
                let key = Key { pattern: "guardrail", entity, parts: Vec::new() };
                told.hits.push(Hit::new(key, at, span.output.as_deref().unwrap_or_default()));
            }
        }
    }

    fn stands(&self, _: &Key, group: &Group, _: &All) -> bool {
        group.traces >= 2
    }

    fn words(&self, key: &Key, _: &Group, _: &All) -> Words {
        let name = key.entity.name();
        Words {
            title: format!("guardrail {name} says no, and the answer is given all the same"),
            harm: Harm(0.9, "what was to be stopped was delivered"),
            facts: vec!["the text it refused is, word for word, the output of the root".to_owned()],
            advice: format!("Look at what the application does with the result of `{name}`."),
        }
    }
}

/// By the fields that guardrails answer with. Nothing is read into other shapes.
fn refuses(span: &Span) -> bool {
    let Some(Ok(Value::Object(object))) = span.output.as_deref().map(serde_json::from_str) else {
        return false;
    };
    let is = |key: &str, value: bool| object.get(key).and_then(Value::as_bool) == Some(value);
    ["allowed", "passed", "safe", "valid"].iter().any(|key| is(key, false))
        || ["blocked", "flagged", "tripwire_triggered"].iter().any(|key| is(key, true))
}
