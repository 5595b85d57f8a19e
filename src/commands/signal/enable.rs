//! `loop signal enable`

use super::{automation, project};
use crate::commands::app::{App, Done};
use crate::config::signal::{self, Repo, Wanted};
use crate::config::{start, value};
use crate::domain::measure;
use crate::error::{Failure, Kind, Result};
use crate::output::{failure, json};
use std::time::Duration;

/// Look at a project again and again: find what fails, rank it, look into it, watch its fix
///
/// Writes `automations/signal-PROJECT.toml`. Finding and ranking needs no model and costs nothing;
/// looking into an issue is a session of the preset.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal enable demo --preset none                    find and rank, look into nothing
  loop signal enable checkout --every 10m --budget 5
  loop signal enable checkout --cron \"0 7 * * 1-5\" --timezone Europe/Berlin
  loop signal enable checkout --context \"refunds go through a queue; ten seconds are normal\"")]
pub struct Enable {
    project: String,
    /// How often: `10m`, `1h`, `1d`; every ten minutes if nothing is said
    #[arg(long, value_name = "DURATION", value_parser = measure::duration, conflicts_with = "cron")]
    every: Option<Duration>,
    /// When, as a cron expression
    #[arg(long, value_name = "CRON")]
    cron: Option<String>,
    /// The time zone of `--cron`
    #[arg(long, value_name = "ZONE", requires = "cron")]
    timezone: Option<String>,
    /// The set-up of workers that look into issues, or `none`
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// What workers should know of the project
    #[arg(long, value_name = "TEXT")]
    context: Option<String>,
    /// Issues to look into in a run, at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    top: Option<u32>,
    /// What that may cost in a day
    #[arg(long, value_name = "USD", value_parser = crate::commands::session::start::usd)]
    budget: Option<f64>,
}

impl Enable {
    pub fn run(self, app: &App) -> Done {
        let project = project(app, &self.project)?.name;
        if let Some(context) = &self.context {
            start::check_prompt(context)?;
        }
        let before = automation(app, &project)?;
        let cron = self.cron()?.or_else(|| before.is_none().then(|| "*/10 * * * *".to_owned()));
        let none = self.preset.as_deref() == Some("none");
        let wanted = Wanted {
            cron,
            timezone: self.timezone,
            preset: self.preset.filter(|_| !none),
            context: self.context,
            top: if none { Some(0) } else { self.top },
            budget_usd_per_day: self.budget,
            repo: Repo::Stays,
            enabled: before.is_some().then_some(true),
        };
        let path = write(app, &project, &wanted)?;
        failure::note(&format!("Signal looks at `{project}`: {path}"), &app.screens);
        next(app, &project)?;
        app.show(|out| json::write_document(out, &path), |_| Ok(()))
    }

    fn cron(&self) -> Result<Option<String>> {
        let Some(every) = self.every else { return Ok(self.cron.clone()) };
        let cron = signal::cron_of(every.as_millis() as u64);
        let shown = measure::show_duration(every.as_millis() as u64);
        cron.map(Some)
            .map_err(|why| value::usage(format!("`--every {shown}` is no cadence: {why}")))
    }
}

/// Changes the file, and says where it is.
pub fn write(app: &App, project: &str, wanted: &Wanted) -> Result<String> {
    let layers = app.layers()?;
    let name = signal::name(project);
    let (path, _) = signal::write(&app.env, project, wanted, |file, text| {
        layers.check_automation(&name, file, text).map_err(|mut failed| {
            failed.kind = Kind::Usage;
            failed
        })
    })?;
    Ok(path.display().to_string())
}

/// Changes the file of a project that has one.
pub fn change(app: &App, project: &str, wanted: &Wanted) -> Result<String> {
    if signal::file(&app.env, project)?.is_none() {
        return Err(Failure::new(Kind::Usage, format!("Signal is not enabled for `{project}`"))
            .hint(format!("enable it: `loop signal enable {project}`")));
    }
    write(app, project, wanted)
}

/// What to do next, and what is still missing.
fn next(app: &App, project: &str) -> Result<()> {
    let Some((automation, _)) = automation(app, project)? else { return Ok(()) };
    let looks = automation.signal.as_ref().is_some_and(|signal| signal.top > 0);
    if looks && let Err(missing) = super::hands::credential(app, &automation.preset) {
        let words = format!(
            "{}; until it is mended issues are found and ranked, and not looked into",
            missing.sentence
        );
        failure::warn(&words, &app.screens);
        for hint in missing.hints.iter().take(1) {
            failure::note(hint, &app.screens);
        }
    }
    failure::note(
        &format!(
            "the first look now: `loop signal run {project}`; from then on: `loop automation daemon`"
        ),
        &app.screens,
    );
    Ok(())
}
