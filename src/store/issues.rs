//! Issues as they are remembered: one row each, with what the newest run says of it and its life.
//!
//! An issue is changed by reading it, a function of values, and writing it, in one transaction: two
//! processes, or a person and a run, cannot undo each other's work.

use super::Store;
use super::database::{from_json, json};
use crate::domain::issue::Issue;
use crate::domain::words::or;
use crate::error::{Cannot as _, Failure, Kind, Result};
use rusqlite::{Connection, TransactionBehavior, params};

/// What one run counted of an issue in traces that no run had seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub issue: String,
    pub run: i64,
    /// When that run began. Unix milliseconds; not written.
    pub at: i64,
    pub hits: u64,
    pub chances: u64,
}

impl Store {
    /// All issues, or those of a project, in no order that means anything.
    pub fn issues(&self, project: Option<&str>) -> Result<Vec<Issue>> {
        let doing = || "list the issues".to_owned();
        select(&self.db, "WHERE ?1 IS NULL OR project = ?1", project).cannot(Kind::Config, doing)
    }

    pub fn issue(&self, id: &str) -> Result<Issue> {
        let doing = || format!("read issue `{id}`");
        let found = select(&self.db, "WHERE id = ?1", Some(id)).cannot(Kind::Config, doing)?;
        found.into_iter().next().ok_or_else(|| no_issue(id))
    }

    /// The one whose id begins so.
    pub fn find_issue(&self, word: &str) -> Result<Issue> {
        let doing = || format!("look for issue `{word}`");
        let begins = "WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 6";
        let asked = word.trim().to_ascii_lowercase();
        let mut found = select(&self.db, begins, Some(&asked)).cannot(Kind::Config, doing)?;
        match found.len() {
            1 if !asked.is_empty() => Ok(found.remove(0)),
            0 => Err(no_issue(word)),
            _ => {
                let ids: Vec<_> = found.iter().map(|issue| issue.id.as_str()).collect();
                Err(Failure::new(Kind::Usage, format!("`{word}` is the beginning of several ids"))
                    .because(or(&ids))
                    .hint("write one more character of it"))
            }
        }
    }

    /// Reads it, changes it, and writes it.
    pub fn change_issue(&mut self, id: &str, work: impl FnOnce(&mut Issue)) -> Result<Issue> {
        let doing = || format!("change issue `{id}`");
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate);
        let tx = tx.cannot(Kind::Config, doing)?;
        let found = select(&tx, "WHERE id = ?1", Some(id)).cannot(Kind::Config, doing)?;
        let Some(mut issue) = found.into_iter().next() else { return Err(no_issue(id)) };
        work(&mut issue);
        write(&tx, &issue).cannot(Kind::Config, doing)?;
        tx.commit().cannot(Kind::Config, doing)?;
        Ok(issue)
    }

    /// What the runs counted of an issue, oldest first.
    pub fn observations(&self, issue: &str) -> Result<Vec<Observation>> {
        let doing = || format!("read what was seen of issue `{issue}`");
        let mut statement = self
            .db
            .prepare(
                "SELECT observations.run, started_at, hits, chances FROM observations
                 JOIN issues ON issues.id = observations.issue
                 JOIN signal_runs ON signal_runs.project = issues.project
                   AND signal_runs.run = observations.run
                 WHERE observations.issue = ?1 ORDER BY observations.run",
            )
            .cannot(Kind::Config, doing)?;
        statement
            .query_map([issue], |row| {
                Ok(Observation {
                    issue: issue.to_owned(),
                    run: row.get(0)?,
                    at: row.get(1)?,
                    hits: row.get::<_, i64>(2)? as u64,
                    chances: row.get::<_, i64>(3)? as u64,
                })
            })
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)
    }
}

fn no_issue(word: &str) -> Failure {
    Failure::new(Kind::Usage, format!("no issue is called `{word}`"))
        .hint("`loop signal issues --status all` shows them")
}

pub(super) fn select(
    db: &Connection,
    which: &str,
    value: Option<&str>,
) -> rusqlite::Result<Vec<Issue>> {
    let mut statement = db.prepare(&format!("SELECT issue FROM issues {which}"))?;
    statement.query_map([value], |row| from_json(row, 0)).and_then(Iterator::collect)
}

pub(super) fn write(db: &Connection, issue: &Issue) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO issues VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET state = ?4, issue = ?5",
        params![issue.id, issue.project, issue.fingerprint, issue.life.state.name(), json(issue),],
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::issue::testing::issue;
    use crate::domain::issue::{Input, State};

    fn store_with(names: &[&str]) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        for name in names {
            write(&store.db, &issue(name, 4.0)).unwrap();
        }
        (dir, store)
    }

    #[test]
    fn what_is_written_is_read() {
        let (_dir, mut store) = store_with(&["a", "b"]);
        let one = issue("a", 4.0);
        assert_eq!(store.issue(&one.id).unwrap(), one);
        let changed = store.change_issue(&one.id, |issue| {
            issue.take(Input::Mute, 9);
        });
        assert_eq!(changed.unwrap().life.state, State::Muted);
        assert_eq!(store.issue(&one.id).unwrap().life.state, State::Muted);
        assert_eq!(store.issues(Some("demo")).unwrap().len(), 2);
        assert_eq!(store.issues(Some("shop")).unwrap().len(), 0);
        assert!(store.change_issue("zz", |_| ()).is_err());
    }

    #[test]
    fn an_issue_is_found_by_a_prefix_of_its_id() {
        let (_dir, store) = store_with(&["a", "b", "c"]);
        let id = issue("a", 4.0).id;
        assert_eq!(store.find_issue(&id[..6]).unwrap().id, id);
        assert_eq!(store.find_issue(&id.to_uppercase()).unwrap().id, id);
        assert!(store.find_issue("").unwrap_err().sentence.contains("several"));
        assert!(store.find_issue("zz").unwrap_err().sentence.contains("no issue"));
        assert!(store.find_issue("%").is_err(), "a pattern is no id");
    }
}
