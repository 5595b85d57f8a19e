//! `loop doctor`

use super::app::{App, Done};
use super::{providers, secret};
use crate::error::Failure;
use crate::harness;
use crate::output::json::{self, v1};
use crate::output::view::{DoctorRow, DoctorState, ProviderView, StoreRow};
use crate::output::{failure, human};
use crate::secrets::Is;
use serde_json::json;

/// Check every requirement, and say what mends it
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop doctor
  loop doctor --json
  loop doctor --kubernetes | kubectl apply -f -")]
pub struct Doctor {
    /// Print the manifest that grants what a Kubernetes cluster has to allow, and say what it does not
    #[arg(long)]
    kubernetes: bool,
}

impl Doctor {
    pub fn run(self, app: &App) -> Done {
        if self.kubernetes {
            return cluster(app);
        }
        let mut rows = vec![store(app)];
        rows.extend(settings(app));
        let sandboxes = sandboxes(app);
        let can_run = sandboxes.iter().any(|row| row.state == DoctorState::Ready);
        rows.extend(sandboxes);
        rows.extend(stores(app));
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
    providers::look(app).into_iter().flat_map(rows).collect()
}

fn rows(view: ProviderView) -> Vec<DoctorRow> {
    let name = view.about.name;
    let named = |need: DoctorRow| DoctorRow {
        requirement: format!("sandbox `{name}`: {}", need.requirement),
        ..need
    };
    view.needs.into_iter().map(named).collect()
}

/// What a cluster has to allow is the answer; what it does not is said beside it.
fn cluster(app: &App) -> Done {
    let about = crate::sandbox::CLUSTER;
    let options = app.configured().remove(about.name).unwrap_or_default();
    let manifest = app.providers()?.grants(&options)?;
    let rows = rows(providers::look_at(app, about));
    for row in &rows {
        let told = format!("{}: {}", row.requirement, row.detail);
        match row.state {
            DoctorState::Ready => failure::note(&told, &app.screens),
            _ => failure::warn(&told, &app.screens),
        }
    }
    let ready = rows.iter().all(|row| row.state == DoctorState::Ready);
    app.show(
        |out| json::write_document(out, &json!({ "manifest": manifest, "ready": ready })),
        |out| out.write_all(manifest.as_bytes()),
    )?;
    Ok(if ready { 0 } else { crate::error::Kind::Sandbox.exit_code() })
}

/// Where secrets can be kept. One place that works is enough, and none is needed where they come from
/// the environment.
fn stores(app: &App) -> Vec<DoctorRow> {
    let rows = match secret::stores(app) {
        Ok(rows) => rows,
        Err(failed) => return vec![unusable("secrets", &failed)],
    };
    let row = |store: StoreRow| DoctorRow {
        requirement: format!("secrets: {}", store.name),
        state: if store.state == Is::Here.name() {
            DoctorState::Ready
        } else {
            DoctorState::Optional
        },
        detail: match store.state {
            state if state == Is::Here.name() => store.detail,
            state => format!("{state}: {}", store.detail),
        },
        mend: store.mend,
    };
    rows.into_iter().map(row).collect()
}

fn unusable(requirement: &str, failed: &Failure) -> DoctorRow {
    DoctorRow {
        requirement: requirement.to_owned(),
        state: DoctorState::Optional,
        detail: failed.to_string(),
        mend: failed.hints.first().cloned(),
    }
}

/// Each harness's key, where it has one.
fn keys(app: &App) -> Vec<DoctorRow> {
    harness::all()
        .iter()
        .filter_map(|harness| harness.key().map(|key| (harness.name(), key.secret)))
        .map(|(name, secret)| {
            let requirement = format!("harness `{name}`");
            match app.stores().and_then(|stores| stores.look(secret)) {
                Ok(Some(place)) => DoctorRow {
                    requirement,
                    state: DoctorState::Ready,
                    detail: format!("`{secret}` is set ({place})"),
                    mend: None,
                },
                Ok(None) => DoctorRow {
                    requirement,
                    state: DoctorState::Optional,
                    detail: format!("`{secret}` is not set"),
                    mend: Some(format!("loop secret set {secret}")),
                },
                Err(failed) => unusable(&requirement, &failed),
            }
        })
        .collect()
}
