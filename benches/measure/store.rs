//! A store with many sessions, made from one that the program wrote itself.

use anyhow::{Context as _, Result};
use rusqlite::Connection;
use std::path::Path;

fn open(data: &Path) -> Result<Connection> {
    Connection::open(data.join("store.db")).context("open the store")
}

/// The store's own id, which the labels of its containers carry.
pub fn id(data: &Path) -> Result<String> {
    let id =
        open(data)?.query_row("SELECT value FROM meta WHERE key = 'store'", [], |row| row.get(0));
    id.context("read the store's id")
}

/// Copies the session and its turns until there are so many, each a minute older than the last.
pub fn multiply(data: &Path, session: &str, count: u32) -> Result<()> {
    let mut db = open(data)?;
    let write = db.transaction()?;
    for table in ["sessions", "turns"] {
        let key = if table == "sessions" { "id" } else { "session" };
        write.execute_batch(&format!(
            "CREATE TEMP TABLE copy AS
             WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < {count} - 1)
             SELECT i, o.* FROM number, {table} o WHERE o.{key} = '{session}';
             UPDATE copy SET {key} = printf('%012x', (i * 2654435761) % 281474976710656);"
        ))?;
        if table == "sessions" {
            write.execute_batch(
                "UPDATE copy SET uuid = uuid || i, created_at = created_at - i * 60000,
                 finished_at = finished_at - i * 60000;",
            )?;
        }
        let columns = columns(&write, table)?.join(", ");
        write.execute_batch(&format!(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM copy; DROP TABLE copy;"
        ))?;
    }
    write.commit()?;
    Ok(())
}

fn columns(db: &Connection, table: &str) -> Result<Vec<String>> {
    let mut query = db.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = query.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}
