//! `loop signal`

mod disable;
mod enable;
mod hands;
mod issue;
mod issues;
mod repo;
mod run;
mod status;

use super::app::{App, Done};
use super::automation::plan;
use crate::config::signal as file;
use crate::domain::automation::Automation;
use crate::domain::automation::fire::Fire;
use crate::domain::preset::Project;
use crate::domain::signal::Run;
use crate::domain::words::{Count, or};
use crate::error::{Failure, Kind, Result};
use crate::store::Store;
use std::collections::BTreeMap;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Look at a project again and again: find what fails, rank it, look into it, watch its fix
    Enable(enable::Enable),
    /// Stop looking at a project; its issues stay known
    Disable(disable::Disable),
    /// Show how Signal stands: when it runs, what it found, what it may spend
    Status(status::Status),
    /// Look at a project now
    Run(run::Run),
    /// List issues, the worst first
    Issues(issues::Issues),
    /// Show an issue, and say what is to become of it
    #[command(subcommand)]
    Issue(issue::Command),
    /// Let workers see the code, and propose fixes there
    AttachRepo(repo::Attach),
    /// Look at traces alone again
    DetachRepo(repo::Detach),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::Enable(page) => page.run(app),
        Command::Disable(page) => page.run(app),
        Command::Status(page) => page.run(app),
        Command::Run(page) => page.run(app),
        Command::Issues(page) => page.run(app),
        Command::Issue(command) => issue::run(command, app),
        Command::AttachRepo(page) => page.run(app),
        Command::DetachRepo(page) => page.run(app),
    }
}

/// A run of Signal that an automation's fire asks for. `None` where one is going on already.
pub fn perform(
    app: &App,
    store: &mut Store,
    automation: &Automation,
    fire: &Fire,
) -> Result<Option<Run>> {
    let missing = || {
        Failure::new(Kind::Config, format!("automation `{}` names no project", automation.name))
            .hint("add `project = \"…\"` to its file")
    };
    let project = project(app, automation.project.as_deref().ok_or_else(missing)?)?;
    if store.lock_signal(&project.name)?.is_none() {
        return Ok(None);
    }
    let settings = automation.signal.clone().unwrap_or_default();
    let label = |name: &str, value: &str| format!("{name}={value}");
    let worker = hands::Worker {
        preset: automation.preset.clone(),
        harness: automation.harness.clone(),
        model: automation.model.clone(),
        sandbox: None,
        env: vec![plan::chain(automation, fire)],
        labels: vec![label("automation", &automation.name), label("fire", &fire.id)],
    };
    hands::run(app, store, &project, &settings, &worker).map(Some)
}

/// What a run came to, in a sentence.
pub fn said(run: &Run) -> String {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, state) in &run.changes {
        *states.entry(state).or_default() += 1;
    }
    let changed: Vec<_> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let changed =
        if changed.is_empty() { "no issue changed".to_owned() } else { changed.join(", ") };
    let looked = (run.sessions > 0).then(|| format!("{} looked into", run.sessions));
    let parts = std::iter::once(changed).chain(looked).chain(run.notes.iter().cloned());
    let traces = Count::of(run.traces, "trace");
    format!("{} of {traces} were new; {}", run.fresh, parts.collect::<Vec<_>>().join("; "))
}

/// A project that has a name: what is remembered of it is remembered by that.
fn project(app: &App, name: &str) -> Result<Project> {
    let layers = app.layers()?;
    let (project, _) = layers.project(name)?;
    if layers.projects()?.iter().any(|listed| listed.name == project.name) && project.name == name {
        return Ok(project);
    }
    Err(Failure::new(
        Kind::Usage,
        format!("`{name}` is a path, and Signal remembers projects by name"),
    )
    .hint(format!("name it: `loop project add NAME --path {name}`")))
}

/// The automation of a project, where Signal was enabled.
fn automation(app: &App, project: &str) -> Result<Option<(Automation, String)>> {
    let layers = app.layers()?;
    let name = file::name(project);
    if !layers.automations().iter().any(|listed| listed.name == name) {
        return Ok(None);
    }
    let (automation, origin) = layers.automation(&name)?;
    Ok(Some((automation, origin.file)))
}

/// All projects for which there is an automation.
fn enabled(app: &App) -> Result<Vec<String>> {
    let all = app.layers()?.automations();
    let names = all.iter().filter_map(|listed| listed.name.strip_prefix("signal-"));
    Ok(names.map(str::to_owned).collect())
}

/// The project that is meant where none is named: the usual one, or the only one there is.
fn meant(app: &App, named: Option<String>) -> Result<String> {
    if let Some(name) = named.or(app.layers()?.settings()?.defaults.project) {
        return Ok(name);
    }
    match enabled(app)?.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::new(Kind::Usage, "no project is named, and Signal is enabled for none")
            .hint("enable it: `loop signal enable demo`")),
        several => Err(Failure::new(Kind::Usage, "no project is named")
            .hint(format!("name one: {}", or(several)))),
    }
}
