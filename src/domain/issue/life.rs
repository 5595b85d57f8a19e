//! An issue's states, and the one place where they change.
//!
//! ```text
//!            ┌── back ──┐
//! open ── investigating ── fix proposed ── merged ── verified gone ─┐
//!  ▲                            │            │                      ├─ back ─▶ regressed
//!  └─ closed, or still seen ────┴────────────┘            resolved ─┘
//! ```
//!
//! A regressed issue goes on as an open one does. Resolving, re-opening and muting are for people, from
//! any state. A muted issue goes on counting and changes its state for nobody but a person.
//!
//! A merged fix is believed when the failure stays away from as many comparable traces as
//! [`super::absence`] asks for. Traces count from when the fix is taken to be out: [`SETTLE_US`] after
//! the merge, since a release takes a while, and what failed before says nothing about it.

use crate::domain::words::Count;
use serde::{Deserialize, Serialize};

/// How long after a merge the fix is taken to be out, in microseconds: half an hour.
pub const SETTLE_US: i64 = 1_800_000_000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    #[default]
    Open,
    /// A session looks at it.
    Investigating,
    /// There is a pull request.
    FixProposed,
    /// It was merged; whether the failure stays away is being watched.
    Merged,
    /// It stayed away.
    VerifiedGone,
    /// It was gone, or resolved, and is back.
    Regressed,
    /// A person says that it is dealt with.
    Resolved,
    /// A person does not want to hear of it.
    Muted,
}

impl State {
    pub const ALL: [Self; 8] = [
        Self::Open,
        Self::Investigating,
        Self::FixProposed,
        Self::Merged,
        Self::VerifiedGone,
        Self::Regressed,
        Self::Resolved,
        Self::Muted,
    ];

    pub const NAMES: [&'static str; 8] = [
        "open",
        "investigating",
        "fix proposed",
        "merged",
        "verified gone",
        "regressed",
        "resolved",
        "muted",
    ];

    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Blanks may be written as `-` or `_`.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.replace(['-', '_'], " ");
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether something is still to be done about it.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::VerifiedGone | Self::Resolved | Self::Muted)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    pub state: State,
    /// What it was before it was looked into.
    pub before: Option<State>,
    /// Of a state that says it is gone, or may be.
    pub watch: Option<Watch>,
}

/// Traces that start from `since_us` on show whether it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub since_us: i64,
    /// So many comparable traces without it are enough. None where a person's word is.
    pub needed: Option<u64>,
    /// So many there were.
    pub without: u64,
}

/// What can happen to an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A session began to look into it, and is over.
    Started,
    Ended,
    /// There is a pull request; it was merged, or closed without.
    Proposed,
    Merged {
        at_us: i64,
        needed: Option<u64>,
    },
    Closed,
    /// A run looked at traces that no run had seen: those from the watch on that show it, and those
    /// that could.
    Observed {
        hits: u64,
        chances: u64,
    },
    /// A person's word.
    Resolve {
        at_us: i64,
    },
    Reopen,
    Mute,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Moved {
        to: State,
        why: String,
    },
    /// Somebody should look at it.
    Look,
}

/// The only place where states change. What does not fit changes nothing.
pub fn step(life: &Life, input: Input) -> (Life, Vec<Effect>) {
    use State as S;
    let to = |state, why: &str| moved(Life { state, before: None, watch: None }, why);
    match (life.state, input) {
        (S::Open | S::Regressed, Input::Started) => {
            let before = Some(life.state);
            let state = S::Investigating;
            moved(Life { state, before, watch: None }, "a session looks into it")
        }
        (S::Investigating, Input::Ended) => to(life.before.unwrap_or_default(), "looked into"),
        (S::Open | S::Investigating | S::Regressed | S::Merged, Input::Proposed) => {
            to(S::FixProposed, "there is a pull request")
        }
        (S::FixProposed, Input::Closed) => to(S::Open, "the pull request was closed, not merged"),
        (S::FixProposed, Input::Merged { at_us, needed }) => merged(at_us, needed),
        (S::Merged | S::VerifiedGone | S::Resolved, Input::Observed { hits, chances }) => {
            observed(life, hits, chances)
        }
        (S::Resolved, Input::Resolve { .. }) | (S::Muted, Input::Mute) => stays(life),
        (_, Input::Resolve { at_us }) => {
            let watch = Some(Watch { since_us: at_us, needed: None, without: 0 });
            moved(Life { state: S::Resolved, before: None, watch }, "resolved by hand")
        }
        (S::Open | S::Investigating | S::Regressed, Input::Reopen) => stays(life),
        (_, Input::Reopen) => with_look(to(S::Open, "re-opened by hand")),
        (_, Input::Mute) => to(S::Muted, "muted"),
        _ => stays(life),
    }
}

fn merged(at_us: i64, needed: Option<u64>) -> (Life, Vec<Effect>) {
    let since_us = at_us.saturating_add(SETTLE_US);
    let watch = Some(Watch { since_us, needed, without: 0 });
    let why = match needed {
        Some(needed) => format!(
            "the pull request was merged; {} without it will show that it is gone",
            Count::of(needed, "comparable trace")
        ),
        None => "the pull request was merged; whether it helped is for a person to say".to_owned(),
    };
    moved(Life { state: State::Merged, before: None, watch }, &why)
}

fn observed(life: &Life, hits: u64, chances: u64) -> (Life, Vec<Effect>) {
    let Some(watch) = life.watch else { return stays(life) };
    if hits > 0 {
        let seen = Count::of(hits, "new trace");
        let (state, why) = match life.state {
            State::Merged => (State::Open, format!("still there after the merge: {seen}")),
            _ => (State::Regressed, format!("back: {seen}")),
        };
        return with_look(moved(Life { state, before: None, watch: None }, &why));
    }
    let watch = Watch { without: watch.without.saturating_add(chances), ..watch };
    let life = Life { watch: Some(watch), ..life.clone() };
    match watch.needed {
        Some(needed) if life.state == State::Merged && watch.without >= needed => {
            let why = format!(
                "not seen in {} since the fix, of {needed} that were needed",
                Count::of(watch.without, "comparable trace"),
            );
            moved(Life { state: State::VerifiedGone, ..life }, &why)
        }
        _ => (life, Vec::new()),
    }
}

fn moved(life: Life, why: &str) -> (Life, Vec<Effect>) {
    let to = life.state;
    (life, vec![Effect::Moved { to, why: why.to_owned() }])
}

fn with_look((life, mut effects): (Life, Vec<Effect>)) -> (Life, Vec<Effect>) {
    effects.push(Effect::Look);
    (life, effects)
}

fn stays(life: &Life) -> (Life, Vec<Effect>) {
    (life.clone(), Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MERGED: Input = Input::Merged { at_us: 1_000, needed: Some(30) };

    fn seen(hits: u64, chances: u64) -> Input {
        Input::Observed { hits, chances }
    }

    fn after(inputs: &[Input]) -> Life {
        inputs.iter().fold(Life::default(), |life, input| step(&life, *input).0)
    }

    #[track_caller]
    fn check(inputs: &[Input], expected: State) {
        assert_eq!(after(inputs).state, expected, "{inputs:?}");
    }

    #[test]
    fn the_table() {
        use Input::{Closed, Ended, Mute, Proposed, Reopen, Started};
        let resolve = Input::Resolve { at_us: 5 };
        let gone = [Proposed, MERGED, seen(0, 30)];
        check(&[], State::Open);
        check(&[Started], State::Investigating);
        check(&[Started, Ended], State::Open);
        check(&[Started, Proposed], State::FixProposed);
        check(&[Started, Proposed, Ended], State::FixProposed);
        check(&[Proposed, Closed], State::Open);
        check(&[Proposed, MERGED], State::Merged);
        check(&[MERGED], State::Open);
        check(&[Proposed, MERGED, seen(0, 29)], State::Merged);
        check(&[Proposed, MERGED, seen(0, 29), seen(0, 1)], State::VerifiedGone);
        check(&[Proposed, MERGED, seen(1, 100)], State::Open);
        check(&[Proposed, MERGED, Proposed], State::FixProposed);
        check(&gone, State::VerifiedGone);
        check(&[&gone[..], &[seen(0, 1_000)]].concat(), State::VerifiedGone);
        check(&[&gone[..], &[seen(1, 1)]].concat(), State::Regressed);
        check(&[&gone[..], &[seen(1, 1), Started, Ended]].concat(), State::Regressed);
        check(&[&gone[..], &[seen(1, 1), Proposed, MERGED]].concat(), State::Merged);
        check(&[resolve], State::Resolved);
        check(&[resolve, seen(0, 1_000)], State::Resolved);
        check(&[resolve, seen(1, 1)], State::Regressed);
        check(&[resolve, Reopen], State::Open);
        check(&[Started, resolve, Ended], State::Resolved);
        check(&[Mute], State::Muted);
        check(&[Mute, seen(9, 9), Started, Ended, Proposed, MERGED], State::Muted);
        check(&[Mute, Reopen], State::Open);
        check(&[Mute, resolve], State::Resolved);
        check(&[&gone[..], &[Reopen]].concat(), State::Open);
    }

    #[test]
    fn what_is_said() {
        let (_, effects) = step(&after(&[Input::Proposed, MERGED]), seen(0, 31));
        let why = "not seen in 31 comparable traces since the fix, of 30 that were needed";
        assert_eq!(effects, [Effect::Moved { to: State::VerifiedGone, why: why.to_owned() }]);
        let (_, effects) = step(&after(&[Input::Resolve { at_us: 1 }]), seen(2, 9));
        let why = "back: 2 new traces".to_owned();
        assert_eq!(effects, [Effect::Moved { to: State::Regressed, why }, Effect::Look]);
    }

    #[test]
    fn a_fix_is_watched_from_when_it_is_out() {
        let watch = after(&[Input::Proposed, MERGED]).watch.unwrap();
        assert_eq!(watch, Watch { since_us: 1_000 + SETTLE_US, needed: Some(30), without: 0 });
    }

    #[test]
    fn one_that_absence_does_not_prove_waits_for_a_person() {
        let unproved = Input::Merged { at_us: 1, needed: None };
        check(&[Input::Proposed, unproved, seen(0, u64::MAX), seen(0, 9)], State::Merged);
    }

    #[test]
    fn names_go_there_and_back() {
        for state in State::ALL {
            assert_eq!(State::of_name(state.name()), Some(state));
            assert_eq!(State::of_name(&state.name().replace(' ', "-")), Some(state));
        }
        assert_eq!(State::of_name("gone"), None);
    }

    fn inputs() -> impl Strategy<Value = Input> {
        prop_oneof![
            Just(Input::Started),
            Just(Input::Ended),
            Just(Input::Proposed),
            (0_i64..9, prop::option::of(0_u64..50))
                .prop_map(|(at_us, needed)| Input::Merged { at_us, needed }),
            Just(Input::Closed),
            (0_u64..2, 0_u64..40).prop_map(|(hits, more)| seen(hits, hits + more)),
            (0_i64..9).prop_map(|at_us| Input::Resolve { at_us }),
            Just(Input::Reopen),
            Just(Input::Mute),
        ]
    }

    proptest! {
        #[test]
        fn every_change_is_told_once_and_nothing_else_is(steps in prop::collection::vec(inputs(), 0..40)) {
            let mut life = Life::default();
            for input in steps {
                let (next, effects) = step(&life, input);
                let told: Vec<State> = effects
                    .iter()
                    .filter_map(|effect| match effect {
                        Effect::Moved { to, .. } => Some(*to),
                        Effect::Look => None,
                    })
                    .collect();
                if told.is_empty() {
                    prop_assert_eq!(next.state, life.state);
                } else {
                    prop_assert_eq!(told, vec![next.state]);
                    prop_assert_ne!(next.state, life.state);
                }
                life = next;
            }
        }

        #[test]
        fn people_alone_end_a_mute(steps in prop::collection::vec(inputs(), 0..40)) {
            let mut life = after(&[Input::Mute]);
            for input in steps.into_iter().filter(|i| !matches!(i, Input::Reopen | Input::Resolve { .. })) {
                life = step(&life, input).0;
                prop_assert_eq!(life.state, State::Muted);
            }
        }

        /// Gone only after a merge, and only after as many traces as were asked for.
        #[test]
        fn gone_is_proved(steps in prop::collection::vec(inputs(), 0..60)) {
            let (mut life, mut without, mut needed) = (Life::default(), 0, None);
            for input in steps {
                let before = life.state;
                life = step(&life, input).0;
                match input {
                    Input::Merged { needed: asked, .. } if before == State::FixProposed => {
                        (without, needed) = (0, asked);
                    }
                    Input::Observed { hits: 0, chances } if before == State::Merged => without += chances,
                    _ => {}
                }
                if life.state == State::VerifiedGone && before != State::VerifiedGone {
                    prop_assert_eq!(before, State::Merged);
                    prop_assert!(needed.is_some_and(|needed| without >= needed));
                }
                if life.state == State::Regressed && before != State::Regressed && before != State::Investigating {
                    prop_assert!(matches!(before, State::VerifiedGone | State::Resolved));
                }
            }
        }

        /// What says that it may be gone is always watched, and nothing else is.
        #[test]
        fn a_watch_stands_where_it_is_needed(steps in prop::collection::vec(inputs(), 0..40)) {
            let life = after(&steps);
            let watched = matches!(life.state, State::Merged | State::VerifiedGone | State::Resolved);
            prop_assert_eq!(life.watch.is_some(), watched);
            prop_assert_eq!(life.before.is_some(), life.state == State::Investigating);
        }
    }
}
