//! Small types that make messages read like sentences.

use std::fmt;

/// `Count::of(3, "session")` reads `3 sessions`.
#[derive(Debug, Clone, Copy)]
pub struct Count<'a> {
    number: u64,
    noun: &'a str,
}

impl<'a> Count<'a> {
    pub fn of(number: impl TryInto<u64>, noun: &'a str) -> Self {
        Self { number: number.try_into().unwrap_or(u64::MAX), noun }
    }
}

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, noun } = self;
        match (number, noun.strip_suffix('y')) {
            (1, _) => write!(f, "1 {noun}"),
            (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o']) => write!(f, "{number} {stem}ies"),
            _ if noun.ends_with(['x', 's']) => write!(f, "{number} {noun}es"),
            _ => write!(f, "{number} {noun}s"),
        }
    }
}

/// `` `a`, `b` or `c` ``.
pub fn or<S: AsRef<str>>(names: &[S]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("`{}`", one.as_ref()),
        [init @ .., last] => {
            let init: Vec<_> = init.iter().map(|name| format!("`{}`", name.as_ref())).collect();
            format!("{} or `{}`", init.join(", "), last.as_ref())
        }
    }
}

/// The name of a list that somebody probably meant.
pub fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, name)| {
            *distance <= 1 + word.len().max(name.len()) / 4
                || (word.len() >= 3 && name.starts_with(word))
        })
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        assert_eq!(Count::of(1, "trace").to_string(), "1 trace");
        assert_eq!(Count::of(2, "trace").to_string(), "2 traces");
        assert_eq!(Count::of(2, "query").to_string(), "2 queries");
        assert_eq!(Count::of(2, "sandbox").to_string(), "2 sandboxes");
        assert_eq!(or(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(did_you_mean("claud", ["codex", "claude-code", "command"]), Some("claude-code"));
        assert_eq!(did_you_mean("dcoker", ["docker", "local"]), Some("docker"));
        assert_eq!(did_you_mean("zzz", ["docker", "local"]), None);
    }
}
