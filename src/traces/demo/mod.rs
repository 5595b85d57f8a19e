//! The bundled project: the traces of a support assistant of a shop that does not exist.
//!
//! Three days of an agent with a planner, retrieval, tools, guardrails and two models, as its
//! OpenInference instrumentation would have told them. Most conversations go well. Some failures
//! recur, each of another kind, and some only look like failures; which is which stands in the
//! schedule and nowhere in the spans, so that whatever finds them has found them.
//!
//! Everything is computed from a fixed seed: the same program gives the same spans. The dates are
//! fixed as well, so a window of the last day is empty; ask for all of it.

mod app;
mod failures;
mod flows;
mod rng;
mod story;
mod texts;

use super::annotation::{Annotation, Target};
use super::span::{Span, TraceId};
use super::{Ask, Sink, Source};
use crate::error::Result;
use failures::Twist;
use rng::Rng;

const SEED: u64 = 0x6c6f_6f70_0001;
/// Monday, 9 March 2026, 00:00 UTC.
const FIRST_DAY_US: i64 = 1_773_014_400_000_000;
const HOUR_US: i64 = 3_600_000_000;
const DAYS: i64 = 3;
const TRACES: usize = 420;
/// When version 2.14.1 of the assistant goes out, in which looking something up in the catalogue is
/// slow.
const RELEASE_US: i64 = FIRST_DAY_US + 36 * HOUR_US;

/// One conversation turn that is to be told.
struct Episode {
    trace_id: TraceId,
    start_us: i64,
    /// Which session, and which turn of it.
    session: u64,
    turn: u64,
    twist: Twist,
    /// How many of the same twist came before, by number and not by time.
    nth: usize,
}

/// See the module's documentation.
pub struct Demo;

impl Source for Demo {
    fn fingerprint(&self) -> Option<String> {
        Some(format!("demo {} b", env!("CARGO_PKG_VERSION")))
    }

    fn read(&self, _: &Ask, sink: &mut dyn Sink) -> Result<Option<String>> {
        spans().into_iter().try_for_each(|span| sink.span(span))?;
        annotations().into_iter().try_for_each(|one| sink.annotation(one))?;
        Ok(None)
    }
}

/// Every span of the project, trace by trace.
pub fn spans() -> Vec<Span> {
    schedule().iter().flat_map(tell).collect()
}

/// What the judge says that reads along: of every promise that no tool confirmed, and of one in four
/// of the other answers.
pub fn annotations() -> Vec<Annotation> {
    let judged = |episode: &&Episode| {
        let sampled = (episode.trace_id.0 as u64).is_multiple_of(4);
        let answered = !matches!(episode.twist, Twist::RateLimit | Twist::PaymentTimeout);
        episode.twist == Twist::PromisedRefund || sampled && answered
    };
    schedule().iter().filter(judged).map(judge).collect()
}

fn judge(episode: &Episode) -> Annotation {
    let broken = episode.twist == Twist::PromisedRefund;
    let (label, why) = if broken {
        (
            "violation",
            "The answer says that the refund is on its way; the tool says it is in review.",
        )
    } else {
        ("pass", "Nothing is promised that no tool confirmed.")
    };
    Annotation {
        target: Target::Trace(episode.trace_id),
        name: "refund_policy".to_owned(),
        label: Some(label.to_owned()),
        score: Some(f64::from(u8::from(!broken))),
        explanation: Some(why.to_owned()),
        annotator_kind: Some("LLM".to_owned()),
        identifier: None,
    }
}

fn tell(episode: &Episode) -> Vec<Span> {
    let mut rng = Rng::new(SEED ^ (episode.trace_id.0 as u64));
    let customer = texts::customer(&mut Rng::new(SEED.wrapping_add(episode.session)));
    let story = failures::story(episode.twist, episode.nth, &customer, &mut rng);
    app::play(&story, episode, &customer, rng)
}

/// When which conversation takes place, and what is odd about it.
fn schedule() -> Vec<Episode> {
    let mut rng = Rng::new(SEED);
    let mut twists: Vec<(Twist, usize)> = failures::QUOTAS
        .iter()
        .flat_map(|(twist, traces)| (0..*traces).map(|nth| (*twist, nth)))
        .collect();
    twists.resize(TRACES, (Twist::None, 0));
    rng.shuffle(&mut twists);

    let mut episodes = Vec::with_capacity(TRACES);
    let mut session = 0;
    let mut left = 0;
    let mut turn = 0;
    let mut at = 0;
    for (twist, nth) in twists {
        if left == 0 {
            session += 1;
            left = *rng.pick(&[1, 1, 1, 2, 2, 3, 4]);
            turn = 0;
            at = opening(&mut rng);
        }
        left -= 1;
        turn += 1;
        let start_us = match twist.hours() {
            Some((day, from, to)) => {
                let span = (to - from) * HOUR_US;
                FIRST_DAY_US + (day * 24 + from) * HOUR_US + rng.between(0, span as u64) as i64
            }
            None => at,
        };
        at += rng.between(40, 400) as i64 * 1_000_000 + rng.between(0, 999_999) as i64;
        let trace_id = TraceId((u128::from(rng.next()) << 64) | u128::from(rng.next()));
        episodes.push(Episode { trace_id, start_us, session, turn, twist, nth });
    }
    episodes.sort_by_key(|episode| (episode.start_us, episode.trace_id));
    episodes
}

/// When a customer opens a chat: by day, mostly around noon.
fn opening(rng: &mut Rng) -> i64 {
    let day = rng.between(0, DAYS as u64 - 1) as i64;
    let hour = 6 + (rng.between(0, 8) + rng.between(0, 8)) as i64;
    FIRST_DAY_US + (day * 24 + hour) * HOUR_US + rng.between(0, HOUR_US as u64 - 1) as i64
}

/// What was planted where: the truth that no span tells.
#[cfg(test)]
pub struct Planted {
    pub name: &'static str,
    /// Whether it is a failure, or only looks like one.
    pub failure: bool,
    /// Whether a span's status shows it.
    pub surfaces: bool,
    pub traces: Vec<TraceId>,
}

#[cfg(test)]
pub fn planted() -> Vec<Planted> {
    let schedule = schedule();
    let slow = Planted {
        name: "SlowCatalog",
        failure: true,
        surfaces: false,
        traces: slow_traces(&schedule),
    };
    failures::QUOTAS
        .iter()
        .map(|(twist, _)| Planted {
            name: twist.name(),
            failure: twist.is_failure(),
            surfaces: twist.surfaces(),
            traces: schedule.iter().filter(|e| e.twist == *twist).map(|e| e.trace_id).collect(),
        })
        .chain([slow])
        .collect()
}

#[cfg(test)]
fn slow_traces(schedule: &[Episode]) -> Vec<TraceId> {
    let late = schedule.iter().filter(|episode| episode.start_us >= RELEASE_US);
    late.filter(|e| tell(e).iter().any(|span| span.name == "search_catalog"))
        .map(|e| e.trace_id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::span::Status;
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn it_is_the_same_every_time_and_well_formed() {
        let spans = spans();
        assert_eq!(spans, super::spans());
        let traces: BTreeSet<_> = spans.iter().map(|span| span.trace_id).collect();
        assert_eq!(traces.len(), TRACES);
        let ids: BTreeMap<_, _> = spans.iter().map(|span| (span.span_id, span)).collect();
        assert_eq!(ids.len(), spans.len(), "span ids are unique");
        for span in &spans {
            assert!(span.end_us >= span.start_us);
            assert!(span.session().is_some() && span.user().is_some());
            if let Some(parent) = span.parent_id {
                let parent = ids[&parent];
                assert_eq!(parent.trace_id, span.trace_id);
                assert!(parent.start_us <= span.start_us && parent.end_us >= span.end_us);
            }
        }
        let sessions: BTreeSet<_> = spans.iter().filter_map(Span::session).collect();
        assert!(sessions.len() > 100 && sessions.len() < TRACES, "{}", sessions.len());
    }

    #[test]
    fn what_is_planted_shows_as_it_says() {
        let spans = spans();
        let failing: BTreeSet<_> =
            spans.iter().filter(|s| s.status == Status::Error).map(|s| s.trace_id).collect();
        let mut odd = BTreeSet::new();
        for planted in planted() {
            assert!(planted.traces.len() >= 6, "{}", planted.name);
            for trace in planted.traces.iter().filter(|_| planted.name != "SlowCatalog") {
                assert_eq!(failing.contains(trace), planted.surfaces, "{} {trace}", planted.name);
                odd.insert(*trace);
            }
        }
        assert!(failing.is_subset(&odd), "nothing fails that was not planted");
        assert!(odd.len() * 5 < TRACES * 2, "most of it is healthy");
    }

    #[test]
    fn the_truth_is_not_in_the_spans() {
        let text = format!("{:?}", spans()).to_lowercase();
        for planted in planted() {
            assert!(!text.contains(&planted.name.to_lowercase()), "{}", planted.name);
        }
        for word in ["planted", "twist", "look-alike", "hallucinat"] {
            assert!(!text.contains(word), "{word}");
        }
    }
}
