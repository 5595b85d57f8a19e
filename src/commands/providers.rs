//! Every provider there is, and what each needs here: `doctor` and `sandbox list` say the same of it.

use super::app::App;
use crate::domain::options::Options;
use crate::domain::provider::About;
use crate::error::{Failure, Kind, Result};
use crate::managed::{self, Managed};
use crate::output::view::{DoctorRow, DoctorState, ProviderView};
use crate::sandbox::{self, Fact, Found, Provider};
use std::rc::Rc;

/// What there is to know of each, in the order in which they are preferred.
pub const ALL: [About; sandbox::ABOUT.len() + 1] = {
    let mut all = [managed::ABOUT; sandbox::ABOUT.len() + 1];
    let mut at = 0;
    while at < sandbox::ABOUT.len() {
        all[at] = sandbox::ABOUT[at];
        at += 1;
    }
    all
};

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
    if let Some(missing) = about.missing(&options) {
        return vec![DoctorRow {
            requirement: format!("`{}`", missing.name),
            state: DoctorState::Optional,
            detail: format!("not set under `[sandbox.{}]`", about.name),
            mend: Some(format!("loop sandbox show {}", about.name)),
        }];
    }
    match facts(app, about, &options) {
        Ok(facts) => facts.into_iter().map(row).collect(),
        Err(failed) => vec![DoctorRow {
            requirement: about.runs_in.to_owned(),
            state: DoctorState::Optional,
            // A hint is a sentence, and no command to type.
            detail: failed
                .hints
                .iter()
                .fold(failed.to_string(), |all, hint| format!("{all}; {hint}")),
            mend: None,
        }],
    }
}

fn facts(app: &App, about: &About, options: &Options) -> Result<Vec<Fact>> {
    if !is_hosted(about.name) {
        return Ok(app.providers()?.at(about.name, options)?.facts());
    }
    let found = app.stores()?.find(managed::SECRET);
    Ok(vec![Fact {
        what: format!("`{}`", managed::SECRET),
        holds: found.is_ok(),
        detail: match &found {
            Ok(found) => format!("in the {}", found.place),
            Err(failed) => failed.to_string(),
        },
        mend: found.is_err().then(|| format!("loop secret set {}", managed::SECRET)),
    }])
}

/// Whether a vendor runs it, on machines of its own.
pub fn is_hosted(name: &str) -> bool {
    name == managed::NAME
}

/// What is there of this store's at one place, for who tidies up.
pub enum Held {
    Sandboxes(Rc<dyn Provider>),
    Sessions(Box<Managed>),
}

impl Held {
    /// An error where nothing can be there, or nobody can look.
    pub fn at(app: &App, name: &str, options: &Options) -> Result<Self> {
        if !is_hosted(name) {
            return Ok(Self::Sandboxes(app.providers()?.at(name, options)?));
        }
        if let Some(missing) = managed::ABOUT.missing(options) {
            let sentence = format!("nothing says which `{}`", missing.name);
            return Err(Failure::new(Kind::Config, sentence));
        }
        Ok(Self::Sessions(Box::new(app.managed(options, None, None)?)))
    }

    pub fn list(&self) -> Result<Vec<Found>> {
        match self {
            Self::Sandboxes(provider) => provider.list(),
            Self::Sessions(managed) => {
                let found = managed.list()?.into_iter();
                Ok(found
                    .map(|found| Found { id: found.id, session: found.session, ours: true })
                    .collect())
            }
        }
    }

    pub fn remove(&self, found: &Found) -> Result<()> {
        match self {
            Self::Sandboxes(provider) => provider.remove(&found.session),
            Self::Sessions(managed) => managed.remove(&found.id),
        }
    }
}

fn row(fact: Fact) -> DoctorRow {
    DoctorRow {
        requirement: fact.what,
        state: if fact.holds { DoctorState::Ready } else { DoctorState::Optional },
        detail: fact.detail,
        mend: fact.mend,
    }
}
