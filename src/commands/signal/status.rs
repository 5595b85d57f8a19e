//! `loop signal status`

use super::{automation, enabled};
use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::domain::automation::Trigger;
use crate::error::Result;
use crate::output::json::{self, v1};
use crate::output::view::SignalView;
use crate::output::{failure, human};
use crate::runner::signal;
use crate::store::Store;
use std::collections::BTreeSet;

/// Runs that are shown.
const RUNS: u32 = 30;

/// Show how Signal stands: when it runs, what it found, what it may spend
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal status
  loop signal status checkout --json | jq .next_at")]
pub struct Status {
    /// Without one: all projects that were looked at, or for which it is enabled
    project: Option<String>,
}

impl Status {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        app.sweep_quietly(&mut store)?;
        let now = clock::now();
        if let Some(name) = &self.project {
            if !store.signal_projects()?.contains(name) {
                app.layers()?.project(name)?;
            }
            let view = view(app, &store, name, now)?;
            return app.show(
                |out| json::write_document(out, &v1::Signal::of(&view)),
                |out| human::signal::write_status(out, &app.screens.out, &view, now),
            );
        }
        let mut names: BTreeSet<String> = enabled(app)?.into_iter().collect();
        names.extend(store.signal_projects()?);
        if names.is_empty() {
            failure::note("Signal looks at no project; `loop signal enable demo`", &app.screens);
        }
        let views = names.iter().map(|name| view(app, &store, name, now));
        let views: Vec<_> = views.collect::<Result<_>>()?;
        app.show(
            |out| json::write_document(out, &v1::Signal::all(&views)),
            |out| {
                for (at, view) in views.iter().enumerate() {
                    if at > 0 {
                        writeln!(out)?;
                    }
                    human::signal::write_status(out, &app.screens.out, view, now)?;
                }
                Ok(())
            },
        )
    }
}

fn view(app: &App, store: &Store, project: &str, now: i64) -> Result<SignalView> {
    let mut view = SignalView {
        project: project.to_owned(),
        spent_usd: signal::spent(store, project, now)?,
        runs: store.signal_runs(project, RUNS)?,
        issues: super::issues::known(app, store, Some(project))?,
        ..SignalView::default()
    };
    let Some((automation, file)) = automation(app, project)? else { return Ok(view) };
    view.file = Some(file);
    view.enabled = automation.enabled;
    view.when = Some(automation.trigger.line());
    if let Trigger::Cron(schedule) = &automation.trigger {
        view.next_at = schedule.next_after(now);
    }
    let preset = app.layers()?.preset(&automation.preset).map(|(preset, _)| preset.harness);
    view.harness = automation.harness.or(preset.ok());
    view.preset = Some(automation.preset);
    view.signal = automation.signal.unwrap_or_default();
    Ok(view)
}
