//! Our runs on real Phoenix servers, read back over its own API.

use super::{AGENT, last};
use crate::model_server::ModelServer;
use crate::model_server::script::{say, shell};
use crate::need;
use crate::support::{Home, need};
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

/// Asks a server, as a person with `curl` would.
fn get(url: &str, key: Option<&str>) -> Value {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--noproxy", "*", "--max-time", "20", url]);
    if let Some(key) = key {
        curl.args(["-H", &format!("authorization: Bearer {key}")]);
    }
    let output = curl.output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// The spans of a project, once there are so many: what a server takes it stores later.
fn spans(url: &str, project: &str, key: Option<&str>, count: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let page = get(&format!("{url}/v1/projects/{project}/spans?limit=1000"), key);
        let spans = page["data"].as_array().cloned().unwrap_or_default();
        if spans.len() >= count {
            return spans;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{} of {count}: {page}", spans.len());
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn project(home: &Home) -> String {
    format!("runs-{}", home.path().file_name().unwrap().to_str().unwrap())
}

/// What the server shows of a session, held against what was told of it here.
fn check(url: &str, key: Option<&str>, home: &Home, count: usize) -> Vec<Value> {
    let project = project(home);
    let session = last(home);
    let spans = spans(url, &project, key, count);
    assert_eq!(spans.len(), count);
    let ids: Vec<_> = spans.iter().map(|span| &span["context"]["span_id"]).collect();
    for span in &spans {
        assert_eq!(span["attributes"]["session.id"], session.as_str(), "{span}");
        assert!(span["parent_id"].is_null() || ids.contains(&&span["parent_id"]), "{span}");
    }
    let sessions = get(&format!("{url}/v1/projects/{project}/sessions"), key);
    let shown = &sessions["data"][0];
    assert_eq!(shown["session_id"], session.as_str(), "{sessions}");
    let usage = &home.show("last")["usage"];
    let of = |name: &str| usage[name].as_u64().unwrap();
    let prompt = of("input_tokens") + of("cache_read_tokens") + of("cache_write_tokens");
    assert_eq!(shown["token_count_prompt"], prompt, "{usage} {shown}");
    assert_eq!(shown["token_count_completion"], of("output_tokens"), "{usage} {shown}");
    let traces = get(&format!("{url}/v1/projects/{project}/traces"), key);
    assert_eq!(traces["data"].as_array().map(Vec::len), Some(1), "one session, one trace");
    assert_eq!(traces["data"][0]["token_count_total"], prompt + of("output_tokens"));
    spans
}

fn names(spans: &[Value]) -> Vec<String> {
    let name = |span: &Value| {
        let text = |key: &str| span[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("span_kind"), text("name"), text("status_code"))
    };
    let mut names: Vec<String> = spans.iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn a_session_is_shown_right() {
    need!(need::bubblewrap());
    let server = need!(need::phoenix());
    let home = Home::new();
    home.telemetry(&server.open, &format!("project = \"{}\"", project(&home)));
    home.agent();
    let told = check(&server.open, None, &home, 14);
    assert_eq!(
        names(&told),
        [
            "AGENT invoke_agent agent OK",
            "AGENT invoke_agent explorer OK",
            "CHAIN sandbox.collect OK",
            "CHAIN sandbox.provision OK",
            "CHAIN sandbox.remove OK",
            "CHAIN turn 1 OK",
            "LLM chat OK",
            "LLM chat OK",
            "LLM chat m-1 OK",
            "LLM chat m-1 OK",
            "LLM usage m-1 OK",
            "TOOL execute_tool bash OK",
            "TOOL execute_tool grep ERROR",
            "TOOL execute_tool never UNSET",
        ]
    );
    // Again: the same spans, and so nothing new.
    home.ask(&["session", "export", "last", "--send"]).ok();
    std::thread::sleep(Duration::from_secs(2));
    check(&server.open, None, &home, 14);
}

#[test]
fn a_key_is_needed_where_the_server_wants_one() {
    need!(need::bubblewrap());
    let server = need!(need::phoenix());
    let home = Home::new();
    home.telemetry(&server.auth, &format!("project = \"{}\"\nsecret = \"KEY\"", project(&home)));
    home.script("agent", "local", AGENT, "");
    let start = ["session", "start", "--preset", "agent", "look around"];
    let done = home.run(&start).env("KEY", "a-wrong-key-altogether").done().ok();
    assert!(done.stderr.contains("the server answered 401"), "{}", done.stderr);
    let send = ["session", "export", "last", "--send"];
    home.run(&send).env("KEY", &server.admin).done().ok();
    check(&server.auth, Some(&server.admin), &home, 14);
}

/// The real Claude Code: what the server adds up is what the program said that it spent.
fn real(harness: &str, name: &str, model: &str, count: usize) {
    need!(need::bubblewrap());
    need!(need::program(name));
    let server = need!(need::phoenix());
    let steps = vec![shell("echo from-$((40+2))"), shell("exit 3"), say("the answer")];
    let lane = ModelServer::shared().lane(&format!("telemetry-{harness}"), steps);
    let home = Home::new();
    home.preset(
        "real",
        &format!(
            "description = \"a real program\"\nharness = \"{harness}\"\nmodel = \"{model}\"\n\
             [provider]\nbase_url = \"{}\"\nsecret = \"MODEL_KEY\"\n[sandbox]\nprovider = \"local\"\n",
            lane.url("127.0.0.1")
        ),
    );
    home.telemetry(&server.open, &format!("project = \"{}\"", project(&home)));
    let start = ["session", "start", "--preset", "real", "look around"];
    home.run(&start).env("MODEL_KEY", super::CANARY).done().ok();
    let spans = check(&server.open, None, &home, count);
    let kinds = |kind: &str| spans.iter().filter(|span| span["span_kind"] == kind).count();
    assert_eq!((kinds("TOOL"), kinds("AGENT")), (2, 1), "{:?}", names(&spans));
    let failed = spans.iter().filter(|span| span["status_code"] == "ERROR").count();
    assert_eq!(failed, 1, "{:?}", names(&spans));
    assert!(!Value::from(spans).to_string().contains(super::CANARY));
}

#[test]
fn real_claude_code_is_shown_right() {
    real("claude-code", "claude", "sonnet", 11);
}

#[test]
fn real_codex_is_shown_right() {
    real("codex", "codex", "gpt-5.5", 11);
}

#[test]
fn real_opencode_is_shown_right() {
    real("opencode", "opencode", "anthropic/claude-sonnet-4-5", 10);
}
