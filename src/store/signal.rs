//! Runs of Signal: when each looked at what, which traces were counted, and the lock that keeps two of
//! them on one project apart.

use super::Store;
use super::database::{from_json, json};
use super::files::DriverLock;
use super::issues::{self, Observation};
use crate::domain::issue::Issue;
use crate::domain::signal::Run as SignalRun;
use crate::error::{Cannot as _, Kind, Result};
use nix::fcntl::{Flock, FlockArg};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use std::collections::{BTreeMap, HashSet};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

/// What a run counted, to be remembered all at once or not at all.
pub struct Look<'a> {
    pub run: &'a SignalRun,
    /// Ids and starts of the traces that are new.
    pub traces: &'a [(u128, i64)],
    /// What starts before is out of every later window, and need not be remembered.
    pub forget_before_us: Option<i64>,
}

impl Store {
    /// The folder of a project's own things.
    pub fn signal_file(&self, project: &str, end: &str) -> Result<PathBuf> {
        let folder = self.root().join("signal");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .cannot(Kind::Config, || format!("make the folder `{}`", folder.display()))?;
        Ok(folder.join(format!("{project}.{end}")))
    }

    /// Becomes the one that looks at a project, or `None` where another process is.
    pub fn lock_signal(&self, project: &str) -> Result<Option<DriverLock>> {
        let path = self.signal_file(project, "lock")?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .cannot(Kind::Config, || format!("open `{}`", path.display()))?;
        Ok(Flock::lock(file, FlockArg::LockExclusiveNonblock).ok().map(DriverLock::of))
    }

    /// The newest runs of a project, newest first.
    pub fn signal_runs(&self, project: &str, limit: u32) -> Result<Vec<SignalRun>> {
        let doing = || format!("read the runs of Signal on `{project}`");
        let sql = format!("{RUN} WHERE project = ?1 ORDER BY run DESC LIMIT ?2");
        let mut statement = self.db.prepare(&sql).cannot(Kind::Config, doing)?;
        statement
            .query_map(params![project, limit], run_of)
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)
    }

    /// Projects that were looked at.
    pub fn signal_projects(&self) -> Result<Vec<String>> {
        let doing = || "list the projects of Signal".to_owned();
        let sql = "SELECT DISTINCT project FROM signal_runs ORDER BY project";
        let mut statement = self.db.prepare(sql).cannot(Kind::Config, doing)?;
        statement
            .query_map([], |row| row.get(0))
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)
    }

    /// Traces of a project that were counted.
    pub fn seen_traces(&self, project: &str) -> Result<HashSet<u128>> {
        let doing = || format!("read which traces of `{project}` were counted");
        let sql = "SELECT trace FROM seen_traces WHERE project = ?1";
        let mut statement = self.db.prepare(sql).cannot(Kind::Config, doing)?;
        statement
            .query_map([project], |row| row.get::<_, [u8; 16]>(0).map(u128::from_be_bytes))
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)
    }

    /// Remembers what a run saw: the issues as `work` changes them, by fingerprint, what was counted of
    /// each, and the traces that it was counted in.
    pub fn remember<T>(
        &mut self,
        look: &Look,
        work: impl FnOnce(&mut BTreeMap<String, Issue>) -> (Vec<Observation>, T),
    ) -> Result<T> {
        let project = &look.run.project;
        let doing = || format!("remember what was seen of `{project}`");
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate);
        let tx = tx.cannot(Kind::Config, doing)?;
        let known = issues::select(&tx, "WHERE project = ?1", Some(project));
        let known = known.cannot(Kind::Config, doing)?;
        let mut all: BTreeMap<String, Issue> =
            known.into_iter().map(|issue| (issue.fingerprint.clone(), issue)).collect();
        let (observations, done) = work(&mut all);
        let written = || -> rusqlite::Result<()> {
            all.values().try_for_each(|issue| issues::write(&tx, issue))?;
            write_run(&tx, look.run)?;
            for one in &observations {
                tx.execute(
                    "INSERT INTO observations VALUES (?1, ?2, ?3, ?4)",
                    params![one.issue, one.run, one.hits as i64, one.chances as i64],
                )?;
            }
            count(&tx, look)
        };
        written().cannot(Kind::Config, doing)?;
        tx.commit().cannot(Kind::Config, doing)?;
        Ok(done)
    }

    /// Writes what became of a run.
    pub fn update_run(&self, run: &SignalRun) -> Result<()> {
        let doing = || format!("record a run of Signal on `{}`", run.project);
        write_run(&self.db, run).cannot(Kind::Config, doing)
    }

    /// The number of a project's newest run; 0 where there was none.
    pub fn last_signal_run(&self, project: &str) -> Result<i64> {
        let sql = "SELECT max(run) FROM signal_runs WHERE project = ?1";
        let last: rusqlite::Result<Option<Option<i64>>> =
            self.db.query_row(sql, [project], |row| row.get(0)).optional();
        let last = last.cannot(Kind::Config, || format!("count the runs of `{project}`"))?;
        Ok(last.flatten().unwrap_or(0))
    }
}

const RUN: &str =
    "SELECT project, run, started_at, ended_at, since, until, traces, fresh, sessions,
    changes, notes FROM signal_runs";

fn count(db: &Connection, look: &Look) -> rusqlite::Result<()> {
    let project = &look.run.project;
    let mut insert = db.prepare("INSERT OR IGNORE INTO seen_traces VALUES (?1, ?2, ?3)")?;
    for (id, start_us) in look.traces {
        insert.execute(params![project, id.to_be_bytes(), start_us])?;
    }
    if let Some(before) = look.forget_before_us {
        let sql = "DELETE FROM seen_traces WHERE project = ?1 AND start_us < ?2";
        db.execute(sql, params![project, before])?;
    }
    Ok(())
}

fn write_run(db: &Connection, run: &SignalRun) -> rusqlite::Result<()> {
    db.execute(
        "INSERT OR REPLACE INTO signal_runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            run.project,
            run.run,
            run.started_at,
            run.ended_at,
            run.since,
            run.until,
            run.traces as i64,
            run.fresh as i64,
            run.sessions,
            json(&run.changes),
            json(&run.notes),
        ],
    )
    .map(drop)
}

fn run_of(row: &Row<'_>) -> rusqlite::Result<SignalRun> {
    Ok(SignalRun {
        project: row.get(0)?,
        run: row.get(1)?,
        started_at: row.get(2)?,
        ended_at: row.get(3)?,
        since: row.get(4)?,
        until: row.get(5)?,
        traces: row.get::<_, i64>(6)? as u64,
        fresh: row.get::<_, i64>(7)? as u64,
        sessions: row.get(8)?,
        changes: from_json(row, 9)?,
        notes: from_json(row, 10)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::issue::testing::issue;

    fn run(number: i64) -> SignalRun {
        SignalRun { project: "demo".to_owned(), run: number, ..SignalRun::default() }
    }

    #[test]
    fn a_look_is_remembered_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let one = issue("a", 4.0);
        let first = run(1);
        let look = Look { run: &first, traces: &[(7, 10), (8, 20)], forget_before_us: None };
        let seen = Observation { issue: one.id.clone(), run: 1, at: 0, hits: 2, chances: 3 };
        let known = store.remember(&look, |all| {
            all.insert(one.fingerprint.clone(), one.clone());
            (vec![seen.clone()], all.len())
        });
        assert_eq!(known.unwrap(), 1);
        assert_eq!(store.seen_traces("demo").unwrap(), HashSet::from([7, 8]));
        assert_eq!(store.seen_traces("shop").unwrap(), HashSet::new());
        assert_eq!(store.observations(&one.id).unwrap(), [seen]);
        let second = run(2);
        let look = Look { run: &second, traces: &[(8, 20), (9, 30)], forget_before_us: Some(20) };
        let known = store.remember(&look, |all| (Vec::new(), all.len())).unwrap();
        assert_eq!(known, 1);
        assert_eq!(store.seen_traces("demo").unwrap(), HashSet::from([8, 9]));
        assert_eq!(store.last_signal_run("demo").unwrap(), 2);
        assert_eq!(store.last_signal_run("shop").unwrap(), 0);
        assert_eq!(store.signal_projects().unwrap(), ["demo"]);
        let ended = SignalRun { ended_at: Some(9), notes: vec!["x".to_owned()], ..second };
        store.update_run(&ended).unwrap();
        assert_eq!(store.signal_runs("demo", 1).unwrap(), [ended]);
    }

    #[test]
    fn what_fails_is_not_remembered_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let first = run(1);
        let look = Look { run: &first, traces: &[(7, 10)], forget_before_us: None };
        // An observation of an issue that is not there.
        let stray = Observation { issue: "no".to_owned(), run: 1, at: 0, hits: 1, chances: 1 };
        assert!(store.remember(&look, |_| (vec![stray], ())).is_err());
        assert_eq!(store.seen_traces("demo").unwrap(), HashSet::new());
        assert_eq!(store.last_signal_run("demo").unwrap(), 0);
    }

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let lock = store.lock_signal("demo").unwrap();
        assert!(lock.is_some() && store.lock_signal("demo").unwrap().is_none());
        assert!(store.lock_signal("shop").unwrap().is_some(), "another project");
        drop(lock);
        assert!(store.lock_signal("demo").unwrap().is_some());
    }
}
