//! Spans to a server: OTLP over HTTP, protobuf, gzip.
//!
//! Where they go is a [`Destination`], whose request is a function of values. A server that takes a
//! piece has it for good; what is not yet taken when the time is over, or when the server refuses, is
//! for a later sending.

use super::batch::{About, Batches, protobuf};
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::http::{Answer, Client, Method, Request, shown};
use crate::retry::Patience;
use crate::secrets::Secret;
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Servers compare this text as a whole.
const PROTOBUF: &str = "application/x-protobuf";
/// Where OTLP's HTTP servers take spans.
const PATH: &str = "/v1/traces";
/// How long one try may take where nobody is in a hurry.
const TRY: Duration = Duration::from_secs(30);
/// Tries of one piece where somebody is.
const TRIES: u32 = 2;
const PAUSE: Duration = Duration::from_millis(300);

/// Where spans go. The headers may hold a key, so it has no `Debug`.
pub struct Destination {
    pub url: String,
    pub about: About,
    headers: Vec<(String, String)>,
}

impl Destination {
    /// An address without a path is a server's, and spans go where OTLP has them.
    ///
    /// With a `space` it is Arize AX, which wants the key as it is; all others want a bearer's.
    pub fn new(endpoint: &str, project: &str, space: Option<&str>, key: Option<&Secret>) -> Self {
        let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
        let url = match rest.split_once('/') {
            None | Some((_, "")) => format!("{}{PATH}", endpoint.trim_end_matches('/')),
            Some(_) => endpoint.to_owned(),
        };
        let mut headers = vec![("x-project-name".to_owned(), project.to_owned())];
        if let Some(key) = key.map(Secret::expose) {
            let value = if space.is_some() { key.to_owned() } else { format!("Bearer {key}") };
            headers.push(("authorization".to_owned(), value));
        }
        if let Some(space) = space {
            headers.push(("arize-space-id".to_owned(), space.to_owned()));
        }
        let about = About { project: project.to_owned(), is_harness: space.is_some() };
        Self { url, about, headers }
    }

    #[must_use]
    pub fn with_headers(mut self, more: impl IntoIterator<Item = (String, String)>) -> Self {
        self.headers.extend(more);
        self
    }

    fn request(&self, spans: Vec<Span>) -> Result<Request> {
        let message = protobuf(&self.about.request(spans));
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        let packing = packed.write_all(&message).and_then(|()| packed.finish());
        let body = packing.cannot(Kind::Bug, || "pack spans".to_owned())?;
        // Ids follow from what is told: the same span twice is the same span.
        let mut request = Request::new(Method::POST, &self.url)
            .body(PROTOBUF, body)
            .header("content-encoding", "gzip")
            .repeatable();
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        Ok(request)
    }
}

/// What came of a sending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many spans the server took.
    pub spans: u64,
    /// How many of them it says it threw away, and why.
    pub refused: Option<(u64, String)>,
    /// Whether the time was over before all were sent.
    pub cut_short: bool,
}

/// Sends spans piece by piece, and tells each time how many were taken so far. `time` is for all of
/// it; without one it goes on for as long as the server takes them.
pub fn send(
    destination: &Destination,
    ca_bundle: Option<&Path>,
    time: Option<Duration>,
    spans: impl Iterator<Item = Result<Span>>,
    taken: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<Sent> {
    let began = Instant::now();
    let patience = match time {
        Some(_) => Patience { tries: TRIES, first: PAUSE, most: PAUSE },
        None => Patience::USUAL,
    };
    let client = Client::new(ca_bundle)?.patience(patience);
    let mut sent = Sent::default();
    for batch in Batches::new(spans) {
        let batch = batch?;
        let left = time.map(|time| time.saturating_sub(began.elapsed()));
        if left.is_some_and(|left| left < PAUSE) {
            sent.cut_short = true;
            break;
        }
        let count = batch.len() as u64;
        let request = destination.request(batch)?.within(left.map_or(TRY, |left| left / TRIES));
        let answer = client.send(&request).map_err(|failed| unsent(destination, failed))?;
        if !answer.is_success() {
            return Err(refused(destination, &answer));
        }
        note_refused(&answer, &mut sent);
        sent.spans += count;
        taken(sent.spans)?;
    }
    Ok(sent)
}

/// A server may take a piece and throw some of it away.
fn note_refused(answer: &Answer, sent: &mut Sent) {
    let Ok(response) = ExportTraceServiceResponse::decode(answer.body.as_slice()) else { return };
    let Some(partial) = response.partial_success else { return };
    let count = u64::try_from(partial.rejected_spans).unwrap_or(0);
    if count > 0 {
        let before = sent.refused.take().map_or(0, |(before, _)| before);
        let why: String = partial.error_message.chars().take(300).collect();
        sent.refused = Some((before.saturating_add(count), why));
    }
}

fn unsent(destination: &Destination, failed: Failure) -> Failure {
    failed.while_doing(format!("cannot send spans to `{}`", shown(&destination.url)))
}

fn refused(destination: &Destination, answer: &Answer) -> Failure {
    let status = answer.status;
    let kind = if matches!(status, 401 | 403) { Kind::Credential } else { Kind::Network };
    let said = Some(answer.said()).filter(|said| !said.is_empty());
    let said = said.map(|said| format!(": {said}")).unwrap_or_default();
    let failed = Failure::new(kind, format!("cannot send spans to `{}`", shown(&destination.url)))
        .because(format!("the server answered {status}{said}"));
    match status {
        401 | 403 => failed.hint("name the server's key: `secret = \"…\"` in `[telemetry]`"),
        404 | 405 => failed.hint(format!("a server takes spans at `{PATH}`: mend `endpoint`")),
        _ => failed,
    }
}
