//! Streams of the programs, read whole, cut and spoilt; and the invocations. They are recordings, save
//! those of a program that cannot be run here, which are made after its documentation.

use super::*;
use crate::domain::transcript::{EventKind, Usage};
use crate::domain::turn::Outcome;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The harnesses of which there are streams, and how each one's final event looks.
const RECORDED: [(&str, &str, &str); 5] = [
    ("claude-code", "claude", r#""type":"result""#),
    ("codex", "codex", r#""type":"turn.completed""#),
    ("opencode", "opencode", r#""reason":"stop""#),
    ("gemini", "gemini", r#""type":"result""#),
    ("cursor", "cursor", r#""type":"result""#),
];

const ID: &str = "5f0c7c1e-5a5e-4d0e-9f61-0d6a3c1f2b11";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams")
}

/// One recording: its lines, and how the program ended.
struct Recording {
    name: String,
    stream: String,
    stderr: String,
    exit: Exit,
}

fn recordings(of: &str) -> Vec<Recording> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder().join(of))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    paths.sort();
    assert!(paths.len() > 6, "recordings of {of}");
    paths.iter().map(|path| recording(path)).collect()
}

fn recording(path: &Path) -> Recording {
    let meta = std::fs::read_to_string(path.with_extension("meta.json")).unwrap_or_default();
    let meta: serde_json::Value = serde_json::from_str(&meta).unwrap_or_default();
    let code = meta["exit_code"].as_i64().unwrap_or(0) as i32;
    Recording {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        stream: std::fs::read_to_string(path).unwrap(),
        stderr: meta["stderr_tail"].as_str().unwrap_or_default().to_owned(),
        exit: Exit {
            code: (code >= 0).then_some(code),
            signal: (code < 0).then_some(-code),
            ..Exit::default()
        },
    }
}

/// Reads a turn as the runner does.
fn read<'a>(
    reader: &mut dyn Reader,
    lines: impl IntoIterator<Item = &'a str>,
    stderr: &str,
    exit: &Exit,
) -> (Vec<EventKind>, Verdict) {
    let mut events: Vec<_> = lines.into_iter().flat_map(|line| reader.out(line)).collect();
    events.extend(stderr.lines().flat_map(|line| reader.err(line)));
    events.extend(reader.rest());
    (events, reader.end(exit))
}

/// One line an event; long texts cut to their length.
fn render(events: &[EventKind], verdict: &Verdict) -> String {
    let cut = |text: &str| match text.chars().count() {
        count if count > 300 => {
            format!("{:?}… ({count} characters)", &text[..text.floor_char_boundary(60)])
        }
        _ => format!("{text:?}"),
    };
    let usage = |usage: &Usage, cost: Option<f64>| {
        let Usage { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = usage;
        format!(
            "in {input_tokens}, out {output_tokens}, read {cache_read_tokens}, write \
             {cache_write_tokens}, cost {cost:?}"
        )
    };
    let mut text = String::new();
    for event in events {
        let what = match event {
            EventKind::ToolCall { id, name, input, parent } => {
                let of = parent.as_ref().map(|id| format!(" of {id}")).unwrap_or_default();
                format!("{id} {name}{of} {}", cut(&input.to_string()))
            }
            EventKind::ToolResult { id, output, is_error, exit_code } => {
                format!("{id} error {is_error}, exit {exit_code:?}, {}", cut(output))
            }
            EventKind::Usage { usage: tokens, cost_usd, model } => {
                format!("{}, model {model:?}", usage(tokens, *cost_usd))
            }
            EventKind::Status { text }
            | EventKind::User { text }
            | EventKind::Assistant { text }
            | EventKind::Thinking { text }
            | EventKind::Error { text }
            | EventKind::Unread { line: text } => cut(text),
        };
        let _ = writeln!(text, "{}: {what}", event.name());
    }
    let Verdict { outcome, answer, reason, credential, conversation, .. } = verdict;
    let _ = write!(
        text,
        "=> {}{}\n   answer {answer:?}\n   reason {reason:?}\n   {}\n   {conversation:?}",
        outcome.name(),
        if *credential { " (credential)" } else { "" },
        usage(&verdict.usage, verdict.cost_usd),
    );
    text
}

#[test]
fn recorded_streams() {
    for (harness, of, _) in RECORDED {
        let mut all = String::new();
        for Recording { name, stream, stderr, exit } in recordings(of) {
            let mut reader = by_name(harness).unwrap().reader(None);
            let (events, verdict) = read(&mut *reader, stream.lines(), &stderr, &exit);
            let _ = writeln!(all, "## {name}\n{}\n", render(&events, &verdict));
        }
        insta::assert_snapshot!(of, all);
    }
}

/// A follow-up counts its own tokens only, also where the program counts over the conversation.
#[test]
fn a_follow_up_counts_its_own() {
    for (harness, of, input, output, cached) in [
        ("claude-code", "claude", 1300, 17, 1200),
        ("codex", "codex", 100, 17, 1200),
        ("opencode", "opencode", 100, 17, 1200),
        ("gemini", "gemini", 1100, 57, 1400),
    ] {
        let turn = |name: &str, before: Option<&Conversation>| {
            let told = recording(&folder().join(of).join(name));
            let mut reader = by_name(harness).unwrap().reader(before);
            read(&mut *reader, told.stream.lines(), "", &told.exit).1
        };
        let first = turn("first.jsonl", None).conversation.unwrap();
        let second = turn("followup.jsonl", Some(&first));
        assert_eq!(second.outcome, Outcome::Succeeded, "{harness}");
        assert_eq!(second.conversation.unwrap().id, first.id, "{harness}");
        let usage = second.usage;
        assert_eq!(
            (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens),
            (input, output, cached),
            "{harness}"
        );
    }
}

/// Wherever a stream is cut, and however the program then ends, there is no success without the
/// final event.
#[test]
fn a_cut_stream_is_no_success() {
    let ends = [
        Exit { code: Some(0), ..Exit::default() },
        Exit { code: Some(1), ..Exit::default() },
        Exit { signal: Some(9), ..Exit::default() },
        Exit::default(),
    ];
    for (harness, of, last) in RECORDED {
        for Recording { name, stream, .. } in recordings(of) {
            let lines: Vec<_> = stream.lines().collect();
            for cut in 0..=lines.len() {
                for exit in &ends {
                    let mut reader = by_name(harness).unwrap().reader(None);
                    let told = &lines[..cut];
                    let (_, verdict) = read(&mut *reader, told.iter().copied(), "", exit);
                    let may =
                        exit.is_clean() && told.last().is_some_and(|line| line.contains(last));
                    let succeeded = verdict.outcome.is_success();
                    assert!(may || !succeeded, "{harness} {name} cut at {cut}: {exit:?}");
                    assert!(succeeded || verdict.reason.is_some(), "{harness} {name} at {cut}");
                    assert!(succeeded || verdict.answer.is_none(), "{harness} {name} at {cut}");
                }
            }
        }
    }
}

/// Lines that are not understood are kept whole, in between and alone, and hurt nothing.
#[test]
fn garbage_is_kept_whole() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let garbage = [
        "plain text",
        "{",
        "null",
        "[1,2]",
        "\"text\"",
        "\u{fffd}\u{1b}[31m\0 ü",
        r#"{"type":"no such thing"}"#,
        r#"{"kind":"no such thing"}"#,
        r#"{"type":7}"#,
        r#"{"type":"assistant","message":{"content":[{"type":"hologram"}]}}"#,
        r#"{"type":"item.completed","item":{"id":"i","type":"hologram"}}"#,
        r#"{"type":"result"}"#,
        r#"{"type":"step_finish","part":{}}"#,
        &deep,
    ];
    for (harness, of, _) in RECORDED {
        let told = recording(&folder().join(of).join("first.jsonl"));
        let lines = told.stream.lines().flat_map(|line| garbage.into_iter().chain([line]));
        let mut reader = by_name(harness).unwrap().reader(None);
        let (events, verdict) = read(&mut *reader, lines, "", &told.exit);
        assert_eq!(verdict.outcome, Outcome::Succeeded, "{harness}");
        let unread: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                EventKind::Unread { line } => Some(line.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(unread, garbage.repeat(told.stream.lines().count()), "{harness}");
    }
}

proptest::proptest! {
    /// Nothing that a stream can hold makes a reader panic.
    #[test]
    fn no_line_is_too_much(
        lines in proptest::collection::vec("\\PC{0,40}|[\\x00-\\x7f]{0,20}", 0..8),
        err in "\\PC{0,40}",
        code in proptest::option::of(-300..300i32),
    ) {
        for harness in all() {
            let mut reader = harness.reader(None);
            let exit = Exit { code, ..Exit::default() };
            let (_, verdict) = read(&mut *reader, lines.iter().map(String::as_str), &err, &exit);
            proptest::prop_assert!(harness.name() == "command" || !verdict.outcome.is_success());
        }
    }
}

/// Spoils recordings themselves: each value of each line replaced by values of other types.
#[test]
fn spoilt_values_hurt_nothing() {
    for (harness, of, _) in RECORDED {
        let told = recording(&folder().join(of).join("tool-error.jsonl"));
        for line in told.stream.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            for key in value.as_object().unwrap().keys() {
                for other in [serde_json::json!(null), serde_json::json!(-1), serde_json::json!({})]
                {
                    let mut spoilt = value.clone();
                    spoilt[key] = other;
                    let mut reader = by_name(harness).unwrap().reader(None);
                    let text = spoilt.to_string();
                    let _ = read(&mut *reader, [text.as_str()], "", &told.exit);
                }
            }
        }
    }
}

fn verdict_of(harness: &str, out: &[&str], err: &str, exit: &Exit) -> (Vec<EventKind>, Verdict) {
    let mut reader = by_name(harness).unwrap().reader(None);
    read(&mut *reader, out.iter().copied(), err, exit)
}

/// Ends of which there is no recording.
#[test]
fn other_ends() {
    let clean = Exit { code: Some(0), ..Exit::default() };
    let code = |code| Exit { code: Some(code), ..Exit::default() };
    let signal = Exit { signal: Some(15), ..Exit::default() };
    let unlogged = r#"{"type":"result","subtype":"success","is_error":true,"result":"Not logged in · Please run /login"}"#;
    let done = r#"{"type":"turn.completed","usage":{"input_tokens":5}}"#;
    let toolless = r#"{"type":"item.completed","item":{"id":"item_0","type":"error","message":"Code Mode is unavailable because the host was not found."}}"#;
    let assistant = r#"{"kind":"assistant","text":"hello"}"#;
    let result = r#"{"kind":"result","answer":"done"}"#;
    let stopped = r#"{"type":"step_finish","sessionID":"s","part":{"reason":"stop","tokens":{"input":1,"output":0}}}"#;
    let cut = r#"{"type":"step_finish","sessionID":"s","part":{"reason":"length","tokens":{"input":1,"output":9}}}"#;
    let mut all = String::new();
    for (harness, out, err, exit) in [
        ("claude-code", &[unlogged][..], "", code(1)),
        ("claude-code", &[], "--dangerously-skip-permissions cannot be used as root", code(1)),
        ("codex", &[done], "", clean.clone()),
        ("codex", &[toolless, done], "", clean.clone()),
        ("codex", &[], "Error: no rollout found for thread id 1", code(1)),
        ("codex", &[], "Error: Missing environment variable: `K`.", code(1)),
        ("opencode", &[stopped], "", clean.clone()),
        ("opencode", &[cut], "", clean.clone()),
        ("opencode", &[], "\u{1b}[91mError: \u{1b}[0mSession not found", code(1)),
        ("gemini", &[], "Invalid auth method selected.", code(41)),
        ("gemini", &[], "", code(53)),
        ("gemini", &[], "at f (x.js:1:2)\n}", code(247)),
        ("command", &["one", "", "two"], "", clean.clone()),
        ("command", &[assistant, "{}", "{\"kind\":1}"], "", clean.clone()),
        ("command", &["", "  "], "", clean.clone()),
        ("command", &["said"], "warming up\nError: no disk", code(3)),
        ("command", &["said"], "", signal.clone()),
        ("triage", &[assistant, result], "", clean.clone()),
        ("triage", &[assistant], "", clean.clone()),
        ("triage", &[result, assistant, "noise"], "", clean.clone()),
        ("triage", &[result], "error: cannot write `issues.json`", code(1)),
    ] {
        let (events, verdict) = verdict_of(harness, out, err, &exit);
        let end = exit.signal.map_or_else(|| format!("{:?}", exit.code), |s| format!("signal {s}"));
        let _ = writeln!(all, "## {harness}, {end}\n{}\n", render(&events, &verdict));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn the_answer_of_a_command_is_the_end_of_its_output() {
    let line = "ü".repeat(1_000);
    let out: Vec<&str> = std::iter::repeat_n(line.as_str(), 500).chain(["the end"]).collect();
    let (events, verdict) =
        verdict_of("command", &out, "", &Exit { code: Some(0), ..Exit::default() });
    let answer = verdict.answer.unwrap();
    assert_eq!(events.len(), 501);
    assert!(answer.len() <= 64 << 10 && answer.len() > 60 << 10);
    assert!(answer.ends_with("the end"));
}

/// An invocation with everything set, for a first turn and a follow-up, and one with nothing set.
#[test]
fn invocations() {
    let paths = Paths { program: "/loop/harness/program".to_owned(), ..Paths::default() };
    let provider = ModelProvider {
        base_url: Some("https://llm.acme.example/".to_owned()),
        secret: Some("ACME_KEY".to_owned()),
    };
    let limits = Limits { max_turns: Some(50), budget_usd: Some(5.0), ..Limits::default() };
    let conversation = Conversation { id: ID.to_owned(), ..Conversation::default() };
    let command = ["./agent".to_owned(), "--json".to_owned()];
    for harness in all() {
        let full = Ask {
            prompt: "-look at this",
            instructions: "be careful\n",
            model: Some("anthropic/opus"),
            conversation: None,
            is_follow_up: false,
            session_uuid: ID,
            limits: &limits,
            provider: Some(&provider),
            command: &command,
            paths: &paths,
            ca_bundle: true,
        };
        let follow_up =
            Ask { conversation: Some(&conversation), is_follow_up: true, ..full.clone() };
        let bare = Ask {
            instructions: "",
            model: None,
            limits: &Limits::default(),
            provider: None,
            ca_bundle: false,
            paths: &Paths::default(),
            ..full.clone()
        };
        let mut text = String::new();
        for (what, ask) in [("first turn", full), ("follow-up", follow_up), ("bare", bare)] {
            let run = harness.invocation(&ask);
            let _ = writeln!(text, "## {what}\n{}\n", show(&run));
            assert!(run.stdin.ends_with(ask.prompt), "{}", harness.name());
            let everything = format!("{:?} {:?}", run.argv, run.files);
            assert!(!everything.contains("ACME_KEY"), "secrets go by variable only");
        }
        insta::assert_snapshot!(format!("invocation_{}", harness.name()), text);
    }
}

fn show(run: &Invocation) -> String {
    let mut text = String::new();
    for arg in &run.argv {
        let _ = writeln!(text, "  {arg}");
    }
    for (name, value) in &run.env {
        let _ = writeln!(text, "{name}={value}");
    }
    for (name, secret) in &run.secret_env {
        let _ = writeln!(text, "{name} is the secret {secret}");
    }
    for file in &run.files {
        let _ = writeln!(text, "{}: {}", file.path, file.content.trim_end());
    }
    text
}

#[test]
fn a_long_prompt_stays_out_of_the_environment() {
    let prompt = "x".repeat(1 << 20);
    let (limits, paths) = (Limits::default(), Paths::default());
    for harness in all() {
        let run = harness.invocation(&Ask {
            prompt: &prompt,
            instructions: &prompt,
            model: Some("m"),
            conversation: None,
            is_follow_up: false,
            session_uuid: ID,
            limits: &limits,
            provider: None,
            command: &[],
            paths: &paths,
            ca_bundle: false,
        });
        assert!(run.stdin.ends_with(&prompt), "{}", harness.name());
        let longest = run.argv.iter().chain(run.env.values()).map(String::len).max();
        assert!(longest.is_none_or(|longest| longest < 100 << 10), "{}", harness.name());
    }
}

#[test]
fn harnesses_go_by_their_names() {
    for harness in all() {
        assert_eq!(by_name(harness.name()).unwrap().name(), harness.name());
        if let Program::Native(native) = harness.program() {
            assert!(native.builds.iter().all(|build| build.integrity.len() == 95));
            // The name in the sandbox is the file's own, which is how the files beside find it.
            assert!(native.builds.iter().all(|build| build.path.ends_with(native.name)));
        }
    }
    assert!(by_name("claud").is_none());
}

/// A conversation whose id was never told is still gone on with, where the program can find it.
#[test]
fn a_follow_up_without_an_id_continues() {
    let (limits, paths) = (Limits::default(), Paths::default());
    let harness = by_name("opencode").unwrap();
    for (is_follow_up, continues) in [(false, false), (true, true)] {
        let run = harness.invocation(&Ask {
            prompt: "x",
            instructions: "",
            model: None,
            conversation: None,
            is_follow_up,
            session_uuid: ID,
            limits: &limits,
            provider: None,
            command: &[],
            paths: &paths,
            ca_bundle: false,
        });
        assert_eq!(run.argv.iter().any(|argument| argument == "--continue"), continues);
    }
}
