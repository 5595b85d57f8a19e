//! Which stretches of time a mirror holds, and which of them a window needs.
//!
//! A part is a stretch that is read as one, with a mark of its own. One part has no end: it follows
//! what comes. A window that begins before it is read as a part of its own up to where it begins, and
//! then joined to it. A window that ended long ago is a part by itself, so that a look at an hour of
//! last month does not fetch the month.

use crate::domain::plan::Window;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// A window whose end is no longer ago than this is read up to now: the next one will want that.
const RECENT_MS: i64 = 7 * DAY_MS;
/// What nobody asked for in so long is dropped.
const KEPT_MS: i64 = 7 * DAY_MS;
/// How far what is held may reach beyond what is wanted before it is dropped.
const SLACK_MS: i64 = DAY_MS;
const DAY_MS: i64 = 86_400_000;

/// Unix milliseconds; the least and the greatest number are no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub since: i64,
    pub until: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub n: i64,
    pub stretch: Stretch,
    pub mark: Option<String>,
    /// When its first reading began.
    pub begun: i64,
}

impl Stretch {
    /// What has to be read so that the window can be had from it.
    pub fn of(window: Window, now: i64) -> Self {
        let until = window.until.filter(|until| *until < now - RECENT_MS);
        Self { since: window.since.unwrap_or(i64::MIN), until: until.unwrap_or(i64::MAX) }
    }

    pub fn covers(self, other: Self) -> bool {
        self.since <= other.since && self.until >= other.until
    }

    pub fn is_open(self) -> bool {
        self.until == i64::MAX
    }

    /// As a window, reaching so far beyond both ends.
    pub fn widened(self, by_ms: i64) -> Window {
        Window {
            since: (self.since != i64::MIN).then(|| self.since.saturating_sub(by_ms)),
            until: (!self.is_open()).then(|| self.until.saturating_add(by_ms)),
        }
    }
}

const COLUMNS: &str = "n, since, until, mark, begun";

fn part(row: &Row) -> rusqlite::Result<Part> {
    Ok(Part {
        n: row.get(0)?,
        stretch: Stretch { since: row.get(1)?, until: row.get(2)? },
        mark: row.get(3)?,
        begun: row.get(4)?,
    })
}

pub(super) fn all(database: &Connection) -> rusqlite::Result<Vec<Part>> {
    let mut statement =
        database.prepare_cached(&format!("SELECT {COLUMNS} FROM part ORDER BY n"))?;
    statement.query_map([], part)?.collect()
}

pub(super) fn by_number(database: &Connection, n: i64) -> rusqlite::Result<Option<Part>> {
    database
        .prepare_cached(&format!("SELECT {COLUMNS} FROM part WHERE n = ?"))?
        .query_row([n], part)
        .optional()
}

pub(super) fn new(database: &Connection, stretch: Stretch, now: i64) -> rusqlite::Result<Part> {
    let Stretch { since, until } = stretch;
    database.execute(
        "INSERT INTO part VALUES (NULL, ?1, ?2, NULL, ?3, ?3, ?1, ?3)",
        params![since, until, now],
    )?;
    Ok(Part { n: database.last_insert_rowid(), stretch, mark: None, begun: now })
}

/// Lets the open part begin where the one before it does, which is then no part of its own any more.
pub(super) fn join(database: &Connection, before: &Part, open: &Part) -> rusqlite::Result<()> {
    let begun = before.begun.min(open.begun);
    database.execute(
        "UPDATE part SET since = ?, begun = ? WHERE n = ?",
        params![before.stretch.since, begun, open.n],
    )?;
    database.execute("DELETE FROM part WHERE n = ?", [before.n]).map(drop)
}

/// Notes that a part was wanted from then on.
pub(super) fn used(database: &Connection, n: i64, since: i64, now: i64) -> rusqlite::Result<()> {
    database
        .execute(
            "UPDATE part SET used = ?3,
               wanted_at = iif(?2 <= wanted_since OR wanted_at < ?3 - ?4, ?3, wanted_at),
               wanted_since = iif(?2 <= wanted_since OR wanted_at < ?3 - ?4, ?2, wanted_since)
             WHERE n = ?1",
            params![n, since, now, KEPT_MS],
        )
        .map(drop)
}

/// Drops what was not wanted for long. Whether anything was.
pub(super) fn prune(database: &Connection, now: i64) -> rusqlite::Result<bool> {
    let mut changed =
        database.execute("DELETE FROM part WHERE used < ?", [now.saturating_sub(KEPT_MS)])?;
    // Written so that no bound (the least number) does not overflow.
    changed += database.execute(
        "UPDATE part SET since = wanted_since WHERE since < wanted_since - ? AND wanted_since > ?",
        params![SLACK_MS, i64::MIN + SLACK_MS],
    )?;
    if changed == 0 {
        return Ok(false);
    }
    database.execute(
        "DELETE FROM span WHERE trace IN (
           SELECT trace
           FROM (SELECT trace, min(start_us) first, max(start_us) last FROM span GROUP BY trace)
           WHERE NOT EXISTS (
             SELECT 1 FROM part WHERE last / 1000 >= part.since AND first / 1000 < part.until))",
        [],
    )?;
    database.execute_batch(
        "DELETE FROM annotation WHERE CASE kind
           WHEN 'span' THEN target NOT IN (SELECT span FROM span)
           WHEN 'trace' THEN target NOT IN (SELECT trace FROM span)
           ELSE target NOT IN (SELECT session FROM span WHERE session IS NOT NULL) END",
    )?;
    Ok(true)
}
