//! GitHub as a fake in memory, behind HTTP: its API and its Git server at one address.
//!
//! It is reached through the ordinary settings of the GitHub skill, and knows the few calls that are
//! made of it; one that it does not know fails the test when it is dropped. It keeps to what the real
//! one does where that matters here: one open pull request for a branch, a `head` filter that finds
//! nothing without its owner, a branch that must be there, 404 for what a token may not see, and it
//! can take a call and lose the answer.

use crate::git_server::{self, Repositories};
use crate::urls::decoded;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::oneshot;

/// How the next call that writes goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It is done, and the connection ends without an answer.
    CommitThenDrop,
    /// It is done, and a gateway says otherwise.
    CommitThen502,
    /// It is not done.
    Fail502,
    /// The secondary limit, with the seconds to wait where it says so.
    Limited(u16, Option<u64>),
    /// The limit that is counted, which ends so many seconds from now.
    Spent(u64),
    /// The next look for pull requests finds none, as one that is answered by a replica.
    Stale,
    /// The next look for pull requests takes some seconds.
    Slow,
}

pub struct GitHub {
    address: SocketAddr,
    pub repositories: Arc<Repositories>,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
}

#[derive(Default)]
struct State {
    pulls: Vec<Value>,
    issues: Vec<Value>,
    checks: Vec<Value>,
    faults: Vec<Fault>,
    calls: Vec<String>,
    unknown: Vec<String>,
    /// Pull requests that were opened, whatever was answered.
    opened: usize,
    base: String,
}

impl GitHub {
    pub fn start(token: &str) -> Self {
        let listener = std::net::TcpListener::bind(("0.0.0.0", 0)).expect("a port is free");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let repositories = Arc::new(Repositories::new(token));
        let base = format!("http://{address}");
        let state = Arc::new(Mutex::new(State { base, ..State::default() }));
        let (stop, stopped) = oneshot::channel();
        let shared = (Arc::clone(&repositories), Arc::clone(&state), token.to_owned());
        std::thread::Builder::new()
            .name("github-server".to_owned())
            .spawn(move || serve(listener, shared, stopped))
            .expect("a thread");
        Self { address, repositories, state, stop: Some(stop) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A skill that says where it is.
    pub fn skill(&self) -> String {
        format!(
            "kind = \"github\"\ndescription = \"the tests' GitHub\"\n[secrets]\n\
             GH_TOKEN = {{ help = \"a token\" }}\n[env]\nGITHUB_SERVER_URL = \"{0}\"\n\
             GITHUB_API_URL = \"{0}/api/v3\"\n",
            self.url()
        )
    }

    pub fn fault(&self, faults: &[Fault]) {
        lock(&self.state).faults.extend_from_slice(faults);
    }

    pub fn pulls(&self) -> Vec<Value> {
        lock(&self.state).pulls.clone()
    }

    pub fn issues(&self) -> Vec<Value> {
        lock(&self.state).issues.clone()
    }

    pub fn calls(&self) -> Vec<String> {
        lock(&self.state).calls.clone()
    }

    pub fn opened(&self) -> usize {
        lock(&self.state).opened
    }

    /// Changes a pull request, as a person would on the page.
    pub fn edit(&self, number: usize, change: impl Fn(&mut Value)) {
        change(&mut lock(&self.state).pulls[number - 1]);
    }

    pub fn check(&self, conclusion: Option<&str>) {
        lock(&self.state).checks.push(json!({ "name": "ci", "conclusion": conclusion }));
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may already have gone.
            let _ = stop.send(());
        }
        if !std::thread::panicking() {
            let unknown = std::mem::take(&mut lock(&self.state).unknown);
            assert!(unknown.is_empty(), "calls that nobody knows: {unknown:#?}");
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

type Shared = (Arc<Repositories>, Arc<Mutex<State>>, String);

fn serve(listener: std::net::TcpListener, shared: Shared, stopped: oneshot::Receiver<()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let shared = Arc::new(shared);
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let shared = Arc::clone(&shared);
            async move {
                tokio::task::spawn_blocking(move || answer(&shared, &method, &uri, &headers, &body))
                    .await
                    .expect("an answer")
            }
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

fn answer(
    (repositories, state, token): &Shared,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<Body> {
    let Some(path) = uri.path().strip_prefix("/api/v3") else {
        return repositories.answer(method, uri, headers, body);
    };
    let mut locked = lock(state);
    locked.calls.push(format!("{method} {path}"));
    if path.ends_with("/pulls") && locked.faults.first() == Some(&Fault::Slow) {
        locked.faults.remove(0);
        // Meanwhile others may look at what was asked.
        drop(locked);
        std::thread::sleep(std::time::Duration::from_secs(3));
        locked = lock(state);
    }
    let state = &mut *locked;
    let told = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("");
    let given = told.strip_prefix("Bearer ").or(told.strip_prefix("token "));
    if given != Some(token) {
        return reply(401, &json!({ "message": "Bad credentials" }), &[]);
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let query = uri.query().unwrap_or_default();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["repos", owner, name]) => {
            let full = format!("{owner}/{name}");
            let url = format!("{}/api/v3/repos/{full}", state.base);
            let told = json!({ "id": 1, "name": name, "full_name": full, "url": url,
                "owner": { "login": owner }, "default_branch": "main", "private": true });
            reply(200, &told, &[])
        }
        ("GET", ["repos", owner, _, "pulls"]) => list(state, owner, query),
        ("GET", ["repos", _, _, "pulls", number]) => {
            let at = number.parse::<usize>().unwrap_or_default().wrapping_sub(1);
            match state.pulls.get(at) {
                Some(pull) => reply(200, pull, &[]),
                None => reply(404, &json!({ "message": "Not Found" }), &[]),
            }
        }
        ("GET", ["repos", _, _, "commits", _, "check-runs"]) => {
            let runs = json!({ "total_count": state.checks.len(), "check_runs": state.checks });
            reply(200, &runs, &[])
        }
        ("GET", ["repos", _, _, "issues"]) => {
            assert!(query.contains("state=all") && query.contains("since="), "{query}");
            let all: Vec<&Value> = state.pulls.iter().chain(&state.issues).rev().collect();
            reply(200, &json!(all), &[])
        }
        ("POST", ["repos", owner, name, "issues"]) => {
            let page = format!("{}/{owner}/{name}/issues", state.base);
            post(state, body, &|state, asked| Ok(issue(state, &page, asked)))
        }
        ("POST", ["repos", owner, name, "pulls"]) => {
            let bare = repositories.path(&format!("{owner}/{name}"));
            post(state, body, &|state, asked| create(state, owner, name, &bare, asked))
        }
        _ => {
            let call = format!("{method} {path}");
            state.unknown.push(call.clone());
            reply(500, &json!({ "message": format!("unknown: {call}") }), &[])
        }
    }
}

fn issue(state: &mut State, page: &str, asked: &Value) -> Value {
    let number = state.pulls.len() + state.issues.len() + 1;
    let issue = json!({
        "id": 2000 + number, "number": number, "state": "open",
        "html_url": format!("{page}/{number}"), "title": asked["title"], "body": asked["body"],
    });
    state.issues.push(issue.clone());
    issue
}

fn list(state: &mut State, owner: &str, query: &str) -> Response<Body> {
    if state.faults.first() == Some(&Fault::Stale) {
        state.faults.remove(0);
        return reply(200, &json!([]), &[]);
    }
    let parameter = |name: &str| {
        let start = format!("{name}=");
        query.split('&').find_map(|pair| Some(decoded(pair.strip_prefix(&start)?)))
    };
    let wanted = parameter("state").unwrap_or("open".to_owned());
    let found: Vec<&Value> = state
        .pulls
        .iter()
        .rev()
        .filter(|pull| wanted == "all" || pull["state"] == wanted.as_str())
        .filter(|pull| {
            let head = pull["head"]["ref"].as_str().unwrap_or_default();
            parameter("head").is_none_or(|asked| asked == format!("{owner}:{head}"))
        })
        .collect();
    reply(200, &json!(found), &[])
}

/// Makes something, and answers as the next fault will have it.
fn post(
    state: &mut State,
    body: &Bytes,
    maker: &dyn Fn(&mut State, &Value) -> Result<Value, String>,
) -> Response<Body> {
    let fault = if state.faults.is_empty() { None } else { Some(state.faults.remove(0)) };
    let limited = json!({ "message": "You have exceeded a secondary rate limit." });
    match fault {
        Some(Fault::Fail502) => return reply(502, &json!({ "message": "Bad Gateway" }), &[]),
        Some(Fault::Limited(status, None)) => return reply(status, &limited, &[]),
        Some(Fault::Limited(status, Some(seconds))) => {
            return reply(status, &limited, &[("retry-after", seconds.to_string())]);
        }
        Some(Fault::Spent(seconds)) => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let reset = (now.expect("a clock").as_secs() + seconds).to_string();
            let headers = [("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", reset)];
            return reply(403, &json!({ "message": "API rate limit exceeded" }), &headers);
        }
        Some(Fault::CommitThenDrop | Fault::CommitThen502 | Fault::Stale | Fault::Slow) | None => {}
    }
    let Ok(asked) = serde_json::from_slice::<Value>(body) else {
        return reply(400, &json!({ "message": "Problems parsing JSON" }), &[]);
    };
    let made = maker(state, &asked);
    match (fault, made) {
        (_, Err(why)) => {
            let errors = json!([{ "resource": "PullRequest", "code": "custom", "message": why }]);
            reply(422, &json!({ "message": "Validation Failed", "errors": errors }), &[])
        }
        (Some(Fault::CommitThen502), Ok(_)) => {
            reply(502, &json!({ "message": "Bad Gateway" }), &[])
        }
        (Some(Fault::CommitThenDrop), Ok(_)) => {
            let lost = futures_util::stream::iter([
                Ok(Bytes::from_static(b"{")),
                Err(std::io::Error::other("the connection ends")),
            ]);
            Response::builder().status(201).body(Body::from_stream(lost)).expect("a response")
        }
        (_, Ok(pull)) => reply(201, &pull, &[]),
    }
}

fn create(
    state: &mut State,
    owner: &str,
    name: &str,
    folder: &std::path::Path,
    asked: &Value,
) -> Result<Value, String> {
    let text = |key: &str| asked[key].as_str().unwrap_or_default().to_owned();
    let (head, base) = (text("head"), text("base"));
    let full = format!("refs/heads/{head}");
    let (there, commit) = git_server::try_git(folder, &["rev-parse", "--verify", &full]);
    if !there {
        return Err("the head is no branch".to_owned());
    }
    let open = |pull: &&Value| pull["state"] == "open" && pull["head"]["ref"] == head.as_str();
    if state.pulls.iter().find(open).is_some() {
        return Err(format!("A pull request already exists for {owner}:{head}."));
    }
    let number = state.pulls.len() + 1;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("a clock").as_secs();
    let page = format!("{}/{owner}/{name}/pull/{number}", state.base);
    let api = format!("{}/api/v3/repos/{owner}/{name}/pulls/{number}", state.base);
    let pull = json!({
        "id": 1000 + number, "number": number, "html_url": page, "url": api, "state": "open",
        "draft": asked["draft"], "title": asked["title"], "body": asked["body"],
        "merged_at": null, "created_at": iso(now), "pull_request": {}, "user": { "login": "octo" },
        "head": { "ref": head, "sha": commit, "label": format!("{owner}:{head}") },
        "base": { "ref": base },
    });
    state.pulls.push(pull.clone());
    state.opened += 1;
    Ok(pull)
}

fn iso(seconds: u64) -> String {
    let format = ["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"];
    let done = std::process::Command::new("date").args(format).output().expect("date runs");
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

fn reply(status: u16, body: &Value, headers: &[(&str, String)]) -> Response<Body> {
    let mut builder = Response::builder()
        .status(StatusCode::from_u16(status).expect("a status"))
        .header("content-type", "application/json; charset=utf-8");
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder.body(Body::from(body.to_string())).expect("a response")
}
