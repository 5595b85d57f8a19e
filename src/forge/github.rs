//! GitHub's API, and GitHub Enterprise's: pull requests, and what became of them.
//!
//! The calls go through `octocrab`, over this program's own HTTP client, so that proxies,
//! certificates and the rule about redirections are everybody's. Its own retries are not used: they
//! repeat a POST after a lost answer, which may open a second pull request, and wait for a rate limit
//! without end. Here a call that only asks is repeated; one that writes is repeated only where the
//! server refused it for its rate, or where a look shows that nothing came of it. Of its features
//! none is on that brings another cryptography. Answers are read into the few fields that are used.

use super::remote::GitHub;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::http;
use crate::retry::Patience;
use crate::secrets::Secret;
use octocrab::{GitHubError, Octocrab};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// For calls on which a session waits. A server that limits often asks for a minute.
const PATIENT: Patience =
    Patience { tries: 6, first: Duration::from_secs(1), most: Duration::from_mins(2) };
const CALL: Duration = Duration::from_secs(30);

/// A repository at the forge, and a credential for it.
pub struct Forge {
    github: GitHub,
    client: Octocrab,
    runtime: tokio::runtime::Runtime,
    patience: Patience,
}

/// A pull request to be opened.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub title: &'a str,
    pub body: &'a str,
    /// The branch, of this repository.
    pub head: &'a str,
    pub base: &'a str,
    pub draft: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    pub number: u64,
    pub url: String,
    pub title: String,
    pub state: State,
    pub draft: bool,
    pub head: String,
    pub head_commit: String,
    /// Unix milliseconds.
    pub created_at: i64,
    pub merged_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Closed,
    Merged,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }
}

impl Forge {
    pub fn new(github: &GitHub, token: &Secret, ca_bundle: Option<&Path>) -> Result<Self> {
        Self::within(github, token, ca_bundle, CALL, PATIENT)
    }

    /// For a look that nobody waits for: one try, and a short one.
    pub fn hasty(github: &GitHub, token: &Secret, ca_bundle: Option<&Path>) -> Result<Self> {
        Self::within(github, token, ca_bundle, Duration::from_secs(3), Patience::NONE)
    }

    fn within(
        github: &GitHub,
        token: &Secret,
        ca_bundle: Option<&Path>,
        limit: Duration,
        patience: Patience,
    ) -> Result<Self> {
        let doing = || "prepare a connection to the forge".to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .cannot(Kind::Bug, doing)?;
        let http = http::builder(ca_bundle)?
            .redirect(http::same_origin_only())
            .timeout(limit)
            .build()
            .cannot(Kind::Network, doing)?;
        let client = runtime.block_on(async {
            Octocrab::builder()
                .base_uri(github.api.as_str())?
                .personal_token(token.expose().to_owned())
                .build_with_reqwest(http)
        });
        let client = client.cannot(Kind::Network, doing)?;
        Ok(Self { github: github.clone(), client, runtime, patience })
    }

    /// The newest pull request of a branch, whatever became of it.
    pub fn find(&self, head: &str) -> Result<Option<PullRequest>> {
        // Without its owner the filter finds nothing, and says so as if there were none.
        let owned = format!("{}:{head}", self.github.owner);
        let query = [("head", owned.as_str()), ("state", "all"), ("per_page", "10")];
        let found: Vec<Told> = self.get(&self.route("pulls"), &query)?;
        Ok(found.into_iter().map(PullRequest::from).find(|found| found.head == head))
    }

    /// One by its number. None where there is none that may be seen.
    pub fn get_one(&self, number: u64) -> Result<Option<PullRequest>> {
        match self.get::<Told>(&self.route(&format!("pulls/{number}")), &[]) {
            Ok(told) => Ok(Some(told.into())),
            Err(failed) if failed.hints.iter().any(|hint| hint == NOT_FOUND) => Ok(None),
            Err(failed) => Err(failed),
        }
    }

    /// How many checks of a commit passed, failed, and there are.
    pub fn checks(&self, commit: &str) -> Result<(usize, usize, usize)> {
        #[derive(Deserialize)]
        struct Runs {
            check_runs: Vec<Run>,
        }
        #[derive(Deserialize)]
        struct Run {
            conclusion: Option<String>,
        }
        let route = self.route(&format!("commits/{}/check-runs", http::encoded(commit)));
        let told: Runs = self.get(&route, &[("per_page", "100")])?;
        let of = |names: &[&str]| {
            let runs = told.check_runs.iter().filter_map(|run| run.conclusion.as_deref());
            runs.filter(|conclusion| names.contains(conclusion)).count()
        };
        let passed = of(&["success", "neutral", "skipped"]);
        let failed =
            of(&["failure", "timed_out", "cancelled", "action_required", "startup_failure"]);
        Ok((passed, failed, told.check_runs.len()))
    }

    /// Opens a pull request, or finds the one that there is for the branch. However often it is
    /// called, and whatever answers are lost, there is one. `wait` is told why it takes longer.
    pub fn open(
        &self,
        wanted: &Wanted,
        now: &dyn Fn() -> i64,
        wait: &mut dyn FnMut(&str),
    ) -> Result<PullRequest> {
        #[derive(Serialize)]
        struct Body<'a> {
            title: &'a str,
            body: &'a str,
            head: &'a str,
            base: &'a str,
            draft: bool,
        }
        let Wanted { title, body, head, base, draft } = *wanted;
        let body = Body { title, body, head, base, draft };
        let post = || self.post::<_, Told>("pulls", &body).map(PullRequest::from);
        self.once(&post, &|| self.find(head), now, wait)
    }

    /// Posts what `look` finds once it is there, and finds it rather than post it twice.
    pub(super) fn once<T>(
        &self,
        post: &dyn Fn() -> octocrab::Result<T>,
        look: &dyn Fn() -> Result<Option<T>>,
        now: &dyn Fn() -> i64,
        wait: &mut dyn FnMut(&str),
    ) -> Result<T> {
        let mut tried = 0;
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            tried += 1;
            let error = match post() {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            let trouble = Trouble::of(&error, now());
            if trouble.exists {
                // The look before was answered by somebody who did not know of it yet.
                return look()?.ok_or_else(|| self.failure(&error));
            }
            if trouble.asked.is_some() {
                wait("the forge asks to wait, for its rate limit");
            }
            if !trouble.passing || !self.patience.wait(tried, trouble.asked) {
                // The last try, too, may have come through.
                return match look() {
                    Ok(Some(found)) => Ok(found),
                    _ => Err(self.failure(&error)),
                };
            }
        }
    }

    pub(super) fn post<B: Serialize + ?Sized, T: DeserializeOwned>(
        &self,
        route: &str,
        body: &B,
    ) -> octocrab::Result<T> {
        self.runtime.block_on(self.client.post::<_, T>(self.route(route), Some(body)))
    }

    pub(super) fn route(&self, rest: &str) -> String {
        let GitHub { owner, name, .. } = &self.github;
        let path = format!("/repos/{owner}/{name}/{rest}");
        path.trim_end_matches('/').to_owned()
    }

    /// Asks, again where that may help.
    pub(super) fn get<T: DeserializeOwned>(
        &self,
        route: &str,
        query: &[(&str, &str)],
    ) -> Result<T> {
        let mut tried = 0;
        loop {
            tried += 1;
            let got = self.runtime.block_on(self.client.get::<T, _, _>(route, Some(query)));
            let error = match got {
                Ok(told) => return Ok(told),
                Err(error) => error,
            };
            // Without a clock a limit that ends at a time is waited for as any other.
            let trouble = Trouble::of(&error, i64::MAX);
            if !trouble.passing || !self.patience.wait(tried, trouble.asked) {
                return Err(self.failure(&error));
            }
        }
    }

    fn failure(&self, error: &octocrab::Error) -> Failure {
        let GitHub { owner, name, server, .. } = &self.github;
        let place = format!("`{owner}/{name}` at {server}");
        let octocrab::Error::GitHub { source, .. } = error else {
            let mut failure = Failure::new(Kind::Network, format!("cannot reach {place}"));
            let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
            while let Some(one) = cause {
                failure = failure.because(one.to_string().lines().next().unwrap_or_default());
                cause = one.source();
            }
            return failure;
        };
        let said: String = source.message.chars().filter(|c| !c.is_control()).take(300).collect();
        let failure = |kind| {
            let failure = Failure::new(kind, format!("the forge refused a call about {place}"));
            failure.because(format!("{}: {said}", source.status_code.as_u16()))
        };
        match source.status_code.as_u16() {
            401 => {
                failure(Kind::Credential).hint("check the credential: `loop skill check github`")
            }
            403 if !is_limit(source) => failure(Kind::Credential)
                .hint("the token must be allowed to write contents and pull requests"),
            404 => failure(Kind::Network).hint(NOT_FOUND),
            _ => failure(Kind::Network),
        }
    }
}

const NOT_FOUND: &str = "there is none of that name, or the token may not see it";

/// What a failed call means.
struct Trouble {
    /// Whether another try may help, and cannot do a thing twice that was refused.
    passing: bool,
    asked: Option<Duration>,
    /// There is one already.
    exists: bool,
}

impl Trouble {
    fn of(error: &octocrab::Error, now: i64) -> Self {
        let octocrab::Error::GitHub { source, .. } = error else {
            // What came of it is to be looked for.
            let broken =
                matches!(error, octocrab::Error::Json { .. } | octocrab::Error::Serde { .. });
            return Self { passing: !broken, asked: None, exists: false };
        };
        let status = source.status_code.as_u16();
        let limit = is_limit(source);
        let exists = status == 422
            && format!("{:?}", source.errors).to_lowercase().contains("already exists");
        let passing = limit || matches!(status, 500 | 502 | 503 | 504);
        Self { passing, asked: if limit { asked(source, now) } else { None }, exists }
    }
}

/// Whether it was refused for the number of calls, of which there are two limits: one that is
/// counted, and one that is not.
fn is_limit(error: &GitHubError) -> bool {
    let spent = header(error, "x-ratelimit-remaining").is_some_and(|left| left.trim() == "0");
    let named = error.message.to_lowercase().contains("rate limit");
    match error.status_code.as_u16() {
        429 => true,
        403 => spent || named || header(error, "retry-after").is_some(),
        _ => false,
    }
}

/// How long it asks to wait.
fn asked(error: &GitHubError, now: i64) -> Option<Duration> {
    let number = |name| header(error, name).and_then(|text| text.trim().parse::<u64>().ok());
    if let Some(seconds) = number("retry-after") {
        return Some(Duration::from_secs(seconds));
    }
    let spent = number("x-ratelimit-remaining") == Some(0);
    let reset = number("x-ratelimit-reset").filter(|_| spent && now != i64::MAX)?;
    let seconds = i64::try_from(reset).ok()?.saturating_sub(now / 1000).max(1);
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(1)))
}

fn header<'e>(error: &'e GitHubError, name: &str) -> Option<&'e str> {
    error.headers.as_ref()?.get(name)?.to_str().ok()
}

/// What the API tells of a pull request.
#[derive(Deserialize)]
struct Told {
    number: u64,
    html_url: String,
    title: Option<String>,
    state: String,
    draft: Option<bool>,
    merged_at: Option<String>,
    created_at: Option<String>,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "ref")]
    name: String,
    sha: String,
}

impl From<Told> for PullRequest {
    fn from(told: Told) -> Self {
        let ms = |at: String| at.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
        let state = match (&told.merged_at, told.state.as_str()) {
            (Some(_), _) => State::Merged,
            (None, "open") => State::Open,
            (None, _) => State::Closed,
        };
        Self {
            number: told.number,
            url: told.html_url,
            title: told.title.unwrap_or_default(),
            state,
            draft: told.draft.unwrap_or_default(),
            head: told.head.name,
            head_commit: told.head.sha,
            created_at: told.created_at.and_then(ms).unwrap_or(0),
            merged_at: told.merged_at.and_then(ms),
        }
    }
}

/// The pull requests of a repository that a text names, in order, each once.
pub fn links(text: &str, github: &GitHub) -> Vec<u64> {
    let GitHub { server, owner, name, .. } = github;
    let start = format!("{server}/{owner}/{name}/pull/");
    let mut found = Vec::new();
    for (at, _) in text.match_indices(&start) {
        let digits =
            text[at + start.len()..].bytes().take_while(u8::is_ascii_digit).take(10).count();
        let number = text[at + start.len()..][..digits].parse().ok();
        found.extend(number.filter(|number| !found.contains(number)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, Read as _, Write as _};

    #[test]
    fn links_are_of_the_repository() {
        let github = GitHub {
            server: "https://github.com".to_owned(),
            api: String::new(),
            owner: "a".to_owned(),
            name: "b".to_owned(),
        };
        let text = "see https://github.com/a/b/pull/12, https://github.com/a/b/pull/12#x and \
                    https://github.com/a/bb/pull/3, https://github.com/a/b/pull/new/x \
                    (https://github.com/a/b/pull/7)";
        assert_eq!(links(text, &github), [12, 7]);
    }

    /// What the fake does with the next call that writes.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Act {
        Work,
        Lose,
        WorkAndLose,
        WorkAnd502,
        Refuse(u16),
        Limit(u16),
        /// The next look sees nothing yet.
        Stale,
    }

    /// GitHub in a few lines: one open pull request a branch. It ends with its last connection.
    fn fake(listener: &std::net::TcpListener, acts: &[Act]) -> usize {
        let (mut acts, mut opened, mut stale) = (acts.iter(), 0, false);
        loop {
            let (stream, _) = listener.accept().unwrap();
            let mut stream = std::io::BufReader::new(stream);
            let Some((method, body)) = request(&mut stream) else { return opened };
            let list = |opened| if opened > 0 { format!("[{PULL}]") } else { "[]".to_owned() };
            let (status, headers, text) = if method == "GET" {
                let seen = if std::mem::take(&mut stale) { 0 } else { opened };
                ("200 OK".to_owned(), "", list(seen))
            } else {
                assert_eq!(body["draft"], true);
                let act = *acts.next().unwrap_or(&Act::Work);
                stale = act == Act::Stale;
                let works = !matches!(act, Act::Lose | Act::Refuse(_) | Act::Limit(_));
                let exists = works && opened > 0;
                opened += usize::from(works && !exists);
                match act {
                    Act::Lose | Act::WorkAndLose | Act::Stale => continue,
                    Act::WorkAnd502 => ("502 Bad".to_owned(), "", "<html>".to_owned()),
                    Act::Refuse(code) => (format!("{code} No"), "", "{}".to_owned()),
                    Act::Limit(code) => {
                        let text = r#"{"message": "You have exceeded a secondary rate limit"}"#;
                        (format!("{code} No"), "retry-after: 0\r\n", text.to_owned())
                    }
                    Act::Work if exists => ("422 No".to_owned(), "", EXISTS.to_owned()),
                    Act::Work => ("201 Created".to_owned(), "", PULL.to_owned()),
                }
            };
            let length = text.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n");
            let head = format!("{head}connection: close\r\n{headers}content-length: {length}\r\n");
            stream.get_mut().write_all(format!("{head}\r\n{text}").as_bytes()).unwrap();
        }
    }

    const PULL: &str = r#"{"number": 1, "html_url": "u", "title": "t", "state": "open",
        "draft": true, "head": {"ref": "loop/x", "sha": "s"}}"#;
    const EXISTS: &str = r#"{"message": "Validation Failed", "errors": [{"resource": "PullRequest",
        "code": "custom", "message": "A pull request already exists for a:loop/x."}]}"#;

    fn request(
        stream: &mut std::io::BufReader<std::net::TcpStream>,
    ) -> Option<(String, serde_json::Value)> {
        let (mut first, mut length) = (String::new(), 0);
        if stream.read_line(&mut first).ok()? == 0 {
            return None;
        }
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok()?;
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Some((first.split(' ').next()?.to_owned(), body))
    }

    fn opened(acts: &[Act], tries: u32) -> (Result<PullRequest>, usize) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let acts = acts.to_vec();
        let fake = std::thread::spawn(move || fake(&listener, &acts));
        let github = GitHub {
            server: "https://github.com".to_owned(),
            api: format!("http://{address}"),
            owner: "a".to_owned(),
            name: "b".to_owned(),
        };
        let token = crate::secrets::Secret::new("canary", "`T`").unwrap();
        let short = Duration::from_millis(1);
        let patience = Patience { tries, first: short, most: short };
        let forge = Forge::within(&github, &token, None, CALL, patience).unwrap();
        let wanted = Wanted { title: "t", body: "b", head: "loop/x", base: "main", draft: true };
        let result = forge.open(&wanted, &|| 0, &mut |_| ());
        drop(forge);
        // One that says nothing ends the fake.
        drop(std::net::TcpStream::connect(address).unwrap());
        (result, fake.join().unwrap())
    }

    /// Whatever is lost or refused on the way, in whatever order: one.
    #[test]
    fn a_thousand_ways_to_one_pull_request() {
        const ACTS: [Act; 9] = [
            Act::Work,
            Act::Lose,
            Act::WorkAndLose,
            Act::WorkAnd502,
            Act::Stale,
            Act::Refuse(500),
            Act::Refuse(503),
            Act::Limit(403),
            Act::Limit(429),
        ];
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % below as u64) as usize
        };
        for script in 0..1_000 {
            let acts: Vec<Act> = (0..next(5)).map(|_| ACTS[next(ACTS.len())]).collect();
            let (result, count) = opened(&acts, 9);
            assert_eq!(count, 1, "script {script}: {acts:?}");
            let found = result.unwrap_or_else(|failed| panic!("{acts:?}: {failed:?}"));
            assert_eq!((found.number, found.draft), (1, true));
        }
    }

    #[test]
    fn what_does_not_pass_is_told() {
        for (act, kind, hint) in [
            (Act::Refuse(401), Kind::Credential, "loop skill check"),
            (Act::Refuse(403), Kind::Credential, "must be allowed"),
            (Act::Refuse(404), Kind::Network, "may not see it"),
            (Act::Refuse(422), Kind::Network, ""),
        ] {
            let (result, count) = opened(&[act], 9);
            let failed = result.unwrap_err();
            assert_eq!((failed.kind, count), (kind, 0), "{failed:?}");
            assert!(format!("{:?}", failed.hints).contains(hint), "{failed:?}");
            assert!(!format!("{failed:?}").contains("canary"));
        }
        let (result, count) = opened(&[Act::Refuse(503); 9], 3);
        assert_eq!((result.unwrap_err().kind, count), (Kind::Network, 0), "it gives up");
    }
}
