//! The tables of a snapshot.

/// Marks our files among SQLite's (`loop` in ASCII).
pub(super) const APPLICATION_ID: i32 = 0x6c6f_6f70;

/// Grows when a reader of the old format would misread the new one.
pub const FORMAT: i32 = 3;

pub(super) const PAGE_SIZE: u32 = 8192;

/// The columns of `span` but for `n`, in order.
pub(super) const SPAN_COLUMNS: [&str; 24] = [
    "trace_id",
    "span_id",
    "parent_id",
    "name",
    "kind",
    "start_us",
    "end_us",
    "latency_ms",
    "status",
    "status_message",
    "error_type",
    "error_message",
    "model",
    "provider",
    "tool",
    "agent",
    "session_id",
    "user_id",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cache_read_tokens",
    "cost_usd",
    "finish_reason",
];

/// Where columns of `span` stand among [`SPAN_COLUMNS`].
pub(super) mod at {
    use super::column;

    pub const TRACE_ID: usize = column("trace_id");
    pub const SPAN_ID: usize = column("span_id");
    pub const PARENT_ID: usize = column("parent_id");
    pub const NAME: usize = column("name");
    pub const KIND: usize = column("kind");
    pub const START_US: usize = column("start_us");
    pub const END_US: usize = column("end_us");
    pub const LATENCY_MS: usize = column("latency_ms");
    pub const STATUS: usize = column("status");
    pub const ERROR_TYPE: usize = column("error_type");
    pub const ERROR_MESSAGE: usize = column("error_message");
    pub const MODEL: usize = column("model");
    pub const PROVIDER: usize = column("provider");
    pub const TOOL: usize = column("tool");
    pub const SESSION_ID: usize = column("session_id");
    pub const USER_ID: usize = column("user_id");
    pub const PROMPT_TOKENS: usize = column("prompt_tokens");
    pub const COMPLETION_TOKENS: usize = column("completion_tokens");
    pub const TOTAL_TOKENS: usize = column("total_tokens");
    pub const CACHE_READ_TOKENS: usize = column("cache_read_tokens");
    pub const COST_USD: usize = column("cost_usd");
}

const fn column(name: &str) -> usize {
    let mut at = 0;
    while !same(SPAN_COLUMNS[at], name) {
        at += 1;
    }
    at
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

pub(super) const CREATE: &str = "
CREATE TABLE header (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE span (
  n INTEGER PRIMARY KEY,
  trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT,
  name TEXT NOT NULL, kind TEXT NOT NULL,
  start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, latency_ms REAL NOT NULL,
  status TEXT NOT NULL, status_message TEXT, error_type TEXT, error_message TEXT,
  model TEXT, provider TEXT, tool TEXT, agent TEXT, session_id TEXT, user_id TEXT,
  prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER, cache_read_tokens INTEGER,
  cost_usd REAL, finish_reason TEXT
);
CREATE TABLE payload (n INTEGER PRIMARY KEY, input TEXT, output TEXT, attributes TEXT NOT NULL);
CREATE TABLE trace (
  trace_id TEXT PRIMARY KEY, root_span_id TEXT NOT NULL, name TEXT NOT NULL,
  start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, latency_ms REAL NOT NULL,
  status TEXT NOT NULL, root_status TEXT NOT NULL, errors INTEGER NOT NULL, spans INTEGER NOT NULL,
  prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER, cost_usd REAL,
  session_id TEXT, user_id TEXT, first_n INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE event (
  n INTEGER NOT NULL, i INTEGER NOT NULL, name TEXT NOT NULL, time_us INTEGER NOT NULL,
  attributes TEXT NOT NULL, PRIMARY KEY (n, i)
) WITHOUT ROWID;
CREATE TABLE annotation (
  trace_id TEXT, span_id TEXT, session_id TEXT, target TEXT NOT NULL, name TEXT NOT NULL,
  label TEXT, score REAL, explanation TEXT, annotator_kind TEXT, identifier TEXT
);
CREATE TABLE tally (
  by TEXT, key TEXT, count INTEGER NOT NULL, traces INTEGER NOT NULL, errors INTEGER NOT NULL,
  p50_ms REAL NOT NULL, p95_ms REAL NOT NULL, p99_ms REAL NOT NULL,
  prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL,
  cost_usd REAL, PRIMARY KEY (by, key)
) WITHOUT ROWID;
CREATE TABLE call (
  name TEXT NOT NULL, kind TEXT NOT NULL, tool TEXT, model TEXT, provider TEXT,
  day INTEGER NOT NULL, size INTEGER NOT NULL, told INTEGER NOT NULL,
  calls INTEGER NOT NULL, counted INTEGER NOT NULL, unanswered INTEGER NOT NULL,
  input INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL,
  output INTEGER NOT NULL
);
CREATE VIEW spans AS
  SELECT s.*, strftime('%Y-%m-%dT%H:%M:%fZ', s.start_us / 1e6, 'unixepoch') AS start_time,
    p.input, p.output, p.attributes
  FROM span s LEFT JOIN payload p ON p.n = s.n;
CREATE VIEW traces AS
  SELECT trace_id, root_span_id, name, start_us, end_us, latency_ms, status, root_status, errors,
    spans, prompt_tokens, completion_tokens, total_tokens, cost_usd, session_id, user_id,
    strftime('%Y-%m-%dT%H:%M:%fZ', start_us / 1e6, 'unixepoch') AS start_time
  FROM trace;
CREATE VIEW events AS
  SELECT s.trace_id, s.span_id, e.i, e.name, e.time_us, e.attributes
  FROM event e JOIN span s ON s.n = e.n;
CREATE VIEW annotations AS SELECT * FROM annotation;
";

/// The full-text index, filled by a thread of its own.
pub(super) const SEARCH: &str = "
CREATE VIRTUAL TABLE search USING fts5(
  name, input, output, messages, error, content='', columnsize=0, tokenize='unicode61'
);
INSERT INTO search(search, rank) VALUES ('hashsize', 16777216);
";

/// Made after the rows: sorted once, instead of with every row.
pub(super) const INDEXES: &str = "
CREATE INDEX span_of_trace ON span(trace_id);
CREATE INDEX span_by_id ON span(span_id);
CREATE INDEX span_failing ON span(status) WHERE status = 'ERROR';
CREATE INDEX trace_by_start ON trace(start_us);
CREATE INDEX trace_by_first ON trace(first_n);
";

/// What may be asked with SQL, for people and models.
pub const TABLES: &str = "\
spans(trace_id, span_id, parent_id, name, kind, start_time, start_us, end_us, latency_ms, status,
  status_message, error_type, error_message, model, provider, tool, agent, session_id, user_id,
  prompt_tokens, completion_tokens, total_tokens, cache_read_tokens, cost_usd, finish_reason,
  input, output, attributes)
traces(trace_id, root_span_id, name, start_time, start_us, end_us, latency_ms, status, root_status,
  errors, spans, prompt_tokens, completion_tokens, total_tokens, cost_usd, session_id, user_id)
events(trace_id, span_id, i, name, time_us, attributes)
annotations(trace_id, span_id, session_id, target, name, label, score, explanation, annotator_kind, identifier)
header(key, value)
kind is AGENT, CHAIN, EMBEDDING, EVALUATOR, GUARDRAIL, LLM, PROMPT, RERANKER, RETRIEVER, TOOL or UNKNOWN;
status is OK, ERROR or UNSET; attributes is JSON with dotted keys: attributes ->> '$.\"user.plan\"'
";
