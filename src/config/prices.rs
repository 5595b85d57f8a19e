//! `prices.toml`: what model calls cost that do not say it themselves.
//!
//! Every price is checked for what would make a cost silently wrong: a name without a price, a price
//! below zero, a day that is none.

use super::reader::{self, At, Table};
use crate::domain::price::{Price, Prices};
use crate::error::Result;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The table that comes with the program.
const BUNDLED: &str = include_str!("prices.toml");

/// List prices of a handful of well-known models.
pub fn bundled() -> Result<Prices> {
    read("bundled:prices.toml", BUNDLED)
}

/// Reads one `prices.toml`.
pub fn read(file: &str, text: &str) -> Result<Prices> {
    reader::read(file, text, |table| {
        let as_of = day(table, "as_of").map(|at| at.value.to_string());
        let mut prices = Vec::new();
        table.tables("price", |found| {
            if let Some(price) = found.fields("price", price) {
                prices.push(price);
            }
        });
        Prices::new(prices, as_of)
    })
}

fn price(table: &mut Table) -> Price {
    let models: Vec<String> = table.strings("models").into_iter().map(|at| at.value).collect();
    if models.is_empty() && !table.has("models") {
        table.missing("models", "models = [\"my-model*\"]");
    }
    let provider = table.text("provider").map(|at| at.value);
    let from = day(table, "from");
    let midnight = |day: Date| day.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    let from_us = from.and_then(|at| midnight(at.value)).map(|at| at.as_microsecond());
    let above = table.count("above").map_or(0, |at| u64::from(at.value));
    let input = required(table, "input");
    let output = required(table, "output");
    let cache_read = usd(table, "cache_read").unwrap_or(input);
    let cache_write = usd(table, "cache_write").unwrap_or(input);
    Price { models, provider, from_us, above, input, cache_read, cache_write, output }
}

fn required(table: &mut Table, key: &'static str) -> f64 {
    if !table.has(key) {
        table.missing(key, &format!("{key} = 2.5"));
    }
    usd(table, key).unwrap_or(0.0)
}

/// USD for a million tokens. Nothing is a price too: a model of one's own may cost nothing.
fn usd(table: &mut Table, key: &'static str) -> Option<f64> {
    let found = table.take(key)?;
    let text = found.scalar();
    let number = text.trim_start_matches('$').replace('_', "").parse::<f64>().ok();
    match number.filter(|usd| usd.is_finite() && *usd >= 0.0) {
        Some(usd) if !found.is_string() => Some(usd),
        Some(usd) => found.wrong_type("a number", Some(format!("write `{key} = {usd}`"))),
        None => {
            let sentence = format!("`{key}` is no price");
            found.wrong(sentence, Some("write USD for a million tokens, such as `2.5`".to_owned()));
            None
        }
    }
}

fn day(table: &mut Table, key: &'static str) -> Option<At<Date>> {
    let found = table.take(key)?;
    if let Ok(day) = found.scalar().trim().parse::<Date>() {
        return Some(At { value: day, at: found.at() });
    }
    found.wrong(format!("`{key}` is no day"), Some(format!("write `{key} = 2026-10-07`")));
    None
}

#[cfg(test)]
mod tests {
    use super::super::corpus::draw;
    use super::*;
    use crate::domain::price::{Billed, Call};

    fn cost(prices: &Prices, model: &str, day: &str, tokens: Billed) -> Option<f64> {
        let at_us = format!("{day}T12:00:00Z").parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let prompt = tokens.input + tokens.cache_read + tokens.cache_write;
        let call = Call { model, provider: None, at_us, prompt };
        Some(prices.find(&call)?.usd(&tokens))
    }

    #[test]
    fn the_bundled_table_is_without_mistakes() {
        let prices = bundled().unwrap_or_else(|failure| panic!("{}", draw(&failure)));
        let million = Billed { input: 1_000_000, ..Billed::default() };
        let small = Billed { input: 10_000, ..Billed::default() };
        let cached = Billed { cache_read: 1_000_000, ..Billed::default() };
        for (model, day, tokens, expected) in [
            ("claude-sonnet-4-5-20250929", "2026-03-01", million, Some(3.0)),
            ("anthropic/claude-opus-4-5", "2026-03-01", million, Some(5.0)),
            ("claude-opus-5-5", "2026-11-01", million, Some(4.0)),
            ("claude-opus-4-20250514", "2025-06-01", million, Some(15.0)),
            ("claude-sonnet-5-5", "2026-10-06", cached, Some(0.2)),
            ("claude-sonnet-5-5", "2026-10-07", cached, Some(0.1)),
            ("claude-haiku-5-5", "2026-11-01", small, Some(0.001)),
            ("claude-haiku-5-5", "2026-11-01", million, Some(0.5)),
            ("gpt-4.1-mini-2025-04-14", "2026-03-01", million, Some(0.4)),
            ("models/gemini-2.5-pro", "2026-03-01", small, Some(0.0125)),
            ("gpt-4o-audio-preview", "2026-03-01", million, None),
            ("gemini-2.5-flash-image", "2026-03-01", million, None),
            ("o3", "2025-05-01", million, None),
        ] {
            let found = cost(&prices, model, day, tokens);
            let same = match (found, expected) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-9,
                (a, b) => a.is_none() && b.is_none(),
            };
            assert!(same, "{model} on {day}: {found:?}, not {expected:?}");
        }
    }

    #[test]
    fn every_mistake_is_told() {
        let text = "\
as_of = \"soon\"
[[price]]
models = \"m\"
inptu = 1
input = -1
output = \"$3\"
[[price]]
from = 5
models = [\"m\"]
input = 1
";
        let failure = read("prices.toml", text).unwrap_err();
        insta::assert_snapshot!(draw(&failure));
    }
}
