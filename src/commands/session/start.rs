//! `loop session start`

use super::drive;
use crate::commands::app::{App, Done};
use crate::commands::{clock, providers, skill};
use crate::config::start::{self, StartFlags};
use crate::domain::limits::Keep;
use crate::domain::measure;
use crate::domain::plan::LaunchPlan;
use crate::domain::preset::Network;
use crate::domain::provider::Ability;
use crate::error::{Failure, Kind, Result};
use crate::output::human;
use crate::output::json::{self, v1};
use crate::sandbox;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Start a worker in a sandbox of its own
///
/// On a terminal it stays for follow-ups when the turn ends (an empty line or Ctrl-D leaves; the
/// session idles until its time-out). In a pipe it ends the session after the first turn. Ctrl-C
/// detaches: the worker goes on.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session start --preset triage --project demo
  loop session start --preset investigate --project checkout --since 6h \"why do refunds fail?\"
  loop session start --preset investigate --project ./traces.jsonl --json - < question.txt
  loop session start --harness codex --project demo --detach \"what costs most?\"
  loop session start --preset fix --project checkout --dry-run")]
pub struct Start {
    /// What the worker shall do; else the preset's own task
    prompt: Option<String>,
    /// Read the prompt from a file, or from standard input with `-`
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    prompt_file: Option<PathBuf>,
    /// A saved set-up: `loop preset list`
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// A project by name, or a file or folder of traces
    #[arg(long, value_name = "NAME|PATH")]
    project: Option<String>,
    /// Only traces from then on: `24h`, `7d`, or a time
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only traces before then
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// The agent program: claude-code, codex, opencode, gemini, cursor, command or triage
    #[arg(long, value_name = "NAME")]
    harness: Option<String>,
    /// The harness's own name of a model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Where the worker runs: docker or local
    #[arg(long, value_name = "PROVIDER")]
    sandbox: Option<String>,
    /// The sandbox's image, or `auto`
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// An integration the worker may use; may be given several times
    #[arg(long = "skill", value_name = "NAME")]
    skills: Vec<String>,
    /// The repository the worker works on
    #[arg(long, value_name = "OWNER/NAME|URL|PATH")]
    repo: Option<String>,
    /// The branch to start from
    #[arg(long, value_name = "NAME", requires = "repo")]
    branch: Option<String>,
    /// A plain variable of the worker's environment; may be given several times
    #[arg(long, value_name = "K=V")]
    env: Vec<String>,
    /// How long a turn may take
    #[arg(long, value_name = "DURATION", value_parser = measure::duration)]
    timeout: Option<Duration>,
    /// The harness's own limit of model turns, where it has one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_turns: Option<u32>,
    /// The harness's own limit of cost, where it has one
    #[arg(long, value_name = "USD", value_parser = usd)]
    budget: Option<f64>,
    /// A name of your own for the session
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A label; may be given several times
    #[arg(long = "label", value_name = "K=V")]
    labels: Vec<String>,
    /// Start it and leave; `loop session attach` comes back
    #[arg(long)]
    detach: bool,
    /// When to keep the sandbox after the session: never, on-failure or always
    #[arg(long, value_name = "WHEN", value_parser = keep)]
    keep: Option<Keep>,
    /// Print the launch plan, secrets by name only, and start nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a plan may say and this version cannot do yet. Better refused than left out in silence.
fn refuse_what_is_not_there(plan: &LaunchPlan) -> Result<()> {
    if let Network::Hosts(_) = plan.sandbox.network {
        return Err(Failure::new(Kind::Config, "a list of hosts cannot be kept yet")
            .because("that needs the gateway, which this version does not have")
            .hint("set `sandbox.network` to `none`, `default` or `open`"));
    }
    Ok(())
}

pub fn usd(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is no amount; write it as `2.50`");
    let value: f64 = text.trim_start_matches('$').parse().map_err(|_| wrong())?;
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(wrong()) }
}

fn keep(text: &str) -> Result<Keep, String> {
    Keep::of_name(text).ok_or_else(|| format!("choose {}", crate::domain::words::or(&Keep::NAMES)))
}

/// What flags and settings come to.
pub fn planned(app: &App, flags: &StartFlags) -> Result<LaunchPlan> {
    let layers = app.layers()?;
    let settings = layers.settings()?;
    let named = flags.sandbox.is_some() || settings.defaults.sandbox.is_some();
    let usual =
        if named { sandbox::ABOUT[0].name } else { app.providers()?.usual(&settings.sandboxes) };
    start::resolve(&layers, flags, usual, clock::now())
}

/// What must hold besides where nobody watches what a session spends.
pub fn unattended(plan: &LaunchPlan) -> Result<()> {
    let provider = &plan.sandbox.provider;
    if providers::about(provider).is_none_or(|about| about.can(Ability::Automations)) {
        return Ok(());
    }
    let sentence = format!("automations do not run on `{provider}`");
    Err(Failure::new(Kind::Config, sentence)
        .because("that is a vendor's own infrastructure, where a session spends on by itself")
        .hint("name another `provider` under `[sandbox]` in the preset"))
}

/// What must hold before a session of the plan is recorded; custom skills are held to what was agreed.
pub fn ready(app: &App, plan: &mut LaunchPlan) -> Result<()> {
    refuse_what_is_not_there(plan)?;
    skill::pin::pin(app, plan)?;
    // An engine that does not answer is told now.
    app.worker_of(plan).map(drop)
}

/// Starts a session and drives it, as the page does.
pub fn begin(app: &App, flags: &StartFlags) -> Done {
    let mut plan = planned(app, flags)?;
    ready(app, &mut plan)?;
    drive::start(app, plan, false)
}

impl Start {
    pub fn run(self, app: &App) -> Done {
        let detach = self.detach;
        let dry_run = self.dry_run;
        let mut plan = planned(app, &self.flags()?)?;
        if dry_run {
            return app.show(
                |out| json::write_document(out, &v1::Plan::of(&plan)),
                |out| human::plan::write(out, &app.screens.out, &plan),
            );
        }
        ready(app, &mut plan)?;
        drive::start(app, plan, detach)
    }

    fn flags(self) -> Result<StartFlags> {
        let prompt = match (&self.prompt, &self.prompt_file) {
            (Some(prompt), _) if prompt == "-" => Some(drive::prompt_from(Path::new("-"))?),
            (Some(prompt), _) => Some(prompt.clone()),
            (None, Some(path)) => Some(drive::prompt_from(path)?),
            (None, None) => None,
        };
        Ok(StartFlags {
            prompt,
            preset: self.preset,
            project: self.project,
            since: self.since,
            until: self.until,
            issue: None,
            harness: self.harness,
            model: self.model,
            sandbox: self.sandbox,
            image: self.image,
            skills: self.skills,
            repo: self.repo,
            branch: self.branch,
            env: self.env,
            timeout_ms: self.timeout.map(|timeout| timeout.as_millis() as u64),
            max_turns: self.max_turns,
            budget_usd: self.budget,
            name: self.name,
            labels: self.labels,
            keep: self.keep,
        })
    }
}
