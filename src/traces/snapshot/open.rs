//! Reads a snapshot.

use super::super::cited::{Checked, Citations};
use super::schema::{APPLICATION_ID, FORMAT};
use super::{About, Summary};
use crate::domain::plan::Window;
use crate::domain::words::Count;
use crate::error::{Cannot, Failure, Kind, Result};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A snapshot that is open for reading.
pub struct Snapshot {
    path: PathBuf,
    database: Connection,
    format: i32,
    about: About,
    summary: Summary,
}

impl Snapshot {
    pub fn open(path: &Path) -> Result<Self> {
        let doing = || format!("open the snapshot `{}`", path.display());
        let bytes = std::fs::metadata(path).cannot(Kind::Config, doing)?.len();
        let database = connect(path).cannot(Kind::Config, doing)?;
        let number =
            |pragma: &str| database.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0));
        let id: i32 = number("application_id").map_err(|_| not_ours(path))?;
        let format: i32 = number("user_version").cannot(Kind::Config, doing)?;
        if id != APPLICATION_ID {
            return Err(not_ours(path));
        }
        if format > FORMAT {
            return Err(Failure::new(Kind::Config, format!("cannot {}", doing()))
                .because(format!("it is of format {format}, and this `loop` reads up to {FORMAT}"))
                .hint("use the `loop` that wrote it, or a newer one"));
        }
        let header = header(&database).cannot(Kind::Config, doing)?;
        let (about, summary) = read_header(&header, bytes);
        Ok(Self { path: path.to_owned(), database, format, about, summary })
    }

    /// Whether everything can be asked of it. What an older program wrote still tells which ids it
    /// holds, and no more.
    pub fn is_current(&self) -> Result<()> {
        if self.format == FORMAT {
            return Ok(());
        }
        let sentence = format!("the snapshot `{}` is of an older format", self.path.display());
        Err(Failure::new(Kind::Config, sentence)
            .hint("make it anew: `loop traces snapshot --project P -o FILE.db`"))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn about(&self) -> &About {
        &self.about
    }

    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// For the query engine and triage, which ask what no method here does.
    pub fn database(&self) -> &Connection {
        &self.database
    }

    /// A connection of its own to the same file, for queries that somebody else wrote.
    pub fn connect(&self) -> Result<Connection> {
        connect(&self.path).cannot(Kind::Config, || format!("open `{}`", self.path.display()))
    }

    /// A whole id, in lower case.
    pub fn has_trace(&self, id: &str) -> Result<bool> {
        self.has("SELECT 1 FROM trace WHERE trace_id = ?", id)
    }

    /// A whole id, in lower case.
    pub fn has_span(&self, id: &str) -> Result<bool> {
        self.has("SELECT 1 FROM span WHERE span_id = ? LIMIT 1", id)
    }

    fn has(&self, sql: &str, id: &str) -> Result<bool> {
        let found =
            self.database.prepare_cached(sql).and_then(|mut statement| statement.exists([id]));
        found.cannot(Kind::Config, || format!("ask the snapshot `{}`", self.path.display()))
    }

    /// The trace that a whole id, a unique prefix of one, or the id of one of its spans means.
    pub fn resolve(&self, id: &str) -> Result<String> {
        let asked = id.trim().to_ascii_lowercase().replace('-', "");
        let doing = || format!("look up trace `{id}`");
        let no_such = || {
            Failure::new(Kind::Usage, format!("no trace of this snapshot is called `{id}`"))
                .hint("`traces list` shows the traces there are")
        };
        if asked.is_empty() || !asked.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(no_such().because("ids are hexadecimal"));
        }
        let mut statement = self
            .database
            .prepare_cached(
                "SELECT trace_id FROM trace WHERE trace_id >= ?1 AND trace_id < ?1 || 'g' LIMIT 6",
            )
            .cannot(Kind::Config, doing)?;
        let found: rusqlite::Result<Vec<String>> =
            statement.query_map([&asked], |row| row.get(0)).and_then(Iterator::collect);
        let mut found = found.cannot(Kind::Config, doing)?;
        match found.len() {
            0 => {}
            1 => return Ok(found.remove(0)),
            many => {
                let least = if many > 5 { "more than 5".to_owned() } else { many.to_string() };
                return Err(Failure::new(Kind::Usage, format!("`{id}` means {least} traces"))
                    .hint(format!("write more of it, such as `{}`", found[0])));
            }
        }
        let of_span = self
            .database
            .query_row("SELECT trace_id FROM span WHERE span_id = ? LIMIT 1", [&asked], |row| {
                row.get(0)
            })
            .optional()
            .cannot(Kind::Config, doing)?;
        of_span.ok_or_else(no_such)
    }

    /// Which of the cited ids are here.
    pub fn check(&self, cited: &Citations) -> Result<Checked> {
        let mut checked = Checked::default();
        for id in &cited.traces {
            let list = if self.has_trace(id)? { &mut checked.found } else { &mut checked.missing };
            list.push(id.clone());
        }
        for id in &cited.spans {
            let list = if self.has_span(id)? { &mut checked.found } else { &mut checked.missing };
            list.push(id.clone());
        }
        Ok(checked)
    }

    /// One line for people: `420 traces, 4,321 spans, 57 failing`.
    pub fn one_line(&self) -> String {
        let Summary { traces, spans, failing, .. } = self.summary;
        format!("{}, {}, {failing} failing", Count::of(traces, "trace"), Count::of(spans, "span"))
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // The file never changes, so SQLite need not look for a journal, lock or a folder it may write in.
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(*byte as char);
            }
            other => {
                let _ = write!(uri, "%{other:02x}");
            }
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(uri, flags)?;
    database.execute_batch(
        "PRAGMA query_only=ON; PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY",
    )?;
    Ok(database)
}

fn not_ours(path: &Path) -> Failure {
    Failure::new(Kind::Config, format!("`{}` is no snapshot of traces", path.display()))
        .hint("`loop traces snapshot --project P -o FILE.db` makes one")
}

fn header(database: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement = database.prepare("SELECT key, value FROM header")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn read_header(header: &BTreeMap<String, String>, bytes: u64) -> (About, Summary) {
    let text = |key: &str| header.get(key).cloned().unwrap_or_default();
    let count = |key: &str| text(key).parse().unwrap_or(0);
    let left_out: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&text("left_out")).unwrap_or_default();
    let about = About {
        source: text("source"),
        project: text("project"),
        window: Window {
            since: text("since_ms").parse().ok(),
            until: text("until_ms").parse().ok(),
        },
    };
    let summary = Summary {
        traces: count("traces"),
        spans: count("spans"),
        failing: count("failing"),
        first: text("first_us").parse().unwrap_or(0),
        last: text("last_us").parse().unwrap_or(0),
        bytes,
        left_out: left_out
            .into_iter()
            .map(|(reason, count)| (reason, count.as_u64().unwrap_or(0)))
            .collect(),
        sampled: serde_json::from_str(&text("sampled")).ok(),
    };
    (about, summary)
}
