//! Spans in pieces that a server takes and a line of a file holds.

use crate::error::Result;
pub use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest as Request;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

/// The most spans of a piece, and the most bytes unless it is a single span.
const SPANS: usize = 512;
const BYTES: usize = 1 << 20;

/// Spans by the piece.
pub struct Batches<I> {
    spans: I,
    next: Option<Span>,
}

impl<I: Iterator<Item = Result<Span>>> Batches<I> {
    pub fn new(spans: I) -> Self {
        Self { spans, next: None }
    }
}

impl<I: Iterator<Item = Result<Span>>> Iterator for Batches<I> {
    type Item = Result<Vec<Span>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < SPANS {
            let span = match self.next.take().map(Ok).or_else(|| self.spans.next()) {
                None => break,
                Some(Err(failed)) => return Some(Err(failed)),
                Some(Ok(span)) => span,
            };
            bytes += span.encoded_len();
            if bytes > BYTES && !batch.is_empty() {
                self.next = Some(span);
                break;
            }
            batch.push(span);
        }
        (!batch.is_empty()).then_some(Ok(batch))
    }
}

/// What is said of all spans at once.
#[derive(Debug, Clone)]
pub struct About {
    /// The project they go to.
    pub project: String,
    /// Whether the server is to know that these are runs of agents, where it has a word for that.
    pub is_harness: bool,
}

impl About {
    pub fn request(&self, spans: Vec<Span>) -> Request {
        let mut attributes = vec![
            attribute("service.name", "loop"),
            attribute("service.version", env!("CARGO_PKG_VERSION")),
            attribute("openinference.project.name", &self.project),
        ];
        if self.is_harness {
            attributes.push(attribute("arize.project.type", "harness"));
        }
        let scope = InstrumentationScope {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scoped = ScopeSpans { scope: Some(scope), spans, schema_url: String::new() };
        let resource = Resource { attributes, ..Resource::default() };
        Request {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource),
                scope_spans: vec![scoped],
                schema_url: String::new(),
            }],
        }
    }
}

/// As protobuf. Pieces one after the other are one message with the spans of all.
pub fn protobuf(request: &Request) -> Vec<u8> {
    request.encode_to_vec()
}

/// As one line of OTLP JSON, newline included.
pub fn json_line(request: &Request) -> Vec<u8> {
    // Writing JSON to memory cannot fail.
    let mut line = serde_json::to_vec(request).unwrap_or_default();
    line.push(b'\n');
    line
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Any::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}
