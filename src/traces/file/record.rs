//! One JSON object into one span.
//!
//! The shapes in use differ in names and nesting, not in meaning, so they are read by one function
//! that asks for each thing under every name it goes by.

use super::super::attributes::Attributes;
use super::super::span::{Event, Kind, Span, SpanId, Status, TraceId};
use super::json::{Json, Object};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

const TRACE_ID: [&str; 3] = ["traceId", "trace_id", "context.trace_id"];
const SPAN_ID: [&str; 3] = ["spanId", "span_id", "context.span_id"];
const PARENT_ID: [&str; 3] = ["parentSpanId", "parent_span_id", "parent_id"];
const START: [&str; 4] = ["startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime"];
const END: [&str; 4] = ["endTimeUnixNano", "end_time_unix_nano", "end_time", "endTime"];
const EVENT_TIME: [&str; 4] = ["timeUnixNano", "time_unix_nano", "timestamp", "time"];

/// Whether this is meant as a span at all.
pub(super) fn has_trace_id(object: &Object) -> bool {
    let inside = |context: &Json| match context {
        Json::Object(own) => own.get("trace_id").is_some_and(|id| *id != Json::Null),
        _ => false,
    };
    TRACE_ID.iter().any(|key| object.get(key).is_some())
        || object.get("context").is_some_and(inside)
}

/// A span that somebody else has read as plain JSON.
pub(in super::super) fn span_of(object: Map<String, Value>) -> Result<Span, &'static str> {
    match Json::of(Value::Object(object)) {
        Json::Object(object) => span(object),
        _ => Err("objects that are no spans"),
    }
}

/// The error is the reason why it is left out.
pub(super) fn span(mut object: Object) -> Result<Span, &'static str> {
    if let Some(Json::Object(mut context)) = object.take("context") {
        for key in ["trace_id", "span_id"] {
            if let Some(id) = context.take(key) {
                object.0.push((Cow::Borrowed(key), id));
            }
        }
    }
    let trace_id = text(&object, &TRACE_ID)
        .and_then(TraceId::read)
        .ok_or("spans whose trace id is not 32 hexadecimal digits")?;
    let span_id = text(&object, &SPAN_ID)
        .and_then(SpanId::read)
        .ok_or("spans whose span id is not 16 hexadecimal digits")?;
    let parent_id = text(&object, &PARENT_ID).and_then(SpanId::read);
    let start_us = time(&object, &START).ok_or("spans without a start time")?;
    let end_us = time(&object, &END).unwrap_or(start_us);
    let (status, status_message) = status(&object);
    let beside = text(&object, &["span_kind", "openinference.span.kind"]).map(str::to_owned);
    let name = text(&object, &["name"]).unwrap_or_default().to_owned();
    let events = match object.take("events") {
        Some(Json::List(events)) => events.into_iter().filter_map(event).collect(),
        _ => Vec::new(),
    };
    // Last, since it takes the object apart.
    let attributes = attributes(&mut object);
    let kind = Kind::read(beside.as_deref(), &attributes);
    Ok(Span {
        trace_id,
        span_id,
        parent_id,
        name,
        kind,
        start_us,
        end_us,
        status,
        status_message,
        attributes,
        events,
    })
}

fn text<'a>(object: &'a Object, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| object.get(key)?.text())
}

fn status(object: &Object) -> (Status, String) {
    let code = |value: Option<&Json>| match value? {
        Json::Text(text) => Some(Status::read(text)),
        Json::Number(number) => Some(Status::read(&number.to_string())),
        _ => None,
    };
    let message = |value: Option<&Json>| Some(value?.text()?.to_owned());
    match object.get("status") {
        Some(Json::Object(own)) => (
            code(own.get("code").or_else(|| own.get("status_code"))).unwrap_or(Status::Unset),
            message(own.get("message").or_else(|| own.get("description"))).unwrap_or_default(),
        ),
        other => (
            code(object.get("status_code").or_else(|| object.get("statusCode")).or(other))
                .unwrap_or(Status::Unset),
            message(object.get("status_message").or_else(|| object.get("statusMessage")))
                .unwrap_or_default(),
        ),
    }
}

fn event(value: Json) -> Option<Event> {
    let Json::Object(mut object) = value else { return None };
    let name = text(&object, &["name"])?.to_owned();
    let time_us = time(&object, &EVENT_TIME).unwrap_or(0);
    let attributes = match object.take("attributes") {
        Some(Json::Object(own)) => pairs(own).collect(),
        Some(Json::List(list)) => key_values(list).collect(),
        _ => Map::new(),
    };
    Some(Event { name, time_us, attributes })
}

/// OTLP's list of keys and values, a nested or dotted object, or columns called `attributes.…`.
fn attributes(object: &mut Object) -> Attributes {
    match object.take("attributes") {
        Some(Json::List(list)) => Attributes::of_pairs(key_values(list)),
        Some(Json::Object(own)) => Attributes::of_pairs(pairs(own)),
        _ => Attributes::of_pairs(object.0.drain(..).filter_map(|(key, value)| {
            Some((key.strip_prefix("attributes.")?.to_owned(), value.into_value()))
        })),
    }
}

fn pairs(object: Object) -> impl Iterator<Item = (String, Value)> {
    object.0.into_iter().map(|(key, value)| (key.into_owned(), value.into_value()))
}

fn key_values(list: Vec<Json>) -> impl Iterator<Item = (String, Value)> {
    list.into_iter().filter_map(|item| {
        let Json::Object(mut item) = item else { return None };
        let Some(Json::Text(key)) = item.take("key") else { return None };
        Some((key.into_owned(), any_value(item.take("value")?)))
    })
}

/// OTLP's `AnyValue`: an object with the type as its only key.
fn any_value(value: Json) -> Value {
    let Json::Object(object) = value else { return value.into_value() };
    let Some((kind, inner)) = object.0.into_iter().next() else { return Value::Null };
    match (&*kind, inner) {
        // 64-bit integers travel as strings.
        ("intValue" | "int_value", Json::Text(text)) => text.parse().map_or_else(
            |_| Value::String(text.into_owned()),
            |n: i64| Value::Number(Number::from(n)),
        ),
        ("arrayValue" | "array_value", inner) => {
            Value::Array(values(inner).into_iter().map(any_value).collect())
        }
        ("kvlistValue" | "kvlist_value", inner) => {
            Value::Object(key_values(values(inner)).collect())
        }
        (_, inner) => inner.into_value(),
    }
}

fn values(inner: Json) -> Vec<Json> {
    match inner {
        Json::Object(mut inner) => match inner.take("values") {
            Some(Json::List(values)) => values,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Unix microseconds.
fn time(object: &Object, keys: &[&str]) -> Option<i64> {
    keys.iter().find_map(|key| {
        let nanos = key.ends_with("ano");
        match object.get(key)? {
            Json::Number(number) => from_number(number.as_i64(), number.as_f64()?, nanos),
            Json::Text(text) => match text.parse::<i64>() {
                Ok(whole) => from_number(Some(whole), whole as f64, nanos),
                Err(_) => from_words(text),
            },
            _ => None,
        }
    })
}

/// A number whose unit nobody wrote down is told by its size: seconds, milli-, micro- or nanoseconds
/// of this century do not overlap. A time of 0 is none: exporters write it for a span still running.
fn from_number(whole: Option<i64>, number: f64, nanos: bool) -> Option<i64> {
    if number <= 0.0 {
        return None;
    }
    if nanos || number >= 1e17 {
        return Some(whole? / 1_000);
    }
    let scale = if number < 1e11 {
        1e6
    } else if number < 1e14 {
        1e3
    } else {
        1.0
    };
    Some((number * scale).round() as i64)
}

/// RFC 3339; a time without a zone is taken as UTC, which is what exporters mean by it.
fn from_words(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_microsecond());
    }
    let local: DateTime = text.parse().ok()?;
    Some(TimeZone::UTC.to_timestamp(local).ok()?.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Span, &'static str> {
        let text = value.to_string();
        let Ok(Json::Object(object)) = serde_json::from_str(&text) else { unreachable!() };
        assert!(has_trace_id(&object));
        span(object)
    }

    #[test]
    fn every_shape_gives_the_same_span() {
        let trace = "5b8efff798038103d269b633813fc60c";
        let shapes = [
            json!({"traceId": trace, "spanId": "eee19b7ec3c1b174", "parentSpanId": "eee19b7ec3c1b173",
                "name": "a", "kind": 1, "startTimeUnixNano": "1786975200000001000",
                "endTimeUnixNano": 1_786_975_201_000_001_000_i64,
                "attributes": [{"key": "openinference.span.kind", "value": {"stringValue": "TOOL"}},
                    {"key": "n", "value": {"intValue": "7"}},
                    {"key": "t", "value": {"arrayValue": {"values": [{"stringValue": "x"}]}}}],
                "status": {"code": 2, "message": "m"},
                "events": [{"name": "exception", "timeUnixNano": "1786975200500000000",
                    "attributes": [{"key": "exception.type", "value": {"stringValue": "E"}}]}]}),
            json!({"name": "a", "context": {"trace_id": trace, "span_id": "eee19b7ec3c1b174"},
                "span_kind": "TOOL", "parent_id": "eee19b7ec3c1b173",
                "start_time": "2026-08-17T14:00:00.000001Z", "end_time": "2026-08-17T16:00:01.000001+02:00",
                "status_code": "ERROR", "status_message": "m",
                "attributes": {"openinference": {"span": {"kind": "TOOL"}}, "n": 7, "t": ["x"]},
                "events": [{"name": "exception", "timestamp": "2026-08-17T14:00:00.5Z",
                    "attributes": {"exception.type": "E"}}]}),
            json!({"name": "a", "context.trace_id": trace, "context.span_id": "eee19b7ec3c1b174",
                "span_kind": "TOOL", "parent_id": "eee19b7ec3c1b173",
                "start_time": 1_786_975_200_000_001_i64, "end_time": "2026-08-17 14:00:01.000001",
                "status_code": "ERROR", "status_message": "m",
                "attributes.openinference.span.kind": "TOOL", "attributes.n": 7, "attributes.t": ["x"],
                "events": [{"name": "exception", "timestamp": 1_786_975_200.5,
                    "attributes": {"exception.type": "E"}}]}),
            json!({"name": "a", "context": {"trace_id": format!("0x{trace}"), "span_id": "0xeee19b7ec3c1b174"},
                "kind": "SpanKind.INTERNAL", "parent_id": "0xeee19b7ec3c1b173",
                "start_time": "2026-08-17T14:00:00.000001Z", "end_time": "2026-08-17T14:00:01.000001Z",
                "status": {"status_code": "ERROR", "description": "m"},
                "attributes": {"openinference.span.kind": "TOOL", "n": 7, "t": ["x"]},
                "events": [{"name": "exception", "timestamp": "2026-08-17T14:00:00.500000Z",
                    "attributes": {"exception.type": "E"}}]}),
        ];
        let first = read(shapes[0].clone()).unwrap();
        assert_eq!(first.end_us - first.start_us, 1_000_000);
        assert_eq!(first.kind, Kind::Tool);
        assert_eq!(first.exception().unwrap().kind, "E");
        for shape in shapes {
            assert_eq!(read(shape.clone()).unwrap(), first, "{shape}");
        }
    }

    #[test]
    fn what_is_missing_is_the_reason() {
        let trace = "5b8efff798038103d269b633813fc60c";
        for (given, reason) in [
            (json!({"trace_id": "xyz"}), "spans whose trace id is not 32 hexadecimal digits"),
            (json!({"trace_id": trace}), "spans whose span id is not 16 hexadecimal digits"),
            (
                json!({"trace_id": trace, "span_id": "eee19b7ec3c1b174"}),
                "spans without a start time",
            ),
        ] {
            assert_eq!(read(given).unwrap_err(), reason);
        }
    }
}
