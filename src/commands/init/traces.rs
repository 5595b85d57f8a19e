//! Which project the first session looks at.

use super::row;
use crate::commands::app::{App, known};
use crate::commands::project;
use crate::config::edit;
use crate::domain::preset::{DEMO, FILE, PHOENIX, Project};
use crate::error::Result;
use crate::output::ask;
use crate::output::view::{DoctorRow, DoctorState};

const QUESTION: &str =
    "traces: a file, a folder or the address of a Phoenix server (nothing for the demo)";

/// The project that is named, that is the usual one, or that is told now.
pub fn choose(app: &App, named: Option<String>) -> Result<(String, DoctorRow)> {
    let layers = app.layers()?;
    if let Some(name) = named.or(layers.settings()?.defaults.project) {
        let (project, _) = layers.project(&name)?;
        return Ok((name, told(&project)));
    }
    let answer = if app.asks() { ask::text(QUESTION, &app.screens)? } else { None };
    let Some(answer) = answer else {
        let (project, _) = layers.project(DEMO)?;
        return Ok((DEMO.to_owned(), told(&project)));
    };
    let project = if answer.starts_with("http://") || answer.starts_with("https://") {
        let question = "the project's name there (nothing for `default`)";
        let name = ask::text(question, &app.screens)?.unwrap_or_else(|| "default".to_owned());
        Project {
            name: usable_name(&name),
            source: PHOENIX.to_owned(),
            url: Some(answer),
            project: Some(name),
            ..Project::default()
        }
    } else {
        let path = app.env.expand(app.env.cwd(), &answer);
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Project {
            name: usable_name(&stem.unwrap_or_default()),
            source: FILE.to_owned(),
            path: Some(path.display().to_string()),
            ..Project::default()
        }
    };
    edit::could_add_project(&app.env, &known(), &project)?;
    project::check(app, &project)?;
    edit::add_project(&app.env, &known(), &project)?;
    Ok((project.name.clone(), told(&project)))
}

fn told(project: &Project) -> DoctorRow {
    let place = project.url.as_deref().or(project.path.as_deref());
    let detail = match place {
        Some(place) => format!("{} ({} at {place})", project.name, project.source),
        None => format!("{} (bundled)", project.name),
    };
    row("traces", DoctorState::Ready, detail)
}

/// A name that settings take, out of one that somebody else made.
fn usable_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = text.chars().map(plain).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "traces".to_owned() } else { name.chars().take(40).collect() }
}
