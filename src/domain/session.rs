//! A session's phases, and the one place where they change.

use super::turn::Outcome;
use serde::{Deserialize, Serialize};

/// `provisioning -> running <-> idle -> finished`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Recorded; the sandbox may or may not exist.
    Provisioning,
    /// A turn was handed over and is not known to have ended.
    Running,
    /// The last turn is over and collected; follow-ups are welcome.
    Idle,
    Finished(End),
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Succeeded,
    Failed,
    Cancelled,
    /// Its sandbox is gone, or it never came to be.
    Lost,
}

impl Phase {
    pub const NAMES: [&'static str; 7] =
        ["provisioning", "running", "idle", "succeeded", "failed", "cancelled", "lost"];

    pub fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Running => "running",
            Self::Idle => "idle",
            Self::Finished(End::Succeeded) => "succeeded",
            Self::Finished(End::Failed) => "failed",
            Self::Finished(End::Cancelled) => "cancelled",
            Self::Finished(End::Lost) => "lost",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "provisioning" => Self::Provisioning,
            "running" => Self::Running,
            "idle" => Self::Idle,
            "succeeded" => Self::Finished(End::Succeeded),
            "failed" => Self::Finished(End::Failed),
            "cancelled" => Self::Finished(End::Cancelled),
            "lost" => Self::Finished(End::Lost),
            _ => return None,
        })
    }

    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished(_))
    }
}

/// What can happen to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A turn's exit record and artifacts are stored.
    TurnCollected(Outcome),
    /// A turn was handed to the supervisor.
    TurnHandedOver,
    /// Nobody will send anything more: the command ends, the idle time is over, or `stop`.
    Close,
    /// `stop` while something was still running.
    Cancel,
    /// The sandbox could not be made.
    ProvisionFailed,
    /// The sandbox is not there any more, and its journal does not say that the turn ended.
    SandboxGone,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Remove the sandbox, unless the session's `keep` says otherwise.
    Remove,
    /// Take whatever journal and artifacts there are, then remove.
    CollectAndRemove,
}

/// The only place where phases change. Inputs that come too late change nothing.
///
/// `last` is the outcome of the newest collected turn.
pub fn step(phase: Phase, last: Option<Outcome>, input: Input) -> (Phase, Option<Effect>) {
    use {Effect as E, Input as I, Phase as P};
    match (phase, input) {
        (P::Finished(_), _) => (phase, None),
        (P::Provisioning | P::Running | P::Idle, I::TurnHandedOver) => (P::Running, None),
        (P::Provisioning | P::Running, I::TurnCollected(_)) => (P::Idle, None),
        (P::Idle, I::TurnCollected(_)) => (phase, None),
        (P::Idle, I::Close | I::SandboxGone) => (P::Finished(End::of(last)), Some(E::Remove)),
        (P::Provisioning, I::Close) | (_, I::Cancel) => {
            (P::Finished(End::Cancelled), Some(E::CollectAndRemove))
        }
        // Whoever closes does not stop a running turn.
        (P::Running, I::Close) => (phase, None),
        (_, I::ProvisionFailed) => (P::Finished(End::Failed), Some(E::Remove)),
        (P::Provisioning | P::Running, I::SandboxGone) => (P::Finished(End::Lost), Some(E::Remove)),
    }
}

impl End {
    /// What the session's last turn makes of it.
    pub fn of(last: Option<Outcome>) -> Self {
        match last {
            Some(Outcome::Succeeded) => Self::Succeeded,
            Some(Outcome::Cancelled) => Self::Cancelled,
            Some(Outcome::Failed | Outcome::Empty | Outcome::Limit | Outcome::Interrupted) => {
                Self::Failed
            }
            None => Self::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inputs() -> impl Strategy<Value = Input> {
        prop_oneof![
            Just(Input::TurnHandedOver),
            Just(Input::TurnCollected(Outcome::Succeeded)),
            Just(Input::TurnCollected(Outcome::Failed)),
            Just(Input::Close),
            Just(Input::Cancel),
            Just(Input::ProvisionFailed),
            Just(Input::SandboxGone),
        ]
    }

    proptest! {
        #[test]
        fn a_session_finishes_at_most_once(steps in prop::collection::vec(inputs(), 0..20)) {
            let (mut phase, mut ends) = (Phase::Provisioning, 0);
            for input in steps {
                let (next, effect) = step(phase, Some(Outcome::Succeeded), input);
                if next.is_over() && !phase.is_over() {
                    ends += 1;
                    prop_assert!(effect.is_some(), "an end says what becomes of the sandbox");
                } else {
                    prop_assert!(effect.is_none());
                }
                phase = next;
            }
            prop_assert!(ends <= 1);
        }
    }

    #[test]
    fn closing_does_not_stop_a_running_turn() {
        assert_eq!(step(Phase::Running, None, Input::Close), (Phase::Running, None));
    }

    #[test]
    fn names_go_there_and_back() {
        for name in Phase::NAMES {
            assert_eq!(Phase::of_name(name).unwrap().name(), name);
        }
    }
}
