//! From a task to a session of the vendor's: what is sent along, the one call that makes it, and what
//! is done where nobody knows whether it did.

use super::again::{Again, is_open};
use super::brief::{self, PROGRAM_MOUNT, SNAPSHOT_MOUNT, brief};
use super::form::Part;
use super::resolve::{Agent, id_of};
use super::wire::{Call, cannot};
use super::{Launcher, Managed, message};
use crate::domain::turn::FileSpec;
use crate::error::{Failure, Result};
use crate::http::encoded;
use crate::retry::Patience;
use crate::secrets::Secret;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How long the service keeps what is sent along, should nobody delete it: thirty days.
const EXPIRES: &str = "2592000";
/// The longest title, in characters.
const TITLE: usize = 200;
/// How much earlier than here a session may have been made by the vendor's clock, in milliseconds.
const SKEW: i64 = 24 * 3_600_000;
/// Lists may lag behind what was made.
const LOOKS: Patience =
    Patience { tries: 3, first: Duration::from_millis(500), most: Duration::from_secs(2) };

/// Names of what we tell of a session in its metadata.
pub(super) const SESSION: &str = "loop_session";
pub(super) const STORE: &str = "loop_store";
pub(super) const FILES: &str = "loop_files";

/// What a session is launched with.
#[derive(Debug, Clone)]
pub struct Task<'a> {
    /// Our session's id, and when it was recorded, in Unix milliseconds.
    pub session: &'a str,
    pub recorded_at: i64,
    pub title: &'a str,
    pub prompt: &'a str,
    /// What every worker is told, with this module's paths in it.
    pub instructions: &'a str,
    /// The preset's own words.
    pub system_prompt: Option<&'a str>,
    /// The agent's where none is said.
    pub model: Option<&'a str>,
    pub repository: Option<Repository<'a>>,
    pub snapshot: Option<&'a Path>,
    /// The tables of the snapshot, as text.
    pub tables: &'a str,
    /// This program as a static executable for Linux on x86-64, where it is to be sent along.
    pub program: Option<&'a Path>,
    pub skills: &'a [SkillFiles],
    /// What an environment that is made may reach; anything where none are said.
    pub hosts: Option<&'a [String]>,
}

/// A repository at GitHub. The service knows no other forge.
#[derive(Debug, Clone, Copy)]
pub struct Repository<'a> {
    /// `https://github.com/OWNER/NAME`.
    pub url: &'a str,
    /// The commit that the worker begins at.
    pub base: &'a str,
    /// What opens it; it goes to the vendor's proxy and not to where the worker is.
    pub token: Option<&'a Secret>,
}

/// A skill's files, paths relative, all in one folder.
#[derive(Debug, Clone)]
pub struct SkillFiles {
    pub name: String,
    pub files: Vec<FileSpec>,
}

/// A session that was made, or found made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launched {
    /// The vendor's id.
    pub id: String,
    pub found: bool,
}

/// A file that was sent along.
struct Upload {
    id: String,
    mount: &'static str,
}

impl Managed {
    /// Makes the session of a task, or finds it made. It works from then on.
    pub fn launch(&self, task: &Task, launcher: &mut dyn Launcher) -> Result<Launched> {
        let agent = self.agent(task, launcher)?;
        if !agent.made && !task.skills.is_empty() {
            launcher.note("the agent is there already and keeps its own skills");
        }
        let environment = self.environment(task, launcher)?;
        if let Some(id) = self.existing(&agent.id, task)? {
            launcher.record(&id)?;
            return Ok(Launched { id, found: true });
        }
        let uploads = self.send_along(task, launcher)?;
        launcher.progress("starting the session");
        let body = self.body(task, &agent, &environment, &uploads);
        match self.create(body, &agent.id, task) {
            Ok(id) => match launcher.record(&id) {
                Ok(()) => Ok(Launched { id, found: false }),
                Err(failed) => {
                    // Nobody would know of it.
                    let _ = self.remove(&id);
                    Err(failed)
                }
            },
            Err(failed) => {
                self.delete_files(uploads.iter().map(|upload| upload.id.as_str()));
                Err(failed)
            }
        }
    }

    fn create(&self, body: Value, agent: &str, task: &Task) -> Result<String> {
        let doing = "start the session";
        let call = Call::post("/v1/sessions", body, Again::Refused);
        let mut tried = 0;
        loop {
            tried += 1;
            let failed = match self.wire()?.ask(&call) {
                Ok(answer) if answer.is_success() => match answer.json().and_then(|v| id_of(&v)) {
                    Ok(id) => return Ok(id),
                    Err(cut) => cut.while_doing(cannot(doing)),
                },
                Ok(answer) if !is_open(&answer) => {
                    return Err(self.wire()?.problem(&answer, doing));
                }
                Ok(answer) => self.wire()?.problem(&answer, doing),
                Err(lost) => lost.while_doing(cannot(doing)),
            };
            // It may have been made all the same, and there must not be a second one.
            if let Some(id) = self.made_all_the_same(agent, task, &failed)? {
                return Ok(id);
            }
            if !self.reach.patience.wait(tried, None) {
                return Err(failed);
            }
        }
    }

    /// Looks, more than once, for a session that may have been made. Where even that cannot be
    /// known, nothing more is made.
    fn made_all_the_same(
        &self,
        agent: &str,
        task: &Task,
        failed: &Failure,
    ) -> Result<Option<String>> {
        let mut tried = 0;
        loop {
            tried += 1;
            let found = self.existing(agent, task).map_err(|lost| {
                let open = "whether it was made is unknown; the next `loop` command looks again";
                failed.clone().because(lost).hint(open)
            })?;
            if found.is_some() || !LOOKS.wait(tried, None) {
                return Ok(found);
            }
        }
    }

    /// The session of ours that is there already.
    fn existing(&self, agent: &str, task: &Task) -> Result<Option<String>> {
        let since = jiff::Timestamp::from_millisecond(task.recorded_at.saturating_sub(SKEW));
        let since = since.map(|since| since.to_string()).unwrap_or_default();
        let path = format!(
            "/v1/sessions?agent_id={}&created_at%5Bgte%5D={}&limit=100",
            encoded(agent),
            encoded(&since)
        );
        let mut found = None;
        self.wire()?.pages(&path, "look for the session", |session| {
            let metadata = &session["metadata"];
            if metadata[SESSION] == task.session && metadata[STORE] == self.settings.store.as_str()
            {
                found = session["id"].as_str().map(str::to_owned);
            }
        })?;
        Ok(found)
    }

    /// Uploads what the worker gets as files. Where one cannot be, none stays.
    fn send_along(&self, task: &Task, launcher: &mut dyn Launcher) -> Result<Vec<Upload>> {
        let snapshot = task.snapshot.map(|path| (path, SNAPSHOT_MOUNT, "the evidence"));
        // Without evidence there is nothing that the program would read.
        let program = task.program.filter(|_| snapshot.is_some());
        let program = program.map(|path| (path, PROGRAM_MOUNT, "the `traces` command"));
        let mut uploads: Vec<Upload> = Vec::new();
        for (path, mount, what) in snapshot.into_iter().chain(program) {
            launcher.progress(&format!("uploading {what}"));
            match self.upload(path, task.session, mount) {
                Ok(id) => uploads.push(Upload { id, mount }),
                Err(failed) => {
                    self.delete_files(uploads.iter().map(|upload| upload.id.as_str()));
                    return Err(failed.while_doing(format!("cannot upload {what}")));
                }
            }
        }
        Ok(uploads)
    }

    fn upload(&self, path: &Path, session: &str, mount: &str) -> Result<String> {
        let filename = format!("loop-{session}-{}", mount.trim_start_matches('/'));
        let parts = vec![
            Part::Text { name: "expires_in_seconds", value: EXPIRES.to_owned() },
            Part::File { name: "file", filename, path },
        ];
        let call = Call::form("/v1/files", parts);
        id_of(&self.wire()?.need(&call, "upload a file")?)
    }

    /// The whole request, as the documentation has it.
    fn body(&self, task: &Task, agent: &Agent, environment: &str, uploads: &[Upload]) -> Value {
        let files: Vec<&str> = uploads.iter().map(|upload| upload.id.as_str()).collect();
        let mut metadata = json!({ SESSION: task.session, STORE: self.settings.store });
        if !files.is_empty() {
            metadata[FILES] = json!(files.join(","));
        }
        let mut body = json!({
            "agent": used(agent, task),
            "environment_id": environment,
            "title": task.title.chars().take(TITLE).collect::<String>(),
            "metadata": metadata,
            "resources": resources(task, uploads),
            "budget": {
                "type": "limit",
                "max_list_cost": { "amount": self.settings.budget_cents(), "currency": "USD" },
            },
            "initial_events": [message(task.session, 1, &[&brief(task), task.prompt])],
        });
        if !self.settings.vaults.is_empty() {
            body["vault_ids"] = json!(self.settings.vaults);
        }
        body
    }
}

/// The agent, with what the preset says otherwise. A value replaces the agent's own in full.
fn used(agent: &Agent, task: &Task) -> Value {
    let model = task.model.filter(|model| *model != agent.model);
    let system = task.system_prompt.filter(|system| Some(*system) != agent.system.as_deref());
    let mut used = json!({ "type": "agent", "id": agent.id, "version": agent.version });
    if model.is_some() || system.is_some() {
        used["type"] = json!("agent_with_overrides");
    }
    for (name, value) in [("model", model), ("system", system)] {
        if let Some(value) = value {
            used[name] = json!(value);
        }
    }
    used
}

fn resources(task: &Task, uploads: &[Upload]) -> Vec<Value> {
    let mut resources = Vec::new();
    if let Some(Repository { url, base, token }) = task.repository {
        let mut repository = json!({
            "type": "github_repository", "url": url,
            "checkout": { "type": "commit", "sha": base },
            "mount_path": brief::workspace(url),
        });
        if let Some(token) = token {
            repository["authorization_token"] = json!(token.expose());
        }
        resources.push(repository);
    }
    for Upload { id, mount } in uploads {
        resources.push(json!({ "type": "file", "file_id": id, "mount_path": mount }));
    }
    resources
}
