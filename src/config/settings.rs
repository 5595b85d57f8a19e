//! `config.toml`: defaults, projects, where our own traces go, where harness programs come from.

use super::found::Value;
use super::reader::{self, Table};
use super::{Known, options, value};
use crate::domain::credential;
use crate::domain::options::Options;
use crate::domain::preset::{ARIZE, FILE, Project, SOURCES};
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
    /// What sandbox providers want to know, where a preset does not say.
    pub sandboxes: BTreeMap<String, Options>,
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
    /// The project they go to on that server.
    pub project: String,
    /// Which secret is the server's key, by name.
    pub secret: Option<String>,
    /// Arize AX's space. With one, the server is spoken to as AX is.
    pub space: Option<String>,
    /// Further headers, which are no secrets.
    pub headers: BTreeMap<String, String>,
}

/// The project that runs go to where none is named.
pub const RUNS: &str = "loop-workers";

/// A header that carries a credential has a setting of its own.
const SECRET_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"];

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
        for (name, options) in farther.sandboxes {
            let near = self.sandboxes.entry(name).or_default();
            *near = std::mem::take(near).over(&options);
        }
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
            || !self.sandboxes.is_empty()
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
        sandboxes: table.table("sandbox", |table| options::read(table, known)),
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
    let project = table.text("project").map_or_else(|| RUNS.to_owned(), |at| at.value);
    let secret = table.parsed("secret", value::secret).map(|at| at.value);
    let space = table.text("space").map(|at| at.value);
    let headers = headers(table);
    endpoint.map(|endpoint| Telemetry { endpoint: endpoint.value, project, secret, space, headers })
}

fn headers(table: &mut Table) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    table.each("headers", |name, found| {
        let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let lower = name.value.to_ascii_lowercase();
        if name.value.is_empty() || !name.value.chars().all(word) {
            found.wrong_at(&name.at, format!("`{}` is no name of a header", name.value), None);
        }
        let Some(text) = found.string() else { return };
        if SECRET_HEADERS.contains(&&*lower) || credential::find(&text.value).is_some() {
            let sentence = format!("the header `{}` carries a credential", name.value);
            let hint = "name it instead: `secret = \"NAME\"` in `[telemetry]`".to_owned();
            found.wrong_hidden(sentence, Some(hint));
        } else if text.value.chars().any(char::is_control) {
            found.wrong("a header's value is one line", None);
        }
        headers.insert(lower, text.value);
    });
    headers
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
        if source.as_ref().is_some_and(|source| source.value == FILE) && !table.has("path") {
            table.missing("path", "path = \"traces.jsonl\"");
        }
        let source = source.map(|at| at.value);
        for (key, only) in [("path", FILE), ("space", ARIZE), ("region", ARIZE)] {
            only_for(only, key, source.as_deref(), table);
        }
        Project {
            name: name.to_owned(),
            source: source.unwrap_or_default(),
            path: table.string("path").map(|at| at.value),
            url: table.parsed("url", value::url).map(|at| at.value),
            project: table.text("project").map(|at| at.value),
            secret: table.parsed("secret", value::secret).map(|at| at.value),
            space: table.text("space").map(|at| at.value),
            region: table.parsed("region", value::region).map(|at| at.value),
        }
    })
}

/// Notes a key that means nothing for the source that is named.
fn only_for(only: &str, key: &'static str, source: Option<&str>, table: &mut Table) {
    if let Some((source, found)) = source.filter(|source| *source != only).zip(table.take(key)) {
        let sentence = format!("`{key}` has no use with the source `{source}`");
        table.wrong(&found.key_at(), sentence, Some(format!("write `source = \"{only}\"`")));
    }
}
