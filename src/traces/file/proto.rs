//! OTLP as protobuf: one message, or a stream of them.
//!
//! A file is one `ExportTraceServiceRequest` (which is also what several written one after the other
//! are), messages each behind their length as a varint, or, as the collector's file exporter writes,
//! behind their length in four bytes; these may also hold JSON, and be compressed one by one. What a
//! file is shows in its first bytes. A message that breaks off or is none costs only itself, where
//! its length is known.

use super::super::Sink;
use super::super::attributes::Attributes;
use super::super::span::{Event, Kind, Span, SpanId, Status, TraceId};
use super::pipe::{self, Read};
use super::text::{self, Outcome, Sum};
use super::{LONGEST_LINE, inflate};
use crate::error::Result;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{Span as Message, TracesData};
use prost::Message as _;
use serde_json::{Map, Value};
use std::io::{self, BufRead, Read as _};

/// The tag of the list of resources, the only thing in a message.
const RESOURCE_SPANS: u8 = 0x0a;

/// How messages stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// As one; it is taken resource by resource.
    Bare,
    Varint,
    FourBytes,
}

impl Framing {
    /// `None` for what is something else.
    pub fn of(head: &[u8]) -> Option<Self> {
        if is_message(head, None) {
            return Some(Self::Bare);
        }
        if let Some((length, rest)) = head.split_first_chunk::<4>() {
            let length = u64::from(u32::from_be_bytes(*length));
            let json = rest.starts_with(b"{\"resourceSpans\"");
            if is_message(rest, Some(length)) || json || rest.starts_with(inflate::ZSTD) {
                return Some(Self::FourBytes).filter(|_| (1..=LONGEST_LINE).contains(&length));
            }
        }
        let mut rest = head;
        let length = varint(&mut rest)?;
        is_message(rest, Some(length)).then_some(Self::Varint)
    }
}

/// Whether this begins a message: a resource's spans, of which the first is a known field that fits.
fn is_message(bytes: &[u8], length: Option<u64>) -> bool {
    let mut rest = bytes;
    let mut look = || {
        (*rest.split_off_first()? == RESOURCE_SPANS).then_some(())?;
        let outer = varint(&mut rest)?;
        let before = rest.len();
        matches!(rest.split_off_first()?, 0x0a | 0x12 | 0x1a).then_some(())?;
        let inner = varint(&mut rest)?;
        let taken = (before - rest.len()) as u64;
        Some(inner.checked_add(taken)? <= outer && length.is_none_or(|all| outer < all))
    };
    look().unwrap_or_default()
}

/// What a varint is at the beginning of the bytes; `None` where they end, or it is none.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

pub(super) fn read(
    file: &str,
    framing: Framing,
    input: &mut (dyn BufRead + Send),
    sink: &mut dyn Sink,
) -> Result<Outcome> {
    let mut all = Sum::default();
    let ended = pipe::run(|| next(framing, input), of_message, |read| all.add(read, sink))?;
    if let Err(error) = ended {
        sink.left_out(
            match error.kind() {
                io::ErrorKind::UnexpectedEof => "a last message that is cut off",
                io::ErrorKind::InvalidData => "the rest of a file after a mistake in its protobuf",
                _ => "the rest of a file that cannot be read to its end",
            },
            1,
        );
        all.blame(error.to_string());
    }
    Ok(all.outcome(file, sink))
}

/// The next message, or of a bare one the next resource with its tag, which is a message as well.
fn next(framing: Framing, input: &mut (dyn BufRead + Send)) -> io::Result<Option<Vec<u8>>> {
    if input.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut message = Vec::new();
    let length = match framing {
        Framing::FourBytes => {
            let mut length = [0; 4];
            input.read_exact(&mut length)?;
            u64::from(u32::from_be_bytes(length))
        }
        Framing::Varint => read_varint(input, &mut Vec::new())?,
        Framing::Bare => {
            if read_varint(input, &mut message)? != u64::from(RESOURCE_SPANS) {
                let why = "a field that no message of traces has";
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            read_varint(input, &mut message)?
        }
    };
    if length > LONGEST_LINE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message of more than 256 MiB"));
    }
    let read = (&mut *input).take(length).read_to_end(&mut message)?;
    if (read as u64) < length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the last message is cut off"));
    }
    Ok(Some(message))
}

fn read_varint(input: &mut dyn BufRead, into: &mut Vec<u8>) -> io::Result<u64> {
    let from = into.len();
    loop {
        let mut byte = [0];
        input.read_exact(&mut byte)?;
        into.push(byte[0]);
        if byte[0] < 0x80 || into.len() - from == 10 {
            break;
        }
    }
    varint(&mut &into[from..])
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a length that is none"))
}

fn of_message(message: Vec<u8>) -> Read {
    let message = match message.starts_with(inflate::ZSTD) {
        true => inflate::whole(&message, LONGEST_LINE).unwrap_or_default(),
        false => message,
    };
    if message.starts_with(b"{") {
        return text::of_lines(text::Piece { text: message, too_long: 0 });
    }
    let mut read = Read::default();
    let Ok(traces) = TracesData::decode(message.as_slice()) else {
        read.left_out("messages that are not OTLP", 1);
        return read;
    };
    let scopes = traces.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    for message in scopes.flat_map(|scope| scope.spans) {
        read.spans += 1;
        match span(message) {
            Ok(span) => read.packed.add(&span),
            Err(reason) => read.left_out(reason, 1),
        }
    }
    read
}

fn span(message: Message) -> Result<Span, &'static str> {
    let trace_id = message.trace_id.try_into().map_or(0, u128::from_be_bytes);
    let span_id = message.span_id.try_into().map_or(0, u64::from_be_bytes);
    let parent_id = message.parent_span_id.try_into().map_or(0, u64::from_be_bytes);
    if trace_id == 0 {
        return Err("spans whose trace id is not 32 hexadecimal digits");
    }
    if span_id == 0 {
        return Err("spans whose span id is not 16 hexadecimal digits");
    }
    let start_us = time(message.start_time_unix_nano).ok_or("spans without a start time")?;
    let attributes = Attributes::of_pairs(message.attributes.into_iter().filter_map(pair));
    let event = |event: opentelemetry_proto::tonic::trace::v1::span::Event| Event {
        name: event.name,
        time_us: time(event.time_unix_nano).unwrap_or(0),
        attributes: event.attributes.into_iter().filter_map(pair).collect(),
    };
    let status = message.status.unwrap_or_default();
    Ok(Span {
        trace_id: TraceId(trace_id),
        span_id: SpanId(span_id),
        parent_id: (parent_id != 0).then_some(SpanId(parent_id)),
        name: message.name,
        kind: Kind::read(None, &attributes),
        start_us,
        end_us: time(message.end_time_unix_nano).unwrap_or(start_us),
        status: match status.code {
            1 => Status::Ok,
            2 => Status::Error,
            _ => Status::Unset,
        },
        status_message: status.message,
        attributes,
        events: message.events.into_iter().map(event).collect(),
    })
}

/// A time of 0 is none.
fn time(nanos: u64) -> Option<i64> {
    i64::try_from(nanos / 1_000).ok().filter(|us| *us > 0)
}

fn pair(pair: KeyValue) -> Option<(String, Value)> {
    Some((pair.key, value(pair.value?)))
}

fn value(value: AnyValue) -> Value {
    match value.value {
        Some(Any::StringValue(text)) => text.into(),
        Some(Any::BoolValue(own)) => own.into(),
        Some(Any::IntValue(number)) => number.into(),
        Some(Any::DoubleValue(number)) => number.into(),
        Some(Any::BytesValue(bytes)) => base64(&bytes).into(),
        Some(Any::ArrayValue(list)) => list.values.into_iter().map(self::value).collect(),
        Some(Any::KvlistValue(list)) => {
            Value::Object(list.values.into_iter().filter_map(pair).collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

/// As OTLP's JSON writes bytes.
fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
