//! A preset and a skill, as values: what TOML files mean once they are read.

use super::limits::{Keep, Limits};
use super::options::Options;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The harness that runs a program of the preset's own.
pub const COMMAND: &str = "command";

/// The kind of skill that opens a repository.
pub const GITHUB: &str = "github";

/// What a skill can be.
pub const SKILL_KINDS: [&str; 5] = [GITHUB, "arize", "datadog", "dynatrace", CUSTOM];

/// The kind of skill that is installed from somewhere.
pub const CUSTOM: &str = "custom";

/// The bundled traces, and traces in a file or folder: what was recorded once and is read whole.
pub const DEMO: &str = "demo";
pub const FILE: &str = "file";

/// A server's: Phoenix, and Arize AX.
pub const PHOENIX: &str = "phoenix";
pub const ARIZE: &str = "arize";

/// Where a project's traces can come from.
pub const SOURCES: [&str; 4] = [DEMO, FILE, PHOENIX, ARIZE];

/// The longest system prompt, in characters.
pub const MAX_SYSTEM_PROMPT: usize = 100_000;

/// A saved set-up: harness, model, sandbox, skills, repository, prompt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    pub name: String,
    pub description: String,
    pub harness: String,
    pub model: Option<String>,
    pub system_prompt: Option<String>,
    /// A template's task; `{{project}}`, `{{since}}` and `{{issue}}` are filled in at the start.
    pub prompt: Option<String>,
    pub skills: Vec<String>,
    pub repo: Option<String>,
    /// How many commits of history the worker gets; all where none is said.
    pub depth: Option<u32>,
    pub pull_request: bool,
    /// Whether pull requests are opened as drafts.
    pub draft: bool,
    /// Only for the harness `command`.
    pub command: Vec<String>,
    pub credentials: Credentials,
    pub provider: Option<ModelProvider>,
    pub sandbox: SandboxSettings,
    pub limits: Limits,
}

/// How secrets reach the worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credentials {
    /// As environment variables of the turn, handed over on standard input.
    #[default]
    Inject,
}

/// The model API, where it is not the harness's own default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelProvider {
    pub base_url: Option<String>,
    /// Which secret is its key, by name.
    pub secret: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SandboxSettings {
    pub provider: String,
    pub image: Image,
    pub base_image: String,
    /// A file of the host's; trusted in image builds and sandboxes.
    pub ca_bundle: Option<String>,
    pub setup: Vec<String>,
    pub cpus: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub network: Network,
    pub idle_timeout_ms: u64,
    pub keep: Keep,
    /// What providers want to know besides, by their names. A plan has its own provider's alone.
    #[serde(default)]
    pub options: BTreeMap<String, Options>,
}

impl SandboxSettings {
    /// The options of its provider.
    pub fn own_options(&self) -> Options {
        self.options.get(&self.provider).cloned().unwrap_or_default()
    }
}

impl Default for SandboxSettings {
    fn default() -> Self {
        Self {
            provider: String::new(),
            image: Image::Auto,
            base_image: "debian:bookworm-slim".to_owned(),
            ca_bundle: None,
            setup: Vec::new(),
            cpus: None,
            memory_bytes: None,
            network: Network::Default,
            idle_timeout_ms: 900_000,
            keep: Keep::Never,
            options: BTreeMap::new(),
        }
    }
}

/// What the sandbox's file system is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Image {
    /// The smallest that serves: nothing but this program for a harness built into it, else a small
    /// base with git and the usual tools.
    #[default]
    Auto,
    Reference(String),
    /// A Dockerfile of the user's, by path.
    Dockerfile(String),
    /// What the machine has, where the provider takes no image.
    Own,
}

/// What the sandbox may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    None,
    /// The model API and the skills' hosts; nothing for a harness that needs no network.
    #[default]
    Default,
    Open,
    Hosts(Vec<String>),
}

/// An integration a worker may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Skill {
    pub name: String,
    pub kind: String,
    pub description: String,
    pub hosts: Vec<String>,
    pub instructions: String,
    /// Environment variable -> what it is.
    pub secrets: BTreeMap<String, SkillSecret>,
    pub env: BTreeMap<String, String>,
    pub source: Option<SkillSource>,
    #[serde(default)]
    pub check: Option<SkillCheck>,
    /// The digest of what its source installs, once that was agreed to.
    #[serde(default)]
    pub pinned: Option<String>,
}

/// The one call that shows whether a skill's secrets work. Secrets that have a header are sent in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SkillCheck {
    /// May name variables of the skill, as in `https://api.${DD_SITE}/api/v1/validate`.
    pub url: String,
    /// Headers besides those of the secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Sent as JSON by POST; may name variables and secrets of the skill.
    pub body: Option<String>,
    /// Where the answer tells things: the name of a header, or a JSON pointer, which begins with `/`.
    pub valid: Option<String>,
    pub account: Option<String>,
    pub scopes: Option<String>,
    pub expires: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SkillSecret {
    pub help: String,
    /// The HTTP header that carries it, with the scheme before the value where there is one:
    /// `DD-API-KEY`, `Authorization: Bearer`.
    pub header: Option<String>,
}

/// Where a custom skill is installed from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SkillSource {
    pub git: String,
    pub rev: Option<String>,
    pub path: Option<String>,
}

/// A named source of traces.
#[expect(clippy::struct_field_names, reason = "`project` is the source's own word, and the file's")]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Project {
    pub name: String,
    /// `demo`, `file`, `phoenix` or `arize`.
    pub source: String,
    /// A file or folder, for `file`.
    pub path: Option<String>,
    pub url: Option<String>,
    /// The source's own name of the project, where it differs.
    pub project: Option<String>,
    pub secret: Option<String>,
    /// The space that holds it, by name or id, for `arize`.
    pub space: Option<String>,
    /// Which of the vendor's regions it is in, for `arize`; `url` says where else.
    pub region: Option<String>,
}

impl Project {
    /// Whether its traces were recorded once and do not grow, so that "the last day" would as a
    /// rule hold none of them.
    pub fn is_recorded(&self) -> bool {
        self.source == DEMO || self.source == FILE
    }
}
