use super::*;
use crate::error::{Failure, Kind, Place};
use crate::output::json::{write_document, write_line};
use crate::output::testing::{artifacts, events, noon, session, snapshot};
use crate::output::view::{DoctorRow, DoctorState, IssueView, Listed, ProviderView};
use serde_json::{Value, json};

/// As much of JSON Schema as our schemas use; a keyword it does not know is a mistake.
fn validate(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let Value::Object(keywords) = schema else {
        return if schema == &Value::Bool(true) { Ok(()) } else { Err("never valid".into()) };
    };
    for (keyword, rule) in keywords {
        let all = || rule.as_array().into_iter().flatten();
        let passing = || all().filter(|one| validate(root, one, value).is_ok()).count();
        let fine = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "default" => true,
            "$ref" => {
                let pointer = rule.as_str().and_then(|rule| rule.strip_prefix('#')).unwrap();
                return_on_error(validate(root, root.pointer(pointer).unwrap(), value))?
            }
            "type" => match rule {
                Value::String(name) => is(name, value),
                names => {
                    names.as_array().unwrap().iter().any(|name| is(name.as_str().unwrap(), value))
                }
            },
            "const" => rule == value,
            "enum" => all().any(|one| one == value),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "required" => all().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "oneOf" => passing() == 1,
            "anyOf" => passing() > 0,
            "allOf" => all()
                .map(|one| validate(root, one, value))
                .collect::<Result<Vec<()>, _>>()
                .map(|_| true)?,
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        validate(root, rule, value).map_err(|wrong| format!("{name}: {wrong}"))?;
                    }
                }
                true
            }
            "items" => {
                for value in value.as_array().into_iter().flatten() {
                    validate(root, rule, value)?;
                }
                true
            }
            "additionalProperties" => value.as_object().is_none_or(|fields| {
                fields.values().all(|value| validate(root, rule, value).is_ok())
            }),
            other => panic!("the validator does not know `{other}`"),
        };
        if !fine {
            return Err(format!("{keyword} {rule} refuses {value}"));
        }
    }
    Ok(())
}

fn return_on_error(result: Result<(), String>) -> Result<bool, String> {
    result.map(|()| true)
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("no type is called `{other}`"),
    }
}

#[track_caller]
fn valid(name: &str, value: &Value) {
    let schema: Value = serde_json::from_str(&schema(name).unwrap()).unwrap();
    if let Err(wrong) = validate(&schema, &schema, value) {
        panic!("{name}: {wrong}\n{value}");
    }
}

#[track_caller]
fn invalid(name: &str, value: &Value) {
    let schema: Value = serde_json::from_str(&schema(name).unwrap()).unwrap();
    assert!(validate(&schema, &schema, value).is_err(), "{name} takes {value}");
}

fn parsed<T: Serialize>(value: &T) -> Value {
    let mut out = Vec::new();
    write_line(&mut out, value).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn failure() -> Failure {
    let source = "harness = \"claud\"\n";
    let typo = Failure::new(Kind::Config, "no harness is called `claud`")
        .at(Place::of("a.toml", source, 10..17))
        .because("x")
        .hint("did you mean `claude-code`?");
    Failure::all(vec![typo.clone(), Failure::new(Kind::Config, "no key `y`")]).unwrap()
}

#[test]
fn every_line_is_valid() {
    let session = session();
    let (failure, artifacts, events) = (failure(), artifacts(), events());
    let mut lines =
        vec![Line::started(&session), Line::finished(&session), Line::of_failure(&failure)];
    lines.extend(artifacts.iter().map(|artifact| Line::of_artifact(&session.id, artifact)));
    lines.extend(events.iter().map(|event| Line::of_event(&session.id, event)));
    for line in &lines {
        let value = parsed(line);
        valid("event", &value);
        for field in ["type", "session", "at", "text"] {
            let mut less = value.clone();
            if less.as_object_mut().unwrap().shift_remove(field).is_some() {
                invalid("event", &less);
            }
        }
    }
    let mut wrong = parsed(&lines[7]);
    wrong["seq"] = json!("1");
    invalid("event", &wrong);
    wrong["seq"] = json!(1);
    valid("event", &wrong);
    wrong["kind"] = json!("unheard");
    invalid("event", &wrong);
}

fn issue() -> IssueView {
    IssueView {
        rank: 1,
        id: None,
        title: "timeouts".into(),
        traces: 31,
        share: Some(0.145),
        examples: vec!["4bf9".into()],
        healthy: vec!["9c1d".into()],
        severity: Some("high".into()),
        trend: Some("rising".into()),
        users: Some(12),
        pattern: Some("error".into()),
        entity: Some(("tool".into(), "pay".into())),
        first_seen: Some("2026-08-17T14:00:00.000Z".into()),
        last_seen: None,
    }
}

fn listed<T>(value: T) -> Listed<T> {
    Listed { value, origin: "bundled".into(), hides: vec!["a.toml".into()] }
}

fn skill() -> domain::preset::Skill {
    domain::preset::Skill {
        name: "datadog".into(),
        secrets: [("DD_API_KEY".to_owned(), domain::preset::SkillSecret::default())].into(),
        source: Some(domain::preset::SkillSource::default()),
        ..Default::default()
    }
}

fn preset() -> domain::preset::Preset {
    domain::preset::Preset {
        name: "fix".into(),
        provider: Some(domain::preset::ModelProvider::default()),
        sandbox: domain::preset::SandboxSettings {
            image: domain::preset::Image::Dockerfile("Dockerfile".into()),
            network: domain::preset::Network::Hosts(vec!["a.com".into()]),
            cpus: Some(1.5),
            ..Default::default()
        },
        ..Default::default()
    }
}

fn project() -> domain::preset::Project {
    domain::preset::Project { name: "demo".into(), ..Default::default() }
}

fn provider() -> ProviderView {
    const OPTION: domain::options::Opt = domain::options::Opt {
        name: "host",
        shape: domain::options::Shape::Text,
        required: true,
        help: "where",
    };
    let about = domain::provider::About {
        name: "far",
        runs_in: "containers of another machine",
        able: &[domain::provider::Ability::Images],
        options: &[OPTION],
    };
    let (requirement, detail) = ("the host".to_owned(), "it does not answer".to_owned());
    let state = DoctorState::Optional;
    let needs = vec![DoctorRow { requirement, state, detail, mend: None }];
    ProviderView { about, needs }
}

fn plan() -> domain::plan::LaunchPlan {
    domain::plan::LaunchPlan {
        harness: "triage".into(),
        window: domain::plan::Window { since: Some(noon()), until: None },
        skills: vec![skill()],
        project: Some(project()),
        ..Default::default()
    }
}

#[test]
fn every_document_is_valid_and_frozen() {
    let (session, issue, plan) = (session(), issue(), plan());
    let (preset, skill, project) = (listed(preset()), listed(skill()), listed(project()));
    let provider = provider();
    let mut frozen = Vec::new();
    let documents = [
        ("session", parsed(&Session::of(&session))),
        ("artifact", parsed(&Artifact::of(&session.id, &session.artifacts[0]))),
        ("issue", parsed(&Issue::of(&issue))),
        ("preset", parsed(&Preset::of(&preset))),
        ("skill", parsed(&Skill::of(&skill))),
        ("project", parsed(&Project::of(&project))),
        ("plan", parsed(&Plan::of(&plan))),
        ("provider", parsed(&Provider::of(&provider))),
    ];
    for (name, document) in &documents {
        valid(name, document);
        for field in document.as_object().unwrap().keys() {
            let mut wrong = document.clone();
            wrong[field] = json!({"not": ["this"]});
            if !matches!(field.as_str(), "labels" | "env") {
                invalid(name, &wrong);
            }
        }
        write_document(&mut frozen, document).unwrap();
    }
    let mut line = Vec::new();
    write_line(&mut line, &Line::of_failure(&failure())).unwrap();
    frozen.extend(line);
    snapshot("json-documents", &String::from_utf8(frozen).unwrap());
}

#[test]
fn an_event_may_pass_unread() {
    let mut events = events();
    events.push(crate::output::testing::event(
        18,
        0,
        domain::transcript::EventKind::Unread { line: "\u{1b}[2J\u{9b}\u{202e} ü \"}".into() },
    ));
    for event in &events {
        let text = serde_json::to_string(event).unwrap() + "\n";
        let (mut read, mut unread) = (Vec::new(), Vec::new());
        write_event(&mut read, "7\u{9b}f3a", event).unwrap();
        let unparsed = EventText::of(&text).expect(&text);
        write_event_text(&mut unread, "7\u{9b}f3a", &unparsed).unwrap();
        assert_eq!(String::from_utf8(unread).unwrap(), String::from_utf8(read).unwrap());
        for cut in [0, 5, 12, 25] {
            assert!(EventText::of(&text[..cut]).is_none(), "{cut}");
        }
    }
}

#[test]
fn schemas_are_frozen() {
    for name in SCHEMAS {
        snapshot(&format!("schema-{name}"), &schema(name).unwrap());
    }
    assert_eq!(schema("unheard"), None);
}

#[test]
fn times() {
    assert_eq!(parsed(&At(noon())), json!("2026-11-20T11:52:52.123Z"));
    assert_eq!(parsed(&At(0)), json!("1970-01-01T00:00:00.000Z"));
    assert_eq!(parsed(&At(i64::MAX)), json!("1970-01-01T00:00:00.000Z"));
}
