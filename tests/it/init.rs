//! `loop init`: from nothing to a first session, with and without somebody to ask.

use crate::acts::holds_none;
use crate::need;
use crate::support::{Home, need};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const GOOD: &str = "sk-good-5f0e91c2ab77";
const BAD: &str = "sk-bad-00112233445566";

/// A model API that lists its models to whoever brings the good key, and knows no other call. It waits
/// for its calls no longer than a test may take.
fn models(calls: usize) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    listener.set_nonblocking(true).unwrap();
    let thread = std::thread::spawn(move || {
        let one = || {
            let since = Instant::now();
            let mut stream = loop {
                match listener.accept() {
                    Ok((stream, _)) => break stream,
                    Err(_) if since.elapsed() < Duration::from_secs(30) => {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    Err(error) => panic!("nobody asked: {error}"),
                }
            };
            stream.set_nonblocking(false).unwrap();
            let mut request = [0; 8192];
            let read = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let known = request.starts_with("GET /v1/models?limit=1 ")
                && request.contains("anthropic-version: 2023-06-01");
            let (status, body) = match (known, request.contains(&format!("x-api-key: {GOOD}"))) {
                (false, _) => ("404 Not Found", "{}"),
                (true, true) => ("200 OK", r#"{"data":[{"id":"m"}],"has_more":false}"#),
                (true, false) => {
                    ("401 Unauthorized", r#"{"error":{"message":"invalid x-api-key"}}"#)
                }
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
            request
        };
        (0..calls).map(|_| one()).collect()
    });
    (url, thread)
}

/// What a file of settings says.
fn config(home: &Home) -> String {
    std::fs::read_to_string(home.config().join("config.toml")).unwrap_or_default()
}

#[test]
fn without_an_account_a_first_session_is_run() {
    need!(need::bubblewrap());
    let home = Home::new();
    let nobody = [("DOCKER_HOST", "unix:///none.sock"), ("PATH", "/usr/bin:/bin")];
    let run = |arguments: &[&str]| {
        nobody.iter().fold(home.run(arguments), |run, (name, value)| run.env(name, value)).done()
    };
    let done = run(&["init", "--harness", "triage"]).ok();
    for text in ["sandbox", "worker", "repositories", "demo (bundled)", "--preset triage"] {
        assert!(done.stderr.contains(text), "no `{text}`: {}", done.stderr);
    }
    assert!(done.stdout.contains("investigation.md"), "{}", done.stdout);
    assert_eq!(config(&home), "[defaults]\npreset = \"triage\"\nproject = \"demo\"\n");
    // What is set stays; a second time nothing is changed.
    home.write("config/config.toml", "[defaults]\nproject = \"demo\" # mine\n");
    let again = run(&["init", "--harness", "triage", "--no-session"]).ok();
    assert!(again.stderr.contains("loop session start --preset triage"), "{}", again.stderr);
    assert_eq!(config(&home), "[defaults]\nproject = \"demo\" # mine\npreset = \"triage\"\n");
    let listed = home.ask(&["session", "list", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[test]
fn a_key_is_proved_before_anything_is_written() {
    let home = Home::new();
    let found = |key: &str, url: &str| {
        home.run(&["init", "--json"])
            .env("ANTHROPIC_API_KEY", key)
            .env("ANTHROPIC_BASE_URL", url)
            .done()
    };
    let (url, asked) = models(1);
    let refused = found(BAD, &url).exits(4);
    asked.join().unwrap();
    assert!(refused.stderr.contains("`ANTHROPIC_API_KEY` does not work"), "{}", refused.stderr);
    assert!(refused.stderr.contains("invalid x-api-key"), "{}", refused.stderr);
    assert_eq!(config(&home), "");
    let (url, asked) = models(1);
    let told = found(GOOD, &url).ok();
    asked.join().unwrap();
    assert!(!format!("{}{}{}", refused.stderr, told.stdout, told.stderr).contains("sk-"));
    let told = told.json();
    assert_eq!(told["preset"], "claude-code-gateway");
    let key = told["found"].as_array().unwrap().iter().find(|row| row["requirement"] == "key");
    assert_eq!(key.unwrap()["state"], "ready", "{told}");
    assert_eq!(config(&home), "[defaults]\npreset = \"claude-code-gateway\"\nproject = \"demo\"\n");
    // The preset that was made starts against the same server.
    let plan = home.ask(&["session", "start", "--dry-run", "--json"]).ok().json();
    assert_eq!(plan["harness"], "claude-code");
    assert_eq!(plan["provider"]["base_url"], Value::String(url));
    holds_none(home.path(), &[GOOD, BAD]);
}

#[test]
fn without_a_key_and_a_terminal_it_says_what_to_type() {
    let home = Home::new();
    let none = home.ask(&["init", "--harness", "codex"]).exits(4);
    for text in
        ["`OPENAI_API_KEY` is not set", "loop secret set OPENAI_API_KEY", "--harness triage"]
    {
        assert!(none.stderr.contains(text), "no `{text}`: {}", none.stderr);
    }
    assert_eq!(config(&home), "");
    home.ask(&["init", "--harness", "cladue"]).exits(3);
}

/// Runs `loop init` on a terminal of its own, and types an answer when each question shows.
fn at_a_terminal(home: &Home, more: &[(&str, &str)], answers: &[(&str, &str)]) -> String {
    let mut command = Command::new("script");
    let program = env!("CARGO_BIN_EXE_loop");
    command.args(["-qec", &format!("{program} init --harness claude-code"), "/dev/null"]);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "xterm").env("COLUMNS", "100");
    command.env("HOME", home.path().join("home")).env("LOOP_CONFIG_DIR", home.config());
    command.env("LOOP_DATA_DIR", home.data()).env("XDG_RUNTIME_DIR", home.path().join("tmp"));
    command.envs(more.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let shown = Arc::new(Mutex::new(String::new()));
    let reading = shown.clone();
    let thread = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stdout.read(&mut buffer) {
            reading.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    });
    let mut seen = 0;
    for (question, answer) in answers {
        let since = Instant::now();
        let so_far = || shown.lock().unwrap().clone();
        seen += loop {
            match so_far()[seen..].find(question) {
                Some(at) => break at + 1,
                None if since.elapsed() > Duration::from_mins(1) => panic!("{}", so_far()),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        // Whoever asks in secret first empties what was typed before.
        std::thread::sleep(Duration::from_millis(200));
        stdin.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    let status = child.wait().unwrap();
    thread.join().unwrap();
    let shown = shown.lock().unwrap().clone();
    assert!(status.success(), "{shown}");
    shown
}

#[test]
fn somebody_is_asked_for_what_is_missing() {
    need!(need::command("script"));
    need!(need::bubblewrap());
    let home = Home::new();
    let (url, asked) = models(2);
    let traces = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces");
    let file = std::fs::read_dir(traces).unwrap().map(|entry| entry.unwrap().path());
    let file = file.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).min();
    let copy = home.path().join("work/My Shop.jsonl");
    std::fs::copy(file.unwrap(), &copy).unwrap();
    let more = [
        ("ANTHROPIC_BASE_URL", url.as_str()),
        ("LOOP_SECRETS_PASSPHRASE", "correct horse battery"),
        ("DOCKER_HOST", "unix:///none.sock"),
    ];
    let shown = at_a_terminal(
        &home,
        &more,
        &[
            ("keep keys in an encrypted file", "y"),
            ("ANTHROPIC_API_KEY (not shown)", BAD),
            ("ANTHROPIC_API_KEY (not shown)", GOOD),
            ("traces:", copy.to_str().unwrap()),
            ("start a first session now?", "n"),
        ],
    );
    asked.join().unwrap();
    assert!(!shown.contains(GOOD) && !shown.contains(BAD), "{shown}");
    assert!(shown.contains("loop session start --preset claude-code-gateway"), "{shown}");
    let config = config(&home);
    assert!(config.contains("[projects.my-shop]") && config.contains("project = \"my-shop\""));
    let check = home.run(&["secret", "check", "ANTHROPIC_API_KEY", "--json"]);
    let check = check.env("LOOP_SECRETS_PASSPHRASE", "correct horse battery").done().ok().json();
    assert_eq!(check["secrets"][0]["place"], "file");
    holds_none(home.path(), &[GOOD, BAD]);
}
