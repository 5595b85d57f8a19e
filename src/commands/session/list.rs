//! `loop session list`

use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::domain::measure;
use crate::domain::session::Phase;
use crate::domain::words::{did_you_mean, or};
use crate::error::{Failure, Kind, Result};
use crate::output::json::{self, v1};
use crate::output::{failure, human};
use crate::runner;
use crate::store::Filter;
use std::time::Duration;

/// List sessions, newest first
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session list
  loop session list --status running
  loop session list --since 2d --json")]
pub struct List {
    /// Only those of a phase: provisioning, running, idle, succeeded, failed, cancelled or lost
    #[arg(long, value_name = "PHASE")]
    status: Option<String>,
    /// Only those of a preset
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Only those of a project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only those started within this time
    #[arg(long, value_name = "DURATION", value_parser = measure::duration)]
    since: Option<Duration>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,
}

impl List {
    pub fn run(self, app: &App) -> Done {
        let now = clock::now();
        let filter = Filter {
            phase: self.status.as_deref().map(phase).transpose()?,
            open: false,
            preset: self.preset,
            project: self.project,
            since: self.since.map(|since| now - since.as_millis() as i64),
            limit: Some(self.limit),
        };
        let mut store = app.store()?;
        app.sweep_quietly(&mut store)?;
        let sessions = store.sessions(&filter)?;
        if app.global.json {
            let views = sessions.iter().map(|session| runner::view(&store, session));
            let views: Vec<_> = views.collect::<Result<_>>()?;
            return app
                .show(|out| json::write_document(out, &v1::Session::all(&views)), |_| Ok(()));
        }
        let views: Vec<_> = sessions.iter().map(runner::outline).collect();
        if views.is_empty() {
            failure::note("no session; start one: `loop session start`", &app.screens);
        }
        app.show(|_| Ok(()), |out| human::sessions::write_list(out, &app.screens.out, &views, now))
    }
}

fn phase(word: &str) -> Result<Phase> {
    Phase::of_name(word).ok_or_else(|| {
        let failure = Failure::new(Kind::Usage, format!("no phase is called `{word}`"));
        match did_you_mean(word, Phase::NAMES) {
            Some(name) => failure.hint(format!("did you mean `{name}`?")),
            None => failure.hint(format!("choose {}", or(&Phase::NAMES))),
        }
    })
}
