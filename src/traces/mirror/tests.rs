use super::*;
use crate::error::Failure;
use crate::traces::annotation::Target;
use crate::traces::attributes::Attributes;
use crate::traces::span::Status;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// 1 January 2026, in Unix milliseconds.
const NOW: i64 = 1_767_225_600_000;

/// A server in memory that stores spans in the order in which they come, and answers in pages of three.
#[derive(Default)]
struct Server {
    rows: RefCell<Vec<(u64, Span)>>,
    next: Cell<u64>,
    told: RefCell<Vec<Annotation>>,
    requests: Cell<u64>,
    /// After so many further pages it is away.
    breaks_after: Cell<Option<u64>>,
}

impl Server {
    fn store(&self, spans: impl IntoIterator<Item = Span>) {
        for span in spans {
            self.next.set(self.next.get() + 1);
            self.rows.borrow_mut().push((self.next.get(), span));
        }
    }

    fn request(&self) -> Result<()> {
        self.requests.set(self.requests.get() + 1);
        match self.breaks_after.get() {
            Some(0) => Err(Failure::new(Kind::Network, "away")),
            left => {
                self.breaks_after.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }

    fn requests(&self) -> u64 {
        self.requests.take()
    }

    /// What a snapshot of the window must hold.
    fn wanted(&self, window: Window) -> BTreeSet<(TraceId, SpanId)> {
        let mut traces: BTreeMap<TraceId, Vec<Span>> = BTreeMap::new();
        for (_, span) in &*self.rows.borrow() {
            traces.entry(span.trace_id).or_default().push(span.clone());
        }
        let starts = |trace: &&Vec<Span>| {
            let start = trace.iter().map(|span| span.start_us).min().unwrap_or_default() / 1_000;
            window.since.is_none_or(|since| start >= since)
                && window.until.is_none_or(|until| start < until)
        };
        let spans = traces.values().filter(starts).flatten();
        spans.map(|span| (span.trace_id, span.span_id)).collect()
    }
}

impl Source for Server {
    fn fingerprint(&self) -> Option<String> {
        None
    }

    fn read(&self, ask: &Ask, sink: &mut dyn Sink) -> Result<Option<String>> {
        let inside = |span: &Span| {
            let start = span.start_us / 1_000;
            ask.window.since.is_none_or(|since| start >= since)
                && ask.window.until.is_none_or(|until| start < until)
        };
        let mut from = 0;
        if let Some(mark) = ask.mark {
            let (row, id) = mark.split_once(' ').unwrap();
            from = row.parse().unwrap();
            let is_there =
                |(own, span): &(u64, Span)| *own == from && span.span_id.to_string() == id;
            if !self.rows.borrow().iter().any(is_there) {
                self.request()?;
                sink.anew()?;
                from = 0;
            }
        }
        let rows = self.rows.borrow();
        let new: Vec<_> = rows.iter().filter(|(row, span)| *row > from && inside(span)).collect();
        let mut last = ask.mark.filter(|_| from > 0).map(str::to_owned);
        for page in new.chunks(3) {
            self.request()?;
            for (row, span) in page {
                sink.span(span.clone())?;
                last = Some(format!("{row} {}", span.span_id));
            }
            sink.reached(last.as_deref().unwrap())?;
        }
        if new.is_empty() {
            self.request()?;
        }
        Ok(last)
    }

    fn complete(&self, traces: &[TraceId], sink: &mut dyn Sink) -> Result<()> {
        self.request()?;
        let rows = self.rows.borrow();
        let mut of = rows.iter().filter(|(_, span)| traces.contains(&span.trace_id));
        of.try_for_each(|(_, span)| sink.span(span.clone()))
    }

    fn annotations(&self, about: &Targets, sink: &mut dyn Sink) -> Result<bool> {
        self.request()?;
        let told = self.told.borrow();
        let mut of = told.iter().filter(|one| match &one.target {
            Target::Span(id) => about.spans.contains(id),
            Target::Trace(id) => about.traces.contains(id),
            Target::Session(id) => about.sessions.contains(id),
        });
        of.try_for_each(|one| sink.annotation(one.clone()))?;
        Ok(true)
    }
}

/// A span that lasts until `end`; its parent is the first span of its trace.
fn span(trace: u64, id: u64, start: i64, end: i64) -> Span {
    let attributes = serde_json::json!({"session.id": format!("s{trace}"), "n": u64::MAX, "f": 0.1,
        "t": ["a", "\u{0}b"], "llm": {"model_name": "m"}});
    let parent = trace << 16;
    Span {
        trace_id: TraceId(u128::from(trace)),
        span_id: SpanId(parent | id),
        parent_id: (id > 0).then_some(SpanId(parent)),
        name: "step".to_owned(),
        kind: crate::traces::span::Kind::Llm,
        start_us: start * 1_000,
        end_us: end * 1_000,
        status: Status::Error,
        status_message: "it broke".to_owned(),
        attributes: Attributes::of(attributes.as_object().unwrap().clone()),
        events: vec![crate::traces::span::Event {
            name: "exception".to_owned(),
            time_us: 7,
            attributes: serde_json::from_str(r#"{"exception.type":"E"}"#).unwrap(),
        }],
    }
}

/// A trace of three spans, an hour long, the root stored last.
fn trace(id: u64, start: i64) -> Vec<Span> {
    let end = start + HOUR;
    vec![span(id, 1, start + 1, end), span(id, 2, start + 2, end), span(id, 0, start, end)]
}

fn since(ms: i64) -> Window {
    Window { since: Some(ms), until: None }
}

fn refresh(mirror: &mut Mirror, server: &Server, window: Window, now: i64) -> Result<()> {
    mirror.refresh(server, &Ask { window, mark: None, now, progress: &|_| {} })
}

/// Takes what it is given.
#[derive(Default)]
struct Held {
    spans: Vec<Span>,
    annotations: Vec<Annotation>,
    left_out: Vec<(String, u64)>,
}

impl Sink for Held {
    fn span(&mut self, span: Span) -> Result<()> {
        self.spans.push(span);
        Ok(())
    }

    fn annotation(&mut self, annotation: Annotation) -> Result<()> {
        self.annotations.push(annotation);
        Ok(())
    }

    fn left_out(&mut self, reason: &str, count: u64) {
        self.left_out.push((reason.to_owned(), count));
    }
}

fn replayed(mirror: &Mirror, window: Window) -> Held {
    let mut held = Held::default();
    mirror.replay(window, &mut held).unwrap();
    held
}

fn ids(held: &Held) -> BTreeSet<(TraceId, SpanId)> {
    let ids: BTreeSet<_> = held.spans.iter().map(|span| (span.trace_id, span.span_id)).collect();
    assert_eq!(ids.len(), held.spans.len(), "none twice");
    ids
}

fn fresh() -> (tempfile::TempDir, Server) {
    (tempfile::tempdir().unwrap(), Server::default())
}

#[test]
fn a_span_comes_out_as_it_went_in() {
    let (folder, server) = fresh();
    let spans = trace(1, NOW);
    server.store(spans.clone());
    let mut mirror = Mirror::open(folder.path(), "m").unwrap();
    refresh(&mut mirror, &server, Window::default(), NOW).unwrap();
    let mut out = replayed(&mirror, Window::default()).spans;
    out.sort_by_key(|span| spans.iter().position(|own| own.span_id == span.span_id));
    assert_eq!(out, spans);
}

#[test]
fn what_is_known_costs_one_request() {
    let (folder, server) = fresh();
    (0..10).for_each(|n| server.store(trace(n + 1, NOW - 10 * HOUR + n as i64 * HOUR)));
    let mut mirror = Mirror::open(folder.path(), "m").unwrap();
    refresh(&mut mirror, &server, since(NOW - DAY), NOW).unwrap();
    let first = mirror.revision().unwrap();
    server.requests();
    for minutes in 1..9 {
        let later = NOW + minutes * 60_000;
        refresh(&mut mirror, &server, since(later - DAY), later).unwrap();
        assert_eq!(server.requests(), 1);
    }
    assert_eq!(mirror.revision().unwrap(), first);
    drop(mirror);
    let mut mirror = Mirror::open(folder.path(), "m").unwrap();
    server.store(trace(99, NOW));
    refresh(&mut mirror, &server, since(NOW - DAY), NOW + 540_000).unwrap();
    assert_eq!(server.requests(), 2, "a page, and its annotations");
    assert_ne!(mirror.revision().unwrap(), first);
    // A look that is older than ten minutes is repeated, and changes nothing where nothing changed.
    let second = mirror.revision().unwrap();
    refresh(&mut mirror, &server, since(NOW - DAY), NOW + 700_000).unwrap();
    assert_eq!(server.requests(), 2);
    assert_eq!(mirror.revision().unwrap(), second);
}

#[test]
fn a_reading_that_breaks_off_goes_on() {
    let (folder, server) = fresh();
    (0..20).for_each(|n| server.store(trace(n + 1, NOW - HOUR)));
    let mut mirror = Mirror::open(folder.path(), "m").unwrap();
    let mut tries = 0;
    loop {
        tries += 1;
        server.breaks_after.set(Some(3));
        if refresh(&mut mirror, &server, Window::default(), NOW).is_ok() {
            break;
        }
        // As if the process had been killed.
        drop(mirror);
        mirror = Mirror::open(folder.path(), "m").unwrap();
        assert!(tries < 20);
    }
    assert_eq!(ids(&replayed(&mirror, Window::default())), server.wanted(Window::default()));
    assert!(server.requests() < 20 + 1 + 2 * tries, "no page came twice");
}

#[test]
fn annotations_follow_the_server() {
    let (folder, server) = fresh();
    server.store(trace(1, NOW - HOUR));
    let about = |target: Target, name: &str, score: f64| Annotation {
        target,
        name: name.to_owned(),
        label: None,
        score: Some(score),
        explanation: Some("so".to_owned()),
        annotator_kind: Some("LLM".to_owned()),
        identifier: None,
    };
    let span = Target::Span(SpanId(1 << 16));
    server.told.borrow_mut().extend([
        about(span.clone(), "a", 1.0),
        about(Target::Trace(TraceId(1)), "b", 2.0),
        about(Target::Session("s1".to_owned()), "c", 3.0),
    ]);
    let mut mirror = Mirror::open(folder.path(), "m").unwrap();
    refresh(&mut mirror, &server, Window::default(), NOW).unwrap();
    assert_eq!(replayed(&mirror, Window::default()).annotations.len(), 3);
    assert!(replayed(&mirror, since(NOW)).annotations.is_empty(), "of other traces only");
    *server.told.borrow_mut() = vec![about(span, "a", 0.5)];
    refresh(&mut mirror, &server, Window::default(), NOW + LOOK_MS).unwrap();
    assert_eq!(replayed(&mirror, Window::default()).annotations.len(), 3, "the look is new enough");
    refresh(&mut mirror, &server, Window::default(), NOW + LOOK_MS + 1).unwrap();
    assert_eq!(replayed(&mirror, Window::default()).annotations, *server.told.borrow());
}

#[test]
fn what_nobody_asks_for_is_dropped() {
    let (folder, server) = fresh();
    (0..60).for_each(|n| server.store(trace(n + 1, NOW - n as i64 * DAY)));
    let mut mirror = Mirror::open(folder.path(), "m").unwrap();
    let ended = Window { since: Some(NOW - 59 * DAY), until: Some(NOW - 57 * DAY) };
    refresh(&mut mirror, &server, ended, NOW).unwrap();
    refresh(&mut mirror, &server, since(NOW - 30 * DAY), NOW).unwrap();
    let held = |mirror: &Mirror| replayed(mirror, Window::default()).spans.len() / 3;
    assert!((32..=34).contains(&held(&mirror)), "{}", held(&mirror));
    for day in 1..=9 {
        let later = NOW + day * DAY;
        refresh(&mut mirror, &server, since(later - DAY), later).unwrap();
        assert_eq!(ids(&replayed(&mirror, since(later - DAY))), server.wanted(since(later - DAY)));
    }
    assert!(held(&mirror) <= 4, "{}", held(&mirror));
}

#[test]
fn left_out_is_handed_on() {
    let (folder, _) = fresh();
    let mut mirror = Mirror::open(folder.path(), "m").unwrap();
    let mut filling = Filling::begin(&mut mirror, None).unwrap();
    filling.left_out("odd ones", 2);
    filling.left_out("odd ones", 3);
    filling.end(None).unwrap();
    assert_eq!(replayed(&mirror, Window::default()).left_out, [("odd ones".to_owned(), 5)]);
}

#[derive(Debug, Clone)]
enum Op {
    /// A trace that starts so many hours ago and lasts so many.
    Store { ago: i64, lasts: i64, reversed: bool },
    /// One more span of some trace that is there, between its start and end.
    Late { which: usize, at: i64 },
    /// A window from so many hours ago, to so many; after 0 it has no end.
    Look { since: i64, until: i64 },
    /// The server is away after so many pages, and somebody looks.
    Break { pages: u64, since: i64 },
    /// The server's database is a new one.
    Reset,
    /// Time passes, in minutes.
    Wait(i64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0..900_i64, 0..60_i64, any::<bool>())
            .prop_map(|(ago, lasts, reversed)| Op::Store { ago, lasts, reversed }),
        3 => (any::<usize>(), 0..100_i64).prop_map(|(which, at)| Op::Late { which, at }),
        6 => (1..1_000_i64, prop_oneof![Just(0), 0..900_i64]).prop_map(|(since, until)| {
            Op::Look { since: since.max(until + 1), until }
        }),
        2 => (0..4_u64, 1..1_000_i64).prop_map(|(pages, since)| Op::Break { pages, since }),
        1 => Just(Op::Reset),
        2 => (0..2_000_i64).prop_map(Op::Wait),
    ];
    prop::collection::vec(op, 1..40)
}

/// Whatever happens, a snapshot is of what the server has.
struct World {
    folder: tempfile::TempDir,
    server: Server,
    now: i64,
    traces: u64,
    spans: u64,
}

impl World {
    fn apply(&mut self, op: Op) {
        match op {
            Op::Store { ago, lasts, reversed } => {
                self.traces += 1;
                let (id, start) = (self.traces, self.now - ago * HOUR);
                let end = start + lasts * HOUR;
                let mut spans = vec![
                    span(id, 0, start, end),
                    span(id, 1, start + (end - start) / 2, end),
                    span(id, 2, end, end),
                ];
                if reversed {
                    spans.reverse();
                }
                self.server.store(spans);
            }
            Op::Late { which, at } => self.late(which, at),
            Op::Look { since, until } => {
                let window = Window {
                    since: Some(self.now - since * HOUR),
                    until: (until > 0).then(|| self.now - until * HOUR),
                };
                let mut mirror = Mirror::open(self.folder.path(), "m").unwrap();
                refresh(&mut mirror, &self.server, window, self.now).unwrap();
                assert_eq!(ids(&replayed(&mirror, window)), self.server.wanted(window), "{op:?}");
            }
            Op::Break { pages, since } => {
                self.server.breaks_after.set(Some(pages));
                let mut mirror = Mirror::open(self.folder.path(), "m").unwrap();
                let window = self::since(self.now - since * HOUR);
                let _ = refresh(&mut mirror, &self.server, window, self.now);
                self.server.breaks_after.set(None);
            }
            Op::Reset => {
                self.server.rows.borrow_mut().clear();
                self.server.next.set(0);
            }
            Op::Wait(minutes) => self.now += minutes * 60_000,
        }
    }

    /// Of windows that ended long ago only what lies within the margin is followed.
    fn late(&mut self, which: usize, at: i64) {
        let roots: Vec<Span> = self
            .server
            .rows
            .borrow()
            .iter()
            .filter(|(_, span)| span.parent_id.is_none())
            .filter(|(_, span)| span.start_us / 1_000 > self.now - 7 * DAY)
            .map(|(_, span)| span.clone())
            .collect();
        if roots.is_empty() {
            return;
        }
        let root = &roots[which % roots.len()];
        let (start, end) = (root.start_us / 1_000, root.end_us / 1_000);
        self.spans += 1;
        let trace = root.span_id.0 >> 16;
        let late = span(trace, 2 + self.spans, start + (end - start) * at / 100, end);
        self.server.store([late]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_snapshot_is_of_what_the_server_has(ops in ops()) {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::default();
        let mut world = World { folder, server, now: NOW, traces: 0, spans: 0 };
        for op in ops {
            world.apply(op);
        }
    }
}
