//! `loop doctor`

use super::app::{App, Done};
use crate::harness;
use crate::output::human;
use crate::output::json::{self, v1};
use crate::output::view::{DoctorRow, DoctorState};
use crate::sandbox;
use crate::secrets;

/// Check every requirement, and say what mends it
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop doctor
  loop doctor --json")]
pub struct Doctor {}

impl Doctor {
    pub fn run(self, app: &App) -> Done {
        let mut rows = vec![store(app)];
        rows.extend(settings(app));
        let sandboxes = sandboxes(app);
        let can_run = sandboxes.iter().any(|row| row.state == DoctorState::Ready);
        rows.extend(sandboxes);
        rows.extend(keys(app));
        app.show(
            |out| json::write_document(out, &v1::Doctor::all(&rows)),
            |out| human::doctor::write(out, &app.screens.out, &rows),
        )?;
        let missing = rows.iter().any(|row| row.state == DoctorState::Missing);
        Ok(if can_run && !missing { 0 } else { crate::error::Kind::Sandbox.exit_code() })
    }
}

fn store(app: &App) -> DoctorRow {
    let requirement = "store".to_owned();
    match app.store() {
        Ok(store) => DoctorRow {
            requirement,
            state: DoctorState::Ready,
            detail: format!("{} (SQLite {})", store.root().display(), rusqlite::version()),
            mend: None,
        },
        Err(failed) => DoctorRow {
            requirement,
            state: DoctorState::Missing,
            detail: failed.to_string(),
            mend: failed.hints.first().cloned(),
        },
    }
}

/// Files with mistakes.
fn settings(app: &App) -> Vec<DoctorRow> {
    let requirement = "settings".to_owned();
    let mut not_allowed = None;
    let checked = app.layers().and_then(|layers| {
        not_allowed = layers.not_allowed().map(|folder| folder.display().to_string());
        layers.settings()?;
        layers.projects()?;
        let presets = layers.presets();
        let count = presets.len();
        presets.into_iter().try_for_each(|listed| listed.value.map(drop))?;
        Ok(count)
    });
    let (state, detail, mend) = match checked {
        Ok(count) => (DoctorState::Ready, format!("{count} presets, none with a mistake"), None),
        Err(failed) => {
            let mend = Some("loop preset validate".to_owned());
            (DoctorState::Optional, failed.to_string(), mend)
        }
    };
    let mut rows = vec![DoctorRow { requirement, state, detail, mend }];
    rows.extend(not_allowed.map(|folder| DoctorRow {
        requirement: "settings of the repository".to_owned(),
        state: DoctorState::Optional,
        detail: format!("{folder} is not allowed yet"),
        mend: Some("loop allow".to_owned()),
    }));
    rows
}

/// One that works is enough; each says what it lacks.
fn sandboxes(app: &App) -> Vec<DoctorRow> {
    let mut rows = Vec::new();
    for name in sandbox::NAMES {
        let provider = app.providers().and_then(|providers| providers.by_name(name));
        match provider {
            Ok(provider) => rows.extend(provider.facts().into_iter().map(|fact| DoctorRow {
                requirement: format!("sandbox `{name}`: {}", fact.what),
                state: if fact.holds { DoctorState::Ready } else { DoctorState::Optional },
                detail: fact.detail,
                mend: fact.mend,
            })),
            Err(failed) => rows.push(DoctorRow {
                requirement: format!("sandbox `{name}`"),
                state: DoctorState::Optional,
                detail: failed.to_string(),
                mend: failed.hints.first().cloned(),
            }),
        }
    }
    rows
}

/// Each harness's key, where it has one.
fn keys(app: &App) -> Vec<DoctorRow> {
    harness::all()
        .iter()
        .filter_map(|harness| harness.default_secret().map(|secret| (harness.name(), secret)))
        .map(|(name, secret)| {
            let found = secrets::find(secret, &|name| app.env.var(name)).is_ok();
            DoctorRow {
                requirement: format!("harness `{name}`"),
                state: if found { DoctorState::Ready } else { DoctorState::Optional },
                detail: if found {
                    format!("`{secret}` is set")
                } else {
                    format!("`{secret}` is not set")
                },
                mend: (!found).then(|| format!("export {secret}=…")),
            }
        })
        .collect()
}
