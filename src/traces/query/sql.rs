//! `traces sql`: one question in SQL, by somebody who is not trusted.
//!
//! The file is opened read-only, and what a statement may do is asked beforehand: reading the tables
//! and calling functions, no more. Attaching another file, in particular, is refused: it would read
//! any database of the machine. How long it may take is the caller's to say, since nothing here
//! looks at a clock.

use super::super::snapshot::{Snapshot, TABLES};
use super::{Bounds, cut};
use crate::error::{Failure, Kind, Result};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode};
use serde::Serialize;
use serde_json::Value;

/// How many of SQLite's own steps lie between two looks at whether time is over.
const STEPS: i32 = 4_000;

/// A text a query makes up may be this long.
const LONGEST_VALUE: i32 = 256 << 20;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    pub version: u32,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    /// Whether there are rows beyond the limit.
    pub more: bool,
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

fn guard(
    database: &mut Connection,
    overdue: impl FnMut() -> bool + Send + 'static,
) -> rusqlite::Result<()> {
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE)?;
    database.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    database.authorizer(Some(|asked: AuthContext<'_>| match asked.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        AuthAction::Function { function_name } if function_name != "load_extension" => {
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
    let mut table = Table { version: 1, columns, rows: Vec::new(), more: false };
    while let Some(row) = rows.next()? {
        if table.rows.len() >= bounds.limit {
            table.more = true;
            break;
        }
        let values = (0..table.columns.len()).map(|at| Ok(value(row.get_ref(at)?, bounds)));
        table.rows.push(values.collect::<rusqlite::Result<_>>()?);
    }
    Ok(table)
}

fn value(value: ValueRef, bounds: Bounds) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            cut(text, 0, bounds).into()
        }
        ValueRef::Blob(bytes) => format!("({} bytes)", bytes.len()).into(),
    }
}

fn told(error: &rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            Failure::new(Kind::Limit, "the query took longer than it may")
                .hint("ask for less: a WHERE on trace_id or start_time, or fewer joins")
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
