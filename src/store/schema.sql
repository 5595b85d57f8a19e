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
  outcome TEXT,
  closing_at INTEGER
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
  collecting_at INTEGER,
  collected_at INTEGER,
  PRIMARY KEY (session, turn)
) WITHOUT ROWID;
CREATE TABLE artifacts (
  session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  artifact TEXT NOT NULL,
  PRIMARY KEY (session, place)
) WITHOUT ROWID;
CREATE TABLE exports (
  session TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  state TEXT NOT NULL DEFAULT 'open',
  spans INTEGER NOT NULL DEFAULT 0,
  turns INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX exports_open ON exports (due_at) WHERE state = 'open';
CREATE TABLE automations (
  name TEXT PRIMARY KEY,
  since INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  look_at INTEGER NOT NULL,
  trigger TEXT NOT NULL,
  watched TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE TABLE fires (
  id TEXT PRIMARY KEY,
  automation TEXT NOT NULL,
  key TEXT NOT NULL,
  cause TEXT NOT NULL,
  nominal_at INTEGER NOT NULL,
  decided_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  spec TEXT NOT NULL,
  chain TEXT NOT NULL DEFAULT '[]',
  about TEXT NOT NULL DEFAULT '{}',
  started_at INTEGER,
  ended_at INTEGER,
  outcome TEXT,
  UNIQUE (automation, key)
) WITHOUT ROWID;
CREATE INDEX fires_open ON fires (automation, decided_at) WHERE state IN ('waiting', 'running');
CREATE INDEX fires_by_time ON fires (automation, decided_at DESC);
CREATE INDEX fires_started ON fires (automation, started_at);
CREATE TABLE notices (
  fire TEXT NOT NULL REFERENCES fires (id) ON DELETE CASCADE,
  target TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open',
  tries INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  PRIMARY KEY (fire, target)
) WITHOUT ROWID;
CREATE INDEX notices_open ON notices (due_at) WHERE state = 'open';
CREATE TABLE issues (
  id TEXT PRIMARY KEY,
  project TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  state TEXT NOT NULL,
  issue TEXT NOT NULL,
  UNIQUE (project, fingerprint)
) WITHOUT ROWID;
CREATE TABLE observations (
  issue TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  run INTEGER NOT NULL,
  hits INTEGER NOT NULL,
  chances INTEGER NOT NULL,
  PRIMARY KEY (issue, run)
) WITHOUT ROWID;
CREATE TABLE signal_runs (
  project TEXT NOT NULL,
  run INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  since INTEGER,
  until INTEGER NOT NULL,
  traces INTEGER NOT NULL DEFAULT 0,
  fresh INTEGER NOT NULL DEFAULT 0,
  sessions INTEGER NOT NULL DEFAULT 0,
  changes TEXT NOT NULL DEFAULT '[]',
  notes TEXT NOT NULL DEFAULT '[]',
  PRIMARY KEY (project, run)
) WITHOUT ROWID;
CREATE TABLE seen_traces (
  project TEXT NOT NULL,
  trace BLOB NOT NULL,
  start_us INTEGER NOT NULL,
  PRIMARY KEY (project, trace)
) WITHOUT ROWID;
CREATE INDEX seen_by_start ON seen_traces (project, start_us);
