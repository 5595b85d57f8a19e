//! Asking the vendor: calls, streams, uploads and downloads.
//!
//! The key goes into one header and nowhere else: a message holds the address without its query, and
//! what the server said without the key, should it have said it. What a call means decides when it is
//! tried again ([`Again`]): a request that may have been taken is repeated only where that does no
//! harm. Pauses are those of [`Patience`], and what the server asks for.
//!
//! One that streams has a runtime of its own, so that whoever reads it may do so on any thread.

use super::again::{Again, date, is_passing, retry_after};
use super::form::{self, Part};
use super::problem::problem;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::http::{self, Answer, Method};
use crate::retry::Patience;
use crate::secrets::Secret;
use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

/// Without the second one its paths answer 404.
pub(super) const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");
pub(super) const BETA: (&str, &str) = ("anthropic-beta", "managed-agents-2026-04-01");
pub(super) const KEY: &str = "x-api-key";

/// How long one call may take, and how long an upload may be silent.
const CALL: Duration = Duration::from_mins(1);
const UPLOAD: Duration = Duration::from_mins(30);
/// The largest answer that is held in memory.
const MOST: usize = 256 << 20;

/// A server asks for more patience than half a minute here, and is worth it.
pub(super) const PATIENCE: Patience =
    Patience { tries: 6, first: Duration::from_millis(500), most: Duration::from_secs(90) };

/// How the vendor is reached.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// Without a slash at the end.
    pub base: String,
    pub key: Secret,
    /// The key's name, for who has to store another.
    pub secret: String,
    pub ca_bundle: Option<PathBuf>,
    pub patience: Patience,
    /// Between a stream that broke and the next.
    pub back_off: Patience,
}

#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    pub method: Method,
    /// Path and query, below the base.
    pub path: String,
    pub body: Body<'a>,
    pub again: Again,
}

#[derive(Debug, Clone)]
pub(super) enum Body<'a> {
    None,
    Json(Value),
    /// Parts of a form.
    Form(Vec<Part<'a>>),
}

impl<'a> Call<'a> {
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, Body::None, Again::Always)
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, Body::None, Again::Always)
    }

    pub fn post(path: impl Into<String>, body: Value, again: Again) -> Self {
        Self::new(Method::POST, path, Body::Json(body), again)
    }

    pub fn form(path: impl Into<String>, parts: Vec<Part<'a>>) -> Self {
        Self::new(Method::POST, path, Body::Form(parts), Again::Always)
    }

    fn new(method: Method, path: impl Into<String>, body: Body<'a>, again: Again) -> Self {
        Self { method, path: path.into(), body, again }
    }
}

pub(super) struct Wire {
    reach: Reach,
    client: reqwest::Client,
    /// Only ever absent while it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
}

/// An answer as it comes in.
pub(super) struct Incoming {
    /// When the server says that it began, in Unix milliseconds.
    pub date: Option<i64>,
    stream: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
}

/// What came of waiting for more.
pub(super) enum Next {
    Bytes(Bytes),
    Quiet,
    Ended,
}

/// Why there is no answer.
struct Lost {
    failure: Failure,
    /// Whether the request never left.
    unsent: bool,
    lasting: bool,
}

impl Lost {
    /// It stood on our side, and will again.
    fn ours(failure: Failure) -> Self {
        Self { failure, unsent: true, lasting: true }
    }
}

impl Wire {
    pub fn new(reach: &Reach) -> Result<Self> {
        let doing = || "prepare a connection".to_owned();
        let client = http::builder(reach.ca_bundle.as_deref())?
            .redirect(http::same_origin_only())
            .read_timeout(UPLOAD)
            .build()
            .cannot(Kind::Network, doing)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .cannot(Kind::Bug, doing)?;
        Ok(Self { reach: reach.clone(), client, runtime: Some(runtime) })
    }

    /// Asks, again where that may help. `Err` is a server that gives no answer.
    pub fn ask(&self, call: &Call) -> Result<Answer> {
        self.patiently(call.again, || self.block(self.once(call)))
    }

    /// Asks for something that must be there.
    pub fn need(&self, call: &Call, doing: &str) -> Result<Value> {
        let answer = self.ask(call).map_err(|lost| lost.while_doing(cannot(doing)))?;
        if !answer.is_success() {
            return Err(self.problem(&answer, doing));
        }
        answer.json().map_err(|failed| failed.while_doing(cannot(doing)))
    }

    /// Every page of a list, the entries handed on as they come.
    pub fn pages(&self, path: &str, doing: &str, mut each: impl FnMut(&Value)) -> Result<()> {
        let mut page: Option<String> = None;
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let more = page.map(|page| format!("{joint}page={}", http::encoded(&page)));
            let call = Call::get(format!("{path}{}", more.unwrap_or_default()));
            let list = self.need(&call, doing)?;
            list["data"].as_array().into_iter().flatten().for_each(&mut each);
            page = match list["next_page"].as_str() {
                Some(next) => Some(next.to_owned()),
                None => return Ok(()),
            };
        }
    }

    pub fn back_off(&self) -> Patience {
        self.reach.back_off
    }

    /// What a refusal means.
    pub fn problem(&self, answer: &Answer, doing: &str) -> Failure {
        problem(answer, doing, &self.reach)
    }

    /// Opens a stream of events.
    pub fn open(&self, path: &str) -> Result<std::result::Result<Incoming, Answer>> {
        let call = Call::get(path);
        let sent = async {
            let request = self.request(&call)?.header("accept", "text/event-stream");
            self.soon(request.send(), path).await
        };
        let response = self.block(sent).map_err(|lost| lost.failure)?;
        if !response.status().is_success() {
            let answer = self.block(self.whole(response, path)).map_err(|lost| lost.failure)?;
            return Ok(Err(answer));
        }
        let date = date(response.headers());
        Ok(Ok(Incoming { date, stream: Box::pin(response.bytes_stream()) }))
    }

    /// What comes next, if it does so in time. A stream that breaks has ended.
    pub fn next(&self, incoming: &mut Incoming, within: Duration) -> Next {
        let next = async { Ok(tokio::time::timeout(within, incoming.stream.next()).await) };
        match self.block(next) {
            Ok(Err(_)) => Next::Quiet,
            Ok(Ok(Some(Ok(bytes)))) => Next::Bytes(bytes),
            Ok(Ok(Some(Err(_)) | None)) | Err(_) => Next::Ended,
        }
    }

    /// Downloads into a file, anew where it broke off. No more than `most` bytes; how many there were.
    pub fn download(&self, path: &str, into: &mut File, most: u64) -> Result<Option<u64>> {
        let doing = "download what the worker left";
        self.patiently(Again::Always, || {
            let keep = |error: std::io::Error| {
                Lost::ours(Failure::new(Kind::Config, cannot(doing)).because(error))
            };
            std::io::Seek::rewind(into).and_then(|()| into.set_len(0)).map_err(keep)?;
            self.block(async {
                let call = Call::get(path);
                let response = self.soon(self.request(&call)?.send(), path).await?;
                if !response.status().is_success() {
                    return self.whole(response, path).await.map(Downloaded::No);
                }
                let mut stream = response.bytes_stream();
                let mut size = 0;
                while let Some(piece) = self.soon(stream.next().map(Ok), path).await? {
                    let piece = piece.map_err(|error| self.lost(error, path))?;
                    size += piece.len() as u64;
                    if size > most {
                        return Ok(Downloaded::TooMuch);
                    }
                    into.write_all(&piece).map_err(keep)?;
                }
                Ok(Downloaded::Whole(size))
            })
        })
        .and_then(|came| match came {
            Downloaded::Whole(size) => Ok(Some(size)),
            Downloaded::TooMuch => Ok(None),
            Downloaded::No(answer) => Err(self.problem(&answer, doing)),
        })
    }

    fn patiently<T: Came>(
        &self,
        again: Again,
        mut once: impl FnMut() -> Result<T, Lost>,
    ) -> Result<T> {
        let mut tried = 0;
        loop {
            tried += 1;
            let came = once();
            let (retry, asked) = match &came {
                Ok(came) => came.answer().map_or((false, None), |answer| {
                    (is_passing(answer, again), retry_after(answer))
                }),
                Err(lost) => (!lost.lasting && (lost.unsent || again == Again::Always), None),
            };
            if !retry || !self.reach.patience.wait(tried, asked) {
                return came.map_err(|lost| lost.failure);
            }
        }
    }

    async fn once(&self, call: &Call<'_>) -> Result<Answer, Lost> {
        let mut request = self.request(call)?;
        request = match &call.body {
            Body::None => request.timeout(CALL),
            Body::Json(value) => request
                .timeout(CALL)
                .header("content-type", "application/json")
                .body(value.to_string()),
            Body::Form(parts) => request.multipart(form::form(parts).map_err(Lost::ours)?),
        };
        let response = request.send().await.map_err(|error| self.lost(error, &call.path))?;
        self.whole(response, &call.path).await
    }

    fn request(&self, call: &Call) -> Result<reqwest::RequestBuilder, Lost> {
        let Reach { base, key, secret, .. } = &self.reach;
        let mut value = reqwest::header::HeaderValue::from_str(key.expose()).map_err(|_| {
            let failure = Failure::new(Kind::Credential, format!("`{secret}` is no key"))
                .because("it holds characters that a header cannot carry")
                .hint(format!("store the value alone: `loop secret set {secret}`"));
            Lost::ours(failure)
        })?;
        value.set_sensitive(true);
        let request = self.client.request(call.method.clone(), format!("{base}{}", call.path));
        let request = request.header(VERSION.0, VERSION.1).header(BETA.0, BETA.1);
        Ok(request.header(KEY, value))
    }

    async fn whole(&self, response: reqwest::Response, path: &str) -> Result<Answer, Lost> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(piece) = stream.next().await {
            body.extend_from_slice(&piece.map_err(|error| self.lost(error, path))?);
            if body.len() > MOST {
                let why = format!("the answer is larger than {} MiB", MOST >> 20);
                let failure = Failure::new(Kind::Network, self.place(path)).because(why);
                return Err(Lost { failure, unsent: false, lasting: true });
            }
        }
        Ok(Answer { status, headers, body })
    }

    /// Waits, but not for ever.
    async fn soon<T>(
        &self,
        work: impl Future<Output = reqwest::Result<T>>,
        path: &str,
    ) -> Result<T, Lost> {
        if let Ok(came) = tokio::time::timeout(CALL, work).await {
            return came.map_err(|error| self.lost(error, path));
        }
        let failure = Failure::new(Kind::Network, self.place(path));
        let failure = failure.because("it has been silent for too long");
        Err(Lost { failure, unsent: false, lasting: false })
    }

    fn lost(&self, error: reqwest::Error, path: &str) -> Lost {
        let (unsent, lasting) = (error.is_connect(), error.is_builder() || error.is_redirect());
        let place = || format!("reach `{}`", http::shown(&format!("{}{path}", self.reach.base)));
        let failed = Err::<(), _>(error.without_url()).cannot(Kind::Network, place);
        let failure = failed.err().unwrap_or_else(|| Failure::new(Kind::Bug, "no error"));
        Lost { failure, unsent, lasting }
    }

    fn place(&self, path: &str) -> String {
        format!("cannot read `{}`", http::shown(&format!("{}{path}", self.reach.base)))
    }

    fn block<T>(&self, work: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(work),
            None => Err(Lost::ours(Failure::new(Kind::Bug, "nothing is left to ask with"))),
        }
    }
}

/// A name that is still being looked up holds up nobody.
impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

enum Downloaded {
    Whole(u64),
    TooMuch,
    No(Answer),
}

/// What may be an answer that is worth another try.
trait Came {
    fn answer(&self) -> Option<&Answer>;
}

impl Came for Answer {
    fn answer(&self) -> Option<&Answer> {
        Some(self)
    }
}

impl Came for Downloaded {
    fn answer(&self) -> Option<&Answer> {
        match self {
            Self::No(answer) => Some(answer),
            _ => None,
        }
    }
}

pub(super) fn cannot(doing: &str) -> String {
    format!("cannot {doing}")
}
