//! Which secrets presets, skills and projects want.

use crate::commands::app::{App, harness_named};
use crate::domain::automation::{Automation, Trigger};
use crate::error::Result;
use crate::output::view::SecretRow;
use std::collections::BTreeMap;

/// By the name of the secret, what wants it. A file that cannot be read wants nothing.
pub fn wanted(app: &App) -> Result<BTreeMap<String, Vec<String>>> {
    let layers = app.layers()?;
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut wants =
        |secret: &str, by: String| wanted.entry(secret.to_owned()).or_default().push(by);
    for preset in layers.presets().into_iter().filter_map(|listed| listed.value.ok()) {
        let own = preset.provider.as_ref().and_then(|provider| provider.secret.clone());
        let default = || Some(harness_named(&preset.harness).ok()?.key()?.secret.to_owned());
        if let Some(secret) = own.or_else(default) {
            wants(&secret, format!("preset `{}`", preset.name));
        }
    }
    for skill in layers.skills().into_iter().filter_map(|listed| listed.value.ok()) {
        for secret in skill.secrets.keys() {
            wants(secret, format!("skill `{}`", skill.name));
        }
    }
    for project in layers.projects()? {
        if let Some(secret) = project.value.ok().and_then(|project| project.secret) {
            wants(&secret, format!("project `{}`", project.name));
        }
    }
    for automation in layers.automations().into_iter().filter_map(|listed| listed.value.ok()) {
        for secret in own(&automation) {
            wants(&secret, format!("automation `{}`", automation.name));
        }
    }
    for name in layers.settings()?.secrets.keys() {
        wanted.entry(name.clone()).or_default();
    }
    Ok(wanted)
}

/// What an automation wants for itself: to believe a webhook, and to tell people.
fn own(automation: &Automation) -> Vec<String> {
    let hook = match &automation.trigger {
        Trigger::Webhook(hook) => Some(hook.secret.clone()),
        Trigger::Cron(_) | Trigger::Metric(_) | Trigger::Monitor(_) => None,
    };
    let notify = automation.notify.iter();
    let told = notify.flat_map(|notify| [notify.webhook.clone(), notify.sign.clone()]).flatten();
    hook.into_iter().chain(told).collect()
}

/// Everything that a run of an automation may want, by the variables that it can come in.
pub fn of_automation(app: &App, automation: &Automation) -> Result<Vec<String>> {
    let layers = app.layers()?;
    let (preset, _) = layers.preset(&automation.preset)?;
    let harness = automation.harness.as_ref().unwrap_or(&preset.harness);
    let mut names = own(automation);
    match preset.provider.and_then(|provider| provider.secret) {
        Some(secret) => names.push(secret),
        None => names.extend(harness_named(harness)?.key().map(|key| key.secret.to_owned())),
    }
    for skill in &preset.skills {
        names.extend(layers.skill(skill)?.0.secrets.into_keys());
    }
    if let Some(project) = &automation.project {
        names.extend(layers.project(project)?.0.secret);
    }
    names.retain(|name| !name.contains(':'));
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A row of each secret that is wanted or kept, found without asking anybody anything.
pub fn rows(app: &App) -> Result<Vec<SecretRow>> {
    let stores = app.stores()?;
    let mut wanted = wanted(app)?;
    let mut reason = None;
    for store in stores.all() {
        if store.state().is != crate::secrets::Is::Here {
            continue;
        }
        match store.names() {
            Ok(names) => names.into_iter().for_each(|name| {
                wanted.entry(name).or_default();
            }),
            Err(failed) => reason = Some(failed.to_string()),
        }
    }
    let row = |(name, wanted_by): (String, Vec<String>)| {
        let (place, why) = match stores.look(&name) {
            Ok(place) => (place, None),
            Err(failed) => (None, Some(failed.to_string())),
        };
        let reason = why.or_else(|| reason.clone()).filter(|_| place.is_none());
        SecretRow { name, place, wanted_by, reason }
    };
    Ok(wanted.into_iter().map(row).collect())
}
