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
