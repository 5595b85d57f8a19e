//! The database: one connection a process, write-ahead log, every commit on the disk.

use super::files::{DriverLock, SessionDir};
use super::records::{SessionRecord, TurnRecord, TurnState};
use crate::domain::artifact::Artifact;
use crate::domain::session::Phase;
use crate::domain::turn::Outcome;
use crate::error::{Cannot as _, Failure, Kind, Result};
use nix::fcntl::{Flock, FlockArg};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Serialize, de::DeserializeOwned};
use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// One for each step; a newer database is refused, an older one is brought up to it.
const VERSION: i64 = 4;

/// What makes each version out of the one before it, and the first out of nothing.
const STEPS: [&str; VERSION as usize] = [
    include_str!("schema-1.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
];

/// Older versions of SQLite can lose committed writes when two processes write and checkpoint at
/// once (the write-ahead log's reset race, mended in 3.51.3).
const LEAST_SQLITE: i32 = 3_051_003;

pub struct Store {
    pub(super) db: Connection,
    root: PathBuf,
    /// Labels every sandbox, so that nobody touches another store's.
    pub id: String,
}

/// Which sessions to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub phase: Option<Phase>,
    pub open: bool,
    pub preset: Option<String>,
    pub project: Option<String>,
    pub since: Option<i64>,
    pub limit: Option<u64>,
}

impl Store {
    /// Opens the store below the data folder, and makes it where there is none.
    pub fn open(root: &Path) -> Result<Self> {
        let opening = || format!("open the store at `{}`", root.display());
        if rusqlite::version_number() < LEAST_SQLITE {
            let version = rusqlite::version();
            return Err(Failure::new(Kind::Bug, format!("this build holds SQLite {version}"))
                .because("versions before 3.51.3 can lose committed writes"));
        }
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root.join("sessions"))
            .cannot(Kind::Config, opening)
            .map_err(|failure| failure.hint("set `LOOP_DATA_DIR` to a folder you may write to"))?;
        let mut db = Connection::open(root.join("store.db")).cannot(Kind::Config, opening)?;
        db.busy_timeout(Duration::from_secs(10)).cannot(Kind::Config, opening)?;
        if version(&db).cannot(Kind::Config, opening)? < VERSION {
            let _alone = alone(root).cannot(Kind::Config, opening)?;
            make(&mut db).cannot(Kind::Config, opening)?;
        }
        db.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            .cannot(Kind::Config, opening)?;
        let version = version(&db).cannot(Kind::Config, opening)?;
        if version > VERSION {
            return Err(Failure::new(Kind::Config, format!("cannot {}", opening()))
                .because(format!(
                    "it was written by a newer `loop` (version {version} of the store)"
                ))
                .hint("install that version again, or set `LOOP_DATA_DIR` to another folder"));
        }
        let id = db
            .query_row("SELECT value FROM meta WHERE key = 'store'", [], |row| row.get(0))
            .cannot(Kind::Config, opening)?;
        Ok(Self { db, root: root.to_owned(), id })
    }

    /// The folder of a session. It need not exist.
    pub fn dir(&self, id: &str) -> SessionDir {
        SessionDir::new(self.root.join("sessions").join(id))
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Records a session and its first turn, before anything of them exists. Whoever records it
    /// drives it: nobody else can take it for one that was left.
    pub fn insert(&mut self, session: &SessionRecord, first: &TurnRecord) -> Result<DriverLock> {
        let doing = || format!("record session `{}`", session.id);
        self.dir(&session.id).create()?;
        let lock = self.dir(&session.id).lock()?.ok_or_else(|| {
            Failure::new(Kind::Bug, format!("cannot {}", doing())).because("somebody drives it")
        })?;
        let tx = self.db.transaction().cannot(Kind::Config, doing)?;
        tx.execute(
            "INSERT INTO sessions (id, uuid, name, preset, project, phase, plan, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                session.id,
                session.uuid,
                session.plan.name,
                session.plan.preset,
                session.plan.project.as_ref().map(|project| &project.name),
                session.phase.name(),
                json(&session.plan),
                session.created_at,
            ],
        )
        .cannot(Kind::Config, doing)?;
        insert_turn(&tx, &session.id, first).cannot(Kind::Config, doing)?;
        if session.plan.traced {
            super::exports::insert(&tx, &session.id).cannot(Kind::Config, doing)?;
        }
        tx.commit().cannot(Kind::Config, doing)?;
        Ok(lock)
    }

    pub fn session(&self, id: &str) -> Result<SessionRecord> {
        self.db
            .query_row(&format!("{SELECT} WHERE id = ?1"), [id], session_of)
            .cannot(Kind::Config, || format!("read session `{id}`"))
    }

    /// A session by id, by a unique prefix of it, by name (the newest of that name), or `last`.
    pub fn find(&self, word: &str) -> Result<SessionRecord> {
        let doing = || format!("look for session `{word}`");
        let one = |sql: &str, value: &str| {
            self.db
                .query_row(&format!("{SELECT} {sql}"), [value], session_of)
                .optional()
                .cannot(Kind::Config, doing)
        };
        if word == "last" {
            let last = one("WHERE ?1 = 'last' ORDER BY created_at DESC, id LIMIT 1", word)?;
            return last.ok_or_else(|| {
                Failure::new(Kind::Usage, "there is no session yet")
                    .hint("start one: `loop session start --preset triage --project demo`")
            });
        }
        if let Some(found) = one("WHERE name = ?1 ORDER BY created_at DESC LIMIT 1", word)? {
            return Ok(found);
        }
        let mut statement = self
            .db
            .prepare("SELECT id FROM sessions WHERE substr(id, 1, length(?1)) = ?1 LIMIT 6")
            .cannot(Kind::Config, doing)?;
        let ids: Vec<String> = statement
            .query_map([word.to_ascii_lowercase()], |row| row.get(0))
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)?;
        match ids.as_slice() {
            [id] if !word.is_empty() => self.session(id),
            [] => Err(Failure::new(Kind::Usage, format!("no session is called `{word}`"))
                .hint("`loop session list` shows them")),
            _ => {
                Err(Failure::new(Kind::Usage, format!("`{word}` is the beginning of several ids"))
                    .because(crate::domain::words::or(&ids))
                    .hint("write one more character of it"))
            }
        }
    }

    pub fn sessions(&self, filter: &Filter) -> Result<Vec<SessionRecord>> {
        let doing = || "list the sessions".to_owned();
        // By itself SQLite would rather walk all sessions in the order that is asked for.
        let (from, open) = if filter.open {
            ("INDEXED BY sessions_open", "AND phase IN ('provisioning', 'running', 'idle')")
        } else {
            ("", "")
        };
        let sql = format!(
            "{SELECT} {from} WHERE (?1 IS NULL OR phase = ?1)
               AND (?2 IS NULL OR preset = ?2) AND (?3 IS NULL OR project = ?3)
               AND (?4 IS NULL OR created_at >= ?4) {open}
             ORDER BY created_at DESC, id LIMIT ?5"
        );
        let mut statement = self.db.prepare(&sql).cannot(Kind::Config, doing)?;
        let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        statement
            .query_map(
                params![
                    filter.phase.map(Phase::name),
                    filter.preset,
                    filter.project,
                    filter.since,
                    limit,
                ],
                session_of,
            )
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)
    }

    /// Writes back what may change of a session.
    pub fn update(&self, session: &SessionRecord) -> Result<()> {
        self.db
            .execute(
                "UPDATE sessions SET phase = ?2, finished_at = ?3, sandbox = ?4, evidence = ?5,
                   reason = ?6, turns = ?7, usage = ?8, cost_usd = ?9, artifacts = ?10,
                   outcome = ?11, closing_at = ?12 WHERE id = ?1",
                params![
                    session.id,
                    session.phase.name(),
                    session.finished_at,
                    session.sandbox,
                    session.evidence.map(|evidence| json(&evidence)),
                    session.reason,
                    session.turns,
                    json(&session.usage),
                    session.cost_usd,
                    session.artifacts,
                    session.outcome.map(Outcome::name),
                    session.closing_at,
                ],
            )
            .map(drop)
            .cannot(Kind::Config, || format!("update session `{}`", session.id))
    }

    /// Writes back a session and one of its turns, both or neither.
    pub fn update_both(&mut self, session: &SessionRecord, turn: &TurnRecord) -> Result<()> {
        let doing = || format!("update session `{}`", session.id);
        // It goes back when it is dropped without a commit.
        let tx = self.db.unchecked_transaction().cannot(Kind::Config, doing)?;
        self.update_turn(&session.id, turn)?;
        self.update(session)?;
        tx.commit().cannot(Kind::Config, doing)
    }

    pub fn turns(&self, id: &str) -> Result<Vec<TurnRecord>> {
        let doing = || format!("read the turns of session `{id}`");
        let mut statement = self
            .db
            .prepare(
                "SELECT turn, prompt, state, journal_from, started_at, ended_at, outcome, reason,
                   answer, usage, cost_usd, conversation, collecting_at, collected_at
                 FROM turns WHERE session = ?1 ORDER BY turn",
            )
            .cannot(Kind::Config, doing)?;
        statement.query_map([id], turn_of).and_then(Iterator::collect).cannot(Kind::Config, doing)
    }

    /// Adds a turn after the newest. Two callers at once get two different numbers.
    pub fn add_turn(&mut self, id: &str, prompt: &str, state: TurnState) -> Result<TurnRecord> {
        let doing = || format!("add a turn to session `{id}`");
        let tx = self
            .db
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .cannot(Kind::Config, doing)?;
        let next: u32 = tx
            .query_row("SELECT max(turn) + 1 FROM turns WHERE session = ?1", [id], |row| row.get(0))
            .cannot(Kind::Config, doing)?;
        let turn = TurnRecord::new(next, prompt, state);
        insert_turn(&tx, id, &turn).cannot(Kind::Config, doing)?;
        tx.commit().cannot(Kind::Config, doing)?;
        Ok(turn)
    }

    pub fn update_turn(&self, id: &str, turn: &TurnRecord) -> Result<()> {
        self.db
            .execute(
                "UPDATE turns SET state = ?3, journal_from = ?4, started_at = ?5, ended_at = ?6,
                   outcome = ?7, reason = ?8, answer = ?9, usage = ?10, cost_usd = ?11,
                   conversation = ?12, collecting_at = ?13, collected_at = ?14 WHERE session = ?1 AND turn = ?2",
                params![
                    id,
                    turn.turn,
                    turn.state.name(),
                    turn.journal_from as i64,
                    turn.started_at,
                    turn.ended_at,
                    turn.outcome.map(Outcome::name),
                    turn.reason,
                    turn.answer,
                    json(&turn.usage),
                    turn.cost_usd,
                    turn.conversation.as_ref().map(json),
                    turn.collecting_at,
                    turn.collected_at,
                ],
            )
            .map(drop)
            .cannot(Kind::Config, || format!("update turn {} of session `{id}`", turn.turn))
    }

    pub fn artifacts(&self, id: &str) -> Result<Vec<Artifact>> {
        let doing = || format!("read the artifacts of session `{id}`");
        let mut statement = self
            .db
            .prepare("SELECT artifact FROM artifacts WHERE session = ?1 ORDER BY place")
            .cannot(Kind::Config, doing)?;
        statement
            .query_map([id], |row| from_json(row, 0))
            .and_then(Iterator::collect)
            .cannot(Kind::Config, doing)
    }

    /// Replaces what is known of a session's artifacts.
    pub fn set_artifacts(&mut self, id: &str, artifacts: &[Artifact]) -> Result<()> {
        let doing = || format!("record the artifacts of session `{id}`");
        let tx = self.db.transaction().cannot(Kind::Config, doing)?;
        tx.execute("DELETE FROM artifacts WHERE session = ?1", [id]).cannot(Kind::Config, doing)?;
        for (place, artifact) in artifacts.iter().enumerate() {
            tx.execute(
                "INSERT INTO artifacts VALUES (?1, ?2, ?3)",
                params![id, place as i64, json(artifact)],
            )
            .cannot(Kind::Config, doing)?;
        }
        tx.commit().cannot(Kind::Config, doing)
    }

    /// Folders of sessions that are not recorded, and were not touched since: whoever made them was
    /// killed before it recorded them, or while it removed them.
    pub fn strays(&self, since: i64) -> Result<Vec<String>> {
        let doing = || "look for folders of no session".to_owned();
        let mut strays = Vec::new();
        for entry in std::fs::read_dir(self.root.join("sessions")).cannot(Kind::Config, doing)? {
            let entry = entry.cannot(Kind::Config, doing)?;
            let id = entry.file_name().to_string_lossy().into_owned();
            let sql = "SELECT count(*) FROM sessions WHERE id = ?1";
            let known: i64 =
                self.db.query_row(sql, [&id], |row| row.get(0)).cannot(Kind::Config, doing)?;
            let touched = entry.metadata().and_then(|about| about.modified()).ok();
            let touched = touched.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let old = touched.is_some_and(|touched| touched.as_millis() < since.max(0) as u128);
            if known == 0 && old {
                strays.push(id);
            }
        }
        Ok(strays)
    }

    /// Forgets a session and removes its folder.
    pub fn remove(&self, id: &str) -> Result<()> {
        self.db
            .execute("DELETE FROM sessions WHERE id = ?1", [id])
            .cannot(Kind::Config, || format!("remove session `{id}`"))?;
        self.dir(id).remove()
    }
}

const SELECT: &str = "SELECT id, uuid, phase, plan, created_at, finished_at, sandbox, evidence,
    reason, turns, usage, cost_usd, artifacts, outcome, closing_at FROM sessions";

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Two processes that turn the write-ahead log on at once do not wait for each other: one of them is
/// told that the database is locked. So a new store is made by one at a time.
fn alone(root: &Path) -> std::io::Result<Flock<File>> {
    Flock::lock(File::open(root)?, FlockArg::LockExclusive).map_err(|(_, error)| error.into())
}

/// Takes every step that is missing, all or none.
fn make(db: &mut Connection) -> rusqlite::Result<()> {
    // Another process may have been quicker.
    let old = version(db)?;
    if old == 0 {
        // It stays on for whoever opens the file later.
        db.execute_batch("PRAGMA journal_mode = WAL;")?;
    }
    let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for step in STEPS.iter().skip(usize::try_from(old).unwrap_or_default()) {
        tx.execute_batch(step)?;
    }
    if old == 0 {
        let id = uuid::Uuid::new_v4().simple().to_string();
        tx.execute("INSERT INTO meta VALUES ('store', ?1)", [id])?;
    }
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()
}

fn insert_turn(db: &Connection, id: &str, turn: &TurnRecord) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO turns (session, turn, prompt, state) VALUES (?1, ?2, ?3, ?4)",
        params![id, turn.turn, turn.prompt, turn.state.name()],
    )
    .map(drop)
}

fn session_of(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    let phase: String = row.get(2)?;
    Ok(SessionRecord {
        id: row.get(0)?,
        uuid: row.get(1)?,
        phase: Phase::of_name(&phase).ok_or_else(|| unreadable(2, &phase))?,
        plan: from_json(row, 3)?,
        created_at: row.get(4)?,
        finished_at: row.get(5)?,
        sandbox: row.get(6)?,
        evidence: optional_json(row, 7)?,
        reason: row.get(8)?,
        turns: row.get(9)?,
        usage: from_json(row, 10).unwrap_or_default(),
        cost_usd: row.get(11)?,
        artifacts: row.get(12)?,
        outcome: row.get::<_, Option<String>>(13)?.and_then(|name| Outcome::of_name(&name)),
        closing_at: row.get(14)?,
    })
}

fn turn_of(row: &Row<'_>) -> rusqlite::Result<TurnRecord> {
    Ok(TurnRecord {
        turn: row.get(0)?,
        prompt: row.get(1)?,
        state: TurnState::of_name(&row.get::<_, String>(2)?),
        journal_from: row.get::<_, i64>(3)? as u64,
        started_at: row.get(4)?,
        ended_at: row.get(5)?,
        outcome: row.get::<_, Option<String>>(6)?.and_then(|name| Outcome::of_name(&name)),
        reason: row.get(7)?,
        answer: row.get(8)?,
        usage: from_json(row, 9).unwrap_or_default(),
        cost_usd: row.get(10)?,
        conversation: optional_json(row, 11)?,
        collecting_at: row.get(12)?,
        collected_at: row.get(13)?,
    })
}

pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| unreadable(column, error)))
        .transpose()
}

pub(super) fn unreadable(column: usize, error: impl std::fmt::Display) -> rusqlite::Error {
    let error = anyhow::anyhow!("{error}");
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::LaunchPlan;
    use crate::domain::transcript::Usage;

    fn session(id: &str, at: i64) -> SessionRecord {
        SessionRecord {
            id: id.to_owned(),
            uuid: uuid::Uuid::new_v4().to_string(),
            phase: Phase::Provisioning,
            plan: LaunchPlan { name: Some(format!("name-{id}")), ..LaunchPlan::default() },
            created_at: at,
            finished_at: None,
            sandbox: None,
            evidence: None,
            reason: None,
            turns: 1,
            usage: Usage::default(),
            cost_usd: None,
            artifacts: 0,
            outcome: None,
            closing_at: None,
        }
    }

    fn store_with(ids: &[&str]) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        for (at, id) in ids.iter().enumerate() {
            let first = TurnRecord::new(1, "look", TurnState::Handed);
            store.insert(&session(id, at as i64), &first).unwrap();
        }
        (dir, store)
    }

    #[test]
    fn a_session_is_found_by_prefix_name_and_last() {
        let (_dir, store) = store_with(&["aa11", "aa22", "bb33"]);
        let find = |word: &str| store.find(word).map(|found| found.id);
        assert_eq!(find("aa1").unwrap(), "aa11");
        assert_eq!(find("last").unwrap(), "bb33");
        assert_eq!(find("name-aa22").unwrap(), "aa22");
        assert!(find("aa").unwrap_err().sentence.contains("several"));
        assert!(find("").is_err());
        assert!(find("zz").unwrap_err().sentence.contains("no session"));
        assert!(find("%").is_err(), "a pattern is no name");
    }

    #[test]
    fn what_is_written_is_read() {
        let (dir, mut store) = store_with(&["aa11"]);
        let mut record = store.session("aa11").unwrap();
        record.phase = Phase::Idle;
        record.evidence = Some((1, 2, 3));
        record.outcome = Some(Outcome::Empty);
        store.update(&record).unwrap();
        let turn = store.add_turn("aa11", "more", TurnState::Queued).unwrap();
        assert_eq!(turn.turn, 2);
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        let again = store.session("aa11").unwrap();
        assert_eq!(
            (again.phase, again.evidence, again.outcome),
            (Phase::Idle, Some((1, 2, 3)), Some(Outcome::Empty))
        );
        let turns = store.turns("aa11").unwrap();
        assert_eq!(turns.len(), 2);
        assert_eq!(turns[1].state, TurnState::Queued);
        let open = Filter { open: true, ..Filter::default() };
        assert_eq!(store.sessions(&open).unwrap().len(), 1);
        store.remove("aa11").unwrap();
        assert!(store.sessions(&open).unwrap().is_empty());
        assert!(store.turns("aa11").unwrap().is_empty());
    }

    #[test]
    fn a_newer_store_is_refused() {
        let (dir, store) = store_with(&[]);
        store.db.pragma_update(None, "user_version", VERSION + 1).unwrap();
        drop(store);
        let failure = Store::open(dir.path()).err().unwrap();
        assert!(failure.to_string().contains("newer"), "{failure}");
    }

    /// The first version lacked what the second added, and nothing else.
    fn to_version_1(store: &Store) {
        let back = "DROP TABLE observations; DROP TABLE issues; DROP TABLE signal_runs;
            DROP TABLE seen_traces; DROP TABLE notices; DROP TABLE fires; DROP TABLE automations;
            DROP TABLE exports; ALTER TABLE sessions DROP COLUMN closing_at;
            ALTER TABLE turns DROP COLUMN collecting_at;
            ALTER TABLE turns DROP COLUMN collected_at; PRAGMA user_version = 1;";
        store.db.execute_batch(back).unwrap();
    }

    #[test]
    fn an_older_store_is_brought_up() {
        let schema = |store: &Store| -> Vec<String> {
            let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
            let mut statement = store.db.prepare(sql).unwrap();
            let all = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            all.map(|sql| sql.unwrap().split_whitespace().collect::<String>()).collect()
        };
        let (dir, store) = store_with(&["aa11"]);
        let new = schema(&store);
        to_version_1(&store);
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(schema(&store), new);
        assert_eq!(store.session("aa11").unwrap().closing_at, None);
        assert_eq!(store.turns("aa11").unwrap()[0].collected_at, None);
    }

    #[test]
    fn a_folder_of_no_session_is_found_once_it_is_old() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let first = TurnRecord::new(1, "p", TurnState::Handed);
        store.insert(&session("known", 1), &first).unwrap();
        std::fs::create_dir(store.dir("stray").path()).unwrap();
        assert_eq!(store.strays(0).unwrap(), Vec::<String>::new());
        assert_eq!(store.strays(i64::MAX).unwrap(), ["stray"]);
    }
}
