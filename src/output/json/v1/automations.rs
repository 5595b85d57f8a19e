//! Automations and what they did, as documents.

use super::At;
use crate::domain::automation::watch::Phase;
use crate::domain::automation::{self, Trigger as T, fire};
use crate::output::view::AutomationView;
use schemars::JsonSchema;
use serde::Serialize;

/// What starts sessions by itself, and how it stands.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "automation")]
pub struct Automation<'a> {
    /// The version of this format.
    v: u8,
    name: &'a str,
    description: &'a str,
    /// The file it comes from.
    origin: &'a str,
    /// Where else one of this name was found.
    hides: &'a [String],
    preset: &'a str,
    project: Option<&'a str>,
    prompt: Option<&'a str>,
    harness: Option<&'a str>,
    repo: Option<&'a str>,
    enabled: bool,
    /// `skip`, `queue` or `replace`.
    overlap: &'static str,
    /// `latest`, `none` or `all`.
    catch_up: &'static str,
    jitter_ms: u64,
    max_per_hour: Option<u32>,
    max_per_day: Option<u32>,
    trigger: Trigger<'a>,
    /// When it is due next, or is looked at next.
    next_at: Option<At>,
    /// Of what it watches; `null` where it watches nothing.
    watched: Option<Watched<'a>>,
    /// The newest fire.
    last: Option<Fire<'a>>,
}

/// What sets it off.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Trigger<'a> {
    Cron {
        cron: &'a str,
        timezone: &'a str,
    },
    Metric {
        metric: &'a str,
        window_ms: u64,
        /// `above` or `below`.
        side: &'static str,
        threshold: f64,
        clear: f64,
        for_ms: u64,
        cooldown_ms: u64,
        every_ms: u64,
        /// `hold`, `fire` or `clear`.
        no_data: &'static str,
        min_sample: u64,
    },
    Monitor {
        source: &'a str,
        name: &'a str,
        every_ms: u64,
        cooldown_ms: u64,
    },
    Webhook {
        /// The name of the secret that signs.
        secret: &'a str,
        cooldown_ms: u64,
    },
}

/// What was seen at the last look.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Watched<'a> {
    /// `calm`, `over` (not for long enough yet) or `fired`.
    phase: &'static str,
    since: Option<At>,
    /// `null` is no data.
    value: Option<f64>,
    looked_at: Option<At>,
    /// When there was last data.
    seen_at: Option<At>,
    fired_at: Option<At>,
    error: Option<&'a str>,
}

/// One decision of an automation to start, whatever came of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "fire")]
pub struct Fire<'a> {
    /// The version of this format.
    v: u8,
    /// Also the id of its session, where it has one.
    id: &'a str,
    automation: &'a str,
    /// `cron`, `metric`, `monitor`, `webhook` or `manual`.
    cause: &'static str,
    /// When it was to come.
    nominal_at: At,
    /// When that was noticed.
    decided_at: At,
    /// `waiting`, `running`, `done`, `skipped`, `merged`, `refused` or `failed`.
    state: &'static str,
    reason: Option<&'a str>,
    started_at: Option<At>,
    ended_at: Option<At>,
    /// How its session came out.
    outcome: Option<&'a str>,
    /// A digest of the file it was decided by.
    spec: &'a str,
    /// The automations whose runs led to it.
    chain: &'a [String],
    /// Why it fired.
    note: Option<&'a str>,
    /// The window of traces that it is about.
    since: Option<At>,
    until: Option<At>,
    /// Traces that were to be looked at first.
    traces: &'a [String],
}

impl<'a> Automation<'a> {
    pub fn of(view: &'a AutomationView) -> Self {
        let automation = &view.listed.value;
        Self {
            v: 1,
            name: &automation.name,
            description: &automation.description,
            origin: &view.listed.origin,
            hides: &view.listed.hides,
            preset: &automation.preset,
            project: automation.project.as_deref(),
            prompt: automation.prompt.as_deref(),
            harness: automation.harness.as_deref(),
            repo: automation.repo.as_deref(),
            enabled: automation.enabled,
            overlap: automation.overlap.name(),
            catch_up: automation.catch_up.name(),
            jitter_ms: automation.jitter_ms,
            max_per_hour: automation.limits.per_hour,
            max_per_day: automation.limits.per_day,
            trigger: Trigger::of(&automation.trigger),
            next_at: view.next_at.map(At),
            watched: automation.trigger.every_ms().map(|_| Watched::of(&view.watched)),
            last: view.last.as_ref().map(Fire::of),
        }
    }

    pub fn all(views: &'a [AutomationView]) -> Vec<Self> {
        views.iter().map(Self::of).collect()
    }
}

impl<'a> Trigger<'a> {
    fn of(trigger: &'a automation::Trigger) -> Self {
        match trigger {
            T::Cron(schedule) => Self::Cron { cron: &schedule.text, timezone: &schedule.zone },
            T::Metric(metric) => Self::Metric {
                metric: &metric.metric,
                window_ms: metric.window_ms,
                side: metric.side.name(),
                threshold: metric.threshold,
                clear: metric.clear,
                for_ms: metric.for_ms,
                cooldown_ms: metric.cooldown_ms,
                every_ms: metric.every_ms,
                no_data: metric.no_data.name(),
                min_sample: metric.min_sample,
            },
            T::Monitor(monitor) => Self::Monitor {
                source: &monitor.source,
                name: &monitor.name,
                every_ms: monitor.every_ms,
                cooldown_ms: monitor.cooldown_ms,
            },
            T::Webhook(webhook) => {
                Self::Webhook { secret: &webhook.secret, cooldown_ms: webhook.cooldown_ms }
            }
        }
    }
}

impl<'a> Watched<'a> {
    fn of(watched: &'a automation::watch::Watched) -> Self {
        let (phase, since) = match watched.phase {
            Phase::Calm => ("calm", None),
            Phase::Over { since } => ("over", Some(since)),
            Phase::Fired { since } => ("fired", Some(since)),
        };
        Self {
            phase,
            since: since.map(At),
            value: watched.value,
            looked_at: watched.looked_at.map(At),
            seen_at: watched.seen_at.map(At),
            fired_at: watched.fired_at.map(At),
            error: watched.error.as_deref(),
        }
    }
}

impl<'a> Fire<'a> {
    pub fn of(fire: &'a fire::Fire) -> Self {
        Self {
            v: 1,
            id: &fire.id,
            automation: &fire.automation,
            cause: fire.cause.name(),
            nominal_at: At(fire.nominal_at),
            decided_at: At(fire.decided_at),
            state: fire.state.name(),
            reason: fire.reason.as_deref(),
            started_at: fire.started_at.map(At),
            ended_at: fire.ended_at.map(At),
            outcome: fire.outcome.as_deref(),
            spec: &fire.spec,
            chain: &fire.chain,
            note: Some(fire.about.note.as_str()).filter(|note| !note.is_empty()),
            since: fire.about.since.map(At),
            until: fire.about.until.map(At),
            traces: &fire.about.traces,
        }
    }

    pub fn all(fires: &'a [fire::Fire]) -> Vec<Self> {
        fires.iter().map(Self::of).collect()
    }
}
