//! What is due now: decided, recorded, and not yet performed.

use crate::commands::app::App;
use crate::config::layers::Layers;
use crate::domain::automation::due::{self, Timed};
use crate::domain::automation::fire::{About, Cause, Fire, NewFire, State};
use crate::domain::automation::watch::{self, Edge, MetricTrigger, Reading, Watched};
use crate::domain::automation::{Automation, MonitorTrigger, Trigger};
use crate::domain::measure::show_duration;
use crate::domain::schedule::Schedule;
use crate::error::Result;
use crate::output::failure;
use crate::runner::{self, Gather, Look};
use crate::store::{Standing, Store};

/// Decides for every automation. One that cannot be read, or whose source cannot be reached, is told
/// and hinders no other.
pub fn decide(app: &App, store: &mut Store, now: i64) -> Result<Vec<Fire>> {
    let layers = app.layers()?;
    let standings = store.standings()?;
    let mut fires = Vec::new();
    for listed in layers.automations() {
        let automation = match listed.value {
            Ok(automation) => automation,
            Err(failed) => {
                failure::warn(&format!("`{}` is left out: {failed}", listed.name), &app.screens);
                continue;
            }
        };
        let one = One { app, layers: &layers, automation: &automation, now };
        match one.decide(store, standings.get(&automation.name)) {
            Ok(new) => fires.extend(new),
            Err(failed) => {
                failure::warn(&format!("automation `{}`: {failed}", automation.name), &app.screens);
            }
        }
    }
    store.set_tick(now)?;
    Ok(fires)
}

/// One automation and the time.
struct One<'a> {
    app: &'a App,
    layers: &'a Layers,
    automation: &'a Automation,
    now: i64,
}

/// What a look outside came to.
struct Seen {
    watched: Watched,
    edge: Edge,
    about: About,
}

impl One<'_> {
    fn decide(&self, store: &mut Store, known: Option<&Standing>) -> Result<Vec<Fire>> {
        let trigger = self.trigger();
        let changed = known.is_none_or(|known| known.trigger != trigger);
        if !self.automation.enabled {
            // What comes while it is not enabled does not count.
            return if changed && known.is_some() {
                self.record(store, |_| Vec::new())
            } else {
                Ok(Vec::new())
            };
        }
        match &self.automation.trigger {
            Trigger::Cron(schedule) => {
                let timed = self.timed(schedule);
                let is_due = |known: &Standing| due::to_look(known.look_at, self.now);
                if !changed && !known.is_some_and(is_due) {
                    return Ok(Vec::new());
                }
                self.record(store, |standing| {
                    let decided = due::due(timed, standing.cursor, self.now);
                    standing.cursor = decided.cursor;
                    standing.look_at = due::look_again(timed, decided.cursor, self.now);
                    decided.fires
                })
            }
            Trigger::Metric(metric) => {
                let look = |watched: &Watched| self.metric(store.root(), metric, watched);
                let Some(seen) = self.look(metric.every_ms, known, changed, look) else {
                    return Ok(Vec::new());
                };
                self.watch(store, (Cause::Metric, metric.every_ms), seen)
            }
            Trigger::Monitor(monitor) => {
                let look = |watched: &Watched| self.monitor(store.root(), monitor, watched);
                let Some(seen) = self.look(monitor.every_ms, known, changed, look) else {
                    return Ok(Vec::new());
                };
                self.watch(store, (Cause::Monitor, monitor.every_ms), seen)
            }
            Trigger::Webhook(_) if changed => self.record(store, |_| Vec::new()),
            Trigger::Webhook(_) => Ok(Vec::new()),
        }
    }

    /// What sets it off, as far as a change of it makes a difference.
    fn trigger(&self) -> String {
        if self.automation.enabled { self.automation.trigger.line() } else { String::new() }
    }

    fn timed<'b>(&'b self, schedule: &'b Schedule) -> Timed<'b> {
        let Automation { name, catch_up, jitter_ms, .. } = self.automation;
        Timed { name, schedule, catch_up: *catch_up, jitter_ms: *jitter_ms }
    }

    fn record(
        &self,
        store: &mut Store,
        decide: impl FnOnce(&mut Standing) -> Vec<NewFire>,
    ) -> Result<Vec<Fire>> {
        let Automation { name, spec, .. } = self.automation;
        let trigger = self.trigger();
        store.decide((name, spec), self.now, |standing| {
            standing.begin_with(&trigger, self.now);
            decide(standing)
        })
    }

    /// Looks outside, where it is time to. Nothing is held meanwhile.
    fn look(
        &self,
        every_ms: u64,
        known: Option<&Standing>,
        changed: bool,
        look: impl FnOnce(&Watched) -> Seen,
    ) -> Option<Seen> {
        let fresh = Watched::default();
        let before = known.filter(|_| !changed).map_or(&fresh, |known| &known.watched);
        (before.next_look(every_ms, self.now) <= self.now).then(|| look(before))
    }

    /// Takes in what was seen, unless somebody else has looked meanwhile.
    fn watch(
        &self,
        store: &mut Store,
        (cause, every_ms): (Cause, u64),
        seen: Seen,
    ) -> Result<Vec<Fire>> {
        self.record(store, |standing| {
            if standing.watched.next_look(every_ms, self.now) > self.now {
                return Vec::new();
            }
            standing.watched = seen.watched;
            let fire = |since: i64| NewFire::waiting(cause, since.to_string(), self.now);
            match seen.edge {
                Edge::None => Vec::new(),
                Edge::Fire { since } => vec![NewFire { about: seen.about, ..fire(since) }],
                Edge::Cooling { since, until } => {
                    let left = show_duration(u64::try_from(until - self.now).unwrap_or(0));
                    let mut told = fire(since)
                        .ended(State::Skipped, format!("it cools down for another {left}"));
                    // The same breach may still fire later, under its own key.
                    told.key.push_str(" cooling");
                    vec![NewFire { about: seen.about, ..told }]
                }
            }
        })
    }

    fn metric(&self, root: &std::path::Path, trigger: &MetricTrigger, before: &Watched) -> Seen {
        let looked = self.with_gather(root, |gather| {
            let name = self.automation.project.as_deref().unwrap_or_default();
            let (project, _) = self.layers.project(name)?;
            let prices = self.layers.prices()?;
            let scratch = tempfile::tempdir().map_err(|error| {
                crate::error::Failure::new(crate::error::Kind::Config, "cannot make a folder")
                    .because(error)
            })?;
            let look = Look { gather, project: &project, trigger, prices: &prices, now: self.now };
            look.at(&scratch.path().join("snapshot.db"))
        });
        match looked {
            Ok(looked) => {
                let (mut watched, edge) = watch::step(trigger, before, looked.reading, self.now);
                watched.error = looked.note;
                Seen { watched, edge, about: looked.about }
            }
            Err(failed) => {
                let nothing = Reading { value: None, sample: 0 };
                let (mut watched, edge) = watch::step(trigger, before, nothing, self.now);
                let note = format!("`{}` cannot be measured: {failed}", trigger.metric);
                watched.error = Some(failed.to_string());
                self.warn_once(before, &failed.to_string());
                Seen { watched, edge, about: About { note, ..About::default() } }
            }
        }
    }

    fn monitor(&self, root: &std::path::Path, trigger: &MonitorTrigger, before: &Watched) -> Seen {
        let found = self.with_gather(root, |gather| {
            let name = self.automation.project.as_deref().unwrap_or_default();
            let (project, _) = self.layers.project(name)?;
            runner::monitor(&gather, &project, &trigger.name)
        });
        let (status, note) = match &found {
            Ok(monitor) if monitor.is_triggered() => (Some(true), monitor.line()),
            Ok(monitor) if monitor.status == "CLEARED" => (Some(false), monitor.line()),
            Ok(monitor) => (None, monitor.line()),
            Err(failed) => (None, failed.to_string()),
        };
        let (mut watched, edge) = watch::edge(trigger, before, status, self.now);
        if let Err(failed) = &found {
            watched.error = Some(failed.to_string());
            self.warn_once(before, &failed.to_string());
        }
        Seen { watched, edge, about: About { note, ..About::default() } }
    }

    /// A source that is down for a day is not told every minute.
    fn warn_once(&self, before: &Watched, told: &str) {
        if before.error.as_deref() != Some(told) {
            failure::warn(
                &format!("automation `{}`: {told}", self.automation.name),
                &self.app.screens,
            );
        }
    }

    fn with_gather<T>(&self, root: &std::path::Path, work: impl FnOnce(Gather) -> T) -> T {
        self.app.with_outside(|outside| work(Gather { outside, root, progress: &|_| {} }))
    }
}
