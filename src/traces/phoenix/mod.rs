//! A source of traces: a Phoenix server, over its REST API.
//!
//! Spans are read in the order in which the server stored them, not by their own times: so a span that
//! arrives late, long after its neighbours, is still found by a reading that goes on where the last one
//! ended. The mark is the last span of a reading. A cursor of this API is inclusive, so that span comes
//! first in the next reading, is recognised, and is not counted again; where another stands in its
//! place, the server's database is a new one, and everything is read anew.
//!
//! Guaranteed: each span that the server held when a reading began is pushed, once within a reading,
//! if it starts in the window. Not noticed by a reading that goes on: spans that were deleted at the
//! server before the last one, and spans that several writers of one PostgreSQL database committed out
//! of the order of their ids. Whoever keeps what was read reads it anew from time to time for that.
//!
//! Sessions are not asked for: what Phoenix tells of them is computed from their spans. Annotations
//! are, of spans, traces and sessions; those of single retrieved documents have no list to be read from.

mod annotate;
mod look;
mod page;
mod server;
#[cfg(test)]
mod tests;

use super::span::TraceId;
use super::{Ask, Fact, Reach, Sink, Source, Targets};
use crate::domain::plan::Window;
use crate::domain::preset::Project;
use crate::domain::words::did_you_mean;
use crate::error::{Failure, Kind, Result};
use crate::http::{Answer, encoded};
use jiff::Timestamp;
use page::{Named, Page, Raw, Row, Told};
use serde::{Deserialize, Serialize};
use server::Server;

/// The most spans that a page may have.
const PAGE: usize = 1_000;
/// Annotations of a page; Phoenix gives ten where nobody says.
const TOLD: usize = 1_000;
/// How long the ids of one request may be, so that it fits into what proxies take.
const IDS: usize = 6_000;

/// See the module's documentation.
pub struct Phoenix<'a> {
    server: Server<'a>,
}

/// The address at which the server shows a trace, in whatever project it is.
pub fn trace_page(project: &Project, trace: &str) -> Option<String> {
    let url = project.url.as_ref()?.trim_end_matches('/');
    Some(format!("{url}/redirects/traces/{}", encoded(trace)))
}

/// How far a reading came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mark {
    /// The id of the project, where its name cannot stand in an address.
    project: Option<String>,
    /// The last span: the id of its row, its trace and itself.
    row: String,
    trace: String,
    span: String,
    /// When it starts, in Unix milliseconds: a window that begins later must reach back to it.
    start: i64,
}

impl<'a> Phoenix<'a> {
    pub fn new(project: &'a Project, reach: Reach<'a>) -> Result<Self> {
        Ok(Self { server: Server::new(project, reach)? })
    }

    /// The server's own name of the project.
    fn name(&self) -> &'a str {
        let project = self.server.project();
        project.project.as_deref().unwrap_or(&project.name)
    }

    /// The id of the project where it has to be asked for.
    fn id(&self) -> Result<Option<String>> {
        let name = self.name();
        if !name.contains(['/', '?', '#']) {
            return Ok(None);
        }
        let found = self.projects(Some(name))?.into_iter().find(|project| project.name == name);
        found.map(|project| Some(project.id)).ok_or_else(|| self.no_project(&[]))
    }

    /// Where the project is, below the server's address.
    fn place(&self, id: Option<&str>) -> String {
        format!("/v1/projects/{}", encoded(id.unwrap_or_else(|| self.name())))
    }

    /// The projects whose names hold a text, or all.
    fn projects(&self, named: Option<&str>) -> Result<Vec<Named>> {
        let filter =
            named.map_or_else(String::new, |name| format!("&name_contains={}", encoded(name)));
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let more = from(cursor.as_deref());
            let page: Page<Named> =
                self.server.json(&format!("/v1/projects?limit={PAGE}{filter}{more}"))?;
            all.extend(page.data);
            match page.next_cursor {
                Some(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
                _ => return Ok(all),
            }
        }
    }

    fn no_project(&self, known: &[Named]) -> Failure {
        let (name, at) = (self.name(), self.server.shown());
        let failed =
            Failure::new(Kind::Config, format!("Phoenix at `{at}` has no project `{name}`"))
                .because("it is made when the first span is sent to it");
        let near = did_you_mean(name, known.iter().map(|project| project.name.as_str()));
        match near {
            Some(near) => failed.hint(format!("did you mean `project = \"{near}\"`?")),
            None => failed.hint(format!(
                "send spans with the resource attribute `openinference.project.name` = `{name}`"
            )),
        }
    }

    /// A page of spans, or `None` where its cursor is none of the server's.
    fn page(&self, path: &str) -> Result<Option<Page<Raw>>> {
        let answer = self.server.ask(path)?;
        match answer.status {
            404 => Err(self.missing(&answer)),
            422 if path.contains("&cursor=") && answer.said() == "Invalid cursor" => Ok(None),
            _ if answer.is_success() => self.server.read(&answer).map(Some),
            _ => Err(self.server.refused(&answer)),
        }
    }

    /// A 404 where the project was asked for.
    fn missing(&self, answer: &Answer) -> Failure {
        if !answer.said().contains("Project") {
            return self.server.refused(answer);
        }
        self.projects(None).map_or_else(|failed| failed, |known| self.no_project(&known))
    }

    /// Walks the pages that a filter gives, from a mark on where there is one.
    fn walk(&self, filter: &str, mark: Option<&Mark>, into: &mut Intake) -> Result<Walked> {
        let mut cursor = mark.map(|mark| mark.row.clone());
        let mut last = None;
        let mut first = true;
        loop {
            let more = from(cursor.as_deref());
            let Some(page) =
                self.page(&format!("{filter}&sort=id&order=asc&limit={PAGE}{more}"))?
            else {
                return Ok(Walked::MarkIsVoid);
            };
            let mut rows = page.data.iter().map(|raw| (raw, Row::of(raw)));
            if let Some(mark) = mark.filter(|_| first)
                && !rows.next().is_some_and(|(_, row)| row.is_some_and(|row| mark.is_of(&row)))
            {
                return Ok(Walked::MarkIsVoid);
            }
            first = false;
            for (raw, row) in rows {
                if let Some(row) = row {
                    self.in_order(last.as_ref(), &row)?;
                    last = Some(row);
                }
                into.take(raw)?;
            }
            into.page(last.as_ref())?;
            match page.next_cursor {
                Some(next) if cursor.as_ref() == Some(&next) => return Err(self.in_circles()),
                Some(next) => cursor = Some(next),
                None => return Ok(Walked::ToTheEnd),
            }
        }
    }

    fn in_order(&self, last: Option<&Row>, row: &Row) -> Result<()> {
        match last.and_then(Row::number).zip(row.number()) {
            Some((last, this)) if this <= last => Err(self.in_circles()),
            _ => Ok(()),
        }
    }

    fn in_circles(&self) -> Failure {
        let sentence = format!("Phoenix at `{}` does not list spans as asked", self.server.shown());
        Failure::new(Kind::Network, sentence)
            .because("they do not come in the order in which they were stored")
            .hint("update Phoenix: 20.26 is known to work")
    }
}

impl Source for Phoenix<'_> {
    fn fingerprint(&self) -> Option<String> {
        None
    }

    fn read(&self, ask: &Ask, sink: &mut dyn Sink) -> Result<Option<String>> {
        let mark = ask.mark.and_then(|mark| serde_json::from_str::<Mark>(mark).ok());
        let id = match &mark {
            Some(mark) => mark.project.clone(),
            None => self.id()?,
        };
        let spans = format!("{}/spans?", self.place(id.as_deref()));
        let mut into = Intake { sink, ask: Some(ask), project: id, last: None, count: 0 };
        if let Some(mark) = &mark {
            let filter = format!("{spans}{}", range(ask.window, Some(mark.start)));
            match self.walk(&filter, Some(mark), &mut into)? {
                Walked::ToTheEnd => return Ok(into.last.or_else(|| ask.mark.map(str::to_owned))),
                Walked::MarkIsVoid => into.sink.anew()?,
            }
        }
        into.project = self.id()?;
        let spans = format!("{}/spans?", self.place(into.project.as_deref()));
        self.walk(&format!("{spans}{}", range(ask.window, None)), None, &mut into)?;
        Ok(into.last)
    }

    fn complete(&self, traces: &[TraceId], sink: &mut dyn Sink) -> Result<()> {
        let place = self.place(self.id()?.as_deref());
        let mut into = Intake { sink, ask: None, project: None, last: None, count: 0 };
        for ids in batches("trace_id", traces.iter().map(ToString::to_string)) {
            self.walk(&format!("{place}/spans?{ids}"), None, &mut into)?;
        }
        Ok(())
    }

    fn annotations(&self, about: &Targets, sink: &mut dyn Sink) -> Result<bool> {
        let place = self.place(self.id()?.as_deref());
        let spans = batches("span_ids", about.spans.iter().map(ToString::to_string));
        let traces = batches("trace_ids", about.traces.iter().map(ToString::to_string));
        let sessions = batches("session_ids", about.sessions.iter().cloned());
        for (kind, batches) in [("span", spans), ("trace", traces), ("session", sessions)] {
            for ids in batches {
                self.told(&format!("{place}/{kind}_annotations?limit={TOLD}{ids}"), sink)?;
            }
        }
        Ok(true)
    }

    fn inspect(&self) -> Result<Vec<Fact>> {
        look::inspect(self)
    }
}

impl Phoenix<'_> {
    fn told(&self, path: &str, sink: &mut dyn Sink) -> Result<()> {
        let mut cursor: Option<String> = None;
        loop {
            let more = from(cursor.as_deref());
            let answer = self.server.ask(&format!("{path}{more}"))?;
            // All of these are deleted since, or nobody ever stored the session.
            if answer.status == 404 {
                return Ok(());
            }
            if !answer.is_success() {
                return Err(self.server.refused(&answer));
            }
            let page: Page<Told> = self.server.read(&answer)?;
            let told = page.data.into_iter().filter_map(Told::annotation);
            told.into_iter().try_for_each(|annotation| sink.annotation(annotation))?;
            match page.next_cursor {
                Some(next) if cursor.as_ref() == Some(&next) => return Err(self.in_circles()),
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            }
        }
    }
}

enum Walked {
    ToTheEnd,
    MarkIsVoid,
}

/// Where the spans of a walk go.
struct Intake<'a> {
    sink: &'a mut dyn Sink,
    /// Whose reading this is; none where only single traces are fetched.
    ask: Option<&'a Ask<'a>>,
    project: Option<String>,
    last: Option<String>,
    count: u64,
}

impl Intake<'_> {
    fn take(&mut self, raw: &Raw) -> Result<()> {
        match page::span(raw) {
            Ok(span) => self.sink.span(span)?,
            Err(reason) => self.sink.left_out(reason, 1),
        }
        self.count += 1;
        Ok(())
    }

    /// A page is through, and `last` is the last span so far.
    fn page(&mut self, last: Option<&Row>) -> Result<()> {
        let Some((ask, row)) = self.ask.zip(last) else { return Ok(()) };
        let mark = Mark::of(row, self.project.clone());
        // Of texts and a number: it cannot fail.
        self.last = serde_json::to_string(&mark).ok();
        if let Some(mark) = &self.last {
            self.sink.reached(mark)?;
        }
        (ask.progress)(self.count);
        Ok(())
    }
}

impl Mark {
    fn of(row: &Row, project: Option<String>) -> Self {
        let start = row.start_time.parse::<Timestamp>().map_or(i64::MIN, Timestamp::as_millisecond);
        let page::Context { trace_id, span_id } = row.context.clone();
        Self { project, row: row.id.clone(), trace: trace_id, span: span_id, start }
    }

    fn is_of(&self, row: &Row) -> bool {
        self.row == row.id && self.trace == row.context.trace_id && self.span == row.context.span_id
    }
}

/// A window as filters on when a span starts. `back` is what it must reach back to.
fn range(window: Window, back: Option<i64>) -> String {
    let since = window.since.map(|since| back.map_or(since, |back| since.min(back)));
    // A time that nobody can write is no bound.
    let text = |ms: i64| Timestamp::from_millisecond(ms).ok().map(|time| time.to_string());
    let since = query("start_time", since.and_then(text).as_deref());
    let until = query("end_time", window.until.and_then(text).as_deref());
    format!("{since}{until}")
}

/// Where a page begins; nothing is the beginning.
fn from(cursor: Option<&str>) -> String {
    cursor.map_or_else(String::new, |cursor| format!("&cursor={}", encoded(cursor)))
}

/// `&key=value`, or nothing.
fn query(key: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!("&{key}={}", encoded(value)))
}

/// Ids as parameters, as many to a request as fit.
fn batches(key: &str, ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut batches: Vec<String> = Vec::new();
    for id in ids {
        let text = query(key, Some(&id));
        match batches.last_mut() {
            Some(last) if last.len() + text.len() <= IDS => last.push_str(&text),
            _ => batches.push(text),
        }
    }
    batches
}
