//! `loop signal issues`

use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::domain::issue::{Issue, State, pick};
use crate::domain::words::{did_you_mean, or};
use crate::error::{Failure, Kind, Result};
use crate::output::json::{self, v1};
use crate::output::view::KnownIssue;
use crate::output::{failure, human};
use crate::store::Store;
use std::collections::BTreeMap;

/// List issues, the worst first
///
/// Ranked by the score that triage gives (`loop signal issue show` has its arithmetic), times 0.7 where
/// the newest run saw none of it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal issues
  loop signal issues --project checkout --status regressed
  loop signal issues --status all --json | jq '.[].id'")]
pub struct Issues {
    /// Only those of a project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only those that are open (all that is not over), over, all, or in one state: investigating,
    /// fix-proposed, merged, verified-gone, regressed, resolved, muted
    #[arg(long, value_name = "STATUS", default_value = "open")]
    status: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// Which states are listed.
enum Which {
    Open,
    Over,
    All,
    Only(State),
}

impl Issues {
    pub fn run(self, app: &App) -> Done {
        let which = Which::of(&self.status)?;
        let store = app.store()?;
        if let Some(name) = &self.project {
            is_known(app, &store, name)?;
        }
        let mut issues = known(app, &store, self.project.as_deref())?;
        issues.retain(|known| which.holds(known.issue.life.state));
        let more = issues.len().saturating_sub(self.limit);
        issues.truncate(self.limit);
        for (known, rank) in issues.iter_mut().zip(1..) {
            known.rank = rank;
        }
        if issues.is_empty() {
            let words = format!("no issue ({}); look for some: `loop signal run`", self.status);
            failure::note(&words, &app.screens);
        }
        if more > 0 {
            failure::note(&format!("and {more} more: `--limit`"), &app.screens);
        }
        app.show(
            |out| json::write_document(out, &v1::Issue::all_known(&issues)),
            |out| human::signal::write_issues(out, &app.screens.out, &issues, clock::now()),
        )
    }
}

impl Which {
    fn of(word: &str) -> Result<Self> {
        let names = || ["open", "over", "all"].into_iter().chain(State::NAMES);
        match word {
            "open" => Ok(Self::Open),
            "over" => Ok(Self::Over),
            "all" => Ok(Self::All),
            word => State::of_name(word).map(Self::Only).ok_or_else(|| {
                let failure = Failure::new(Kind::Usage, format!("no status is called `{word}`"));
                match did_you_mean(word, names()) {
                    Some(near) => {
                        failure.hint(format!("did you mean `{}`?", near.replace(' ', "-")))
                    }
                    None => failure.hint(format!("choose {}", or(&names().collect::<Vec<_>>()))),
                }
            }),
        }
    }

    fn holds(&self, state: State) -> bool {
        match self {
            Self::Open => state.is_open(),
            Self::Over => !state.is_open(),
            Self::All => true,
            Self::Only(only) => state == *only,
        }
    }
}

/// Fails where no project of that name is known in any way.
fn is_known(app: &App, store: &Store, name: &str) -> Result<()> {
    if store.signal_projects()?.iter().any(|project| project == name) {
        return Ok(());
    }
    app.layers()?.project(name).map(drop)
}

/// What is remembered, ranked.
pub fn known(app: &App, store: &Store, project: Option<&str>) -> Result<Vec<KnownIssue>> {
    let mut runs: BTreeMap<String, i64> = BTreeMap::new();
    let mut all: Vec<(Issue, f64)> = Vec::new();
    for issue in store.issues(project)? {
        let run = match runs.get(&issue.project) {
            Some(run) => *run,
            None => {
                *runs.entry(issue.project.clone()).or_insert(store.last_signal_run(&issue.project)?)
            }
        };
        let weight = pick::weight(&issue, run);
        all.push((issue, weight));
    }
    all.sort_by(pick::order);
    Ok(all.into_iter().zip(1..).map(|((issue, _), rank)| view(app, issue, rank)).collect())
}

/// One as it is listed.
pub fn view(_: &App, issue: Issue, rank: u32) -> KnownIssue {
    let next = pick::reason(&issue);
    KnownIssue { issue, rank, investigation: None, overview: None, seen: Vec::new(), next }
}
