//! The calls: who may make them, what they are about, and what is answered.

use super::exec::{self, Exec};
use super::kinds::{self, Kind, Selector};
use super::refusal::Refusal;
use super::store::{About, Key, typed};
use super::{Fault, TOKEN, World, admit};
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

/// The most that a call may say, as the real server has it.
const BODY: usize = 3 << 20;

/// What a path is about.
#[derive(Debug)]
struct Target {
    kind: &'static Kind,
    namespace: Option<String>,
    name: String,
    below: String,
}

/// A call as it came.
pub struct Call {
    target: Target,
    verb: &'static str,
    query: Vec<(String, String)>,
    body: Bytes,
    kind_of_body: String,
}

pub async fn answer(world: Arc<World>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY).await else {
        return refuse(&Refusal::new(413, "", "the request is too large", Value::Null));
    };
    let (path, query) = (parts.uri.path().to_owned(), query(parts.uri.query().unwrap_or_default()));
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let known = bearer == Some(&format!("Bearer {TOKEN}"));
    if !known || super::lock(&world.faults).unauthorized {
        super::lock(&world.seen).push(format!("{} {path}", parts.method));
        return refuse(&Refusal::unauthorized());
    }
    if let Some(answer) = of_the_server(&path) {
        return answer;
    }
    let told = format!("{} {}", parts.method, parts.uri);
    let Some(target) = target(&path) else {
        world.unknown(told);
        let missing = "the server could not find the requested resource";
        return refuse(&Refusal::new(404, "NotFound", missing, Value::Null));
    };
    let flag = |name: &str| query.iter().any(|(key, value)| key == name && value != "false");
    let verb = match (parts.method.as_str(), target.name.is_empty(), flag("watch")) {
        ("GET", true, true) => "watch",
        ("GET", true, false) => "list",
        ("GET", false, _) => "get",
        ("POST", ..) => "create",
        ("PUT", ..) => "update",
        ("PATCH", ..) => "patch",
        ("DELETE", true, _) => "deletecollection",
        ("DELETE", false, _) => "delete",
        _ => "unknown",
    };
    let kind_of_body =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind_of_body = kind_of_body.unwrap_or_default().to_owned();
    let call = Call { target, verb, query, body, kind_of_body };
    super::lock(&world.seen).push(format!("{verb} {}", call.resource()));
    match world.fault(call.verb, &call.resource()) {
        Some(Fault::Refuse(refusal)) => return refuse(&refusal),
        Some(Fault::Gateway) => return page(),
        Some(Fault::Lost) => {
            let _ = done(&world, &call, &mut parts, &told).await;
            return lost();
        }
        None => {}
    }
    done(&world, &call, &mut parts, &told).await.unwrap_or_else(|refusal| refuse(&refusal))
}

impl Call {
    /// As rights name it, for example `pods/exec`.
    fn resource(&self) -> String {
        let Target { kind, below, .. } = &self.target;
        if below.is_empty() { kind.plural.to_owned() } else { format!("{}/{below}", kind.plural) }
    }

    fn asked(&self, name: &str) -> Option<String> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn flag(&self, name: &str) -> bool {
        self.asked(name).is_some_and(|value| value != "false" && value != "0")
    }

    fn key(&self) -> Key {
        let namespace = self.target.namespace.as_deref().unwrap_or_default();
        Key::new(self.target.kind, namespace, &self.target.name)
    }

    fn json(&self) -> Result<Value, Refusal> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Refusal::bad_request(&format!("the object provided is unrecognized: {error}"))
        })
    }

    fn about(&self) -> Result<About, Refusal> {
        let text = |name: &str| self.asked(name).unwrap_or_default();
        let selector = Selector::new(&text("labelSelector"), &text("fieldSelector"))?;
        let namespace = self.target.namespace.clone();
        Ok(About { kind: self.target.kind, namespace, selector })
    }
}

/// Parameters that some call may have; one that is not here is nothing the server knows.
const PARAMETERS: [&str; 33] = [
    "labelSelector",
    "fieldSelector",
    "limit",
    "continue",
    "resourceVersion",
    "timeoutSeconds",
    "resourceVersionMatch",
    "watch",
    "allowWatchBookmarks",
    "sendInitialEvents",
    "timeout",
    "dryRun",
    "fieldManager",
    "fieldValidation",
    "force",
    "pretty",
    "propagationPolicy",
    "gracePeriodSeconds",
    "orphanDependents",
    "container",
    "command",
    "stdin",
    "stdout",
    "stderr",
    "tty",
    "follow",
    "sinceTime",
    "sinceSeconds",
    "tailLines",
    "limitBytes",
    "timestamps",
    "previous",
    "includeObject",
];

async fn done(
    world: &Arc<World>,
    call: &Call,
    parts: &mut Parts,
    told: &str,
) -> Result<Response, Refusal> {
    if let Some((name, _)) = call.query.iter().find(|(name, _)| !PARAMETERS.contains(&&**name)) {
        world.unknown(format!("{told}: the parameter `{name}`"));
    }
    allowed(world, call)?;
    let Target { kind, below, .. } = &call.target;
    match (call.verb, kind.plural, below.as_str()) {
        ("get" | "create", "pods", "exec") => {
            let upgrade = WebSocketUpgrade::from_request_parts(parts, &()).await;
            let upgrade = upgrade.map_err(|_| {
                // Older clients ask for SPDY, which is not spoken here.
                Refusal::bad_request("Upgrade request required")
            })?;
            start(world, call, upgrade)
        }
        ("get", "pods", "log") => {
            let id = made(world, call)?;
            Ok(exec::logs(world, &id, &|name| call.asked(name)))
        }
        ("get", _, "" | "status") => {
            let object = super::lock(&world.store).found(&call.key())?;
            Ok(reply(200, &typed(kind, object)))
        }
        ("list", _, "") => list(world, call).map(|told| reply(200, &told)),
        ("watch", _, "") => {
            Ok(super::watch::answer(world, call.about()?, &|name| call.asked(name)))
        }
        ("create", _, "") if kind.asked => Ok(reply(201, &review(world, call.json()?))),
        ("create", _, "") => create(world, call, told),
        ("update" | "patch", _, "") => change(world, call, told).map(|told| reply(200, &told)),
        ("delete", _, "") => {
            let mut options = call.json()?;
            for name in ["propagationPolicy", "gracePeriodSeconds"] {
                if let Some(value) = call.asked(name) {
                    options[name] =
                        value.parse::<i64>().map_or(json!(value), |number| json!(number));
                }
            }
            admit::delete(world, &call.key(), &options).map(|told| reply(200, &told))
        }
        _ => {
            world.unknown(told.to_owned());
            let message = "the server does not allow this method on the requested resource";
            Err(Refusal::new(405, "MethodNotAllowed", message, Value::Null))
        }
    }
}

/// Whether the caller has the right. One that is taken away is named.
fn allowed(world: &World, call: &Call) -> Result<(), Refusal> {
    let resource = call.resource();
    // A WebSocket is a GET, and newer servers ask for the right to create one all the same.
    let verbs = if call.target.below == "exec" { &["get", "create"][..] } else { &[call.verb] };
    match verbs.iter().find(|verb| !world.allows(verb, &resource)) {
        None => Ok(()),
        Some(verb) => {
            let place = call.target.namespace.as_deref().unwrap_or_default();
            let resource = (call.target.kind.group, resource.as_str());
            Err(Refusal::not_allowed(verb, resource, &call.target.name, place))
        }
    }
}

fn start(world: &Arc<World>, call: &Call, upgrade: WebSocketUpgrade) -> Result<Response, Refusal> {
    let container = call.asked("container").unwrap_or_default();
    let container = exec::running(world, &call.key(), &container)?;
    let words = call.query.iter().filter(|(name, _)| name == "command");
    let command: Vec<String> = words.map(|(_, value)| value.clone()).collect();
    if command.is_empty() {
        return Err(Refusal::bad_request("you must specify at least 1 container command"));
    }
    let [stdin, stdout, stderr, tty] =
        ["stdin", "stdout", "stderr", "tty"].map(|name| call.flag(name));
    let asked = Exec { container, command, stdin, stdout, stderr, tty };
    Ok(exec::exec(Arc::clone(world), upgrade, asked))
}

/// The engine's container whose log is asked for, also when it has ended.
fn made(world: &World, call: &Call) -> Result<String, Refusal> {
    let pod = super::lock(&world.store).found(&call.key())?;
    let usual = pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
    let name = call.asked("container").unwrap_or(usual.to_owned());
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    world.made(uid).containers.get(&name).cloned().ok_or_else(|| {
        let pod = &call.target.name;
        let why =
            format!("container \"{name}\" in pod \"{pod}\" is waiting to start: ContainerCreating");
        Refusal::bad_request(&why)
    })
}

fn list(world: &World, call: &Call) -> Result<Value, Refusal> {
    let about = call.about()?;
    let store = super::lock(&world.store);
    let version = call.asked("resourceVersion").and_then(|text| text.parse::<u64>().ok());
    if version.is_some_and(|version| version > 0 && version < store.oldest)
        && call.asked("resourceVersionMatch").as_deref() == Some("Exact")
    {
        return Err(Refusal::expired(version.unwrap_or_default(), store.oldest));
    }
    let mut found = store.list(about.kind.plural, about.namespace.as_deref());
    found.retain(|(_, object)| about.selector.matches(object));
    let mut meta = json!({"resourceVersion": store.version.to_string()});
    // What is left out is asked for with the place of the last one, and the version it was of.
    if let Some(token) = call.asked("continue").filter(|token| !token.is_empty()) {
        let (version, last) = token.split_once(' ').unwrap_or_default();
        if version.parse::<u64>().unwrap_or_default() < store.oldest {
            let told =
                "The provided continue parameter is too old to display a consistent list result.";
            return Err(Refusal::new(410, "Expired", told, Value::Null));
        }
        found.retain(|(key, _)| format!("{}/{}", key.namespace, key.name).as_str() > last);
    }
    let most = call.asked("limit").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    if most > 0 && found.len() > most {
        meta["remainingItemCount"] = json!(found.len() - most);
        found.truncate(most);
        let (last, _) = found.last().expect("one at least");
        meta["continue"] = json!(format!("{} {}/{}", store.version, last.namespace, last.name));
    }
    let items: Vec<Value> = found.into_iter().map(|(_, object)| object).collect();
    let kind = about.kind;
    Ok(json!({"kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(),
        "metadata": meta, "items": items}))
}

/// The body, as an object of the kind that the path names.
fn object(world: &World, call: &Call, told: &str) -> Result<Value, Refusal> {
    let body = call.json()?;
    let Target { kind, namespace, .. } = &call.target;
    if let Err(field) = kind.check(&body)? {
        world.unknown(format!("{told}: {field}"));
    }
    let own = body["metadata"]["namespace"].as_str();
    if kind.namespaced && own.is_some_and(|own| Some(own) != namespace.as_deref()) {
        let why =
            "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Refusal::bad_request(why));
    }
    Ok(body)
}

fn create(world: &World, call: &Call, told: &str) -> Result<Response, Refusal> {
    let body = object(world, call, told)?;
    let Target { kind, namespace, .. } = &call.target;
    let namespace = namespace.clone().unwrap_or_default();
    let trial = call.flag("dryRun");
    let made = admit::create(world, kind, &namespace, body)?;
    if trial {
        let name = made["metadata"]["name"].as_str().unwrap_or_default();
        let key = Key::new(kind, &namespace, name);
        world.change(|store| drop(store.remove(&key)));
    }
    Ok(reply(201, &typed(kind, made)))
}

/// Replaces an object, or merges into it.
fn change(world: &World, call: &Call, told: &str) -> Result<Value, Refusal> {
    let (kind, key) = (call.target.kind, call.key());
    let patch = call.verb == "patch";
    if patch && call.kind_of_body.starts_with("application/json-patch") {
        world.unknown(format!("{told}: a patch of its kind"));
    }
    let apply = call.kind_of_body.starts_with("application/apply-patch");
    let body = if patch && !apply { call.json()? } else { object(world, call, told)? };
    if apply && super::lock(&world.store).get(&key).is_none() {
        return admit::create(world, kind, &key.namespace, body).map(|made| typed(kind, made));
    }
    world.change(|store| {
        let found = store.found(&key)?;
        let version = &body["metadata"]["resourceVersion"];
        if !version.is_null() && *version != found["metadata"]["resourceVersion"] {
            let why = "the object has been modified; please apply your changes to the latest version and try again";
            return Err(Refusal::conflict(kind.group, kind.plural, &key.name, why));
        }
        if found["immutable"] == true && !body["data"].is_null() && body["data"] != found["data"] {
            let why = "field is immutable when `immutable` is set";
            return Err(Refusal::invalid((kind.group, kind.kind), &key.name, "data", why));
        }
        let changed = store.update(&key, |object| {
            if patch {
                merge(object, &body);
            } else {
                let meta = object["metadata"].clone();
                *object = body.clone();
                for name in ["uid", "creationTimestamp", "resourceVersion", "namespace"] {
                    object["metadata"][name] = meta[name].clone();
                }
            }
            for name in ["kind", "apiVersion"] {
                object.as_object_mut().expect("an object").remove(name);
            }
        });
        Ok(typed(kind, changed.unwrap_or_default()))
    })
}

/// RFC 7396.
fn merge(into: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (name, value) in fields {
        if value.is_null() {
            into.as_object_mut().expect("an object").remove(name);
        } else {
            merge(&mut into[name.as_str()], value);
        }
    }
}

/// What the caller may do, if it asks.
fn review(world: &World, mut review: Value) -> Value {
    if review["kind"] == "SelfSubjectRulesReview" {
        let rules = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
        review["status"] =
            json!({"incomplete": false, "nonResourceRules": [], "resourceRules": rules});
        return review;
    }
    let about = &review["spec"]["resourceAttributes"];
    let text = |name: &str| about[name].as_str().unwrap_or_default();
    let resource = match text("subresource") {
        "" => text("resource").to_owned(),
        below => format!("{}/{below}", text("resource")),
    };
    let known = Kind::find(text("group"), text("resource")).is_some();
    let allowed = known && world.allows(text("verb"), &resource);
    review["status"] = json!({"allowed": allowed});
    review
}

/// What is about no object.
fn of_the_server(path: &str) -> Option<Response> {
    match path {
        "/version" => Some(reply(
            200,
            &json!({"major": "1", "minor": "33", "gitVersion": "v1.33.0", "gitCommit": "",
                "gitTreeState": "clean", "buildDate": "2025-04-23T13:30:00Z",
                "goVersion": "go1.24.2", "compiler": "gc", "platform": "linux/amd64"}),
        )),
        "/healthz" | "/livez" | "/readyz" => Some(Response::new(Body::from("ok"))),
        _ => kinds::discovery(path).map(|found| reply(200, &found)),
    }
}

fn target(path: &str) -> Option<Target> {
    let (group, rest) = match path.strip_prefix("/api/v1/") {
        Some(rest) => ("", rest),
        None => path.strip_prefix("/apis/")?.split_once("/v1/")?,
    };
    let parts: Vec<String> = rest.split('/').map(crate::urls::decoded).collect();
    let (namespace, parts) = match parts.as_slice() {
        [first, namespace, rest @ ..] if first == "namespaces" && !rest.is_empty() => {
            (Some(namespace.clone()), rest)
        }
        all => (None, all),
    };
    let kind = Kind::find(group, parts.first()?)?;
    let part = |at: usize| parts.get(at).cloned().unwrap_or_default();
    (parts.len() <= 3).then(|| Target { kind, namespace, name: part(1), below: part(2) })
}

fn query(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (crate::urls::decoded(name), crate::urls::decoded(&value.replace('+', " ")))
    };
    pairs.map(pair).collect()
}

fn reply(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().expect("a header"));
    response
}

pub fn refuse(refusal: &Refusal) -> Response {
    let mut response = reply(refusal.code, &refusal.status);
    if let Value::String(words) = &refusal.status {
        *response.body_mut() = Body::from(words.clone());
        let kind = "text/plain; charset=utf-8".parse().expect("a header");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// What something between the client and the server answers.
fn page() -> Response {
    let mut response = Response::new(Body::from("<html><body>502 Bad Gateway</body></html>"));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.headers_mut().insert(header::CONTENT_TYPE, "text/html".parse().expect("a header"));
    response
}

/// An answer that does not arrive.
fn lost() -> Response {
    let pieces = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("the connection ends"))];
    Response::new(Body::from_stream(futures_util::stream::iter(pieces)))
}
