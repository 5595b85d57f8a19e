//! Makes a snapshot of what a source pushes.

use super::super::Sink;
use super::super::annotation::Annotation;
use super::super::span::Span;
use super::calls::Calls;
use super::choose::Chosen;
use super::pack::Packed;
use super::rows::{self, Rows, Trace};
use super::said::Said;
use super::schema::{APPLICATION_ID, CREATE, FORMAT, INDEXES, PAGE_SIZE, SEARCH};
use super::stage::{Reader, Stage};
use super::tally::Tally;
use super::{About, Sampled, Summary, fulltext, show_time};
use crate::error::{Cannot, Failure, Kind, Result};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Spans that a snapshot holds at most.
pub const MOST_SPANS: u64 = 2_000_000;

/// How often what is written is put on the disk.
const WRITTEN_EVERY: Duration = Duration::from_millis(300);

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
    pub(super) about: About,
    pub(super) stage: Stage,
    pub(super) left_out: BTreeMap<String, u64>,
    pub(super) most: u64,
    said: Said,
}

impl Sink for Writer {
    fn span(&mut self, span: Span) -> Result<()> {
        let mut packed = Packed::default();
        packed.add(&span);
        self.packed(packed)
    }

    fn packed(&mut self, packed: Packed) -> Result<()> {
        self.stage.add(&packed).cannot(Kind::Config, aside)
    }

    fn annotation(&mut self, annotation: Annotation) -> Result<()> {
        self.said.told(&annotation).cannot(Kind::Config, aside)
    }

    fn left_out(&mut self, reason: &str, count: u64) {
        *self.left_out.entry(reason.to_owned()).or_default() += count;
    }
}

fn aside() -> String {
    "keep spans aside while the snapshot is built".to_owned()
}

impl Writer {
    pub fn new(about: About) -> Result<Self> {
        Ok(Self {
            about,
            stage: Stage::new().cannot(Kind::Config, aside)?,
            left_out: BTreeMap::new(),
            most: MOST_SPANS,
            said: Said::new().cannot(Kind::Config, aside)?,
        })
    }

    /// Another number of spans than [`MOST_SPANS`], beyond which a sample is kept.
    #[must_use]
    #[cfg_attr(not(test), expect(dead_code, reason = "no setting for it yet"))]
    pub fn at_most(mut self, spans: u64) -> Self {
        self.most = spans;
        self
    }

    /// Sorts, writes under a temporary name beside `path`, and renames. Replaces what was there.
    pub fn finish(mut self, path: &Path) -> Result<Summary> {
        let doing = || format!("write the snapshot `{}`", path.display());
        let newest = self.stage.keys.iter().map(|key| key.start_us).max();
        let read = self.stage.flush();
        read.cannot(Kind::Config, aside)?;
        let mut chosen = self.choose();
        if chosen.spans() == 0 {
            return Err(nothing(&self.about, newest));
        }
        self.sample(&mut chosen).cannot(Kind::Config, aside)?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let scratch = || tempfile::Builder::new().prefix(".snapshot-").tempfile_in(folder);
        let (file, index) = (scratch(), scratch());
        let (file, index) = (file.cannot(Kind::Config, doing)?, index.cannot(Kind::Config, doing)?);
        let built = self.build(file.path(), index.path(), &chosen);
        let mut summary = built.cannot(Kind::Config, doing)?;
        let mut seal = || {
            file.as_file().sync_data()?;
            summary.bytes = file.as_file().metadata()?.len();
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o444))
        };
        seal().cannot(Kind::Config, doing)?;
        file.persist(path).cannot(Kind::Config, doing)?;
        Ok(summary)
    }

    /// Rows and the full-text index at the same time, each by a thread; then what belongs to both.
    fn build(&mut self, path: &Path, index: &Path, chosen: &Chosen) -> anyhow::Result<Summary> {
        let database = Connection::open(path)?;
        database.execute_batch(&format!(
            "PRAGMA page_size={PAGE_SIZE}; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
             PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-32768;
             PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={FORMAT};
             BEGIN; {CREATE}{SEARCH}"
        ))?;
        let (first, last) = chosen.ends();
        let mut summary = Summary {
            spans: chosen.spans(),
            first,
            last,
            left_out: self.left_out.clone().into_iter().collect(),
            sampled: chosen.sampled,
            ..Summary::default()
        };
        let (stage, said) = (&self.stage, &mut self.said);
        std::thread::scope(|scope| {
            let text = scope.spawn(|| fulltext::build(index, stage.reader(), chosen));
            // What is written by then need not be waited for at the end.
            let (over, ended) = channel::<()>();
            let file = std::fs::File::open(path)?;
            scope.spawn(move || {
                while ended.recv_timeout(WRITTEN_EVERY) == Err(RecvTimeoutError::Timeout) {
                    let _ = file.sync_data();
                }
            });
            spans(&database, stage.reader(), chosen, said, &mut summary)?;
            database.execute_batch(INDEXES)?;
            drop(over);
            text.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the text could not be indexed")))
        })?;
        fulltext::take(index, &database)?;
        header(&database, &self.about, &summary)?;
        self.said.write(&database)?;
        database.execute_batch("COMMIT")?;
        database.close().map_err(|(_, error)| error)?;
        Ok(summary)
    }
}

fn spans(
    database: &Connection,
    mut reader: Reader,
    chosen: &Chosen,
    said: &mut Said,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    let mut rows = Rows::new(database)?;
    let (mut tally, mut calls) = (Tally::new(), Calls::new());
    let mut n = 0;
    for keys in chosen.traces() {
        let mut trace = Trace::of(keys[0].trace_id, n + 1);
        for key in keys {
            n += 1;
            let row = reader.row(key)?;
            rows.span(n, &row)?;
            rows::annotations(said, &row)?;
            tally.add(trace.first_n, &row);
            calls.add(&row);
            trace.add(key.span_id, &row);
        }
        rows.trace(&trace)?;
        tally.trace(&trace);
        summary.traces += 1;
        summary.failing += u64::from(trace.errors > 0);
    }
    calls.write(database)?;
    Ok(tally.write(database)?)
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
        ("sampled", summary.sampled.map_or_else(String::new, Sampled::to_json)),
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
