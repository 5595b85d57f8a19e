//! `loop signal issue investigate`

use super::show::document;
use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::commands::signal::hands::{self, Worker};
use crate::commands::signal::{automation, project};
use crate::domain::signal::{self, Signal};
use crate::output::{Reporter as _, Step, ask, brief, failure};
use crate::runner::signal::{Bounds, busy, investigate};

/// Have a session look into it now
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal issue investigate 94e6
  loop signal issue investigate 94e6 --preset investigate --harness codex")]
pub struct Investigate {
    /// Its id, or a unique prefix of it
    issue: String,
    /// The set-up of the worker
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// The agent program, where it is another than the preset's
    #[arg(long, value_name = "NAME")]
    harness: Option<String>,
    /// Where it runs
    #[arg(long, value_name = "PROVIDER")]
    sandbox: Option<String>,
}

impl Investigate {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        app.sweep_quietly(&mut store)?;
        let issue = store.find_issue(&self.issue)?;
        let project = project(app, &issue.project)?;
        let found = automation(app, &project.name)?.map(|(automation, _)| automation);
        let (of_file, preset) = match found {
            Some(automation) => (automation.signal, automation.preset),
            None => (None, "signal".to_owned()),
        };
        let worker = Worker {
            preset: self.preset.unwrap_or(preset),
            harness: self.harness,
            model: None,
            sandbox: self.sandbox,
            ..Worker::default()
        };
        let settings: Signal = of_file.unwrap_or_default();
        let Some(_lock) = store.lock_signal(&project.name)? else {
            return Err(busy(&project.name));
        };
        let words = "stopped; the worker goes on, and the next run takes in what it left";
        ask::leave_on_signals(words.to_owned(), &app.screens)?;
        let window = signal::window(project.is_recorded(), None, clock::now());
        let bounds = Bounds { signal: &settings, window };
        let notes =
            hands::with(app, &worker, |hands| investigate(&mut store, &issue.id, bounds, hands))?;
        brief::Brief::new(&app.screens).step(Step::NOTHING);
        for note in notes {
            failure::warn(&note, &app.screens);
        }
        let issue = store.issue(&issue.id)?;
        document(app, &store, issue)
    }
}
