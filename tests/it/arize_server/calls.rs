//! The calls that a scripted Arize AX knows.

use super::world::{Held, World};
use super::{READ_ONLY, Reply};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub struct Call<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a BTreeMap<String, String>,
    pub body: &'a Value,
}

pub fn reply(world: &mut World, key: &str, call: &Call) -> Reply {
    match (call.method, call.path) {
        ("GET", "/v2/spaces") => known(call, &["name", "limit", "cursor"], |call| {
            let space = |(id, name): &(String, String)| json!({"id": id, "name": name, "created_at": "2026-06-01T00:00:00Z"});
            let all = world.spaces.iter().map(space).filter(|one| named(one, call));
            list("spaces", all.collect(), call)
        }),
        ("GET", "/v2/projects") => {
            known(call, &["space_id", "space_name", "name", "limit", "cursor"], |call| {
                let of_space = |one: &&Value| is(call, "space_id", &one["space_id"]);
                let all = world.projects.iter().filter(of_space).filter(|one| named(one, call));
                list("projects", all.cloned().collect(), call)
            })
        }
        ("GET", path) if path.starts_with("/v2/projects/") => {
            let id = super::decoded(&path["/v2/projects/".len()..]);
            match world.projects.iter().find(|project| project["id"] == id.as_str()) {
                Some(project) => Reply::Json(200, project.clone()),
                None => missing("project"),
            }
        }
        ("GET", path) if path.starts_with("/v2/spaces/") => {
            let id = super::decoded(&path["/v2/spaces/".len()..]);
            match world.spaces.iter().find(|(own, _)| *own == id) {
                Some((id, name)) => Reply::Json(
                    200,
                    json!({"id": id, "name": name, "organization_id": ORGANIZATION}),
                ),
                None => missing("space"),
            }
        }
        ("POST", "/v2/api-keys") if key == READ_ONLY => {
            Reply::Problem(403, "Forbidden", "SERVICE_KEY_CREATE is needed".to_owned())
        }
        ("POST", "/v2/api-keys") => make_key(world, call),
        ("PUT", path) if path.starts_with("/v2/api-keys/") && path.ends_with("/revoke") => {
            revoke(world, path["/v2/api-keys/".len()..].trim_end_matches("/revoke"))
        }
        ("GET", "/v2/monitors") => known(call, &["project_id", "limit", "cursor"], |call| {
            let of_project = |one: &&Value| is(call, "project_id", &one["project_id"]);
            list("monitors", world.monitors.iter().filter(of_project).cloned().collect(), call)
        }),
        ("GET", "/v2/annotation-configs") => {
            known(call, &["space_id", "name", "limit", "cursor"], |call| {
                let of_space = |one: &&Value| is(call, "space_id", &one["space_id"]);
                let all = world.configs.iter().filter(of_space).filter(|one| named(one, call));
                list("annotation_configs", all.cloned().collect(), call)
            })
        }
        ("POST", "/v2/spans") => spans(world, call),
        ("POST", "/v2/spans/annotate") if key == READ_ONLY => {
            Reply::Problem(403, "Forbidden", "SPANS_ANNOTATE is needed".to_owned())
        }
        ("POST", "/v2/spans/annotate") => annotate(world, call),
        _ => Reply::Unknown("this call is not known".to_owned()),
    }
}

fn known<'a>(call: &'a Call<'a>, keys: &[&str], then: impl FnOnce(&'a Call<'a>) -> Reply) -> Reply {
    match call.query.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Reply::Unknown(format!("there is no parameter `{key}`")),
        None => then(call),
    }
}

fn missing(what: &str) -> Reply {
    Reply::Problem(404, "Not Found", format!("{what} not found"))
}

/// A filter by a part of the name, in any case.
fn named(value: &Value, call: &Call) -> bool {
    let name = value["name"].as_str().unwrap_or_default().to_lowercase();
    call.query.get("name").is_none_or(|part| name.contains(&part.to_lowercase()))
}

fn is(call: &Call, key: &str, value: &Value) -> bool {
    call.query.get(key).is_none_or(|wanted| value == wanted.as_str())
}

/// How many at most, where the call says none or a number within bounds.
fn limit(call: &Call, usual: usize, most: usize) -> Result<usize, Reply> {
    let given = call.query.get("limit").map(|text| text.parse::<usize>());
    match given.unwrap_or(Ok(usual)) {
        Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(Reply::Unknown(format!("`limit` is from 1 to {most}"))),
    }
}

fn list(name: &str, all: Vec<Value>, call: &Call) -> Reply {
    let limit = match limit(call, 50, 100) {
        Ok(limit) => limit,
        Err(reply) => return reply,
    };
    let from = call.query.get("cursor").map_or(Ok(0), |cursor| cursor.parse::<usize>());
    let Ok(from) = from else { return Reply::Unknown("this cursor was never given".to_owned()) };
    let page: Vec<Value> = all.iter().skip(from).take(limit).cloned().collect();
    let next = from + page.len();
    let mut pagination = json!({"has_more": next < all.len()});
    if next < all.len() {
        pagination["next_cursor"] = json!(next.to_string());
    }
    Reply::Json(200, json!({name: page, "pagination": pagination}))
}

fn fields(body: &Value, known: &[&str], needed: &[&str]) -> Result<(), Reply> {
    let Some(object) = body.as_object() else {
        return Err(Reply::Unknown("the body is no object".to_owned()));
    };
    if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Reply::Unknown(format!("there is no field `{key}`")));
    }
    match needed.iter().find(|key| !object.contains_key(**key)) {
        Some(key) => Err(Reply::Unknown(format!("`{key}` is missing"))),
        None => Ok(()),
    }
}

const SPANS: [&str; 7] = [
    "project_id",
    "start_time",
    "end_time",
    "filter",
    "included_columns",
    "excluded_columns",
    "truncate_string_length",
];

fn spans(world: &mut World, call: &Call) -> Reply {
    let ready = fields(call.body, &SPANS, &["project_id"]).and_then(|()| limit(call, 50, 500));
    let limit = match ready {
        Ok(limit) => limit,
        Err(reply) => return reply,
    };
    let Some(filter) = call.body.get("filter").map_or(Some(Filter::All), Filter::read) else {
        return Reply::Unknown("this filter is not known".to_owned());
    };
    let Some((from, to)) = range(call.body, 7) else {
        return Reply::Unknown("these times are none".to_owned());
    };
    let project = call.body["project_id"].as_str().unwrap_or_default();
    if world.projects.iter().all(|one| one["id"] != project) {
        return missing("project");
    }
    let inside = |held: &&Held| {
        let start = start(&held.span);
        held.project == project
            && (from..=to).contains(&start)
            && filter.takes(&held.span)
            && (!held.is_late || filter.is_by_id())
    };
    let mut found: Vec<&Held> = world.spans.iter().filter(inside).collect();
    found.sort_by_key(|held| {
        std::cmp::Reverse((start(&held.span), held.span["context"].to_string()))
    });
    // Whatever else is asked must stay the same from page to page.
    let asked = format!("{:?}", call.body);
    let from = match call.query.get("cursor") {
        None => 0,
        Some(_) if world.refuse_cursors > 0 => {
            world.refuse_cursors -= 1;
            return Reply::Problem(
                400,
                "Bad Request",
                "the cursor is not valid any more".to_owned(),
            );
        }
        Some(cursor) => match cursor.split_once('~') {
            Some((from, body)) if body == asked => from.parse().unwrap_or(0),
            _ => return Reply::Unknown("the cursor is of another question".to_owned()),
        },
    };
    let page: Vec<Value> =
        found.iter().skip(from).take(limit).map(|held| world.shown(held)).collect();
    let next = from + page.len();
    let mut pagination = json!({"has_more": next < found.len()});
    if next < found.len() {
        pagination["next_cursor"] = json!(format!("{next}~{asked}"));
    }
    Reply::Json(200, json!({"spans": page, "pagination": pagination}))
}

/// The range of a body, both ends in it, in microseconds; as long as that in days where it names none.
fn range(body: &Value, days: i64) -> Option<(i64, i64)> {
    let read = |key: &str| match body.get(key) {
        None | Some(Value::Null) => Some(None),
        Some(value) => Some(Some(value.as_str()?.parse::<Timestamp>().ok()?.as_microsecond())),
    };
    let to = read("end_time")?.unwrap_or_else(|| Timestamp::now().as_microsecond());
    let from = read("start_time")?.unwrap_or(to - days * 86_400_000_000);
    Some((from, to))
}

fn start(span: &Value) -> i64 {
    span["start_time"].as_str().unwrap().parse::<Timestamp>().unwrap().as_microsecond()
}

/// As much of the filter language as is used.
enum Filter {
    All,
    /// A column and the values that it may have.
    OneOf(String, BTreeSet<String>),
}

impl Filter {
    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str().filter(|text| !text.trim().is_empty())?;
        let mut column = None;
        let mut values = BTreeSet::new();
        for part in text.split(" OR ") {
            let (name, value) = part.trim().split_once(" = ")?;
            let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
            if column.get_or_insert(name) != &name || value.contains('\'') {
                return None;
            }
            values.insert(value.to_owned());
        }
        let columns = ["context.trace_id", "context.span_id", "status_code"];
        Some(Self::OneOf(column.filter(|name| columns.contains(name))?.to_owned(), values))
    }

    fn takes(&self, span: &Value) -> bool {
        let Self::OneOf(column, values) = self else { return true };
        let value = match column.as_str() {
            "context.trace_id" => &span["context"]["trace_id"],
            "context.span_id" => &span["context"]["span_id"],
            _ => &span["status_code"],
        };
        value.as_str().is_some_and(|value| values.contains(value))
    }

    fn is_by_id(&self) -> bool {
        matches!(self, Self::OneOf(column, _) if column.starts_with("context."))
    }
}

const ANNOTATE: [&str; 5] = ["project_id", "granularity", "start_time", "end_time", "annotations"];

fn annotate(world: &mut World, call: &Call) -> Reply {
    if let Err(reply) = fields(call.body, &ANNOTATE, &["project_id", "annotations"]) {
        return reply;
    }
    let Some((from, to)) = range(call.body, 31) else {
        return Reply::Unknown("these times are none".to_owned());
    };
    if to - from > 31 * 86_400_000_000 || to > Timestamp::now().as_microsecond() {
        return Reply::Problem(
            422,
            "Unprocessable Entity",
            "31 days at most, none to come".to_owned(),
        );
    }
    let granularity = call.body["granularity"].as_str().unwrap_or("SPAN");
    let records = call.body["annotations"].as_array().cloned().unwrap_or_default();
    if records.is_empty() || records.len() > 1_000 || !["SPAN", "TRACE"].contains(&granularity) {
        return Reply::Unknown("from 1 to 1000 records of spans or traces".to_owned());
    }
    let mut ids = BTreeSet::new();
    let mut writes = Vec::new();
    for record in &records {
        let ready = fields(record, &["record_id", "values"], &["record_id", "values"]);
        if let Err(reply) = ready {
            return reply;
        }
        let id = record["record_id"].as_str().unwrap_or_default();
        if !ids.insert(id) {
            return Reply::Problem(400, "Bad Request", format!("`{id}` is there twice"));
        }
        let held = world.spans.iter().find(|held| {
            held.span["context"]["span_id"] == id && (from..=to).contains(&start(&held.span))
        });
        match held {
            None => return missing(&format!("record {id}")),
            Some(held) if granularity == "TRACE" && !held.span["parent_id"].is_null() => {
                return Reply::Problem(400, "Bad Request", format!("`{id}` is no root span"));
            }
            Some(_) => {}
        }
        for value in record["values"].as_array().unwrap_or(&Vec::new()) {
            if let Err(reply) = fields(value, &["name", "label", "score", "text"], &["name"]) {
                return reply;
            }
            let name = value["name"].as_str().unwrap_or_default();
            if world.configs.iter().all(|config| config["name"] != name) {
                let detail = format!("there is no annotation config `{name}`");
                return Reply::Problem(404, "Not Found", detail);
            }
            writes.push(((granularity.to_owned(), id.to_owned(), name.to_owned()), value.clone()));
        }
    }
    world.annotations.extend(writes);
    Reply::Empty(202)
}

const ORGANIZATION: &str = "T3JnOjE=";

const KEY: [&str; 6] =
    ["key_type", "name", "description", "expires_at", "account_role", "organizations"];

fn make_key(world: &mut World, call: &Call) -> Reply {
    if let Err(reply) = fields(call.body, &KEY, &["key_type", "name", "organizations"]) {
        return reply;
    }
    let organization = &call.body["organizations"][0];
    let space = &organization["spaces"][0]["space_id"];
    let ours = organization["org_id"] == ORGANIZATION;
    if !ours || world.spaces.iter().all(|(id, _)| space != id.as_str()) {
        return missing("organization or space");
    }
    let id = format!("QXBpS2V5O{}=", world.keys.len());
    let mut made = call.body.clone();
    let made_of = made.as_object_mut().expect("it has fields");
    made_of.remove("organizations");
    made_of.remove("account_role");
    made["id"] = json!(id);
    made["status"] = json!("ACTIVE");
    made["key"] = json!(format!("ak-leased-{}", world.keys.len()));
    world.keys.insert(id, call.body.clone());
    Reply::Json(201, made)
}

fn revoke(world: &mut World, id: &str) -> Reply {
    match world.keys.get_mut(&super::decoded(id)) {
        Some(made) => {
            made["status"] = json!("REVOKED");
            Reply::Empty(204)
        }
        None => missing("API key"),
    }
}
