//! What is made in the account where a preset names something that is not there, and what a person is
//! told of it first. Pure: the bodies of requests.

use super::launch::Task;
use crate::domain::words::or;
use serde_json::{Value, json};

/// The longest name, of agents and environments alike.
const NAME: usize = 256;

/// Something that would be made and stays in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    /// `agent` or `environment`.
    pub what: &'static str,
    pub name: String,
    /// What it will be, a line each.
    pub about: Vec<String>,
}

impl Creation {
    pub(super) fn agent(name: &str, task: &Task, model: &str) -> Self {
        let mut about = vec![format!("model {model}"), "all of the service's tools".to_owned()];
        if task.hosts.is_some() {
            about[1].push_str(" but those that read the web");
        }
        if let Some(prompt) = task.system_prompt {
            about
                .push(format!("the preset's system prompt, {} characters", prompt.chars().count()));
        }
        for skill in task.skills {
            about.push(format!("the skill `{}`, which is uploaded", skill.name));
        }
        Self { what: "agent", name: name.to_owned(), about }
    }

    pub(super) fn environment(name: &str, hosts: Option<&[String]>) -> Self {
        let about = match hosts {
            None => "any network".to_owned(),
            Some([]) => "no network".to_owned(),
            Some(hosts) => format!("no network but {}", or(hosts)),
        };
        Self { what: "environment", name: name.to_owned(), about: vec![about] }
    }
}

/// An agent made of the preset. Nobody can answer while it works, so it may use every tool; those
/// that read the web run at the vendor's, where no environment's network holds them, so they are
/// only there where the preset lets the worker reach anything.
pub(super) fn agent(name: &str, task: &Task, model: &str, skills: &[String]) -> Value {
    let off = |name: &str| json!({ "name": name, "enabled": false });
    let web = if task.hosts.is_some() { vec![off("web_fetch"), off("web_search")] } else { vec![] };
    let skills: Vec<Value> =
        skills.iter().map(|id| json!({ "type": "custom", "skill_id": id })).collect();
    json!({
        "name": name.chars().take(NAME).collect::<String>(),
        "description": "Made by loop of a preset.",
        "model": model,
        "system": task.system_prompt,
        "tools": [{
            "type": "agent_toolset_20260401",
            "default_config": { "enabled": true, "permission_policy": { "type": "always_allow" } },
            "configs": web,
        }],
        "skills": skills,
        "metadata": { "loop": "1" },
    })
}

/// An environment that reaches these hosts, or any where none are said.
pub(super) fn environment(name: &str, hosts: Option<&[String]>) -> Value {
    let networking = match hosts {
        None => json!({ "type": "unrestricted" }),
        Some(hosts) => json!({
            "type": "limited", "allowed_hosts": hosts,
            "allow_package_managers": false, "allow_mcp_servers": false,
        }),
    };
    json!({
        "name": name.chars().take(NAME).collect::<String>(),
        "description": "Made by loop of a preset.",
        "config": { "type": "cloud", "networking": networking },
        "metadata": { "loop": "1" },
    })
}
