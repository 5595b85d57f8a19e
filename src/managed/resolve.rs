//! The agent and the environment that a preset names: found by id or name, else made after consent.
//!
//! Names of agents are not unique. Of several, those that were made here count before others, and the
//! newest of them; where that does not decide, nothing is guessed. Names of environments are: where
//! another was faster to make one, that is the one.

use super::again::Again;
use super::create::{self, Creation};
use super::form::Part;
use super::launch::Task;
use super::wire::Call;
use super::{Launcher, Managed};
use crate::domain::words::Count;
use crate::error::{Failure, Kind, Result};
use crate::http::encoded;
use serde_json::Value;

/// What ids begin with.
const AGENT: &str = "agent_";
const ENVIRONMENT: &str = "env_";

/// An agent, as far as a session is made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agent {
    pub id: String,
    pub version: u64,
    pub model: String,
    pub system: Option<String>,
    /// Whether it was made just now.
    pub made: bool,
}

impl Agent {
    fn read(agent: &Value, made: bool) -> Result<Self> {
        let text = |at: &str| agent.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let (Some(id), Some(version)) = (text("/id"), agent["version"].as_u64()) else {
            return Err(Failure::new(Kind::Network, "cannot understand what the service answered")
                .because("an agent without an id or a version"));
        };
        let model = text("/model/id").or(text("/model")).unwrap_or_default();
        Ok(Self { id, version, model, system: text("/system"), made })
    }
}

impl Managed {
    pub(super) fn agent(&self, task: &Task, launcher: &mut dyn Launcher) -> Result<Agent> {
        launcher.progress("looking for the agent");
        if let Some(agent) = self.find_agent()? {
            return Ok(agent);
        }
        let name = self.settings.agent.as_str();
        let Some(model) = task.model else {
            return Err(missing("agent", name)
                .because("to make it, the preset has to say which model it uses")
                .hint("add `model = \"…\"` to the preset, or name an agent that exists"));
        };
        self.ask(&Creation::agent(name, task, model), launcher)?;
        let mut skills = Vec::new();
        for skill in task.skills {
            launcher.progress(&format!("uploading the skill {}", skill.name));
            skills.push(self.upload_skill(skill)?);
        }
        launcher.progress("making the agent");
        let body = create::agent(name, task, model, &skills);
        let made = self.wire()?.need(
            &Call::post("/v1/agents", body, Again::Refused),
            &format!("make the agent `{name}`"),
        )?;
        Agent::read(&made, true)
    }

    /// The agent that the settings name, where it exists.
    pub(super) fn find_agent(&self) -> Result<Option<Agent>> {
        let named = self.settings.agent.as_str();
        let id = match named.starts_with(AGENT) {
            true => Some(named.to_owned()),
            false => self.agent_by_name(named)?,
        };
        let Some(id) = id else { return Ok(None) };
        let version = self.settings.agent_version;
        let version = version.map(|version| format!("?version={version}")).unwrap_or_default();
        let call = Call::get(format!("/v1/agents/{}{version}", encoded(&id)));
        let agent = self.wire()?.need(&call, &format!("look at the agent `{named}`"))?;
        if !agent["archived_at"].is_null() {
            return Err(Failure::new(Kind::Config, format!("the agent `{named}` is archived"))
                .hint("name another: `agent = …`"));
        }
        Agent::read(&agent, false).map(Some)
    }

    fn agent_by_name(&self, name: &str) -> Result<Option<String>> {
        let (mut ours, mut others) = (Vec::new(), Vec::new());
        self.wire()?.pages("/v1/agents?limit=100", "look through the agents", |agent| {
            if agent["name"] == name && agent["archived_at"].is_null() {
                let text = |at: &str| agent[at].as_str().unwrap_or_default().to_owned();
                let mine = agent.pointer("/metadata/loop").is_some();
                let list = if mine { &mut ours } else { &mut others };
                list.push((text("created_at"), text("id")));
            }
        })?;
        if let Some((_, id)) = ours.into_iter().max() {
            return Ok(Some(id));
        }
        if others.len() > 1 {
            let count = Count::of(others.len(), "agent");
            return Err(Failure::new(Kind::Config, format!("{count} are called `{name}`"))
                .hint(format!("name one by its id: `agent = \"{}\"`", others[0].1)));
        }
        Ok(others.pop().map(|(_, id)| id))
    }

    fn upload_skill(&self, skill: &super::launch::SkillFiles) -> Result<String> {
        let mut parts = vec![Part::Text { name: "display_name", value: skill.name.clone() }];
        for file in &skill.files {
            let (filename, bytes) = (file.path.clone(), file.content.as_bytes());
            parts.push(Part::Bytes { name: "files[]", filename, bytes });
        }
        let doing = format!("upload the skill `{}`", skill.name);
        let made = self.wire()?.need(&Call::form("/v1/skills", parts), &doing)?;
        id_of(&made)
    }

    /// The environment's id.
    pub(super) fn environment(&self, task: &Task, launcher: &mut dyn Launcher) -> Result<String> {
        let name = self.settings.environment.as_str();
        if name.starts_with(ENVIRONMENT) {
            return Ok(name.to_owned());
        }
        launcher.progress("looking for the environment");
        if let Some(id) = self.environment_by_name(name)? {
            return Ok(id);
        }
        self.ask(&Creation::environment(name, task.hosts), launcher)?;
        let doing = format!("make the environment `{name}`");
        let body = create::environment(name, task.hosts);
        let answer = self.wire()?.ask(&Call::post("/v1/environments", body, Again::Refused))?;
        if answer.status == 409
            && let Some(id) = self.environment_by_name(name)?
        {
            return Ok(id);
        }
        if !answer.is_success() {
            return Err(self.wire()?.problem(&answer, &doing));
        }
        id_of(&answer.json()?)
    }

    fn environment_by_name(&self, name: &str) -> Result<Option<String>> {
        let mut found = None;
        self.wire()?.pages(
            "/v1/environments?limit=100",
            "look through the environments",
            |one| {
                if one["name"] == name && one["archived_at"].is_null() {
                    found = one["id"].as_str().map(str::to_owned);
                }
            },
        )?;
        Ok(found)
    }

    fn ask(&self, creation: &Creation, launcher: &mut dyn Launcher) -> Result<()> {
        if self.settings.create || launcher.consent(creation)? {
            return Ok(());
        }
        Err(missing(creation.what, &creation.name)
            .hint(format!(
                "let it be made of the preset: `create = true` under `[sandbox.{}]`",
                super::NAME
            ))
            .hint(format!("or name one that exists by its id: `{} = \"…\"`", creation.what)))
    }
}

fn missing(what: &str, name: &str) -> Failure {
    Failure::new(Kind::Config, format!("no {what} of the account is called `{name}`"))
}

/// The id of what was made.
pub(super) fn id_of(made: &Value) -> Result<String> {
    made["id"].as_str().map(str::to_owned).ok_or_else(|| {
        Failure::new(Kind::Network, "cannot understand what the service answered")
            .because("what was made has no id")
    })
}
