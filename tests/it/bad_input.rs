//! What is wrong before a worker works: each gets one clear sentence, the right exit code, and leaves
//! nothing behind.

use crate::acts::valid;
use crate::need;
use crate::support::{Done, Home, need};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

const USAGE: i32 = 2;
const CONFIG: i32 = 3;
const CREDENTIAL: i32 = 4;
const SANDBOX: i32 = 5;

/// Whatever was refused has one sentence, no noise of ours, and leaves nothing.
#[track_caller]
fn refused(home: &Home, done: Done, code: i32, wanted: &[&str]) {
    let done = done.exits(code);
    let errors = done.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 1, "one sentence:\n{}", done.stderr);
    for wanted in wanted {
        assert!(done.stderr.contains(wanted), "no `{wanted}`:\n{}", done.stderr);
    }
    for noise in ["panicked", "Error {", "Some(", "os error 2)\n  because: No such"] {
        assert!(!done.stderr.contains(noise), "`{noise}`:\n{}", done.stderr);
    }
    home.nothing_left();
}

#[test]
fn names_that_are_not_known() {
    let home = Home::new();
    home.script("script", "local", "true", "");
    for (flags, wanted) in [
        (&["--preset", "triag"][..], ["no preset is called `triag`", "did you mean `triage`?"]),
        (&["--harness", "claud"], ["no harness is called `claud`", "did you mean `claude-code`?"]),
        (
            &["--preset", "script", "--sandbox", "doker"],
            ["no sandbox provider is called `doker`", "did you mean `docker`?"],
        ),
        (
            &["--preset", "script", "--project", "dmo"],
            ["no project is called `dmo`", "did you mean `demo`?"],
        ),
        (
            &["--preset", "script", "--skill", "gihub"],
            ["no skill is called `gihub`", "did you mean `github`?"],
        ),
        (&["--preset", "script", "--project", "./none.jsonl"], ["./none.jsonl", "--project"]),
        (&["--preset", "script", "--since", "yesterday"], ["`--since yesterday`", "24h"]),
        (&["--preset", "script", "--label", "x"], ["`--label x`", "NAME=VALUE"]),
        (&["--preset", "script", "--image", "Not An Image"], ["is no image", "auto"]),
    ] {
        let done = home.ask(&[&["session", "start", "do it"], flags].concat());
        refused(&home, done, USAGE, &wanted);
    }
    assert_eq!(
        home.ask(&["session", "list", "--json"]).ok().json(),
        json!([]),
        "none was recorded"
    );
}

#[test]
fn prompts_that_are_none() {
    let home = Home::new();
    home.script("script", "local", "true", "");
    let start = ["session", "start", "--preset", "script"];
    let with = |prompt: &str| home.ask(&[&start[..], &[prompt]].concat());
    refused(&home, home.ask(&start), USAGE, &["there is no prompt"]);
    refused(&home, with(""), USAGE, &["the prompt is empty"]);
    refused(&home, with(" \n\t"), USAGE, &["the prompt is empty"]);
    let key = format!("use sk-ant-api03-{} for it", "A1b2C3d4".repeat(8));
    let done = with(&key);
    assert!(!done.stderr.contains("A1b2C3d4A1b2C3d4"), "it is not said again: {}", done.stderr);
    refused(&home, done, USAGE, &["credential"]);
    let from = |bytes: Vec<u8>| {
        let file = [&start[..], &["--prompt-file", "-"]].concat();
        home.run(&file).stdin(bytes).done()
    };
    let long = from(vec![b'x'; (1 << 20) + 1]);
    refused(&home, long, USAGE, &["the prompt is too long: 1 B over the most of 1.0 MiB"]);
    refused(&home, from(b"a\0b".to_vec()), USAGE, &["NUL"]);
    refused(&home, from(b"a\xff\xfe".to_vec()), USAGE, &["UTF-8"]);
    let absent = home.ask(&[&start[..], &["--prompt-file", "absent.md"]].concat());
    refused(&home, absent, USAGE, &["absent.md", "No such file"]);
}

/// The longest prompt there may be reaches the worker whole.
#[test]
fn a_prompt_of_one_mebibyte() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.script("counts", "local", "wc -c", "");
    let file = ["session", "start", "--preset", "counts", "--prompt-file", "-", "--json"];
    let done = home.run(&file).stdin(vec![b'x'; 1 << 20]).done().ok();
    let said = crate::acts::texts(&done.session(&home), "assistant");
    assert_eq!(said.trim(), (1 << 20).to_string());
    home.nothing_left();
}

#[test]
fn every_mistake_of_a_file() {
    let home = Home::new();
    home.preset(
        "wrong",
        "harness = \"claud\"\nmodle = \"sonnet\"\n[sandbox]\nprovider = \"doker\"\nmemory = \"lots\"\n\
         [limits]\ntimeout = 5\n",
    );
    let checked = home.ask(&["preset", "validate"]).exits(CONFIG);
    let started = home.ask(&["session", "start", "--preset", "wrong", "x"]).exits(CONFIG);
    for told in [&checked.stderr, &started.stderr] {
        for wanted in [
            "no harness is called `claud`",
            "did you mean `claude-code`?",
            "`modle`",
            "did you mean `model`?",
            "no sandbox provider is called `doker`",
            "`lots`",
            "`timeout`",
            "wrong.toml:1:11",
            "wrong.toml:2:1",
            "wrong.toml:4:12",
            "^^^^^^^",
        ] {
            assert!(told.contains(wanted), "no `{wanted}`:\n{told}");
        }
    }
    let lines = home.ask(&["session", "start", "--preset", "wrong", "--json", "x"]).exits(CONFIG);
    let lines = lines.lines();
    valid(&home, &lines);
    assert_eq!((lines.len(), &lines[0]["type"]), (1, &json!("error")));
    assert_eq!(lines[0]["also"].as_array().unwrap().len(), 4, "{lines:#?}");
    // A bundled one is not harmed by the other's mistakes.
    home.ask(&["preset", "show", "triage"]).ok();
    home.nothing_left();
}

#[test]
fn text_that_is_no_toml() {
    let home = Home::new();
    home.preset("broken", "harness = \"triage\n");
    let done = home.ask(&["session", "start", "--preset", "broken", "x"]);
    refused(&home, done, CONFIG, &["broken.toml:1:"]);
    home.write("config/config.toml", "[defaults]\npreset = 7\n");
    let done = home.ask(&["session", "start", "x"]);
    refused(&home, done, CONFIG, &["config.toml:2:10"]);
}

#[test]
fn no_engine() {
    let home = Home::new();
    let dead = format!("unix://{}/none.sock", home.path().display());
    let start = ["session", "start", "--preset", "triage", "--project", "demo"];
    let start = [&start[..], &["--sandbox", "docker"]].concat();
    let done = home.run(&start).env("DOCKER_HOST", &dead).done();
    refused(
        &home,
        done,
        SANDBOX,
        &["does not answer", "none.sock", "`DOCKER_HOST` names it", "hint: ", "local"],
    );
    let lines = home.run(&[&start[..], &["--json"]].concat()).env("DOCKER_HOST", &dead).done();
    let last = lines.exits(SANDBOX).last();
    assert_eq!((&last["type"], &last["kind"]), (&json!("error"), &json!("sandbox")));
    let odd = home.run(&start).env("DOCKER_HOST", "carrier-pigeon://x").done();
    refused(&home, odd, SANDBOX, &["carrier-pigeon://x"]);
    let doctor = home.run(&["doctor"]).env("DOCKER_HOST", &dead).done();
    assert!(doctor.stdout.contains("none.sock"), "{}", doctor.stdout);
}

#[test]
fn an_engine_that_may_not_be_used() {
    if nix::unistd::geteuid().is_root() {
        crate::skip!("root may use every socket");
    }
    let home = Home::new();
    let path = home.path().join("engine.sock");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let start =
        ["session", "start", "--preset", "triage", "--project", "demo", "--sandbox", "docker"];
    let host = format!("unix://{}", path.display());
    refused(&home, home.run(&start).env("DOCKER_HOST", &host).done(), SANDBOX, &["`docker` group"]);
}

#[test]
fn images_that_are_not_to_be_had() {
    need!(need::docker());
    let home = Home::new();
    home.script("script", "docker", "true", "");
    // Nothing listens there, so it is a registry out of reach.
    for image in ["127.0.0.1:1/team/agent:1", "127.0.0.1:1/team/agent@sha256:00"] {
        let done = home.ask(&["session", "start", "--preset", "script", "--image", image, "x"]);
        refused(&home, done, SANDBOX, &["cannot start the sandbox", image, "hint: "]);
        assert_eq!(home.show("last")["phase"], "failed");
    }
}

#[test]
fn a_harness_that_is_not_in_the_image() {
    let image = need!(need::image());
    let home = Home::new();
    let start =
        ["session", "start", "--harness", "gemini", "--sandbox", "docker", "--image", &image];
    let done =
        home.run(&[&start[..], &["--json", "x"]].concat()).env("GEMINI_API_KEY", "k-123456789");
    let last = done.done().exits(1).session(&home).pop().unwrap();
    let reason = last["reason"].as_str().unwrap();
    assert!(reason.contains("could not be started") && reason.contains("gemini"), "{reason}");
    home.script("absent", "docker", "true", "");
    let text = "harness = \"command\"\ncommand = [\"/no/such/agent\"]\n[sandbox]\nprovider = \"docker\"\n\
                image = \"loop-test-base:1\"\n";
    home.preset("absent", text);
    let start = ["session", "start", "--preset", "absent", "--json", "x"];
    let last = home.ask(&start).exits(1).session(&home).pop().unwrap();
    assert!(last["reason"].as_str().unwrap().contains("/no/such/agent"), "{last:#}");
    home.nothing_left();
}

#[test]
fn a_key_that_is_missing() {
    need!(need::docker());
    let home = Home::new();
    for (harness, key) in [
        ("claude-code", "ANTHROPIC_API_KEY"),
        ("codex", "OPENAI_API_KEY"),
        ("opencode", "ANTHROPIC_API_KEY"),
        ("gemini", "GEMINI_API_KEY"),
        ("cursor", "CURSOR_API_KEY"),
    ] {
        let done =
            home.ask(&["session", "start", "--harness", harness, "--sandbox", "docker", "x"]);
        let wanted = format!("the secret `{key}` is not set");
        refused(&home, done, CREDENTIAL, &[&wanted, "hint: "]);
    }
}

#[test]
fn traces_that_are_none() {
    need!(need::bubblewrap());
    let home = Home::new();
    home.write("work/prose.jsonl", "It was a dark and stormy night.\n");
    home.write("work/empty.jsonl", "");
    home.write("work/other.json", "{\"users\": []}");
    home.write("work/cut.json.gz", "\u{1f}\u{8b}\u{8}not really");
    std::fs::create_dir(home.path().join("work/folder")).unwrap();
    for file in ["prose.jsonl", "empty.jsonl", "other.json", "cut.json.gz", "folder"] {
        let path = format!("./{file}");
        let start =
            ["session", "start", "--preset", "triage", "--sandbox", "local", "--project", &path];
        refused(&home, home.ask(&start), CONFIG, &[file]);
    }
    let window = ["--since", "2020-01-01", "--until", "2020-01-02"];
    let start =
        ["session", "start", "--preset", "triage", "--sandbox", "local", "--project", "demo"];
    let done = home.ask(&[&start[..], &window].concat());
    refused(&home, done, CONFIG, &["no spans", "window"]);
    let backwards = ["--since", "2020-01-02", "--until", "2020-01-01"];
    let done = home.ask(&[&start[..], &backwards].concat());
    refused(&home, done, USAGE, &["is empty", "--until"]);
}

/// Whatever is asked of a session, an unknown one is told as such.
#[test]
fn sessions_that_are_not_there() {
    let home = Home::new();
    for verb in ["show", "logs", "attach", "interrupt", "stop", "artifacts", "export", "rm"] {
        let done = home.ask(&["session", verb, "7f3a"]);
        refused(&home, done, USAGE, &["no session is called `7f3a`"]);
        if verb != "rm" {
            let done = home.ask(&["session", verb, "last"]);
            refused(&home, done, USAGE, &["there is no session yet"]);
        }
    }
    refused(&home, home.ask(&["session", "send", "7f3a", "x"]), USAGE, &["no session is called"]);
}

/// A folder for the data that cannot be made or written to.
#[test]
fn nowhere_to_write() {
    let home = Home::new();
    let file = home.write("file", "");
    let start = ["session", "start", "--preset", "triage", "--project", "demo"];
    let below = file.join("data");
    let done = home.run(&start).env("LOOP_DATA_DIR", below.to_str().unwrap()).done();
    let told = &done.stderr;
    assert_eq!(done.code, Some(CONFIG), "{told}");
    assert!(told.starts_with("error: ") && told.contains("file/data"), "{told}");
    home.nothing_left();
}
