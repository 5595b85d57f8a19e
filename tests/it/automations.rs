//! Automations of the built program: what is due is run once, whoever looks and whoever is killed; who
//! may set one off; and what is written for those that run it.

use crate::need;
use crate::support::{self, Done, Home};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A home with automations that come every minute, of the bundled traces and without a model.
fn home(names: &[&str]) -> Home {
    let home = Home::new();
    for name in names {
        let text = "preset = \"triage\"\nproject = \"demo\"\noverlap = \"queue\"\n\
                    [trigger]\ncron = \"* * * * *\"\n";
        home.write(&format!("config/automations/{name}.toml"), text);
    }
    home
}

/// The newest minute was not decided yet, as after an hour without anybody who looks.
fn turn_back(home: &Home) {
    let store = rusqlite::Connection::open(home.data().join("store.db")).unwrap();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    let sql = "UPDATE automations SET cursor = cursor - 3600000, look_at = 0";
    assert!(store.execute(sql, []).unwrap() > 0);
}

fn fires(home: &Home) -> Vec<Value> {
    let done = home.ask(&["automation", "history", "--limit", "1000", "--json"]).ok();
    serde_json::from_str(&done.stdout).unwrap()
}

fn with_state<'a>(fires: &'a [Value], state: &str) -> Vec<&'a Value> {
    fires.iter().filter(|fire| fire["state"] == state).collect()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_mins(2), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Every fire that ran has its one session, which has one turn and came out well.
fn each_ran_once(home: &Home) {
    let fires = fires(home);
    let ran: BTreeSet<String> = with_state(&fires, "done")
        .iter()
        .map(|fire| fire["id"].as_str().unwrap().to_owned())
        .collect();
    let done = home.ask(&["session", "list", "--limit", "1000", "--json"]).ok();
    let sessions: Vec<Value> = serde_json::from_str(&done.stdout).unwrap();
    let started: BTreeSet<String> =
        sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ran, started);
    assert_eq!(sessions.len(), started.len());
    for session in &sessions {
        assert_eq!(session["outcome"], "succeeded", "{}", session["id"]);
        assert_eq!(session["artifacts"].as_array().unwrap().len(), 2);
        assert_eq!(session["turns"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn many_ticks_at_once_run_what_is_due_once() {
    need!(support::need::docker());
    let home = home(&["a", "b"]);
    assert_eq!(home.ask(&["automation", "tick", "--json"]).ok().stdout.trim(), "[]");
    turn_back(&home);
    let ticks: Vec<_> = (0..6).map(|_| home.run(&["automation", "tick"]).start()).collect();
    for tick in ticks {
        tick.done().ok();
    }
    until("all is collected", || {
        home.ask(&["automation", "tick"]).ok();
        let fires = fires(&home);
        with_state(&fires, "running").is_empty() && with_state(&fires, "waiting").is_empty()
    });
    let fires = fires(&home);
    assert!(with_state(&fires, "done").len() >= 2, "{fires:?}");
    let merged = with_state(&fires, "merged");
    assert!(merged.iter().any(|fire| fire["reason"].as_str().unwrap().contains("earlier times")));
    each_ran_once(&home);
}

#[test]
fn a_daemon_that_is_killed_loses_nothing_and_repeats_nothing() {
    need!(support::need::docker());
    let home = home(&["a", "b", "c", "d", "e"]);
    home.ask(&["automation", "tick"]).ok();
    for pause in [150, 500, 900, 1_500] {
        turn_back(&home);
        let daemon = home.run(&["automation", "daemon", "--every", "1s"]).start();
        std::thread::sleep(Duration::from_millis(pause));
        // With everything that it has started, as a machine that goes down does.
        let group = nix::unistd::Pid::from_raw(daemon.pid().cast_signed());
        nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap();
        daemon.done();
    }
    let daemon = home.run(&["automation", "daemon", "--every", "1s"]).start();
    let _gone = Gone(daemon.pid());
    until("what was left is taken up", || {
        let fires = fires(&home);
        with_state(&fires, "running").is_empty() && with_state(&fires, "waiting").is_empty()
    });
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    let ended = daemon.done();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("stopped"), "{}", ended.stderr);
    // What was begun in the last moments goes on, and is collected.
    until("all is collected", || {
        home.ask(&["automation", "tick", "--wait"]).ok();
        with_state(&fires(&home), "running").is_empty()
    });
    each_ran_once(&home);
}

#[test]
fn a_metric_gives_its_window_and_its_traces() {
    need!(support::need::docker());
    let home = Home::new();
    let text = "preset = \"triage\"\nproject = \"demo\"\n\
                [trigger]\nmetric = \"any_error_rate\"\nwindow = \"12h\"\nabove = 0.05\n";
    home.write("config/automations/errors.toml", text);
    let summary = home.path().join("summary.md");
    home.ask(&["automation", "tick", "--wait"]).ok();
    // It is still over the threshold, and does not fire again.
    home.ask(&["automation", "tick", "--wait"]).ok();
    let all = fires(&home);
    assert_eq!(all.len(), 1, "{all:?}");
    let fire = &all[0];
    assert_eq!((&fire["cause"], &fire["state"]), (&"metric".into(), &"done".into()));
    assert!(fire["note"].as_str().unwrap().starts_with("`any_error_rate` was 13.6 %"), "{fire}");
    let traces = fire["traces"].as_array().unwrap();
    assert!((10..=20).contains(&traces.len()), "{traces:?}");
    let id = fire["id"].as_str().unwrap();
    let shown = home.ask(&["session", "show", id, "--json"]).ok().stdout;
    assert!(shown.contains(traces[0].as_str().unwrap()), "the prompt names them: {shown}");
    let card = home.ask(&["automation", "show", "errors"]).ok().stdout;
    assert!(card.contains("and it fired"), "{card}");
    // Asked for by a person, it runs although it has fired; the page of a CI job is told.
    let summary = summary.to_str().unwrap();
    home.ask(&["automation", "run", "errors", "--wait", "--summary", summary]).ok();
    let page = std::fs::read_to_string(summary).unwrap();
    assert!(page.starts_with("## errors: succeeded"), "{page}");
    assert!(page.contains("| set off by | manual |"), "{page}");
}

/// A request by hand; gives the status.
fn post(at: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    let length = body.len().to_string();
    raw(at, path, &[headers, &[("content-length", &length)]].concat(), body)
}

fn raw(at: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(at).unwrap();
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: {at}\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.write_all(body);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

const SECRET: &str = "a shared secret of a test";

/// The headers of a signed request, made by another program than ours.
fn signed(id: &str, at: u64, body: &str) -> Vec<(&'static str, String)> {
    let script = "printf '%s.%s.%s' \"$1\" \"$2\" \"$3\" |
        openssl dgst -sha256 -hmac \"$4\" -binary | base64 -w0";
    let made = std::process::Command::new("sh")
        .args(["-c", script, "sh", id, &at.to_string(), body, SECRET])
        .output()
        .unwrap();
    let signature = format!("v1,{}", String::from_utf8(made.stdout).unwrap());
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signature),
    ]
}

fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Whatever becomes of the test, nothing of it goes on.
struct Gone(u32);

impl Drop for Gone {
    fn drop(&mut self) {
        let group = nix::unistd::Pid::from_raw(self.0.cast_signed());
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    }
}

#[test]
fn only_a_signed_and_new_webhook_sets_one_off() {
    need!(support::need::docker());
    need!(support::need::command("openssl"));
    let home = Home::new();
    let text = "preset = \"triage\"\nproject = \"demo\"\n\
                [trigger]\nmonitor = { webhook = \"HOOK_SECRET\" }\n";
    home.write("config/automations/hook.toml", text);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = &free.to_string();
    let daemon = home
        .run(&["automation", "daemon", "--every", "1s", "--listen", at])
        .env("HOOK_SECRET", SECRET)
        .start();
    let _gone = Gone(daemon.pid());
    until("it listens", || TcpStream::connect(at).is_ok());
    let good = signed("m1", now(), "a deploy");
    let forged = [&good[..2], &[("webhook-signature", "v1,AAAA".to_owned())]].concat();
    let old = signed("m2", now() - 400, "a deploy");
    let large = vec![b'x'; 300 << 10];
    let itself = [signed("m3", now(), "x"), vec![("loop-chain", "other,hook".to_owned())]].concat();
    let long = [signed("m4", now(), "x"), vec![("loop-chain", "a,b,c".to_owned())]].concat();
    let hook = "/hooks/hook";
    let told = [
        (401, post(at, hook, &borrowed(&forged), b"a deploy")),
        (401, post(at, hook, &borrowed(&good), b"another deploy")),
        (401, post(at, hook, &borrowed(&old), b"a deploy")),
        (400, post(at, hook, &[], b"a deploy")),
        (
            400,
            raw(at, hook, &[&borrowed(&good)[..], &[("content-length", "99")]].concat(), b"a dep"),
        ),
        (413, post(at, hook, &borrowed(&good), &large)),
        (404, post(at, "/hooks/other", &borrowed(&good), b"a deploy")),
        (404, post(at, "/", &borrowed(&good), b"a deploy")),
        (202, post(at, hook, &borrowed(&good), b"a deploy")),
        (409, post(at, hook, &borrowed(&good), b"a deploy")),
        (202, post(at, hook, &borrowed(&itself), b"x")),
        (202, post(at, hook, &borrowed(&long), b"x")),
    ];
    let (wanted, got): (Vec<u16>, Vec<u16>) = told.into_iter().unzip();
    assert_eq!(got, wanted);
    until("they are over", || {
        let fires = fires(&home);
        fires.len() == 3 && fires.iter().all(|fire| !fire["ended_at"].is_null())
    });
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    let ended = daemon.done();
    assert!(!ended.stderr.contains(SECRET) && ended.code == Some(0), "{}", ended.stderr);
    let fires = fires(&home);
    assert_eq!(with_state(&fires, "done").len(), 1, "{fires:?}");
    let refused = with_state(&fires, "refused");
    let reasons: Vec<&str> = refused.iter().map(|fire| fire["reason"].as_str().unwrap()).collect();
    assert!(reasons.iter().any(|why| why.contains("set off by itself")), "{reasons:?}");
    assert!(reasons.iter().any(|why| why.contains("chain of 3")), "{reasons:?}");
}

#[test]
fn people_are_told_again_until_it_arrives() {
    need!(support::need::docker());
    let home = Home::new();
    let script = "#!/bin/sh\ncat >> \"$HOME/told\"\n[ -e \"$HOME/up\" ]\n";
    let script = home.write("home/tell.sh", script);
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let text = format!(
        "preset = \"triage\"\nproject = \"demo\"\nenabled = false\n[trigger]\ncron = \"0 0 1 1 *\"\n\
         [notify]\ncommand = [\"{}\"]\n",
        script.display()
    );
    home.write("config/automations/a.toml", &text);
    let ran = home.ask(&["automation", "run", "a", "--wait"]).ok();
    assert!(ran.stderr.contains("could not be told"), "{}", ran.stderr);
    home.write("home/up", "");
    let store = rusqlite::Connection::open(home.data().join("store.db")).unwrap();
    store.execute("UPDATE notices SET due_at = 0", []).unwrap();
    home.ask(&["automation", "tick"]).ok();
    home.ask(&["automation", "tick"]).ok();
    let told = std::fs::read_to_string(home.path().join("home/told")).unwrap();
    let told: Vec<Value> = serde_json::Deserializer::from_str(&told)
        .into_iter::<Value>()
        .map(|one| one.unwrap())
        .collect();
    assert_eq!(told.len(), 2, "once in vain, and once more");
    assert_eq!(told[0]["id"], told[1]["id"]);
    assert_eq!(told[0]["session"]["outcome"], "succeeded");
}

fn written(done: &Done) -> Vec<String> {
    done.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn units_are_what_systemd_takes() {
    need!(support::need::command("systemd-analyze"));
    let home = Home::new();
    for flags in [&[][..], &["--daemon"]] {
        let folder = home.path().join(format!("units{}", flags.len()));
        let folder = folder.to_str().unwrap();
        let words = [&["automation", "install", "systemd", "-o", folder], flags].concat();
        let files = written(&home.ask(&words).ok());
        let checked = std::process::Command::new("systemd-analyze")
            .args(["verify", "--user"])
            .args(&files)
            .env("XDG_RUNTIME_DIR", home.path().join("tmp"))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success() && !told.contains("loop-automation"), "{told}");
        let again = home.ask(&words);
        assert_eq!(again.code, Some(2), "it is not written over: {}", again.stderr);
    }
}

#[test]
fn what_is_installed_elsewhere_names_what_it_runs() {
    let home = home(&["nightly"]);
    let page = |what: &str| home.ask(&["automation", "install", what, "nightly"]).ok().stdout;
    let github = page("github-actions");
    for wanted in ["permissions:\n  contents: read", "cron: \"* * * * *\"", "$GITHUB_STEP_SUMMARY"]
    {
        assert!(github.contains(wanted), "{github}");
    }
    assert!(!github.contains("{{"), "{github}");
    let job = page("kubernetes");
    for wanted in
        ["kind: CronJob", "timeZone: \"UTC\"", "concurrencyPolicy: Forbid", "drop: [\"ALL\"]"]
    {
        assert!(job.contains(wanted), "{job}");
    }
    let none = home.ask(&["automation", "install", "kubernetes"]);
    assert_eq!((none.code, none.stderr.contains("`nightly`")), (Some(2), true), "{}", none.stderr);
    let cron = home.ask(&["automation", "install", "cron"]).ok().stdout;
    assert!(cron.contains("* * * * * LOOP_CONFIG_DIR="), "{cron}");
}
