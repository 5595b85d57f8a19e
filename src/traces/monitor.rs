//! Something that a source itself watches, and how it stands: a trigger for automations.

use serde::Serialize;

/// Names are the source's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Monitor {
    pub id: String,
    pub name: String,
    /// What it watches: `TRACING`, `PERFORMANCE`, `DRIFT`, `DATA_QUALITY` or `CUSTOM_METRIC`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `TRIGGERED`, `CLEARED` or `NO_DATA`.
    pub status: String,
    /// When its value was last computed, RFC 3339.
    pub evaluated_at: Option<String>,
    pub latest_value: Option<f64>,
    /// What sets it off, in words: `above 8000`.
    pub threshold: Option<String>,
    /// Where people look at it.
    pub uri: Option<String>,
}

impl Monitor {
    pub fn is_triggered(&self) -> bool {
        self.status == "TRIGGERED"
    }

    /// `p95 latency: TRIGGERED, 9120.5 (above 8000) at 2026-08-20T10:00:00Z`.
    pub fn line(&self) -> String {
        let mut line = format!("{}: {}", self.name, self.status);
        if let Some(value) = self.latest_value {
            line.push_str(&format!(", {value}"));
        }
        if let Some(threshold) = &self.threshold {
            line.push_str(&format!(" ({threshold})"));
        }
        if let Some(at) = &self.evaluated_at {
            line.push_str(&format!(" at {at}"));
        }
        line
    }
}
