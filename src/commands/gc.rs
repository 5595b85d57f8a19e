//! `loop gc`

use super::app::{App, Done};
use super::clock;
use super::providers::Held;
use crate::domain::words::Count;
use crate::error::Result;
use crate::output::{Silent, failure, json};
use crate::runner::{self, Recovered};
use crate::store::Filter;
use serde::Serialize;

/// A folder without a session is left alone for so long: its session may just be being recorded.
const STRAY_MS: i64 = 60_000;

/// What is kept of traces so that they need not be fetched again goes when it was not used for so long.
const UNUSED_MS: i64 = 30 * 86_400_000;

/// How long it is remembered what automations did.
const FIRES_MS: i64 = 180 * 86_400_000;

/// Collect what ran on alone, remove what is over, report what is foreign
///
/// Only sandboxes that carry this store's label are touched.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop gc --dry-run
  loop gc --json")]
pub struct Gc {
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// What came of it.
#[derive(Serialize, Default)]
struct Report {
    dry_run: bool,
    /// Sessions that were collected or finished.
    advanced: Vec<String>,
    /// Sessions that go on.
    running: Vec<String>,
    /// Sandboxes that were removed.
    removed: Vec<String>,
    /// Files with traces that nobody used for a month, and that can be fetched again.
    unused: Vec<String>,
    /// Sandboxes of other stores.
    foreign: Vec<String>,
    unreachable: Vec<String>,
    /// Sessions whose spans no server has taken yet.
    unsent: Vec<String>,
}

impl Gc {
    pub fn run(self, app: &App) -> Done {
        let mut report = Report { dry_run: self.dry_run, ..Report::default() };
        let mut store = app.store()?;
        if self.dry_run {
            let open = Filter { open: true, ..Filter::default() };
            report.running = store.sessions(&open)?.into_iter().map(|session| session.id).collect();
        } else {
            let swept = app.sweep(&mut store, &mut Silent, true)?;
            for (id, result) in swept {
                match result {
                    Ok(Recovered::Advanced) => report.advanced.push(id),
                    Ok(Recovered::Busy | Recovered::Unchanged) => report.running.push(id),
                    Err(failed) => {
                        failure::warn(&format!("session `{id}`: {failed}"), &app.screens);
                        report.unreachable.push(id);
                    }
                }
            }
        }
        self.sandboxes(app, &store, &mut report)?;
        for path in runner::unused(store.root(), clock::now() - UNUSED_MS) {
            report.unused.push(path.display().to_string());
            if !self.dry_run {
                // Whoever was faster has done the same.
                let _ = std::fs::remove_file(path);
            }
        }
        if !self.dry_run {
            for stray in store.strays(clock::now() - STRAY_MS)? {
                store.remove(&stray)?;
            }
            store.forget_fires(clock::now() - FIRES_MS)?;
        }
        report.unsent = store.unsent(i64::MAX)?;
        let said = sentence(&report);
        failure::note(&said, &app.screens);
        app.show(|out| json::write_document(out, &report), |_| Ok(()))
    }

    fn sandboxes(&self, app: &App, store: &crate::store::Store, report: &mut Report) -> Result<()> {
        for (name, options) in app.places(store)? {
            // An engine that is not there holds nothing.
            let Ok(held) = Held::at(app, &name, &options) else { continue };
            let found = match held.list() {
                Ok(found) => found,
                // What is there is found once it is in reach again.
                Err(failed) => {
                    failure::warn(&format!("sandboxes of `{name}`: {failed}"), &app.screens);
                    report.unreachable.push(name);
                    continue;
                }
            };
            report.foreign.extend(found.iter().filter(|one| !one.ours).map(|one| one.id.clone()));
            for orphan in runner::orphans(store, found)? {
                if !self.dry_run {
                    held.remove(&orphan)?;
                }
                report.removed.push(orphan.id);
            }
        }
        Ok(())
    }
}

fn sentence(report: &Report) -> String {
    let would = if report.dry_run { "would remove" } else { "removed" };
    let mut parts = vec![
        format!("collected {}", Count::of(report.advanced.len(), "session")),
        format!("{would} {}", Count::of(report.removed.len(), "sandbox")),
    ];
    if !report.unused.is_empty() {
        parts.push(format!("{would} {} of unused traces", Count::of(report.unused.len(), "file")));
    }
    if !report.running.is_empty() {
        parts.push(format!("{} still open", report.running.len()));
    }
    if !report.foreign.is_empty() {
        parts.push(format!("left {} of other stores alone", report.foreign.len()));
    }
    if !report.unsent.is_empty() {
        parts.push(format!("spans of {} not sent yet", Count::of(report.unsent.len(), "session")));
    }
    parts.join(", ")
}
