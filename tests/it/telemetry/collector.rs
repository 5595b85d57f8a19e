//! A scripted receiver of spans, for what a real server does not do on demand: it refuses, hangs, and
//! looks at every byte.
//!
//! It is stricter than a real one: what is not OTLP over HTTP as a collector takes it (path, exact
//! content type, gzip, headers that were agreed on, protobuf that decodes, ids of the right length)
//! fails the test when the [`Collector`] is dropped.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::collections::{BTreeMap, VecDeque};
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What it says.
#[derive(Debug, Clone)]
pub enum Reply {
    /// 200, as it does by itself.
    Take,
    Status(u16, &'static str),
    /// Takes the request and never answers.
    Hang,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub headers: BTreeMap<String, String>,
    /// Unpacked.
    pub body: Vec<u8>,
    pub message: ExportTraceServiceRequest,
    /// Whether it was answered with 200.
    pub taken: bool,
}

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    seen: Vec<Seen>,
    complaints: Vec<String>,
    /// Headers beyond the usual ones.
    agreed: Vec<&'static str>,
}

pub struct Collector {
    port: u16,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || serve(listener, shared, stopped));
        Self { port, state, stop: Some(stop) }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1/traces", self.port)
    }

    /// What the next requests are answered with; then it takes them.
    pub fn replies(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.state).replies = replies.into_iter().collect();
    }

    pub fn agree(&self, headers: &[&'static str]) {
        lock(&self.state).agreed = headers.to_vec();
    }

    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }

    /// The spans of the requests that were taken.
    pub fn spans(&self) -> Vec<Told> {
        self.seen().iter().filter(|seen| seen.taken).flat_map(told).collect()
    }

    /// Waits for so many requests.
    pub fn wait(&self, count: usize) {
        let began = Instant::now();
        while self.seen().len() < count {
            assert!(began.elapsed() < Duration::from_secs(20), "no {count} requests in time");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let complaints = &lock(&self.state).complaints;
        if !std::thread::panicking() {
            assert!(complaints.is_empty(), "{complaints:#?}");
        }
    }
}

/// A span, easy to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub name: String,
    pub id: String,
    pub trace: String,
    pub parent: Option<String>,
    /// Unix milliseconds.
    pub start: i64,
    pub end: i64,
    /// 0 unset, 1 ok, 2 error.
    pub status: i32,
    pub message: String,
    pub attributes: BTreeMap<String, String>,
    pub resource: BTreeMap<String, String>,
}

impl Told {
    pub fn kind(&self) -> &str {
        &self.attributes["openinference.span.kind"]
    }
}

/// The spans of a request.
pub fn told(seen: &Seen) -> Vec<Told> {
    spans_of(&seen.message)
}

pub fn spans_of(message: &ExportTraceServiceRequest) -> Vec<Told> {
    let mut all = Vec::new();
    for one in &message.resource_spans {
        let resource = one.resource.clone().unwrap_or_default();
        let resource = texts(&resource.attributes);
        let spans = one.scope_spans.iter().flat_map(|scope| &scope.spans);
        all.extend(spans.map(|span| told_of(span, &resource)));
    }
    all
}

fn told_of(span: &Span, resource: &BTreeMap<String, String>) -> Told {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let status = span.status.clone().unwrap_or_default();
    Told {
        name: span.name.clone(),
        id: hex(&span.span_id),
        trace: hex(&span.trace_id),
        parent: Some(hex(&span.parent_span_id)).filter(|id| !id.is_empty()),
        start: (span.start_time_unix_nano / 1_000_000) as i64,
        end: (span.end_time_unix_nano / 1_000_000) as i64,
        status: status.code,
        message: status.message,
        attributes: texts(&span.attributes),
        resource: resource.clone(),
    }
}

fn texts(all: &[opentelemetry_proto::tonic::common::v1::KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Any| match value {
        Any::StringValue(text) => text.clone(),
        Any::IntValue(count) => count.to_string(),
        Any::DoubleValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |one: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        let value = one.value.as_ref().and_then(|value| value.value.as_ref());
        (one.key.clone(), value.map(text).unwrap_or_default())
    };
    all.iter().map(value).collect()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn serve(
    listener: std::net::TcpListener,
    state: Arc<Mutex<State>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let state = Arc::clone(&state);
            async move {
                let reply = take(&state, &method, &uri, &headers, &body);
                match reply {
                    None | Some(Reply::Take) => (StatusCode::OK, ""),
                    Some(Reply::Status(status, text)) => {
                        (StatusCode::from_u16(status).unwrap(), text)
                    }
                    Some(Reply::Hang) => std::future::pending().await,
                }
            }
        };
        let app = axum::Router::new().fallback(handler);
        tokio::select! {
            served = async { axum::serve(listener, app).await } => served.unwrap(),
            _ = stopped => {}
        }
    });
}

const USUAL: [&str; 8] = [
    "host",
    "accept",
    "accept-encoding",
    "user-agent",
    "content-type",
    "content-encoding",
    "content-length",
    "x-project-name",
];

fn take(
    state: &Mutex<State>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Reply> {
    let mut state = lock(state);
    let headers: BTreeMap<String, String> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
        .collect();
    let mut wrong = Vec::new();
    if *method != Method::POST || uri.path() != "/v1/traces" || uri.query().is_some() {
        wrong.push(format!("{method} {uri}"));
    }
    for (name, wanted) in [("content-type", "application/x-protobuf"), ("content-encoding", "gzip")]
    {
        if headers.get(name).map(String::as_str) != Some(wanted) {
            wrong.push(format!("{name}: {:?}", headers.get(name)));
        }
    }
    let known =
        |name: &&String| USUAL.contains(&name.as_str()) || state.agreed.contains(&name.as_str());
    wrong.extend(headers.keys().filter(|name| !known(name)).map(|name| format!("header {name}")));
    let mut plain = Vec::new();
    if let Err(error) = flate2::read::GzDecoder::new(body).read_to_end(&mut plain) {
        wrong.push(format!("gzip: {error}"));
    }
    let message = ExportTraceServiceRequest::decode(plain.as_slice());
    let message = message.map_err(|error| wrong.push(error.to_string())).unwrap_or_default();
    for span in spans_of(&message) {
        if span.trace.len() != 32 || span.id.len() != 16 || span.name.is_empty() {
            wrong.push(format!("{span:?}"));
        }
    }
    state.complaints.extend(wrong);
    let reply = state.replies.pop_front();
    let taken = matches!(reply, None | Some(Reply::Take));
    state.seen.push(Seen { headers, body: plain, message, taken });
    reply
}
