//! The settings of whoever has none: a usual project, and a usual preset for the chosen worker.

use super::key::Worker;
use super::row;
use crate::commands::app::{App, known};
use crate::config::{edit, template};
use crate::domain::preset::{ModelProvider, Preset};
use crate::error::Result;
use crate::output::view::{DoctorRow, DoctorState};

/// What a first session does: find the cause of what fails.
const TASK: &str = "investigate";

/// Writes the usual preset and project where none is set, and gives the preset of the first session.
pub fn write(app: &App, worker: &Worker, project: &str) -> Result<(String, DoctorRow)> {
    let defaults = app.layers()?.settings()?.defaults;
    let (preset, made) = preset(app, worker)?;
    let mut missing = Vec::new();
    if defaults.preset.is_none() {
        missing.push(("preset", preset.as_str()));
    }
    if defaults.project.is_none() {
        missing.push(("project", project));
    }
    let mut detail = match missing.as_slice() {
        [] => "the usual preset and project are set already".to_owned(),
        missing => {
            let file = edit::set(&app.env, &known(), "defaults", missing)?;
            let keys: Vec<_> =
                missing.iter().map(|(key, value)| format!("{key} = \"{value}\"")).collect();
            format!("{} in {}", keys.join(", "), file.display())
        }
    };
    if let Some(file) = made {
        detail.push_str(&format!("; the preset `{preset}` is {file}"));
    }
    Ok((preset, row("settings", DoctorState::Ready, detail)))
}

/// A preset for the worker: a bundled one that is for it, else one of the user's own, made now.
fn preset(app: &App, worker: &Worker) -> Result<(String, Option<String>)> {
    let layers = app.layers()?;
    let name = worker.harness.name();
    if worker.server.is_none() {
        let fits = |task: &str| layers.preset(task).is_ok_and(|(preset, _)| preset.harness == name);
        if let Some(task) = [TASK, name].into_iter().find(|task| fits(task)) {
            return Ok((task.to_owned(), None));
        }
    }
    let own = match &worker.server {
        Some(_) => format!("{name}-gateway"),
        None => name.to_owned(),
    };
    if layers.presets().iter().any(|listed| listed.name == own) {
        return Ok((own, None));
    }
    let (task, _) = layers.preset(TASK)?;
    let provider = worker.server.clone().zip(worker.harness.key());
    let provider = provider.map(|(server, key)| ModelProvider {
        base_url: Some(server),
        secret: Some(key.secret.to_owned()),
    });
    let text = template::preset_of(&Preset {
        description: format!("{} ({name})", task.description),
        harness: name.to_owned(),
        model: None,
        provider,
        ..task
    });
    let file = edit::create_preset(&app.env, &own, &text)?;
    Ok((own, Some(file.display().to_string())))
}
