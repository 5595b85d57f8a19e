//! The rig itself: what all other program tests rely on.

use crate::model_server::script::{INPUT_TOKENS, Step, always, say, shell, status};
use crate::model_server::{Answer, ModelServer, Order};
use crate::need;
use crate::support::{Home, need};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Asks as an agent would. The status, and the body.
fn post(url: &str, body: &Value) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(url).body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.text().await.unwrap_or_else(|error| format!("cut: {error}")))
    })
}

fn messages(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}],
           "tools": [{"name": "Bash"}]})
}

#[test]
fn a_lane_follows_its_script() {
    let server = ModelServer::shared();
    let lane = server.lane("rig-script", vec![shell("ls"), status(529), say("done"), Step::Cut]);
    let url = format!("{}/v1/messages", lane.url("127.0.0.1"));
    let (code, body) = post(&url, &messages(false));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &body["content"][0]["input"]["command"]), (200, &json!("ls")));
    assert_eq!(post(&url, &messages(true)).0, 529);
    let side = json!({"model": "m", "messages": []});
    assert!(post(&url, &side).1.contains("A title"), "a side request uses up no step");
    let count = post(&format!("{url}/count_tokens"), &side);
    assert_eq!(count, (200, json!({"input_tokens": INPUT_TOKENS}).to_string()));
    let (_, body) = post(&url, &messages(true));
    assert!(body.starts_with("event: message_start\ndata: {"), "{body}");
    assert!(body.contains("\"text\":\"done\"") && body.ends_with("\n\n"), "{body}");
    assert!(post(&url, &messages(true)).1.starts_with("cut: "));
    assert_eq!(lane.asked().len(), 4);
}

#[test]
fn a_call_that_is_not_known_fails_the_test() {
    let server = ModelServer::shared();
    let lane = server.lane("rig-unknown", vec![say("one")]);
    let url = lane.url("127.0.0.1");
    assert_eq!(post(&format!("{url}/v2/other"), &json!({})).0, 400);
    assert_eq!(post(&format!("{url}/v1/messages"), &messages(false)).0, 200);
    assert_eq!(post(&format!("{url}/v1/messages"), &messages(false)).0, 400);
    let unexpected = lane.unexpected();
    assert_eq!(unexpected.len(), 2, "{unexpected:?}");
    lane.pardon();
    assert!(lane.unexpected().is_empty());
    lane.then(vec![say("two")]);
    assert_eq!(post(&format!("{url}/v1/messages"), &messages(false)).0, 200);
    assert_eq!(post(&format!("{url}/v3"), &json!({})).0, 400);
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(lane)));
    assert!(dropped.is_err(), "dropping the lane must have failed");
}

#[test]
fn a_server_of_its_own_ends_when_dropped() {
    let server = ModelServer::start(0).unwrap();
    let lane = server.lane("default", vec![always(status(529))]);
    let url = format!("http://127.0.0.1:{}/v1/messages", server.port());
    for _ in 0..3 {
        assert_eq!(post(&url, &messages(true)).0, 529);
    }
    assert_eq!(server.seen().len(), lane.asked().len());
    let address = format!("127.0.0.1:{}", server.port());
    drop(server);
    let gone = |_| {
        std::thread::sleep(Duration::from_millis(10));
        std::net::TcpStream::connect(&address).is_err()
    };
    assert!((0..500).any(gone), "it still listens");
}

#[test]
fn history_chooses_the_step_where_sessions_share_a_lane() {
    let server = ModelServer::shared();
    let lane = server.lane_in("rig-history", vec![say("first"), say("second")], Order::History);
    let url = format!("{}/v1/responses", lane.url("127.0.0.1"));
    let mut body = json!({"model": "m", "tools": [{"type": "function", "name": "exec_command"}],
                          "input": [{"type": "message", "role": "user", "content": "hi"}]});
    for _ in 0..2 {
        assert!(post(&url, &body).1.contains("first"));
    }
    let own = json!({"type": "function_call", "name": "exec_command", "call_id": "c"});
    body["input"].as_array_mut().unwrap().push(own);
    assert!(post(&url, &body).1.contains("second"));
    let steps: Vec<Answer> = lane.seen().into_iter().map(|seen| seen.answer).collect();
    assert_eq!(steps, [Answer::Step(0), Answer::Step(0), Answer::Step(1)]);
}

/// A real program's first turn with a tool call, and a follow-up in the same conversation.
struct Talk<'a> {
    lane: &'a str,
    program: &'a str,
    /// Here and in the arguments, `{url}` is the lane's base URL.
    env: &'a [(&'a str, &'a str)],
    first: &'a [&'a str],
    /// `{id}` is the conversation's.
    follow_up: &'a [&'a str],
    /// Where the conversation's id is in the first line that has it.
    id: &'a str,
}

fn turn(talk: &Talk, arguments: &[&str], home: &Path, url: &str, id: &str) -> String {
    let program = need::program(talk.program).unwrap();
    let put = |text: &str| text.replace("{url}", url).replace("{id}", id);
    let mut command = Command::new("timeout");
    command.arg("120").arg(program).args(arguments.iter().map(|argument| put(argument)));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home).current_dir(home);
    command.envs(talk.env.iter().map(|(name, value)| (name, put(value))));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"look around\n").unwrap();
    let done = child.wait_with_output().unwrap();
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{}: {told}", talk.program);
    told
}

fn check(talk: &Talk) {
    need!(need::program(talk.program));
    let steps = vec![shell("echo from-$((40+2))"), say("seen"), shell("exit 3"), say("again")];
    let lane = ModelServer::shared().lane(talk.lane, steps);
    let home = Home::new();
    let (home, url) = (home.path().join("home"), lane.url("127.0.0.1"));
    let told = turn(talk, talk.first, &home, &url, "");
    assert!(told.contains("from-42") && told.contains("seen"), "{told}");
    let id = told.lines().find_map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        event[talk.id].as_str().map(str::to_owned)
    });
    let told = turn(talk, talk.follow_up, &home, &url, &id.unwrap());
    assert!(told.contains("again"), "{told}");
    let asked = lane.asked();
    assert_eq!(asked.len(), 4);
    let last = asked[3].body.to_string();
    assert!(last.contains("from-42") && last.contains("seen"), "it resumed its conversation");
}

#[test]
fn real_claude_code_talks_to_it() {
    let stream = ["-p", "--output-format", "stream-json", "--verbose"];
    let usual = [&stream[..], &["--dangerously-skip-permissions"]].concat();
    check(&Talk {
        lane: "rig-claude",
        program: "claude",
        env: &[
            ("ANTHROPIC_API_KEY", "k"),
            ("ANTHROPIC_BASE_URL", "{url}"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("IS_SANDBOX", "1"),
        ],
        first: &usual,
        follow_up: &[&usual[..], &["--resume", "{id}"]].concat(),
        id: "session_id",
    });
}

#[test]
fn real_codex_talks_to_it() {
    const PROVIDER: &str = "model_providers.x={name=\"X\",base_url=\"{url}/v1\",env_key=\"KEY\",\
                            wire_api=\"responses\"}";
    let settings = ["-c", "model_provider=\"x\"", "-c", PROVIDER];
    let settings = [&settings[..], &["-c", "analytics.enabled=false"]].concat();
    let usual = ["--json", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check"];
    let run =
        |verb: &[&'static str], rest: &[&'static str]| [verb, &usual, &settings, rest].concat();
    check(&Talk {
        lane: "rig-codex",
        program: "codex",
        env: &[("KEY", "k")],
        first: &run(&["exec"], &["-"]),
        follow_up: &run(&["exec", "resume"], &["{id}", "-"]),
        id: "thread_id",
    });
}

#[test]
fn real_opencode_talks_to_it() {
    check(&Talk {
        lane: "rig-opencode",
        program: "opencode",
        env: &[
            ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
            ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
            (
                "OPENCODE_CONFIG_CONTENT",
                r#"{"autoupdate":false,"model":"x/m","provider":{"x":{"name":"X",
                   "npm":"@ai-sdk/openai-compatible","options":{"baseURL":"{url}/v1","apiKey":"k"},
                   "models":{"m":{"name":"M","limit":{"context":200000,"output":8192}}}}}}"#,
            ),
        ],
        first: &["run", "--format", "json", "--auto"],
        follow_up: &["run", "--format", "json", "--auto", "--session", "{id}"],
        id: "sessionID",
    });
}

/// Containers reach the model server by their gateway.
#[test]
fn a_container_reaches_the_model_server() {
    let (engine, image) = (need!(need::docker()), need!(need::image()));
    let lane = ModelServer::shared().lane("rig-container", vec![]);
    let url = format!("{}/v1/models", lane.url(&engine.gateway));
    let done = Command::new("docker")
        .args(["run", "--rm", &image, "curl", "-fsS", "-m", "10", &url])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{told}");
    assert!(lane.wait_asked(0, Duration::ZERO));
    let seen = lane.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].headers["user-agent"].starts_with("curl/"), "{:?}", seen[0].headers);
}

#[test]
fn the_program_runs_in_an_emptied_environment() {
    let home = Home::new();
    home.write("config/presets/mine.toml", "description = \"my own\"\nharness = \"triage\"\n");
    let limit = Duration::from_secs(30);
    let run = home.run(&["preset", "list", "--json"]).env("NO_COLOR", "1").limit(limit);
    let running = run.current_dir(home.path()).stdin("").start();
    assert!(running.pid() > 0);
    running.wait_for("\"mine\"");
    let done = running.done().ok();
    assert_eq!((done.signal, &*done.stderr), (None, ""));
    assert!(done.took < limit);
    let mine = |preset: &Value| preset["name"] == "mine" && preset["harness"] == "triage";
    assert!(done.json().as_array().unwrap().iter().any(mine));
    assert_eq!(home.containers(), Vec::<String>::new());
}
