//! Presets, skills, projects and launch plans, as documents. Secrets appear by name only.

use super::At;
use crate::domain::limits::{self, Keep};
use crate::domain::plan::LaunchPlan;
use crate::domain::preset::{self, Credentials};
use crate::output::view::Listed;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A saved set-up.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "preset")]
pub struct Preset<'a> {
    /// The version of this format.
    v: u8,
    name: &'a str,
    description: &'a str,
    /// The file it comes from, or `bundled`.
    origin: &'a str,
    /// Where else one of this name was found.
    hides: &'a [String],
    harness: &'a str,
    model: Option<&'a str>,
    system_prompt: Option<&'a str>,
    prompt: Option<&'a str>,
    skills: &'a [String],
    repo: Option<&'a str>,
    pull_request: bool,
    command: &'a [String],
    credentials: &'static str,
    provider: Option<Provider<'a>>,
    sandbox: Sandbox<'a>,
    limits: Limits,
}

/// The model API.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Provider<'a> {
    base_url: Option<&'a str>,
    /// The name of the secret that is its key.
    secret: Option<&'a str>,
}

/// Where the worker runs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Sandbox<'a> {
    provider: &'a str,
    /// `auto` or a reference; `null` where there is a `dockerfile`, or the provider takes none.
    image: Option<&'a str>,
    dockerfile: Option<&'a str>,
    base_image: &'a str,
    ca_bundle: Option<&'a str>,
    setup: &'a [String],
    cpus: Option<f64>,
    memory_bytes: Option<u64>,
    /// `none`, `default`, `open` or `hosts`.
    network: &'static str,
    /// Where `network` is `hosts`.
    hosts: &'a [String],
    idle_timeout_ms: u64,
    /// `never`, `on-failure` or `always`.
    keep: &'static str,
    /// What a provider is told besides, by its name.
    options: BTreeMap<&'a str, BTreeMap<&'a str, serde_json::Value>>,
}

/// What one turn may cost.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Limits {
    timeout_ms: u64,
    quiet_ms: u64,
    max_turns: Option<u32>,
    budget_usd: Option<f64>,
    output_bytes: u64,
}

/// An integration a worker may use.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "skill")]
pub struct Skill<'a> {
    /// The version of this format.
    v: u8,
    name: &'a str,
    kind: &'a str,
    description: &'a str,
    /// The file it comes from, or `bundled`.
    origin: &'a str,
    /// Where else one of this name was found.
    hides: &'a [String],
    hosts: &'a [String],
    instructions: &'a str,
    /// By the variable that holds it.
    secrets: BTreeMap<&'a str, SkillSecret<'a>>,
    env: &'a BTreeMap<String, String>,
    source: Option<SkillSource<'a>>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct SkillSecret<'a> {
    help: &'a str,
    header: Option<&'a str>,
}

/// Where a skill is installed from.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct SkillSource<'a> {
    git: &'a str,
    rev: Option<&'a str>,
    path: Option<&'a str>,
}

/// A named source of traces.
#[expect(clippy::struct_field_names, reason = "the field's name is frozen")]
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "project")]
pub struct Project<'a> {
    /// The version of this format.
    v: u8,
    name: &'a str,
    /// The file it comes from, or `bundled`.
    origin: &'a str,
    /// Where else one of this name was found.
    hides: &'a [String],
    source: &'a str,
    path: Option<&'a str>,
    url: Option<&'a str>,
    /// The source's own name of it.
    project: Option<&'a str>,
    secret: Option<&'a str>,
    /// The space that holds it, by name or id, for `arize`.
    space: Option<&'a str>,
    /// The region of the account, for `arize`.
    region: Option<&'a str>,
}

/// What a session would be started with.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "plan")]
pub struct Plan<'a> {
    /// The version of this format.
    v: u8,
    name: Option<&'a str>,
    preset: Option<&'a str>,
    harness: &'a str,
    model: Option<&'a str>,
    system_prompt: Option<&'a str>,
    prompt: &'a str,
    command: &'a [String],
    project: Option<&'a str>,
    /// The window of traces; `null` is no bound on that side.
    since: Option<At>,
    until: Option<At>,
    skills: Vec<&'a str>,
    /// The names of all secrets it needs.
    secrets: Vec<&'a str>,
    repo: Option<&'a str>,
    branch: Option<&'a str>,
    pull_request: bool,
    credentials: &'static str,
    provider: Option<Provider<'a>>,
    sandbox: Sandbox<'a>,
    limits: Limits,
    env: &'a BTreeMap<String, String>,
    labels: &'a BTreeMap<String, String>,
}

impl<'a> Preset<'a> {
    pub fn of(listed: &'a Listed<preset::Preset>) -> Self {
        let Listed { value, origin, hides } = listed;
        Self {
            v: 1,
            name: &value.name,
            description: &value.description,
            origin,
            hides,
            harness: &value.harness,
            model: value.model.as_deref(),
            system_prompt: value.system_prompt.as_deref(),
            prompt: value.prompt.as_deref(),
            skills: &value.skills,
            repo: value.repo.as_deref(),
            pull_request: value.pull_request,
            command: &value.command,
            credentials: credentials(value.credentials),
            provider: value.provider.as_ref().map(Provider::of),
            sandbox: Sandbox::of(&value.sandbox),
            limits: Limits::of(&value.limits),
        }
    }

    pub fn all(listed: &'a [Listed<preset::Preset>]) -> Vec<Self> {
        listed.iter().map(Self::of).collect()
    }
}

impl<'a> Skill<'a> {
    pub fn of(listed: &'a Listed<preset::Skill>) -> Self {
        let Listed { value, origin, hides } = listed;
        let secret = |(name, secret): (&'a String, &'a preset::SkillSecret)| {
            let header = secret.header.as_deref();
            (name.as_str(), SkillSecret { help: &secret.help, header })
        };
        Self {
            v: 1,
            name: &value.name,
            kind: &value.kind,
            description: &value.description,
            origin,
            hides,
            hosts: &value.hosts,
            instructions: &value.instructions,
            secrets: value.secrets.iter().map(secret).collect(),
            env: &value.env,
            source: value.source.as_ref().map(|source| SkillSource {
                git: &source.git,
                rev: source.rev.as_deref(),
                path: source.path.as_deref(),
            }),
        }
    }

    pub fn all(listed: &'a [Listed<preset::Skill>]) -> Vec<Self> {
        listed.iter().map(Self::of).collect()
    }
}

impl<'a> Project<'a> {
    pub fn of(listed: &'a Listed<preset::Project>) -> Self {
        let Listed { value, origin, hides } = listed;
        Self {
            v: 1,
            name: &value.name,
            origin,
            hides,
            source: &value.source,
            path: value.path.as_deref(),
            url: value.url.as_deref(),
            project: value.project.as_deref(),
            secret: value.secret.as_deref(),
            space: value.space.as_deref(),
            region: value.region.as_deref(),
        }
    }

    pub fn all(listed: &'a [Listed<preset::Project>]) -> Vec<Self> {
        listed.iter().map(Self::of).collect()
    }
}

impl<'a> Plan<'a> {
    pub fn of(plan: &'a LaunchPlan) -> Self {
        Self {
            v: 1,
            name: plan.name.as_deref(),
            preset: plan.preset.as_deref(),
            harness: &plan.harness,
            model: plan.model.as_deref(),
            system_prompt: plan.system_prompt.as_deref(),
            prompt: &plan.prompt,
            command: &plan.command,
            project: plan.project.as_ref().map(|project| project.name.as_str()),
            since: plan.window.since.map(At),
            until: plan.window.until.map(At),
            skills: plan.skills.iter().map(|skill| skill.name.as_str()).collect(),
            secrets: secrets(plan),
            repo: plan.repo.as_deref(),
            branch: plan.branch.as_deref(),
            pull_request: plan.pull_request,
            credentials: credentials(plan.credentials),
            provider: plan.provider.as_ref().map(Provider::of),
            sandbox: Sandbox::of(&plan.sandbox),
            limits: Limits::of(&plan.limits),
            env: &plan.env,
            labels: &plan.labels,
        }
    }
}

/// The names of all secrets that a plan needs, each once.
pub(in crate::output) fn secrets(plan: &LaunchPlan) -> Vec<&str> {
    let provider = plan.provider.iter().filter_map(|provider| provider.secret.as_deref());
    let project = plan.project.iter().filter_map(|project| project.secret.as_deref());
    let skills = plan.skills.iter().flat_map(|skill| skill.secrets.keys().map(String::as_str));
    let mut names: Vec<&str> = Vec::new();
    for name in provider.chain(project).chain(skills) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn credentials(credentials: Credentials) -> &'static str {
    match credentials {
        Credentials::Inject => "inject",
    }
}

impl<'a> Provider<'a> {
    fn of(provider: &'a preset::ModelProvider) -> Self {
        Self { base_url: provider.base_url.as_deref(), secret: provider.secret.as_deref() }
    }
}

impl<'a> Sandbox<'a> {
    fn of(sandbox: &'a preset::SandboxSettings) -> Self {
        let (image, dockerfile) = match &sandbox.image {
            preset::Image::Auto => (Some("auto"), None),
            preset::Image::Reference(reference) => (Some(reference.as_str()), None),
            preset::Image::Dockerfile(path) => (None, Some(path.as_str())),
            preset::Image::Own => (None, None),
        };
        let (network, hosts): (_, &[String]) = match &sandbox.network {
            preset::Network::None => ("none", &[]),
            preset::Network::Default => ("default", &[]),
            preset::Network::Open => ("open", &[]),
            preset::Network::Hosts(hosts) => ("hosts", hosts),
        };
        Self {
            provider: &sandbox.provider,
            image,
            dockerfile,
            base_image: &sandbox.base_image,
            ca_bundle: sandbox.ca_bundle.as_deref(),
            setup: &sandbox.setup,
            cpus: sandbox.cpus,
            memory_bytes: sandbox.memory_bytes,
            network,
            hosts,
            idle_timeout_ms: sandbox.idle_timeout_ms,
            keep: match sandbox.keep {
                Keep::Never => "never",
                Keep::OnFailure => "on-failure",
                Keep::Always => "always",
            },
            options: sandbox
                .options
                .iter()
                .map(|(name, options)| (name.as_str(), options.values().collect()))
                .collect(),
        }
    }
}

impl Limits {
    fn of(limits: &limits::Limits) -> Self {
        Self {
            timeout_ms: limits.timeout_ms,
            quiet_ms: limits.quiet_ms,
            max_turns: limits.max_turns,
            budget_usd: limits.budget_usd,
            output_bytes: limits.output_bytes,
        }
    }
}
