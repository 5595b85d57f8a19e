//! Calls of models summed up for whoever prices them, made once while they are written.
//!
//! A price depends on the model, the provider, the day and the size of the prompt, and not on more; so
//! calls that agree in these are one row, and a question about the cost of a million spans reads some
//! hundred. Sizes are counted in thousands of tokens. Where too many differ, nothing is summed up, and
//! whoever asks looks at the calls one by one.

use super::pack::{ATTRIBUTES, Row};
use super::schema::at;
use rusqlite::{Connection, Result, params};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Rows that are kept.
const MOST: usize = 50_000;

/// What a size of a prompt is counted in.
pub const SIZE: i64 = 1_000;

/// The length of a day, in microseconds.
pub const DAY: i64 = 86_400_000_000;

/// The kinds of spans that are calls of a model.
pub(super) const KINDS: [&str; 3] = ["LLM", "EMBEDDING", "RERANKER"];

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: String,
    kind: String,
    tool: Option<String>,
    model: Option<String>,
    provider: Option<String>,
    day: i64,
    size: i64,
    /// Whether they tell their cost themselves.
    told: bool,
}

#[derive(Default)]
struct Sum {
    calls: i64,
    /// Those that tell tokens.
    counted: i64,
    /// Those that failed and tell none.
    unanswered: i64,
    /// The prompt without what was read from a cache and written to it.
    input: i64,
    cache_read: i64,
    cache_write: i64,
    output: i64,
}

pub(super) struct Calls {
    sums: Option<BTreeMap<Key, Sum>>,
}

impl Calls {
    pub fn new() -> Self {
        Self { sums: Some(BTreeMap::new()) }
    }

    pub fn add(&mut self, row: &Row) {
        let Some(sums) = &mut self.sums else { return };
        if !KINDS.contains(&row.text(at::KIND)) {
            return;
        }
        let text = |at| Some(row.text(at)).filter(|text| !text.is_empty()).map(str::to_owned);
        let key = Key {
            name: row.text(at::NAME).to_owned(),
            kind: row.text(at::KIND).to_owned(),
            tool: text(at::TOOL),
            model: text(at::MODEL),
            provider: text(at::PROVIDER),
            day: row.integer(at::START_US).unwrap_or(0).div_euclid(DAY),
            size: (row.integer(at::PROMPT_TOKENS).unwrap_or(0) - 1).max(0) / SIZE,
            told: row.real(at::COST_USD).is_some(),
        };
        sums.entry(key).or_default().add(row);
        if sums.len() > MOST {
            self.sums = None;
        }
    }

    pub fn write(self, database: &Connection) -> Result<()> {
        let mut insert =
            database.prepare("INSERT INTO call VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")?;
        for (key, sum) in self.sums.into_iter().flatten() {
            insert.execute(params![
                key.name,
                key.kind,
                key.tool,
                key.model,
                key.provider,
                key.day,
                key.size,
                key.told,
                sum.calls,
                sum.counted,
                sum.unanswered,
                sum.input,
                sum.cache_read,
                sum.cache_write,
                sum.output,
            ])?;
        }
        Ok(())
    }
}

impl Sum {
    fn add(&mut self, row: &Row) {
        let count = |at| row.integer(at).unwrap_or(0).max(0);
        let (prompt, output) = (count(at::PROMPT_TOKENS), count(at::COMPLETION_TOKENS));
        self.calls += 1;
        if prompt == 0 && output == 0 {
            self.unanswered += i64::from(row.text(at::STATUS) == "ERROR");
            return;
        }
        let (read, written) = (count(at::CACHE_READ_TOKENS), written(row.text(ATTRIBUTES)));
        let cached = read.saturating_add(written);
        let input = if cached > prompt { prompt } else { prompt - cached };
        self.counted += 1;
        for (sum, more) in [
            (&mut self.input, input),
            (&mut self.cache_read, read),
            (&mut self.cache_write, written),
            (&mut self.output, output),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// How many tokens of a prompt were written to a cache, as its attributes say.
fn written(attributes: &str) -> i64 {
    const KEYS: [&str; 2] =
        ["llm.token_count.prompt_details.cache_write", "gen_ai.usage.cache_creation.input_tokens"];
    if !KEYS.iter().any(|key| attributes.contains(key)) {
        return 0;
    }
    let object: Map<String, Value> = serde_json::from_str(attributes).unwrap_or_default();
    let number = |value: &Value| match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    let found = KEYS.iter().find_map(|key| number(object.get(*key)?));
    found.map_or(0, |count: f64| count.max(0.0) as i64)
}
