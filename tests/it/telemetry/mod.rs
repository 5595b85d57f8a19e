//! Our own runs as spans: sent to a strict receiver that can also misbehave, and to real servers.

mod collector;
mod phoenix;

use crate::need;
use crate::support::{Done, Home, need};
use collector::{Collector, Reply, Told, spans_of};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Values that must be nowhere in what is sent.
const CANARY: &str = "canary-b6d2f3709c1e4a58";

/// A worker that says what an agent says, with pauses that can be told from nothing.
const AGENT: &str = r#"
e() { printf '%s\n' "$1"; sleep 0.03; }
e '{"kind":"thinking","text":"hm"}'
e '{"kind":"assistant","text":"I look."}'
e '{"kind":"tool_call","id":"t1","name":"bash","input":{"command":"ls"}}'
sleep 0.2
e '{"kind":"tool_result","id":"t1","output":"a.txt","is_error":false,"exit_code":0}'
e '{"kind":"usage","input_tokens":100,"output_tokens":20,"cache_read_tokens":1000,"cache_write_tokens":7,"cost_usd":0.25,"model":"m-1"}'
e '{"kind":"tool_call","id":"t2","name":"task","input":{"subagent_type":"explorer","prompt":"go"}}'
e '{"kind":"tool_call","id":"t3","name":"grep","input":{"q":"x"},"parent":"t2"}'
e '{"kind":"tool_result","id":"t3","output":"no such file","is_error":true}'
e '{"kind":"tool_result","id":"t2","output":"found","is_error":false}'
e '{"kind":"tool_call","id":"t4","name":"never","input":{}}'
e '{"kind":"usage","input_tokens":200,"output_tokens":40,"cache_read_tokens":0,"cache_write_tokens":0,"cost_usd":0.5,"model":"m-1"}'
e '{"kind":"error","text":"a warning of the worker"}'
e '{"kind":"assistant","text":"Done looking."}'
e '{"kind":"usage","input_tokens":1,"output_tokens":2,"cache_read_tokens":3,"cache_write_tokens":4,"model":"m-1"}'
"#;

const TRIAGE: [&str; 8] =
    ["session", "start", "--preset", "triage", "--project", "demo", "--sandbox", "local"];

impl Home {
    /// Sends runs there. `more` are further lines of `[telemetry]`.
    fn telemetry(&self, endpoint: &str, more: &str) {
        let text = format!("[telemetry]\nendpoint = \"{endpoint}\"\n{more}\n");
        self.write("config/config.toml", &text);
    }

    /// A worker that acts as an agent does, once.
    fn agent(&self) -> Done {
        self.script("agent", "local", AGENT, "");
        self.ask(&["session", "start", "--preset", "agent", "look around"]).ok()
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data().join("store.db")).unwrap()
    }

    /// What is known of the sending of the newest session: state, spans, turns, tries.
    fn sending(&self) -> (String, u64, u32, u32) {
        let sql =
            "SELECT state, spans, exports.turns, tries FROM exports JOIN sessions ON id = session
            ORDER BY created_at DESC LIMIT 1";
        let row = |row: &rusqlite::Row<'_>| {
            let spans: i64 = row.get(1)?;
            Ok((row.get(0)?, spans as u64, row.get(2)?, row.get(3)?))
        };
        self.database().query_row(sql, [], row).unwrap()
    }

    /// As if the wait for the next try were over.
    fn wait_is_over(&self) {
        assert_eq!(self.database().execute("UPDATE exports SET due_at = 0", []).unwrap(), 1);
    }
}

/// The tree as names, each below the one it belongs to, in the order of their starts.
fn tree(spans: &[Told]) -> String {
    fn below(spans: &[&Told], parent: Option<&String>, depth: usize, text: &mut String) {
        for span in spans.iter().filter(|span| span.parent.as_ref() == parent) {
            let status = ["", " ok", " error"][span.status as usize];
            text.push_str(&format!(
                "{}{} {}{status}\n",
                "  ".repeat(depth),
                span.kind(),
                span.name
            ));
            below(spans, Some(&span.id), depth + 1, text);
        }
    }
    let mut spans: Vec<_> = spans.iter().collect();
    spans.sort_by_key(|span| (span.start, span.end, span.name.clone()));
    let mut text = String::new();
    below(&spans, None, 0, &mut text);
    text
}

/// What holds for every session's spans.
fn sound(spans: &[Told], session: &str) {
    let ids: BTreeMap<_, _> = spans.iter().map(|span| (&span.id, span)).collect();
    assert_eq!(ids.len(), spans.len(), "an id comes twice");
    for span in spans {
        assert_eq!(span.trace, spans[0].trace);
        assert_eq!(span.attributes["session.id"], session, "{}", span.name);
        assert!(span.start <= span.end, "{}", span.name);
        if let Some(parent) = &span.parent {
            let parent =
                ids.get(parent).unwrap_or_else(|| panic!("{} hangs in the air", span.name));
            assert!(parent.start <= span.start, "{} begins before {}", span.name, parent.name);
        }
    }
    assert_eq!(spans.iter().filter(|span| span.parent.is_none()).count(), 1);
}

fn last(home: &Home) -> String {
    home.show("last")["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_session_becomes_a_tree_with_true_times() {
    need!(need::bubblewrap());
    let (home, collector) = (Home::new(), Collector::start());
    home.telemetry(&collector.url(), "project = \"mine\"");
    let before = jiff::Timestamp::now().as_millisecond();
    home.agent();
    let after = jiff::Timestamp::now().as_millisecond();
    let spans = collector.spans();
    sound(&spans, &last(&home));
    insta::assert_snapshot!(tree(&spans), @r"
    AGENT invoke_agent agent ok
      CHAIN sandbox.provision ok
      CHAIN turn 1 ok
        LLM chat m-1 ok
        TOOL execute_tool bash ok
        LLM chat ok
        AGENT invoke_agent explorer ok
          LLM chat ok
          TOOL execute_tool grep error
        TOOL execute_tool never
        LLM usage m-1 ok
        LLM chat m-1 ok
      CHAIN sandbox.collect ok
      CHAIN sandbox.remove ok
    ");
    for span in &spans {
        assert!(before <= span.start && span.end <= after, "{span:?}");
        assert_eq!(span.resource["openinference.project.name"], "mine");
        assert!(!span.resource.contains_key("arize.project.type"));
    }
    let one = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let tool = one("execute_tool bash");
    assert!((200..1_000).contains(&(tool.end - tool.start)), "{tool:?}");
    assert_eq!(tool.attributes["tool.parameters"], r#"{"command":"ls"}"#);
    assert_eq!(tool.attributes["output.value"], "a.txt");
    assert_eq!(one("execute_tool grep").message, "no such file");
    let call = one("chat m-1");
    let count = |key: &str| call.attributes[&format!("llm.token_count.{key}")].as_str();
    assert_eq!((count("prompt"), count("completion"), count("total")), ("1107", "20", "1127"));
    assert_eq!(
        (count("prompt_details.cache_read"), count("prompt_details.cache_write")),
        ("1000", "7")
    );
    let root = one("invoke_agent agent");
    assert_eq!(root.attributes["input.value"], "look around");
    assert!(root.attributes["output.value"].contains("Done looking."), "{root:?}");
    let seen = collector.seen();
    assert!(seen.iter().all(|seen| seen.headers["x-project-name"] == "mine"));
    assert_eq!(home.sending(), ("sent".to_owned(), spans.len() as u64, 1, 0));
    home.nothing_left();
}

/// Every turn is sent when it is over, and the session when it is; nothing is sent twice.
#[test]
fn turns_are_sent_as_they_end() {
    need!(need::bubblewrap());
    let (home, collector) = (Home::new(), Collector::start());
    home.telemetry(&collector.url(), "");
    home.script("talk", "local", "echo hello", "");
    let id = home.detach(&["--preset", "talk", "one"]);
    home.wait(&id, "idle");
    let names = |spans: &[Told]| spans.iter().map(|span| span.name.clone()).collect::<Vec<_>>();
    let first = ["sandbox.provision", "turn 1", "sandbox.collect"];
    assert_eq!(names(&collector.spans()), first);
    home.ask(&["session", "send", &id, "--wait", "two"]).ok();
    assert_eq!(names(&collector.spans())[3..], ["turn 2", "sandbox.collect"]);
    home.ask(&["session", "stop", &id]).ok();
    let spans = collector.spans();
    assert_eq!(names(&spans)[5..], ["sandbox.remove", "invoke_agent talk"]);
    sound(&spans, &id);
    for page in [&["gc"][..], &["session", "list"], &["session", "show", &id]] {
        home.ask(page).ok();
    }
    assert_eq!(collector.spans().len(), spans.len());
    home.nothing_left();
}

/// Arize AX wants its key as it is, the space beside it, and to be told what these spans are.
#[test]
fn arize_is_spoken_to_as_it_wants() {
    need!(need::bubblewrap());
    let (home, collector) = (Home::new(), Collector::start());
    collector.agree(&["authorization", "arize-space-id", "x-team"]);
    let more = "secret = \"AX_KEY\"\nspace = \"U3BhY2U6MQ==\"\nheaders = { X-Team = \"blue\" }";
    home.telemetry(&collector.url(), more);
    home.run(&TRIAGE).env("AX_KEY", CANARY).done().ok();
    let seen = collector.seen();
    assert!(!seen.is_empty());
    for one in &seen {
        assert_eq!(one.headers["authorization"], CANARY);
        assert_eq!(one.headers["arize-space-id"], "U3BhY2U6MQ==");
        assert_eq!(one.headers["x-team"], "blue");
        assert!(!String::from_utf8_lossy(&one.body).contains(CANARY));
    }
    for span in collector.spans() {
        assert_eq!(span.resource["arize.project.type"], "harness");
        assert_eq!(span.resource["openinference.project.name"], "loop-workers");
    }
}

/// What a worker shows of its secrets was taken out before it was stored, and what a person wrote
/// into a prompt is taken out on the way.
#[test]
fn no_secret_is_sent() {
    need!(need::bubblewrap());
    let (home, collector) = (Home::new(), Collector::start());
    collector.agree(&["authorization"]);
    home.telemetry(&collector.url(), "secret = \"COLLECTOR_KEY\"");
    home.write(
        "config/skills/status.toml",
        "kind = \"custom\"\ndescription = \"status\"\n[secrets]\nSTATUS_KEY = { help = \"a key\" }\n",
    );
    let script = r#"env; printf '{"kind":"tool_call","id":"%s","name":"%s","input":{"k":"%s"}}\n' \
        "$STATUS_KEY" "$STATUS_KEY" "$STATUS_KEY"
        printf '%s' "$STATUS_KEY" | base64; echo "$STATUS_KEY" >/artifacts/note.txt; exit 3"#;
    home.script("leaky", "local", script, "");
    let worker = format!("{CANARY}-worker");
    let done = home
        .run(&[
            "session",
            "start",
            "--preset",
            "leaky",
            "--skill",
            "status",
            &format!("use {worker}"),
        ])
        .env("STATUS_KEY", &worker)
        .env("COLLECTOR_KEY", &format!("{CANARY}-collector"))
        .done();
    assert_eq!(done.code, Some(1), "{done:?}");
    let seen = collector.seen();
    let spans = collector.spans();
    sound(&spans, &last(&home));
    let text: String = seen.iter().map(|seen| String::from_utf8_lossy(&seen.body)).collect();
    assert!(text.contains("use [redacted]"), "the prompt is told");
    assert!(text.contains("note.txt"), "artifacts are told by name");
    assert!(!text.contains(CANARY), "{text}");
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &worker);
    assert!(!text.contains(&encoded[..24]), "{text}");
    for seen in &seen {
        assert_eq!(seen.headers["authorization"], format!("Bearer {CANARY}-collector"));
    }
}

#[test]
fn a_full_server_is_asked_again() {
    need!(need::bubblewrap());
    let (home, collector) = (Home::new(), Collector::start());
    home.telemetry(&collector.url(), "");
    collector.replies([Reply::Status(503, "the queue is full")]);
    let done = home.agent();
    assert!(!done.stderr.contains("cannot send"), "{}", done.stderr);
    sound(&collector.spans(), &last(&home));
    assert_eq!(home.sending().0, "sent");
}

/// A session that could not send its spans is as good as any other, and `gc` sends them later.
fn fails_and_is_sent_later(reply: Reply, told: &str) {
    let (home, collector) = (Home::new(), Collector::start());
    home.telemetry(&collector.url(), "");
    collector.replies(std::iter::repeat_n(reply, 50));
    let done = home.agent();
    assert!(done.took < Duration::from_secs(12), "{:?}", done.took);
    assert!(done.stderr.contains("cannot send spans"), "{}", done.stderr);
    assert!(done.stderr.contains(told), "{}", done.stderr);
    assert!(done.stderr.contains("--send"), "{}", done.stderr);
    let (state, spans, turns, tries) = home.sending();
    assert_eq!((state.as_str(), spans, turns, tries), ("open", 0, 0, 1));
    let asked = collector.seen().len();
    let done = home.ask(&["gc"]).ok();
    assert_eq!(collector.seen().len(), asked, "it waits before it tries again");
    assert!(done.stderr.contains("spans of 1 session not sent yet"), "{}", done.stderr);
    collector.replies([]);
    home.wait_is_over();
    home.ask(&["gc"]).ok();
    sound(&collector.spans(), &last(&home));
    assert_eq!(home.sending().0, "sent");
    home.nothing_left();
}

#[test]
fn a_server_that_refuses_is_tried_later() {
    need!(need::bubblewrap());
    fails_and_is_sent_later(Reply::Status(415, "no such type"), "415: no such type");
}

#[test]
fn a_server_that_hangs_holds_nothing_up() {
    need!(need::bubblewrap());
    fails_and_is_sent_later(Reply::Hang, "cannot reach");
}

#[test]
fn a_server_that_wants_another_key_is_told_so() {
    need!(need::bubblewrap());
    fails_and_is_sent_later(Reply::Status(401, "Invalid token"), "401: Invalid token");
}

#[test]
fn a_server_that_is_away_is_tried_a_few_times() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.telemetry("http://127.0.0.1:1", "");
    let done = home.agent();
    assert!(done.took < Duration::from_secs(8), "{:?}", done.took);
    assert!(
        done.stderr.contains("cannot send spans to `http://127.0.0.1:1/v1/traces`"),
        "{}",
        done.stderr
    );
    for tries in 2..=8 {
        home.wait_is_over();
        home.ask(&["gc"]).ok();
        assert_eq!(home.sending().3, tries);
    }
    assert_eq!(home.sending().0, "given up");
    home.wait_is_over();
    let done = home.ask(&["gc"]).ok();
    assert!(!done.stderr.contains("cannot send"), "{}", done.stderr);
    let failed = home.ask(&["session", "export", "last", "--send"]).exits(6);
    assert!(failed.stderr.contains("cannot send spans"), "{}", failed.stderr);
}

/// Whoever sends may be killed at any moment: the next look goes on, and no span gets another id.
#[test]
fn a_kill_while_it_sends_loses_nothing() {
    need!(need::bubblewrap());
    let (home, collector) = (Home::new(), Collector::start());
    home.telemetry(&collector.url(), "");
    home.script("talk", "local", "echo hello", "");
    collector.replies([Reply::Hang]);
    let running = home.run(&["session", "start", "--preset", "talk", "one"]).start();
    collector.wait(1);
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.done();
    home.ask(&["gc"]).ok();
    let id = last(&home);
    home.ask(&["session", "stop", &id]).ok();
    let spans = collector.spans();
    sound(&spans, &id);
    let ids = |spans: &[Told]| spans.iter().map(|span| span.id.clone()).collect::<BTreeSet<_>>();
    let hung = collector::told(&collector.seen()[0]);
    assert!(!hung.is_empty() && ids(&hung).is_subset(&ids(&spans)), "the same ids again");
    home.nothing_left();
}

/// A long session goes in pieces, and who goes on begins after the last one that was taken.
#[test]
fn a_long_session_is_gone_on_with() {
    need!(need::bubblewrap());
    let (home, collector) = (Home::new(), Collector::start());
    home.telemetry(&collector.url(), "");
    let script = r#"i=0; while [ $i -lt 1500 ]; do i=$((i+1))
        printf '{"kind":"tool_call","id":"t%d","name":"bash","input":{}}\n' $i
        printf '{"kind":"tool_result","id":"t%d","output":"","is_error":false}\n' $i
        done"#;
    home.script("long", "local", script, "");
    collector.replies([Reply::Take, Reply::Take, Reply::Status(500, "broken")]);
    let done = home.ask(&["session", "start", "--preset", "long", "go"]).ok();
    assert!(done.stderr.contains("500: broken"), "{}", done.stderr);
    assert_eq!(home.sending(), ("open".to_owned(), 1024, 0, 0), "what is taken is no failed try");
    home.wait_is_over();
    home.ask(&["gc"]).ok();
    let spans = collector.spans();
    sound(&spans, &last(&home));
    assert!(spans.len() > 1_500);
    assert_eq!(home.sending(), ("sent".to_owned(), spans.len() as u64, 1, 0));
}

/// What a person asks for is sent whole, again and again, as the same spans.
#[test]
fn sending_again_makes_nothing_new() {
    need!(need::bubblewrap());
    let (home, collector) = (Home::new(), Collector::start());
    home.ask(&TRIAGE).ok();
    let failed = home.ask(&["session", "export", "last", "--send"]).exits(3);
    assert!(failed.stderr.contains("[telemetry]"), "{}", failed.stderr);
    home.telemetry(&collector.url(), "");
    home.ask(&["gc"]).ok();
    assert_eq!(collector.seen().len(), 0, "it was started without");
    let sent = home.ask(&["session", "export", "last", "--send", "--json"]).ok().json();
    let first = collector.spans();
    sound(&first, &last(&home));
    assert_eq!(sent["spans"], first.len());
    home.ask(&["session", "export", "last", "--format", "otlp", "--send"]).ok();
    assert_eq!(collector.spans()[first.len()..], first);
    home.ask(&["session", "export", "last", "--format", "md", "--send"]).exits(2);
    home.ask(&["session", "export", "last", "--send", "-o", "x"]).exits(2);
}

/// Without settings nothing is sent and nothing is remembered.
#[test]
fn without_settings_nothing_is_sent() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.ask(&TRIAGE).ok();
    let count: i64 =
        home.database().query_row("SELECT count(*) FROM exports", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 0);
}

/// The same spans as a file, for this program and for others.
#[test]
fn a_file_holds_the_same_spans() {
    need!(need::bubblewrap());
    let (home, collector) = (Home::new(), Collector::start());
    home.telemetry(&collector.url(), "");
    home.agent();
    let sent = collector.spans();
    let export = ["session", "export", "last", "--format", "otlp"];
    for (name, more) in [("run.jsonl", &["-o", "run.jsonl"][..]), ("run.pb", &["-o", "run.pb"])] {
        home.ask(&[&export[..], more].concat()).ok();
        let bytes = std::fs::read(home.path().join("work").join(name)).unwrap();
        let told = if name == "run.pb" {
            let message = prost::Message::decode(bytes.as_slice());
            spans_of(&message.unwrap())
        } else {
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            lines.flat_map(|line| spans_of(&serde_json::from_slice(line).unwrap())).collect()
        };
        assert_eq!(told, sent, "{name}");
    }
    let stats = home.ask(&["traces", "list", "--project", "run.jsonl", "--json"]).ok();
    let text = stats.stdout;
    assert!(text.contains(&sent[0].trace) && text.contains("invoke_agent agent"), "{text}");
    let listed: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap_or_default();
    assert!(listed.to_string().contains("1377") || text.contains("1377"), "tokens: {text}");
    let piped = home.ask(&export).ok();
    assert_eq!(piped.stdout.lines().count(), 1);
}

/// A worker must not be set on itself.
#[test]
fn the_watched_project_gets_no_runs() {
    let home = Home::new();
    let settings = |endpoint: &str, more: &str| {
        let text = format!(
            "[projects.shop]\nsource = \"phoenix\"\nurl = \"http://localhost:6006/\"\n\
             project = \"checkout\"\n[telemetry]\nendpoint = \"{endpoint}\"\n{more}\n"
        );
        home.write("config/config.toml", &text);
    };
    let start =
        ["session", "start", "--preset", "triage", "--project", "shop", "--sandbox", "local"];
    for endpoint in
        ["http://127.0.0.1:6006/v1/traces", "http://localhost:6006", "http://[::1]:6006/v1/traces"]
    {
        settings(endpoint, "project = \"checkout\"");
        for more in [&[][..], &["--dry-run"]] {
            let failed = home.ask(&[&start[..], more].concat()).exits(3);
            assert!(failed.stderr.contains("project = \"loop-workers\""), "{}", failed.stderr);
            assert!(failed.stderr.contains("the project they look at"), "{}", failed.stderr);
        }
    }
    let sessions = home.ask(&["session", "list", "--json"]).ok();
    assert!(!sessions.stdout.contains("shop"), "nothing was begun: {}", sessions.stdout);
    settings("http://127.0.0.1:6006", "");
    home.ask(&[&start[..], &["--dry-run"]].concat()).ok();
}
