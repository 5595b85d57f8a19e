//! Metrics and monitors: when what is seen becomes a fire.
//!
//! A metric that goes over its threshold fires once, after it was seen over it for long enough, and
//! not again before it was back and the cool-down is over. No data is a state of its own: it never
//! counts as over or back unless the file says so. [`step`] and [`edge`] are functions of what was
//! seen before, what is seen now, and the time.

use super::MonitorTrigger;
use crate::domain::measure::show_duration;
use serde::{Deserialize, Serialize};

/// Looks that are further apart than so many periods say nothing of the time between them.
const PERIODS: i64 = 4;

#[derive(Debug, Clone, PartialEq)]
pub struct MetricTrigger {
    /// As it is written, for example `error_rate`.
    pub metric: String,
    pub window_ms: u64,
    pub side: Side,
    pub threshold: f64,
    /// It is back when it is on the other side of this: the threshold, or farther away.
    pub clear: f64,
    pub for_ms: u64,
    pub cooldown_ms: u64,
    pub every_ms: u64,
    pub no_data: NoData,
    /// What is counted from less says nothing.
    pub min_sample: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Above,
    Below,
}

/// What no data means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NoData {
    /// Nothing: what was so stays so.
    #[default]
    Hold,
    /// The same as being over the threshold.
    Fire,
    /// The same as being back.
    Clear,
}

impl NoData {
    pub const NAMES: [&'static str; 3] = ["hold", "fire", "clear"];

    pub fn of_name(name: &str) -> Option<Self> {
        super::named(name, &Self::NAMES, &[Self::Hold, Self::Fire, Self::Clear])
    }

    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

impl MetricTrigger {
    /// `error_rate of 1h above 0.05`.
    pub fn line(&self) -> String {
        let window = show_duration(self.window_ms);
        format!("{} over {window} {} {}", self.metric, self.side.name(), self.threshold)
    }

    fn is_over(&self, value: f64) -> bool {
        self.side.is_over(value, self.threshold)
    }

    fn is_back(&self, value: f64) -> bool {
        !self.side.is_over(value, self.clear)
    }
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }

    fn is_over(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::Below => value < threshold,
        }
    }
}

/// What a look at a metric showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// None where there is nothing to count, or the source cannot be reached.
    pub value: Option<f64>,
    pub sample: u64,
}

/// What is known of a metric, or of a monitor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    #[serde(default)]
    pub phase: Phase,
    /// When it was last looked at, and what was seen.
    #[serde(default)]
    pub looked_at: Option<i64>,
    #[serde(default)]
    pub value: Option<f64>,
    /// When there was last something to see.
    #[serde(default)]
    pub seen_at: Option<i64>,
    #[serde(default)]
    pub fired_at: Option<i64>,
    /// Whether it was told that this time falls into the cool-down.
    #[serde(default)]
    pub told_cooling: bool,
    /// Why the last look came to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Phase {
    #[default]
    Calm,
    /// Over the threshold, and not for long enough yet.
    Over { since: i64 },
    /// It fired, and is not back yet.
    Fired { since: i64 },
}

/// What a look comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Edge {
    None,
    /// Since when it was over.
    Fire {
        since: i64,
    },
    /// It would have fired.
    Cooling {
        since: i64,
        until: i64,
    },
}

impl Watched {
    /// When it is to be looked at again.
    pub fn next_look(&self, every_ms: u64, now: i64) -> i64 {
        match self.looked_at {
            // A clock that went back is no reason to stop looking.
            Some(at) if at <= now => at.saturating_add_unsigned(every_ms),
            _ => now,
        }
    }

    /// When the cool-down ends, where one is going on.
    fn cooling_until(&self, cooldown_ms: u64, now: i64) -> Option<i64> {
        let fired_at = self.fired_at?.min(now);
        let until = fired_at.saturating_add_unsigned(cooldown_ms);
        (cooldown_ms > 0 && until > now).then_some(until)
    }
}

/// One look at a metric.
pub fn step(
    trigger: &MetricTrigger,
    before: &Watched,
    reading: Reading,
    now: i64,
) -> (Watched, Edge) {
    let value =
        reading.value.filter(|value| value.is_finite() && reading.sample >= trigger.min_sample);
    let mut after = Watched { looked_at: Some(now), error: None, ..before.clone() };
    after.value = value;
    if value.is_some() {
        after.seen_at = Some(now);
    }
    // It is only known to have been over for a time if it was looked at all that time.
    let most = PERIODS.saturating_mul(i64::try_from(trigger.every_ms).unwrap_or(i64::MAX));
    let gap = before.looked_at.is_none_or(|at| at > now || now.saturating_sub(at) > most);
    let (over, back) = match value {
        Some(value) => (trigger.is_over(value), trigger.is_back(value)),
        None => match trigger.no_data {
            NoData::Hold => return (after, Edge::None),
            NoData::Fire => (true, false),
            NoData::Clear => (false, true),
        },
    };
    match before.phase {
        Phase::Fired { .. } if back => after.phase = Phase::Calm,
        Phase::Fired { .. } => {}
        _ if !over => after.phase = Phase::Calm,
        Phase::Over { since } if !gap && since <= now => after.phase = Phase::Over { since },
        _ => after.phase = Phase::Over { since: now },
    }
    let cooldown = trigger.cooldown_ms;
    let edge = held(&mut after, trigger.for_ms, cooldown, now);
    (after, edge)
}

/// One look at a monitor of a source: it fires on the edge to triggered. A monitor that is triggered
/// when it is first looked at counts as an edge; one that has no data stays what it was.
pub fn edge(
    trigger: &MonitorTrigger,
    before: &Watched,
    triggered: Option<bool>,
    now: i64,
) -> (Watched, Edge) {
    let mut after = Watched { looked_at: Some(now), error: None, ..before.clone() };
    let Some(triggered) = triggered else { return (after, Edge::None) };
    after.seen_at = Some(now);
    after.value = Some(if triggered { 1.0 } else { 0.0 });
    after.phase = match (before.phase, triggered) {
        (_, false) => Phase::Calm,
        (Phase::Calm, true) => Phase::Over { since: now },
        (phase, true) => phase,
    };
    let edge = held(&mut after, 0, trigger.cooldown_ms, now);
    (after, edge)
}

/// What is over for long enough fires, or is told to be cooling, once.
fn held(after: &mut Watched, for_ms: u64, cooldown_ms: u64, now: i64) -> Edge {
    let Phase::Over { since } = after.phase else {
        after.told_cooling = false;
        return Edge::None;
    };
    if now.saturating_sub(since) < i64::try_from(for_ms).unwrap_or(i64::MAX) {
        return Edge::None;
    }
    match after.cooling_until(cooldown_ms, now) {
        Some(_) if after.told_cooling => Edge::None,
        Some(until) => {
            after.told_cooling = true;
            Edge::Cooling { since, until }
        }
        None => {
            after.phase = Phase::Fired { since };
            after.fired_at = Some(now);
            after.told_cooling = false;
            Edge::Fire { since }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const YEAR: i64 = 365 * 24 * 60 * MINUTE;
    const NOW: i64 = 1_772_409_600_000;

    fn trigger() -> MetricTrigger {
        MetricTrigger {
            metric: "error_rate".to_owned(),
            window_ms: 3_600_000,
            side: Side::Above,
            threshold: 0.05,
            clear: 0.03,
            for_ms: 2 * MINUTE as u64,
            cooldown_ms: 30 * MINUTE as u64,
            every_ms: MINUTE as u64,
            no_data: NoData::Hold,
            min_sample: 1,
        }
    }

    /// One look a minute; which minutes fire.
    fn fires(trigger: &MetricTrigger, values: &[Option<f64>]) -> Vec<usize> {
        let mut watched = Watched::default();
        let mut fires = Vec::new();
        for (minute, value) in values.iter().enumerate() {
            let reading = Reading { value: *value, sample: 100 };
            let (after, edge) = step(trigger, &watched, reading, NOW + minute as i64 * MINUTE);
            if matches!(edge, Edge::Fire { .. }) {
                fires.push(minute);
            }
            // It survives a restart.
            let text = serde_json::to_string(&after).unwrap();
            watched = serde_json::from_str(&text).unwrap();
            assert_eq!(watched, after);
        }
        fires
    }

    fn some(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn it_fires_once_when_it_held_and_again_when_it_was_back() {
        let trigger = MetricTrigger { cooldown_ms: 0, ..trigger() };
        assert_eq!(fires(&trigger, &some(&[0.1; 20])), [2]);
        assert_eq!(fires(&trigger, &some(&[0.1, 0.1, 0.01, 0.1, 0.1, 0.01])), [0; 0], "never held");
        // Not back before it is below what clears it.
        let values = [0.1, 0.1, 0.1, 0.04, 0.1, 0.1, 0.1, 0.02, 0.1, 0.1, 0.1];
        assert_eq!(fires(&trigger, &some(&values)), [2, 10]);
        let below = MetricTrigger { side: Side::Below, threshold: 10.0, clear: 12.0, ..trigger };
        assert_eq!(fires(&below, &some(&[11.0, 9.0, 9.0, 9.0, 11.0, 13.0, 9.0, 9.0, 9.0])), [3, 8]);
    }

    #[test]
    fn a_cool_down_puts_off_and_does_not_lose() {
        let mut values = vec![0.1, 0.1, 0.1, 0.0];
        values.extend([0.1; 60]);
        assert_eq!(fires(&trigger(), &some(&values)), [2, 32]);
        let mut watched = Watched::default();
        let mut told = 0;
        for (minute, value) in values.iter().enumerate().take(30) {
            let reading = Reading { value: Some(*value), sample: 9 };
            let (after, edge) = step(&trigger(), &watched, reading, NOW + minute as i64 * MINUTE);
            told += usize::from(matches!(edge, Edge::Cooling { .. }));
            watched = after;
        }
        assert_eq!(told, 1, "it is told once that it is cooling");
    }

    #[test]
    fn no_data_is_what_the_file_says() {
        let none = vec![None; 10];
        assert_eq!(fires(&trigger(), &none), [0; 0]);
        let fire = MetricTrigger { no_data: NoData::Fire, ..trigger() };
        assert_eq!(fires(&fire, &none), [2]);
        let mut values = some(&[0.1, 0.1, 0.1]);
        values.extend([None, None]);
        values.extend(some(&[0.1, 0.1, 0.1]));
        let trigger = MetricTrigger { cooldown_ms: 0, ..trigger() };
        assert_eq!(fires(&trigger, &values), [2], "held");
        let clear = MetricTrigger { no_data: NoData::Clear, ..trigger.clone() };
        assert_eq!(fires(&clear, &values), [2, 7]);
        let nothing = [f64::NAN, f64::INFINITY].map(Some);
        assert_eq!(fires(&MetricTrigger { for_ms: 0, ..trigger.clone() }, &nothing), [0; 0]);
        let few = Reading { value: Some(1.0), sample: 3 };
        let careful = MetricTrigger { min_sample: 4, for_ms: 0, ..trigger };
        assert_eq!(step(&careful, &Watched::default(), few, NOW).1, Edge::None);
    }

    #[test]
    fn what_was_not_looked_at_does_not_count_as_held() {
        let over = Reading { value: Some(0.1), sample: 9 };
        let (watched, _) = step(&trigger(), &Watched::default(), over, NOW);
        for jump in [60 * MINUTE, 10 * YEAR, -60 * MINUTE, -10 * YEAR] {
            let (after, edge) = step(&trigger(), &watched, over, NOW + jump);
            assert_eq!((after.phase, edge), (Phase::Over { since: NOW + jump }, Edge::None));
        }
        // A cool-down that began in a future that did not come does not last for years.
        let fired = Watched { fired_at: Some(NOW + 10 * YEAR), ..Watched::default() };
        assert_eq!(fired.cooling_until(1_000, NOW), Some(NOW + 1_000));
        assert_eq!(Watched { looked_at: Some(NOW + YEAR), ..fired }.next_look(1, NOW), NOW);
    }

    #[test]
    fn a_metric_that_flaps_at_random_stays_within_its_cool_down() {
        let mut seed = 0x5eed_u64;
        let mut value = 0.05;
        let values: Vec<_> = (0..100_000)
            .map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                value += (seed % 20_001) as f64 / 1e6 - 0.01;
                value = f64::clamp(value, 0.0, 0.1);
                Some(value)
            })
            .collect();
        let fires = fires(&trigger(), &values);
        assert!(fires.len() > 10, "{}", fires.len());
        assert!(fires.windows(2).all(|pair| pair[1] - pair[0] >= 30));
    }

    #[test]
    fn a_monitor_fires_on_the_edge() {
        let trigger = MonitorTrigger {
            source: "arize".to_owned(),
            name: "m".to_owned(),
            every_ms: 60_000,
            cooldown_ms: 0,
        };
        let seen = [
            (Some(false), false),
            (Some(true), true),
            (Some(true), false),
            (None, false),
            (Some(true), false),
            (Some(false), false),
            (Some(true), true),
        ];
        let mut watched = Watched::default();
        for (minute, (triggered, fires)) in seen.into_iter().enumerate() {
            let (after, one) = edge(&trigger, &watched, triggered, NOW + minute as i64 * MINUTE);
            assert_eq!(matches!(one, Edge::Fire { .. }), fires, "minute {minute}");
            watched = after;
        }
        assert!(matches!(
            edge(&trigger, &Watched::default(), Some(true), NOW).1,
            Edge::Fire { .. }
        ));
    }
}
