//! What model calls cost: as their spans tell it, else by their tokens and a table of prices.
//!
//! A snapshot does not depend on prices, so an estimate is made when it is asked for. Calls are
//! summed up by model first and priced then; what has no price is left out and counted.

use super::super::snapshot::{DAY, SIZE, Snapshot};
use super::part::Part;
use super::{asked, count};
use crate::domain::price::{Billed, Call, Price, Prices};
use crate::error::Result;
use rusqlite::{CachedStatement, Row, ToSql};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Spans that are calls of a model, as the sums of a trace count them.
pub(crate) const CALLS: &str = "s.kind IN ('LLM', 'EMBEDDING', 'RERANKER')";

/// How many models without a price are named.
const NAMED: usize = 5;

/// What is not told of some calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Calls of a model.
    pub model_calls: u64,
    /// Of these, the ones that say their cost themselves.
    pub told: u64,
    /// Of these, the ones that are priced by their tokens: what they come to is `usd`.
    pub estimated: u64,
    #[serde(rename = "estimated_cost_usd")]
    pub usd: Option<f64>,
    /// Of these, the ones that failed and tell no tokens: nothing is billed for no answer.
    pub unanswered: u64,
    /// Of these, the ones whose cost nobody knows: their model has no price, or they tell no tokens.
    pub unpriced: u64,
    /// Their models, most calls first; a call that names no model is of the model ``.
    pub unpriced_models: Vec<Unpriced>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unpriced {
    pub model: String,
    pub calls: u64,
}

/// What calls are told apart by.
pub(crate) enum Of<'a> {
    /// Nothing: all calls of a part are one.
    Part(&'a Part),
    /// A column of the span `s`, or of its trace `t`; these values of it.
    Column(&'a str, &'a Part, &'a [&'a str]),
    /// The ids of some traces.
    Traces(&'a [String]),
    /// The spans of one trace.
    Spans(&'a str),
}

/// Every group's estimate, by its key. What has no key is in none.
pub(crate) fn estimates(
    snapshot: &Snapshot,
    of: &Of,
    prices: &Prices,
) -> Result<HashMap<String, Estimate>> {
    let mut calls = Calls { groups: HashMap::new(), prices };
    if let Some(key) = of.summed()
        && calls.read_sums(snapshot, key)?
    {
        return Ok(calls.estimates());
    }
    match of {
        Of::Part(part) => calls.read(snapshot, "''", &part.spans(), &[])?,
        Of::Column(column, part, keys) if keys.len() <= VALUES => {
            let condition = format!("{column} IN ({}) AND {}", marks(keys.len()), part.spans());
            calls.read(snapshot, column, &condition, &values(keys))?;
        }
        Of::Column(column, part, _) => {
            let condition = format!("{column} IS NOT NULL AND {}", part.spans());
            calls.read(snapshot, column, &condition, &[])?;
        }
        Of::Traces(ids) => {
            for ids in ids.chunks(VALUES) {
                let condition = format!("s.trace_id IN ({})", marks(ids.len()));
                calls.read(snapshot, "s.trace_id", &condition, &values(ids))?;
            }
        }
        Of::Spans(trace) => calls.read(snapshot, "s.span_id", "s.trace_id = ?", &[trace])?,
    }
    Ok(calls.estimates())
}

/// SQLite takes some thousand values at a time.
const VALUES: usize = 1_000;

fn marks(count: usize) -> String {
    vec!["?"; count].join(",")
}

fn values<T: ToSql>(all: &[T]) -> Vec<&dyn ToSql> {
    all.iter().map(|one| one as &dyn ToSql).collect()
}

impl Of<'_> {
    /// The column of the table `call` that tells the groups apart, where its sums serve.
    fn summed(&self) -> Option<&'static str> {
        match self {
            Self::Part(part) if part.is_whole() => Some("''"),
            Self::Column(column, part, _) if part.is_whole() => {
                let own = ["name", "kind", "tool", "model"].into_iter();
                own.into_iter().find(|own| column.strip_prefix("s.") == Some(*own))
            }
            _ => None,
        }
    }
}

struct Calls<'a> {
    groups: HashMap<String, Vec<Group<'a>>>,
    prices: &'a Prices,
}

/// Calls that have the same price.
struct Group<'a> {
    model: Option<String>,
    provider: Option<String>,
    /// Between which changes of any price they lie.
    period: i64,
    told: bool,
    price: Option<&'a Price>,
    calls: u64,
    /// Those of them that say how many tokens they took.
    counted: u64,
    /// Those of them that failed without having taken any.
    unanswered: u64,
    tokens: Billed,
}

impl Calls<'_> {
    fn read(
        &mut self,
        snapshot: &Snapshot,
        key: &str,
        condition: &str,
        values: &[&dyn ToSql],
    ) -> Result<()> {
        // Of few groups the traces are found first, and then their spans.
        let from = match key.starts_with("t.") {
            true => "trace t CROSS JOIN span s ON s.trace_id = t.trace_id",
            false => "span s",
        };
        let sql = format!(
            "SELECT {key}, s.model, s.provider, {}, s.cost_usd IS NOT NULL, s.start_us, s.n,
                s.prompt_tokens, s.completion_tokens, s.cache_read_tokens,
                s.status = 'ERROR'
             FROM {from} WHERE {CALLS} AND {condition}",
            self.period()
        );
        let database = snapshot.database();
        let mut read = || {
            let mut written = database.prepare_cached(WRITTEN)?;
            let mut statement = database.prepare_cached(&sql)?;
            let mut rows = statement.query(values)?;
            while let Some(row) = rows.next()? {
                self.add(row, &mut written)?;
            }
            Ok(())
        };
        asked(read())
    }

    fn estimates(self) -> HashMap<String, Estimate> {
        self.groups.into_iter().map(|(key, groups)| (key, Estimate::of(groups))).collect()
    }

    /// Reads what was summed up when the snapshot was written. No, where it was not, or where a price
    /// changes within what was summed up as one.
    fn read_sums(&mut self, snapshot: &Snapshot, key: &str) -> Result<bool> {
        let within = |size: u64| !size.is_multiple_of(SIZE.unsigned_abs());
        if self.prices.changes().iter().any(|us| us % DAY != 0)
            || self.prices.sizes().into_iter().any(within)
        {
            return Ok(false);
        }
        let sql = format!(
            "SELECT {key}, model, provider, day, size, told, calls, counted, unanswered, input,
                cache_read, cache_write, output FROM call WHERE {key} IS NOT NULL"
        );
        let mut read = || {
            let mut statement = snapshot.database().prepare_cached(&sql)?;
            let mut rows = statement.query([])?;
            let mut any = false;
            while let Some(row) = rows.next()? {
                any = true;
                let group = Group::summed(row, self.prices)?;
                self.groups.entry(row.get(0)?).or_default().push(group);
            }
            Ok(any)
        };
        asked(read())
    }

    /// A number that is the same for all calls between two changes of any price.
    fn period(&self) -> String {
        let days = self.prices.changes().into_iter().map(|us| format!("(s.start_us >= {us})"));
        // More than any table has days.
        let sizes = self.prices.sizes().into_iter();
        let sizes = sizes.map(|size| format!("100000 * (coalesce(s.prompt_tokens, 0) > {size})"));
        let parts: Vec<String> = days.chain(sizes).collect();
        if parts.is_empty() { "0".to_owned() } else { parts.join(" + ") }
    }

    fn add(&mut self, row: &Row, written: &mut CachedStatement) -> rusqlite::Result<()> {
        let key = row.get_ref(0)?.as_str()?;
        let (model, provider) =
            (row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?, row.get_ref(2)?);
        let provider = provider.as_str_or_null().map_err(rusqlite::Error::from)?;
        let (period, told): (i64, bool) = (row.get(3)?, row.get(4)?);
        if !self.groups.contains_key(key) {
            self.groups.insert(key.to_owned(), Vec::new());
        }
        let Some(groups) = self.groups.get_mut(key) else { return Ok(()) };
        let prompt = count(row, 7)?;
        let same = |group: &Group| {
            group.told == told
                && group.period == period
                && group.model.as_deref() == model
                && group.provider.as_deref() == provider
        };
        let at = groups.iter().position(same).unwrap_or(groups.len());
        if at == groups.len() {
            let (at_us, prompt) = (row.get(5)?, prompt.unwrap_or(0));
            let call = |model| Call { model, provider, at_us, prompt };
            groups.push(Group {
                model: model.map(str::to_owned),
                provider: provider.map(str::to_owned),
                period,
                told,
                price: model.and_then(|model| self.prices.find(&call(model))),
                calls: 0,
                counted: 0,
                unanswered: 0,
                tokens: Billed::default(),
            });
        }
        groups[at].add(row, prompt, written)
    }
}

/// How many tokens of a call's prompt were written to a cache: no column of its own, as only some
/// vendors' prices need it.
const WRITTEN: &str = "SELECT CAST(coalesce(
    attributes ->> '$.\"llm.token_count.prompt_details.cache_write\"',
    attributes ->> '$.\"gen_ai.usage.cache_creation.input_tokens\"') AS INTEGER)
  FROM payload WHERE n = ?";

impl<'a> Group<'a> {
    /// A row of the table `call`.
    fn summed(row: &Row, prices: &'a Prices) -> rusqlite::Result<Self> {
        let number = |at| count(row, at).map(Option::unwrap_or_default);
        let (model, provider): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
        let (day, size): (i64, u64) = (row.get(3)?, number(4)?);
        let call = |model| Call {
            model,
            provider: provider.as_deref(),
            at_us: day.saturating_mul(DAY),
            prompt: size * SIZE.unsigned_abs() + 1,
        };
        let tokens = Billed {
            input: number(9)?,
            cache_read: number(10)?,
            cache_write: number(11)?,
            output: number(12)?,
        };
        Ok(Self {
            price: model.as_deref().and_then(|model| prices.find(&call(model))),
            period: day,
            told: row.get(5)?,
            calls: number(6)?,
            counted: number(7)?,
            unanswered: number(8)?,
            tokens,
            model,
            provider,
        })
    }

    fn add(
        &mut self,
        row: &Row,
        prompt: Option<u64>,
        written: &mut CachedStatement,
    ) -> rusqlite::Result<()> {
        self.calls += 1;
        let output = count(row, 8)?;
        if prompt.unwrap_or(0) == 0 && output.unwrap_or(0) == 0 {
            self.unanswered += u64::from(row.get::<_, bool>(10)?);
            return Ok(());
        }
        self.counted += 1;
        let Some(price) = self.price.filter(|_| !self.told) else { return Ok(()) };
        let cache_write = if (price.cache_write - price.input).abs() > f64::EPSILON {
            let n: i64 = row.get(6)?;
            let found: Option<i64> = written.query_row([n], |row| row.get(0))?;
            found.map_or(0, |count| u64::try_from(count).unwrap_or(0))
        } else {
            0
        };
        let (prompt, output) = (prompt.unwrap_or(0), output.unwrap_or(0));
        self.tokens.add(Billed::of(prompt, count(row, 9)?.unwrap_or(0), cache_write, output));
        Ok(())
    }
}

impl Estimate {
    fn of(groups: Vec<Group>) -> Self {
        let mut estimate = Self::default();
        let mut unpriced: BTreeMap<String, u64> = BTreeMap::new();
        for group in groups {
            estimate.model_calls += group.calls;
            if group.told {
                estimate.told += group.calls;
                continue;
            }
            estimate.unanswered += group.unanswered;
            let mut without = group.calls - group.unanswered;
            if let Some(price) = group.price.filter(|_| group.counted > 0) {
                estimate.estimated += group.counted;
                without -= group.counted;
                estimate.usd = Some(estimate.usd.unwrap_or(0.0) + price.usd(&group.tokens));
            }
            if without > 0 {
                estimate.unpriced += without;
                *unpriced.entry(group.model.unwrap_or_default()).or_default() += without;
            }
        }
        let mut models: Vec<Unpriced> =
            unpriced.into_iter().map(|(model, calls)| Unpriced { model, calls }).collect();
        models.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.model.cmp(&b.model)));
        models.truncate(NAMED);
        estimate.unpriced_models = models;
        estimate
    }
}
