CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  uuid TEXT NOT NULL,
  name TEXT,
  preset TEXT,
  project TEXT,
  phase TEXT NOT NULL,
  plan TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  sandbox TEXT,
  evidence TEXT,
  reason TEXT,
  turns INTEGER NOT NULL DEFAULT 0,
  usage TEXT NOT NULL DEFAULT '{}',
  cost_usd REAL,
  artifacts INTEGER NOT NULL DEFAULT 0,
  outcome TEXT
) WITHOUT ROWID;
CREATE INDEX sessions_by_time ON sessions (created_at DESC);
CREATE INDEX sessions_open ON sessions (created_at)
  WHERE phase IN ('provisioning', 'running', 'idle');
CREATE TABLE turns (
  session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  turn INTEGER NOT NULL,
  prompt TEXT NOT NULL,
  state TEXT NOT NULL,
  journal_from INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER,
  ended_at INTEGER,
  outcome TEXT,
  reason TEXT,
  answer TEXT,
  usage TEXT NOT NULL DEFAULT '{}',
  cost_usd REAL,
  conversation TEXT,
  PRIMARY KEY (session, turn)
) WITHOUT ROWID;
CREATE TABLE artifacts (
  session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  artifact TEXT NOT NULL,
  PRIMARY KEY (session, place)
) WITHOUT ROWID;
