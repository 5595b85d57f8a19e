//! What a session may cost in time, turns, money and output.

use serde::{Deserialize, Serialize};

/// The limits of a preset. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall time of one turn of the harness.
    pub timeout_ms: u64,
    /// How long a turn may neither write nor use the processor. No harness guarantees to end.
    pub quiet_ms: u64,
    /// The harness's own model turns in one run, where it knows such a limit.
    pub max_turns: Option<u32>,
    /// Where the harness knows such a limit.
    pub budget_usd: Option<f64>,
    /// Bytes of a turn's output.
    pub output_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout_ms: 3_600_000,
            quiet_ms: 600_000,
            max_turns: None,
            budget_usd: None,
            output_bytes: 4 << 30,
        }
    }
}

/// When a sandbox outlives its session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    #[default]
    Never,
    OnFailure,
    Always,
}

impl Keep {
    pub const NAMES: [&'static str; 3] = ["never", "on-failure", "always"];

    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "never" => Some(Self::Never),
            "on-failure" => Some(Self::OnFailure),
            "always" => Some(Self::Always),
            _ => None,
        }
    }

    /// Whether the sandbox stays, given how the session ended.
    pub fn keeps(self, succeeded: bool) -> bool {
        match self {
            Self::Never => false,
            Self::OnFailure => !succeeded,
            Self::Always => true,
        }
    }
}
