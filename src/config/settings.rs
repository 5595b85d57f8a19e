//! `config.toml`: defaults, projects, where our own traces go, where harness programs come from.

use super::found::Value;
use super::reader::{self, Table};
use super::{Known, value};
use crate::domain::preset::{FILE, Project, SOURCES};
use crate::error::Result;
use std::collections::BTreeMap;

/// One file's settings, or those of several with the nearest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    pub defaults: Defaults,
    pub telemetry: Option<Telemetry>,
    /// The package registry harness programs come from, where it is not the usual one.
    pub registry: Option<String>,
    pub projects: BTreeMap<String, Project>,
    /// Where secrets are that are kept elsewhere: `GH_TOKEN = "command:gh auth token"`.
    pub secrets: BTreeMap<String, String>,
}

/// What a start uses where neither a flag nor a preset says otherwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Defaults {
    pub preset: Option<String>,
    pub project: Option<String>,
    pub harness: Option<String>,
    /// The sandbox's provider.
    pub sandbox: Option<String>,
}

/// Where our own runs go as spans.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    pub endpoint: String,
    pub project: Option<String>,
}

impl Settings {
    /// These settings, with `farther` for whatever they leave open.
    #[must_use]
    pub fn over(mut self, farther: Self) -> Self {
        let (near, far) = (&mut self.defaults, farther.defaults);
        near.preset = near.preset.take().or(far.preset);
        near.project = near.project.take().or(far.project);
        near.harness = near.harness.take().or(far.harness);
        near.sandbox = near.sandbox.take().or(far.sandbox);
        self.telemetry = self.telemetry.or(farther.telemetry);
        self.registry = self.registry.or(farther.registry);
        for (name, project) in farther.projects {
            self.projects.entry(name).or_insert(project);
        }
        for (name, reference) in farther.secrets {
            self.secrets.entry(name).or_insert(reference);
        }
        self
    }

    /// Whether they say anything beyond projects.
    pub fn steers(&self) -> bool {
        self.defaults != Defaults::default()
            || self.telemetry.is_some()
            || self.registry.is_some()
            || !self.secrets.is_empty()
    }
}

/// Reads one `config.toml`.
pub fn read(file: &str, text: &str, known: &Known) -> Result<Settings> {
    reader::read(file, text, |table| Settings {
        defaults: table.table("defaults", |table| Defaults {
            preset: table.parsed("preset", value::name).map(|at| at.value),
            project: table.text("project").map(|at| at.value),
            harness: table.name_of("harness", "harness", known.harnesses).map(|at| at.value),
            sandbox: table
                .name_of("sandbox", "sandbox provider", known.providers)
                .map(|at| at.value),
        }),
        telemetry: table.table("telemetry", telemetry),
        registry: table
            .table("harness", |table| table.parsed("registry", value::url).map(|at| at.value)),
        projects: projects(table),
        secrets: secrets(table),
    })
}

fn secrets(table: &mut Table) -> BTreeMap<String, String> {
    let mut secrets = BTreeMap::new();
    table.each("secrets", |name, found| {
        if let Err(reason) = value::variable(&name.value) {
            let (reason, hint) = value::reason_and_hint(&reason);
            found.wrong_at(&name.at, reason, hint);
        }
        let Some(text) = found.string() else { return };
        match value::reference(&text.value) {
            Ok(reference) => {
                secrets.insert(name.value.clone(), reference);
            }
            // What stands there may be the secret itself.
            Err(reason) => {
                let (reason, hint) = value::reason_and_hint(&reason);
                found.wrong_hidden(reason, hint);
            }
        }
    });
    secrets
}

fn telemetry(table: &mut Table) -> Option<Telemetry> {
    let endpoint = table.parsed("endpoint", value::url);
    if endpoint.is_none() && !table.has("endpoint") {
        table.missing("endpoint", "endpoint = \"http://localhost:6006/v1/traces\"");
    }
    let project = table.text("project").map(|at| at.value);
    endpoint.map(|endpoint| Telemetry { endpoint: endpoint.value, project })
}

fn projects(table: &mut Table) -> BTreeMap<String, Project> {
    let mut projects = BTreeMap::new();
    table.each("projects", |name, found| {
        if let Err(reason) = value::name(&name.value) {
            let (reason, hint) = value::reason_and_hint(&reason);
            found.wrong_at(&name.at, reason, hint);
        }
        if let Some(project) = project(&name.value, &found) {
            projects.insert(name.value.clone(), project);
        }
    });
    projects
}

fn project(name: &str, found: &Value) -> Option<Project> {
    found.fields(&format!("projects.{name}"), |table| {
        let source = table.name_of("source", "source of traces", &SOURCES);
        if source.is_none() && !table.has("source") {
            table.missing("source", &format!("source = \"{FILE}\""));
        }
        let path = table.take("path").map(|value| (value.key_at(), value.string()));
        match (&source, &path) {
            (Some(source), None) if source.value == FILE => {
                table.missing("path", "path = \"traces.jsonl\"");
            }
            (Some(source), Some((key_at, _))) if source.value != FILE => {
                let sentence = format!("`path` has no use with the source `{}`", source.value);
                table.wrong(key_at, sentence, Some(format!("write `source = \"{FILE}\"`")));
            }
            _ => {}
        }
        Project {
            name: name.to_owned(),
            source: source.map(|at| at.value).unwrap_or_default(),
            path: path.and_then(|(_, path)| path).map(|at| at.value),
            url: table.parsed("url", value::url).map(|at| at.value),
            project: table.text("project").map(|at| at.value),
            secret: table.parsed("secret", value::secret).map(|at| at.value),
        }
    })
}
