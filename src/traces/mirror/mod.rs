//! What was fetched from a server so far: one SQLite file a project, so that a snapshot of a window
//! that moves on fetches only what is new.
//!
//! A mirror is filled by [`Mirror::refresh`] and read by [`Mirror::replay`], which gives a snapshot's
//! writer the spans of a window as the source gave them. An unchanged window costs what the source
//! needs to say that nothing is new; for Phoenix that is one request.
//!
//! - Whole traces. A source gives the spans that start in a window, and the mirror reads an hour more on
//!   both sides. A span whose parent it lacks, or of an ended window one that runs on past it, makes it
//!   ask for all of that span's trace, once for each such span. So of a trace whose spans name their
//!   parents nothing is missing, however long it runs; of one with several roots, what lies more than an
//!   hour outside of the window may be.
//! - Annotations come with the spans they are about, and are asked for again when the last look is older
//!   than ten minutes.
//! - Once a day all is read anew: spans that were deleted at the server are not told of otherwise. A
//!   source that finds its mark void (the server's database is another one) starts anew at once.
//! - What starts before the earliest window of the last seven days is dropped, and a day of slack is left.
//! - One process fills a mirror; another that wants to waits. Spans are kept together with the mark they
//!   came with, so a process that is killed loses at most the page it was at, and doubles nothing.
//!
//! A file that is broken, or of another format, is made anew: all of it can be fetched again.

mod parts;
mod rows;
#[cfg(test)]
mod tests;

use super::annotation::Annotation;
use super::span::{Span, SpanId, TraceId};
use super::{Ask, Sink, Source, Targets};
use crate::domain::plan::Window;
use crate::error::{Cannot, Kind, Result};
use nix::fcntl::{Flock, FlockArg};
use parts::{Part, Stretch};
use rusqlite::{Connection, params};
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// How far beyond a window's ends spans are fetched.
const MARGIN_MS: i64 = 3_600_000;
/// How old a look at annotations may be.
const LOOK_MS: i64 = 600_000;
/// How old a part may grow before it is read anew.
const ANEW_MS: i64 = 86_400_000;
/// Traces of which annotations are asked and kept at once.
const TRACES: usize = 500;

pub struct Mirror {
    path: PathBuf,
    database: Connection,
    _lock: Flock<File>,
}

impl Mirror {
    /// The mirror of a source, which waits until nobody else has it.
    pub fn open(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(format!("{name}.db"));
        let doing = || format!("open the traces kept at `{}`", path.display());
        DirBuilder::new().recursive(true).mode(0o700).create(folder).cannot(Kind::Config, doing)?;
        let private = |path: &Path| {
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
        };
        let lock = private(&folder.join(format!("{name}.lock"))).cannot(Kind::Config, doing)?;
        let lock = Flock::lock(lock, FlockArg::LockExclusive)
            .map_err(|(_, error)| error)
            .cannot(Kind::Config, doing)?;
        private(&path).cannot(Kind::Config, doing)?;
        if let Ok(database) = open(&path) {
            return Ok(Self { path, database, _lock: lock });
        }
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.join(format!("{name}.db{end}")));
        }
        private(&path).cannot(Kind::Config, doing)?;
        let database = open(&path).cannot(Kind::Config, doing)?;
        Ok(Self { path, database, _lock: lock })
    }

    /// Changes whenever what it holds does.
    pub fn revision(&self) -> Result<String> {
        let revision =
            self.database.query_row("SELECT id || ' ' || revision FROM meta", [], |row| {
                row.get::<_, String>(0)
            });
        self.kept(revision)
    }

    /// Fetches what a window lacks. The mark in `ask` is not used: a mirror has its own.
    pub fn refresh(&mut self, source: &dyn Source, ask: &Ask) -> Result<()> {
        let wanted = Stretch::of(ask.window, ask.now);
        self.is_due(ask.now)?;
        self.vouch(source, ask, wanted)?;
        let part = self.cover(source, ask, wanted)?;
        self.scope(ask.window)?;
        if self.complete(source, &part)? {
            self.scope(ask.window)?;
        }
        self.look(source, ask.now)?;
        self.tidy(&part, wanted, ask.now)
    }

    /// Gives the spans of the traces that start in the window, and what was said about them.
    pub fn replay(&self, window: Window, sink: &mut dyn Sink) -> Result<()> {
        self.scope(window)?;
        self.spans(sink)?;
        self.annotations(sink)?;
        let mut reasons = self.kept(self.database.prepare("SELECT reason, count FROM left_out"))?;
        let mut reasons = self.kept(reasons.query([]))?;
        while let Some(row) = self.kept(reasons.next())? {
            let reason: String = self.kept(row.get(0))?;
            let count: i64 = self.kept(row.get(1))?;
            sink.left_out(&reason, count.cast_unsigned());
        }
        Ok(())
    }

    fn spans(&self, sink: &mut dyn Sink) -> Result<()> {
        let sql = format!("SELECT {} FROM span WHERE trace IN scope", rows::SPAN);
        let mut spans = self.kept(self.database.prepare(&sql))?;
        let mut spans = self.kept(spans.query([]))?;
        while let Some(row) = self.kept(spans.next())? {
            sink.span(self.kept(rows::span(row))?)?;
        }
        Ok(())
    }

    fn annotations(&self, sink: &mut dyn Sink) -> Result<()> {
        let sql = format!(
            "SELECT {} FROM annotation WHERE CASE kind
               WHEN 'span' THEN target IN (SELECT span FROM span WHERE trace IN scope)
               WHEN 'trace' THEN target IN scope
               ELSE target IN (SELECT session FROM span WHERE trace IN scope) END",
            rows::ANNOTATION
        );
        let mut told = self.kept(self.database.prepare(&sql))?;
        let mut told = self.kept(told.query([]))?;
        while let Some(row) = self.kept(told.next())? {
            if let Some(annotation) = self.kept(rows::annotation(row))? {
                sink.annotation(annotation)?;
            }
        }
        Ok(())
    }

    /// Forgets all where any of it was read too long ago, or in the future of a clock that was wrong.
    fn is_due(&mut self, now: i64) -> Result<()> {
        let old = |part: &Part| part.begun < now - ANEW_MS || part.begun > now;
        if self.kept(parts::all(&self.database))?.iter().any(old) {
            let mut filling = Filling::begin(self, None)?;
            filling.anew()?;
            filling.end(None)?;
        }
        Ok(())
    }

    /// Lets the source say whether what is held still means anything, before a stretch is read of which
    /// nothing is: without a mark it could not tell that its database is another one by now.
    fn vouch(&mut self, source: &dyn Source, ask: &Ask, wanted: Stretch) -> Result<()> {
        let parts = self.kept(parts::all(&self.database))?;
        let marked = || parts.iter().filter(|part| part.mark.is_some());
        if marked().any(|part| part.stretch.covers(wanted)) {
            return Ok(());
        }
        match marked().next_back() {
            Some(part) => self.read(source, ask, part).map(drop),
            None => Ok(()),
        }
    }

    /// Reads what the stretch lacks, and gives the part that covers it.
    fn cover(&mut self, source: &dyn Source, ask: &Ask, wanted: Stretch) -> Result<Part> {
        let parts = self.kept(parts::all(&self.database))?;
        if let Some(part) = parts.iter().find(|part| part.stretch.covers(wanted)) {
            return self.read(source, ask, part);
        }
        let open = parts.iter().find(|part| part.stretch.is_open());
        let Some(open) = open.filter(|open| wanted.until > open.stretch.since) else {
            let part = self.kept(parts::new(&self.database, wanted, ask.now))?;
            return self.read(source, ask, &part);
        };
        let gap = Stretch { since: wanted.since, until: open.stretch.since };
        let before = match parts.iter().find(|part| part.stretch.covers(gap)) {
            Some(part) => part.clone(),
            None => self.kept(parts::new(&self.database, gap, ask.now))?,
        };
        let before = self.read(source, ask, &before)?;
        // Where the reading found the server's database to be another one, that part is alone now.
        match self.kept(parts::by_number(&self.database, open.n))? {
            Some(open) => {
                self.kept(parts::join(&self.database, &before, &open))?;
                self.cover(source, ask, wanted)
            }
            None => self.cover(source, ask, wanted),
        }
    }

    /// Reads what is new in a part.
    fn read(&mut self, source: &dyn Source, ask: &Ask, part: &Part) -> Result<Part> {
        let window = part.stretch.widened(MARGIN_MS);
        let ask = Ask { window, mark: part.mark.as_deref(), ..*ask };
        let mut filling = Filling::begin(self, Some(part.n))?;
        let mark = source.read(&ask, &mut filling)?;
        filling.end(mark.as_deref())?;
        Ok(part.clone())
    }

    /// Names the traces that start in the window.
    fn scope(&self, window: Window) -> Result<()> {
        let us = |ms: Option<i64>, none: i64| ms.map_or(none, |ms| ms.saturating_mul(1_000));
        let bounds = [us(window.since, i64::MIN), us(window.until, i64::MAX)];
        let named = self
            .database
            .execute_batch(
                "CREATE TEMP TABLE IF NOT EXISTS scope (trace TEXT PRIMARY KEY) WITHOUT ROWID;
                 DELETE FROM scope",
            )
            .and_then(|()| {
                self.database.execute(
                    "INSERT INTO scope SELECT trace FROM span GROUP BY trace
                     HAVING min(start_us) >= ? AND min(start_us) < ?",
                    bounds,
                )
            });
        self.kept(named).map(drop)
    }

    /// Fetches the rest of traces that are not all here. Whether there were any.
    fn complete(&mut self, source: &dyn Source, part: &Part) -> Result<bool> {
        let end = part.stretch.widened(MARGIN_MS).until;
        let end = end.map_or(i64::MAX, |end| end.saturating_mul(1_000));
        let found = self
            .database
            .execute(
                "UPDATE span SET asked = 1 WHERE asked = 0 AND end_us < ?1 AND (parent IS NULL OR EXISTS
                   (SELECT 1 FROM span p WHERE p.trace = span.trace AND p.span = span.parent))",
                [end],
            )
            .and_then(|_| {
                let sql = "SELECT DISTINCT trace FROM span WHERE asked = 0 AND trace IN scope";
                let mut asked = self.database.prepare(sql)?;
                asked.query_map([], |row| row.get::<_, String>(0))?.collect()
            });
        let found: Vec<String> = self.kept(found)?;
        for traces in found.chunks(TRACES) {
            let ids: Vec<_> = traces.iter().filter_map(|id| TraceId::read(id)).collect();
            let mut filling = Filling::begin(self, None)?;
            source.complete(&ids, &mut filling)?;
            for id in traces {
                filling.run("UPDATE span SET asked = 1 WHERE trace = ?", [id])?;
            }
            filling.end(None)?;
        }
        Ok(!found.is_empty())
    }

    /// Asks for what was said about the traces in scope, where the last look is too old.
    fn look(&mut self, source: &dyn Source, now: i64) -> Result<()> {
        let sql = "SELECT DISTINCT trace FROM span
                   WHERE trace IN scope AND (looked < ?1 OR looked > ?2) ORDER BY trace";
        let due = self.database.prepare(sql).and_then(|mut due| {
            due.query_map([now - LOOK_MS, now], |row| row.get::<_, String>(0))?.collect()
        });
        let due: Vec<String> = self.kept(due)?;
        for traces in due.chunks(TRACES) {
            let about = self.about(traces)?;
            let mut filling = Filling::begin(self, None)?;
            let mut told = Told::default();
            if source.annotations(&about, &mut told)? {
                filling.replace(&about, &told.0)?;
            }
            for trace in traces {
                filling.run("UPDATE span SET looked = ? WHERE trace = ?", params![now, trace])?;
            }
            filling.end(None)?;
        }
        Ok(())
    }

    fn about(&self, traces: &[String]) -> Result<Targets> {
        let mut about = Targets::default();
        let sql = "SELECT span, session FROM span WHERE trace = ?";
        let mut statement = self.kept(self.database.prepare_cached(sql))?;
        for trace in traces {
            about.traces.extend(TraceId::read(trace));
            let mut found = self.kept(statement.query([trace]))?;
            while let Some(row) = self.kept(found.next())? {
                let span: String = self.kept(row.get(0))?;
                about.spans.extend(SpanId::read(&span));
                about.sessions.extend(self.kept(row.get::<_, Option<String>>(1))?);
            }
        }
        about.sessions.sort_unstable();
        about.sessions.dedup();
        Ok(about)
    }

    fn tidy(&mut self, part: &Part, wanted: Stretch, now: i64) -> Result<()> {
        let mut filling = Filling::begin(self, None)?;
        let pruned = parts::used(filling.database(), part.n, wanted.since, now)
            .and_then(|()| parts::prune(filling.database(), now));
        let pruned = filling.mirror.kept(pruned)?;
        filling.changed |= pruned;
        filling.end(None)?;
        if pruned {
            let freed = self.database.execute_batch("PRAGMA incremental_vacuum");
            self.kept(freed)?;
        }
        Ok(())
    }

    fn kept<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        let path = self.path.display();
        result
            .cannot(Kind::Config, || format!("use the traces kept at `{path}`"))
            .map_err(|failed| failed.hint(format!("`rm {path}`: all of it can be fetched again")))
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    database.execute_batch(
        "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
         PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY",
    )?;
    let format: i32 = database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 =
        database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        let id = uuid::Uuid::new_v4();
        database.execute_batch(&format!(
            "BEGIN; {} INSERT INTO meta VALUES ('{id}', 0); PRAGMA user_version={}; COMMIT",
            rows::CREATE,
            rows::FORMAT
        ))?;
    } else if format != rows::FORMAT {
        return Err(rusqlite::Error::InvalidQuery);
    }
    Ok(database)
}

/// Takes in what a source pushes. What came since the last mark is lost when it is dropped.
struct Filling<'a> {
    mirror: &'a mut Mirror,
    part: Option<i64>,
    changed: bool,
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        if !self.database().is_autocommit() {
            let _ = self.database().execute_batch("ROLLBACK");
        }
    }
}

impl<'a> Filling<'a> {
    fn begin(mirror: &'a mut Mirror, part: Option<i64>) -> Result<Self> {
        mirror.kept(mirror.database.execute_batch("BEGIN IMMEDIATE"))?;
        Ok(Self { mirror, part, changed: false })
    }

    fn database(&self) -> &Connection {
        &self.mirror.database
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        let run = self.database().prepare_cached(sql).and_then(|mut run| run.execute(values));
        self.mirror.kept(run)
    }

    /// Keeps all that came so far.
    fn end(mut self, mark: Option<&str>) -> Result<()> {
        self.keep(mark)
    }

    fn keep(&mut self, mark: Option<&str>) -> Result<()> {
        if let Some((part, mark)) = self.part.zip(mark) {
            self.run("UPDATE part SET mark = ? WHERE n = ?", params![mark, part])?;
        }
        if std::mem::take(&mut self.changed) {
            self.run("UPDATE meta SET revision = revision + 1", [])?;
        }
        self.mirror.kept(self.database().execute_batch("COMMIT"))
    }

    /// What was said about these is what is told now, and nothing else.
    fn replace(&mut self, about: &Targets, told: &[Annotation]) -> Result<()> {
        let news = self.mirror.kept(news(self.database(), about, told))?;
        self.changed |= news;
        Ok(())
    }
}

fn news(database: &Connection, about: &Targets, told: &[Annotation]) -> rusqlite::Result<bool> {
    database.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS told (kind, target, name, identifier,
           PRIMARY KEY (kind, target, name, identifier)) WITHOUT ROWID; DELETE FROM told",
    )?;
    let mut changed = false;
    let mut note = database.prepare_cached("INSERT OR IGNORE INTO told VALUES (?,?,?,?)")?;
    for one in told {
        let (kind, target) = rows::target(&one.target);
        note.execute(params![
            kind,
            target,
            one.name,
            one.identifier.as_deref().unwrap_or_default()
        ])?;
        changed |= rows::say(database, one)?;
    }
    let mut gone = database.prepare_cached(
        "DELETE FROM annotation WHERE kind = ?1 AND target = ?2 AND NOT EXISTS (
           SELECT 1 FROM told t WHERE t.kind = ?1 AND t.target = ?2
             AND t.name = annotation.name AND t.identifier = annotation.identifier)",
    )?;
    let spans = about.spans.iter().map(|id| ("span", id.to_string()));
    let traces = about.traces.iter().map(|id| ("trace", id.to_string()));
    let sessions = about.sessions.iter().map(|id| ("session", id.clone()));
    for (kind, target) in spans.chain(traces).chain(sessions) {
        changed |= gone.execute(params![kind, target])? > 0;
    }
    Ok(changed)
}

impl Sink for Filling<'_> {
    fn span(&mut self, span: Span) -> Result<()> {
        let added = self.mirror.kept(rows::add(self.database(), &span))?;
        self.changed |= added;
        Ok(())
    }

    fn annotation(&mut self, annotation: Annotation) -> Result<()> {
        let news = self.mirror.kept(rows::say(self.database(), &annotation))?;
        self.changed |= news;
        Ok(())
    }

    fn left_out(&mut self, reason: &str, count: u64) {
        let sql = "INSERT INTO left_out VALUES (?1, ?2)
                   ON CONFLICT DO UPDATE SET count = count + ?2";
        // A count that cannot be kept is no reason to keep nothing; the next statement will fail too.
        let _ = self.run(sql, params![reason, count.cast_signed()]);
        self.changed = true;
    }

    fn reached(&mut self, mark: &str) -> Result<()> {
        self.keep(Some(mark))?;
        self.mirror.kept(self.database().execute_batch("BEGIN IMMEDIATE"))
    }

    fn anew(&mut self) -> Result<()> {
        let part = self.part.unwrap_or(-1);
        self.run("DELETE FROM part WHERE n <> ?", [part])?;
        self.run("UPDATE part SET mark = NULL", [])?;
        let cleared = self
            .database()
            .execute_batch("DELETE FROM span; DELETE FROM annotation; DELETE FROM left_out");
        self.mirror.kept(cleared)?;
        self.changed = true;
        Ok(())
    }
}

/// Annotations on their way.
#[derive(Default)]
struct Told(Vec<Annotation>);

impl Sink for Told {
    fn span(&mut self, _: Span) -> Result<()> {
        Ok(())
    }

    fn annotation(&mut self, annotation: Annotation) -> Result<()> {
        self.0.push(annotation);
        Ok(())
    }

    fn left_out(&mut self, _: &str, _: u64) {}
}
