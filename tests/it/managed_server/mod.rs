//! A scripted Claude Managed Agents: the vendor's API in memory, as far as anybody here calls it.
//!
//! It was written after the vendor's documentation and client library, and stands where the vendor's
//! host would: it is reached through an ordinary base URL. It is dumber than the real thing, since it
//! plays a [`script`] where that thinks, and stricter: a path, a query parameter or a field of a body
//! that it does not know is refused, recorded, and fails the test when the server is dropped. It can be
//! told to fail: to ask for patience, to take a call and lose the answer, to cut a stream after any
//! byte, to let its stored status lag behind its events, and its files behind both.

mod calls;
mod form;
mod play;
pub mod script;
mod store;
mod streams;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use script::Act;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Store;
use tokio::sync::oneshot;

/// The one key that it takes.
pub const KEY: &str = "sk-ant-scripted-0123456789abcdef";

/// A running server. Dropping it ends it, whatever its connections do.
pub struct Vendor {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
}

/// A call as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `POST /v1/sessions`.
    pub call: String,
    pub query: BTreeMap<String, Vec<String>>,
    pub body: Value,
}

/// What happens to a call instead of its answer, or to its answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status, with headers.
    Status(u16, Vec<(&'static str, &'static str)>),
    /// This status and error code.
    Code(u16, &'static str),
    /// It is taken, and the connection ends without an answer.
    Lose,
    /// It is not taken, and the connection ends without an answer.
    Drop,
    /// It is taken, and a gateway says otherwise.
    Gateway,
}

pub(crate) struct State {
    store: Mutex<Store>,
    faults: Mutex<Vec<(&'static str, Fault)>>,
    seen: Mutex<Vec<Seen>>,
    unexpected: Mutex<Vec<String>>,
    changed: tokio::sync::Notify,
}

impl Vendor {
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            store: Mutex::new(Store::new()),
            faults: Mutex::default(),
            seen: Mutex::default(),
            unexpected: Mutex::default(),
            changed: tokio::sync::Notify::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        std::thread::Builder::new()
            .name("managed-server".to_owned())
            .spawn(move || serve(listener, shared, stopped))
            .expect("a thread");
        Self { address, state, stop: Some(stop) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What sessions do, a list for each message that makes one work, in turn.
    pub fn script(&self, turns: impl IntoIterator<Item = Vec<Act>>) {
        lock(&self.state.store).script.extend(turns);
    }

    /// The next call of this kind (`POST /v1/sessions`, the beginning is enough) goes wrong.
    pub fn fault(&self, call: &'static str, fault: Fault) {
        lock(&self.state.faults).push((call, fault));
    }

    /// The next streams end after so many bytes.
    pub fn cut_streams(&self, after: impl IntoIterator<Item = usize>) {
        lock(&self.state.store).cuts.extend(after);
    }

    /// For so many milliseconds after a session came to rest its stored status says otherwise.
    pub fn late_status(&self, ms: u64) {
        lock(&self.state.store).late_status = ms;
    }

    /// An agent that somebody made; its id.
    pub fn agent(&self, name: &str) -> String {
        let body = json!({ "name": name, "model": "claude-opus-5-5",
            "tools": [{ "type": "agent_toolset_20260401" }] });
        lock(&self.state.store).make_agent(&body)
    }

    /// An environment that somebody made; its id.
    pub fn environment(&self, name: &str) -> String {
        let config = json!({ "type": "cloud", "networking": { "type": "unrestricted" } });
        lock(&self.state.store).make_environment(&json!({ "name": name, "config": config }))
    }

    /// A session that has these events, all but the first of which are told by one stream, up to a byte
    /// of it, and by the history from the second time on.
    pub fn recorded(&self, events: Vec<Value>, cut: usize) -> String {
        lock(&self.state.store).record(events, cut)
    }

    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }

    /// How many calls of this kind there were.
    pub fn count(&self, call: &str) -> usize {
        lock(&self.state.seen).iter().filter(|seen| seen.call == call).count()
    }

    pub fn sessions(&self) -> Vec<Value> {
        lock(&self.state.store).sessions.iter().map(|session| session.about.clone()).collect()
    }

    pub fn events(&self, id: &str) -> Vec<Value> {
        let store = lock(&self.state.store);
        store.session(id).map(|session| session.events.clone()).unwrap_or_default()
    }

    /// Files that are there: names and whether they were sent along.
    pub fn files(&self) -> Vec<String> {
        let store = lock(&self.state.store);
        store
            .files
            .iter()
            .filter_map(|file| file.about["filename"].as_str().map(str::to_owned))
            .collect()
    }

    /// What was uploaded under a name.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        let store = lock(&self.state.store);
        let file = store.files.iter().find(|file| file.about["filename"] == name);
        file.map(|file| file.bytes.clone())
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may already have gone.
            let _ = stop.send(());
        }
        if !std::thread::panicking() {
            let unexpected = std::mem::take(&mut *lock(&self.state.unexpected));
            assert!(unexpected.is_empty(), "calls that nobody knows: {unexpected:#?}");
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: std::net::TcpListener, state: Arc<State>, stopped: oneshot::Receiver<()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let state = Arc::clone(&state);
            async move { answer(&state, &method, &uri, &headers, &body) }
        };
        let router = axum::Router::new()
            .fallback(handler)
            .layer(axum::extract::DefaultBodyLimit::max(256 << 20));
        tokio::select! {
            served = axum::serve(listener, router).into_future() => served.expect("it serves"),
            _ = stopped => {}
        }
    });
    runtime.shutdown_background();
}

/// An answer that is a refusal.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    status: u16,
    kind: &'static str,
    message: String,
    code: Option<&'static str>,
}

impl Refused {
    fn new(status: u16, message: impl Into<String>) -> Self {
        let kind = match status {
            400 | 409 => "invalid_request_error",
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            _ => "api_error",
        };
        Self { status, kind, message: message.into(), code: None }
    }

    fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    fn body(&self) -> Value {
        let mut error = json!({ "type": self.kind, "message": self.message });
        if let Some(code) = self.code {
            error["details"] = json!({ "error_code": code });
        }
        json!({ "type": "error", "error": error, "request_id": "req_scripted" })
    }
}

/// A call that is being answered.
pub(crate) struct Asked<'a> {
    state: &'a Arc<State>,
    query: BTreeMap<String, Vec<String>>,
    headers: &'a HeaderMap,
    body: &'a Bytes,
}

fn answer(
    state: &Arc<State>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<Body> {
    let call = format!("{method} {}", uri.path());
    let query = query(uri.query().unwrap_or_default());
    let told = serde_json::from_slice(body).unwrap_or(Value::Null);
    lock(&state.seen).push(Seen { call: call.clone(), query: query.clone(), body: told });
    let fault = {
        let mut faults = lock(&state.faults);
        let at = faults.iter().position(|(of, _)| call.starts_with(of));
        at.map(|at| faults.remove(at).1)
    };
    match &fault {
        Some(Fault::Status(status, headers)) => {
            let refused = Refused::new(*status, "as the script has it");
            return reply(*status, &refused.body(), headers);
        }
        Some(Fault::Code(status, code)) => {
            let refused = Refused::new(*status, "as the script has it").code(code);
            return reply(*status, &refused.body(), &[]);
        }
        Some(Fault::Drop) => return lost(),
        Some(Fault::Lose | Fault::Gateway) | None => {}
    }
    let asked = Asked { state, query, headers, body };
    let answered = calls::answer(&asked, method, uri.path());
    match (fault, answered) {
        (Some(Fault::Lose), _) => lost(),
        (Some(Fault::Gateway), _) => reply(502, &Refused::new(502, "bad gateway").body(), &[]),
        (_, Ok(response)) => response,
        (_, Err(refused)) => reply(refused.status, &refused.body(), &[]),
    }
}

/// The connection ends in the middle of an answer.
fn lost() -> Response<Body> {
    let lost = futures_util::stream::iter([
        Ok(Bytes::from_static(b"{")),
        Err(std::io::Error::other("the connection ends")),
    ]);
    Response::builder().status(200).body(Body::from_stream(lost)).expect("a response")
}

fn reply(status: u16, body: &Value, headers: &[(&str, &str)]) -> Response<Body> {
    let mut builder = Response::builder()
        .status(StatusCode::from_u16(status).expect("a status"))
        .header("content-type", "application/json")
        .header("request-id", "req_scripted");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::from(body.to_string())).expect("a response")
}

fn query(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        query.entry(decoded(name)).or_default().push(decoded(value));
    }
    query
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What scripts are taken from.
pub(crate) type Script = VecDeque<Vec<Act>>;
