//! A run of Signal, and its window.

pub use super::automation::signal::{BUDGET_USD_PER_DAY, Signal, TOP};
use super::plan::Window;

/// A run looks at the last day at least, since patterns compare with what was before; and it begins an
/// hour before the end of the run before, for traces that come late. What ran long ago is made up for
/// to a week.
const DAY: i64 = 86_400_000;
const OVERLAP: i64 = 3_600_000;
const MOST: i64 = 7 * DAY;

/// A run of Signal. Times are Unix milliseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    pub project: String,
    /// Counted from 1, of its project.
    pub run: i64,
    pub started_at: i64,
    /// None of one that goes on, or was cut off.
    pub ended_at: Option<i64>,
    /// The window of traces.
    pub since: Option<i64>,
    pub until: i64,
    /// Traces in it, and those that no run had seen.
    pub traces: u64,
    pub fresh: u64,
    pub sessions: u32,
    /// Ids of issues that changed, and to which state.
    pub changes: Vec<(String, String)>,
    /// Sentences on what was not done.
    pub notes: Vec<String>,
}

/// The window of a run, given where the one before it ended. All of it where the traces were recorded
/// once: which of them are new, their ids tell.
pub fn window(is_recorded: bool, last: Option<i64>, now: i64) -> Window {
    if is_recorded {
        return Window::default();
    }
    let since = last.map_or(now - DAY, |last| (last - OVERLAP).min(now - DAY));
    Window { since: Some(since.max(now - MOST)), until: Some(now) }
}

/// The start of traces that no later window holds, in Unix microseconds.
pub fn forgotten_before_us(window: Window) -> Option<i64> {
    window.since.map(|since| (since - DAY).saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows() {
        let now = 100 * DAY;
        let since = |last| window(false, last, now).since.unwrap();
        assert_eq!(since(None), now - DAY);
        assert_eq!(since(Some(now - 600_000)), now - DAY);
        assert_eq!(since(Some(now - 2 * DAY)), now - 2 * DAY - OVERLAP);
        assert_eq!(since(Some(now - 30 * DAY)), now - MOST);
        assert_eq!(since(Some(now + DAY)), now - DAY, "a clock that was wrong");
        assert_eq!(window(true, Some(5), now), Window::default());
        assert_eq!(forgotten_before_us(Window::default()), None);
    }
}
