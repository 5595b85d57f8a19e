//! A short look at a project for whoever has just named it: four requests.

use super::super::Fact;
use super::super::monitor::Monitor;
use super::super::snapshot::show_time;
use super::api::Api;
use super::find::Found;
use super::{monitors, record};
use crate::domain::words::Count;
use crate::error::Result;
use serde_json::{Map, Value, json};

/// How many monitors a sentence tells of; those that are triggered come first.
const SHOWN: usize = 5;

pub(super) fn facts(api: &Api, found: &Found) -> Result<Vec<Fact>> {
    let answer = api.post("/v2/spans?limit=1", &json!({"project_id": found.id}))?;
    let page: Map<String, Value> = api.read("read a span of the project", &answer)?;
    let newest = page.get("spans").and_then(Value::as_array).and_then(|spans| spans.first());
    Ok(vec![
        fact("server", format!("{} answers, and takes the key", api.base())),
        fact("project", format!("{} is `{}` in space {}", found.name, found.id, found.space_id)),
        spans(newest),
        fact("key", "it reads spans; a service key with the role READ_ONLY is enough".to_owned()),
        watched(monitors::list(api, &found.id)),
    ])
}

fn fact(what: &'static str, detail: String) -> Fact {
    Fact { what, holds: true, detail, mend: None }
}

fn spans(newest: Option<&Value>) -> Fact {
    let read = |value: &Value| record::read(value.as_object()?.clone()).ok();
    match newest.and_then(read) {
        Some((span, _)) => fact("spans", format!("the newest is of {}", show_time(span.start_us))),
        None => Fact {
            what: "spans",
            holds: false,
            detail: "there is none of the last seven days".to_owned(),
            mend: Some("check that the application sends its traces to this project".to_owned()),
        },
    }
}

/// Monitors may be none of the key's business, which makes the source no worse.
fn watched(monitors: Result<Vec<Monitor>>) -> Fact {
    let mut monitors = match monitors {
        Ok(monitors) => monitors,
        Err(failure) => {
            let why = failure.causes.first().cloned().unwrap_or(failure.sentence);
            return fact("monitors", format!("they cannot be listed: {why}"));
        }
    };
    if monitors.is_empty() {
        return fact("monitors", "there are none".to_owned());
    }
    let triggered = monitors.iter().filter(|monitor| monitor.is_triggered()).count();
    monitors.sort_by_key(|monitor| !monitor.is_triggered());
    let shown: Vec<String> = monitors.iter().take(SHOWN).map(Monitor::line).collect();
    let count = Count::of(monitors.len(), "monitor");
    fact("monitors", format!("{count}, {triggered} triggered: {}", shown.join("; ")))
}
