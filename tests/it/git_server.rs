//! A real Git server over HTTP: `git http-backend` behind a few lines of CGI, with a credential.
//!
//! It counts what is asked of it, so that a test can say what was fetched, and may drop the answer of
//! a push that it took.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// The repositories of a server, in a folder of their own.
pub struct Repositories {
    root: tempfile::TempDir,
    token: String,
    asked: Arc<Mutex<Vec<String>>>,
    /// Answers of pushes that are still to be lost.
    drop: Mutex<u32>,
}

impl Repositories {
    pub fn new(token: &str) -> Self {
        let root = tempfile::Builder::new().prefix("loop-git-").tempdir().expect("a folder");
        let asked = Arc::default();
        Self { root, token: token.to_owned(), asked, drop: Mutex::new(0) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(format!("{name}.git"))
    }

    /// Makes `owner/name` of a folder's files, on a branch `main`.
    pub fn make(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let work = tempfile::tempdir().expect("a folder");
        git(work.path(), &["init", "--quiet", "--initial-branch", "main"]);
        commit(work.path(), "the first commit", files);
        let bare = self.path(name);
        std::fs::create_dir_all(bare.parent().expect("an owner")).expect("a folder");
        let (from, to) = (work.path().display().to_string(), bare.display().to_string());
        git(work.path(), &["clone", "--quiet", "--bare", &from, &to]);
        git(&bare, &["config", "http.receivepack", "true"]);
        bare
    }

    /// Loses the next answers of pushes, which come through.
    pub fn drop_pushes(&self, count: u32) {
        *self.drop.lock().expect("no other panicked") = count;
    }

    /// What was asked: `GET /acme/x.git/info/refs?service=git-upload-pack`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no other panicked").clone()
    }

    /// Answers a request for a repository.
    pub fn answer(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Response<Body> {
        self.asked.lock().expect("no other panicked").push(format!("{method} {uri}"));
        let wanted = format!("Basic {}", STANDARD.encode(format!("x-access-token:{}", self.token)));
        let told = headers.get("authorization").and_then(|value| value.to_str().ok());
        if told != Some(wanted.as_str()) {
            return response(
                StatusCode::UNAUTHORIZED,
                &[("www-authenticate", "Basic")],
                Vec::new(),
            );
        }
        let pushes = uri.path().ends_with("git-receive-pack") && method == Method::POST;
        let answer = self.backend(method, uri, headers, body);
        let mut drop = self.drop.lock().expect("no other panicked");
        if pushes && *drop > 0 {
            *drop -= 1;
            return response(StatusCode::BAD_GATEWAY, &[], Vec::new());
        }
        answer
    }

    fn backend(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Response<Body> {
        let header = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let mut child = Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", self.root.path())
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("REMOTE_USER", "tester")
            .env("REQUEST_METHOD", method.as_str())
            .env("PATH_INFO", uri.path())
            .env("QUERY_STRING", uri.query().unwrap_or_default())
            .env("CONTENT_TYPE", header("content-type"))
            .env("CONTENT_LENGTH", body.len().to_string())
            .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
            .env("GIT_PROTOCOL", header("git-protocol"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("git http-backend");
        let mut stdin = child.stdin.take().expect("a pipe");
        let bytes = body.clone();
        let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &bytes));
        let done = child.wait_with_output().expect("git http-backend");
        let _ = writer.join();
        cgi(&done.stdout)
    }
}

/// Headers, an empty line, the body.
fn cgi(out: &[u8]) -> Response<Body> {
    let end = memchr::memmem::find(out, b"\r\n\r\n").unwrap_or(out.len());
    let head = String::from_utf8_lossy(&out[..end]).into_owned();
    let mut status = StatusCode::OK;
    let mut headers = Vec::new();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if name == "Status" {
            status = value.split(' ').next().and_then(|code| code.parse().ok()).expect("a status");
        } else {
            headers.push((name, value));
        }
    }
    response(status, &headers, out.get(end + 4..).unwrap_or_default().to_vec())
}

fn response(status: StatusCode, headers: &[(&str, &str)], body: Vec<u8>) -> Response<Body> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::from(body)).expect("a response")
}

/// Writes files into a work tree and commits them; the commit.
pub fn commit(work: &Path, message: &str, files: &[(&str, &str)]) -> String {
    for (name, text) in files {
        let path = work.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    git(work, &["add", "--all", "--force"]);
    git(work, &["commit", "--quiet", "--allow-empty", "-m", message]);
    git(work, &["rev-parse", "HEAD"])
}

/// Git of the tests: with a name, and nothing else of the machine's settings.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let (ok, text) = try_git(folder, arguments);
    assert!(ok, "git {arguments:?} in {}: {text}", folder.display());
    text
}

pub fn try_git(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GIT_")) {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for name in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"] {
        command.env(name, "Tester");
    }
    for name in ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
        command.env(name, "tester@example.com");
    }
    let done = command.output().expect("git runs");
    let text = if done.status.success() { &done.stdout } else { &done.stderr };
    (done.status.success(), String::from_utf8_lossy(text).trim_end().to_owned())
}
