//! The look at a project's traces: what fails in them, held against what is known.

use super::{Hands, known};
use crate::domain::preset::Project;
use crate::domain::signal;
use crate::domain::signal::Run as SignalRun;
use crate::error::Result;
use crate::output::Step;
use crate::runner::Gather;
use crate::store::{Look, Store};
use crate::traces::snapshot::Snapshot;
use crate::triage;
use std::cell::RefCell;
use std::path::PathBuf;

/// Looks, and remembers what it saw.
pub fn look(
    store: &mut Store,
    project: &Project,
    hands: &mut Hands,
    run: &mut SignalRun,
) -> Result<()> {
    let snapshot = Snapshot::open(&snapshot(store, project, hands, run)?)?;
    let seen = store.seen_traces(&project.name)?;
    let what = format!("looking for recurring failures in {}", snapshot.one_line());
    hands.reporter.step(Step::doing(&what));
    let (report, counted) = triage::find_new(&snapshot, &seen)?;
    run.traces = report.traces;
    run.fresh = counted.traces.len() as u64;
    if snapshot.summary().sampled.is_some() {
        run.notes.push("the window was too large: a part of its traces was looked at".to_owned());
    }
    let window = signal::window(project.is_recorded(), None, run.until);
    let look = Look {
        run: &run.clone(),
        traces: &counted.traces,
        forget_before_us: signal::forgotten_before_us(window),
    };
    let changes = store.remember(&look, |all| known::merge(all, (&report, &counted), run))?;
    run.changes.extend(changes.into_iter().map(|(id, state)| (id, state.name().to_owned())));
    store.update_run(run)
}

fn snapshot(
    store: &mut Store,
    project: &Project,
    hands: &mut Hands,
    run: &mut SignalRun,
) -> Result<PathBuf> {
    let last = store.signal_runs(&project.name, 1)?.first().map(|last| last.until);
    run.until = (hands.outside.now)();
    let window = signal::window(project.is_recorded(), last, run.until);
    run.since = window.since;
    let otherwise = store.signal_file(&project.name, "db")?;
    // What cannot be known again is written anew.
    let _ = std::fs::remove_file(&otherwise);
    let what = format!("reading the traces of {}", project.name);
    hands.reporter.step(Step::doing(&what));
    let reporter = RefCell::new(&mut *hands.reporter);
    let gather = Gather {
        outside: hands.outside,
        root: store.root(),
        progress: &|count| reporter.borrow_mut().step(Step::counted(&what, count, "span")),
    };
    gather.snapshot(project, window, &otherwise)
}
