//! How many traces without a failure prove that it is gone.
//!
//! If a failure still shows in a share `p` of the traces that could show it, `n` such traces in a row
//! show none with a probability of `(1 - p)^n`. It counts as gone once that is below 5 %:
//!
//! ```text
//! n = ⌈ln 0.05 ∕ ln (1 − p)⌉, and at least 20
//! ```
//!
//! This is the *rule of three* the other way around (Hanley and Lippman-Hand, "If nothing goes wrong,
//! is everything all right?", JAMA 249, 1983: no event in `n` trials bounds its rate at about `3 ∕ n`).
//! `p` is not the share that was counted before the fix but the lower end of its 95 % interval
//! (Wilson's), so that a failure that was seen a few times only has to stay away for longer. Traces
//! that could show it are those in which whatever failed takes part: where a tool is not called, that
//! it does not fail says nothing. At least 20, as with fewer a quiet hour would do.

/// The chance that is taken of calling something gone that is not.
const CHANCE: f64 = 0.05;

/// Fewer comparable traces prove nothing.
pub const LEAST: u64 = 20;

/// Of `chances` traces that could show it, `hits` did.
pub fn needed(hits: u64, chances: u64) -> u64 {
    let p = at_least(hits as f64, chances as f64).clamp(1e-9, 1.0 - 1e-9);
    let n = (CHANCE.ln() / (1.0 - p).ln()).ceil();
    (n as u64).max(LEAST)
}

/// The lower end of Wilson's 95 % interval of a proportion.
pub fn at_least(hits: f64, all: f64) -> f64 {
    const Z: f64 = 1.96;
    let all = all.max(hits).max(1.0);
    let (p, zz) = (hits / all, Z * Z / all);
    let middle = p + zz / 2.0;
    let half = Z * (p * (1.0 - p) / all + zz / (4.0 * all)).sqrt();
    ((middle - half) / (1.0 + zz)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples() {
        // A third of all: a handful would do, so the least counts.
        assert_eq!(needed(100, 300), LEAST);
        // One in ten, well known: about 3 ∕ p, and a little more.
        assert_eq!(needed(100, 1_000), 35);
        // The same share, of which little is known.
        assert_eq!(needed(2, 20), 107);
        assert_eq!(needed(19, 420), 102);
        assert_eq!(needed(2, 1_000), 5_459);
        assert_eq!(needed(7, 7), LEAST);
    }

    proptest! {
        #[test]
        fn by_then_it_would_have_shown(hits in 1_u64..10_000, others in 0_u64..1_000_000) {
            let chances = hits + others;
            let n = needed(hits, chances);
            let p = at_least(hits as f64, chances as f64);
            prop_assert!(p <= hits as f64 / chances as f64);
            prop_assert!((1.0 - p).powf(n as f64) < CHANCE + 1e-9);
            prop_assert!(n == LEAST || (1.0 - p).powf(n as f64 - 1.0) >= CHANCE - 1e-9, "no more than needed");
        }

        #[test]
        fn a_rarer_failure_has_to_stay_away_for_longer(hits in 1_u64..1_000, others in 0_u64..10_000) {
            prop_assert!(needed(hits, hits + others) <= needed(hits, hits + others + 1));
            prop_assert!(needed(hits + 1, hits + others + 1) <= needed(hits, hits + others + 1));
        }

        #[test]
        fn nonsense_is_survived(hits: u64, chances: u64) {
            prop_assert!(needed(hits, chances) >= LEAST);
        }
    }
}
