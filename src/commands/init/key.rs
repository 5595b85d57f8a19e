//! Which agent program, and whether its key works.

use super::row;
use crate::commands::app::{App, harness_named};
use crate::commands::skill;
use crate::domain::preset::{Skill, SkillCheck, SkillSecret};
use crate::error::{Failure, Kind, Result};
use crate::harness::{self, Harness, Key};
use crate::output::view::{CheckOutcome, DoctorRow, DoctorState, SkillCheckView};
use crate::output::{ask, failure};
use crate::secrets::{self, Found, Secret, Store};
use std::collections::BTreeMap;

/// How often a key that is refused is asked for again.
const TRIES: usize = 3;

/// The agent program of the first session.
pub struct Worker {
    pub harness: &'static dyn Harness,
    /// Another server than the vendor's, as the environment names it.
    pub server: Option<String>,
}

/// The harness that is named, or the first whose key is found, or one that is chosen; and what came of
/// trying its key, told row by row.
pub fn choose(app: &App, named: Option<&str>, tell: &mut dyn FnMut(DoctorRow)) -> Result<Worker> {
    let harness = match named {
        Some(name) => harness_named(name)?,
        None => usual(app)?,
    };
    let server = harness.key().and_then(|key| app.env.var(key.trial?.server));
    let server = server.filter(|server| !server.is_empty());
    let worker = Worker { harness, server };
    let Some(key) = harness.key() else {
        let detail = format!("{}, which needs no key", harness.name());
        tell(row("worker", DoctorState::Ready, detail));
        return Ok(worker);
    };
    tell(row("worker", DoctorState::Ready, harness.name()));
    let (view, place) = prove(app, &key, worker.server.as_deref())?;
    let state = match view.outcome {
        CheckOutcome::Works => DoctorState::Ready,
        _ => DoctorState::Optional,
    };
    tell(row("key", state, format!("{} ({place}): {}", key.secret, view.detail)));
    Ok(worker)
}

/// Harnesses that somebody without a preset of his own can use.
fn usable() -> impl Iterator<Item = &'static dyn Harness> {
    harness::all().iter().copied().filter(|harness| harness.program() != harness::Program::Preset)
}

fn usual(app: &App) -> Result<&'static dyn Harness> {
    let mut found = Vec::new();
    for harness in usable() {
        let Some(key) = harness.key() else { continue };
        if app.stores()?.look(key.secret).ok().flatten().is_some() {
            found.push(harness);
        }
    }
    let keyless = usable().find(|harness| harness.key().is_none());
    let first = found.first().copied().or(keyless);
    if !app.asks() || found.len() == 1 {
        return first.ok_or_else(|| Failure::new(Kind::Bug, "there is no harness"));
    }
    let all: Vec<_> = usable().collect();
    let label = |harness: &&dyn Harness| match harness.key() {
        None => format!("{}: no account, no key", harness.name()),
        Some(key) => format!("{}: needs {}", harness.name(), key.secret),
    };
    let labels: Vec<String> = all.iter().map(label).collect();
    let start = all.iter().position(|one| first.is_some_and(|first| first.name() == one.name()));
    let chosen = ask::choose("the agent that shall work for you", &labels, start.unwrap_or(0))?;
    Ok(all[chosen])
}

/// Finds the key or asks for it, and tries it. What is typed is kept once it works.
fn prove(app: &App, key: &Key, server: Option<&str>) -> Result<(SkillCheckView, String)> {
    let skill = as_skill(key, server);
    let ca_bundle = app.ca_bundle();
    let tried =
        |found: Found| skill::check::tried(&skill, &|_| Ok(found.clone()), ca_bundle.as_deref());
    if app.stores()?.look(key.secret)?.is_some() {
        let found = app.stores()?.find(key.secret)?;
        let place = found.place.clone();
        let view = tried(found.clone())?;
        if view.outcome != CheckOutcome::Refused {
            let place = keep(app, key, &found, &view)?.unwrap_or(place);
            return Ok((view, place));
        }
        if !app.asks() {
            return Err(refused(key, &view));
        }
        failure::warn(&format!("{} ({place}): {}", key.secret, view.detail), &app.screens);
    } else if !app.asks() {
        return Err(missing(key));
    }
    // Before anybody types something in vain.
    let store = store(app)?;
    for _ in 0..TRIES {
        let typed = ask::hidden(&format!("{} (not shown)", key.secret), &app.screens)?;
        let secret = Secret::new(&typed, &format!("`{}`", key.secret))?;
        let view = tried(Found { secret: secret.clone(), place: "typed".to_owned() })?;
        if view.outcome != CheckOutcome::Refused {
            store.set(key.secret, &secret)?;
            return Ok((view, store.name().to_owned()));
        }
        failure::warn(&view.detail, &app.screens);
    }
    Err(missing(key))
}

/// The keyring, or where there is none the encrypted file, if that is wanted.
fn store(app: &App) -> Result<&dyn Store> {
    let failed = match app.stores()?.store(None) {
        Ok(store) => return Ok(store),
        Err(failed) => failed,
    };
    for cause in &failed.causes {
        failure::note(cause, &app.screens);
    }
    match ask::confirm("keep keys in an encrypted file, under a passphrase?", &app.screens)? {
        true => app.stores()?.store(Some("file")),
        false => Err(failed),
    }
}

/// A key that only the environment has is gone with it; it may be kept.
fn keep(app: &App, key: &Key, found: &Found, view: &SkillCheckView) -> Result<Option<String>> {
    if found.place != secrets::ENVIRONMENT || view.outcome != CheckOutcome::Works || !app.asks() {
        return Ok(None);
    }
    let Ok(store) = app.stores()?.store(None) else { return Ok(None) };
    let question = format!("keep {} in the {} too, for other shells?", key.secret, store.name());
    if !ask::confirm(&question, &app.screens)? {
        return Ok(None);
    }
    store.set(key.secret, &found.secret)?;
    Ok(Some(store.name().to_owned()))
}

fn missing(key: &Key) -> Failure {
    Failure::new(Kind::Credential, format!("`{}` is not set", key.secret))
        .hint(format!("store it: `loop secret set {}`, and run `loop init` again", key.secret))
        .hint("or begin without any account: `loop init --harness triage`")
}

fn refused(key: &Key, view: &SkillCheckView) -> Failure {
    Failure::new(Kind::Credential, format!("`{}` does not work", key.secret))
        .because(view.detail.clone())
        .hint(format!("store another one: `loop secret set {}`", key.secret))
}

/// A key is tried as a skill's secrets are.
fn as_skill(key: &Key, server: Option<&str>) -> Skill {
    let secret = SkillSecret { help: String::new(), header: Some(key.header.to_owned()) };
    let more = key.more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Skill {
        name: key.secret.to_owned(),
        secrets: BTreeMap::from([(key.secret.to_owned(), secret)]),
        check: key.trial.map(|trial| SkillCheck {
            url: format!("{}{}", server.unwrap_or(trial.vendor).trim_end_matches('/'), trial.list),
            headers: more.collect(),
            ..SkillCheck::default()
        }),
        ..Skill::default()
    }
}
