//! Every provider there is, and what each needs here: `doctor` and `sandbox list` say the same of it.

use super::app::App;
use crate::domain::options::Options;
use crate::domain::provider::About;
use crate::error::Result;
use crate::output::view::{DoctorRow, DoctorState, ProviderView};
use crate::sandbox::{self, Fact};

/// What there is to know of each, in the order in which they are preferred.
const ALL: [About; sandbox::ABOUT.len()] = sandbox::ABOUT;

/// Their names.
pub const NAMES: [&str; ALL.len()] = {
    let mut names = [""; ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ALL[at].name;
        at += 1;
    }
    names
};

pub fn about(name: &str) -> Option<About> {
    ALL.into_iter().find(|about| about.name == name)
}

/// Each, at the place that `config.toml` says, with what it lacks.
pub fn look(app: &App) -> Vec<ProviderView> {
    let said = app.configured();
    let view = |about: About| ProviderView {
        about,
        needs: needs(app, &about, said.get(about.name).cloned().unwrap_or_default()),
    };
    ALL.into_iter().map(view).collect()
}

/// One of them.
pub fn look_at(app: &App, about: About) -> ProviderView {
    let options = app.configured().remove(about.name).unwrap_or_default();
    ProviderView { about, needs: needs(app, &about, options) }
}

fn needs(app: &App, about: &About, options: Options) -> Vec<DoctorRow> {
    if let Some(missing) = about.options.iter().find(|opt| opt.required && !options.has(opt.name)) {
        let line = format!("{} = {}", missing.name, missing.shape.example());
        return vec![DoctorRow {
            requirement: format!("`{}`", missing.name),
            state: DoctorState::Optional,
            detail: format!(
                "not said: {}; write `{line}` under `[sandbox.{}]` in `config.toml` or a preset",
                missing.help, about.name
            ),
            mend: None,
        }];
    }
    match facts(app, about, &options) {
        Ok(facts) => facts.into_iter().map(row).collect(),
        Err(failed) => vec![DoctorRow {
            requirement: about.runs_in.to_owned(),
            state: DoctorState::Optional,
            detail: failed.to_string(),
            mend: failed.hints.first().cloned(),
        }],
    }
}

fn facts(app: &App, about: &About, options: &Options) -> Result<Vec<Fact>> {
    Ok(app.providers()?.at(about.name, options)?.facts())
}

fn row(fact: Fact) -> DoctorRow {
    DoctorRow {
        requirement: fact.what,
        state: if fact.holds { DoctorState::Ready } else { DoctorState::Optional },
        detail: fact.detail,
        mend: fact.mend,
    }
}
