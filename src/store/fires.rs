//! What automations decided, and what came of it.
//!
//! A fire is decided in one transaction with the cursor of its automation, and has a key of its own
//! within it, so several schedulers on one store decide it once. It is admitted in one transaction
//! with a look at the others. Whoever performs it holds its claim, which the kernel takes from a
//! process that dies; and the session it starts has the fire's own id, so even a second performer
//! would find that session and not start another.

use super::database::{from_json, json, unreadable};
use super::{SessionRecord, Store};
use crate::domain::automation::admit::{Admission, Around};
use crate::domain::automation::fire::{Cause, Fire, NewFire, State};
use crate::domain::automation::watch::Watched;
use crate::domain::digest;
use crate::error::{Cannot as _, Failure, Kind, Result};
use nix::fcntl::{Flock, FlockArg};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// How far an automation's decisions got. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// When it was first seen.
    pub since: i64,
    /// The last nominal time that was decided.
    pub cursor: i64,
    /// Before then there is nothing to decide, unless the file or the clock has changed.
    pub look_at: i64,
    /// What sets it off, as it was then; empty while it is not enabled.
    pub trigger: String,
    pub watched: Watched,
}

impl Standing {
    fn new(now: i64) -> Self {
        Self {
            since: now,
            cursor: now,
            look_at: now,
            trigger: String::new(),
            watched: Watched::default(),
        }
    }
}

/// Held by whoever performs a fire; it ends with the process, however that ends.
pub struct Claim {
    path: PathBuf,
    _file: Flock<File>,
}

impl Claim {
    /// The fire is over: nobody claims it again.
    pub fn over(self) {
        // One who has it open finds the fire over; a file that stays does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Somebody who is to be told of a fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub fire: String,
    pub target: Target,
    pub tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Webhook,
    Command,
}

impl Target {
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Command => "command",
        }
    }
}

impl Standing {
    /// What sets it off is something else now: what was missed before does not count.
    pub fn begin_with(&mut self, trigger: &str, now: i64) {
        if self.trigger != trigger {
            self.trigger = trigger.to_owned();
            self.cursor = now;
            self.look_at = now;
            self.watched = Watched::default();
        }
    }
}

impl Store {
    /// The session of a fire, once it is recorded.
    pub fn session_of_fire(&self, id: &str) -> Result<Option<SessionRecord>> {
        let sql = "SELECT count(*) FROM sessions WHERE id = ?1";
        let count: i64 = self
            .db
            .query_row(sql, [id], |row| row.get(0))
            .cannot(Kind::Config, || format!("look for session `{id}`"))?;
        if count == 0 { Ok(None) } else { self.session(id).map(Some) }
    }

    /// How far every automation got.
    pub fn standings(&self) -> Result<BTreeMap<String, Standing>> {
        let doing = || "read how far the automations got".to_owned();
        let sql = "SELECT since, cursor, look_at, trigger, watched, name FROM automations";
        let mut statement = self.db.prepare_cached(sql).cannot(Kind::Config, doing)?;
        statement
            .query_map([], |row| Ok((row.get(5)?, standing_of(row)?)))
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)
    }

    /// Decides something of an automation: nobody else does at the same time. Gives the fires that
    /// were not there before. An automation that was never seen begins now.
    pub fn decide(
        &mut self,
        (automation, spec): (&str, &str),
        now: i64,
        decide: impl FnOnce(&mut Standing) -> Vec<NewFire>,
    ) -> Result<Vec<Fire>> {
        let doing = || format!("decide what is due of `{automation}`");
        let store = self.id.clone();
        let tx = immediate(&mut self.db).cannot(Kind::Config, doing)?;
        let sql =
            "SELECT since, cursor, look_at, trigger, watched FROM automations WHERE name = ?1";
        let known = tx.query_row(sql, [automation], standing_of).optional();
        let known = known.cannot(Kind::Config, doing)?;
        let mut standing = known.clone().unwrap_or_else(|| Standing::new(now));
        let new = decide(&mut standing);
        if known.as_ref() != Some(&standing) {
            tx.execute(
                "INSERT OR REPLACE INTO automations VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    automation,
                    standing.since,
                    standing.cursor,
                    standing.look_at,
                    standing.trigger,
                    json(&standing.watched)
                ],
            )
            .cannot(Kind::Config, doing)?;
        }
        let mut fires = Vec::new();
        for new in new {
            let fire = fire_from(new, &store, (automation, spec), now);
            if insert(&tx, &fire).cannot(Kind::Config, doing)? {
                fires.push(fire);
            }
        }
        tx.commit().cannot(Kind::Config, doing)?;
        Ok(fires)
    }

    pub fn fire(&self, id: &str) -> Result<Fire> {
        let sql = format!("{SELECT} WHERE id = ?1");
        self.db.query_row(&sql, [id], fire_of).cannot(Kind::Config, || format!("read fire `{id}`"))
    }

    /// The newest fires, of one automation or of all.
    pub fn fires(&self, automation: Option<&str>, limit: u64) -> Result<Vec<Fire>> {
        let doing = || "list the fires".to_owned();
        let sql = match automation {
            Some(_) => format!(
                "{SELECT} WHERE automation = ?1 ORDER BY decided_at DESC, nominal_at DESC, id LIMIT ?2"
            ),
            None => format!(
                "{SELECT} WHERE ?1 IS NULL ORDER BY decided_at DESC, nominal_at DESC, id LIMIT ?2"
            ),
        };
        let mut statement = self.db.prepare_cached(&sql).cannot(Kind::Config, doing)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        statement
            .query_map(params![automation, limit], fire_of)
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)
    }

    /// The last fire of every automation that was started.
    pub fn last_started(&self) -> Result<BTreeMap<String, i64>> {
        let doing = || "read when automations last ran".to_owned();
        let sql = "SELECT automation, max(started_at) FROM fires
                   WHERE started_at IS NOT NULL GROUP BY automation";
        let mut statement = self.db.prepare_cached(sql).cannot(Kind::Config, doing)?;
        statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)
    }

    /// Fires that wait or run, the oldest first.
    pub fn open_fires(&self) -> Result<Vec<Fire>> {
        let doing = || "list the open fires".to_owned();
        let sql = format!(
            "{SELECT} INDEXED BY fires_open WHERE state IN ('waiting', 'running')
             ORDER BY decided_at, nominal_at, id"
        );
        let mut statement = self.db.prepare_cached(&sql).cannot(Kind::Config, doing)?;
        statement.query_map([], fire_of).and_then(Iterator::collect).cannot(Kind::Config, doing)
    }

    /// Becomes the one who performs a fire, or `None` where another process is.
    pub fn claim(&self, id: &str) -> Result<Option<Claim>> {
        let folder = self.root().join("claims");
        let path = folder.join(id);
        let doing = || format!("claim fire `{id}`");
        std::fs::create_dir_all(&folder).cannot(Kind::Config, doing)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .cannot(Kind::Config, doing)?;
        let locked = Flock::lock(file, FlockArg::LockExclusiveNonblock).ok();
        Ok(locked.map(|file| Claim { path, _file: file }))
    }

    /// Lets a fire that waits start, or ends it, by what else there is of its automation. Whoever
    /// asks holds its claim. `tell` are told where it is not allowed.
    pub fn admit(
        &mut self,
        id: &str,
        now: i64,
        tell: &[Target],
        admit: impl FnOnce(&Fire, &Around) -> Admission,
    ) -> Result<Admission> {
        let doing = || format!("admit fire `{id}`");
        let tx = immediate(&mut self.db).cannot(Kind::Config, doing)?;
        let sql = format!("{SELECT} WHERE id = ?1");
        let fire = tx.query_row(&sql, [id], fire_of).cannot(Kind::Config, doing)?;
        if fire.state != State::Waiting {
            let sentence = format!("fire `{id}` is {}", fire.state.name());
            return Err(Failure::new(Kind::Bug, sentence));
        }
        let around = around(&tx, &fire, now).cannot(Kind::Config, doing)?;
        let admission = admit(&fire, &around);
        let ended = match &admission {
            Admission::Wait => None,
            Admission::Go | Admission::Replace(_) => {
                let sql = "UPDATE fires SET state = 'running', started_at = ?2 WHERE id = ?1";
                tx.execute(sql, params![id, now]).cannot(Kind::Config, doing)?;
                None
            }
            Admission::Skip(reason) => Some((State::Skipped, reason)),
            Admission::Merge(reason) => Some((State::Merged, reason)),
            Admission::Refuse(reason) => Some((State::Refused, reason)),
        };
        if let Some((state, reason)) = ended {
            let tell = if state == State::Refused { tell } else { &[] };
            end(&tx, id, &Ended { state, reason: Some(reason), outcome: None, now, tell })
                .cannot(Kind::Config, doing)?;
        }
        tx.commit().cannot(Kind::Config, doing)?;
        Ok(admission)
    }

    /// Records how a fire came out, and who is to be told.
    pub fn end_fire(&mut self, id: &str, ended: &Ended) -> Result<()> {
        let doing = || format!("record how fire `{id}` came out");
        let tx = immediate(&mut self.db).cannot(Kind::Config, doing)?;
        end(&tx, id, ended).cannot(Kind::Config, doing)?;
        tx.commit().cannot(Kind::Config, doing)
    }

    /// Who is to be told something by now.
    pub fn notices(&self, now: i64) -> Result<Vec<Notice>> {
        let doing = || "look for what is to be told".to_owned();
        let sql = "SELECT fire, target, tries FROM notices
                   WHERE state = 'open' AND (due_at <= ?1 OR due_at > ?1 + 86400000) ORDER BY due_at, fire, target";
        let mut statement = self.db.prepare_cached(sql).cannot(Kind::Config, doing)?;
        let notice = |row: &Row| {
            let target = match row.get::<_, String>(1)?.as_str() {
                "command" => Target::Command,
                _ => Target::Webhook,
            };
            Ok(Notice { fire: row.get(0)?, target, tries: row.get(2)? })
        };
        statement.query_map([now], notice).and_then(Iterator::collect).cannot(Kind::Config, doing)
    }

    /// Takes a notice for a time, unless somebody else has it: it is due again then, should whoever
    /// has it die. It may be told twice, and is never lost.
    pub fn take_notice(&self, notice: &Notice, until: i64) -> Result<bool> {
        self.db
            .execute(
                "UPDATE notices SET tries = tries + 1, due_at = ?4
                 WHERE fire = ?1 AND target = ?2 AND tries = ?3 AND state = 'open'",
                params![notice.fire, notice.target.name(), notice.tries, until],
            )
            .map(|changed| changed == 1)
            .cannot(Kind::Config, || format!("tell of fire `{}`", notice.fire))
    }

    /// Records what came of telling: `state` is `sent`, `open` (and due again then) or `given up`.
    pub fn set_notice(
        &self,
        notice: &Notice,
        state: &str,
        due_at: i64,
        reason: Option<&str>,
    ) -> Result<()> {
        self.db
            .execute(
                "UPDATE notices SET state = ?3, due_at = ?4, reason = ?5
                 WHERE fire = ?1 AND target = ?2",
                params![notice.fire, notice.target.name(), state, due_at, reason],
            )
            .map(drop)
            .cannot(Kind::Config, || format!("record that fire `{}` was told", notice.fire))
    }

    /// Forgets an automation and its fires, but for those that run.
    pub fn forget_automation(&mut self, name: &str) -> Result<()> {
        let doing = || format!("forget automation `{name}`");
        let tx = immediate(&mut self.db).cannot(Kind::Config, doing)?;
        for sql in [
            "DELETE FROM fires WHERE automation = ?1 AND state != 'running'",
            "DELETE FROM automations WHERE name = ?1",
        ] {
            tx.execute(sql, [name]).cannot(Kind::Config, doing)?;
        }
        tx.commit().cannot(Kind::Config, doing)
    }

    /// Forgets fires that were over before a time, and claims of them.
    pub fn forget_fires(&self, before: i64) -> Result<usize> {
        let sql = "DELETE FROM fires WHERE state NOT IN ('waiting', 'running')
                   AND coalesce(ended_at, decided_at) < ?1";
        let doing = || "forget old fires".to_owned();
        self.db.execute(sql, [before]).cannot(Kind::Config, doing)
    }

    /// When something last looked for what is due.
    pub fn last_tick(&self) -> Result<Option<i64>> {
        let sql = "SELECT value FROM meta WHERE key = 'tick'";
        let found: Option<String> = self
            .db
            .query_row(sql, [], |row| row.get(0))
            .optional()
            .cannot(Kind::Config, || "read when it was last looked".to_owned())?;
        Ok(found.and_then(|text| text.parse().ok()))
    }

    pub fn set_tick(&self, now: i64) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO meta VALUES ('tick', ?1)";
        let done = self.db.execute(sql, [now.to_string()]);
        done.map(drop).cannot(Kind::Config, || "record that it was looked".to_owned())
    }
}

const SELECT: &str = "SELECT id, automation, key, cause, nominal_at, decided_at, state, reason,
    spec, chain, about, started_at, ended_at, outcome FROM fires";

/// How long back starts are counted.
const DAY: i64 = 86_400_000;

fn immediate(db: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    db.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn fire_from(new: NewFire, store: &str, (automation, spec): (&str, &str), now: i64) -> Fire {
    let is_over = !new.state.is_open();
    Fire {
        id: digest::short(&[store, automation, &new.key]),
        automation: automation.to_owned(),
        key: new.key,
        cause: new.cause,
        nominal_at: new.nominal_at,
        decided_at: now,
        state: new.state,
        reason: new.reason,
        spec: spec.to_owned(),
        chain: new.chain,
        about: new.about,
        started_at: None,
        ended_at: is_over.then_some(now),
        outcome: None,
    }
}

/// Whether it was not there before.
fn insert(db: &Connection, fire: &Fire) -> rusqlite::Result<bool> {
    db.execute(
        "INSERT INTO fires (id, automation, key, cause, nominal_at, decided_at, state, reason,
           spec, chain, about, ended_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (automation, key) DO NOTHING",
        params![
            fire.id,
            fire.automation,
            fire.key,
            fire.cause.name(),
            fire.nominal_at,
            fire.decided_at,
            fire.state.name(),
            fire.reason,
            fire.spec,
            json(&fire.chain),
            json(&fire.about),
            fire.ended_at,
        ],
    )
    .map(|inserted| inserted == 1)
}

fn around(db: &Connection, fire: &Fire, now: i64) -> rusqlite::Result<Around> {
    let others = |state: &str| -> rusqlite::Result<Vec<Fire>> {
        let sql = format!("{SELECT} WHERE automation = ?1 AND state = ?2 AND id != ?3");
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map(params![fire.automation, state, fire.id], fire_of)?;
        rows.collect()
    };
    let after = |other: &Fire| {
        (other.decided_at, other.nominal_at, &other.id)
            > (fire.decided_at, fire.nominal_at, &fire.id)
    };
    let mut statement = db
        .prepare_cached("SELECT started_at FROM fires WHERE automation = ?1 AND started_at > ?2")?;
    let started = statement
        .query_map(params![fire.automation, now.saturating_sub(DAY)], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Around {
        running: others("running")?.into_iter().map(|other| other.id).collect(),
        later: others("waiting")?.iter().any(after),
        started,
    })
}

/// How a fire came out.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    pub state: State,
    /// One sentence, where it did not simply run.
    pub reason: Option<&'a str>,
    /// How its session came out.
    pub outcome: Option<&'a str>,
    /// Unix milliseconds.
    pub now: i64,
    /// Who is to be told.
    pub tell: &'a [Target],
}

fn end(db: &Connection, id: &str, ended: &Ended) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE fires SET state = ?2, reason = ?3, outcome = ?4, ended_at = ?5 WHERE id = ?1",
        params![id, ended.state.name(), ended.reason, ended.outcome, ended.now],
    )?;
    for target in ended.tell {
        db.execute(
            "INSERT OR IGNORE INTO notices (fire, target) VALUES (?1, ?2)",
            [id, target.name()],
        )?;
    }
    Ok(())
}

fn standing_of(row: &Row<'_>) -> rusqlite::Result<Standing> {
    Ok(Standing {
        since: row.get(0)?,
        cursor: row.get(1)?,
        look_at: row.get(2)?,
        trigger: row.get(3)?,
        watched: from_json(row, 4)?,
    })
}

fn fire_of(row: &Row<'_>) -> rusqlite::Result<Fire> {
    let (cause, state): (String, String) = (row.get(3)?, row.get(6)?);
    Ok(Fire {
        id: row.get(0)?,
        automation: row.get(1)?,
        key: row.get(2)?,
        cause: Cause::of_name(&cause).ok_or_else(|| unreadable(3, &cause))?,
        nominal_at: row.get(4)?,
        decided_at: row.get(5)?,
        state: State::of_name(&state).ok_or_else(|| unreadable(6, &state))?,
        reason: row.get(7)?,
        spec: row.get(8)?,
        chain: from_json(row, 9)?,
        about: from_json(row, 10)?,
        started_at: row.get(11)?,
        ended_at: row.get(12)?,
        outcome: row.get(13)?,
    })
}

#[cfg(test)]
mod tests;
