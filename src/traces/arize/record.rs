//! One span as the server gives it, with what was said of it.
//!
//! The API's schema leaves the form of attributes open: they come nested, dotted, as columns beside
//! the span's own fields (`attributes.llm.model_name`), and messages also as two lists, of roles and
//! of contents. All of it is read.

use super::super::annotation::{Annotation, Target};
use super::super::attributes::as_text;
use super::super::file::record;
use super::super::span::Span;
use serde_json::{Map, Value};

/// A span with its annotations. The error is the reason why it is left out.
pub(super) fn read(
    mut object: Map<String, Value>,
) -> Result<(Span, Vec<Annotation>), &'static str> {
    if let Some(kind) = object.remove("kind") {
        object.entry("span_kind").or_insert(kind);
    }
    columns(&mut object);
    let lists = LISTS.map(|list| (list, object.remove(list.name)));
    let mut span = record::span_of(object)?;
    messages(&mut span, "llm.input_messages");
    messages(&mut span, "llm.output_messages");
    let mut annotations = Vec::new();
    for (list, values) in lists {
        let Some(Value::Array(values)) = values else { continue };
        let target =
            if list.of_trace { Target::Trace(span.trace_id) } else { Target::Span(span.span_id) };
        annotations.extend(values.iter().filter_map(|value| annotation(&list, &target, value)));
    }
    Ok((span, annotations))
}

/// A list of what was said, beside the span.
#[derive(Clone, Copy)]
struct List {
    name: &'static str,
    of_trace: bool,
    /// What holds its words.
    text: &'static str,
    /// Annotations are people's; who evaluates is not told.
    by: Option<&'static str>,
}

const LISTS: [List; 3] = [
    List { name: "annotations", of_trace: false, text: "text", by: Some("HUMAN") },
    List { name: "trace_annotations", of_trace: true, text: "text", by: Some("HUMAN") },
    List { name: "evaluations", of_trace: false, text: "explanation", by: None },
];

fn annotation(list: &List, target: &Target, value: &Value) -> Option<Annotation> {
    let text = |key: &str| as_text(value.get(key)?).map(std::borrow::Cow::into_owned);
    // One name may be there once for each person, and once as an evaluation.
    let who = match list.by {
        Some(_) => value["annotator"]["id"].as_str(),
        None => Some("evaluation"),
    };
    Some(Annotation {
        target: target.clone(),
        name: text("name")?,
        label: text("label"),
        score: value["score"].as_f64().filter(|score| score.is_finite()),
        explanation: text(list.text),
        annotator_kind: list.by.map(str::to_owned),
        identifier: who.map(str::to_owned),
    })
}

/// Puts columns called `attributes.…` among the attributes.
fn columns(object: &mut Map<String, Value>) {
    let keys: Vec<String> =
        object.keys().filter(|key| key.starts_with("attributes.")).cloned().collect();
    if keys.is_empty() {
        return;
    }
    let mut attributes = match object.remove("attributes") {
        Some(Value::Object(attributes)) => attributes,
        _ => Map::new(),
    };
    for key in keys {
        if let Some(value) = object.remove(&key) {
            attributes.insert(key["attributes.".len()..].to_owned(), value);
        }
    }
    object.insert("attributes".to_owned(), Value::Object(attributes));
}

/// Two lists, of roles and of contents, as the messages they stand for.
fn messages(span: &mut Span, prefix: &str) {
    let list = |what: &str| match span.attributes.get(&format!("{prefix}.{what}")) {
        Some(Value::Array(values)) => values.clone(),
        _ => Vec::new(),
    };
    let (roles, contents) = (list("roles"), list("contents"));
    if span.attributes.items(&format!("{prefix}.")).next().is_some() {
        return;
    }
    for (part, values) in [("role", roles), ("content", contents)] {
        for (at, value) in values.into_iter().enumerate().filter(|(_, value)| !value.is_null()) {
            span.attributes.insert(&format!("{prefix}.{at}.message.{part}"), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::span::{Kind, Status};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const TRACE: &str = "5b8efff798038103d269b633813fc60c";

    fn read_json(value: Value) -> (Span, Vec<Annotation>) {
        let Value::Object(object) = value else { unreachable!() };
        read(object).unwrap()
    }

    fn with(attributes: &Value) -> Value {
        let mut span = json!({"name": "chat", "kind": "LLM", "parent_id": null,
            "context": {"trace_id": TRACE, "span_id": "eee19b7ec3c1b174"},
            "start_time": "2026-08-20T10:00:00Z", "end_time": "2026-08-20T10:00:02Z",
            "status_code": "OK", "events": []});
        for (key, value) in attributes.as_object().unwrap() {
            span[key] = value.clone();
        }
        span
    }

    #[test]
    fn every_form_of_attributes_is_the_same_span() {
        let nested = read_json(with(&json!({"attributes": {
            "llm": {"model_name": "m", "token_count": {"total": 7},
                    "input_messages": [{"message": {"role": "user", "content": "hi"}}]},
            "session": {"id": "s"}}})));
        let (span, _) = &nested;
        assert_eq!((span.kind, span.status), (Kind::Llm, Status::Ok));
        assert_eq!(span.model().as_deref(), Some("m"));
        assert_eq!(span.tokens().total, Some(7));
        assert_eq!(span.input().as_deref(), Some("hi"));
        let dotted = with(&json!({"attributes": {"llm.model_name": "m", "session.id": "s",
            "llm.token_count.total": 7, "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "hi"}}));
        let columns = with(&json!({"attributes.llm.model_name": "m", "attributes.session.id": "s",
            "attributes.llm.token_count.total": 7,
            "attributes.llm.input_messages": [{"message.role": "user", "message.content": "hi"}]}));
        for other in [dotted, columns] {
            assert_eq!(read_json(other.clone()), nested, "{other}");
        }
        let (lists, _) = read_json(with(&json!({"attributes": {
            "llm.input_messages.roles": ["system", "user"],
            "llm.input_messages.contents": [null, "hi"]}})));
        let roles: Vec<_> = lists.input_messages().into_iter().map(|m| (m.role, m.text)).collect();
        assert_eq!(roles, [("system".into(), String::new()), ("user".into(), "hi".into())]);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
            Just(Value::from(TRACE)),
        ];
        let key = prop_oneof!["[a-z.]{0,8}", "annotations|evaluations|attributes.x|context|kind"];
        leaf.prop_recursive(4, 24, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_sends_makes_it_panic(
            key in "attributes|events|annotations|evaluations|context|start_time|kind|parent_id|attributes.llm.input_messages.roles",
            value in any_json(),
        ) {
            let mut span = with(&json!({}));
            span[&key] = value;
            let _ = read(span.as_object().unwrap().clone());
        }
    }

    #[test]
    fn what_was_said_of_a_span_goes_where_it_belongs() {
        let (span, said) = read_json(with(&json!({
            "annotations": [{"name": "quality", "label": "bad", "score": 0, "text": "slow",
                             "annotator": {"id": "u1"}}, {"label": "nameless"}],
            "trace_annotations": [{"name": "whole", "score": 0.5}],
            "evaluations": [{"name": "quality", "label": "good", "explanation": "fine"}]})));
        assert_eq!(said.len(), 3);
        assert_eq!(said[0].target, Target::Span(span.span_id));
        assert_eq!((said[0].score, said[0].explanation.as_deref()), (Some(0.0), Some("slow")));
        assert_eq!(said[1].target, Target::Trace(span.trace_id));
        assert_eq!(said[2].explanation.as_deref(), Some("fine"));
        assert_ne!(said[0].identifier, said[2].identifier, "of one name, both are kept");
    }
}
