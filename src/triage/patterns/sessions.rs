//! Sessions that go wrong as a whole though none of their traces does.
//!
//! - *unanswered*: the last turn asks something and the root gives nothing back, where at least nine in
//!   ten sessions of such roots end with an answer;
//! - *asked again*: the same question three times running, in much the same words;
//! - *stuck*: the same answer three times running to questions that have little in common.
//!
//! A session is judged when it is over: nothing came for a day, or for half an hour before the window
//! ends. One that holds a trace of which another pattern tells is explained by that. Inputs that are
//! JSON or long carry the whole conversation and say nothing about one turn; a session of many turns
//! that are all the same is a job and no person.

use super::super::group::{Group, Key, Seen};
use super::super::issue::Entity;
use super::super::rank::Harm;
use super::super::sketch::hash;
use super::super::trace::{Name, Trace};
use super::super::words::{alike, word_set};
use super::{All, Pattern, Told, Words, is_unusual};
use crate::domain::words::Count;
use std::collections::{BTreeSet, HashMap};

/// Sessions that are followed at once; beyond, those that were quiet longest are judged early.
const OPEN: usize = 50_000;

/// Microseconds after which a session is over.
const OVER: i64 = 24 * 3_600_000_000;

/// Microseconds before the end of the window in which a turn may still be going on.
const LATE: i64 = 30 * 60_000_000;

/// Turns running that make a repetition.
const RUN: u32 = 3;

const NAMES: usize = 512;

#[derive(Default)]
pub(super) struct Sessions {
    open: HashMap<u64, Open>,
    looked: u64,
    /// Sessions by the name of their last root, and those of at least three turns.
    ended: HashMap<Name, (u64, u64)>,
}

struct Open {
    name: Name,
    entity: Entity,
    user: Option<String>,
    turns: u32,
    last: Seen,
    unanswered: bool,
    explained: bool,
    asked: BTreeSet<u64>,
    answer: u64,
    /// How many turns running asked the same, and gave the same to different questions.
    same_question: u32,
    same_answer: u32,
    worst_question: u32,
    worst_answer: u32,
}

impl Pattern for Sessions {
    fn name(&self) -> &'static str {
        "session"
    }

    fn look(&mut self, trace: &Trace, told: &mut Told) {
        let Some(session) = &trace.session else { return };
        self.looked += 1;
        if self.looked.is_multiple_of(4_096) || self.open.len() >= OPEN {
            self.close(trace.start_us, told);
        }
        let id = hash(session.as_bytes());
        let explained = !told.hits.is_empty() || trace.spans.iter().any(|span| span.failed());
        let turn = Turn::of(trace);
        let before = self.open.remove(&id);
        self.open.insert(id, turn.after(before, trace, explained));
    }

    fn end(&mut self, all: &All, told: &mut Told) {
        for (_, open) in std::mem::take(&mut self.open) {
            if open.last.end_us < all.last_us.saturating_sub(LATE) {
                self.judge(open, told);
            }
        }
    }

    fn stands(&self, key: &Key, group: &Group, _: &All) -> bool {
        let (all, long) = self.ended.get(key.part(1)).copied().unwrap_or_default();
        let chances = if key.part(0) == "unanswered" { all } else { long };
        // Where answers are often missing, they are not always recorded.
        let recorded = key.part(0) != "unanswered" || group.traces * 10 <= all;
        group.traces >= 3 && recorded && is_unusual(group.traces, chances)
    }

    fn words(&self, key: &Key, group: &Group, _: &All) -> Words {
        let (all, long) = self.ended.get(key.part(1)).copied().unwrap_or_default();
        let (what, chances, advice) = match key.part(0) {
            "unanswered" => (
                "ends without an answer",
                all,
                "what the last turn of the examples waited for, and what it was given",
            ),
            "asked again" => (
                "asks the same three times running",
                long,
                "what was answered the first time: whoever asks does not take it for an answer",
            ),
            _ => (
                "gets the same answer to different questions",
                long,
                "whether the application still sees the newest turn",
            ),
        };
        Words {
            title: format!("session with {} {} {what}", key.entity.kind(), key.entity.name()),
            harm: Harm(0.5, "somebody goes without an answer"),
            facts: vec![format!(
                "{} of {} that could show it",
                group.traces,
                Count::of(chances, "session")
            )],
            advice: format!("Look at {advice}."),
        }
    }
}

impl Sessions {
    /// Judges sessions that are over, or the quieter half where there are too many.
    fn close(&mut self, now_us: i64, told: &mut Told) {
        let mut last: Vec<i64> = self.open.values().map(|open| open.last.end_us).collect();
        last.sort_unstable();
        let half = last.get(last.len() / 2).copied().unwrap_or(i64::MIN);
        let crowded = self.open.len() >= OPEN;
        let over = |open: &Open| {
            open.last.end_us < now_us.saturating_sub(OVER) || crowded && open.last.end_us <= half
        };
        let ids: Vec<u64> =
            self.open.iter().filter(|(_, open)| over(open)).map(|(id, _)| *id).collect();
        for id in ids {
            if let Some(open) = self.open.remove(&id) {
                self.judge(open, told);
            }
        }
    }

    fn judge(&mut self, open: Open, told: &mut Told) {
        if self.ended.len() < NAMES || self.ended.contains_key(&open.name) {
            let (all, long) = self.ended.entry(open.name.clone()).or_default();
            *all += 1;
            *long += u64::from(open.turns >= RUN);
        }
        let job = open.worst_question >= 6 && open.worst_question == open.turns;
        if open.explained || job {
            return;
        }
        let what = if open.unanswered {
            "unanswered"
        } else if open.worst_question >= RUN {
            "asked again"
        } else if open.worst_answer >= RUN {
            "stuck"
        } else {
            return;
        };
        let parts = vec![what.to_owned(), open.name.to_string()];
        told.past.push((
            Key { pattern: "session", entity: open.entity, parts },
            open.last,
            open.user,
        ));
    }
}

/// What one trace is to its session.
struct Turn {
    asked: BTreeSet<u64>,
    answer: u64,
    unanswered: bool,
}

impl Turn {
    fn of(trace: &Trace) -> Self {
        let root = trace.whole();
        let input = root.input.as_deref().unwrap_or_default().trim();
        let output = root.output.as_deref().unwrap_or_default().trim();
        let plain = !input.starts_with(['{', '[']) && input.len() < 1_000;
        Self {
            asked: if plain { word_set(input) } else { BTreeSet::new() },
            answer: if output.len() >= 20 { hash(output.as_bytes()) } else { 0 },
            unanswered: !input.is_empty() && output.is_empty(),
        }
    }

    fn after(self, before: Option<Open>, trace: &Trace, explained: bool) -> Open {
        let root = trace.whole();
        let say = root.input.as_deref().unwrap_or_default();
        let mut open = before.unwrap_or_else(|| Open {
            name: root.name.clone(),
            entity: root.entity(),
            user: None,
            turns: 0,
            last: Seen::default(),
            unanswered: false,
            explained: false,
            asked: BTreeSet::new(),
            answer: 0,
            same_question: 0,
            same_answer: 0,
            worst_question: 0,
            worst_answer: 0,
        });
        let alike = alike(&open.asked, &self.asked);
        let enough = self.asked.len() >= 4;
        open.same_question = if enough && alike >= 0.7 { open.same_question + 1 } else { 1 };
        let stuck = enough && alike < 0.4 && self.answer != 0 && self.answer == open.answer;
        open.same_answer = if stuck { open.same_answer + 1 } else { 1 };
        open.worst_question = open.worst_question.max(open.same_question);
        open.worst_answer = open.worst_answer.max(open.same_answer);
        open.turns += 1;
        open.unanswered = self.unanswered;
        open.explained |= explained;
        open.asked = self.asked;
        open.answer = self.answer;
        open.user = open.user.or_else(|| trace.user.clone());
        open.last = Seen::of(trace, trace.root, &super::super::group::excerpt(say));
        open
    }
}
