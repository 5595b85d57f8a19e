//! A look at what automations watch: a metric of a project, a monitor of its source.

use super::evidence::Gather;
use crate::domain::automation::fire::About;
use crate::domain::automation::watch::{MetricTrigger, Reading, Side};
use crate::domain::measure::show_duration;
use crate::domain::plan::Window;
use crate::domain::preset::Project;
use crate::domain::price::Prices;
use crate::error::{Failure, Kind, Result};
use crate::traces::breach::breaching;
use crate::traces::metric::{Measured, Metric, measure};
use crate::traces::snapshot::Snapshot;
use crate::traces::{self, monitor::Monitor};
use std::path::Path;

/// How many traces a session is told to look at first.
const TRACES: usize = 20;

/// What is looked at.
pub struct Look<'a> {
    pub gather: Gather<'a>,
    pub project: &'a Project,
    pub trigger: &'a MetricTrigger,
    pub prices: &'a Prices,
    /// Unix milliseconds.
    pub now: i64,
}

/// What was seen, and what a session is told of it.
pub struct Looked {
    pub reading: Reading,
    /// Why there is no value.
    pub note: Option<String>,
    pub about: About,
}

impl Look<'_> {
    /// Measures the metric over its window. `scratch` is a place for a snapshot that cannot be kept.
    pub fn at(&self, scratch: &Path) -> Result<Looked> {
        let metric = Metric::parse(&self.trigger.metric)
            .map_err(|reason| Failure::new(Kind::Config, reason))?;
        let window_ms = i64::try_from(self.trigger.window_ms).unwrap_or(i64::MAX);
        // What was recorded ends when it ends, whatever the time is now.
        let recorded = self.project.is_recorded();
        let live =
            Window { since: Some(self.now.saturating_sub(window_ms)), until: Some(self.now) };
        let asked = if recorded { Window::default() } else { live };
        let path = self.gather.snapshot(self.project, asked, scratch)?;
        let snapshot = Snapshot::open(&path)?;
        let window = if recorded { last(&snapshot, window_ms) } else { live };
        let measured = measure(&snapshot, &metric, window, self.prices)?;
        let above = self.trigger.side == Side::Above;
        let traces = breaching(&snapshot, &metric, window, (above, TRACES))?;
        let reading = Reading { value: measured.value, sample: measured.sample };
        let note = self.told(&measured);
        let about = About { since: window.since, until: window.until, note, traces };
        Ok(Looked { reading, note: measured.note, about })
    }

    fn told(&self, measured: &Measured) -> String {
        let value = measured
            .value
            .map_or_else(|| "unknown".to_owned(), |value| shown(value, measured.unit));
        let over = show_duration(self.trigger.window_ms);
        let (side, threshold) = (self.trigger.side.name(), self.trigger.threshold);
        let threshold = shown(threshold, measured.unit);
        format!("`{}` was {value} over {over}, {side} {threshold}", self.trigger.metric)
    }
}

fn shown(value: f64, unit: &str) -> String {
    match unit {
        "share" => format!("{:.1} %", value * 100.0),
        "USD" => crate::domain::measure::show_usd(value),
        "score" => format!("{value:.3}"),
        unit => format!("{value:.0} {unit}"),
    }
}

/// The end of what was recorded.
fn last(snapshot: &Snapshot, window_ms: i64) -> Window {
    let until = snapshot.summary().last.div_euclid(1_000).saturating_add(1);
    Window { since: Some(until.saturating_sub(window_ms)), until: Some(until) }
}

/// A monitor of a project's source by its name or id.
pub fn monitor(gather: &Gather, project: &Project, name: &str) -> Result<Monitor> {
    let source = traces::source(project, gather.reach())?;
    let monitors = source.monitors()?;
    let found = monitors.iter().find(|one| one.id == name || one.name == name);
    found.cloned().ok_or_else(|| {
        let names: Vec<&str> = monitors.iter().map(|one| one.name.as_str()).collect();
        let failure = Failure::new(
            Kind::Config,
            format!("project `{}` has no monitor `{name}`", project.name),
        );
        match crate::domain::words::did_you_mean(name, names.iter().copied()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => {
                failure.hint(format!("`loop project show {}` tells what it watches", project.name))
            }
        }
    })
}
