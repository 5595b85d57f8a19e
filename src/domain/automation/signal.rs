//! What Signal is told about a project.

/// How many issues a run has looked into, and what that may cost in a day, where nobody says.
pub const TOP: u32 = 3;
pub const BUDGET_USD_PER_DAY: f64 = 10.0;

#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// What workers should know of the project.
    pub context: Option<String>,
    /// Issues that a run has looked into, at most. None are, with 0: they are found and ranked.
    pub top: u32,
    pub budget_usd_per_day: f64,
    /// Where fixes are proposed.
    pub repo: Option<String>,
}

impl Default for Signal {
    fn default() -> Self {
        Self { context: None, top: TOP, budget_usd_per_day: BUDGET_USD_PER_DAY, repo: None }
    }
}
