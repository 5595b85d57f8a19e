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
