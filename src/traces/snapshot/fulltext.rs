//! The full-text index, built beside the rows by a thread of its own.
//!
//! It is SQLite's own FTS5, in a database that goes away, and its pages are then put into the
//! snapshot's own index as they are. So the text of a million spans is taken apart while their rows
//! are written, and the index is merged once, at its end, into one run.

use super::choose::Chosen;
use super::pack::{INPUT, MESSAGES, OUTPUT};
use super::schema::{SEARCH, at};
use super::stage::Reader;
use rusqlite::Connection;
use rusqlite::types::ToSqlOutput;
use std::borrow::Cow;
use std::path::Path;

/// Merging is left to the end.
const SET_UP: &str = "
PRAGMA page_size=8192; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-32768; BEGIN;";
const LATER: &str = "
INSERT INTO search(search, rank) VALUES ('automerge', 0);
INSERT INTO search(search, rank) VALUES ('crisismerge', 1999);";

pub(super) fn build(path: &Path, mut reader: Reader, chosen: &Chosen) -> anyhow::Result<()> {
    let database = Connection::open(path)?;
    database.execute_batch(&format!("{SET_UP}{SEARCH}{LATER}"))?;
    let mut insert = database.prepare(
        "INSERT INTO search(rowid, name, input, output, messages, error) VALUES (?,?,?,?,?,?)",
    )?;
    let mut n: i64 = 0;
    for key in chosen.traces().flatten() {
        n += 1;
        let row = reader.row(key)?;
        let (kind, message) = (row.text(at::ERROR_TYPE), row.text(at::ERROR_MESSAGE));
        let error = match (kind, message) {
            ("", one) | (one, "") => Cow::Borrowed(one),
            _ => Cow::Owned(format!("{kind}: {message}")),
        };
        insert.raw_bind_parameter(1, n)?;
        for (place, column) in [at::NAME, INPUT, OUTPUT, MESSAGES].into_iter().enumerate() {
            insert.raw_bind_parameter(place + 2, ToSqlOutput::Borrowed(row.value(column)))?;
        }
        insert.raw_bind_parameter(6, error)?;
        insert.raw_execute()?;
    }
    drop(insert);
    database.execute_batch("INSERT INTO search(search) VALUES ('optimize'); COMMIT")?;
    database.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Puts a built index into an empty one.
pub(super) fn take(path: &Path, into: &Connection) -> rusqlite::Result<()> {
    let from = Connection::open(path)?;
    for (read, write) in [
        ("SELECT id, block FROM search_data", "INSERT OR REPLACE INTO search_data VALUES (?,?)"),
        (
            "SELECT segid, term, pgno FROM search_idx ORDER BY segid, term",
            "INSERT INTO search_idx VALUES (?,?,?)",
        ),
    ] {
        let mut read = from.prepare(read)?;
        let columns = read.column_count();
        let mut write = into.prepare(write)?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            for at in 0..columns {
                write.raw_bind_parameter(at + 1, ToSqlOutput::Borrowed(row.get_ref(at)?))?;
            }
            write.raw_execute()?;
        }
    }
    Ok(())
}
