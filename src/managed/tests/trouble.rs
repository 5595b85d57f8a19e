//! What goes wrong at the vendor's and on the way there.

use super::managed_server::script::*;
use super::managed_server::{Fault, KEY, Vendor};
use super::rig::*;
use crate::domain::journal::{Body, Line};
use crate::domain::transcript::EventKind;
use crate::domain::turn::Outcome;
use crate::error::Kind;
use crate::managed::Wanted;
use crate::secrets::Secret;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _};
use std::time::{Duration, Instant};

#[test]
fn how_turns_end() {
    let refusal = Act::Idle(json!({
        "stop_reason": { "type": "refusal" },
        "stop_details": { "type": "refusal", "category": "cyber", "explanation": "Not this." },
    }));
    for (turn, outcome, reason) in [
        (
            vec![error("model_overloaded_error", "retrying"), says("x"), idle("end_turn")],
            Outcome::Succeeded,
            "",
        ),
        (vec![idle("end_turn")], Outcome::Empty, "it ended well, but said nothing"),
        (vec![says("x"), idle("budget_reached")], Outcome::Limit, "the session's budget ended it"),
        (
            vec![error("model_rate_limited_error", "exhausted"), idle("retries_exhausted")],
            Outcome::Failed,
            "the service gave up: model rate limited: as the script has it",
        ),
        (vec![says("x"), refusal], Outcome::Failed, "the model refused the task (cyber: Not this)"),
        (
            vec![error("billing_error", "terminal"), Act::Terminated],
            Outcome::Failed,
            "the service ended the session: billing: as the script has it",
        ),
        (
            vec![says("x"), idle("of_a_later_version")],
            Outcome::Failed,
            "it stopped for a reason that is not known here: of_a_later_version",
        ),
    ] {
        let mut rig = Rig::new();
        rig.vendor.script([turn]);
        rig.launch(&task()).unwrap();
        let told = rig.turn(1);
        assert_eq!(told.verdict.outcome, outcome, "{reason}: {:?}", told.verdict);
        let said = told.verdict.reason.clone().unwrap_or_default();
        assert!(said.starts_with(reason), "{said}");
        assert_eq!(told.verdict.answer.is_some(), outcome == Outcome::Succeeded, "{reason}");
    }
}

/// The service would go on without it.
#[test]
fn without_its_repository_a_session_is_stopped() {
    let mut rig = Rig::new();
    rig.vendor.script([vec![
        error("repository_authentication_error", "retrying"),
        says("I work without it."),
        Act::WaitForInterrupt,
    ]]);
    rig.launch(&task()).unwrap();
    let told = rig.turn(1);
    assert_eq!(told.verdict.outcome, Outcome::Failed);
    let reason = told.verdict.reason.clone().unwrap();
    assert!(
        reason.starts_with("the worker has no repository: repository authentication `https://"),
        "{reason}"
    );
    assert!(told.verdict.credential);
}

#[test]
fn a_turn_ends_when_its_time_is_over() {
    let mut rig = Rig::new();
    rig.vendor.script([vec![says("I take my time."), Act::WaitForInterrupt]]);
    rig.launch(&task()).unwrap();
    let stored = rig.stored();
    let most = Some(Duration::from_millis(1200));
    let told = rig.follow(&Wanted { most, ..rig.wanted(1, &stored) });
    assert_eq!(told.verdict.outcome, Outcome::Limit);
    assert!(told.lines.iter().any(|line| line.contains("\"event\":\"limit\"")), "{told:?}");
    let interrupts = rig.vendor.events(&rig.id);
    let interrupts = interrupts.iter().filter(|event| event["type"] == "user.interrupt");
    assert_eq!(interrupts.count(), 1);
}

#[test]
fn pings_unknown_events_duplicates_and_ends_of_streams_cost_nothing() {
    let mut rig = Rig::new();
    rig.vendor.script([vec![
        Act::Pause(400),
        Act::Raw(": comment\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"),
        Act::Raw("event: event_start\ndata: {\"type\":\"event_start\",\"event\":{\"type\":\"agent.message\",\"id\":\"p\"}}\n\n"),
        Act::Event(json!({ "type": "agent.dream", "of": "sheep" })),
        Act::Again,
        says("one"),
        Act::Again,
        Act::EndStreams,
        says("two"),
        Act::Pause(100),
        Act::Raw("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n"),
        says("three"),
        Act::Used(1, 1, 1),
        idle("end_turn"),
        ]]);
    rig.launch(&task()).unwrap();
    let told = rig.turn(1);
    let texts = told.texts();
    assert_eq!(told.verdict.answer.as_deref(), Some("three"));
    for text in ["one", "two", "three"] {
        assert_eq!(texts.matches(&format!("\"text\":\"{text}\"")).count(), 1, "{texts}");
    }
    assert!(texts.contains("agent.dream"), "it is kept as it is: {texts}");
    assert!(!texts.contains("event_start"));
    let events = rig.vendor.events(&rig.id).len();
    let lines = told.lines.iter().filter(|line| line.contains("\"s\":\"out\"")).count();
    assert_eq!(lines, events + 1, "each event once, and our own line");
}

/// The same while a session is at work: each stream ends after so many bytes.
#[test]
fn streams_that_are_cut_while_it_works_lose_nothing() {
    let mut rig = Rig::new();
    rig.vendor.cut_streams([0, 1, 57, 200, 300, 0, 411, 150]);
    let texts: Vec<&str> = vec!["one", "two", "three", "four", "five", "six"];
    let talk = texts.iter().flat_map(|text| [says(text), Act::Pause(40)]);
    rig.vendor.script([talk.chain([Act::Used(3, 2, 1), idle("end_turn")]).collect()]);
    rig.launch(&task()).unwrap();
    let told = rig.turn(1);
    let said = told.events.iter().filter_map(|event| match event {
        EventKind::Assistant { text } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(said.collect::<Vec<_>>(), texts);
}

/// An exchange that was recorded, cut after every byte: what is told is the same.
#[test]
fn a_stream_may_break_after_any_byte() {
    let at = "2026-08-01T10:00:00Z";
    let mut events = vec![
        json!({ "type": "user.message", "id": "sevt_1", "processed_at": at,
            "content": [{ "type": "text", "text": "<loop-turn session=\"7f3a\" turn=\"1\"/>" }] }),
        json!({ "type": "agent.message", "id": "sevt_2", "processed_at": at,
            "content": [{ "type": "text", "text": "größer" }] }),
        json!({ "type": "agent.tool_use", "id": "sevt_3", "processed_at": at, "name": "bash",
            "input": {} }),
        json!({ "type": "agent.message", "id": "sevt_4", "processed_at": at,
            "content": [{ "type": "text", "text": "done" }] }),
    ];
    events.push(json!({ "type": "session.status_idle", "id": "sevt_5", "processed_at": at,
        "stop_reason": { "type": "end_turn" } }));
    let whole: usize = events[1..].iter().map(|event| framed(event).len()).sum();
    let rig = Rig::new();
    let mut expected = None;
    for cut in 0..=whole {
        let id = rig.vendor.recorded(events.clone(), cut);
        let stored = rig.dir.path().join(format!("journal-{cut}"));
        let wanted = Wanted { id: &id, most: None, ..rig.wanted(1, &stored) };
        let told = rig.follow(&wanted);
        let lines: Vec<String> = told.lines.iter().map(|line| line.replace(&id, "ID")).collect();
        assert_eq!(expected.get_or_insert_with(|| lines.clone()), &lines, "cut after {cut}");
    }
    assert!(whole > 500, "{whole}");
}

fn framed(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())
}

/// A reader that is killed after any line, also in the middle of one, goes on where it was.
#[test]
fn a_reader_may_be_killed_anywhere() {
    let mut rig = Rig::new();
    rig.vendor.script([vec![
        says("one"),
        calls("bash", json!({ "command": "ls" })),
        result("x"),
        says("two"),
        Act::Used(10, 10, 1),
        idle("end_turn"),
    ]]);
    rig.launch(&task()).unwrap();
    rig.turn(1);
    let whole = std::fs::read(rig.stored()).unwrap();
    let partial = rig.dir.path().join("partial");
    for cut in (0..whole.len()).step_by(7) {
        std::fs::write(&partial, &whole[..cut]).unwrap();
        let mut rest = Vec::new();
        let wanted = Wanted { followed: false, ..rig.wanted(1, &partial) };
        rig.managed.journal(&wanted).unwrap().read_to_end(&mut rest).unwrap();
        let kept = whole[..cut].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let joined = [&whole[..kept], &rest].concat();
        assert!(joined == whole, "killed after {cut} bytes: {}", String::from_utf8_lossy(&rest));
    }
}

#[test]
fn what_is_only_looked_at_is_told_as_far_as_it_goes() {
    let mut rig = Rig::new();
    rig.vendor.script([vec![says("one"), Act::WaitForInterrupt]]);
    rig.launch(&task()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let stored = rig.stored();
    let wanted = Wanted { followed: false, ..rig.wanted(1, &stored) };
    let journal = rig.managed.journal(&wanted).unwrap();
    let lines: Vec<String> = BufReader::new(journal).lines().map(Result::unwrap).collect();
    assert!(lines.iter().any(|line| line.contains("one")));
    assert!(!lines.iter().any(|line| line.contains("turn_exited")));
}

#[test]
fn a_follow_up_that_may_have_been_sent_is_looked_for() {
    for (fault, calls) in [
        (Fault::Lose, 1),
        (Fault::Gateway, 1),
        (Fault::Drop, 2),
        (Fault::Status(429, vec![("retry-after", "1")]), 2),
    ] {
        let mut rig = Rig::new();
        rig.launch(&task()).unwrap();
        rig.turn(1);
        rig.vendor.fault("POST /v1/sessions", fault.clone());
        let began = Instant::now();
        rig.managed.follow_up(&rig.id, SESSION, 2, "more").unwrap();
        if matches!(fault, Fault::Status(..)) {
            assert!(began.elapsed() >= Duration::from_secs(1), "the server asked for patience");
        }
        let path = format!("POST /v1/sessions/{}/events", rig.id);
        assert_eq!(rig.vendor.count(&path), calls, "{fault:?}");
        assert_eq!(rig.turn(2).verdict.outcome, Outcome::Succeeded);
        let events = rig.vendor.events(&rig.id);
        let sent = events.iter().filter(|event| event["type"] == "user.message").count();
        assert_eq!(sent, 2, "{fault:?}");
    }
}

#[test]
fn an_overloaded_service_is_waited_for_and_a_refusal_is_told() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.vendor.fault("GET /v1/agents", Fault::Status(529, vec![]));
    }
    rig.launch(&task()).unwrap();
    rig.vendor.fault("GET /v1/sessions", Fault::Status(403, vec![]));
    let failed = rig.managed.status(&rig.id).unwrap_err();
    assert_eq!(failed.kind, Kind::Credential);

    let stranger = keyed(&rig.vendor, "sk-ant-somebody-elses-key-0000", |_| {});
    let failed = stranger.launch(&task(), &mut Desk::default()).unwrap_err();
    assert_eq!(failed.kind, Kind::Credential);
    assert!(failed.hints[0].contains("`loop secret set ANTHROPIC_API_KEY`"));
    let told = format!("{failed:?}");
    assert!(!told.contains("somebody-elses-key") && told.contains("[redacted]"), "{told}");
    rig.turn(1);
}

#[test]
fn a_session_that_is_gone_ends_the_reading() {
    let rig = Rig::new();
    let stored = rig.stored();
    let wanted = Wanted { id: "sesn_gone", ..rig.wanted(1, &stored) };
    let failed = rig.managed.journal(&wanted).map(drop).unwrap_err();
    assert_eq!(failed.kind, Kind::Config, "{failed}");
}

#[test]
fn secrets_are_in_no_line() {
    let mut rig = Rig::new();
    let told = format!("the key is {KEY}, the token hunter2-hunter2");
    rig.vendor.script([vec![
        says(&told),
        calls("bash", json!({ "command": "echo hunter2-hunter2 | base64" })),
        result("aHVudGVyMi1odW50ZXIy"),
        says("hunter2-hunter2"),
        idle("end_turn"),
    ]]);
    rig.launch(&task()).unwrap();
    let secrets = [Secret::new("hunter2-hunter2", "T").unwrap()];
    let stored = rig.stored();
    let told = rig.follow(&Wanted { secrets: &secrets, ..rig.wanted(1, &stored) });
    let journal = std::fs::read_to_string(&stored).unwrap();
    for secret in [KEY, "hunter2-hunter2", "aHVudGVyMi1odW50ZXIy"] {
        assert!(!journal.contains(secret), "{secret}: {journal}");
    }
    assert_eq!(told.verdict.answer.as_deref(), Some("[redacted]"));
    let ids = rig.vendor.events(&rig.id);
    for event in ids {
        let id = event["id"].as_str().unwrap();
        assert_eq!(journal.matches(&format!("\\\"id\\\":\\\"{id}\\\"")).count(), 1, "{id}");
    }
}

#[test]
fn somebody_elses_message_is_no_turn_of_ours() {
    let mut rig = Rig::new();
    rig.launch(&task()).unwrap();
    rig.turn(1);
    let client = crate::http::Client::new(None).unwrap();
    let url = format!("{}/v1/sessions/{}/events", rig.vendor.url(), rig.id);
    let message = json!({ "events": [{ "type": "user.message",
        "content": [{ "type": "text", "text": "from the console" }] }] });
    let request = crate::http::Request::new(crate::http::Method::POST, url)
        .header("x-api-key", KEY)
        .header("anthropic-version", "2023-06-01")
        .header("anthropic-beta", "managed-agents-2026-04-01")
        .json(&message);
    assert!(client.send(&request).unwrap().is_success());
    std::thread::sleep(Duration::from_millis(100));
    rig.vendor.script([answers("Ours.")]);
    rig.managed.follow_up(&rig.id, SESSION, 2, "ours").unwrap();
    let told = rig.turn(2);
    assert_eq!(told.verdict.answer.as_deref(), Some("Ours."));
    let journal = std::fs::read(rig.stored()).unwrap();
    let turns: Vec<u32> = journal
        .split(|byte| *byte == b'\n')
        .filter_map(Line::read)
        .filter(|line| matches!(&line.body, Body::Out(text) if text.contains("from the console")))
        .map(|line| line.turn)
        .collect();
    assert_eq!(turns, [1], "it is kept, and belongs to no turn that is told");
}

#[test]
fn a_service_that_answers_anything_is_no_panic() {
    for body in ["[]", "null", "{}", "{\"data\":7}", "x"] {
        let server = odd_server(body);
        let vendor = Vendor::start();
        let managed = managed(&vendor, |settings| settings.base_url = server.clone());
        assert!(managed.launch(&task(), &mut Desk::default()).is_err(), "{body}");
        let wanted = Wanted {
            id: "sesn_1",
            session: SESSION,
            stored: std::path::Path::new("/nonexistent"),
            turn: 1,
            followed: false,
            most: None,
            secrets: &[],
        };
        let read = managed.journal(&wanted).map(|mut journal| journal.read_to_end(&mut Vec::new()));
        assert!(read.is_err() || read.unwrap().is_err(), "{body}");
        let _ = managed.status("sesn_1");
    }
}

/// Answers everything with 200 and these words.
fn odd_server(body: &'static str) -> String {
    use std::io::Write as _;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 16 << 10]);
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _ =
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    url
}
