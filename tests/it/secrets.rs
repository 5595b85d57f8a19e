//! Where credentials are kept, on real keyrings and on machines without one; and that none is found
//! where it should not be, whatever a worker does with it.

use crate::acts::texts;
use crate::need;
use crate::support::{Done, Home, need};
use base64::Engine as _;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

/// What no file, process or line may hold.
const CANARY: &str = "canary-3b9f-71c2/e5d9+ab24&63";

fn keyring(state: &str) -> [String; 2] {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/keyring.sh");
    [script.display().to_string(), state.to_owned()]
}

fn can_have_keyrings() -> Result<(), String> {
    ["gnome-keyring-daemon", "secret-tool", "dbus-run-session"]
        .into_iter()
        .try_for_each(need::command)
}

/// Runs the program on a machine whose keyring is in a state.
fn on(home: &Home, state: &str, arguments: &[&str]) -> Done {
    let words = keyring(state);
    home.run_under(&words.each_ref().map(String::as_str), arguments).done()
}

/// Runs a shell script there; `$0` is the program.
fn script(home: &Home, state: &str, script: &str) -> Done {
    let words = keyring(state);
    let words = [&words[0], &words[1], "bash", "-ec", script];
    home.run_under(&words, &[]).done()
}

fn store<'v>(check: &'v Value, name: &str) -> &'v Value {
    check["stores"].as_array().unwrap().iter().find(|store| store["name"] == name).unwrap()
}

fn secret<'v>(rows: &'v Value, name: &str) -> &'v Value {
    rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()
}

#[test]
fn a_real_keyring_and_its_own_tool() {
    need!(can_have_keyrings());
    let home = Home::new();
    let done = script(
        &home,
        "unlocked",
        "printf value-of-ours | \"$0\" secret set GH_TOKEN --skill github
         echo \"tool: $(secret-tool lookup service loop username GH_TOKEN)\"
         printf value-of-theirs | secret-tool store --label=L service loop username DD_API_KEY
         \"$0\" secret check GH_TOKEN DD_API_KEY --json
         printf newer | \"$0\" secret set GH_TOKEN
         echo \"tool: $(secret-tool lookup service loop username GH_TOKEN)\"
         \"$0\" secret rm GH_TOKEN
         secret-tool lookup service loop username GH_TOKEN || echo gone
         ! \"$0\" secret rm GH_TOKEN",
    )
    .ok();
    assert!(done.stdout.starts_with("tool: value-of-ours\n"), "{}", done.stdout);
    assert!(done.stdout.ends_with("tool: newer\ngone\n"), "{}", done.stdout);
    let json = done.stdout.lines().skip(1).take_while(|line| !line.starts_with("tool:"));
    let check: Value = serde_json::from_str(&json.collect::<String>()).unwrap();
    assert_eq!(store(&check, "keyring")["state"], "here");
    for name in ["GH_TOKEN", "DD_API_KEY"] {
        assert_eq!(secret(&check["secrets"], name)["place"], "keyring");
    }
    for text in ["stored `GH_TOKEN` in the keyring", "shorter than 8", "no store has `GH_TOKEN`"] {
        assert!(done.stderr.contains(text), "no `{text}`: {}", done.stderr);
    }
    assert!(!done.stderr.contains("value-of") && !check.to_string().contains("value-of"));
}

/// A machine whose keyring cannot be used: it costs two seconds at most, and says what to do.
#[track_caller]
fn without_keyring(state: &str, told: &str) {
    let home = Home::new();
    let done = on(&home, state, &["secret", "check", "--json"]).ok();
    let check = done.json();
    let keyring = store(&check, "keyring");
    assert_eq!(keyring["state"], state);
    assert!(keyring["detail"].as_str().unwrap().contains(told), "{keyring}");
    assert_eq!(keyring["mend"], "loop secret set NAME --store file");
    assert!(keyring["took_ms"].as_u64().unwrap() <= 2_000, "{keyring}");
    assert_eq!(secret(&check["secrets"], "GH_TOKEN")["set"], false);
    let rows = on(&home, state, &["doctor", "--json"]).json();
    let rows = rows.as_array().unwrap();
    let row = rows.iter().find(|row| row["requirement"] == "secrets: keyring").unwrap();
    assert_eq!(row["state"], "optional");
    assert!(row["detail"].as_str().unwrap().starts_with(state), "{row}");

    // Nothing is put into plain text instead.
    let words = self::keyring(state);
    let words = words.each_ref().map(String::as_str);
    let set = home.run_under(&words, &["secret", "set", "GH_TOKEN"]).stdin(CANARY).done().exits(4);
    assert!(set.stderr.contains("--store file"), "{}", set.stderr);
    assert!(found(home.path(), CANARY).is_empty());
    // What wants it fails with what to do, and soon.
    home.preset("p", "harness = \"codex\"\n[sandbox]\nprovider = \"local\"\n");
    let check = on(&home, state, &["secret", "check", "GH_TOKEN"]).exits(4);
    assert!(check.took < Duration::from_secs(5), "{:?}", check.took);
    // The environment comes first, and does not wait.
    let began = std::time::Instant::now();
    let named = home.run_under(
        &words,
        &["skill", "check", "github", "--env", "GITHUB_API_URL=http://127.0.0.1:9"],
    );
    let named = named.env("GH_TOKEN", CANARY).done().exits(6);
    assert!(named.stdout.contains("found: environment"), "{}", named.stdout);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn no_keyring() {
    without_keyring("absent", "session bus");
}

#[test]
fn a_keyring_that_is_locked() {
    need!(can_have_keyrings());
    without_keyring("locked", "its password is needed first");
}

#[test]
fn a_keyring_that_hangs() {
    need!(need::command("python3"));
    without_keyring("hanging", "no answer within 1.9 seconds");
}

#[test]
fn an_encrypted_file_and_the_tool_that_made_its_format() {
    need!(need::command("age"));
    let home = Home::new();
    let key = home.config().join("secrets.key");
    let file = home.data().join("secrets.age");
    let keygen = std::process::Command::new("age-keygen").arg("-o").arg(&key).output().unwrap();
    assert!(keygen.status.success());
    let set =
        |name: &str| home.run(&["secret", "set", name, "--store", "file"]).stdin(CANARY).done();
    set("GH_TOKEN").ok();
    set("DD_API_KEY").ok();
    let opened =
        std::process::Command::new("age").arg("-d").arg("-i").arg(&key).arg(&file).output();
    let opened: Value = serde_json::from_slice(&opened.unwrap().stdout).unwrap();
    assert_eq!(opened["secrets"]["GH_TOKEN"], CANARY);
    assert!(found(home.path(), CANARY).is_empty(), "it is nowhere in plain text");
    let check = home.ask(&["secret", "check", "GH_TOKEN", "--json"]).ok().json();
    assert_eq!(secret(&check["secrets"], "GH_TOKEN")["place"], "file");
    home.ask(&["secret", "rm", "GH_TOKEN"]).ok();
    home.ask(&["secret", "check", "GH_TOKEN"]).exits(4);
    let listed = home.ask(&["secret", "list", "--json"]).ok().json();
    assert_eq!(secret(&listed, "DD_API_KEY")["place"], "file");
    std::fs::write(&file, b"age-encryption.org/v1\nbroken").unwrap();
    let broken = set("GH_TOKEN").exits(4);
    assert!(broken.stderr.contains("the file is damaged"), "{}", broken.stderr);
}

#[test]
fn an_encrypted_file_with_a_passphrase() {
    let home = Home::new();
    let set = ["secret", "set", "GH_TOKEN", "--store", "file"];
    let nobody = home.run(&set).stdin(CANARY).done().exits(4);
    assert!(nobody.stderr.contains("no terminal to ask at"), "{}", nobody.stderr);
    assert!(nobody.stderr.contains("LOOP_SECRETS_PASSPHRASE"), "{}", nobody.stderr);
    let with = |passphrase: &str, words: &[&str]| {
        home.run(words).env("LOOP_SECRETS_PASSPHRASE", passphrase).stdin(CANARY).done()
    };
    with("right", &set).ok();
    with("right", &["secret", "check", "GH_TOKEN"]).ok();
    let wrong = with("wrong", &["secret", "check", "GH_TOKEN"]).exits(4);
    assert!(wrong.stdout.contains("the passphrase is wrong"), "{}", wrong.stdout);
    let locked = home.ask(&["secret", "check", "GH_TOKEN", "--json"]).exits(4).json();
    assert_eq!(store(&locked, "file")["state"], "locked");
    assert!(found(home.path(), CANARY).is_empty());
}

#[test]
fn no_value_on_the_command_line() {
    let home = Home::new();
    for words in [
        &["secret", "set", "GH_TOKEN", CANARY][..],
        &["secret", "set", &format!("GH_TOKEN={CANARY}")],
    ] {
        let done = home.ask(words).exits(2);
        assert!(done.stderr.contains("not taken from the command line"), "{}", done.stderr);
        assert!(!done.stderr.contains("canary"), "{}", done.stderr);
    }
    let done = home.ask(&["secret", "check", CANARY]).exits(2);
    assert!(!done.stderr.contains("canary"), "what may be a value is not said again");
}

#[test]
fn a_reference_is_looked_up_where_it_says() {
    let home = Home::new();
    home.write(
        "config/config.toml",
        "[secrets]\nGH_TOKEN = \"command:printf of-a-command\"\n\
        DD_API_KEY = \"command:false\"\nDD_APP_KEY = \"env:OTHER\"\n",
    );
    let check = home.run(&["secret", "check", "--json"]).env("OTHER", "x").done().ok().json();
    assert_eq!(secret(&check["secrets"], "GH_TOKEN")["place"], "command:printf");
    assert_eq!(secret(&check["secrets"], "DD_APP_KEY")["place"], "env:OTHER");
    let failing = secret(&check["secrets"], "DD_API_KEY");
    assert_eq!(failing["place"], Value::Null);
    assert_eq!(failing["reason"], "it failed with exit code 1");
    home.write("config/config.toml", &format!("[secrets]\nGH_TOKEN = \"{CANARY}\"\n"));
    let done = home.ask(&["secret", "list"]).exits(3);
    assert!(done.stderr.contains("names no place of a secret"), "{}", done.stderr);
    assert!(!done.stderr.contains(CANARY), "{}", done.stderr);
}

/// A service that answers one request, and tells what it was asked.
fn service(answer: &str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.to_owned();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 8192];
        let read = stream.read(&mut request).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    (url, thread)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

#[test]
fn a_skill_is_tried_with_one_real_call() {
    #[track_caller]
    fn check(answer: &str, code: i32, outcome: &str, detail: &str) -> (Value, String) {
        let home = Home::new();
        let (url, asked) = service(answer);
        let url = format!("GITHUB_API_URL={url}");
        let words = ["skill", "check", "github", "--env", &url, "--json"];
        let done = home.run(&words).env("GH_TOKEN", CANARY).done().exits(code);
        let told = done.json();
        assert_eq!(told["outcome"], outcome, "{told}");
        assert!(told["detail"].as_str().unwrap().contains(detail), "{told}");
        assert!(!format!("{}{}", done.stdout, done.stderr).contains(CANARY), "{}", done.stdout);
        (told, asked.join().unwrap())
    }
    let headers = "x-oauth-scopes: repo, read:org\r\n\
                   github-authentication-token-expiration: 2026-12-31 23:59:59 UTC\r\n";
    let (told, asked) =
        check(&answer("200 OK", headers, "{\"login\":\"octocat\"}"), 0, "works", "accepts");
    assert_eq!(told["account"], "octocat");
    assert_eq!(told["scopes"], serde_json::json!(["repo", "read:org"]));
    assert_eq!(told["expires"], "2026-12-31 23:59:59 UTC");
    assert!(asked.starts_with("GET /user HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("authorization: Bearer {CANARY}\r\n")), "{asked}");
    // A service that says back what it was sent is cleaned like anything else.
    let echo = answer("401 Unauthorized", "", &format!("bad token {CANARY}"));
    let (told, _) = check(&echo, 4, "refused", "refuses it (401): bad token [redacted]");
    assert_eq!(told["scopes"], Value::Null);
    check(&answer("403 Forbidden", "", "sso"), 4, "refused", "does not permit");
    check(&answer("404 Not Found", "", "no"), 6, "unknown", "says nothing of it (404)");
    check(&answer("200 OK", "", "<html>log in</html>"), 6, "unknown", "else than JSON");
    let home = Home::new();
    let nobody =
        ["skill", "check", "github", "--env", "GITHUB_API_URL=http://127.0.0.1:9", "--json"];
    let told = home.run(&nobody).env("GH_TOKEN", CANARY).done().exits(6).json();
    assert_eq!(told["outcome"], "unknown", "{told}");
    let told = home.ask(&nobody).exits(4).json();
    assert_eq!(told["outcome"], "missing", "{told}");
    let plain = ["skill", "check", "github", "--env", "GITHUB_API_URL=http://ghe.example.com"];
    let told = home.run(&plain).env("GH_TOKEN", CANARY).done().exits(3);
    assert!(told.stderr.contains("does not begin with `https://`"), "{}", told.stderr);
}

/// What a service says in its body, and what it is asked by POST.
#[test]
fn a_token_is_looked_up() {
    let home = Home::new();
    let body = r#"{"enabled":true,"scopes":["metrics.read","logs.read"],"expirationDate":"2026-12-31T00:00:00Z"}"#;
    let (url, asked) = service(&answer("200 OK", "", body));
    let url = format!("DT_ENVIRONMENT_URL={url}");
    let words = ["skill", "check", "dynatrace", "--env", &url, "--json"];
    let told = home.run(&words).env("DT_API_TOKEN", CANARY).done().ok().json();
    assert_eq!(told["scopes"], serde_json::json!(["metrics.read", "logs.read"]));
    assert_eq!(told["expires"], "2026-12-31T00:00:00Z");
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("POST /api/v2/apiTokens/lookup "), "{asked}");
    assert!(asked.contains(&format!("authorization: Api-Token {CANARY}\r\n")), "{asked}");
    assert!(asked.ends_with(&format!("{{\"token\": \"{CANARY}\"}}")), "{asked}");
}

/// Files below a folder that hold a text in any of some forms.
fn found(folder: &Path, text: &str) -> Vec<String> {
    let base64 = base64::engine::general_purpose::STANDARD;
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![text.to_owned(), hex.to_uppercase(), hex, text.replace('/', "%2F")];
    for lead in 0..3 {
        let encoded = base64.encode([&vec![b'x'; lead], text.as_bytes()].concat());
        forms.push(encoded[4..encoded.len() - 4].to_owned());
    }
    let mut holding = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let shown = path.display().to_string();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path.clone());
            } else if let Ok(bytes) = std::fs::read(&path) {
                let holds = |form: &String| memchr::memmem::find(&bytes, form.as_bytes()).is_some();
                holding.extend(forms.iter().filter(|f| holds(f)).map(|f| format!("{shown}: {f}")));
            }
            if path.display().to_string().contains(text) {
                holding.push(format!("the name {}", path.display()));
            }
        }
    }
    holding
}

/// What the worker below is given; no other test has it in an environment.
const LEAKED: &str = "canary-8d20-64fa/b7c3+91e0&52";

/// Says, encodes, cuts and keeps its secret wherever it can.
const LEAKY: &str = r#"
cd /artifacts
echo "key: $CANARY"; printf %s "$CANARY" | base64; printf 'x%s' "$CANARY" | base64
printf %s "$CANARY" | od -An -v -tx1 | tr -d ' \n'; echo
python3 - <<'PY'
import json, os, urllib.parse
key = os.environ["CANARY"]
print(json.dumps({"a": json.dumps({"b": key}), key: 1.50}))
print(urllib.parse.quote(key, safe=""))
for piece in key[:9], key[9:14], key[14:]:
    print(json.dumps({"type": "delta", "delta": {"text": piece}}))
print("\x1b[31m" + "\x1b[0m".join(key) + "\x1b[0m")
print(key[:12]); print(key[12:])
json.dump({"title": key, "n": 1.50}, open("data.json", "w"))
open("dump.bin", "wb").write(b"\0\xff" + key.encode())
open("large.md", "w").write(("a line of some length\n" * 30000 + key + "\n"))
PY
echo "the key is $CANARY" > notes.md; echo "$CANARY" | cat >&2
sleep 1; echo done
"#;

#[test]
fn a_canary_is_found_nowhere() {
    for sandbox in ["local", "docker"] {
        match sandbox {
            "local" => need!(need::bubblewrap()),
            _ => need!(need::image().map(drop)),
        }
        let home = Home::new();
        home.write(
            "config/skills/canary.toml",
            "kind = \"custom\"\ndescription = \"x\"\n[secrets]\nCANARY = { help = \"x\" }\n",
        );
        let command = serde_json::to_string(LEAKY).unwrap();
        let preset = format!(
            "description = \"x\"\nharness = \"command\"\ncommand = [\"/bin/sh\", \"-c\", {command}]\n\
             skills = [\"canary\"]\n[sandbox]\nprovider = \"{sandbox}\"\nimage = \"loop-test-base:1\"\n"
        );
        home.preset("leaky", &preset);
        // It comes from the file, so that no environment but the worker's ever holds it.
        let pass = ("LOOP_SECRETS_PASSPHRASE", "right");
        let set = ["secret", "set", "CANARY", "--store", "file"];
        home.run(&set).env(pass.0, pass.1).stdin(LEAKED).done().ok();
        let start = ["session", "start", "--preset", "leaky", "--json", "x"];
        let running = home.run(&start).env(pass.0, pass.1).start();
        running.wait_for("\"event\"");
        let mut looked = 0;
        while !running.so_far().contains("session_finished") && looked < 200 {
            looked += 1;
            processes_hold_none();
            std::thread::sleep(Duration::from_millis(25));
        }
        let done = running.done().ok();
        assert!(looked > 1, "it was looked at while it ran");
        let lines = done.lines();
        let said = texts(&lines, "assistant");
        assert!(said.contains("key: [redacted]") && said.contains("done"), "{said}");
        assert!(said.contains(r#""[redacted]": 1.5"#), "records stay records: {said}");
        assert!(!format!("{}{}", done.stdout, done.stderr).contains(LEAKED));
        assert!(
            done.stderr.contains("was withheld") || !done.stderr.contains("dump.bin"),
            "{}",
            done.stderr
        );
        for words in [
            &["session", "logs", "last", "--json"][..],
            &["session", "logs", "last", "--raw"],
            &["session", "export", "last"],
            &["session", "show", "last", "--json"],
        ] {
            let told = home.ask(words).ok();
            assert!(!told.stdout.contains("canary-8d20"), "{words:?}: {}", told.stdout);
        }
        artifacts_are_clean(&home);
        assert_eq!(found(home.path(), LEAKED), Vec::<String>::new(), "on {sandbox}");
        home.nothing_left();
    }
}

/// What was left for people is there, and without it.
#[track_caller]
fn artifacts_are_clean(home: &Home) {
    let artifacts = home.ask(&["session", "artifacts", "last", "--json"]).ok().json();
    let paths = artifacts.as_array().unwrap().iter();
    let names: Vec<String> =
        paths.map(|artifact| artifact["title"].as_str().unwrap().to_owned()).collect();
    for name in ["notes.md", "data.json", "dump.bin.withheld.txt", "large.md"] {
        assert!(names.iter().any(|named| named == name), "no {name}: {names:?}");
    }
    let data = artifacts.as_array().unwrap().iter().find(|a| a["title"] == "data.json").unwrap();
    let data = std::fs::read_to_string(data["path"].as_str().unwrap()).unwrap();
    assert_eq!(data, r#"{"title": "[redacted]", "n": 1.5}"#);
}

/// No command line holds it, nor the environment of any process of ours.
fn processes_hold_none() {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let holds = |bytes: &[u8]| memchr::memmem::find(bytes, LEAKED.as_bytes()).is_some();
        let line = read("cmdline");
        assert!(!holds(&line), "{}", String::from_utf8_lossy(&line));
        if read("comm").starts_with(b"loop\n") {
            let line = String::from_utf8_lossy(&line).into_owned();
            // What the worker itself starts by that name is the worker's.
            let ours = !line.contains("place") && !line.contains("pack");
            assert!(!(ours && holds(&read("environ"))), "the environment of {line}");
        }
    }
}
