//! Files of spans of a realistic shape, of any number: the demo project, told over and over.
//!
//! Every telling has its own ids and times, and other digits in its texts, so that order numbers,
//! amounts and addresses are as many as they would be. Most of the words are the same, as they are in
//! the traces of one application.

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// The argument that makes this program write such a file.
pub const HOW: &str = "--spans";

/// Nanoseconds between the starts of two tellings.
const APART: u64 = 97_000_000_000;

/// A span of the demo project, ready to be told again.
struct Template {
    trace_id: u128,
    span_id: u64,
    parent_id: Option<u64>,
    name: String,
    start_us: u64,
    end_us: u64,
    status: Value,
    attributes: Vec<(String, Value)>,
    events: Vec<(String, u64, Value)>,
}

/// Writes a file and nothing else, to look closer at what the figures say.
pub fn write(demo: &str, path: &str, spans: &str) -> ExitCode {
    let written = spans
        .parse()
        .context("not a number of spans")
        .and_then(|spans| otlp(Path::new(demo), Path::new(path), spans));
    match written {
        Ok(spans) => {
            println!("{spans}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes at least so many spans as OTLP JSON, a request of one trace a line, in the order in which
/// the traces start. Gives the number of spans.
pub fn otlp(demo: &Path, path: &Path, spans: u64) -> Result<u64> {
    let traces = templates(demo)?;
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let (mut written, mut telling) = (0, 0_u64);
    while written < spans {
        for trace in &traces {
            if written >= spans {
                break;
            }
            let digits = Digits(telling.wrapping_mul(0x9e37_79b9));
            let spans: Vec<Value> = trace.iter().map(|span| span.told(telling, &digits)).collect();
            written += spans.len() as u64;
            let resource = json!({"attributes": [
                {"key": "service.name", "value": {"stringValue": "shop"}}]});
            let request = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [
                {"scope": {"name": "openinference.instrumentation", "version": "0.1"},
                    "spans": spans}]}]});
            serde_json::to_writer(&mut out, &request)?;
            out.write_all(b"\n")?;
        }
        telling += 1;
    }
    out.flush()?;
    Ok(written)
}

impl Template {
    fn told(&self, telling: u64, digits: &Digits) -> Value {
        let mix = telling.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let span = |id: u64| format!("{:016x}", (id ^ mix).max(1));
        let time = |us: u64| (us * 1_000 + telling * APART).to_string();
        let values = |list: &[(String, Value)], digits: &Digits| -> Vec<Value> {
            let one =
                |(key, value): &(String, Value)| json!({"key": key, "value": any(value, digits)});
            list.iter().map(one).collect()
        };
        let mut told = json!({
            "traceId": format!("{:032x}", self.trace_id ^ (u128::from(mix) << 64 | u128::from(mix))),
            "spanId": span(self.span_id),
            "name": self.name, "kind": 1,
            "startTimeUnixNano": time(self.start_us), "endTimeUnixNano": time(self.end_us),
            "attributes": values(&self.attributes, digits),
            "status": self.status,
        });
        if let Some(parent) = self.parent_id {
            told["parentSpanId"] = span(parent).into();
        }
        if !self.events.is_empty() {
            let event = |(name, at, attributes): &(String, u64, Value)| {
                let list: Vec<_> = flat(attributes);
                json!({"name": name, "timeUnixNano": time(*at), "attributes": values(&list, digits)})
            };
            told["events"] = self.events.iter().map(event).collect();
        }
        told
    }
}

/// OTLP's way of writing a value.
fn any(value: &Value, digits: &Digits) -> Value {
    match value {
        Value::String(text) => json!({"stringValue": digits.other(text)}),
        Value::Bool(own) => json!({"boolValue": own}),
        Value::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Value::Number(number) => json!({"doubleValue": number}),
        Value::Array(list) => {
            let values: Vec<_> = list.iter().map(|value| any(value, digits)).collect();
            json!({"arrayValue": {"values": values}})
        }
        other => json!({"stringValue": other.to_string()}),
    }
}

/// Other digits in place of those of a text; ids of models and lone digits stay. What is the same in
/// one telling stays the same.
struct Digits(u64);

impl Digits {
    fn other(&self, text: &str) -> String {
        let mut told = String::with_capacity(text.len());
        for part in text.split_inclusive(|own: char| !own.is_ascii_digit()) {
            let run = part.trim_end_matches(|own: char| !own.is_ascii_digit());
            let (run, rest) = part.split_at(if run.len() > 1 { run.len() } else { 0 });
            let own = run.bytes().fold(self.0, |sum, byte| {
                (sum ^ u64::from(byte)).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)
            });
            told.extend(
                (0..run.len()).map(|at| char::from(b'1' + (own >> (3 * at + 20)) as u8 % 8)),
            );
            told.push_str(rest);
        }
        told
    }
}

fn flat(object: &Value) -> Vec<(String, Value)> {
    let list = object.as_object().map(Map::iter).into_iter().flatten();
    list.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The spans of a snapshot, trace by trace.
fn templates(demo: &Path) -> Result<Vec<Vec<Template>>> {
    let database = Connection::open_with_flags(demo, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = database.prepare(
        "SELECT n, s.trace_id, span_id, parent_id, name, start_us, end_us, status, status_message, kind,
            input, output, attributes FROM span s JOIN payload USING (n) ORDER BY n",
    )?;
    let mut events = database.prepare("SELECT name, time_us, attributes FROM event WHERE n = ?")?;
    let mut rows = statement.query([])?;
    let mut traces: Vec<Vec<Template>> = Vec::new();
    while let Some(row) = rows.next()? {
        let mut span = template(row)?;
        let n: i64 = row.get(0)?;
        span.events = events
            .query_map([n], |row| {
                let attributes: String = row.get(2)?;
                Ok((
                    row.get(0)?,
                    row.get::<_, i64>(1)? as u64,
                    serde_json::from_str(&attributes).unwrap_or_default(),
                ))
            })?
            .collect::<rusqlite::Result<_>>()?;
        match traces.last_mut().filter(|trace| trace[0].trace_id == span.trace_id) {
            Some(trace) => trace.push(span),
            None => traces.push(vec![span]),
        }
    }
    Ok(traces)
}

fn template(row: &Row) -> Result<Template> {
    let hex = |text: String| u64::from_str_radix(&text, 16).context("read an id");
    let attributes: String = row.get(12)?;
    let mut attributes = flat(&serde_json::from_str(&attributes)?);
    for (key, at) in [("openinference.span.kind", 9), ("input.value", 10), ("output.value", 11)] {
        if let Some(text) = row.get::<_, Option<String>>(at)? {
            attributes.push((key.to_owned(), text.into()));
        }
    }
    let status = match row.get::<_, String>(7)?.as_str() {
        "ERROR" => {
            json!({"code": 2, "message": row.get::<_, Option<String>>(8)?.unwrap_or_default()})
        }
        "OK" => json!({"code": 1}),
        _ => json!({}),
    };
    Ok(Template {
        trace_id: u128::from_str_radix(&row.get::<_, String>(1)?, 16)?,
        span_id: hex(row.get(2)?)?,
        parent_id: row.get::<_, Option<String>>(3)?.map(hex).transpose()?,
        name: row.get(4)?,
        start_us: row.get::<_, i64>(5)? as u64,
        end_us: row.get::<_, i64>(6)? as u64,
        status,
        attributes,
        events: Vec::new(),
    })
}
