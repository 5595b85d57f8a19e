//! How Signal starts sessions, and asks what became of pull requests.

use crate::commands::app::{App, harness_named};
use crate::commands::session::{drive, start};
use crate::config::start::{StartFlags, check_prompt};
use crate::domain::issue::Issue;
use crate::domain::plan::LaunchPlan;
use crate::domain::preset::{GITHUB, Project};
use crate::domain::signal::Run as SignalRun;
use crate::domain::signal::Signal;
use crate::error::{Failure, Kind, Result};
use crate::output::Reporter;
use crate::output::brief::Brief;
use crate::runner;
use crate::runner::signal::{self, Hands, LABEL, Order, Standing};
use crate::store::Store;

/// Who looks into issues, beyond what the preset says.
#[derive(Debug, Clone, Default)]
pub struct Worker {
    pub preset: String,
    pub harness: Option<String>,
    pub model: Option<String>,
    pub sandbox: Option<String>,
}

/// A run of Signal on a project.
pub fn run(
    app: &App,
    store: &mut Store,
    project: &Project,
    signal: &Signal,
    worker: &Worker,
) -> Result<SignalRun> {
    with(app, worker, |hands| signal::run(store, project, signal, hands))
}

/// Does something with the hands that Signal needs.
pub fn with<T>(
    app: &App,
    worker: &Worker,
    work: impl FnOnce(&mut Hands) -> Result<T>,
) -> Result<T> {
    let mut reporter = Brief::new(&app.screens);
    app.with_outside(|outside| {
        let mut hands = Hands {
            outside,
            reporter: &mut reporter,
            start: &mut |order, recorded| session(app, worker, order, recorded),
            publish: &|session| publish(app, session),
            standing: &|issue| standing(app, issue),
        };
        work(&mut hands)
    })
}

/// Fails where a preset's worker has no credential for its model.
pub fn credential(app: &App, preset: &str) -> Result<()> {
    let (preset, _) = app.layers()?.preset(preset)?;
    let of_provider = preset.provider.and_then(|provider| provider.secret);
    needs(app, &preset.harness, of_provider.as_deref())
}

fn needs(app: &App, harness: &str, of_provider: Option<&str>) -> Result<()> {
    match of_provider.or(harness_named(harness)?.key().map(|key| key.secret)) {
        Some(secret) => app.stores()?.find(secret).map(drop),
        None => Ok(()),
    }
}

/// A session that looks into an issue, to its end.
fn session(
    app: &App,
    worker: &Worker,
    order: &Order,
    recorded: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let plan = plan(app, worker, order)?;
    let of_provider = plan.provider.as_ref().and_then(|provider| provider.secret.as_deref());
    needs(app, &plan.harness, of_provider)?;
    let mut reporter = Brief::new(&app.screens);
    drive::unattended(app, plan, &mut reporter, &mut |id| {
        recorded(id)?;
        let store = app.store()?;
        reporter_started(app, &store, id)
    })
    .map(drop)
}

fn reporter_started(app: &App, store: &Store, id: &str) -> Result<()> {
    Brief::new(&app.screens).started(&runner::view(store, &store.session(id)?)?);
    Ok(())
}

fn plan(app: &App, worker: &Worker, order: &Order) -> Result<LaunchPlan> {
    let at = |ms: i64| crate::traces::snapshot::show_time(ms.saturating_mul(1_000));
    let is_remote = order.repo.as_deref().is_some_and(|repo| !repo.starts_with(['/', '.', '~']));
    let flags = StartFlags {
        preset: Some(worker.preset.clone()),
        project: Some(order.project.clone()),
        since: order.window.since.map(at),
        until: order.window.until.map(at),
        issue: Some(order.about.clone()),
        harness: worker.harness.clone(),
        model: worker.model.clone(),
        sandbox: worker.sandbox.clone(),
        skills: if is_remote { vec![GITHUB.to_owned()] } else { Vec::new() },
        repo: order.repo.clone(),
        labels: vec![format!("{LABEL}={}", order.issue)],
        ..StartFlags::default()
    };
    let mut plan = start::planned(app, &flags)?;
    // Whether a fix is proposed is decided here, once it is there.
    plan.pull_request = false;
    let of_preset = plan.limits.budget_usd.unwrap_or(f64::MAX);
    plan.limits.budget_usd = Some(of_preset.min(order.budget_usd));
    if let Some(context) = &order.context {
        plan.prompt
            .push_str(&format!("\n\nWhat is known of this project beforehand:\n{context}\n"));
        check_prompt(&plan.prompt)?;
    }
    start::refuse_what_is_not_there(&plan)?;
    Ok(plan)
}

fn publish(_: &App, _: &str) -> Result<Option<String>> {
    Err(Failure::new(Kind::Config, "pull requests cannot be opened yet"))
}

fn standing(_: &App, _: &Issue) -> Result<Option<Standing>> {
    Ok(None)
}
