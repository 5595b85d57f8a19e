//! `loop signal run`

use super::hands::{self, Worker};
use super::{automation, meant, project};
use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::domain::signal::Signal;
use crate::error::Result;
use crate::output::json::{self, v1};
use crate::output::view::RunView;
use crate::output::{ask, failure, human};

/// Look at a project now
///
/// Reads what came since the last look, finds what fails, and holds it against the issues that are
/// known. Where Signal is enabled the worst of what is new or worse is looked into, one session each.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal run demo
  loop signal run checkout --top 1 --preset investigate
  loop signal run checkout --json | jq .changes")]
pub struct Run {
    /// Without one: the usual project, or the only one for which Signal is enabled
    project: Option<String>,
    /// Issues to look into, at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    top: Option<u32>,
    /// The set-up of workers that look into issues
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Where they run
    #[arg(long, value_name = "PROVIDER")]
    sandbox: Option<String>,
    /// What that may cost in a day
    #[arg(long, value_name = "USD", value_parser = crate::commands::session::start::usd)]
    budget: Option<f64>,
}

impl Run {
    pub fn run(self, app: &App) -> Done {
        let name = meant(app, self.project.clone())?;
        let project = project(app, &name)?;
        let (signal, worker, is_enabled) = self.settings(app, &name)?;
        let words = "stopped; a worker that runs goes on, and the next run takes in what it left";
        ask::leave_on_signals(words.to_owned(), &app.screens)?;
        let mut store = app.store()?;
        app.sweep_quietly(&mut store)?;
        let run = hands::run(app, &mut store, &project, &signal, &worker)?;
        let issues = super::issues::known(app, &store, Some(&name))?;
        if !is_enabled && signal.top == 0 {
            let words = "issues are found and ranked; to have them looked into:";
            failure::note(&format!("{words} `loop signal enable {name}`"), &app.screens);
        }
        let view = RunView { run: &run, issues: &issues };
        app.show(
            |out| json::write_document(out, &v1::SignalRun::of(&view)),
            |out| human::signal::write_run(out, &app.screens.out, &view, clock::now()),
        )
    }

    /// What the file says, and the flags over it. Nobody has agreed to spend anything where there is
    /// no file and no flag.
    fn settings(&self, app: &App, project: &str) -> Result<(Signal, Worker, bool)> {
        let found = automation(app, project)?.map(|(automation, _)| automation);
        let is_enabled = found.is_some();
        let mut worker = Worker { preset: "signal".to_owned(), ..Worker::default() };
        let mut signal = Signal { top: u32::from(self.preset.is_some()), ..Signal::default() };
        if let Some(automation) = found {
            signal = automation.signal.unwrap_or_default();
            worker.preset = automation.preset;
            (worker.harness, worker.model) = (automation.harness, automation.model);
        }
        worker.preset = self.preset.clone().unwrap_or(worker.preset);
        worker.sandbox.clone_from(&self.sandbox);
        signal.top = self.top.unwrap_or(signal.top);
        signal.budget_usd_per_day = self.budget.unwrap_or(signal.budget_usd_per_day);
        Ok((signal, worker, is_enabled))
    }
}
