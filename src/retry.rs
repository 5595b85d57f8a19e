//! Trying again, with back-off: the only sleep outside loops that wait for something of ours.
//!
//! How long to wait is a function of values ([`Patience::pause`]); only [`Patience::wait`] waits.

use crate::error::{Kind, Result};
use std::time::Duration;

/// How often something is tried, and how long to wait in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Tries in all; at least 1.
    pub tries: u32,
    /// The pause after the first try; it doubles with each further one.
    pub first: Duration,
    /// The longest pause, also of those that a server asks for.
    pub most: Duration,
}

impl Patience {
    /// For servers: five tries within some ten seconds, and up to half a minute where one asks for it.
    pub const USUAL: Self =
        Self { tries: 5, first: Duration::from_millis(400), most: Duration::from_secs(30) };

    /// For what a connection was lost under, and that may be done again: five tries within some ten
    /// seconds.
    pub const CUT_OFF: Self =
        Self { tries: 5, first: Duration::from_millis(500), most: Duration::from_secs(5) };

    /// One try, for what must not be repeated.
    pub const NONE: Self = Self { tries: 1, ..Self::USUAL };

    /// The pause after so many tries (from 1), or `None` where it is time to give up. What the server
    /// asked for counts, unless it is more than anybody would wait. `chance` is between 0 and 1 and
    /// spreads those that failed together.
    pub fn pause(&self, tried: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        if tried >= self.tries || asked.is_some_and(|asked| asked > self.most) {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << tried.saturating_sub(1).min(16));
        let spread = doubled.min(self.most).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        Some(asked.map_or(spread, |asked| asked.max(spread)))
    }

    /// Waits, where another try is due.
    pub fn wait(&self, tried: u32, asked: Option<Duration>) -> bool {
        let pause = self.pause(tried, asked, chance());
        if let Some(pause) = pause {
            std::thread::sleep(pause);
        }
        pause.is_some()
    }

    /// Does something again where a connection was lost, which says nothing of how it went.
    pub fn through<T>(&self, mut what: impl FnMut() -> Result<T>) -> Result<T> {
        let mut tried = 0;
        loop {
            tried += 1;
            match what() {
                Err(failed) if failed.kind == Kind::Network && self.wait(tried, None) => {}
                done => return done,
            }
        }
    }
}

/// Random ids are made of random bits, and there are ids here already.
fn chance() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;

    #[test]
    fn only_what_was_cut_off_is_done_again() {
        let quick = Patience { first: Duration::from_millis(1), ..Patience::CUT_OFF };
        let times = |kind, good_after: u32| {
            let mut times = 0;
            let done = quick.through(|| {
                times += 1;
                if times > good_after { Ok(()) } else { Err(Failure::new(kind, "no")) }
            });
            (times, done.is_ok())
        };
        assert_eq!(times(Kind::Network, 2), (3, true));
        assert_eq!(times(Kind::Network, 9), (5, false));
        assert_eq!(times(Kind::Sandbox, 2), (1, false));
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let patience =
            Patience { tries: 5, first: Duration::from_secs(1), most: Duration::from_secs(3) };
        let pauses: Vec<_> = (1..=5).map(|tried| patience.pause(tried, None, 1.0)).collect();
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(pauses, [seconds(1), seconds(2), seconds(3), seconds(3), None]);
        assert_eq!(patience.pause(1, None, 0.0), Some(Duration::from_millis(500)));
    }

    #[test]
    fn what_a_server_asks_for_counts_unless_it_is_too_much() {
        let patience = Patience::USUAL;
        let asked = Some(Duration::from_secs(7));
        assert_eq!(patience.pause(1, asked, 0.5), asked);
        assert_eq!(patience.pause(1, Some(Duration::from_hours(1)), 0.5), None);
        assert_eq!(Patience::NONE.pause(1, asked, 0.5), None);
    }
}
