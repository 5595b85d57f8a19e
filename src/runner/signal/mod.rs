//! Signal: a project's recurring failures found, remembered, looked into and watched until they are
//! gone.
//!
//! A run catches up with what happened since the one before ([`catch_up`]), reads the traces of its
//! window ([`look`]), and has the worst of the new and worse issues looked into, one session each
//! ([`investigate`]). What it counted is stored all at once, before any session starts: a run that is
//! killed has counted everything or nothing, and the next one goes on. Two runs on one project do not
//! go on at once.
//!
//! How a session is started, and what a forge says of a pull request, is for the caller to know
//! ([`Hands`]).

mod catch_up;
mod investigate;
mod known;
mod look;
mod to_eval;

use catch_up::catch_up;
pub use catch_up::{Standing, merge_of};
pub use investigate::{Bounds, investigate, spent};
pub use to_eval::{Check, to_eval};

use super::Outside;
use crate::domain::issue::{Issue, pick};
use crate::domain::plan::Window;
use crate::domain::preset::Project;
use crate::domain::signal::Run as SignalRun;
use crate::domain::signal::Signal;
use crate::domain::words::Count;
use crate::error::{Failure, Kind, Result};
use crate::output::{Reporter, Step};
use crate::store::Store;

/// The label of every session of Signal; its value is the issue's id.
pub const LABEL: &str = "issue";

/// What a run does through others.
pub struct Hands<'a> {
    pub outside: &'a Outside<'a>,
    pub reporter: &'a mut dyn Reporter,
    /// Starts a session, tells its id once it is recorded, and drives it to its end.
    pub start: &'a mut StartSession<'a>,
    /// Ends a session that has nothing more to do.
    pub close: &'a dyn Fn(&str) -> Result<()>,
    /// Pushes what a session committed and opens a pull request: its address.
    pub publish: &'a dyn Fn(&str) -> Result<Option<String>>,
    /// What became of an issue's pull request. None where nobody can say.
    pub standing: &'a dyn Fn(&Issue) -> Result<Option<Standing>>,
}

pub type StartSession<'a> =
    dyn FnMut(&Order, &mut dyn FnMut(&str) -> Result<()>) -> Result<()> + 'a;

/// A session that is to look into an issue.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub issue: String,
    pub project: String,
    pub title: String,
    /// The issue in a few sentences, for the worker.
    pub about: String,
    pub window: Window,
    pub context: Option<String>,
    pub repo: Option<String>,
    /// What is left of the day's money.
    pub budget_usd: f64,
}

/// A run of Signal on a project, to its end.
pub fn run(
    store: &mut Store,
    project: &Project,
    signal: &Signal,
    hands: &mut Hands,
) -> Result<SignalRun> {
    let Some(_lock) = store.lock_signal(&project.name)? else { return Err(busy(&project.name)) };
    let mut run = SignalRun {
        project: project.name.clone(),
        run: store.last_signal_run(&project.name)? + 1,
        started_at: (hands.outside.now)(),
        ..SignalRun::default()
    };
    catch_up(store, &project.name, hands, &mut run)?;
    look::look(store, project, hands, &mut run)?;
    chosen(store, project, signal, hands, &mut run)?;
    run.ended_at = Some((hands.outside.now)());
    store.update_run(&run)?;
    hands.reporter.step(Step::NOTHING);
    Ok(run)
}

/// Has the worst of what is new or worse looked into.
fn chosen(
    store: &mut Store,
    project: &Project,
    signal: &Signal,
    hands: &mut Hands,
    run: &mut SignalRun,
) -> Result<()> {
    let number = run.run;
    let mut wanted: Vec<(Issue, f64)> = store
        .issues(Some(&project.name))?
        .into_iter()
        .filter(|issue| pick::reason(issue).is_some())
        .map(|issue| (pick::weight(&issue, number), issue))
        .map(|(weight, issue)| (issue, weight))
        .collect();
    wanted.sort_by(pick::order);
    let beyond = wanted.len().saturating_sub(signal.top as usize);
    let bounds = Bounds { signal, window: Window { since: run.since, until: run_until(run) } };
    for (issue, _) in wanted.into_iter().take(signal.top as usize) {
        match investigate(store, &issue.id, bounds, hands) {
            Ok(notes) => {
                run.sessions += 1;
                run.notes.extend(notes);
            }
            Err(failed) => {
                // What stands in the way of one stands in the way of all.
                run.notes.push(format!("nothing more was looked into: {failed}"));
                hands.reporter.warn(&run.notes[run.notes.len() - 1].clone());
                return Ok(());
            }
        }
        store.update_run(run)?;
    }
    if beyond > 0 && signal.top > 0 {
        let more = Count::of(beyond, "more issue");
        run.notes.push(format!("{more} to be looked into: a run takes {}", signal.top));
    }
    Ok(())
}

/// Recorded traces have no window, but a run of them ends all the same.
fn run_until(run: &SignalRun) -> Option<i64> {
    run.since.map(|_| run.until)
}

pub fn busy(project: &str) -> Failure {
    Failure::new(Kind::Usage, format!("a run of Signal on `{project}` is going on already"))
        .hint(format!("see how far it is: `loop signal status {project}`"))
}
