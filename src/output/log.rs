//! A stored transcript, as it is printed: for people, or as JSON lines.

use super::human::transcript::{Detail, Transcript};
use super::json::v1::{EventText, write_event, write_event_text};
use super::style::{Level, Screens};
use crate::domain::transcript::Event;
use std::io::{self, Write};

pub enum Log<'a> {
    Human(Box<Transcript>),
    /// The session that the events belong to.
    Json(&'a str),
}

impl<'a> Log<'a> {
    pub fn new(as_json: bool, screens: &Screens, session: &'a str) -> Self {
        if as_json {
            return Self::Json(session);
        }
        let detail = if screens.level == Level::Verbose { Detail::Full } else { Detail::Brief };
        Self::Human(Box::new(Transcript::new(screens.out, detail)))
    }

    pub fn event(&mut self, out: &mut dyn Write, event: &Event) -> io::Result<()> {
        match self {
            Self::Human(transcript) => transcript.write(out, event),
            Self::Json(session) => write_event(out, session, event),
        }
    }

    /// An event as it is stored, written without reading it. `None` where that cannot be, and it has
    /// to be read.
    pub fn text(
        &self,
        out: &mut dyn Write,
        line: &[u8],
        wanted: &dyn Fn(u64, u32) -> bool,
    ) -> Option<io::Result<()>> {
        let Self::Json(session) = self else { return None };
        let event = EventText::of(std::str::from_utf8(line).ok()?)?;
        Some(match wanted(event.seq, event.turn) {
            true => write_event_text(out, session, &event),
            false => Ok(()),
        })
    }

    /// What is still to be said when no event follows.
    pub fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Human(transcript) => transcript.finish(out),
            Self::Json(_) => Ok(()),
        }
    }
}
