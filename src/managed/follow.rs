//! Follows a session: the vendor's log as a journal, lossless.
//!
//! The stream tells only what happens while it is open, so it is opened first; then the whole history
//! is listed, then the stream is read on. Where it breaks, all of that begins again after a pause. What
//! was seen before makes no line ([`Cursor`]), so nothing is lost and nothing is told twice.
//!
//! On the way the session is answered where it asks for a permission, and is asked to stop where its
//! time is over or where it works without its repository. Time is the vendor's: what it says when a
//! stream opens, and what has passed since by a clock that only counts.

use super::OnPermission;
use super::again::{self, Again};
use super::cursor::{Asked, Cursor};
use super::sse::{Frame, Parser};
use super::wire::{Call, Incoming, Next, Wire, cannot};
use crate::error::{Failure, Kind, Result};
use crate::http::{self, Answer};
use crate::retry::Patience;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{Error, Read, Result as IoResult};
use std::time::{Duration, Instant};

/// Between one stream and the next. A connection that is lost for as long as all of them take is
/// told; the session goes on meanwhile.
pub(super) const BACK_OFF: Patience =
    Patience { tries: 40, first: Duration::from_millis(500), most: Duration::from_secs(10) };
/// How long is waited at once, so that time limits are seen.
const TICK: Duration = Duration::from_secs(1);
/// A stream that says nothing for so long, not even that it is there, has broken.
const SILENCE: Duration = Duration::from_mins(2);
/// How long a session that was asked to end may take.
const GRACE: Duration = Duration::from_mins(1);
/// How often it is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// The most events a page has.
const PAGE: u32 = 1000;

const DOING: &str = "read the session's events";
const DENIED: &str = "Nobody is here to allow it, and this session is set to deny what needs a permission. Go on \
     without it, and say in your answer what you could not do.";
const NO_TOOL: &str = "Nobody is here to run this tool. Go on without it.";

/// What to do with a session while it is followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Up to the end of which turn; where it is not `followed`, as far as there is anything.
    pub turn: u32,
    pub followed: bool,
    pub on_permission: OnPermission,
    /// How long a turn may take.
    pub most: Option<Duration>,
}

/// A journal as it comes in.
pub(super) struct Follow {
    wire: Wire,
    id: String,
    cursor: Cursor,
    rules: Rules,
    stage: Stage,
    stream: Option<Incoming>,
    parser: Parser,
    /// What the vendor's clock showed, and when.
    clock: (i64, Instant),
    heard: Instant,
    /// How often in a row nothing new came of a stream, which makes the pauses longer; and how often
    /// in a row the history could not be had, which ends it.
    tries: u32,
    failures: u32,
    asked_to_stop: Option<Instant>,
    limited: Option<Instant>,
    waiting: VecDeque<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Connect,
    /// The history, from this page on.
    List(Option<String>),
    Live,
    Done,
}

/// A page of events, each as it was written.
#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    #[serde(default)]
    next_page: Option<String>,
}

impl Follow {
    pub fn new(wire: Wire, id: &str, cursor: Cursor, rules: Rules) -> Self {
        let now = Instant::now();
        Self {
            wire,
            id: id.to_owned(),
            clock: (cursor.newest(), now),
            cursor,
            rules,
            stage: Stage::Connect,
            stream: None,
            parser: Parser::default(),
            heard: now,
            tries: 0,
            failures: 0,
            asked_to_stop: None,
            limited: None,
            waiting: VecDeque::new(),
        }
    }

    /// One step on.
    fn step(&mut self) -> Result<()> {
        let mut lines = Vec::new();
        let stepped = match self.stage.clone() {
            Stage::Connect => self.connect(&mut lines),
            Stage::List(page) => self.list(page.as_deref(), &mut lines),
            Stage::Live => self.live(&mut lines),
            Stage::Done => Ok(()),
        };
        let acted = stepped.and_then(|()| self.act(&mut lines));
        // What was read is told first, whatever came after it.
        if !lines.is_empty() {
            self.tries = 0;
            self.waiting.extend(lines);
        }
        if self.cursor.is_over(self.rules.turn) {
            self.stage = Stage::Done;
        }
        acted
    }

    fn connect(&mut self, lines: &mut Vec<u8>) -> Result<()> {
        // What was cut off after its event is made up for, should nothing more come.
        self.cursor.settle(lines);
        self.parser = Parser::default();
        self.stream = None;
        if self.rules.followed && !self.cursor.is_over(self.rules.turn) {
            let path = format!("{}/stream", self.events());
            match self.wire.open(&path) {
                Ok(Ok(incoming)) => {
                    self.set_clock(incoming.date);
                    self.stream = Some(incoming);
                }
                Ok(Err(answer)) if is_fatal(&answer) => {
                    return Err(self.wire.problem(&answer, DOING));
                }
                Ok(Err(answer)) => return self.later(self.wire.problem(&answer, DOING)),
                Err(lost) => return self.later(lost.while_doing(cannot(DOING))),
            }
        }
        self.heard = Instant::now();
        self.stage = Stage::List(None);
        Ok(())
    }

    fn list(&mut self, page: Option<&str>, lines: &mut Vec<u8>) -> Result<()> {
        let more = page.map(|page| format!("&page={}", http::encoded(page))).unwrap_or_default();
        let call = Call::get(format!("{}?limit={PAGE}{more}", self.events()));
        let answer = match self.wire.ask(&call) {
            Ok(answer) if answer.is_success() => answer,
            Ok(answer) if is_fatal(&answer) => return Err(self.wire.problem(&answer, DOING)),
            Ok(answer) => return self.later(self.wire.problem(&answer, DOING)),
            Err(lost) => return self.later(lost.while_doing(cannot(DOING))),
        };
        self.failures = 0;
        self.set_clock(again::date(&answer.headers));
        let page: Page = answer.json().map_err(|failed| failed.while_doing(cannot(DOING)))?;
        let now = self.now();
        for event in &page.data {
            self.cursor.take(event.get(), now, lines);
        }
        self.stage = match page.next_page {
            Some(next) => Stage::List(Some(next)),
            None if self.stream.is_some() => Stage::Live,
            None => Stage::Done,
        };
        Ok(())
    }

    fn live(&mut self, lines: &mut Vec<u8>) -> Result<()> {
        let Some(stream) = &mut self.stream else {
            self.stage = Stage::Connect;
            return Ok(());
        };
        match self.wire.next(stream, TICK) {
            Next::Quiet if self.heard.elapsed() < SILENCE => Ok(()),
            Next::Quiet | Next::Ended => self.broken(),
            Next::Bytes(bytes) => {
                self.heard = Instant::now();
                let now = self.now();
                for frame in self.parser.feed(&bytes) {
                    match frame {
                        Frame::Event { name, data } if name == "error" => {
                            return self.broken_by(&data);
                        }
                        Frame::Event { data, .. } => self.cursor.take(&data, now, lines),
                        // The history has it.
                        Frame::TooLong => return self.broken(),
                    }
                }
                Ok(())
            }
        }
    }

    /// The stream has ended; a session that has not goes on.
    fn broken(&mut self) -> Result<()> {
        self.later(Failure::new(Kind::Network, cannot(DOING)).because("the stream has broken"))
    }

    fn broken_by(&mut self, data: &str) -> Result<()> {
        let event: Value = serde_json::from_str(data).unwrap_or_default();
        let kind = event.pointer("/error/type").and_then(Value::as_str).unwrap_or_default();
        let said = event.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
        let failed = Failure::new(Kind::Network, cannot(DOING))
            .because(super::reader::shortened(&format!("{kind}: {said}")));
        self.later(failed)
    }

    /// Begins again after a pause, unless it is time to give up.
    fn later(&mut self, failed: Failure) -> Result<()> {
        self.stage = Stage::Connect;
        let back_off = self.wire.back_off();
        self.tries = (self.tries + 1).min(back_off.tries - 1);
        self.failures += 1;
        if !self.rules.followed || self.failures >= back_off.tries {
            return Err(failed);
        }
        back_off.wait(self.tries, None);
        Ok(())
    }

    /// Does what the session waits for, and what is to be done about it.
    fn act(&mut self, lines: &mut Vec<u8>) -> Result<()> {
        // Only who has read all of the history knows what was answered before. A look is the time
        // for it, too, where nobody follows.
        if !matches!(self.stage, Stage::Live | Stage::Done) {
            return Ok(());
        }
        self.keep_time(lines);
        if self.cursor.wants_interrupt()
            && self.asked_to_stop.is_none_or(|asked| asked.elapsed() > ASK_AGAIN)
        {
            self.asked_to_stop = Some(Instant::now());
            // Where it does not get there it is said again.
            let _ = self.wire.ask(&interrupt(&self.id));
        }
        let asked = self.cursor.asked();
        if asked.is_empty() {
            return Ok(());
        }
        let answered = self.answer(&asked);
        if !self.rules.followed {
            // Who only looks is told what there is, whatever came of it.
            self.stage = Stage::Done;
            return Ok(());
        }
        answered
    }

    fn keep_time(&mut self, lines: &mut Vec<u8>) {
        let now = self.now();
        if let (Some(began), Some(most)) = (self.cursor.began(), self.rules.most)
            && u128::try_from(now - began).is_ok_and(|spent| spent > most.as_millis())
        {
            self.cursor.out_of_time(now, lines);
        }
        if self.cursor.is_limited()
            && self.limited.get_or_insert_with(Instant::now).elapsed() > GRACE
        {
            self.cursor.give_up(now, lines);
        }
    }

    fn answer(&mut self, asked: &[Asked]) -> Result<()> {
        let allow = self.rules.on_permission == OnPermission::Allow;
        let events: Vec<Value> = asked.iter().map(|asked| answer(asked, allow)).collect();
        let call = Call::post(self.events(), json!({ "events": events }), Again::Refused);
        match self.wire.ask(&call) {
            Ok(answer) if matches!(answer.status, 401 | 403) => {
                return Err(self.wire.problem(&answer, "answer what the session asks for"));
            }
            // Refused otherwise, somebody else was faster: the log tells.
            Ok(answer) if answer.status < 500 && answer.status != 408 => {
                for asked in asked {
                    self.cursor.answered(&asked.id);
                }
            }
            // Nobody knows whether it got there; the history does.
            Ok(_) | Err(_) => return self.broken(),
        }
        Ok(())
    }

    fn events(&self) -> String {
        events(&self.id)
    }

    fn set_clock(&mut self, date: Option<i64>) {
        self.clock = (date.unwrap_or_else(|| self.now()), Instant::now());
    }

    /// The vendor's time, in Unix milliseconds.
    fn now(&self) -> i64 {
        let (then, at) = self.clock;
        let now = then.saturating_add(i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX));
        now.max(self.cursor.newest())
    }
}

impl Read for Follow {
    fn read(&mut self, into: &mut [u8]) -> IoResult<usize> {
        while self.waiting.is_empty() && self.stage != Stage::Done {
            let stepped = self.step();
            if self.waiting.is_empty() {
                stepped.map_err(Error::other)?;
            }
        }
        self.waiting.read(into)
    }
}

/// Where a session's events are.
pub(super) fn events(id: &str) -> String {
    format!("/v1/sessions/{}/events", http::encoded(id))
}

/// Asks a session to stop, by itself: what follows it would be refused while it stops.
pub(super) fn interrupt(id: &str) -> Call<'static> {
    Call::post(events(id), json!({ "events": [{ "type": "user.interrupt" }] }), Again::Always)
}

fn answer(asked: &Asked, allow: bool) -> Value {
    match (asked.custom, allow) {
        (true, _) => json!({
            "type": "user.custom_tool_result", "custom_tool_use_id": asked.id, "is_error": true,
            "content": [{ "type": "text", "text": NO_TOOL }],
        }),
        (false, true) => json!({
            "type": "user.tool_confirmation", "tool_use_id": asked.id, "result": "allow",
        }),
        (false, false) => json!({
            "type": "user.tool_confirmation", "tool_use_id": asked.id, "result": "deny",
            "deny_message": DENIED,
        }),
    }
}

/// Whether it will be the same answer again.
fn is_fatal(answer: &Answer) -> bool {
    (400..500).contains(&answer.status) && !matches!(answer.status, 408 | 409 | 429)
}
