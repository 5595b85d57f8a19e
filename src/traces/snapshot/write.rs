//! Makes a snapshot of what a source pushes.

use super::super::Sink;
use super::super::annotation::{Annotation, Target};
use super::super::span::{Span, SpanId, TraceId};
use super::schema::{APPLICATION_ID, CREATE, FORMAT, INDEXES, PAGE_SIZE, SPAN_COLUMNS};
use super::stage::{self, Key, Stage};
use super::{About, Summary, show_time};
use crate::error::{Cannot, Failure, Kind, Result};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A snapshot of spans that are at hand.
#[cfg(test)]
pub fn write(path: &Path, spans: impl IntoIterator<Item = Span>, about: &About) -> Result<Summary> {
    let mut writer = Writer::new(about.clone())?;
    for span in spans {
        writer.span(span)?;
    }
    writer.finish(path)
}

/// Takes spans in any order; `finish` writes the file.
pub struct Writer {
    about: About,
    stage: Stage,
    left_out: BTreeMap<String, u64>,
    /// By target, name and identifier, of which each has one.
    annotations: BTreeMap<(Target, String, Option<String>), Annotation>,
}

impl Sink for Writer {
    fn span(&mut self, span: Span) -> Result<()> {
        self.stage.add(&span)
    }

    fn annotation(&mut self, annotation: Annotation) -> Result<()> {
        let Annotation { target, name, identifier, .. } = &annotation;
        let key = (target.clone(), name.clone(), identifier.clone());
        self.annotations.insert(key, annotation);
        Ok(())
    }

    fn left_out(&mut self, reason: &str, count: u64) {
        *self.left_out.entry(reason.to_owned()).or_default() += count;
    }
}

impl Writer {
    pub fn new(about: About) -> Result<Self> {
        Ok(Self {
            about,
            stage: Stage::new()?,
            left_out: BTreeMap::new(),
            annotations: BTreeMap::new(),
        })
    }

    /// Sorts, writes under a temporary name beside `path`, and renames. Replaces what was there.
    pub fn finish(mut self, path: &Path) -> Result<Summary> {
        let doing = || format!("write the snapshot `{}`", path.display());
        let newest = self.stage.keys.iter().map(|key| key.start_us).max();
        let keys = self.chosen();
        if keys.is_empty() {
            return Err(nothing(&self.about, newest));
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".snapshot-")
            .tempfile_in(folder)
            .cannot(Kind::Config, doing)?;
        let mut summary = self.build(file.path(), &keys).cannot(Kind::Config, doing)?;
        let mut seal = || {
            file.as_file().sync_data()?;
            summary.bytes = file.as_file().metadata()?.len();
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o444))
        };
        seal().cannot(Kind::Config, doing)?;
        file.persist(path).cannot(Kind::Config, doing)?;
        Ok(summary)
    }

    /// The spans that belong in, once each, sorted.
    fn chosen(&mut self) -> Vec<Key> {
        let mut keys = std::mem::take(&mut self.stage.keys);
        let read = keys.len();
        keys.sort_unstable_by_key(|key| (key.trace_id, key.span_id, key.row));
        keys.dedup_by_key(|key| (key.trace_id, key.span_id));
        let doubled = read - keys.len();
        if doubled > 0 {
            self.left_out("spans whose id was there already", doubled as u64);
        }
        let window = self.about.window;
        let inside = |start_us: i64| {
            let ms = start_us.div_euclid(1_000);
            window.since.is_none_or(|since| ms >= since)
                && window.until.is_none_or(|until| ms < until)
        };
        let mut placed: Vec<(i64, Key)> = Vec::with_capacity(keys.len());
        let mut outside = 0;
        for trace in keys.chunk_by(|a, b| a.trace_id == b.trace_id) {
            let start = trace.iter().map(|key| key.start_us).min().unwrap_or_default();
            if inside(start) {
                placed.extend(trace.iter().map(|key| (start, *key)));
            } else {
                outside += trace.len() as u64;
            }
        }
        if outside > 0 {
            self.left_out("spans of traces that start outside the window", outside);
        }
        placed
            .sort_unstable_by_key(|(start, key)| (*start, key.trace_id, key.start_us, key.span_id));
        placed.into_iter().map(|(_, key)| key).collect()
    }

    fn build(&self, path: &Path, keys: &[Key]) -> rusqlite::Result<Summary> {
        let database = Connection::open(path)?;
        database.execute_batch(&format!(
            "PRAGMA page_size={PAGE_SIZE}; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
             PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-65536;
             PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={FORMAT}; BEGIN; {CREATE}"
        ))?;
        let mut summary = Summary {
            spans: keys.len() as u64,
            first: keys.iter().map(|key| key.start_us).min().unwrap_or_default(),
            last: keys.iter().map(|key| key.start_us).max().unwrap_or_default(),
            left_out: self.left_out.clone().into_iter().collect(),
            ..Summary::default()
        };
        let mut n = 0;
        for spans in keys.chunk_by(|a, b| a.trace_id == b.trace_id) {
            let mut trace = Trace::of(spans[0].trace_id);
            for key in spans {
                n += 1;
                self.stage.row(key, |row| {
                    span(&database, n, row)?;
                    trace.add(n, key.span_id, row)
                })?;
            }
            trace.write(&database)?;
            summary.traces += 1;
            summary.failing += u64::from(trace.errors > 0);
        }
        header(&database, &self.about, &summary)?;
        database.execute_batch(INDEXES)?;
        self.annotations.values().try_for_each(|one| annotation(&database, one))?;
        database.execute_batch("COMMIT")?;
        database.close().map_err(|(_, error)| error)?;
        Ok(summary)
    }
}

fn nothing(about: &About, newest: Option<i64>) -> Failure {
    let failure =
        Failure::new(Kind::Config, format!("project `{}` has no spans to look at", about.project));
    match newest {
        Some(newest) => failure.because("no trace starts in the window that was asked for").hint(
            format!("the newest span is of {}; a longer `--since` reaches it", show_time(newest)),
        ),
        None if about.window.since.is_some() => failure
            .because("no trace starts in the window that was asked for")
            .hint("an earlier `--since`, such as `--since 30d`, reaches further back"),
        None => failure
            .because(format!("the source `{}` gave none", about.source))
            .hint("check that the application sends its traces there"),
    }
}

fn header(database: &Connection, about: &About, summary: &Summary) -> rusqlite::Result<()> {
    let bound = |ms: Option<i64>| ms.map_or_else(String::new, |ms| ms.to_string());
    let left_out: serde_json::Map<_, _> =
        summary.left_out.iter().map(|(reason, count)| (reason.clone(), (*count).into())).collect();
    let rows = [
        ("failing", summary.failing.to_string()),
        ("first_us", summary.first.to_string()),
        ("format", FORMAT.to_string()),
        ("last_us", summary.last.to_string()),
        ("left_out", serde_json::Value::Object(left_out).to_string()),
        ("project", about.project.clone()),
        ("since_ms", bound(about.window.since)),
        ("source", about.source.clone()),
        ("spans", summary.spans.to_string()),
        ("traces", summary.traces.to_string()),
        ("until_ms", bound(about.window.until)),
    ];
    let mut insert = database.prepare("INSERT INTO header VALUES (?,?)")?;
    for row in rows {
        insert.execute(row)?;
    }
    Ok(())
}

const INSERT_SPAN: &str =
    "INSERT INTO span VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
// Of values, not of a SELECT: that would open a savepoint, at each of which the full-text index writes
// out what it has gathered.
const INSERT_TRACE: &str =
    "INSERT INTO trace VALUES (?2,?13,?14,?3,?4,max(?4-?3,0)/1000.0,iif(?5>0,'ERROR',?1),?1,
     ?5,?6,?7,?8,?9,?10,?11,?12)";
const INSERT_ANNOTATION: &str = "INSERT INTO annotation VALUES (?,?,?,?,?,?,?,?,?,?)";

fn span(database: &Connection, n: i64, row: &Row) -> rusqlite::Result<()> {
    let mut insert = database.prepare_cached(INSERT_SPAN)?;
    insert.raw_bind_parameter(1, n)?;
    for at in 0..SPAN_COLUMNS.len() {
        insert.raw_bind_parameter(at + 2, stage::column(row, at)?)?;
    }
    insert.raw_execute()?;
    database.prepare_cached("INSERT INTO payload VALUES (?,?,?,?)")?.execute(params![
        n,
        stage::column(row, stage::INPUT)?,
        stage::column(row, stage::OUTPUT)?,
        stage::column(row, stage::ATTRIBUTES)?
    ])?;
    let error = match (stage::text(row, 10)?, stage::text(row, 11)?) {
        (kind, message) if kind.is_empty() || message.is_empty() => format!("{kind}{message}"),
        (kind, message) => format!("{kind}: {message}"),
    };
    database
        .prepare_cached(
            "INSERT INTO search(rowid, name, input, output, messages, error) VALUES (?,?,?,?,?,?)",
        )?
        .execute(params![
            n,
            stage::column(row, 3)?,
            stage::column(row, stage::INPUT)?,
            stage::column(row, stage::OUTPUT)?,
            stage::column(row, stage::MESSAGES)?,
            error
        ])?;
    events(database, n, stage::text(row, stage::EVENTS)?)?;
    annotations(database, row)
}

fn events(database: &Connection, n: i64, json: &str) -> rusqlite::Result<()> {
    let events: Vec<super::super::span::Event> = serde_json::from_str(json).unwrap_or_default();
    let mut insert = database.prepare_cached("INSERT INTO event VALUES (?,?,?,?,?)")?;
    for (i, event) in events.into_iter().enumerate() {
        let attributes = serde_json::Value::Object(event.attributes).to_string();
        insert.execute(params![n, i as i64, event.name, event.time_us, attributes])?;
    }
    Ok(())
}

/// What was said of something that is here.
fn annotation(database: &Connection, annotation: &Annotation) -> rusqlite::Result<()> {
    let (column, id) = match &annotation.target {
        Target::Span(id) => ("span_id", id.to_string()),
        Target::Trace(id) => ("trace_id", id.to_string()),
        Target::Session(id) => ("session_id", id.clone()),
    };
    // A trace is known by its id alone; what is about a session belongs to none of its traces.
    let sql = format!("SELECT trace_id FROM span WHERE {column} = ? LIMIT 1");
    let found: Option<String> =
        database.prepare_cached(&sql)?.query_row([&id], |row| row.get(0)).optional()?;
    let Some(trace_id) = found else { return Ok(()) };
    let of = |kind: &str| (column == kind).then_some(id.as_str());
    database.prepare_cached(INSERT_ANNOTATION)?.execute(params![
        (column != "session_id").then_some(trace_id),
        of("span_id"),
        of("session_id"),
        annotation.target.name(),
        annotation.name,
        annotation.label,
        annotation.score,
        annotation.explanation,
        annotation.annotator_kind,
        annotation.identifier,
    ])?;
    Ok(())
}

/// Feedback that the application put on the span: `annotations.N.annotation.label` and its like,
/// for the span itself or, with `trace.` or `session.` before it, for something wider.
fn annotations(database: &Connection, row: &Row) -> rusqlite::Result<()> {
    let json = stage::text(row, stage::ATTRIBUTES)?;
    if !json.contains(".annotation.") && !json.contains(".evaluation.") {
        return Ok(());
    }
    let Ok(serde_json::Value::Object(object)) = serde_json::from_str(json) else { return Ok(()) };
    let attributes = super::super::attributes::Attributes::of(object);
    let mut insert = database.prepare_cached(INSERT_ANNOTATION)?;
    for (prefix, target) in [("", "span"), ("trace.", "trace"), ("session.", "session")] {
        for (list, item) in [("annotations.", "annotation."), ("evaluations.", "evaluation.")] {
            let list = format!("{prefix}{list}");
            let mut found: BTreeMap<usize, BTreeMap<&str, &serde_json::Value>> = BTreeMap::new();
            for (index, key, value) in attributes.items(&list) {
                if let Some(key) = key.strip_prefix(item) {
                    found.entry(index).or_default().insert(key, value);
                }
            }
            for fields in found.values() {
                let text = |key| fields.get(key).and_then(|v| super::super::attributes::as_text(v));
                let score = fields.get("score").and_then(|value| value.as_f64());
                let span_id = (target == "span").then(|| stage::column(row, 1)).transpose()?;
                insert.execute(params![
                    stage::column(row, 0)?,
                    span_id,
                    (target == "session").then(|| stage::column(row, 16)).transpose()?,
                    target,
                    text("name").unwrap_or_default(),
                    text("label"),
                    score,
                    text("explanation"),
                    text("annotator_kind"),
                    text("identifier"),
                ])?;
            }
        }
    }
    Ok(())
}

/// What is summed up over the spans of one trace.
struct Trace {
    id: TraceId,
    start_us: i64,
    end_us: i64,
    errors: u64,
    /// Each span's id, parent and number, by start.
    spans: Vec<(SpanId, Option<SpanId>, i64)>,
    calls: Sums,
    others: Sums,
    session: Option<String>,
    user: Option<String>,
}

#[derive(Default)]
struct Sums {
    prompt: Option<i64>,
    completion: Option<i64>,
    total: Option<i64>,
    cost: Option<f64>,
}

impl Trace {
    fn of(id: TraceId) -> Self {
        Self {
            id,
            start_us: i64::MAX,
            end_us: i64::MIN,
            errors: 0,
            spans: Vec::new(),
            calls: Sums::default(),
            others: Sums::default(),
            session: None,
            user: None,
        }
    }

    fn add(&mut self, n: i64, span_id: SpanId, row: &Row) -> rusqlite::Result<()> {
        self.spans.push((span_id, SpanId::read(stage::text(row, 2)?), n));
        self.start_us = self.start_us.min(stage::number(row, 5)?.unwrap_or(i64::MAX));
        self.end_us = self.end_us.max(stage::number(row, 6)?.unwrap_or(i64::MIN));
        self.errors += u64::from(stage::text(row, 8)? == "ERROR");
        // Agents and chains often repeat the sum of their calls; only the calls are counted, unless
        // nothing else says a number.
        let sums = match stage::text(row, 4)? {
            "LLM" | "EMBEDDING" | "RERANKER" => &mut self.calls,
            _ if self.others.is_empty() => &mut self.others,
            _ => &mut Sums::default(),
        };
        sums.add(row)?;
        for (at, own) in [(16, &mut self.session), (17, &mut self.user)] {
            let text = stage::text(row, at)?;
            if own.is_none() && !text.is_empty() {
                *own = Some(text.to_owned());
            }
        }
        Ok(())
    }

    /// The first span without a parent; else the first whose parent is not here; else the first.
    fn root(&self) -> i64 {
        let ids: std::collections::HashSet<_> = self.spans.iter().map(|(id, ..)| *id).collect();
        let orphan = |parent: &Option<SpanId>| parent.is_some_and(|id| !ids.contains(&id));
        let found = self.spans.iter().find(|(_, parent, _)| parent.is_none());
        let found = found.or_else(|| self.spans.iter().find(|(_, parent, _)| orphan(parent)));
        found.or(self.spans.first()).map_or(0, |(.., n)| *n)
    }

    fn write(&self, database: &Connection) -> rusqlite::Result<()> {
        let sums = if self.calls.is_empty() { &self.others } else { &self.calls };
        let mut root =
            database.prepare_cached("SELECT span_id, name, status FROM span WHERE n = ?")?;
        let (root_id, name, status): (String, String, String) =
            root.query_row([self.root()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        database.prepare_cached(INSERT_TRACE)?.execute(params![
            status,
            self.id.to_string(),
            self.start_us,
            self.end_us,
            self.errors as i64,
            self.spans.len() as i64,
            sums.prompt,
            sums.completion,
            sums.total,
            sums.cost,
            self.session,
            self.user,
            root_id,
            name
        ])?;
        Ok(())
    }
}

impl Sums {
    fn is_empty(&self) -> bool {
        self.total.is_none() && self.cost.is_none()
    }

    fn add(&mut self, row: &Row) -> rusqlite::Result<()> {
        for (at, own) in [(18, &mut self.prompt), (19, &mut self.completion), (20, &mut self.total)]
        {
            if let Some(count) = stage::number::<i64>(row, at)? {
                *own = Some(own.unwrap_or(0).saturating_add(count));
            }
        }
        if let Some(cost) = stage::number::<f64>(row, 22)? {
            self.cost = Some(self.cost.unwrap_or(0.0) + cost);
        }
        Ok(())
    }
}
