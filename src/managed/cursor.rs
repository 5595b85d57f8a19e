//! From the vendor's events to lines of a journal: a state machine without I/O.
//!
//! Each event becomes one `out` line, the first time it is seen. In between stand our own words: a
//! turn begins with our message (`turn_started`, then an `out` line of type [`ABOUT`] that says what
//! the session is and what was used before), and ends with the event that ends it (`turn_exited`).
//!
//! The stored journal is the only memory. [`Cursor::restore`] reads it and knows everything again, so
//! that the same events, in whatever pieces and however often they come, give the same lines: once
//! each, numbered without gaps. What was cut off after an event and before our word about it is made
//! up for by [`Cursor::settle`]. Events between turns are kept under the number of the turn before.

use super::event::{Head, Meaning, meaning};
use crate::domain::journal::{self, Body, Exit, Head as LineHead, Limit, Line, Stream, Sys};
use crate::error::{Cannot as _, Kind, Result};
use crate::secrets::Redactor;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::BufRead;

/// The type of the line that a turn begins with.
pub(super) const ABOUT: &str = "loop.session";

/// What the session is, as far as a transcript tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct About {
    /// The session's id at the vendor.
    pub id: String,
    pub agent: String,
    pub version: u64,
    pub model: String,
    /// Where a person can look at it.
    pub url: String,
}

/// An answer that the session waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// The event's id.
    pub id: String,
    /// Whether it is a tool that the session's owner has to run.
    pub custom: bool,
}

pub(super) struct Cursor {
    /// Our session, as it stands in our messages.
    session: String,
    about: About,
    redactor: Redactor,
    /// The number of the last line.
    last: u64,
    /// The time of the last event, in Unix milliseconds.
    at: i64,
    seen: HashSet<String>,
    custom: BTreeSet<String>,
    answered: BTreeSet<String>,
    waits_for: Vec<String>,
    /// What was used by the end of the last usage event.
    usage: Value,
    turn: Turn,
}

#[derive(Debug, Default)]
struct Turn {
    /// 0 before the first one.
    number: u32,
    open: bool,
    introduced: bool,
    started_at: i64,
    /// How it ended, where the vendor said so and we did not yet.
    ended: Option<bool>,
    interrupted: bool,
    repository: bool,
    limit: Option<Limit>,
    bytes: u64,
}

impl Cursor {
    pub fn new(session: &str, about: About, redactor: Redactor) -> Self {
        Self {
            session: session.to_owned(),
            about,
            redactor,
            last: 0,
            at: 0,
            seen: HashSet::new(),
            custom: BTreeSet::new(),
            answered: BTreeSet::new(),
            waits_for: Vec::new(),
            usage: Value::Null,
            turn: Turn::default(),
        }
    }

    /// Knows again what a stored journal tells. A line without its end is none.
    pub fn restore(mut self, mut stored: impl BufRead) -> Result<Self> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = stored.read_until(b'\n', &mut bytes);
            let read = read.cannot(Kind::Config, || "read the stored journal".to_owned())?;
            if read == 0 || bytes.last() != Some(&b'\n') {
                return Ok(self);
            }
            if let Some(line) = Line::read(bytes.trim_ascii_end()) {
                self.knows(&line);
            }
        }
    }

    fn knows(&mut self, line: &Line) {
        self.last = line.n;
        match &line.body {
            Body::Out(text) => match Head::read(text) {
                Some(head) if head.kind == ABOUT => self.turn.introduced = true,
                Some(head) => {
                    self.at = self.at.max(line.t);
                    self.turn.bytes += text.len() as u64;
                    let means = meaning(&head.kind, text, &self.session);
                    self.seen.insert(head.id.clone());
                    self.learn(&head.id, means);
                }
                None => {}
            },
            Body::Sys(Sys::TurnStarted { .. }) => self.begin(line.turn, line.t),
            Body::Sys(Sys::TurnExited(_)) => self.turn.open = false,
            Body::Sys(Sys::Limit(limit)) => self.turn.limit = Some(*limit),
            Body::Sys(_) | Body::Err(_) => {}
        }
    }

    fn begin(&mut self, number: u32, at: i64) {
        self.turn = Turn { number, open: true, started_at: at, ..Turn::default() };
    }

    /// Whether so many turns are over.
    pub fn is_over(&self, turn: u32) -> bool {
        self.turn.number > turn || self.turn.number == turn && !self.turn.open
    }

    /// When the open turn began, by the vendor's clock.
    pub fn began(&self) -> Option<i64> {
        self.turn.open.then_some(self.turn.started_at)
    }

    /// The time of the last event, by the vendor's clock.
    pub fn newest(&self) -> i64 {
        self.at
    }

    /// Whether the turn has to be ended: its limit is reached, or it works without its repository.
    pub fn wants_interrupt(&self) -> bool {
        let Turn { open, interrupted, repository, limit, .. } = &self.turn;
        *open && !interrupted && (*repository || limit.is_some())
    }

    /// Whether its limit was reached.
    pub fn is_limited(&self) -> bool {
        self.turn.open && self.turn.limit.is_some()
    }

    /// What the open turn waits for and nobody answered.
    pub fn asked(&self) -> Vec<Asked> {
        let open = self.turn.open;
        let waits = self.waits_for.iter().filter(|id| open && !self.answered.contains(*id));
        waits.map(|id| Asked { id: id.clone(), custom: self.custom.contains(id) }).collect()
    }

    /// We answered; the log will say so, too.
    pub fn answered(&mut self, id: &str) {
        self.answered.insert(id.to_owned());
    }

    /// Takes an event in, and writes the lines that it makes. `now` is for those that have no time.
    pub fn take(&mut self, text: &str, now: i64, into: &mut Vec<u8>) {
        self.settle(into);
        let Some(head) = Head::read(text) else { return };
        if !self.seen.insert(head.id.clone()) {
            return;
        }
        let means = meaning(&head.kind, text, &self.session);
        let at = head.at.unwrap_or_else(|| now.max(self.at));
        self.at = self.at.max(at);
        if let Meaning::Message(Some(turn)) = &means
            && *turn > self.turn.number
        {
            self.begin(*turn, at);
            let argv = vec![super::NAME.to_owned(), self.about.id.clone()];
            self.word(at, &Sys::TurnStarted { argv }, into);
            self.introduce(into);
        }
        let line = self.hidden(text, &head);
        if line.len() > journal::MAX_LINE {
            let bytes = line.len() as u64;
            self.word(at, &Sys::Truncated { what: "event".to_owned(), bytes }, into);
        }
        let line = if line.len() > journal::MAX_LINE { stub(&head) } else { line };
        self.turn.bytes += line.len() as u64;
        self.out(at, &line, into);
        self.learn(&head.id, means);
        self.settle(into);
    }

    /// The event as it may be kept. Its id stays what it is, since that is our place in the log.
    fn hidden(&self, text: &str, head: &Head) -> String {
        let hidden = self.redactor.document(text.as_bytes());
        let hidden = String::from_utf8_lossy(&hidden).into_owned();
        match Head::read(&hidden) {
            Some(kept) if kept.id == head.id => hidden,
            _ => stub(head),
        }
    }

    fn learn(&mut self, id: &str, means: Meaning) {
        match means {
            Meaning::Interrupt => self.turn.interrupted |= self.turn.open,
            Meaning::CustomCall => drop(self.custom.insert(id.to_owned())),
            Meaning::Answered(of) => drop(self.answered.insert(of)),
            Meaning::Asks(ids) => self.waits_for = ids,
            Meaning::Working => self.waits_for.clear(),
            Meaning::Repository => self.turn.repository = true,
            Meaning::Usage(usage) => self.usage = usage,
            Meaning::Over(well) => {
                self.waits_for.clear();
                if self.turn.open {
                    self.turn.ended = Some(well);
                }
            }
            Meaning::Message(_) | Meaning::Nothing => {}
        }
    }

    /// Says what the events before make us say.
    pub fn settle(&mut self, into: &mut Vec<u8>) {
        if self.turn.open && !self.turn.introduced {
            self.introduce(into);
        }
        if let (true, Some(well)) = (self.turn.open, self.turn.ended) {
            self.exit(Some(i32::from(!well)), into);
        }
    }

    /// The time is over; the turn is asked to end.
    pub fn out_of_time(&mut self, now: i64, into: &mut Vec<u8>) {
        if self.turn.open && self.turn.limit.is_none() {
            self.turn.limit = Some(Limit::Time);
            self.at = self.at.max(now);
            self.word(self.at, &Sys::Limit(Limit::Time), into);
        }
    }

    /// It was asked to end and does not: for us it is over.
    pub fn give_up(&mut self, now: i64, into: &mut Vec<u8>) {
        if self.turn.open {
            self.at = self.at.max(now);
            self.exit(None, into);
        }
    }

    fn exit(&mut self, code: Option<i32>, into: &mut Vec<u8>) {
        let Turn { started_at, limit, bytes, .. } = self.turn;
        let exit = Exit {
            code,
            out_bytes: bytes,
            duration_ms: u64::try_from(self.at - started_at).unwrap_or(0),
            limit,
            // An interruption of ours is no more than the means.
            interrupted: self.turn.interrupted && limit.is_none() && !self.turn.repository,
            ..Exit::default()
        };
        self.word(self.at, &Sys::TurnExited(exit), into);
        self.turn.open = false;
    }

    fn introduce(&mut self, into: &mut Vec<u8>) {
        let About { id, agent, version, model, url } = &self.about;
        let line = json!({
            "type": ABOUT, "id": format!("{ABOUT}.{}", self.turn.number), "session": id,
            "agent": agent, "version": version, "model": model, "url": url, "used": self.usage,
        });
        self.turn.introduced = true;
        self.out(self.turn.started_at, &line.to_string(), into);
    }

    fn out(&mut self, t: i64, text: &str, into: &mut Vec<u8>) {
        journal::write_output(into, self.next(t), Stream::Out, text.as_bytes());
    }

    fn word(&mut self, t: i64, sys: &Sys, into: &mut Vec<u8>) {
        journal::write_sys(into, self.next(t), sys);
    }

    fn next(&mut self, t: i64) -> LineHead {
        self.last += 1;
        LineHead { n: self.last, t, turn: self.turn.number.max(1) }
    }
}

/// An event of which no more may be kept than that it was.
fn stub(head: &Head) -> String {
    let mut stub = BTreeMap::from([("id", json!(head.id)), ("type", json!(head.kind))]);
    stub.insert("left_out", json!(true));
    json!(stub).to_string()
}
