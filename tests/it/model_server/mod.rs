//! A scripted model server: what real agent programs talk to in tests, demos and benches.
//!
//! It speaks Anthropic Messages, OpenAI Responses, OpenAI Chat Completions and Gemini
//! generateContent, streaming and whole, and stands where the vendor's API would: it is reached
//! through an ordinary base URL. It is dumber than the real thing. It thinks nothing, checks no
//! key and no history; it answers the n-th request of a lane with the n-th step of its script.
//!
//! A lane keeps parallel tests apart: the path prefix `/s/NAME` picks it, else a key that is the
//! lane's name, else it is the lane `default`. A request that offers no tools is a side request
//! (a title, a route) and uses up no step. A request that is not known, or one too many, is
//! recorded as unexpected and fails the test when its [`Lane`] is dropped.

mod anthropic;
mod chat;
mod gemini;
mod responses;
pub mod script;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use script::{Part, SIDE_ANSWER, Step};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Error, Result as IoResult};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A running server. Dropping it ends it, whatever its connections do.
pub struct ModelServer {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
}

/// One test's share of a server.
pub struct Lane {
    name: String,
    address: SocketAddr,
    state: Arc<State>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub lane: String,
    pub method: String,
    /// Without the lane's prefix.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    /// JSON where it was JSON, else text.
    pub body: Value,
    pub answer: Answer,
}

/// How a request was taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// With this step of the script, counted from 0.
    Step(usize),
    /// It offered no tools.
    Side,
    /// A list of models, a count of tokens and the like.
    Known,
    /// Why it was refused. This fails the test.
    Unexpected(String),
}

/// Which step a request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Each request the next one.
    Arrival,
    /// The one after as many as the request's history holds answers, so that any number of
    /// sessions can share a lane. A step that leaves no answer in the history repeats for ever.
    History,
}

#[derive(Default)]
struct State {
    lanes: Mutex<BTreeMap<String, Script>>,
    seen: Mutex<Vec<Seen>>,
}

struct Script {
    steps: Vec<Step>,
    order: Order,
    next: usize,
    next_id: u64,
}

impl ModelServer {
    /// Listens on all addresses, so that containers reach it by their gateway's. Port 0 is any.
    pub fn start(port: u16) -> IoResult<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        std::thread::Builder::new().name("model-server".to_owned()).spawn(move || {
            let served = serve(listener, shared, stopped);
            assert!(served.is_ok(), "the model server failed: {served:?}");
        })?;
        Ok(Self { address, state, stop: Some(stop) })
    }

    /// The one that the tests of a program share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ModelServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(0).expect("a port is free"))
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Opens a lane. A name that is taken starts again.
    pub fn lane(&self, name: &str, steps: Vec<Step>) -> Lane {
        self.lane_in(name, steps, Order::Arrival)
    }

    pub fn lane_in(&self, name: &str, steps: Vec<Step>, order: Order) -> Lane {
        let script = Script { steps, order, next: 0, next_id: 0 };
        lock(&self.state.lanes).insert(name.to_owned(), script);
        Lane { name: name.to_owned(), address: self.address, state: Arc::clone(&self.state) }
    }

    /// Everything that came, of all lanes.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may already have gone.
            let _ = stop.send(());
        }
    }
}

impl Lane {
    /// The base URL as seen from `host`'s side: `127.0.0.1`, or a container's gateway.
    pub fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/s/{}", self.address.port(), self.name)
    }

    /// Adds to the script.
    pub fn then(&self, steps: Vec<Step>) {
        if let Some(script) = lock(&self.state.lanes).get_mut(&self.name) {
            script.steps.extend(steps);
        }
    }

    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).iter().filter(|seen| seen.lane == self.name).cloned().collect()
    }

    /// The requests that used up a step.
    pub fn asked(&self) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.retain(|seen| matches!(seen.answer, Answer::Step(_)));
        seen
    }

    pub fn unexpected(&self) -> Vec<String> {
        let told = |seen: Seen| match seen.answer {
            Answer::Unexpected(why) => Some(format!("{} {}: {why}", seen.method, seen.path)),
            Answer::Step(_) | Answer::Side | Answer::Known => None,
        };
        self.seen().into_iter().filter_map(told).collect()
    }

    /// Forgets the unexpected requests, for tests that mean them.
    pub fn pardon(&self) {
        lock(&self.state.seen)
            .retain(|seen| seen.lane != self.name || !matches!(seen.answer, Answer::Unexpected(_)));
    }

    /// Waits until so many requests have used up a step. False when it took too long.
    pub fn wait_asked(&self, count: usize, within: Duration) -> bool {
        let start = Instant::now();
        while self.asked().len() < count {
            if start.elapsed() > within {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let unexpected = self.unexpected();
            assert!(unexpected.is_empty(), "lane `{}`: {unexpected:#?}", self.name);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that failed while it held the lock must not fail the others.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn serve(
    listener: std::net::TcpListener,
    state: Arc<State>,
    stopped: oneshot::Receiver<()>,
) -> IoResult<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let state = Arc::clone(&state);
            async move { answer(&state, &method, &uri, &headers, &body).await }
        };
        let router = axum::Router::new()
            .fallback(handler)
            .layer(axum::extract::DefaultBodyLimit::max(256 << 20));
        tokio::select! {
            served = axum::serve(listener, router).into_future() => served,
            _ = stopped => Ok(()),
        }
    })?;
    runtime.shutdown_background();
    Ok(())
}

/// What a request for an answer says of itself.
pub struct Asked {
    api: Api,
    model: String,
    stream: bool,
    tools: Vec<String>,
    /// How many answers its history holds.
    history: usize,
    /// Counts the answers, for ids that do not repeat.
    number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    Messages,
    Responses,
    Chat,
    Gemini,
}

/// What to do with a request, once it is known.
enum Reply {
    Json(StatusCode, Value),
    Step(Box<Asked>, Step, Vec<Part>),
}

async fn answer(
    state: &State,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Body> {
    let (lane, path) = lane(uri.path(), headers);
    let json = serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()));
    let (answer, reply) = judge(state, &lane, (method, &path), headers, &json);
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    lock(&state.seen).push(Seen {
        lane,
        method: method.to_string(),
        path,
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: json,
        answer,
    });
    match reply {
        Reply::Json(code, body) => whole(code, &body, &BTreeMap::new()),
        Reply::Step(asked, step, parts) => perform(&asked, step, &parts).await,
    }
}

/// The lane, and the path without it.
fn lane(path: &str, headers: &HeaderMap) -> (String, String) {
    if let Some(rest) = path.strip_prefix("/s/") {
        let (lane, rest) = rest.split_once('/').unwrap_or((rest, ""));
        return (lane.to_owned(), format!("/{rest}"));
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let key = header("x-api-key")
        .or_else(|| header("x-goog-api-key"))
        .or_else(|| header("authorization").map(|value| value.trim_start_matches("Bearer ")));
    (key.unwrap_or("default").to_owned(), path.to_owned())
}

fn judge(
    state: &State,
    lane: &str,
    (method, path): (&Method, &str),
    headers: &HeaderMap,
    body: &Value,
) -> (Answer, Reply) {
    if let Some(reply) = known(method, path, headers) {
        return (Answer::Known, reply);
    }
    let refuse = |why: String| {
        let body = json!({"error": {"type": "invalid_request_error", "message": why}});
        (Answer::Unexpected(why), Reply::Json(StatusCode::BAD_REQUEST, body))
    };
    let Some(mut asked) = read(path, body).filter(|_| method == Method::POST) else {
        return refuse("not a call this server knows".to_owned());
    };
    let mut lanes = lock(&state.lanes);
    let Some(script) = lanes.get_mut(lane) else {
        return refuse(format!("there is no lane `{lane}`"));
    };
    if asked.tools.is_empty() {
        let step = Step::Say(SIDE_ANSWER.to_owned());
        let parts = vec![Part::Text(SIDE_ANSWER.to_owned())];
        return (Answer::Side, Reply::Step(Box::new(asked), step, parts));
    }
    let at = match script.order {
        Order::Arrival => script.next,
        Order::History => asked.history,
    };
    let (at, step) = match script.steps.get(at).or(script.steps.last()) {
        Some(Step::Always(step)) => (at.min(script.steps.len() - 1), (**step).clone()),
        Some(step) if at < script.steps.len() => (at, step.clone()),
        _ => return refuse(format!("the script has {} steps, no more", script.steps.len())),
    };
    let mut inner = &step;
    while let Step::After { then, .. } = inner {
        inner = then;
    }
    let parts = match inner {
        Step::Status { .. } | Step::Hang | Step::Cut => Vec::new(),
        step => match script::parts(step, &asked.tools, &mut script.next_id) {
            Ok(parts) => parts,
            Err(why) => return refuse(why),
        },
    };
    script.next = at + 1;
    script.next_id += 1;
    asked.number = script.next_id;
    (Answer::Step(at), Reply::Step(Box::new(asked), step, parts))
}

/// Calls that have one answer, whatever the script.
fn known(method: &Method, path: &str, headers: &HeaderMap) -> Option<Reply> {
    let ok = |body| Some(Reply::Json(StatusCode::OK, body));
    if headers.contains_key(header::UPGRADE) {
        // Codex tries a WebSocket first; this answer sends it to HTTP at once.
        return Some(Reply::Json(StatusCode::UPGRADE_REQUIRED, json!({})));
    }
    if method == Method::HEAD {
        return ok(json!({}));
    }
    if method == Method::GET && path.ends_with("/models") {
        let list = json!([{"id": "scripted", "object": "model", "type": "model",
                           "display_name": "Scripted", "created_at": "2026-01-01T00:00:00Z"}]);
        return ok(json!({"object": "list", "data": list, "models": [], "has_more": false}));
    }
    if method == Method::POST && path.ends_with("/messages/count_tokens") {
        return ok(json!({"input_tokens": script::INPUT_TOKENS}));
    }
    if method == Method::POST && path.ends_with(":countTokens") {
        return ok(json!({"totalTokens": script::INPUT_TOKENS}));
    }
    None
}

/// Reads a request for an answer. `None` where it is none.
fn read(path: &str, body: &Value) -> Option<Asked> {
    let stream = body["stream"].as_bool().unwrap_or(false);
    let model = body["model"].as_str().unwrap_or("scripted").to_owned();
    let (api, model, stream, tools, history) = if path.ends_with("/messages") {
        (Api::Messages, model, stream, anthropic::tools(body), &body["messages"])
    } else if path.ends_with("/responses") {
        (Api::Responses, model, stream, responses::tools(body), &body["input"])
    } else if path.ends_with("/chat/completions") {
        (Api::Chat, model, stream, chat::tools(body), &body["messages"])
    } else if let Some((rest, verb)) = path.split_once(':') {
        let model = rest.rsplit('/').next().unwrap_or_default().to_owned();
        let stream = match verb {
            "streamGenerateContent" => true,
            "generateContent" => false,
            _ => return None,
        };
        (Api::Gemini, model, stream, gemini::tools(body), &body["contents"])
    } else {
        return None;
    };
    Some(Asked { api, model, stream, tools, history: answers(history), number: 0 })
}

/// How many answers a history holds: its unbroken runs of the model's own items.
fn answers(history: &Value) -> usize {
    let own = |item: &Value| match (item["role"].as_str(), item["type"].as_str()) {
        (Some(role), _) => role == "assistant" || role == "model",
        (None, Some(kind)) => matches!(kind, "function_call" | "custom_tool_call" | "reasoning"),
        (None, None) => false,
    };
    let mut count = 0;
    let mut inside = false;
    for item in history.as_array().into_iter().flatten() {
        let own = own(item);
        count += usize::from(own && !inside);
        inside = own;
    }
    count
}

async fn perform(asked: &Asked, step: Step, parts: &[Part]) -> Response<Body> {
    let mut step = step;
    while let Step::After { ms, then } = step {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        step = *then;
    }
    if let Step::Status { code, body, headers } = step {
        let body = body.unwrap_or_else(|| match asked.api {
            Api::Messages => anthropic::error(code),
            Api::Responses | Api::Chat => responses::error(code),
            Api::Gemini => gemini::error(code),
        });
        let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return whole(code, &body, &headers);
    }
    let end = match step {
        Step::Hang => End::Never,
        Step::Cut => End::Cut,
        _ => End::Whole,
    };
    if !asked.stream && end == End::Whole {
        let body = match asked.api {
            Api::Messages => anthropic::document(asked, parts),
            Api::Responses => responses::document(asked, parts),
            Api::Chat => chat::document(asked, parts),
            Api::Gemini => gemini::document(asked, parts),
        };
        return whole(StatusCode::OK, &body, &BTreeMap::new());
    }
    let mut events = match asked.api {
        Api::Messages => anthropic::events(asked, parts),
        Api::Responses => responses::events(asked, parts),
        Api::Chat => chat::events(asked, parts),
        Api::Gemini => gemini::events(asked, parts),
    };
    if end != End::Whole {
        events.truncate(1);
    }
    stream(events, end)
}

/// How a streamed answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Never,
    Cut,
}

fn stream(events: Vec<String>, end: End) -> Response<Body> {
    use futures_util::StreamExt as _;
    let events = futures_util::stream::iter(events.into_iter().map(Ok));
    let tail = async move {
        match end {
            End::Whole => None,
            End::Never => std::future::pending().await,
            End::Cut => {
                // Without the pause the events and the cut would be one.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some(Err(Error::other("cut")))
            }
        }
    };
    let tail = futures_util::stream::once(tail).filter_map(std::future::ready);
    let mut response = Response::new(Body::from_stream(events.chain(tail)));
    let kind = header::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn whole(code: StatusCode, body: &Value, headers: &BTreeMap<String, String>) -> Response<Body> {
    let mut response = Response::builder()
        .status(code)
        .header(header::CONTENT_TYPE, "application/json")
        .header("request-id", "req_scripted");
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body.to_string())).expect("a script's headers are headers")
}

/// A server-sent event that is called after its own `type`.
fn typed_event(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
}

fn names<'a>(
    tools: Option<&'a Vec<Value>>,
    name: impl Fn(&'a Value) -> Option<&'a str>,
) -> Vec<String> {
    tools.into_iter().flatten().filter_map(name).map(str::to_owned).collect()
}
