//! One HTTP client for all who ask something of a server.
//!
//! What it keeps to: certificates are checked, against the user's bundle too where there is one; a
//! redirection is followed only to the same origin, so that no key follows one elsewhere; bodies are
//! bounded; what may be repeated is tried again after a lost connection, 429, 502, 503 and 504, with
//! the pause that the server asks for. A failure names the address without its query, and never a
//! header. An answer of any other status is an [`Answer`]: what it means is for the asker to say.

use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::retry::Patience;
use futures_util::StreamExt as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use std::path::Path;
use std::time::Duration;

pub use reqwest::Method;

const CONNECT: Duration = Duration::from_secs(10);
/// The longest silence in the middle of an answer.
const SILENCE: Duration = Duration::from_mins(2);
/// The largest answer that is taken.
const MAX_BODY: u64 = 512 << 20;
const MAX_REDIRECTS: usize = 5;

pub struct Client {
    inner: reqwest::Client,
    /// Only ever absent while it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
    patience: Patience,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub url: String,
    headers: Vec<(String, String)>,
    body: Option<(&'static str, Vec<u8>)>,
    /// Whether asking twice does no harm.
    repeatable: bool,
    /// How long one try may take.
    within: Option<Duration>,
}

impl Request {
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// Anything but a GET is not tried again unless [`Request::repeatable`] says so.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        let repeatable = method == Method::GET;
        Self { method, url: url.into(), headers: Vec::new(), body: None, repeatable, within: None }
    }

    /// A header, whose value may be a secret: it is in no message.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub fn body(mut self, content_type: &'static str, bytes: Vec<u8>) -> Self {
        self.body = Some((content_type, bytes));
        self
    }

    #[must_use]
    pub fn json(self, value: &serde_json::Value) -> Self {
        self.body("application/json", value.to_string().into_bytes())
    }

    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Each try is given up after so long.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }
}

/// What a server said, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .cannot(Kind::Network, || "understand what the server answered".to_owned())
    }

    /// The beginning of what it said, on one line: for a message.
    pub fn said(&self) -> String {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(2_000)]).into_owned();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        text.chars().take(300).collect()
    }
}

impl Client {
    /// `ca_bundle` holds certificates to trust besides the machine's own.
    pub fn new(ca_bundle: Option<&Path>) -> Result<Self> {
        let doing = || "prepare a connection".to_owned();
        let inner = builder(ca_bundle)?
            .redirect(same_origin_only())
            .build()
            .cannot(Kind::Network, doing)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .cannot(Kind::Bug, doing)?;
        Ok(Self { inner, runtime: Some(runtime), patience: Patience::USUAL })
    }

    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Asks, again where that may help. `Err` is a server that cannot be reached.
    pub fn send(&self, request: &Request) -> Result<Answer> {
        let patience = if request.repeatable { self.patience } else { Patience::NONE };
        let mut tried = 0;
        loop {
            tried += 1;
            let Some(runtime) = &self.runtime else {
                return Err(Failure::new(Kind::Bug, "nothing is left to ask with"));
            };
            let answer = runtime.block_on(self.once(request));
            let (again, asked) = match &answer {
                Ok(answer) => (passing(answer.status), retry_after(answer)),
                Err(Trouble::Passing(_)) => (true, None),
                Err(Trouble::Lasting(_)) => (false, None),
            };
            if !again || !patience.wait(tried, asked) {
                return answer.map_err(Trouble::failure);
            }
        }
    }

    async fn once(&self, request: &Request) -> Result<Answer, Trouble> {
        let place = shown(&request.url);
        let lost = |error: reqwest::Error| {
            let lasting = error.is_builder() || error.is_redirect();
            let failed = failure(error.without_url(), &place);
            if lasting { Trouble::Lasting(failed) } else { Trouble::Passing(failed) }
        };
        let mut sent = self.inner.request(request.method.clone(), &request.url);
        for (name, value) in &request.headers {
            sent = sent.header(header_name(name)?, header_value(name, value)?);
        }
        if let Some(time) = request.within {
            sent = sent.timeout(time);
        }
        if let Some((content_type, bytes)) = &request.body {
            sent = sent.header(CONTENT_TYPE, *content_type).body(bytes.clone());
        }
        let response = sent.send().await.map_err(lost)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(piece) = stream.next().await {
            body.extend_from_slice(&piece.map_err(lost)?);
            if body.len() as u64 > MAX_BODY {
                let failed = Failure::new(Kind::Network, format!("cannot read `{place}`"));
                let why = format!("the answer is larger than {} MiB", MAX_BODY >> 20);
                return Err(Trouble::Lasting(failed.because(why)));
            }
        }
        Ok(Answer { status, headers, body })
    }
}

/// A name that is still being looked up holds up nobody.
impl Drop for Client {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The rule about redirections, for those who have a client of their own.
pub fn same_origin_only() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(same_origin)
}

/// A client that trusts the bundle too, with time-outs, for those who need one of their own.
pub fn builder(ca_bundle: Option<&Path>) -> Result<reqwest::ClientBuilder> {
    // Fails only where one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE);
    if let Some(path) = ca_bundle {
        let doing = || format!("read the certificates in `{}`", path.display());
        let text = std::fs::read(path).cannot(Kind::Config, doing)?;
        let certificates =
            reqwest::Certificate::from_pem_bundle(&text).cannot(Kind::Config, doing)?;
        builder = builder.tls_certs_merge(certificates);
    }
    Ok(builder)
}

/// An address as it may be shown: without a user's name and password, and without its query.
pub fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let host = rest.split('/').next().unwrap_or(rest);
    match host.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://{}", &rest[user.len() + 1..]),
        None => url.to_owned(),
    }
}

/// A path's segment or a query's value, percent-encoded.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Whether it is worth another try.
enum Trouble {
    Passing(Failure),
    Lasting(Failure),
}

impl Trouble {
    fn failure(self) -> Failure {
        match self {
            Self::Passing(failure) | Self::Lasting(failure) => failure,
        }
    }
}

fn failure(error: reqwest::Error, place: &str) -> Failure {
    let failed = Err::<(), _>(error).cannot(Kind::Network, || format!("reach `{place}`"));
    failed.err().unwrap_or_else(|| Failure::new(Kind::Bug, "no error"))
}

fn header_name(name: &str) -> Result<HeaderName, Trouble> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        Trouble::Lasting(Failure::new(Kind::Bug, format!("`{name}` is no name of a header")))
    })
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, Trouble> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Trouble::Lasting(
            Failure::new(Kind::Credential, format!("the value for the header `{name}` is none"))
                .because("it holds characters that a header cannot carry"),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn same_origin(attempt: reqwest::redirect::Attempt) -> reqwest::redirect::Action {
    let origin = attempt.previous().first().map(reqwest::Url::origin);
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("too many redirections");
    }
    if origin == Some(attempt.url().origin()) {
        return attempt.follow();
    }
    attempt.error("the server redirects elsewhere, which is not followed")
}

fn passing(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// In seconds; a date would need a clock, and is waited for as any other failure.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let value = answer.headers.get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// A server that gives these answers, one a connection, and hands back what it was asked.
    fn server(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap();
                asked.push(String::from_utf8_lossy(&request[..read]).into_owned());
                stream.write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (url, thread)
    }

    fn answer(status: &str, more: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n{body}"
        )
    }

    fn client() -> Client {
        let short = Duration::from_millis(5);
        Client::new(None).unwrap().patience(Patience { tries: 3, first: short, most: short })
    }

    #[test]
    fn what_passes_is_tried_again() {
        let (url, asked) = server(vec![
            answer("503 Service Unavailable", "", ""),
            String::new(),
            answer("200 OK", "", "{\"a\":1}"),
        ]);
        let request = Request::get(format!("{url}/x")).header("authorization", "Bearer k");
        let got = client().send(&request).unwrap();
        assert_eq!(got.json::<serde_json::Value>().unwrap()["a"], 1);
        assert!(asked.join().unwrap().iter().all(|text| text.contains("authorization: Bearer k")));
    }

    #[test]
    fn what_may_not_be_repeated_is_asked_once() {
        let (url, asked) = server(vec![answer("503 Service Unavailable", "", "full")]);
        let request = Request::new(Method::POST, url).json(&serde_json::json!({}));
        assert_eq!(client().send(&request).unwrap().said(), "full");
        assert_eq!(asked.join().unwrap().len(), 1);
    }

    #[test]
    fn a_key_follows_no_redirection_elsewhere() {
        let more = "location: http://127.0.0.2:1/elsewhere\r\n";
        let (url, _asked) = server(vec![answer("302 Found", more, "")]);
        let request = Request::get(format!("{url}/a?key=hidden")).header("authorization", "secret");
        let failed = client().send(&request).unwrap_err();
        assert!(failed.to_string().contains("redirect"), "{failed}");
        assert!(!failed.to_string().contains("hidden") && !failed.to_string().contains("secret"));
    }

    #[test]
    fn nobody_there_is_a_network_failure() {
        let request = Request::get("http://user:pass@127.0.0.1:1/v1?token=x");
        let failed = client().send(&request).unwrap_err();
        assert_eq!(failed.kind, Kind::Network);
        assert_eq!(failed.sentence, "cannot reach `http://127.0.0.1:1/v1`");
    }
}
