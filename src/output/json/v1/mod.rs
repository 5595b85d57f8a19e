//! Version 1 of our JSON, frozen: a field may be added, none may be removed, renamed or change its
//! type. The types stand apart from the domain, so that the domain may change.
//!
//! Times are RFC 3339 in UTC with milliseconds, money is USD, durations are milliseconds, sizes are
//! bytes. The first line of a stream and every document carry `v`; a listing is an array of
//! documents. What is not known is `null`, save in events, which leave it out.

mod automations;
mod doctor;
mod lines;
mod providers;
mod secrets;
mod session;
mod settings;
mod signal;

pub use automations::{Automation, Fire};
pub use doctor::{Doctor, Init};
pub use lines::{EventText, Line, write_event, write_event_text};
pub use providers::Provider;
pub use secrets::{Secret, SecretCheck, SkillCheck, SkillInstall};
pub use session::{Artifact, Issue, Session};
pub(in crate::output) use settings::secrets;
pub use settings::{Plan, Preset, Project, Skill};
pub use signal::{Signal, SignalRun};

use crate::domain;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// What `schema` knows.
pub const SCHEMAS: [&str; 18] = [
    "event",
    "session",
    "artifact",
    "issue",
    "automation",
    "fire",
    "preset",
    "skill",
    "project",
    "provider",
    "plan",
    "secret",
    "secret_check",
    "skill_check",
    "signal",
    "signal_run",
    "skill_install",
    "init",
];

/// The JSON Schema of a document, or of the lines of a stream (`event`).
pub fn schema(name: &str) -> Option<String> {
    let generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let generator = generator.into_generator();
    let schema = match name {
        "event" => generator.into_root_schema_for::<Line<'static>>(),
        "session" => generator.into_root_schema_for::<Session<'static>>(),
        "artifact" => generator.into_root_schema_for::<Artifact<'static>>(),
        "issue" => generator.into_root_schema_for::<Issue<'static>>(),
        "provider" => generator.into_root_schema_for::<Provider<'static>>(),
        "automation" => generator.into_root_schema_for::<Automation<'static>>(),
        "fire" => generator.into_root_schema_for::<Fire<'static>>(),
        "preset" => generator.into_root_schema_for::<Preset<'static>>(),
        "skill" => generator.into_root_schema_for::<Skill<'static>>(),
        "project" => generator.into_root_schema_for::<Project<'static>>(),
        "plan" => generator.into_root_schema_for::<Plan<'static>>(),
        "secret" => generator.into_root_schema_for::<Secret<'static>>(),
        "secret_check" => generator.into_root_schema_for::<SecretCheck<'static>>(),
        "skill_check" => generator.into_root_schema_for::<SkillCheck<'static>>(),
        "signal" => generator.into_root_schema_for::<Signal<'static>>(),
        "signal_run" => generator.into_root_schema_for::<SignalRun<'static>>(),
        "skill_install" => generator.into_root_schema_for::<SkillInstall<'static>>(),
        "init" => generator.into_root_schema_for::<Init<'static>>(),
        _ => return None,
    };
    serde_json::to_string_pretty(&schema).ok()
}

/// A point in time: `2026-11-20T11:52:52.123Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At(pub i64);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&rfc3339(self.0))
    }
}

fn rfc3339(ms: i64) -> String {
    // Out of range is only what a broken clock says.
    let stamp = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    format!("{stamp:.3}")
}

impl JsonSchema for At {
    fn schema_name() -> Cow<'static, str> {
        "At".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Tokens. `input_tokens` leaves out what was read from or written to a cache.
#[expect(clippy::struct_field_names, reason = "the fields' names are frozen")]
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
}

impl Usage {
    fn of(usage: &domain::transcript::Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cache_read_tokens: usage.cache_read_tokens,
            cache_write_tokens: usage.cache_write_tokens,
        }
    }
}

/// Where a session is.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Provisioning,
    Running,
    Idle,
    Succeeded,
    Failed,
    Cancelled,
    Lost,
}

impl Phase {
    fn of(phase: domain::session::Phase) -> Self {
        use domain::session::{End, Phase as P};
        match phase {
            P::Provisioning => Self::Provisioning,
            P::Running => Self::Running,
            P::Idle => Self::Idle,
            P::Finished(End::Succeeded) => Self::Succeeded,
            P::Finished(End::Failed) => Self::Failed,
            P::Finished(End::Cancelled) => Self::Cancelled,
            P::Finished(End::Lost) => Self::Lost,
        }
    }
}

/// How a turn came out. `empty` ended well but left no answer.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Succeeded,
    Failed,
    Empty,
    Cancelled,
    Limit,
    Interrupted,
}

impl Outcome {
    fn of(outcome: domain::turn::Outcome) -> Self {
        use domain::turn::Outcome as O;
        match outcome {
            O::Succeeded => Self::Succeeded,
            O::Failed => Self::Failed,
            O::Empty => Self::Empty,
            O::Cancelled => Self::Cancelled,
            O::Limit => Self::Limit,
            O::Interrupted => Self::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests;
