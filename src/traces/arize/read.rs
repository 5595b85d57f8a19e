//! Which spans are asked for, in which order, and what is done when the server loses its place.
//!
//! A range is read in a few [`Slices`], the oldest first, so that a reading that is cut goes on where it
//! was. What is in a slice comes newest first, page after page. A cursor that is refused costs nothing:
//! a new first page that ends where the last one stopped goes on from there. Both ends of a range belong
//! to it, so what starts at a border comes twice; whoever keeps spans keeps one of each id.

use super::super::span::{SpanId, TraceId};
use super::super::{Ask, Sink};
use super::api::{Api, Pagination};
use super::record;
use crate::error::{Failure, Kind, Result};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// The most spans that one page gives.
const PAGE: usize = 500;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// How long after its start a span may still turn up, in milliseconds: twelve hours by the vendor's
/// longest figure, and one more.
const OVERLAP: i64 = 13 * HOUR;

/// How far back a window without a beginning reaches, in milliseconds.
const FARTHEST: i64 = 2 * 366 * DAY;

/// How long before a window the rest of its traces is looked for, in milliseconds.
const BEFORE: i64 = DAY;

/// A slice is no shorter than a day, and there are no more than so many.
const SLICES: i64 = 8;

/// How many traces are asked for at once.
const TRACES: usize = 50;

const DOING: &str = "read spans of Arize AX";

/// Reads what is new of a window and returns the next mark.
pub(super) fn read(api: &Api, project: &str, ask: &Ask, sink: &mut dyn Sink) -> Result<String> {
    let mark = ask.mark.and_then(Mark::read).filter(|mark| mark.project == project);
    if ask.mark.is_some() && mark.is_none() {
        sink.anew()?;
    }
    let none = || Mark { project: project.to_owned(), done: i64::MIN, told: i64::MIN };
    let mut mark = mark.unwrap_or_else(none);
    let mut spans = 0;
    for slice in Range::of(ask).since(mark.done).slices() {
        let (from, to, told) = (slice.from, Some(slice.to), mark.told);
        Query { api, project, filter: None, from, to, told }.all(&mut spans, ask.progress, sink)?;
        mark.done = mark.done.max(slice.to.min(ask.now - OVERLAP));
        mark.told = mark.told.max(slice.to);
        sink.reached(&mark.text())?;
    }
    Ok(mark.text())
}

/// Reads all there is of some traces; `since` is where their window begins, in Unix milliseconds.
pub(super) fn complete(
    api: &Api,
    project: &str,
    (traces, since): (&[TraceId], i64),
    sink: &mut dyn Sink,
) -> Result<()> {
    for some in traces.chunks(TRACES) {
        let names: Vec<_> = some.iter().map(|id| format!("context.trace_id = '{id}'")).collect();
        let filter = Some(names.join(" OR "));
        let from = since.saturating_sub(BEFORE);
        let query = Query { api, project, filter, from, to: None, told: i64::MAX };
        query.all(&mut 0, &|_| {}, sink)?;
    }
    Ok(())
}

/// Where a window begins, in Unix milliseconds.
pub(super) fn begin(ask: &Ask) -> i64 {
    ask.window.since.unwrap_or(ask.now - FARTHEST)
}

/// Both ends belong to it; Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    from: i64,
    to: i64,
}

impl Range {
    fn of(ask: &Ask) -> Self {
        let to = ask.window.until.map_or(ask.now, |until| until.min(ask.now));
        Self { from: begin(ask), to }
    }

    /// What of it is not there for good.
    fn since(self, done: i64) -> Self {
        Self { from: self.from.max(done), ..self }
    }

    /// Its parts, the oldest first; of none where it is empty.
    fn slices(self) -> impl Iterator<Item = Self> {
        let length = ((self.to - self.from) / SLICES + 1).max(DAY);
        let next = move |slice: &Self| {
            (slice.to < self.to)
                .then(|| Self { from: slice.to, to: self.to.min(slice.to + length) })
        };
        let first = Self { from: self.from, to: self.to.min(self.from + length) };
        std::iter::successors((self.from <= self.to).then_some(first), next)
    }
}

/// What was read before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    /// What starts before then is there for good, Unix milliseconds.
    done: i64,
    /// Up to then it is known what cannot be read, Unix milliseconds.
    told: i64,
    project: String,
}

impl Mark {
    /// One that is not ours is none.
    fn read(text: &str) -> Option<Self> {
        let (done, rest) = text.split_once(' ')?;
        let (told, project) = rest.split_once(' ')?;
        let project = project.to_owned();
        Some(Self { done: done.parse().ok()?, told: told.parse().ok()?, project })
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.done, self.told, self.project)
    }
}

/// One question, however many pages its answer has.
struct Query<'a> {
    api: &'a Api,
    project: &'a str,
    filter: Option<String>,
    /// Unix milliseconds. Without an end it reaches up to now.
    from: i64,
    to: Option<i64>,
    /// What cannot be read and starts by then was left out before.
    told: i64,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    spans: Vec<Value>,
    #[serde(default)]
    pagination: Option<Pagination>,
}

/// What came of a question so far.
struct Taken {
    ids: HashSet<(TraceId, SpanId)>,
    /// When the oldest span starts, Unix microseconds.
    oldest: i64,
    told: i64,
}

impl Query<'_> {
    /// Pushes every span, and counts them up.
    fn all(&self, count: &mut u64, progress: &dyn Fn(u64), sink: &mut dyn Sink) -> Result<()> {
        let earlier = *count;
        let mut taken = Taken { ids: HashSet::new(), oldest: i64::MAX, told: self.told };
        let mut end = self.to.map(|ms| ms.saturating_mul(1_000));
        let mut cursor: Option<String> = None;
        // How many spans there were at the last new start.
        let mut before = 0;
        loop {
            let answer = self.ask(end, cursor.as_deref())?;
            if cursor.is_some() && matches!(answer.status, 400 | 404 | 410 | 422) {
                if taken.ids.len() == before {
                    return Err(self.api.refused(DOING, &answer));
                }
                // Rounded up: what starts within the same microsecond may not have come yet.
                let last = taken.oldest.saturating_add(1);
                end = Some(end.map_or(last, |end| end.min(last)));
                (cursor, before) = (None, taken.ids.len());
                continue;
            }
            let page: Page = self.api.read(DOING, &answer)?;
            page.spans.into_iter().try_for_each(|span| taken.take(span, sink))?;
            *count = earlier + taken.ids.len() as u64;
            progress(*count);
            let next = page.pagination.unwrap_or_default().next();
            if next.is_some() && next == cursor {
                return Err(Failure::new(Kind::Network, format!("cannot {DOING}"))
                    .because("Arize AX gives the same page again and again"));
            }
            match next {
                None => return Ok(()),
                next => cursor = next,
            }
        }
    }

    fn ask(&self, end: Option<i64>, cursor: Option<&str>) -> Result<crate::http::Answer> {
        let mut path = format!("/v2/spans?limit={PAGE}");
        if let Some(cursor) = cursor {
            path.push_str(&format!("&cursor={}", crate::http::encoded(cursor)));
        }
        let mut body = Map::new();
        body.insert("project_id".to_owned(), self.project.into());
        body.insert("start_time".to_owned(), time(self.from.saturating_mul(1_000)).into());
        if let Some(end) = end {
            body.insert("end_time".to_owned(), time(end).into());
        }
        if let Some(filter) = &self.filter {
            body.insert("filter".to_owned(), filter.as_str().into());
        }
        self.api.post(&path, &Value::Object(body))
    }
}

impl Taken {
    /// Passes on what was not there yet.
    fn take(&mut self, span: Value, sink: &mut dyn Sink) -> Result<()> {
        let start = span["start_time"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        let read = match span {
            Value::Object(object) => record::read(object),
            _ => Err("spans that are no objects"),
        };
        let (span, annotations) = match read {
            Ok(read) => read,
            Err(reason) => {
                if start.map_or(i64::MIN, Timestamp::as_millisecond) > self.told
                    || self.told == i64::MIN
                {
                    sink.left_out(reason, 1);
                }
                return Ok(());
            }
        };
        self.oldest = self.oldest.min(span.start_us);
        if !self.ids.insert((span.trace_id, span.span_id)) {
            return Ok(());
        }
        sink.span(span)?;
        annotations.into_iter().try_for_each(|annotation| sink.annotation(annotation))
    }
}

/// Unix microseconds as RFC 3339.
pub(super) fn time(us: i64) -> String {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::Window;

    const NOW: i64 = 1_000 * DAY;

    #[track_caller]
    fn check(window: (Option<i64>, Option<i64>), done: i64, expected: &[(i64, i64)]) {
        let days = |n: Option<i64>| n.map(|n| n * DAY);
        let window = Window { since: days(window.0), until: days(window.1) };
        let ask = Ask { window, mark: None, now: NOW, progress: &|_| {} };
        let slices: Vec<_> =
            Range::of(&ask).since(done).slices().map(|s| (s.from / HOUR, s.to / HOUR)).collect();
        assert_eq!(slices, expected);
    }

    #[test]
    fn a_range_is_read_in_slices_from_what_is_there() {
        let none = i64::MIN;
        check((Some(999), None), none, &[(999 * 24, 24_000)]);
        check((Some(997), Some(999)), none, &[(997 * 24, 998 * 24), (998 * 24, 999 * 24)]);
        check((Some(997), None), NOW - OVERLAP, &[(24_000 - 13, 24_000)]);
        // Nothing comes any more, and one question is enough to be sure.
        check((Some(900), Some(901)), 901 * DAY, &[(901 * 24, 901 * 24)]);
        check((Some(900), Some(901)), 902 * DAY, &[]);
        let ask = Ask {
            window: Window { since: None, until: None },
            mark: None,
            now: NOW,
            progress: &|_| {},
        };
        let all: Vec<_> = Range::of(&ask).slices().collect();
        assert_eq!(all.len(), 8);
        assert_eq!((all[0].from, all[7].to), (NOW - FARTHEST, NOW));
    }

    #[test]
    fn a_mark_that_is_not_ours_is_none() {
        let mark = Mark { done: -5, told: 7, project: "TW9kZWw6MTA=".to_owned() };
        assert_eq!(Mark::read(&mark.text()), Some(mark));
        assert_eq!(Mark::read("garbage"), None);
        assert_eq!(Mark::read("5 TW9kZWw6MTA="), None);
    }
}
