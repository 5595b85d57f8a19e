//! A scripted Arize AX: version 2 of its REST API, in memory, as far as the product calls it.
//!
//! It stands where the vendor's host would and is reached through a project's ordinary `url`. It is
//! dumber than the real thing, and stricter: a call, a query parameter, a field of a body or a filter
//! that it does not know is refused, recorded, and fails the test when the server is dropped. It can be
//! told to fail: to ask for patience, to be unavailable, to cut an answer short, to refuse cursors.

mod calls;
pub mod world;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::oneshot;
use world::World;

/// Reads and writes; and one that only reads.
pub const KEY: &str = "ak-scripted-7f3a9c";
pub const READ_ONLY: &str = "ak-scripted-reader-1b2c";

/// A running server.
pub struct ArizeServer {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
}

/// A call as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub body: Value,
    pub status: u16,
}

/// What happens to a call instead of its answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status, with this many seconds in `Retry-After`.
    Wait(u16, u64),
    /// This status and problem, with a request id.
    Problem(u16, Value),
    /// Half of the answer, then the connection ends.
    Cut,
    /// The answer of a server in between that nobody asked.
    Page(&'static str),
}

struct State {
    world: Mutex<World>,
    faults: Mutex<Vec<Fault>>,
    /// A path, how many of its calls go well before, and what happens then.
    later: Mutex<Option<(&'static str, usize, Fault)>>,
    seen: Mutex<Vec<Seen>>,
    unexpected: Mutex<Vec<String>>,
}

/// How a call is answered.
enum Reply {
    Json(u16, Value),
    /// Nothing but a status.
    Empty(u16),
    /// A status, a title and a detail.
    Problem(u16, &'static str, String),
    /// Why the call is none of those that are known. This fails the test.
    Unknown(String),
}

impl ArizeServer {
    pub fn start(world: World) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            world: Mutex::new(world),
            faults: Mutex::default(),
            later: Mutex::default(),
            seen: Mutex::default(),
            unexpected: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || serve(listener, shared, stopped));
        Self { address, state, stop: Some(stop) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it holds, to be changed.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.state.world)
    }

    /// The next calls end so, one each.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.state.faults).extend(faults);
    }

    /// Of the calls of a path, the one after so many ends so.
    pub fn fail_at(&self, path: &'static str, after: usize, fault: Fault) {
        *lock(&self.state.later) = Some((path, after, fault));
    }

    /// The calls since this was last asked.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *lock(&self.state.seen))
    }

    /// Forgets what it did not know, for tests that mean it.
    pub fn pardon(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.state.unexpected))
    }
}

impl Drop for ArizeServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may already have gone.
            let _ = stop.send(());
        }
        if !std::thread::panicking() {
            let unexpected = self.pardon();
            assert!(unexpected.is_empty(), "the scripted AX was asked: {unexpected:#?}");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that failed while it held the lock must not fail the others.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn serve(listener: std::net::TcpListener, state: Arc<State>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let state = Arc::clone(&state);
            async move { answer(&state, &method, &uri, &headers, &body) }
        };
        let router = axum::Router::new().fallback(handler);
        tokio::select! {
            served = axum::serve(listener, router).into_future() => served.expect("it serves"),
            _ = stopped => {}
        }
    });
    runtime.shutdown_background();
}

fn answer(
    state: &State,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Body> {
    let query = query(uri.query().unwrap_or_default());
    let body = if body.is_empty() { Value::Null } else { parsed(body) };
    let call =
        calls::Call { method: method.as_str(), path: uri.path(), query: &query, body: &body };
    let fault = fault(state, uri.path());
    let reply = match &fault {
        Some(Fault::Wait(status, _)) => Reply::Problem(*status, "Wait", "not now".to_owned()),
        Some(Fault::Problem(status, problem)) => Reply::Json(*status, problem.clone()),
        Some(Fault::Page(text)) => Reply::Json(200, json!(text)),
        Some(Fault::Cut) | None => match key(headers) {
            Some(key) => calls::reply(&mut lock(&state.world), key, &call),
            None => Reply::Problem(401, "Unauthorized", "Invalid API key".to_owned()),
        },
    };
    if let Reply::Unknown(why) = &reply {
        let told = format!("{method} {uri}: {why} {body}");
        lock(&state.unexpected).push(told);
    }
    let response = respond(reply, fault);
    let (path, status) = (uri.path().to_owned(), response.status().as_u16());
    lock(&state.seen).push(Seen { path, query, body, status });
    response
}

/// What happens to a call of this path instead of its answer.
fn fault(state: &State, path: &str) -> Option<Fault> {
    let mut faults = lock(&state.faults);
    if !faults.is_empty() {
        return Some(faults.remove(0));
    }
    let mut later = lock(&state.later);
    match later.as_mut().filter(|(own, ..)| *own == path) {
        Some((_, 0, _)) => later.take().map(|(.., fault)| fault),
        Some((_, left, _)) => {
            *left -= 1;
            None
        }
        None => None,
    }
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

fn key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    [KEY, READ_ONLY].into_iter().find(|key| *key == bearer)
}

fn respond(reply: Reply, fault: Option<Fault>) -> Response<Body> {
    let (status, kind, body) = match reply {
        Reply::Json(status, Value::String(page)) => (status, "text/html", page),
        Reply::Json(status, body) if status >= 400 => {
            (status, "application/problem+json", body.to_string())
        }
        Reply::Json(status, body) => (status, "application/json", body.to_string()),
        Reply::Empty(status) => (status, "application/json", String::new()),
        Reply::Problem(status, title, detail) => problem(status, title, &detail),
        Reply::Unknown(why) => problem(422, "Unprocessable Entity", &why),
    };
    let cut = matches!(fault, Some(Fault::Cut));
    let mut response = Response::new(if cut { half(&body) } else { Body::from(body) });
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind.parse().expect("a header"));
    if let Some(Fault::Wait(_, seconds)) = fault {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn problem(status: u16, title: &str, detail: &str) -> (u16, &'static str, String) {
    let body = json!({"type": "https://arize.com/docs/ax/rest-reference/errors", "title": title,
        "status": status, "detail": detail, "instance": "/v2", "request_id": "req-0001"});
    (status, "application/problem+json", body.to_string())
}

fn half(body: &str) -> Body {
    let half = body.as_bytes()[..body.len() / 2].to_vec();
    let pieces = [Ok(half), Err(std::io::Error::other("cut"))];
    Body::from_stream(futures_util::stream::iter(pieces))
}

fn query(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key), decoded(value))
    };
    pairs.map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two digits"));
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
