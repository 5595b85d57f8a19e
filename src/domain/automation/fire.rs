//! One decision of an automation to start, whatever came of it.

use serde::{Deserialize, Serialize};

/// As it is stored. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Fire {
    /// Also the id of the session that it starts: nobody can start it twice.
    pub id: String,
    pub automation: String,
    /// What it answers to, unique within the automation.
    pub key: String,
    pub cause: Cause,
    /// When it was to come.
    pub nominal_at: i64,
    /// When that was noticed.
    pub decided_at: i64,
    pub state: State,
    /// One sentence, where it did not simply run.
    pub reason: Option<String>,
    /// The digest of the file it was decided by.
    pub spec: String,
    /// The automations whose runs led to it, the first cause first; without its own.
    pub chain: Vec<String>,
    pub about: About,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    /// How its session came out.
    pub outcome: Option<String>,
}

/// What set it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Cron,
    Metric,
    Monitor,
    Webhook,
    Manual,
}

/// Where a fire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be started.
    Waiting,
    /// Started, and not known to be over.
    Running,
    Done,
    /// It was not its turn: another one ran, or its time was long over.
    Skipped,
    /// It is contained in another one.
    Merged,
    /// It was not allowed.
    Refused,
    /// It could not be started.
    Failed,
}

/// What a session is told of its fire.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The window of traces that it is about, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// One or more lines of why it fired.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Ids of traces to look at first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<String>,
}

impl About {
    /// Why it fired, on one line.
    pub fn headline(&self) -> &str {
        self.note.lines().next().unwrap_or_default().trim_end_matches(':')
    }
}

/// A fire that is to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFire {
    pub key: String,
    pub cause: Cause,
    pub nominal_at: i64,
    pub state: State,
    pub reason: Option<String>,
    pub chain: Vec<String>,
    pub about: About,
}

impl NewFire {
    pub fn waiting(cause: Cause, key: impl Into<String>, nominal_at: i64) -> Self {
        Self {
            key: key.into(),
            cause,
            nominal_at,
            state: State::Waiting,
            reason: None,
            chain: Vec::new(),
            about: About::default(),
        }
    }

    #[must_use]
    pub fn ended(mut self, state: State, reason: impl Into<String>) -> Self {
        self.state = state;
        self.reason = Some(reason.into());
        self
    }
}

impl Cause {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Cron, "cron"),
        (Self::Metric, "metric"),
        (Self::Monitor, "monitor"),
        (Self::Webhook, "webhook"),
        (Self::Manual, "manual"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or("", |(_, name)| name)
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(one, _)| *one)
    }
}

impl State {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Waiting, "waiting"),
        (Self::Running, "running"),
        (Self::Done, "done"),
        (Self::Skipped, "skipped"),
        (Self::Merged, "merged"),
        (Self::Refused, "refused"),
        (Self::Failed, "failed"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or("", |(_, name)| name)
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(one, _)| *one)
    }

    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}
