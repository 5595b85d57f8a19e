//! How a turn is ended: asked with INT, told with TERM, then killed.

use super::processes::{Target, ask, kill_all};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Between INT and TERM, and between TERM and KILL.
pub const GRACES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(3)];
/// The same where an engine waits for us to end, and it does not wait long.
pub const SHORT: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(1)];

/// How often what was killed is killed again: something may have been forked meanwhile.
const AGAIN: Duration = Duration::from_millis(100);
/// What survives this long cannot be killed; the turn is over nevertheless.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
enum Step {
    Asked,
    Told,
    Killed(Instant),
    GivenUp,
}

#[derive(Debug, Clone, Copy)]
pub struct Ladder {
    graces: [Duration; 2],
    step: Step,
    due: Instant,
}

impl Ladder {
    /// Asks.
    pub fn start(target: Target, graces: [Duration; 2], now: Instant) -> Self {
        ask(target, Signal::SIGINT);
        Self { graces, step: Step::Asked, due: now + graces[0] }
    }

    /// There is less time than was thought.
    pub fn hurry(&mut self, graces: [Duration; 2], now: Instant) {
        self.graces = graces;
        self.due = self.due.min(now + graces[0]);
    }

    pub fn due(&self) -> Instant {
        self.due
    }

    /// Takes the next step where it is time. `false` where nothing is left to try.
    pub fn climb(&mut self, target: Target, now: Instant) -> bool {
        if now < self.due {
            return true;
        }
        self.step = match self.step {
            Step::Asked => {
                ask(target, Signal::SIGTERM);
                self.due = now + self.graces[1];
                return self.next(Step::Told);
            }
            Step::Told => Step::Killed(now),
            Step::Killed(since) if now >= since + PATIENCE => Step::GivenUp,
            step => step,
        };
        kill_all();
        self.due = now + AGAIN;
        !matches!(self.step, Step::GivenUp)
    }

    fn next(&mut self, step: Step) -> bool {
        self.step = step;
        true
    }
}
