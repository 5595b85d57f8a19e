//! An automation: a preset, a project and a prompt that start sessions on a trigger.
//!
//! Whether something is due is a function of values: [`due`] for times, [`watch`] for metrics and
//! monitors, [`admit`] for whether what is due may start. A *fire* is one decision of an automation
//! to start, whatever came of it; its key is what it answers to (a nominal time, an edge, a
//! delivery), so the same thing is never answered twice.
//!
//! Times are Unix milliseconds. Nothing in here trusts them to go forward.

pub mod admit;
pub mod due;
pub mod fire;
pub mod signal;
pub mod watch;

use super::schedule::Schedule;
use signal::Signal;
use std::collections::BTreeMap;
use watch::MetricTrigger;

/// How often a fire may cause another before it is refused.
pub const MAX_CHAIN: usize = 3;

#[derive(Debug, Clone, PartialEq)]
pub struct Automation {
    pub name: String,
    pub description: String,
    pub preset: String,
    /// A name or a path.
    pub project: Option<String>,
    pub prompt: Option<String>,
    /// Another agent program than the preset's.
    pub harness: Option<String>,
    pub model: Option<String>,
    pub repo: Option<String>,
    /// How far back the session's traces go, where no trigger says it.
    pub since: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub enabled: bool,
    pub overlap: Overlap,
    pub catch_up: CatchUp,
    /// At most so much later than its time; how much, its name says.
    pub jitter_ms: u64,
    pub limits: RunLimits,
    pub trigger: Trigger,
    pub notify: Option<Notify>,
    /// Set where each fire is a run of Signal.
    pub signal: Option<Signal>,
    /// Changes with what its file means.
    pub spec: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    Cron(Box<Schedule>),
    Metric(MetricTrigger),
    Monitor(MonitorTrigger),
    Webhook(WebhookTrigger),
}

/// Something that the project's source watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorTrigger {
    pub source: String,
    /// Its name or id.
    pub name: String,
    pub every_ms: u64,
    pub cooldown_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTrigger {
    /// The name of the secret that signs.
    pub secret: String,
    pub cooldown_ms: u64,
}

/// What a fire does where an earlier one still runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overlap {
    #[default]
    Skip,
    Queue,
    Replace,
}

/// What becomes of times that passed while nobody looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// The latest of them runs, once.
    #[default]
    Latest,
    None,
    /// Each of them runs, up to [`due::MOST`].
    All,
}

/// How often it may run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunLimits {
    pub per_hour: Option<u32>,
    pub per_day: Option<u32>,
}

impl RunLimits {
    /// For what the world outside sets off, where the file says nothing.
    pub const OUTSIDE: Self = Self { per_hour: Some(6), per_day: Some(24) };
}

/// Who is told of a run's outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notify {
    /// The name of the secret that is the address.
    pub webhook: Option<String>,
    pub format: Format,
    /// The name of the secret that signs what is sent.
    pub sign: Option<String>,
    /// Told on its standard input.
    pub command: Vec<String>,
    pub on: On,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// A text, as chat rooms take it.
    #[default]
    Slack,
    /// All that is known.
    Json,
}

/// Of which outcomes somebody is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum On {
    #[default]
    Always,
    /// Runs that failed, and fires that could not start.
    Failure,
    /// Runs that left something to read.
    Artifacts,
}

impl Overlap {
    pub const NAMES: [&'static str; 3] = ["skip", "queue", "replace"];

    pub fn of_name(name: &str) -> Option<Self> {
        named(name, &Self::NAMES, &[Self::Skip, Self::Queue, Self::Replace])
    }

    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

impl CatchUp {
    pub const NAMES: [&'static str; 3] = ["latest", "none", "all"];

    pub fn of_name(name: &str) -> Option<Self> {
        named(name, &Self::NAMES, &[Self::Latest, Self::None, Self::All])
    }

    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

impl Format {
    pub const NAMES: [&'static str; 2] = ["slack", "json"];

    pub fn of_name(name: &str) -> Option<Self> {
        named(name, &Self::NAMES, &[Self::Slack, Self::Json])
    }
}

impl On {
    pub const NAMES: [&'static str; 3] = ["always", "failure", "artifacts"];

    pub fn of_name(name: &str) -> Option<Self> {
        named(name, &Self::NAMES, &[Self::Always, Self::Failure, Self::Artifacts])
    }
}

fn named<T: Copy>(name: &str, names: &[&str], values: &[T]) -> Option<T> {
    names.iter().position(|known| *known == name).map(|at| values[at])
}

impl Trigger {
    /// In a line: `0 2 * * * Europe/Berlin`, `error_rate of 1h above 0.05`.
    pub fn line(&self) -> String {
        match self {
            Self::Cron(schedule) => format!("{} {}", schedule.text, schedule.zone),
            Self::Metric(metric) => metric.line(),
            Self::Monitor(monitor) => format!("monitor {} of {}", monitor.name, monitor.source),
            Self::Webhook(webhook) => format!("webhook signed with {}", webhook.secret),
        }
    }

    /// How long it stays quiet after a fire.
    pub fn cooldown_ms(&self) -> u64 {
        match self {
            Self::Cron(_) => 0,
            Self::Metric(metric) => metric.cooldown_ms,
            Self::Monitor(monitor) => monitor.cooldown_ms,
            Self::Webhook(webhook) => webhook.cooldown_ms,
        }
    }

    /// How often it has to look at something outside; `None` for what comes by itself.
    pub fn every_ms(&self) -> Option<u64> {
        match self {
            Self::Cron(_) | Self::Webhook(_) => None,
            Self::Metric(metric) => Some(metric.every_ms),
            Self::Monitor(monitor) => Some(monitor.every_ms),
        }
    }
}

#[cfg(test)]
pub mod testing {
    use super::*;

    /// One that comes every hour.
    pub fn automation(name: &str) -> Automation {
        Automation {
            name: name.to_owned(),
            description: String::new(),
            preset: "triage".to_owned(),
            project: Some("demo".to_owned()),
            prompt: None,
            harness: None,
            model: None,
            repo: None,
            since: None,
            labels: BTreeMap::new(),
            enabled: true,
            overlap: Overlap::Skip,
            catch_up: CatchUp::Latest,
            jitter_ms: 0,
            limits: RunLimits::default(),
            trigger: Trigger::Cron(Box::new(Schedule::parse("0 * * * *", "UTC").unwrap())),
            notify: None,
            signal: None,
            spec: "spec".to_owned(),
        }
    }
}
