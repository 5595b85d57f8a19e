//! The calls, each checked as the documentation has it.

use super::form;
use super::play::work;
use super::store::{StoredFile, millis, now};
use super::streams;
use super::{Asked, Refused, lock, reply};
use axum::body::Body;
use axum::http::{Method, Response};
use serde_json::{Value, json};

type Answered = Result<Response<Body>, Refused>;

const BETA: &str = "managed-agents-2026-04-01";

pub(crate) fn answer(asked: &Asked, method: &Method, path: &str) -> Answered {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    asked.admitted(parts.get(1).copied().unwrap_or_default())?;
    match (method.as_str(), parts.as_slice()) {
        ("POST", ["v1", "agents"]) => asked.create_agent(),
        ("GET", ["v1", "agents"]) => {
            asked.queries(&["limit", "page", "include_archived"])?;
            asked.list(lock(&asked.state.store).agents.clone(), 100)
        }
        ("GET", ["v1", "agents", id]) => {
            asked.queries(&["version"])?;
            let found = find(&lock(&asked.state.store).agents, id)?;
            let version = asked.one("version").unwrap_or("1".to_owned());
            if version.parse().ok() != found["version"].as_u64() {
                return Err(Refused::new(404, format!("agent {id} has no version {version}")));
            }
            ok(&found)
        }
        ("POST", ["v1", "environments"]) => asked.create_environment(),
        ("GET", ["v1", "environments"]) => {
            asked.queries(&["limit", "page", "include_archived"])?;
            asked.list(lock(&asked.state.store).environments.clone(), 100)
        }
        ("POST", ["v1", "sessions"]) => asked.create_session(),
        ("GET", ["v1", "sessions"]) => asked.list_sessions(),
        ("GET", ["v1", "sessions", id]) => {
            let store = lock(&asked.state.store);
            let session = store.session(id).ok_or_else(|| missing(id))?;
            ok(&session.about)
        }
        ("POST", ["v1", "sessions", id, "archive"]) => asked.archive(id),
        ("POST", ["v1", "sessions", id, "events"]) => asked.send(id),
        ("GET", ["v1", "sessions", id, "events"]) => asked.list_events(id),
        ("GET", ["v1", "sessions", id, "events", "stream"]) => {
            asked.queries(&[])?;
            streams::open(asked.state, id).ok_or_else(|| missing(id))
        }
        ("POST", ["v1", "files"]) => asked.upload(),
        ("GET", ["v1", "files"]) => asked.list_files(),
        ("GET", ["v1", "files", id, "content"]) => asked.content(id),
        ("DELETE", ["v1", "files", id]) => {
            lock(&asked.state.store).files.retain(|file| file.about["id"] != *id);
            ok(&json!({ "id": id, "type": "file_deleted" }))
        }
        ("POST", ["v1", "skills"]) => asked.create_skill(),
        _ => Err(asked.unknown(&format!("{method} {path}"))),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every call answers so, or is refused")]
fn ok(value: &Value) -> Answered {
    Ok(reply(200, value, &[]))
}

fn missing(id: &str) -> Refused {
    Refused::new(404, format!("{id} was not found"))
}

fn wrong(why: impl Into<String>) -> Refused {
    Refused::new(400, why)
}

fn find(list: &[Value], id: &str) -> Result<Value, Refused> {
    list.iter().find(|one| one["id"] == id).cloned().ok_or_else(|| missing(id))
}

impl Asked<'_> {
    /// Who asks, and whether for the version and the beta that these paths are of.
    fn admitted(&self, family: &str) -> Result<(), Refused> {
        let header = |name: &str| {
            self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        // The vendor's own client sends a key as the other schemes' tokens since its version 2.
        let bearer = header("authorization").strip_prefix("Bearer ");
        let key = bearer.unwrap_or(header("x-api-key"));
        if key != super::KEY {
            return Err(Refused::new(401, format!("invalid key {key}")));
        }
        if header("anthropic-version").is_empty() {
            return Err(wrong("anthropic-version: header is required"));
        }
        let beta = header("anthropic-beta").split(',').any(|beta| beta.trim() == BETA);
        let needed = matches!(family, "agents" | "environments" | "sessions")
            || family == "files" && self.query.contains_key("scope_id");
        if needed && !beta {
            return Err(Refused::new(404, "Not found"));
        }
        Ok(())
    }

    fn unknown(&self, what: &str) -> Refused {
        lock(&self.state.unexpected).push(what.to_owned());
        Refused::new(404, format!("unknown: {what}"))
    }

    /// `beta=true` is on every call of the vendor's own client.
    fn queries(&self, known: &[&str]) -> Result<(), Refused> {
        let odd = |name: &&String| !known.contains(&name.as_str()) && *name != "beta";
        match self.query.keys().find(odd) {
            Some(name) => Err(self.unknown(&format!("query {name}"))),
            None => Ok(()),
        }
    }

    fn one(&self, name: &str) -> Option<String> {
        self.query.get(name)?.first().cloned()
    }

    /// A body with these fields and no others.
    fn json(&self, known: &[&str]) -> Result<Value, Refused> {
        let kind = self.headers.get("content-type").and_then(|kind| kind.to_str().ok());
        if kind.is_none_or(|kind| !kind.starts_with("application/json")) {
            return Err(wrong("content-type must be application/json"));
        }
        let body: Value = serde_json::from_slice(self.body).map_err(|e| wrong(e.to_string()))?;
        self.fields(&body, known)?;
        Ok(body)
    }

    fn fields(&self, value: &Value, known: &[&str]) -> Result<(), Refused> {
        let Some(object) = value.as_object() else { return Err(wrong("an object is wanted")) };
        match object.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                lock(&self.state.unexpected).push(format!("field {name} in {value}"));
                Err(wrong(format!("{name}: extra inputs are not permitted")))
            }
            None => Ok(()),
        }
    }

    /// A page of a list; the cursor is a number here.
    fn list(&self, all: Vec<Value>, most: usize) -> Answered {
        let limit = self.one("limit").map_or(Ok(20), |limit| limit.parse::<usize>());
        let limit = limit.ok().filter(|limit| (1..=most).contains(limit));
        let limit = limit.ok_or_else(|| wrong(format!("limit: at most {most}")))?;
        let from: usize = self.one("page").and_then(|page| page.parse().ok()).unwrap_or(0);
        let next = (from + limit < all.len()).then(|| (from + limit).to_string());
        let data: Vec<Value> = all.into_iter().skip(from).take(limit).collect();
        ok(&json!({ "data": data, "next_page": next }))
    }

    fn create_agent(&self) -> Answered {
        let body = self.json(&[
            "name",
            "model",
            "description",
            "system",
            "tools",
            "mcp_servers",
            "skills",
            "metadata",
        ])?;
        let name = body["name"].as_str().unwrap_or_default();
        if name.is_empty() || name.len() > 256 {
            return Err(wrong("name: 1 to 256 characters"));
        }
        if !body["model"].is_string() && !body["model"]["id"].is_string() {
            return Err(wrong("model: required"));
        }
        metadata(&body["metadata"])?;
        for tool in body["tools"].as_array().into_iter().flatten() {
            match tool["type"].as_str() {
                Some("agent_toolset_20260401") => {
                    self.fields(tool, &["type", "default_config", "configs"])?;
                }
                other => return Err(wrong(format!("tools: {other:?}"))),
            }
        }
        let mut store = lock(&self.state.store);
        for skill in body["skills"].as_array().into_iter().flatten() {
            let id = skill["skill_id"].as_str().unwrap_or_default();
            find(&store.skills, id).map_err(|_| wrong(format!("skills: no {id}")))?;
        }
        let id = store.make_agent(&body);
        ok(&find(&store.agents, &id)?)
    }

    fn create_environment(&self) -> Answered {
        let body = self.json(&["name", "description", "config", "metadata", "scope"])?;
        metadata(&body["metadata"])?;
        let config = &body["config"];
        self.fields(config, &["type", "networking", "packages"])?;
        let networking = &config["networking"];
        let known = ["type", "allowed_hosts", "allow_package_managers", "allow_mcp_servers"];
        self.fields(
            networking,
            if networking["type"] == "limited" { &known } else { &known[..1] },
        )?;
        for host in networking["allowed_hosts"].as_array().into_iter().flatten() {
            if host.as_str().is_none_or(|host| host.contains("://") || host.contains('/')) {
                return Err(wrong(format!("allowed_hosts: {host}")));
            }
        }
        let mut store = lock(&self.state.store);
        if store.environments.iter().any(|one| one["name"] == body["name"]) {
            return Err(Refused::new(409, "an environment of that name exists"));
        }
        let id = store.make_environment(&body);
        ok(&find(&store.environments, &id)?)
    }

    fn create_session(&self) -> Answered {
        let body = self.json(&[
            "agent",
            "environment_id",
            "title",
            "metadata",
            "resources",
            "vault_ids",
            "initial_events",
            "budget",
        ])?;
        metadata(&body["metadata"])?;
        let agent = self.used_agent(&body["agent"])?;
        let environment = body["environment_id"].as_str().unwrap_or_default();
        let environment = find(&lock(&self.state.store).environments, environment)?;
        if !environment["archived_at"].is_null() {
            return Err(wrong("it is archived").code("environment_archived"));
        }
        self.check_budget(&body["budget"])?;
        let messages = body["initial_events"].as_array().cloned().unwrap_or_default();
        if messages.len() > 50 {
            return Err(wrong("initial_events: at most 50"));
        }
        for message in &messages {
            self.check_message(message)?;
        }
        let mut store = lock(&self.state.store);
        let id = store.id("sesn");
        drop(store);
        let resources = self.resources(&body["resources"], &id)?;
        let mut store = lock(&self.state.store);
        let about = json!({
            "id": id, "type": "session", "status": "idle", "agent": agent,
            "environment_id": body["environment_id"], "title": body["title"],
            "metadata": if body["metadata"].is_null() { json!({}) } else { body["metadata"].clone() },
            "resources": resources,
            "vault_ids": if body["vault_ids"].is_null() { json!([]) } else { body["vault_ids"].clone() },
            "budget": body["budget"], "deployment_id": null, "outcome_evaluations": [],
            "stats": { "active_seconds": 0.0, "duration_seconds": 0.0 }, "usage": {},
            "created_at": now(), "updated_at": now(), "archived_at": null,
        });
        store.make_session(about.clone());
        drop(store);
        for message in messages {
            self.stored(&id, message);
        }
        let store = lock(&self.state.store);
        ok(&store.session(&id).map(|session| session.about.clone()).unwrap_or_default())
    }

    fn used_agent(&self, used: &Value) -> Result<Value, Refused> {
        let id = used.as_str().or(used["id"].as_str()).unwrap_or_default();
        let store = lock(&self.state.store);
        let mut agent = find(&store.agents, id)?;
        drop(store);
        if used.is_object() {
            let plain = ["type", "id", "version"];
            let over =
                ["type", "id", "version", "model", "system", "tools", "mcp_servers", "skills"];
            match used["type"].as_str() {
                Some("agent") => self.fields(used, &plain)?,
                Some("agent_with_overrides") => self.fields(used, &over)?,
                _ => return Err(wrong("agent.type")),
            }
            if !used["version"].is_null() && used["version"] != agent["version"] {
                return Err(Refused::new(404, "no such version"));
            }
            if let Some(model) = used["model"].as_str() {
                agent["model"] = json!({ "id": model });
            }
            if let Some(system) = used["system"].as_str() {
                agent["system"] = json!(system);
            }
        }
        for key in ["metadata", "created_at", "updated_at", "archived_at"] {
            agent.as_object_mut().map(|agent| agent.remove(key));
        }
        Ok(agent)
    }

    fn check_budget(&self, budget: &Value) -> Result<(), Refused> {
        if budget.is_null() {
            return Ok(());
        }
        self.fields(budget, &["type", "max_list_cost"])?;
        let amount = budget["max_list_cost"]["amount"].as_str().unwrap_or_default();
        let fine = amount.parse::<u64>().is_ok_and(|cents| cents > 0);
        if budget["type"] == "limit" && fine && budget["max_list_cost"]["currency"] == "USD" {
            return Ok(());
        }
        Err(wrong("budget.max_list_cost: whole US cents as a string"))
    }

    fn resources(&self, resources: &Value, session: &str) -> Result<Vec<Value>, Refused> {
        let mut made = Vec::new();
        for resource in resources.as_array().into_iter().flatten() {
            let mut about = match resource["type"].as_str() {
                Some("file") => self.mounted(resource, session)?,
                Some("github_repository") => self.repository(resource)?,
                _ => return Err(wrong("resources.type")),
            };
            about["id"] = json!(lock(&self.state.store).id("sesrsc"));
            about["created_at"] = json!(now());
            about["updated_at"] = json!(now());
            made.push(about);
        }
        Ok(made)
    }

    /// The mounted copy is a file of its own, of the session and not to be downloaded.
    fn mounted(&self, resource: &Value, session: &str) -> Result<Value, Refused> {
        self.fields(resource, &["type", "file_id", "mount_path"])?;
        let id = resource["file_id"].as_str().unwrap_or_default();
        let mut store = lock(&self.state.store);
        let file = store.files.iter().find(|file| file.about["id"] == id);
        let (name, bytes) = match file {
            Some(file) => (file.about["filename"].clone(), file.bytes.clone()),
            None => return Err(missing(id)),
        };
        let copy = store.make_file(name.as_str().unwrap_or_default(), bytes, Some(session));
        if let Some(StoredFile { about, .. }) = store.files.last_mut() {
            about["downloadable"] = json!(false);
        }
        let path = resource["mount_path"].as_str().map_or(id, |path| path.trim_start_matches('/'));
        let path = format!("/mnt/session/uploads/{path}");
        Ok(json!({ "type": "file", "file_id": copy["id"], "mount_path": path }))
    }

    fn repository(&self, resource: &Value) -> Result<Value, Refused> {
        self.fields(resource, &["type", "url", "authorization_token", "checkout", "mount_path"])?;
        let url = resource["url"].as_str().unwrap_or_default();
        let path = url.strip_prefix("https://github.com/").unwrap_or_default();
        if path.split('/').count() != 2 || path.contains(".git") || path.contains("//") {
            return Err(wrong("resources.url: https://github.com/<owner>/<repo>"));
        }
        let checkout = &resource["checkout"];
        let fine = match checkout["type"].as_str() {
            Some("branch") => checkout["name"].is_string(),
            Some("commit") => checkout["sha"].as_str().is_some_and(|sha| sha.len() == 40),
            _ => checkout.is_null(),
        };
        if !fine {
            return Err(wrong("resources.checkout"));
        }
        let default = format!("/workspace/{}", path.rsplit('/').next().unwrap_or_default());
        let mount = resource["mount_path"].as_str().map_or(default, str::to_owned);
        Ok(json!({ "type": "github_repository", "url": url, "checkout": checkout,
            "mount_path": mount }))
    }

    fn list_sessions(&self) -> Answered {
        self.queries(&[
            "agent_id",
            "agent_version",
            "created_at[gte]",
            "include_archived",
            "statuses[]",
            "limit",
            "order",
            "page",
        ])?;
        let since = self.one("created_at[gte]");
        if since.as_ref().is_some_and(|since| since.parse::<jiff::Timestamp>().is_err()) {
            return Err(wrong("created_at: RFC 3339"));
        }
        let agent = self.one("agent_id");
        let store = lock(&self.state.store);
        let found = store.sessions.iter().rev().map(|session| &session.about);
        let found = found.filter(|about| {
            about["archived_at"].is_null()
                && agent.as_ref().is_none_or(|agent| about["agent"]["id"] == agent.as_str())
                && since.as_ref().is_none_or(|since| about["created_at"].as_str() >= Some(since))
        });
        let found = found.cloned().collect();
        drop(store);
        self.list(found, 100)
    }

    fn archive(&self, id: &str) -> Answered {
        let mut store = lock(&self.state.store);
        let session = store.session_mut(id).ok_or_else(|| missing(id))?;
        if matches!(session.about["status"].as_str(), Some("running" | "rescheduling")) {
            return Err(wrong("a running session cannot be archived"));
        }
        session.about["archived_at"] = json!(now());
        session.about["status"] = json!("terminated");
        ok(&session.about)
    }

    fn check_message(&self, message: &Value) -> Result<(), Refused> {
        self.fields(message, &["type", "content"])?;
        let blocks = message["content"].as_array().cloned().unwrap_or_default();
        if message["type"] != "user.message" || blocks.is_empty() {
            return Err(wrong("a user.message with content is wanted"));
        }
        for block in blocks {
            self.fields(&block, &["type", "text"])?;
            if block["type"] != "text" || block["text"].as_str().is_none_or(str::is_empty) {
                return Err(wrong("content: text must not be empty"));
            }
        }
        Ok(())
    }

    fn send(&self, id: &str) -> Answered {
        let body = self.json(&["events"])?;
        let events = body["events"].as_array().cloned().unwrap_or_default();
        for event in &events {
            self.check_event(id, event)?;
        }
        let stored: Vec<Value> = events.into_iter().map(|event| self.stored(id, event)).collect();
        ok(&json!({ "data": stored }))
    }

    fn check_event(&self, id: &str, event: &Value) -> Result<(), Refused> {
        let mut store = lock(&self.state.store);
        let session = store.session_mut(id).ok_or_else(|| missing(id))?;
        if !session.about["archived_at"].is_null() {
            return Err(Refused::new(409, "the session is archived"));
        }
        let kind = event["type"].as_str().unwrap_or_default();
        if session.budget_reached && kind == "user.message" {
            return Err(wrong("the session's budget is reached"));
        }
        let waits = |key: &str| {
            let id = event[key].as_str().unwrap_or_default();
            if session.waits_for.contains(id) { Ok(()) } else { Err(wrong(format!("{key}: {id}"))) }
        };
        match kind {
            "user.message" => self.check_message(event),
            "user.interrupt" => self.fields(event, &["type", "session_thread_id"]),
            "user.tool_confirmation" => {
                self.fields(event, &["type", "tool_use_id", "result", "deny_message"])?;
                let denies = event["result"] == "deny";
                if !denies && (event["result"] != "allow" || !event["deny_message"].is_null()) {
                    return Err(wrong("result"));
                }
                waits("tool_use_id")
            }
            "user.custom_tool_result" => {
                self.fields(event, &["type", "custom_tool_use_id", "content", "is_error"])?;
                waits("custom_tool_use_id")
            }
            _ => Err(wrong(format!("events: {kind}"))),
        }
    }

    /// Puts an event into the log; messages are queued first, and told again once they are processed.
    fn stored(&self, id: &str, mut event: Value) -> Value {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        let mut store = lock(&self.state.store);
        event["id"] = json!(store.id("sevt"));
        event["processed_at"] = if kind == "user.message" { Value::Null } else { json!(now()) };
        let Some(session) = store.session_mut(id) else { return event };
        let queued = event.clone();
        streams::tell(session, &streams::frame(&queued));
        event["processed_at"] = json!(now());
        session.events.push(event.clone());
        streams::tell(session, &streams::frame(&event));
        for key in ["tool_use_id", "custom_tool_use_id"] {
            session.waits_for.remove(event[key].as_str().unwrap_or_default());
        }
        session.interrupted |= kind == "user.interrupt";
        drop(store);
        self.state.changed.notify_waiters();
        if kind == "user.message" {
            work(self.state, id);
        }
        queued
    }

    fn list_events(&self, id: &str) -> Answered {
        self.queries(&["limit", "order", "page", "types[]"])?;
        let types = self.query.get("types[]");
        let mut store = lock(&self.state.store);
        let session = store.session_mut(id).ok_or_else(|| missing(id))?;
        let mut events = session.events.clone();
        if let Some(recorded) = &mut session.recorded {
            recorded.listed += 1;
            if recorded.listed == 1 {
                events.truncate(1);
            }
        }
        drop(store);
        events.retain(|event| {
            types.is_none_or(|types| types.iter().any(|kind| event["type"] == kind.as_str()))
        });
        if self.one("order").as_deref() == Some("desc") {
            events.reverse();
        }
        self.list(events, 1000)
    }

    fn upload(&self) -> Answered {
        let parts = form::parts(self.headers, self.body).ok_or_else(|| wrong("no form"))?;
        let expires = parts.iter().find(|part| part.name == "expires_in_seconds");
        let seconds = expires.map(|part| String::from_utf8_lossy(&part.bytes).parse::<u64>());
        if seconds.is_some_and(|s| !s.is_ok_and(|s| (3600..=7_776_000).contains(&s))) {
            return Err(wrong("expires_in_seconds"));
        }
        let file = parts.into_iter().find(|part| part.name == "file");
        let file = file.ok_or_else(|| wrong("file: required"))?;
        let name = file.filename.ok_or_else(|| wrong("file: a name is required"))?;
        ok(&lock(&self.state.store).make_file(&name, file.bytes, None))
    }

    fn list_files(&self) -> Answered {
        self.queries(&["scope_id", "limit", "page"])?;
        let scope = self.one("scope_id");
        let now = millis();
        let store = lock(&self.state.store);
        let files = store.files.iter().filter(|file| file.from <= now).filter(|file| {
            scope.as_ref().is_none_or(|scope| file.about["scope"]["id"] == scope.as_str())
        });
        let files = files.map(|file| file.about.clone()).collect();
        drop(store);
        self.list(files, 1000)
    }

    fn content(&self, id: &str) -> Answered {
        let store = lock(&self.state.store);
        let file = store.files.iter().find(|file| file.about["id"] == id);
        let file = file.ok_or_else(|| missing(id))?;
        if file.about["downloadable"] != true {
            return Err(wrong("it cannot be downloaded").code("file_not_downloadable"));
        }
        Ok(Response::builder()
            .status(200)
            .header("content-type", "application/octet-stream")
            .body(Body::from(file.bytes.clone()))
            .expect("a response"))
    }

    fn create_skill(&self) -> Answered {
        let parts = form::parts(self.headers, self.body).ok_or_else(|| wrong("no form"))?;
        let files = || parts.iter().filter(|part| part.name == "files[]");
        let tops: std::collections::BTreeSet<_> = files()
            .filter_map(|part| part.filename.as_deref()?.split_once('/').map(|(top, _)| top))
            .collect();
        let described = files()
            .any(|part| part.filename.as_deref().is_some_and(|name| name.ends_with("/SKILL.md")));
        if tops.len() != 1 || !described {
            return Err(wrong("files: one top directory with SKILL.md"));
        }
        let mut store = lock(&self.state.store);
        let skill = json!({ "id": store.id("skill"), "type": "skill", "created_at": now() });
        store.skills.push(skill.clone());
        ok(&skill)
    }
}

fn metadata(metadata: &Value) -> Result<(), Refused> {
    let pairs = metadata.as_object().map(|object| object.iter().collect::<Vec<_>>());
    let pairs = pairs.unwrap_or_default();
    let fine = pairs.len() <= 16
        && pairs.iter().all(|(key, value)| {
            key.len() <= 64 && value.as_str().is_some_and(|value| value.len() <= 512)
        });
    if fine { Ok(()) } else { Err(wrong("metadata").code("invalid_metadata")) }
}
