//! How far a session's spans were sent, for sessions whose spans are to be sent.
//!
//! The spans of a session come in one order, and what is added comes after what there was. So a
//! number of spans says how far the sending got, and whoever goes on leaves out that many.

use super::Store;
use crate::error::{Cannot as _, Kind, Result};
use rusqlite::{Connection, OptionalExtension as _, params};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Export {
    pub outlook: Outlook,
    /// How many spans the server has taken.
    pub spans: u64,
    /// The newest turn of which it has all.
    pub turns: u32,
    /// How often it was tried since something was taken.
    pub tries: u32,
    /// Unix milliseconds; before then it is not tried again.
    pub due_at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// There is something to send, or there will be.
    Open,
    /// The session is over, and all of it was sent.
    Sent,
    /// It was tried too often.
    GivenUp,
}

impl Outlook {
    const ALL: [(Self, &str); 3] =
        [(Self::Open, "open"), (Self::Sent, "sent"), (Self::GivenUp, "given up")];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or("open", |(_, name)| name)
    }

    fn of_name(text: &str) -> Self {
        Self::ALL.iter().find(|(_, name)| *name == text).map_or(Self::Open, |(one, _)| *one)
    }
}

/// Records that a session's spans are to be sent.
pub(super) fn insert(db: &Connection, session: &str) -> rusqlite::Result<()> {
    db.execute("INSERT OR IGNORE INTO exports (session) VALUES (?1)", [session]).map(drop)
}

impl Store {
    /// `None` where the session's spans are not to be sent.
    pub fn export(&self, session: &str) -> Result<Option<Export>> {
        self.db
            .query_row(
                "SELECT state, spans, turns, tries, due_at FROM exports WHERE session = ?1",
                [session],
                |row| {
                    Ok(Export {
                        outlook: Outlook::of_name(&row.get::<_, String>(0)?),
                        spans: row.get::<_, i64>(1)? as u64,
                        turns: row.get(2)?,
                        tries: row.get(3)?,
                        due_at: row.get(4)?,
                    })
                },
            )
            .optional()
            .cannot(Kind::Config, || format!("read what was sent of session `{session}`"))
    }

    /// Records how far it got; the session's spans are to be sent from now on.
    pub fn set_export(&self, session: &str, export: &Export) -> Result<()> {
        self.db
            .execute(
                "INSERT OR REPLACE INTO exports VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    session,
                    export.outlook.name(),
                    export.spans as i64,
                    export.turns,
                    export.tries,
                    export.due_at,
                ],
            )
            .map(drop)
            .cannot(Kind::Config, || format!("record what was sent of session `{session}`"))
    }

    /// Sessions of which something is to be sent by `now`, the longest due first.
    pub fn unsent(&self, now: i64) -> Result<Vec<String>> {
        let doing = || "look for spans that were not sent".to_owned();
        let mut statement = self
            .db
            .prepare(
                "SELECT exports.session FROM exports JOIN sessions ON id = exports.session
                 WHERE state = 'open' AND due_at <= ?1
                   AND (phase NOT IN ('provisioning', 'running', 'idle') OR EXISTS (
                     SELECT 1 FROM turns WHERE turns.session = exports.session
                       AND turns.state = 'collected' AND turn > exports.turns))
                 ORDER BY due_at, id",
            )
            .cannot(Kind::Config, doing)?;
        statement
            .query_map([now], |row| row.get(0))
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)
    }
}
