//! Which times of a schedule are due, given what was decided before and the time.
//!
//! The cursor is the last nominal time that was decided; times up to it are never looked at again.
//! A clock that goes forward by years makes up for one time at most (or for [`MOST`], where a file
//! asks for all of them), and one that goes back waits until it has caught up. Where it went back by
//! more than [`TRUST`], the cursor itself was wrong and is set back; what was answered has a row of
//! its nominal time, so even then nothing is answered twice.

use super::fire::{Cause, NewFire, State};
use super::{CatchUp, RunLimits};
use crate::domain::measure::show_duration;
use crate::domain::schedule::Schedule;
use crate::domain::words::Count;

/// The most times that are made up for at once.
pub const MOST: usize = 24;

/// Beyond this a cursor that lies in the future is not believed.
const TRUST: i64 = 26 * 3_600_000;

/// A time that is later than this was missed, where nothing is made up for: `tick` may come by only
/// every few minutes.
const LATE: i64 = 15 * 60_000;

/// How long a look lasts at most.
const AGAIN: i64 = 3_600_000;

/// How many missed times are counted.
const COUNTED: u64 = 1_000;

/// A schedule and how its automation wants it.
#[derive(Debug, Clone, Copy)]
pub struct Timed<'a> {
    pub name: &'a str,
    pub schedule: &'a Schedule,
    pub catch_up: CatchUp,
    pub jitter_ms: u64,
}

/// What is decided, and the cursor afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    pub fires: Vec<NewFire>,
    pub cursor: i64,
}

/// How much later than its times an automation comes: by its name, so that a fleet of them spreads
/// and each keeps its distance.
pub fn jitter(name: &str, most_ms: u64) -> i64 {
    if most_ms == 0 {
        return 0;
    }
    let digest = crate::domain::digest::short(&[name, "jitter"]);
    let number = u64::from_str_radix(&digest, 16).unwrap_or(0);
    (number % most_ms) as i64
}

/// When it is due next. What is due now is no later than now.
pub fn next(timed: Timed, cursor: i64) -> Option<i64> {
    timed.schedule.next_after(cursor)?.checked_add(jitter(timed.name, timed.jitter_ms))
}

/// Whether there is anything to decide, by when it was said to look again: cheap enough for every
/// automation at every look. A clock that went back is a reason to look.
pub fn to_look(look_at: i64, now: i64) -> bool {
    look_at <= now || look_at.saturating_sub(now) > AGAIN
}

/// When to look again: when the next time comes, and often enough to see that a zone has new rules.
pub fn look_again(timed: Timed, cursor: i64, now: i64) -> i64 {
    let again = now.saturating_add(AGAIN);
    next(timed, cursor).map_or(again, |next| next.min(again))
}

/// What is due by now.
pub fn due(timed: Timed, cursor: i64, now: i64) -> Decided {
    let until = now.saturating_sub(jitter(timed.name, timed.jitter_ms));
    if cursor.saturating_sub(now) > TRUST {
        return Decided { fires: Vec::new(), cursor: until };
    }
    let mut decided = Decided { fires: Vec::new(), cursor };
    let Some(first) = timed.schedule.next_after(cursor).filter(|first| *first <= until) else {
        return decided;
    };
    let Some(last) = timed.schedule.last_in(cursor, until) else { return decided };
    decided.cursor = last;
    match timed.catch_up {
        CatchUp::All => all(&mut decided, timed.schedule, first, until),
        CatchUp::Latest => {
            decided.fires.extend(missed(timed.schedule, first, last, State::Merged));
            decided.fires.push(fire(last));
        }
        CatchUp::None if until - last > LATE => {
            decided.fires.extend(missed(timed.schedule, first, last, State::Skipped));
            let late = show_duration(u64::try_from(until - last).unwrap_or(0));
            let reason = format!("{late} late, and missed times are not made up for");
            decided.fires.push(fire(last).ended(State::Skipped, reason));
        }
        CatchUp::None => {
            decided.fires.extend(missed(timed.schedule, first, last, State::Skipped));
            decided.fires.push(fire(last));
        }
    }
    decided
}

fn fire(at: i64) -> NewFire {
    NewFire::waiting(Cause::Cron, at.to_string(), at)
}

/// Each of the newest times, and a row for those before.
fn all(decided: &mut Decided, schedule: &Schedule, first: i64, until: i64) {
    let mut newest = std::collections::VecDeque::new();
    // From far enough back for the most that are made up for, and not from years ago.
    let mut at = start_of_newest(schedule, first, until);
    while at <= until {
        newest.push_back(at);
        if newest.len() > MOST {
            newest.pop_front();
        }
        match schedule.next_after(at) {
            Some(next) => at = next,
            None => break,
        }
    }
    let oldest = newest.front().copied().unwrap_or(first);
    if oldest > first
        && let Some(last) = schedule.last_in(first - 1, oldest - 1)
    {
        let row = row(schedule, first, last, State::Merged);
        let reason = format!("{} at most are made up for at once", Count::of(MOST, "missed time"));
        decided.fires.push(row.ended(State::Merged, reason));
    }
    decided.fires.extend(newest.into_iter().map(fire));
}

fn start_of_newest(schedule: &Schedule, first: i64, until: i64) -> i64 {
    let mut end = until;
    for _ in 0..=MOST {
        match schedule.last_in(first - 1, end) {
            Some(at) => end = at - 1,
            None => return first,
        }
    }
    end + 1
}

/// A row for the times before the last one, where there are any.
fn missed(schedule: &Schedule, first: i64, last: i64, state: State) -> Option<NewFire> {
    (first < last).then(|| {
        let before = schedule.last_in(first - 1, last - 1).unwrap_or(first);
        row(schedule, first, before, state)
    })
}

fn row(schedule: &Schedule, first: i64, last: i64, state: State) -> NewFire {
    let mut count = 1;
    let mut at = first;
    while count < COUNTED
        && let Some(next) = schedule.next_after(at).filter(|next| *next <= last)
    {
        (count, at) = (count + 1, next);
    }
    let more = if count == COUNTED { " or more" } else { "" };
    let count = Count::of(count, "earlier time");
    let reason = match state {
        State::Merged => format!("{count}{more} passed while nobody looked; the latest runs"),
        _ => format!("{count}{more} passed while nobody looked"),
    };
    fire(last).ended(state, reason)
}

/// The usual limits of what comes by the clock.
pub const LIMITS: RunLimits = RunLimits { per_hour: None, per_day: None };

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const YEAR: i64 = 365 * 24 * HOUR;
    /// 2026-03-02T00:00:00Z
    const NOW: i64 = 1_772_409_600_000;

    fn timed(schedule: &Schedule, catch_up: CatchUp) -> Timed<'_> {
        Timed { name: "x", schedule, catch_up, jitter_ms: 0 }
    }

    /// What is decided: when, and how.
    fn decide(spec: &str, catch_up: CatchUp, cursor: i64, now: i64) -> (Vec<(i64, State)>, i64) {
        let schedule = Schedule::parse(spec, "UTC").unwrap();
        let decided = due(timed(&schedule, catch_up), cursor, now);
        let fires = decided.fires.iter().map(|fire| (fire.nominal_at, fire.state)).collect();
        (fires, decided.cursor)
    }

    #[test]
    fn a_time_comes_once() {
        for catch_up in [CatchUp::Latest, CatchUp::None, CatchUp::All] {
            let (fires, cursor) = decide("0 * * * *", catch_up, NOW - 1, NOW + 5);
            assert_eq!((fires, cursor), (vec![(NOW, State::Waiting)], NOW));
            assert_eq!(decide("0 * * * *", catch_up, NOW, NOW + 5).0, []);
            assert_eq!(decide("0 * * * *", catch_up, NOW, NOW + HOUR - 1).0, []);
        }
    }

    #[test]
    fn missed_times_by_each_policy() {
        let (from, now) = (NOW - 1, NOW + 3 * HOUR + 30 * MINUTE);
        let last = NOW + 3 * HOUR;
        let before = (last - HOUR, State::Merged);
        let (latest, cursor) = decide("0 * * * *", CatchUp::Latest, from, now);
        assert_eq!((latest, cursor), (vec![before, (last, State::Waiting)], last));
        let (none, cursor) = decide("0 * * * *", CatchUp::None, from, now);
        let skipped = vec![(last - HOUR, State::Skipped), (last, State::Skipped)];
        assert_eq!((none, cursor), (skipped, last));
        let (all, cursor) = decide("0 * * * *", CatchUp::All, from, now);
        assert_eq!(all, (0..4).map(|n| (NOW + n * HOUR, State::Waiting)).collect::<Vec<_>>());
        assert_eq!(cursor, last);
    }

    #[test]
    fn a_clock_that_jumps_forward_makes_up_for_a_bounded_number() {
        for jump in [HOUR, 24 * HOUR, 10 * YEAR] {
            let started = std::time::Instant::now();
            let (latest, cursor) = decide("* * * * *", CatchUp::Latest, NOW, NOW + jump);
            let waiting: Vec<_> =
                latest.iter().filter(|(_, state)| *state == State::Waiting).collect();
            assert_eq!(waiting, [&(NOW + jump, State::Waiting)]);
            assert_eq!((latest.len(), cursor), (2, NOW + jump));
            let (all, _) = decide("* * * * *", CatchUp::All, NOW, NOW + jump);
            let waiting = all.iter().filter(|(_, state)| *state == State::Waiting);
            assert_eq!(waiting.count(), MOST);
            assert_eq!(all.len(), MOST + 1, "and a row for what is left out");
            assert!(started.elapsed().as_millis() < 500, "{:?}", started.elapsed());
        }
    }

    #[test]
    fn a_clock_that_jumps_back_repeats_nothing() {
        for jump in [1, HOUR, 24 * HOUR] {
            let (fires, cursor) = decide("* * * * *", CatchUp::All, NOW, NOW - jump);
            assert_eq!((fires, cursor), (vec![], NOW), "it waits");
        }
        // It was wrong by years, and went right: nothing comes at once, and the next minute does.
        let (fires, cursor) = decide("* * * * *", CatchUp::All, NOW + 10 * YEAR, NOW);
        assert_eq!((fires, cursor), (vec![], NOW));
        let (fires, _) = decide("* * * * *", CatchUp::All, cursor, NOW + MINUTE);
        assert_eq!(fires, [(NOW + MINUTE, State::Waiting)]);
    }

    #[test]
    fn times_at_the_ends_of_time_do_not_panic() {
        for now in [i64::MIN, -1, 0, i64::MAX] {
            for cursor in [i64::MIN, 0, i64::MAX] {
                for catch_up in [CatchUp::Latest, CatchUp::None, CatchUp::All] {
                    decide("* * * * *", catch_up, cursor, now);
                }
            }
        }
    }

    #[test]
    fn jitter_is_the_names_own_and_bounded() {
        let all: Vec<i64> = (0..1_000).map(|n| jitter(&format!("a{n}"), 600_000)).collect();
        assert!(all.iter().all(|jitter| (0..600_000).contains(jitter)));
        let early = all.iter().filter(|jitter| **jitter < 300_000).count();
        assert!((400..600).contains(&early), "{early} of 1000 in the first half");
        assert_eq!(jitter("nightly", 600_000), jitter("nightly", 600_000));
        let schedule = Schedule::parse("0 * * * *", "UTC").unwrap();
        let timed = Timed { jitter_ms: 600_000, ..timed(&schedule, CatchUp::Latest) };
        let late = jitter("x", 600_000);
        assert_eq!(due(timed, NOW - 1, NOW + late - 1).fires, []);
        assert_eq!(due(timed, NOW - 1, NOW + late).fires[0].nominal_at, NOW);
        assert_eq!(next(timed, NOW - 1), Some(NOW + late));
    }
}
