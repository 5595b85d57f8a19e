//! All spans of a session, one by one, in an order in which what is new comes last.

use super::attributes::{Draft, Kind};
use super::ids::{Ids, Place, SpanId};
use super::run::{Run, Turn};
use super::texts::Texts;
use super::turn::{Context, TurnSpans};
use crate::domain::session::{End, Phase};
use crate::domain::transcript::Event;
use crate::domain::turn::Outcome;
use crate::error::Result;
use crate::http::shown;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::VecDeque;

/// More artifacts are counted and left out.
const ARTIFACTS: usize = 100;

/// Reads a session's events and gives its spans.
pub struct Spans<'a, E> {
    about: Context<'a>,
    events: E,
    /// The turns that are still to come.
    turns: std::slice::Iter<'a, Turn>,
    open: Option<(TurnSpans<'a>, &'a Turn)>,
    ready: VecDeque<Span>,
    /// When what came before the next turn ended.
    before: i64,
    done: bool,
}

/// What spans are made with. Kept by whoever asks for them.
pub struct Making {
    ids: Ids,
    texts: Texts,
}

impl Making {
    pub fn new(run: &Run, texts: Texts) -> Self {
        Self { ids: Ids::new(&run.uuid), texts }
    }
}

impl<'a, E: Iterator<Item = Result<Event>>> Spans<'a, E> {
    /// Only the events of the run's turns count.
    pub fn new(run: &'a Run, making: &'a Making, events: E) -> Self {
        let about = Context { run, ids: &making.ids, texts: &making.texts };
        let mut spans = Self {
            about,
            events,
            turns: run.turns.iter(),
            open: None,
            ready: VecDeque::new(),
            before: run.created_at,
            done: false,
        };
        spans.provision();
        spans
    }

    /// From the session's record to the first turn's start: evidence, image, sandbox, set-up.
    fn provision(&mut self) {
        let run = self.about.run;
        let began = run.turns.first().and_then(|turn| turn.started_at);
        let never = run.finished_at.filter(|_| began.is_none());
        let Some(end) = began.or(never) else { return };
        let mut draft = self.step("provision", (run.created_at, end));
        if began.is_some() {
            draft.ok();
        } else {
            draft.failed(self.reason().unwrap_or_else(|| "no turn began".to_owned()));
        }
        if let Some((traces, spans, failing)) = run.evidence {
            draft.note("evidence_traces", traces);
            draft.note("evidence_spans", spans);
            draft.note("evidence_failing_traces", failing);
        }
        self.tell(draft, Place::Provision, Some(Place::Session));
    }

    /// Turns before this one are over.
    fn reach(&mut self, turn: u32) {
        while self.open.as_ref().is_none_or(|(_, open)| open.turn < turn) {
            self.close();
            let Some(next) = self.turns.next() else { return };
            self.open = Some((TurnSpans::new(self.about, next, self.before), next));
        }
    }

    fn close(&mut self) {
        let Some((spans, turn)) = self.open.take() else { return };
        spans.finish(&mut self.ready);
        self.before = turn.collected_at.or(turn.ended_at).unwrap_or(self.before);
        if let (Some(from), Some(to)) = (turn.collecting_at, turn.collected_at) {
            let mut draft = self.step("collect", (from, to));
            draft.note("turn", turn.turn);
            draft.ok();
            self.tell(draft, Place::Collect(turn.turn), Some(Place::Session));
        }
    }

    fn end(&mut self) {
        self.done = true;
        self.reach(u32::MAX);
        let run = self.about.run;
        if !run.phase.is_over() && !run.unfinished {
            return;
        }
        if let (Some(from), Some(to)) = (run.closing_at, run.finished_at) {
            let mut draft = self.step("remove", (from, to));
            draft.ok();
            self.tell(draft, Place::Remove, Some(Place::Session));
        }
        let draft = self.session();
        self.tell(draft, Place::Session, None);
    }

    fn session(&self) -> Draft {
        let Context { run, texts, .. } = self.about;
        let known = run.turns.iter().flat_map(|turn| [turn.started_at, turn.ended_at]);
        let last = known.flatten().max().unwrap_or(run.created_at);
        let name = format!("invoke_agent {}", run.agent());
        let times = (run.created_at, run.finished_at.unwrap_or(last));
        let mut draft = Draft::new(Kind::Agent, name, times);
        draft.set("agent.name", run.agent());
        if let Some(first) = run.turns.first() {
            draft.input(texts.long(&first.prompt), false);
        }
        if let Some(answer) = run.turns.iter().rev().find_map(|turn| turn.answer.as_ref()) {
            draft.output(texts.long(answer), false);
        }
        self.describe(&mut draft);
        match (run.phase, run.outcome) {
            (Phase::Finished(End::Cancelled), _) => draft.came_out(Outcome::Cancelled, None),
            (Phase::Finished(End::Succeeded), _) => draft.ok(),
            (Phase::Finished(end @ (End::Failed | End::Lost)), _) => {
                let end = Phase::Finished(end).name().to_owned();
                draft.failed(self.reason().unwrap_or(end));
            }
            (Phase::Provisioning | Phase::Running | Phase::Idle, _) => draft.note("unended", true),
        }
        draft
    }

    fn describe(&self, draft: &mut Draft) {
        let Context { run, texts, .. } = self.about;
        draft.note("session", run.session.as_str());
        draft.note("harness", run.harness.as_str());
        draft.note("sandbox", run.sandbox.as_str());
        draft.note("phase", run.phase.name());
        draft.note("turns", run.turns.len());
        for (key, value) in [
            ("name", run.name.as_deref()),
            ("preset", run.preset.as_deref()),
            ("project", run.project.as_deref()),
            ("model", run.model.as_deref()),
            ("outcome", run.outcome.map(Outcome::name)),
            ("repo", run.repo.as_deref().map(shown).as_deref()),
        ] {
            if let Some(value) = value {
                draft.note(key, texts.short(value));
            }
        }
        let names: Vec<_> = run.artifacts.iter().take(ARTIFACTS).map(|a| texts.short(a)).collect();
        draft.note("artifacts", names);
        if run.artifacts.len() > ARTIFACTS {
            draft.note("artifact_count", run.artifacts.len());
        }
        let mut tags = vec![format!("harness:{}", run.harness), format!("sandbox:{}", run.sandbox)];
        tags.extend(run.labels.iter().map(|(key, value)| texts.short(&format!("{key}:{value}"))));
        draft.tags("tag.tags", tags);
    }

    fn reason(&self) -> Option<String> {
        self.about.run.reason.as_ref().map(|reason| self.about.texts.short(reason))
    }

    fn step(&self, step: &str, times: (i64, i64)) -> Draft {
        let mut draft = Draft::new(Kind::Chain, format!("sandbox.{step}"), times);
        draft.note("sandbox", self.about.run.sandbox.as_str());
        draft
    }

    fn tell(&mut self, draft: Draft, place: Place, above: Option<Place>) {
        let Context { run, ids, .. } = self.about;
        let above: Option<SpanId> = above.map(|above| ids.span(above));
        self.ready.push_back(draft.finish(ids.trace(), ids.span(place), above, &run.session));
    }
}

impl<E: Iterator<Item = Result<Event>>> Iterator for Spans<'_, E> {
    type Item = Result<Span>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(span) = self.ready.pop_front() {
                return Some(Ok(span));
            }
            if self.done {
                return None;
            }
            let last = self.about.run.turns.last().map_or(0, |turn| turn.turn);
            match self.events.next() {
                Some(Err(failed)) => {
                    self.done = true;
                    return Some(Err(failed));
                }
                Some(Ok(event)) if event.turn <= last => {
                    self.reach(event.turn);
                    if let Some((spans, turn)) = &mut self.open
                        && turn.turn == event.turn
                    {
                        spans.event(&event, &mut self.ready);
                    }
                }
                // What a turn says that is not yet told of at all.
                Some(Ok(_)) | None => self.end(),
            }
        }
    }
}
