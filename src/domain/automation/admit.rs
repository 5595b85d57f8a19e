//! Whether what is due may start: the rules of overlap, of how often, and against going in circles.

use super::{Automation, MAX_CHAIN, Overlap, RunLimits};
use crate::domain::measure::show_duration;
use crate::domain::words::Count;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// What else there is of the automation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Around {
    /// Fires that were started and are not over.
    pub running: Vec<String>,
    /// Whether a later one waits, too.
    pub later: bool,
    /// When others were started in the last day.
    pub started: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    Go,
    /// These are to be ended first.
    Replace(Vec<String>),
    /// Not yet.
    Wait,
    Skip(String),
    Merge(String),
    Refuse(String),
}

/// Of a fire that waits. `asked` is whether a person asked for it, which no cool-down hinders.
pub fn admit(automation: &Automation, chain: &[String], around: &Around, now: i64) -> Admission {
    if let Some(reason) = circle(&automation.name, chain) {
        return Admission::Refuse(reason);
    }
    if let Some(running) = around.running.first() {
        match automation.overlap {
            Overlap::Skip => return Admission::Skip(format!("session `{running}` still runs")),
            Overlap::Queue if around.later => {
                return Admission::Merge("a later one waits as well".to_owned());
            }
            Overlap::Queue => return Admission::Wait,
            Overlap::Replace => {}
        }
    }
    if let Some(reason) = too_often(automation.limits, &around.started, now) {
        return Admission::Refuse(reason);
    }
    match around.running.as_slice() {
        [] => Admission::Go,
        running => Admission::Replace(running.to_owned()),
    }
}

/// Why a fire would go in a circle.
pub fn circle(name: &str, chain: &[String]) -> Option<String> {
    let causes = || chain.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" → ");
    if chain.len() >= MAX_CHAIN {
        return Some(format!(
            "it is the end of a chain of {} automations: {}",
            chain.len(),
            causes()
        ));
    }
    chain
        .iter()
        .any(|one| one == name)
        .then(|| format!("it was set off by itself: {} → `{name}`", causes()))
}

/// Why a fire comes too soon after another one.
pub fn cooling(cooldown_ms: u64, started: &[i64], now: i64) -> Option<String> {
    let last = started.iter().copied().map(|at| at.min(now)).max()?;
    let until = last.saturating_add_unsigned(cooldown_ms);
    (until > now).then(|| {
        let left = show_duration(u64::try_from(until - now).unwrap_or(0));
        format!("it cools down for another {left}")
    })
}

fn too_often(limits: RunLimits, started: &[i64], now: i64) -> Option<String> {
    let over = |most: Option<u32>, within: i64, what: &str| {
        let most = most?;
        // What lies far in the future was told by a clock that was wrong.
        let near = |at: &&i64| now.saturating_sub(**at).abs() < within;
        let count = started.iter().filter(near).count();
        (count >= most as usize)
            .then(|| format!("it ran {} in the last {what}, which is the most", times(most)))
    };
    over(limits.per_hour, HOUR, "hour").or_else(|| over(limits.per_day, DAY, "day"))
}

fn times(count: u32) -> String {
    Count::of(count, "time").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::testing::automation;
    use super::*;

    const NOW: i64 = 1_772_409_600_000;

    fn with(overlap: Overlap) -> Automation {
        Automation { overlap, ..automation("a") }
    }

    fn running(later: bool) -> Around {
        Around { running: vec!["s1".to_owned()], later, started: Vec::new() }
    }

    #[test]
    fn overlap() {
        let decide = |overlap, around: &Around| admit(&with(overlap), &[], around, NOW);
        for overlap in [Overlap::Skip, Overlap::Queue, Overlap::Replace] {
            assert_eq!(decide(overlap, &Around::default()), Admission::Go);
        }
        let skip = Admission::Skip("session `s1` still runs".to_owned());
        assert_eq!(decide(Overlap::Skip, &running(false)), skip);
        assert_eq!(decide(Overlap::Queue, &running(false)), Admission::Wait);
        assert!(matches!(decide(Overlap::Queue, &running(true)), Admission::Merge(_)));
        let replace = Admission::Replace(vec!["s1".to_owned()]);
        assert_eq!(decide(Overlap::Replace, &running(false)), replace);
    }

    #[test]
    fn how_often() {
        let limits = RunLimits { per_hour: Some(2), per_day: Some(3) };
        let automation = Automation { limits, ..automation("a") };
        let decide = |started: &[i64]| {
            let around = Around { started: started.to_vec(), ..Around::default() };
            admit(&automation, &[], &around, NOW)
        };
        assert_eq!(decide(&[NOW - 10]), Admission::Go);
        assert!(matches!(decide(&[NOW - 10, NOW - 20]), Admission::Refuse(_)));
        assert_eq!(decide(&[NOW - 10, NOW - HOUR]), Admission::Go);
        let day = [NOW - 2 * HOUR, NOW - 3 * HOUR, NOW - 4 * HOUR];
        assert!(matches!(decide(&day), Admission::Refuse(_)));
        // A clock that was ten years ahead does not forbid for ten years.
        assert_eq!(decide(&[NOW + 3_650 * DAY; 9]), Admission::Go);
        assert!(cooling(1_000, &[NOW - 10], NOW).is_some());
        assert_eq!(cooling(1_000, &[NOW - 1_000], NOW), None);
        assert!(cooling(1_000, &[NOW + 3_650 * DAY], NOW).is_some_and(|why| why.contains("1.0 s")));
    }

    #[test]
    fn circles() {
        let chain = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(circle("a", &[]), None);
        assert_eq!(circle("a", &chain(&["b", "c"])), None);
        let itself = circle("a", &chain(&["a", "b"])).unwrap();
        assert_eq!(itself, "it was set off by itself: `a` → `b` → `a`");
        assert!(circle("d", &chain(&["a", "b", "c"])).unwrap().contains("chain of 3"));
        let refused = admit(&with(Overlap::Skip), &chain(&["a"]), &Around::default(), NOW);
        assert!(matches!(refused, Admission::Refuse(_)));
    }
}
