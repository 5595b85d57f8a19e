//! Eval labels on their way to a real Phoenix server, and what they are refused for.

use crate::need;
use crate::phoenix::viewer_key;
use crate::phoenix_rig::{Direct, HOUR, MINUTE, Sent, agent, now, unique};
use crate::support::{Done, Home, need};
use serde_json::{Value, json};

impl Home {
    /// Runs a worker that leaves these lines as `evals.jsonl`. The session's id.
    #[track_caller]
    pub fn judge(&self, project: &str, lines: &[Value], key: (&str, &str)) -> String {
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        let script =
            format!("cat > /artifacts/evals.jsonl <<'END'\n{}\nEND\necho done", lines.join("\n"));
        self.script("judge", "local", &script, "");
        let start = ["session", "start", "--preset", "judge", "--project", project];
        let more = ["--since", "7d", "--json", "judge them"];
        let done = self.run(&[&start[..], &more].concat()).env(key.0, key.1).done().ok();
        done.lines()[0]["session"].as_str().unwrap().to_owned()
    }
}

fn trace_id(span: &Sent) -> String {
    format!("{:032x}", span.trace)
}

fn span_id(span: &Sent) -> String {
    format!("{:016x}", span.span)
}

/// Three evals: of two spans, and of the trace of the first.
fn evals(spans: &[Sent], label: &str) -> Vec<Value> {
    vec![
        json!({"span_id": span_id(&spans[0]), "name": "right", "label": label, "score": 0.25,
            "explanation": "it answers another question"}),
        json!({"span_id": span_id(&spans[1]), "name": "right", "score": 1}),
        json!({"trace_id": trace_id(&spans[0]), "name": "helpful", "label": "yes"}),
    ]
}

/// What the server has under an identifier: of spans, and of traces.
fn held(direct: &Direct, identifier: &str) -> [Vec<Value>; 2] {
    ["span", "trace"]
        .map(|kind| direct.all(&format!("{kind}_annotations?limit=1000&identifier={identifier}")))
}

fn push(home: &Home, session: &str, more: &[&str]) -> Done {
    home.ask(&[&["session", "evals", "push", session], more].concat())
}

#[test]
fn evals_become_annotations_once() {
    let phoenix = need!(need::phoenix());
    need!(need::bubblewrap());
    let direct = Direct::new(&phoenix.open, &unique("evals"));
    let spans = agent(now().cast_unsigned(), 3, now() - HOUR, MINUTE);
    direct.send(&spans);
    let home = Home::new();
    home.phoenix("p", &direct.url, &direct.project, "");
    let id = home.judge("p", &evals(&spans, "no"), ("K", ""));
    let identifier = format!("loop-{id}");

    let shown = home.ask(&["session", "evals", "show", &id, "--json"]).ok().json();
    assert_eq!((&shown["good"], &shown["wrong"]), (&json!(3), &json!(0)), "{shown:#}");
    assert_eq!(shown["names"][1]["scores"]["mean"], 0.625, "{shown:#}");
    let dry = push(&home, &id, &["--dry-run"]).ok().stdout;
    assert!(dry.contains(&identifier) && dry.ends_with("nothing was sent\n"), "{dry}");
    assert_eq!(held(&direct, &identifier), [const { Vec::<Value>::new() }; 2]);

    for label in ["no", "no", "perhaps"] {
        // Whoever reviews may correct a label before it goes out.
        let file = home.data().join("sessions").join(&id).join("artifacts/evals.jsonl");
        let lines: Vec<String> = evals(&spans, label).iter().map(Value::to_string).collect();
        std::fs::write(file, lines.join("\n")).unwrap();
        assert_eq!(push(&home, &id, &["--yes"]).ok().stdout, "wrote 3 evals to `p`\n");
        let [of_spans, of_traces] = held(&direct, &identifier);
        assert_eq!((of_spans.len(), of_traces.len()), (2, 1), "pushed again, it is an update");
        let first = of_spans.iter().find(|one| one["span_id"] == *span_id(&spans[0])).unwrap();
        assert_eq!(first["annotator_kind"], "LLM");
        let result = json!({"label": label, "score": 0.25,
            "explanation": "it answers another question"});
        assert_eq!(first["result"], result);
        assert_eq!(of_traces[0]["trace_id"], *trace_id(&spans[0]));
    }
    let only = push(&home, &id, &["--name", "helpful", "--dry-run", "--json"]).ok().json();
    assert_eq!(only["requests"].as_array().unwrap().len(), 1, "{only:#}");
    home.nothing_left();
}

#[test]
fn of_a_request_with_an_unknown_span_nothing_is_written() {
    let phoenix = need!(need::phoenix());
    need!(need::bubblewrap());
    let direct = Direct::new(&phoenix.open, &unique("evals"));
    let spans = agent(now().cast_unsigned(), 2, now() - HOUR, MINUTE);
    // The second trace is in the evidence, and not at the server.
    direct.send(&spans[..5]);
    let home = Home::new();
    home.phoenix("p", &direct.url, &direct.project, "");
    let lines: Vec<String> = spans.iter().map(|span| line(span).to_string()).collect();
    let file = home.write("work/spans.jsonl", &lines.join("\n"));
    let mut evals = evals(&spans, "no");
    evals.push(json!({"span_id": span_id(&spans[7]), "name": "right", "score": 0}));
    let id = home.judge(file.to_str().unwrap(), &evals, ("K", ""));

    let refused = push(&home, &id, &["--yes"]).exits(2).stderr;
    assert!(refused.contains("--to PROJECT"), "{refused}");
    let refused = push(&home, &id, &["--to", "p"]).exits(2).stderr;
    assert!(refused.contains("`--yes`"), "{refused}");
    let failed = push(&home, &id, &["--to", "p", "--yes"]).exits(6).stderr;
    for told in [&span_id(&spans[7]), "it writes nothing", "nothing was written before that"] {
        assert!(failed.contains(told), "no `{told}`: {failed}");
    }
    assert_eq!(held(&direct, &format!("loop-{id}")), [const { Vec::<Value>::new() }; 2]);
    home.nothing_left();
}

/// A span as a file has it.
fn line(span: &Sent) -> Value {
    let time = |ms: i64| jiff::Timestamp::from_millisecond(ms).unwrap().to_string();
    json!({"name": span.name, "context": {"trace_id": trace_id(span), "span_id": span_id(span)},
        "parent_id": span.parent.map(|id| format!("{id:016x}")), "start_time": time(span.start),
        "end_time": time(span.start + span.lasts), "status_code": "OK", "attributes": {}})
}

#[test]
fn a_key_that_only_reads_writes_no_evals() {
    let phoenix = need!(need::phoenix());
    need!(need::bubblewrap());
    let mut direct = Direct::new(&phoenix.auth, &unique("evals"));
    direct.key = Some(phoenix.admin.clone());
    let spans = agent(now().cast_unsigned(), 1, now() - HOUR, MINUTE);
    direct.send(&spans);
    let viewer = viewer_key(&direct);
    let home = Home::new();
    home.phoenix("p", &direct.url, &direct.project, "secret = \"PK\"");
    let id = home.judge("p", &evals(&spans, "no"), ("PK", &viewer));
    let push = |key: &str| {
        let words = ["session", "evals", "push", &id, "--yes"];
        let done = home.run(&words).env("PK", key).done();
        assert!(!format!("{}{}", done.stdout, done.stderr).contains(key), "the key shows");
        done
    };
    let failed = push(&viewer).exits(4).stderr;
    assert!(failed.contains("the key in `PK` only reads"), "{failed}");
    assert!(failed.contains("--to PROJECT"), "{failed}");
    let failed = push("px-of-nobody").exits(4).stderr;
    assert!(failed.contains("does not know the key in `PK`"), "{failed}");
    assert_eq!(held(&direct, &format!("loop-{id}")), [const { Vec::<Value>::new() }; 2]);
    push(&phoenix.admin).ok();
    let [of_spans, of_traces] = held(&direct, &format!("loop-{id}"));
    assert_eq!((of_spans.len(), of_traces.len()), (2, 1));
    home.nothing_left();
}

#[test]
fn a_session_without_evals_says_so() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.script("idle", "local", "echo nothing to say", "");
    home.ask(&["session", "start", "--preset", "idle", "--project", "demo", "look"]).ok();
    for verb in ["show", "push"] {
        let failed = home.ask(&["session", "evals", verb, "last"]).exits(2).stderr;
        assert!(failed.contains("left no eval labels"), "{failed}");
    }
    home.nothing_left();
}
