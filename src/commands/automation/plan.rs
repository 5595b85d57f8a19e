//! From a fire to the plan of its session.

use crate::commands::app::App;
use crate::commands::session;
use crate::config::start::{self, StartFlags};
use crate::domain::automation::Automation;
use crate::domain::automation::fire::{About, Fire};
use crate::domain::plan::LaunchPlan;
use crate::error::Result;

/// The variable that tells a worker's own `loop` which automations led to it.
pub const CHAIN: &str = "LOOP_CHAIN";

/// Plans the session of a fire as `loop session start` would, and tells it why it fired.
pub fn plan(app: &App, automation: &Automation, fire: &Fire) -> Result<LaunchPlan> {
    let mut plan = session::start::planned(app, &flags(automation, fire))?;
    session::start::unattended(&plan)?;
    if let Some(told) = told(&fire.about) {
        plan.prompt.push_str(&told);
        start::check_prompt(&plan.prompt)?;
    }
    session::start::ready(app, &mut plan)?;
    Ok(plan)
}

fn flags(automation: &Automation, fire: &Fire) -> StartFlags {
    let own = [
        ("automation", automation.name.as_str()),
        ("fire", fire.id.as_str()),
        ("cause", fire.cause.name()),
    ];
    let labels = automation.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let Automation { preset, project, prompt, harness, model, repo, since, .. } = automation;
    StartFlags {
        prompt: prompt.clone(),
        preset: Some(preset.clone()),
        project: project.clone(),
        since: fire.about.since.map(moment).or_else(|| since.clone()),
        until: fire.about.until.map(moment),
        harness: harness.clone(),
        model: model.clone(),
        repo: repo.clone(),
        env: vec![chain(automation, fire)],
        labels: labels.chain(own).map(|(name, value)| format!("{name}={value}")).collect(),
        ..StartFlags::default()
    }
}

/// The variable of a worker of this fire that says what led to it.
pub fn chain(automation: &Automation, fire: &Fire) -> String {
    let chain = fire.chain.iter().map(String::as_str).chain([automation.name.as_str()]);
    format!("{CHAIN}={}", chain.collect::<Vec<_>>().join(","))
}

fn moment(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().to_string()
}

/// What a worker is told of why it was started. The ids are the source's own, and checked to be ids.
fn told(about: &About) -> Option<String> {
    if about.note.is_empty() && about.traces.is_empty() {
        return None;
    }
    let mut text = String::from("\n\n## Why this was started\n");
    if !about.note.is_empty() {
        let end = if about.note.ends_with(char::is_whitespace) { "" } else { ".\n" };
        text.push_str(&format!("\n{}{end}", about.note));
    }
    let ids: Vec<&str> = about.traces.iter().map(String::as_str).filter(|id| is_id(id)).collect();
    if !ids.is_empty() {
        text.push_str("\nLook at these traces first; they are what it was measured from:\n");
        for id in ids {
            text.push_str(&format!("- {id}\n"));
        }
    }
    Some(text)
}

fn is_id(text: &str) -> bool {
    text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}
