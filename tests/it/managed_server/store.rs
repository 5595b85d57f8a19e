//! What the scripted vendor remembers.

use super::Script;
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use tokio::sync::mpsc::UnboundedSender;

pub(crate) struct Store {
    pub agents: Vec<Value>,
    pub environments: Vec<Value>,
    pub sessions: Vec<Session>,
    pub files: Vec<StoredFile>,
    pub skills: Vec<Value>,
    pub script: Script,
    pub cuts: VecDeque<usize>,
    pub late_status: u64,
    ids: u64,
}

pub(crate) struct StoredFile {
    pub about: Value,
    pub bytes: Vec<u8>,
    /// Unix milliseconds; before then nobody sees it.
    pub from: i64,
}

pub(crate) struct Session {
    pub about: Value,
    pub events: Vec<Value>,
    pub streams: Vec<UnboundedSender<Vec<u8>>>,
    /// Events that wait for an answer.
    pub waits_for: BTreeSet<String>,
    pub interrupted: bool,
    /// Whether a turn is being played; the stored status may lag behind.
    pub playing: bool,
    pub budget_reached: bool,
    /// Messages that wait for their turn.
    pub queued: usize,
    pub recorded: Option<Recorded>,
}

/// A session whose events are there from the start.
pub(crate) struct Recorded {
    pub cut: usize,
    pub listed: usize,
    pub streamed: usize,
}

impl Store {
    pub fn new() -> Self {
        Self {
            agents: Vec::new(),
            environments: Vec::new(),
            sessions: Vec::new(),
            files: Vec::new(),
            skills: Vec::new(),
            script: Script::new(),
            cuts: VecDeque::new(),
            late_status: 0,
            ids: 0,
        }
    }

    pub fn id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        format!("{prefix}_scripted{:04}", self.ids)
    }

    pub fn session(&self, id: &str) -> Option<&Session> {
        self.sessions.iter().find(|session| session.about["id"] == id)
    }

    pub fn session_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.about["id"] == id)
    }

    pub fn make_agent(&mut self, body: &Value) -> String {
        let id = self.id("agent");
        let model = match &body["model"] {
            Value::String(model) => json!({ "id": model }),
            model => model.clone(),
        };
        let tools = body["tools"].as_array().cloned().unwrap_or_default();
        let tools: Vec<Value> = tools.into_iter().map(whole_tool).collect();
        self.agents.push(json!({
            "id": id, "type": "agent", "version": 1, "name": body["name"],
            "description": body["description"], "model": model, "system": body["system"],
            "tools": tools, "mcp_servers": [],
            "skills": body["skills"].as_array().cloned().unwrap_or_default()
                .into_iter().map(whole_skill).collect::<Vec<_>>(),
            "metadata": object(&body["metadata"]), "multiagent": null,
            "execution_identity": { "type": "service_account" },
            "created_at": now(), "updated_at": now(), "archived_at": null,
        }));
        id
    }

    pub fn make_environment(&mut self, body: &Value) -> String {
        let id = self.id("env");
        let mut config = body["config"].clone();
        let networking = &mut config["networking"];
        if networking["type"] == "limited" {
            for flag in ["allow_package_managers", "allow_mcp_servers"] {
                if networking[flag].is_null() {
                    networking[flag] = json!(false);
                }
            }
        }
        let none: Vec<String> = Vec::new();
        config["packages"] = json!({ "type": "packages", "apt": none, "cargo": none, "gem": none,
            "go": none, "npm": none, "pip": none });
        self.environments.push(json!({
            "id": id, "type": "environment", "name": body["name"],
            "description": body["description"], "config": config,
            "metadata": object(&body["metadata"]), "scope": "organization",
            "created_at": now(), "updated_at": now(), "archived_at": null,
        }));
        id
    }

    pub fn make_file(&mut self, name: &str, bytes: Vec<u8>, scope: Option<&str>) -> Value {
        let id = self.id("file");
        let scope = scope.map(|id| json!({ "type": "session", "id": id }));
        let about = json!({
            "id": id, "type": "file", "filename": name, "mime_type": "application/octet-stream",
            "size_bytes": bytes.len(), "created_at": now(), "downloadable": scope.is_some(),
            "expires_at": null, "scope": scope,
        });
        self.files.push(StoredFile { about: about.clone(), bytes, from: 0 });
        about
    }

    pub fn make_session(&mut self, about: Value) -> &mut Session {
        self.sessions.push(Session {
            about,
            events: Vec::new(),
            streams: Vec::new(),
            waits_for: BTreeSet::new(),
            interrupted: false,
            playing: false,
            budget_reached: false,
            queued: 0,
            recorded: None,
        });
        self.sessions.last_mut().expect("one was pushed")
    }

    pub fn record(&mut self, events: Vec<Value>, cut: usize) -> String {
        let agent = self.make_agent(&json!({ "name": "recorded", "model": "claude-opus-5-5" }));
        let agent = self.agents.iter().find(|one| one["id"] == agent.as_str()).cloned();
        let id = self.id("sesn");
        let about = json!({ "id": id, "type": "session", "status": "running", "agent": agent,
            "archived_at": null, "metadata": {}, "resources": [] });
        let session = self.make_session(about);
        session.events = events;
        session.recorded = Some(Recorded { cut, listed: 0, streamed: 0 });
        id
    }
}

/// A tool as the service answers with it: everything said that was left out.
fn whole_tool(mut tool: Value) -> Value {
    if tool["type"] == "agent_toolset_20260401" {
        let always = json!({ "type": "always_allow" });
        if tool["default_config"].is_null() {
            tool["default_config"] = json!({ "enabled": true, "permission_policy": always });
        }
        let configs = tool["configs"].as_array().cloned().unwrap_or_default();
        tool["configs"] = configs
            .into_iter()
            .map(|mut config| {
                config["type"] = config["name"].clone();
                if config["permission_policy"].is_null() {
                    config["permission_policy"] = always.clone();
                }
                config
            })
            .collect();
    }
    tool
}

fn whole_skill(mut skill: Value) -> Value {
    if skill["version"].is_null() {
        skill["version"] = json!("1");
    }
    skill
}

fn object(value: &Value) -> Value {
    if value.is_object() { value.clone() } else { json!({}) }
}

#[expect(clippy::disallowed_methods, reason = "a server has a clock")]
fn clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

pub(crate) fn millis() -> i64 {
    clock().as_millisecond()
}

/// RFC 3339.
pub(crate) fn now() -> String {
    clock().to_string()
}
