//! What tests against a real Phoenix stand on: spans that are sent to it as applications send them, a
//! plain client that asks it directly, and a proxy that counts requests and spoils answers.

use crate::support::Home;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;

/// Unix milliseconds.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// A name that no other test and no earlier run uses.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{:x}-{}-{next}", now(), std::process::id())
}

/// Ids of spans and sessions are unique at a server, which outlives a run of the tests.
fn salt() -> u64 {
    static SALT: OnceLock<u64> = OnceLock::new();
    *SALT.get_or_init(|| (now() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0xff_ffff)
}

/// The id of a session of [`agent`].
pub fn session(seed: u64, n: u64) -> String {
    format!("s-{:x}-{seed}-{n}", salt() >> 24)
}

/// A span to send. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct Sent {
    pub trace: u128,
    pub span: u64,
    pub parent: Option<u64>,
    pub name: String,
    pub start: i64,
    pub lasts: i64,
    pub failed: bool,
    pub attributes: Vec<(String, Any)>,
}

pub fn text(value: &str) -> Any {
    Any::StringValue(value.to_owned())
}

impl Sent {
    /// Of ids below 2^24, which are made those of this run alone.
    pub fn new(trace: u64, span: u64, parent: Option<u64>, start: i64) -> Self {
        let own = |id: u64| id | salt();
        let (trace, span, parent) = (u128::from(own(trace)) << 64 | 1, own(span), parent.map(own));
        let name = format!("step {span:x}");
        Self { trace, span, parent, name, start, lasts: 100, failed: false, attributes: vec![] }
    }

    fn message(&self) -> otlp::Span {
        let us = |ms: i64| (ms * 1_000_000 + 7_000) as u64;
        let attributes = |all: &[(String, Any)]| {
            let pair = |(key, value): &(String, Any)| KeyValue {
                key: key.clone(),
                value: Some(AnyValue { value: Some(value.clone()) }),
                ..Default::default()
            };
            all.iter().map(pair).collect::<Vec<_>>()
        };
        let raised = otlp::span::Event {
            time_unix_nano: us(self.start + self.lasts),
            name: "exception".to_owned(),
            attributes: attributes(&[
                ("exception.type".to_owned(), text("TimeoutError")),
                ("exception.message".to_owned(), text("the tool took too long")),
            ]),
            ..Default::default()
        };
        let (code, message) = if self.failed { (2, "it broke") } else { (1, "") };
        otlp::Span {
            trace_id: self.trace.to_be_bytes().to_vec(),
            span_id: self.span.to_be_bytes().to_vec(),
            parent_span_id: self.parent.map(|id| id.to_be_bytes().to_vec()).unwrap_or_default(),
            name: self.name.clone(),
            start_time_unix_nano: us(self.start),
            end_time_unix_nano: us(self.start + self.lasts),
            attributes: attributes(&self.attributes),
            events: if self.failed { vec![raised] } else { vec![] },
            status: Some(otlp::Status { message: message.to_owned(), code }),
            ..Default::default()
        }
    }
}

/// So many traces of an agent, the first of which starts then: five spans each, some failing, with
/// sessions, tokens, messages in two vocabularies and values of every type.
pub fn agent(seed: u64, traces: u64, from: i64, apart: i64) -> Vec<Sent> {
    (0..traces).flat_map(|n| agent_trace(seed, n, from + n as i64 * apart)).collect()
}

fn agent_trace(seed: u64, n: u64, start: i64) -> Vec<Sent> {
    let id = |k: u64| (seed << 16) + n * 8 + k;
    let mut spans: Vec<_> = (0..5)
        .map(|k| {
            let parent = (k > 0).then(|| id(if k == 4 { 2 } else { 1 }));
            Sent::new(id(0), id(k + 1), parent, start + k as i64 * 50)
        })
        .collect();
    let mut put = |at: usize, key: &str, value: Any| {
        spans[at].attributes.push((key.to_owned(), value));
    };
    for (at, kind) in ["AGENT", "LLM", "TOOL", "RETRIEVER", "LLM"].into_iter().enumerate() {
        put(at, "openinference.span.kind", text(kind));
        put(at, "session.id", text(&session(seed, n / 3)));
    }
    put(0, "input.value", text(&format!("Where is order {n}? Grüße, 世界 \u{1f680}")));
    put(0, "metadata", text("{\"release\":\"2026.45\",\"deep\":{\"a\":[1,2]}}"));
    let tags = ["prod", "eu"].map(|tag| AnyValue { value: Some(text(tag)) }).to_vec();
    put(0, "tag.tags", Any::ArrayValue(ArrayValue { values: tags }));
    put(1, "llm.model_name", text("large-2"));
    put(1, "llm.token_count.prompt", Any::IntValue(100 + n as i64));
    put(1, "llm.token_count.completion", Any::IntValue(20));
    put(1, "llm.token_count.total", Any::IntValue(120 + n as i64));
    put(1, "llm.input_messages.0.message.role", text("user"));
    put(1, "llm.input_messages.0.message.content", text("hello"));
    put(2, "tool.name", text("lookup_order"));
    put(2, "retries", Any::IntValue(i64::MAX - n as i64));
    put(3, "retrieval.documents.0.document.content", text("Signed copies are excluded."));
    put(3, "retrieval.documents.0.document.score", Any::DoubleValue(0.1 + n as f64 / 3.0));
    put(4, "gen_ai.request.model", text("small-1"));
    put(4, "cached", Any::BoolValue(n.is_multiple_of(2)));
    spans[0].lasts = 400 + (n as i64 * 37) % 900;
    spans[2].failed = n.is_multiple_of(7);
    spans
}

/// One answer: its status and body.
pub fn ask(
    method: &str,
    url: &str,
    key: Option<&str>,
    body: Option<(&str, &[u8])>,
) -> (u16, String) {
    let (status, _, body) = asked(method, url, key, body);
    (status, body)
}

/// As [`ask`], with the head of the answer. HTTP 1.0, so that the answer ends with the connection.
pub fn asked(
    method: &str,
    url: &str,
    key: Option<&str>,
    body: Option<(&str, &[u8])>,
) -> (u16, String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).unwrap();
    let mut head = format!("{method} /{path} HTTP/1.0\r\nhost: {host}\r\n");
    if let Some(key) = key {
        head.push_str(&format!("authorization: Bearer {key}\r\n"));
    }
    let (kind, bytes) = body.unwrap_or(("text/plain", b""));
    head.push_str(&format!("content-type: {kind}\r\ncontent-length: {}\r\n\r\n", bytes.len()));
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_owned(), body.to_owned())
}

/// A project at a server, asked directly.
#[derive(Clone)]
pub struct Direct {
    pub url: String,
    pub project: String,
    pub key: Option<String>,
}

impl Direct {
    pub fn new(url: &str, project: &str) -> Self {
        Self { url: url.to_owned(), project: project.to_owned(), key: None }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = ask("GET", &format!("{}{path}", self.url), self.key.as_deref(), None);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let text = body.to_string();
        let body = Some(("application/json", text.as_bytes()));
        let (status, body) = ask("POST", &format!("{}{path}", self.url), self.key.as_deref(), body);
        assert!((200..300).contains(&status), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }

    /// The id of the project, found by its name among all.
    pub fn id(&self) -> String {
        self.known().expect("the project")
    }

    fn known(&self) -> Option<String> {
        let all = self.get("/v1/projects?limit=10000");
        let found = all["data"].as_array().unwrap().iter().find(|own| own["name"] == *self.project);
        Some(found?["id"].as_str().unwrap().to_owned())
    }

    /// All pages of a list of the project.
    pub fn all(&self, list: &str) -> Vec<Value> {
        let place = format!("/v1/projects/{}/{list}", self.id());
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{place}{cursor}"));
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// Sends spans over OTLP, in pieces, in this order, and waits until all are stored.
    pub fn send(&self, spans: &[Sent]) {
        let before = self.stored();
        for piece in spans.chunks(500) {
            let project = KeyValue {
                key: "openinference.project.name".to_owned(),
                value: Some(AnyValue { value: Some(text(&self.project)) }),
                ..Default::default()
            };
            let request = ExportTraceServiceRequest {
                resource_spans: vec![otlp::ResourceSpans {
                    resource: Some(Resource { attributes: vec![project], ..Default::default() }),
                    scope_spans: vec![otlp::ScopeSpans {
                        spans: piece.iter().map(Sent::message).collect(),
                        ..Default::default()
                    }],
                    ..Default::default()
                }],
            };
            let bytes = request.encode_to_vec();
            let body = Some(("application/x-protobuf", bytes.as_slice()));
            let url = format!("{}/v1/traces", self.url);
            let (status, said) = ask("POST", &url, self.key.as_deref(), body);
            assert_eq!(status, 200, "{said}");
        }
        let until = Instant::now() + Duration::from_secs(90);
        while !self.has(&spans[spans.len() - 1]) || self.stored() < before + spans.len() {
            assert!(Instant::now() < until, "{} of {}", self.stored() - before, spans.len());
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Cheaper than to count all, which would keep the server from storing more.
    fn has(&self, span: &Sent) -> bool {
        let url = format!(
            "{}/v1/projects/{}/spans?limit=1&span_id={:016x}",
            self.url,
            self.known().unwrap_or_default(),
            span.span
        );
        let (_, body) = ask("GET", &url, self.key.as_deref(), None);
        body.contains("\"span_id\"")
    }

    fn stored(&self) -> usize {
        if self.known().is_some() { self.all("spans?limit=1000").len() } else { 0 }
    }

    /// Stores annotations of `span`, `trace` or `session`, at once.
    pub fn annotate(&self, kind: &str, data: &[Value]) {
        self.post(&format!("/v1/{kind}_annotations?sync=true"), &json!({ "data": data }));
    }
}

impl Home {
    /// Names a project of a Phoenix server; `more` is more of its settings.
    pub fn phoenix(&self, name: &str, url: &str, project: &str, more: &str) {
        let path = self.config().join("config.toml");
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        text.push_str(&format!(
            "[projects.{name}]\nsource = \"phoenix\"\nurl = \"{url}\"\nproject = \"{project}\"\n{more}\n"
        ));
        std::fs::write(path, text).unwrap();
    }
}

/// What a proxy does with a request.
pub enum Act {
    Pass,
    /// Hands over so many bytes of the answer, and hangs up.
    Cut(usize),
    /// Answers itself: everything after `HTTP/1.1 `.
    Say(String),
}

type Decide = dyn Fn(usize, &str) -> Act + Send + Sync;

/// Stands before a server, one request a connection, and keeps what was asked.
pub struct Proxy {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// `decide` is given the number of the request, from 0, and its first line.
    pub fn before(url: &str, decide: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let server = url.strip_prefix("http://").unwrap().to_owned();
        let (ours, decide) = (Arc::clone(&asked), Arc::<Box<Decide>>::new(Box::new(decide)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, asked, decide) =
                    (server.clone(), Arc::clone(&ours), Arc::clone(&decide));
                std::thread::spawn(move || {
                    let _ = serve(stream.unwrap(), &server, &asked, &**decide);
                });
            }
        });
        Self { url: format!("http://{address}"), asked }
    }

    /// What was asked since the last time, as `GET /path`.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn serve(
    mut client: TcpStream,
    server: &str,
    asked: &Mutex<Vec<String>>,
    decide: &Decide,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let number = {
        let mut asked = asked.lock().unwrap();
        asked.push(line.clone());
        asked.len() - 1
    };
    let most = match decide(number, &line) {
        Act::Say(answer) => {
            client.write_all(format!("HTTP/1.1 {answer}").as_bytes())?;
            return client.shutdown(Shutdown::Both);
        }
        Act::Pass => usize::MAX,
        Act::Cut(most) => most,
    };
    let mut upstream = TcpStream::connect(server)?;
    let ended = head.trim_end().to_owned() + "\r\nconnection: close\r\n\r\n";
    upstream.write_all(ended.as_bytes())?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    client.write_all(&answer[..answer.len().min(most)])?;
    client.shutdown(Shutdown::Both)
}

/// Every row of every table of a snapshot, as text; without where it says it came from.
pub fn rows(path: &std::path::Path) -> BTreeMap<String, Vec<String>> {
    let database = rusqlite::Connection::open(path).unwrap();
    // The tables that a virtual one is made of are compared in its place.
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'";
    let mut names = database.prepare(sql).unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap();
    names.map(|name| table(&database, name.unwrap())).collect()
}

fn table(database: &rusqlite::Connection, name: String) -> (String, Vec<String>) {
    let own = if name == "header" { " WHERE key NOT IN ('source', 'project')" } else { "" };
    let mut statement = database.prepare(&format!("SELECT * FROM \"{name}\"{own}")).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row| -> rusqlite::Result<String> {
        (0..columns).map(|at| Ok(format!("{:?}|", row.get_ref(at)?))).collect()
    };
    let rows = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
    (name, rows)
}
