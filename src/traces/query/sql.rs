//! `traces sql`: one question in SQL, by somebody who is not trusted.
//!
//! The file is opened read-only, and what a statement may do is asked beforehand: reading the tables
//! and calling functions, no more. Attaching another file, in particular, is refused: it would read
//! any database of the machine. How long it may take is the caller's to say, since nothing here
//! looks at a clock. How much memory it may take is a matter of the whole process, which bounds it by
//! [`bound_memory`] before it asks.

use super::super::snapshot::{Snapshot, TABLES};
use super::{Bounds, cut};
use crate::error::{Failure, Kind, Result};
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode};
use serde::Serialize;
use serde_json::Value;

/// How many of SQLite's own steps lie between two looks at whether time is over.
const STEPS: i32 = 4_000;

/// A text a query makes up may be this long.
const LONGEST_VALUE: i32 = 128 << 20;

/// What SQLite may take of memory, in bytes.
const MEMORY: u64 = 384 << 20;

/// What an answer, or one value of it, may hold, in bytes: more is nothing that anybody reads.
const LARGEST_ANSWER: usize = 4 << 20;

/// A pattern of LIKE or GLOB may be this long: what one costs grows with pattern times text.
const LONGEST_PATTERN: i32 = 1_000;

/// Functions that no question needs, and that show or change what is not the snapshot's.
const DENIED: [&str; 2] = ["load_extension", "fts3_tokenizer"];

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    pub version: u32,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    /// Whether there are rows beyond the limit.
    pub more: bool,
    /// Whether these were left out because the answer grew too large.
    pub full: bool,
}

/// `overdue` is asked every so often; when it says yes, the query ends as a failure.
pub fn sql(
    snapshot: &Snapshot,
    query: &str,
    bounds: Bounds,
    overdue: impl FnMut() -> bool + Send + 'static,
) -> Result<Table> {
    if query.trim().is_empty() {
        return Err(Failure::new(Kind::Usage, "there is no query").hint(example()).because(TABLES));
    }
    let mut database = snapshot.connect()?;
    guard(&mut database, overdue).map_err(|error| told(&error))?;
    run(&database, query, bounds).map_err(|error| told(&error))
}

/// Bounds what SQLite may take of memory from now on, in all of this process: no single query can be
/// told apart there, and the bound cannot be lifted again.
pub fn bound_memory(snapshot: &Snapshot) -> Result<()> {
    let bound = format!("PRAGMA hard_heap_limit={MEMORY}");
    super::asked(snapshot.connect()?.query_row(&bound, [], |_| Ok(())))
}

fn guard(
    database: &mut Connection,
    overdue: impl FnMut() -> bool + Send + 'static,
) -> rusqlite::Result<()> {
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE)?;
    database.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    database.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN)?;
    database.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    database.authorizer(Some(|asked: AuthContext<'_>| match asked.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        AuthAction::Function { function_name }
            if !DENIED.iter().any(|denied| function_name.eq_ignore_ascii_case(denied)) =>
        {
            Authorization::Allow
        }
        // The first is the full-text index's own; the others are how one learns what there is.
        AuthAction::Pragma {
            pragma_name: "data_version" | "table_info" | "table_xinfo" | "table_list",
            ..
        } => Authorization::Allow,
        _ => Authorization::Deny,
    }))?;
    database.progress_handler(STEPS, Some(overdue))
}

fn run(database: &Connection, query: &str, bounds: Bounds) -> rusqlite::Result<Table> {
    let mut statement = database.prepare(query)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.raw_query();
    let mut table = Table { version: 1, columns, rows: Vec::new(), more: false, full: false };
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        table.full = bytes > LARGEST_ANSWER;
        if table.rows.len() >= bounds.limit || table.full {
            table.more = true;
            break;
        }
        let values = (0..table.columns.len()).map(|at| Ok(value(row.get_ref(at)?, bounds)));
        let values: Vec<Value> = values.collect::<rusqlite::Result<_>>()?;
        bytes += values.iter().map(|one| one.as_str().map_or(8, str::len)).sum::<usize>();
        table.rows.push(values);
    }
    Ok(table)
}

fn value(value: ValueRef, bounds: Bounds) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) => {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LARGEST_ANSWER)]);
            match bytes.len().saturating_sub(LARGEST_ANSWER) {
                0 => cut(text.into_owned(), 0, bounds).into(),
                more if bounds.chars.is_none() => {
                    format!("{text}… ({more} more bytes; substr() shows parts of it)").into()
                }
                _ => {
                    let all = String::from_utf8_lossy(bytes).chars().count() as u64;
                    cut(text.into_owned(), all, bounds).into()
                }
            }
        }
        ValueRef::Blob(bytes) => format!("({} bytes)", bytes.len()).into(),
    }
}

/// A query that did not end in time.
pub fn overdue() -> Failure {
    Failure::new(Kind::Limit, "the query took longer than it may")
        .hint("ask for less: a WHERE on trace_id or start_time, or fewer joins")
}

fn told(error: &rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => overdue(),
        Some(ErrorCode::OutOfMemory | ErrorCode::TooBig) => {
            Failure::new(Kind::Limit, "the query took more memory than it may")
                .hint("ask for less: fewer rows to sort or join, or substr() of long values")
        }
        Some(ErrorCode::AuthorizationForStatementDenied) => {
            Failure::new(Kind::Usage, "a query may only read the snapshot's tables").hint(example())
        }
        _ => {
            let why = match error {
                rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
                other => other.to_string(),
            };
            Failure::new(Kind::Usage, "the query cannot be run")
                .because(why)
                .hint("the tables are spans, traces, events, annotations and header")
        }
    }
}

fn example() -> String {
    "traces sql \"SELECT tool, count(*) FROM spans WHERE status = 'ERROR' GROUP BY tool\""
        .to_owned()
}
