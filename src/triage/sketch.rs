//! Small summaries of many values. Each is bounded, gives the same result whatever order the values
//! came in, and says how exact it is.

use std::collections::BTreeSet;

/// The same on every machine and in every version, which the standard library's hash does not promise.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(state)
}

/// Spreads the bits of a number.
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How many different things there were: exact to a thousand, then within about six percent (the
/// smallest hashes tell how densely all of them lie).
#[derive(Debug, Clone, Default)]
pub(super) struct Distinct {
    smallest: BTreeSet<u64>,
    over: bool,
}

impl Distinct {
    const KEPT: usize = 1024;

    pub(super) fn add(&mut self, hash: u64) {
        if self.smallest.len() < Self::KEPT {
            self.smallest.insert(hash);
        } else if self.smallest.last().is_some_and(|most| hash < *most)
            && self.smallest.insert(hash)
        {
            self.smallest.pop_last();
            self.over = true;
        } else {
            self.over |= !self.smallest.contains(&hash);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.over |= other.over;
        other.smallest.iter().for_each(|hash| self.add(*hash));
    }

    pub(super) fn count(&self) -> u64 {
        let Some(most) = self.smallest.last().filter(|_| self.over) else {
            return self.smallest.len() as u64;
        };
        ((Self::KEPT as f64 - 1.0) / (*most as f64 / u64::MAX as f64)) as u64
    }
}

/// Some of many, chosen by hash: every one had the same chance.
#[derive(Debug, Clone)]
pub(super) struct Sample<T> {
    kept: Vec<(u64, T)>,
    most: usize,
}

impl<T> Sample<T> {
    pub(super) fn of(most: usize) -> Self {
        Self { kept: Vec::new(), most }
    }

    /// `make` is called only if it is kept.
    pub(super) fn add(&mut self, hash: u64, make: impl FnOnce() -> T) {
        let full = self.kept.len() >= self.most;
        if full && self.kept.last().is_none_or(|(last, _)| hash >= *last) {
            return;
        }
        let at = self.kept.partition_point(|(own, _)| *own < hash);
        if full {
            self.kept.pop();
        }
        self.kept.insert(at, (hash, make()));
    }

    pub(super) fn merge(&mut self, other: &Self)
    where
        T: Clone,
    {
        other.kept.iter().for_each(|(hash, one)| self.add(*hash, || one.clone()));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.iter().map(|(_, one)| one)
    }
}

/// How positive values lie, in steps of five percent; what is below 0.001 counts as that.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    /// Step and count, by step.
    bins: Vec<(i16, u32)>,
    total: u64,
}

impl Histogram {
    const STEP: f64 = 1.05;
    const LEAST: f64 = 0.001;

    pub(super) fn add(&mut self, value: f64) {
        let step = (value.max(Self::LEAST) / Self::LEAST).ln() / Self::STEP.ln();
        self.add_many(step.min(2_000.0) as i16, 1);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (step, count) in &other.bins {
            self.add_many(*step, *count);
        }
    }

    fn add_many(&mut self, step: i16, count: u32) {
        self.total += u64::from(count);
        match self.bins.binary_search_by_key(&step, |(own, _)| *own) {
            Ok(at) => self.bins[at].1 = self.bins[at].1.saturating_add(count),
            Err(at) => self.bins.insert(at, (step, count)),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.total
    }

    /// The value that this part of all values (0 to 1) does not exceed.
    pub(super) fn quantile(&self, part: f64) -> f64 {
        let wanted = (part * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (step, count) in &self.bins {
            seen += u64::from(*count);
            if seen >= wanted {
                return Self::LEAST * Self::STEP.powf(f64::from(*step) + 0.5);
            }
        }
        0.0
    }

    /// How often a value of this lies above one of the other, 0 to 1; the same step counts half.
    pub(super) fn chance_above(&self, other: &Self) -> f64 {
        let (mut below, mut won, mut at) = (0_u64, 0.0, 0);
        for (step, count) in &self.bins {
            while other.bins.get(at).is_some_and(|(theirs, _)| theirs < step) {
                below += u64::from(other.bins[at].1);
                at += 1;
            }
            let same =
                other.bins.get(at).filter(|(theirs, _)| theirs == step).map_or(0, |bin| bin.1);
            won += f64::from(*count) * (below as f64 + f64::from(same) / 2.0);
        }
        won / (self.total as f64 * other.total as f64).max(1.0)
    }

    /// How many values are above this one.
    pub(super) fn above(&self, value: f64) -> u64 {
        let middle = |step: i16| Self::LEAST * Self::STEP.powf(f64::from(step) + 0.5);
        let over = self.bins.iter().filter(|(step, _)| middle(*step) > value);
        over.map(|(_, count)| u64::from(*count)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_is_exact_and_then_close() {
        for many in [0_u64, 1, 900, 100_000] {
            let mut distinct = Distinct::default();
            for n in (0..many).chain(0..many) {
                distinct.add(hash(&n.to_be_bytes()));
            }
            let (counted, off) = (distinct.count() as f64, if many > 1_000 { 0.1 } else { 0.0 });
            assert!((counted - many as f64).abs() <= off * many as f64, "{counted} of {many}");
        }
    }

    #[test]
    fn a_sample_does_not_depend_on_the_order() {
        let sample = |numbers: Vec<u64>| {
            let mut sample = Sample::of(5);
            for n in &numbers {
                sample.add(hash(&n.to_be_bytes()), || *n);
            }
            sample.iter().copied().collect::<Vec<_>>()
        };
        let forwards = sample((0..1_000).collect());
        assert_eq!(forwards, sample((0..1_000).rev().collect()));
        assert_eq!(forwards.len(), 5);
    }

    #[test]
    fn quantiles_are_within_five_percent() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|n| histogram.add(f64::from(n)));
        for (part, expected) in [(0.1, 100.0), (0.5, 500.0), (0.95, 950.0)] {
            let value = histogram.quantile(part);
            assert!((value / expected - 1.0).abs() < 0.05, "{part}: {value}");
        }
        assert!((histogram.above(900.0) as f64 - 100.0).abs() < 50.0);
        assert!(Histogram::default().quantile(0.5).abs() < f64::EPSILON);
    }
}
