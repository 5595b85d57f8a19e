use super::page::{Raw, span};
use super::*;
use crate::traces::annotation::Target;
use crate::traces::span::SpanId;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// What a real server answered, as it was recorded.
fn recorded(name: &str) -> Answer {
    let path = format!("{}/tests/traces/phoenix/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let response = &recorded["response"];
    let mut headers = HeaderMap::new();
    for (name, value) in response["headers"].as_object().unwrap() {
        let name: HeaderName = name.parse().unwrap();
        headers.insert(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    }
    let body = match &response["body"] {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    Answer {
        status: u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
        headers,
        body: body.into_bytes(),
    }
}

fn page<T: serde::de::DeserializeOwned>(name: &str) -> Vec<Result<T, String>> {
    let page: Page<Value> = recorded(name).json().unwrap();
    let read = |item: Value| serde_json::from_value(item).map_err(|error| error.to_string());
    page.data.into_iter().map(read).collect()
}

fn with<T>(secret: Option<&str>, ask: impl FnOnce(&Phoenix) -> T) -> T {
    let project = Project {
        name: "desk".to_owned(),
        source: "phoenix".to_owned(),
        url: Some("https://host/base/".to_owned()),
        secret: secret.map(str::to_owned),
        ..Project::default()
    };
    let find = |name: &str| crate::secrets::Secret::new("sk-1", name);
    ask(&Phoenix::new(&project, Reach { secret: &find, ca_bundle: None }).unwrap())
}

#[test]
fn refusals_are_told_apart() {
    let check = |name: &str, secret: Option<&str>, kind: Kind, sentence: &str| {
        let failed = with(secret, |phoenix| phoenix.server.refused(&recorded(name)));
        assert_eq!((failed.kind, failed.sentence.as_str()), (kind, sentence), "{name}");
        assert!(!failed.hints.is_empty() && failed.hints.len() < 3, "{name}");
        assert!(!format!("{failed:?}").contains("sk-1"));
    };
    let at = "Phoenix at `https://host/base`";
    let key = Kind::Credential;
    check("auth-none", None, key, &format!("{at} asks for a key"));
    check("auth-bad-key", Some("PK"), key, &format!("{at} does not know the key in `PK`"));
    check("auth-key-expired", Some("PK"), key, &format!("the key in `PK` has expired, says {at}"));
    check("auth-viewer-annotate", Some("PK"), key, &format!("{at} refuses this key"));
    let old = "Phoenix 20.26.1 at `https://host/base` does not understand the question";
    check("spans-bad-limit", None, Kind::Network, old);
}

#[test]
fn a_project_that_is_not_there_is_named() {
    let known: Vec<Named> = page("projects-list").into_iter().map(Result::unwrap).collect();
    let failed = with(None, |phoenix| phoenix.no_project(&known));
    assert_eq!(failed.kind, Kind::Config);
    assert_eq!(failed.sentence, "Phoenix at `https://host/base` has no project `desk`");
    let near = vec![Named { id: "x".to_owned(), name: "desks".to_owned() }];
    let failed = with(None, |phoenix| phoenix.no_project(&near));
    assert_eq!(failed.hints, ["did you mean `project = \"desks\"`?"]);
}

#[test]
fn spans_of_a_page_are_read_one_by_one() {
    let raw: Page<Raw> = recorded("spans-page1").json().unwrap();
    let read: Vec<_> = raw.data.iter().map(span).collect();
    let first = read[0].as_ref().unwrap();
    assert_eq!(first.span_id, SpanId::read("eff9b4e850a815f7").unwrap());
    assert_eq!(first.model().as_deref(), Some("aster-large-2"));
    assert_eq!(first.tokens().total, Some(338));
    assert_eq!(first.start_us, 1_794_228_859_187_222);
    let row = Row::of(&raw.data[0]).unwrap();
    assert_eq!(row.number(), Some(3365));
    assert_eq!(raw.next_cursor.as_deref(), Some("U3BhbjozMzYy"));
    // The list was cut when it was recorded; what stands there is no span, and costs only itself.
    assert!(read[1].is_err());
    let deep = format!("{{\"context\":{}0{}}}", "{\"a\":".repeat(200), "}".repeat(200));
    let deep: Raw = serde_json::value::RawValue::from_string(deep).unwrap();
    assert_eq!(span(&deep).unwrap_err(), "spans that cannot be read, or are nested too deep");
}

#[test]
fn annotations_are_about_what_they_say() {
    let told: Vec<_> = page::<Told>("annotations-span-get")
        .into_iter()
        .chain(page("annotations-trace-get"))
        .filter_map(|told| told.unwrap().annotation())
        .collect();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0].target, Target::Span(SpanId::read("daeeb975729fae92").unwrap()));
    assert_eq!(told[0].label.as_deref(), Some("thumbs-up"));
    assert_eq!((told[1].score, told[1].identifier.clone()), (Some(0.66), None));
    assert_eq!(told[2].annotator_kind.as_deref(), Some("CODE"));
    assert!(matches!(told[2].target, Target::Trace(_)));
}

#[test]
fn a_mark_knows_its_span() {
    let raw: Page<Raw> = recorded("spans-page1").json().unwrap();
    let row = Row::of(&raw.data[0]).unwrap();
    let mark = Mark::of(&row, None);
    let text = serde_json::to_string(&mark).unwrap();
    assert_eq!(serde_json::from_str::<Mark>(&text).unwrap(), mark);
    assert!(mark.is_of(&row));
    let other = page::Context { span_id: "0000000000000001".to_owned(), ..row.context.clone() };
    assert!(!mark.is_of(&Row { context: other, ..row.clone() }), "an id that was given out again");
    assert!(!mark.is_of(&Row { id: "U3BhbjozMzY2".to_owned(), ..row }));
    assert_eq!(mark.start, 1_794_228_859_187);
}

#[test]
fn windows_become_filters() {
    let window = Window { since: Some(1_794_228_859_187), until: Some(1_794_228_860_000) };
    let text = "&start_time=2026-11-09T12%3A54%3A19.187Z&end_time=2026-11-09T12%3A54%3A20Z";
    assert_eq!(range(window, None), text);
    assert_eq!(range(window, Some(i64::MAX)), text);
    let back = range(window, Some(1_794_228_800_000));
    assert!(back.starts_with("&start_time=2026-11-09T12%3A53%3A20Z"), "{back}");
    assert_eq!(range(Window::default(), Some(7)), "");
    assert_eq!(range(Window { since: Some(i64::MIN), until: Some(i64::MAX) }, None), "");
}

#[test]
fn ids_are_asked_in_batches() {
    let ids = || (0..1_000).map(|n| format!("{n:032x}"));
    let batches = batches("trace_ids", ids());
    assert!(batches.len() > 1 && batches.iter().all(|batch| batch.len() <= IDS));
    let again: Vec<_> = batches.concat().split("&trace_ids=").skip(1).map(str::to_owned).collect();
    assert_eq!(again, ids().collect::<Vec<_>>());
    let odd = super::batches("session_ids", ["a&b=c/ü".to_owned()].into_iter());
    assert_eq!(odd, ["&session_ids=a%26b%3Dc%2F%C3%BC"]);
}
