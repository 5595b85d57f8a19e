//! How much an issue matters. One formula, shown with its numbers wherever a severity is.
//!
//! ```text
//! score = 100 × harm × √reach × trend
//! ```
//!
//! - `harm`, 0 to 1: what it does to whoever asked. Each pattern says it in words.
//! - `reach`, 0 to 1: the share of traces that show it, taken at the lower end of its 95 % confidence
//!   interval (Wilson's), so that two of ten count less than two hundred of a thousand. The square root
//!   keeps a rare failure that ruins everything above a frequent one that annoys.
//! - `trend`: 1.25 where it is new or rising, 0.8 where it fades or was a burst that is over, 0.7 where
//!   it stopped, else 1.
//!
//! From 9 the severity is high, from 4 medium. Issues are ranked by score, then by traces, then by
//! fingerprint, so that ties are stable.

use crate::domain::issue::absence::at_least;
use std::fmt::Write as _;

/// In how many equal parts of the window things are counted.
pub(super) const SLICES: usize = 24;

/// Of these, the last that are compared with those before.
const LATE: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trend {
    New,
    Rising,
    Steady,
    Fading,
    Stopped,
    /// Nearly all within an eighth of the window.
    Burst,
    /// Too few to tell.
    Unclear,
}

impl Trend {
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Rising => "rising",
            Self::Steady => "steady",
            Self::Fading => "fading",
            Self::Stopped => "stopped",
            Self::Burst => "a burst",
            Self::Unclear => "unclear",
        }
    }

    fn weight(self) -> f64 {
        match self {
            Self::New | Self::Rising => 1.25,
            Self::Steady | Self::Unclear => 1.0,
            Self::Fading | Self::Burst => 0.8,
            Self::Stopped => 0.7,
        }
    }

    /// Compares the last third of the window with the time before, both as shares of their traces, by
    /// a test of two proportions (z of 2.6: one time in a hundred by chance).
    pub(super) fn of(hits: &[u64; SLICES], all: &[u64; SLICES]) -> Self {
        let sum = |counts: &[u64]| counts.iter().sum::<u64>() as f64;
        let early = SLICES - LATE;
        let (k1, n1) = (sum(&hits[..early]), sum(&all[..early]));
        let (k2, n2) = (sum(&hits[early..]), sum(&all[early..]));
        if k1 + k2 < 5.0 || n1 < 10.0 || n2 < 10.0 {
            return Self::Unclear;
        }
        if is_burst(hits, all) {
            return Self::Burst;
        }
        let pooled = (k1 + k2) / (n1 + n2);
        let spread = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
        let z = (k2 / n2 - k1 / n1) / spread.max(f64::EPSILON);
        match z {
            _ if k1 == 0.0 && pooled * n1 >= 5.0 => Self::New,
            _ if k2 == 0.0 && pooled * n2 >= 5.0 => Self::Stopped,
            z if z >= 2.6 => Self::Rising,
            z if z <= -2.6 => Self::Fading,
            _ => Self::Steady,
        }
    }
}

/// Whether nine in ten lie within three slices that hold at most a quarter of the traces, and the last
/// two slices hold none.
fn is_burst(hits: &[u64; SLICES], all: &[u64; SLICES]) -> bool {
    let (total, traces) = (hits.iter().sum::<u64>(), all.iter().sum::<u64>());
    let over = hits[SLICES - 2..].iter().sum::<u64>() == 0;
    let mut pairs = hits.windows(3).zip(all.windows(3));
    over && pairs.any(|(own, of)| {
        own.iter().sum::<u64>() * 10 >= total * 9 && of.iter().sum::<u64>() * 4 <= traces
    })
}

/// What it does to whoever asked, 0 to 1, and in words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Harm(pub f64, pub &'static str);

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Severity {
    pub score: f64,
    harm: Harm,
    reach: f64,
    trend: Trend,
}

impl Severity {
    pub(super) fn of(harm: Harm, (hits, all): (u64, u64), trend: Trend) -> Self {
        let reach = at_least(hits as f64, all as f64);
        let score = 100.0 * harm.0 * reach.sqrt() * trend.weight();
        Self { score: (score * 10.0).round() / 10.0, harm, reach, trend }
    }

    pub fn name(&self) -> &'static str {
        if self.score >= 9.0 {
            "high"
        } else if self.score >= 4.0 {
            "medium"
        } else {
            "low"
        }
    }

    /// `10.2 = 100 × 0.6 (…) × √0.029 (…) × 1 (steady)`.
    pub fn arithmetic(&self) -> String {
        let Harm(harm, why) = self.harm;
        let mut text = format!("{:.1} = 100 × {harm} ({why})", self.score);
        let _ = write!(text, " × √{:.4} (at least this share of all traces)", self.reach);
        let _ = write!(text, " × {} ({})", self.trend.weight(), self.trend.name());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(early: (u64, u64), late: (u64, u64), expected: Trend) {
        let spread = |(first, last): (u64, u64)| {
            let mut slices = [0; SLICES];
            (slices[0], slices[SLICES - 1]) = (first, last);
            slices
        };
        let (hits, all) = ((early.0, late.0), (early.1, late.1));
        assert_eq!(Trend::of(&spread(hits), &spread(all)), expected, "{early:?} {late:?}");
    }

    #[test]
    fn trends_need_evidence() {
        trend((0, 200), (20, 100), Trend::New);
        trend((10, 200), (20, 100), Trend::Rising);
        trend((40, 200), (3, 100), Trend::Fading);
        trend((20, 200), (12, 100), Trend::Steady);
        trend((0, 200), (4, 100), Trend::Unclear);
        trend((0, 5), (20, 20), Trend::Unclear);
    }

    #[test]
    fn what_was_all_over_and_is_gone_stopped() {
        let mut hits = [2; SLICES];
        hits[SLICES - LATE..].fill(0);
        assert_eq!(Trend::of(&hits, &[10; SLICES]), Trend::Stopped);
    }

    #[test]
    fn a_burst_is_short_and_over() {
        let all = [10; SLICES];
        let mut hits = [0; SLICES];
        (hits[9], hits[10]) = (9, 6);
        assert_eq!(Trend::of(&hits, &all), Trend::Burst);
        hits[23] = 1;
        assert_ne!(Trend::of(&hits, &all), Trend::Burst);
    }

    #[test]
    fn few_weigh_less_than_many_and_ruin_more_than_annoyance() {
        let score =
            |harm, hits, all| Severity::of(Harm(harm, "x"), (hits, all), Trend::Steady).score;
        assert!(score(0.5, 2, 10) < score(0.5, 200, 1_000));
        assert!(score(1.0, 20, 1_000) > score(0.3, 100, 1_000));
        let severity = Severity::of(Harm(0.6, "a step fails"), (19, 420), Trend::Steady);
        assert_eq!(
            severity.arithmetic(),
            "10.2 = 100 × 0.6 (a step fails) × √0.0291 (at least this share of all traces) × 1 (steady)"
        );
        assert_eq!(severity.name(), "high");
        assert!(score(1.0, 0, 0).abs() < f64::EPSILON);
    }
}
