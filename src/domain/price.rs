//! What a model's tokens cost, and which price holds for a call.
//!
//! Prices are USD for a million tokens. A price may hold from a day on, for prompts above a size, or
//! for one provider alone. Of those that fit a call, the nearest table's is taken; within a table the
//! one for the provider, then the one with the longest name, the newest, and that of the largest size.

/// One line of a price table.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// Names of models, in which `*` stands for anything.
    pub models: Vec<String>,
    /// None where it holds for any.
    pub provider: Option<String>,
    /// Unix microseconds; none where it has always held.
    pub from_us: Option<i64>,
    /// Only for prompts of more tokens than this.
    pub above: u64,
    pub input: f64,
    pub cache_read: f64,
    pub cache_write: f64,
    pub output: f64,
}

/// Tokens as they are billed, of one call or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Billed {
    /// Neither read from a cache nor written to one.
    pub input: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub output: u64,
}

impl Billed {
    /// A prompt's count holds what was read from a cache and written to it. Where it is smaller than
    /// these, whoever counted left them out.
    pub fn of(prompt: u64, cache_read: u64, cache_write: u64, output: u64) -> Self {
        let input = prompt.checked_sub(cache_read.saturating_add(cache_write)).unwrap_or(prompt);
        Self { input, cache_read, cache_write, output }
    }

    pub fn add(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.output = self.output.saturating_add(other.output);
    }
}

/// What decides about a call's price.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub model: &'a str,
    pub provider: Option<&'a str>,
    /// When it began, in Unix microseconds.
    pub at_us: i64,
    /// All tokens of the prompt.
    pub prompt: u64,
}

impl Price {
    pub fn usd(&self, tokens: &Billed) -> f64 {
        let part = |count: u64, price: f64| count as f64 * price / 1e6;
        part(tokens.input, self.input)
            + part(tokens.cache_read, self.cache_read)
            + part(tokens.cache_write, self.cache_write)
            + part(tokens.output, self.output)
    }

    /// How well it fits, or that it does not.
    fn fit(&self, call: &Call) -> Option<(bool, usize, Option<i64>, u64)> {
        let name = call.model.rsplit('/').next().unwrap_or(call.model);
        let longest = self.models.iter().filter(|pattern| matches(pattern, name));
        let longest = longest.map(|pattern| pattern.len()).max()?;
        let of_provider = match (&self.provider, call.provider) {
            (Some(own), Some(called)) if own.eq_ignore_ascii_case(called) => true,
            (Some(_), _) => return None,
            (None, _) => false,
        };
        let holds = self.from_us.is_none_or(|from| call.at_us >= from)
            && (self.above == 0 || call.prompt > self.above);
        holds.then_some((of_provider, longest, self.from_us, self.above))
    }
}

/// Tables of prices, the nearest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prices {
    tables: Vec<Vec<Price>>,
    /// The day of the last table, for people.
    pub as_of: Option<String>,
}

impl Prices {
    pub fn new(table: Vec<Price>, as_of: Option<String>) -> Self {
        Self { tables: vec![table], as_of }
    }

    /// These prices, with `farther` for whatever they leave open.
    #[must_use]
    pub fn over(mut self, farther: Self) -> Self {
        self.tables.extend(farther.tables);
        self.as_of = farther.as_of.or(self.as_of);
        self
    }

    pub fn find(&self, call: &Call) -> Option<&Price> {
        self.tables.iter().find_map(|table| {
            let fitting = table.iter().filter_map(|price| Some((price.fit(call)?, price)));
            fitting.max_by_key(|(fit, _)| *fit).map(|(_, price)| price)
        })
    }

    /// The moments at which any price changes, sorted.
    pub fn changes(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self.tables.iter().flatten().filter_map(|p| p.from_us).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The sizes of prompt at which any price changes, sorted.
    pub fn sizes(&self) -> Vec<u64> {
        let all = self.tables.iter().flatten().map(|price| price.above);
        let mut all: Vec<u64> = all.filter(|above| *above > 0).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Whether a name is of a pattern, whatever the case.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            let Some(at) = rest.find(before) else { return false };
            rest = &rest[at + before.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(models: &[&str], input: f64) -> Price {
        Price {
            models: models.iter().map(|model| (*model).to_owned()).collect(),
            provider: None,
            from_us: None,
            above: 0,
            input,
            cache_read: input / 10.0,
            cache_write: input,
            output: input * 5.0,
        }
    }

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("gpt-4o", "gpt-4o", true),
            ("gpt-4o", "gpt-4o-mini", false),
            ("gpt-4o-20*", "gpt-4o-2024-08-06", true),
            ("claude-*-4-5*", "claude-sonnet-4-5-20250929", true),
            ("*sonnet*", "Claude-Sonnet-4", true),
            ("a*b*b", "ab", false),
            ("a*b*b", "axbxb", true),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn the_best_fit_is_taken() {
        let later = Price { from_us: Some(100), ..price(&["m-*"], 2.0) };
        let large = Price { above: 1_000, ..price(&["m-*"], 3.0) };
        let azure = Price { provider: Some("azure".to_owned()), ..price(&["m-*"], 4.0) };
        let far = Prices::new(vec![price(&["m-*"], 1.0), later, large, azure], None);
        let near = Prices::new(
            vec![Price { from_us: Some(500), ..price(&["*"], 9.0) }],
            Some("near".to_owned()),
        );
        let prices = near.over(Prices { as_of: Some("far".to_owned()), ..far });
        let check = |model, provider, at_us, prompt, expected: Option<f64>| {
            let found = prices.find(&Call { model, provider, at_us, prompt });
            assert_eq!(found.map(|price| price.input), expected, "{model} {provider:?} {at_us}");
        };
        check("m-1", None, 0, 10, Some(1.0));
        check("x/m-1", Some("openai"), 100, 10, Some(2.0));
        check("m-1", None, 0, 1_000, Some(1.0));
        check("m-1", None, 0, 1_001, Some(3.0));
        check("m-1", Some("Azure"), 0, 10, Some(4.0));
        check("m-1", None, 500, 10, Some(9.0));
        check("other", None, 499, 10, None);
        assert_eq!((prices.changes(), prices.sizes()), (vec![100, 500], vec![1_000]));
        assert_eq!(prices.as_of.as_deref(), Some("far"), "the bundled table's day");
    }

    #[test]
    fn cached_tokens_are_billed_apart() {
        let tokens = Billed::of(1_000_000, 600_000, 100_000, 10_000);
        assert_eq!(tokens.input, 300_000);
        let usd = price(&["m"], 1.0).usd(&tokens);
        assert!((usd - (0.3 + 0.06 + 0.1 + 0.05)).abs() < 1e-9, "{usd}");
        assert_eq!(Billed::of(10, 50, 0, 0).input, 10, "they were left out of the count");
    }
}
