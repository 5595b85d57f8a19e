//! A span's attributes: flat, dotted, sorted by key.
//!
//! Exporters write the same attribute nested (`{"llm":{"model_name":…}}`), dotted
//! (`"llm.model_name"`) or both at once. Here it is always dotted, list items of objects by their
//! index, so that everything above reads one shape. Lists of plain values stay lists, and so do the
//! `gen_ai.` ones, whose structure is theirs.

use serde_json::{Map, Value};
use std::borrow::Cow;

/// Objects nested deeper than this are kept as they are, under the key reached so far.
const DEEPEST: usize = 64;

/// So many are faster looked through than searched.
const FEW: usize = 24;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(Vec<(String, Value)>);

impl Attributes {
    /// Of any shape. Where a key comes twice, the later one counts.
    pub fn of(object: Map<String, Value>) -> Self {
        Self::of_pairs(object)
    }

    /// As [`Attributes::of`].
    pub fn of_pairs(pairs: impl IntoIterator<Item = (String, Value)>) -> Self {
        let pairs = pairs.into_iter();
        let mut flat = Vec::with_capacity(pairs.size_hint().1.unwrap_or_default());
        for (key, value) in pairs {
            flatten(key, value, 0, &mut flat);
        }
        Self::sorted(flat)
    }

    /// Of keys that are dotted already; values may still be objects.
    pub fn sorted(mut flat: Vec<(String, Value)>) -> Self {
        // The sort is stable, so of equal keys the last is the one that was written last.
        flat.sort_by(|a, b| a.0.cmp(&b.0));
        flat.reverse();
        flat.dedup_by(|a, b| a.0 == b.0);
        flat.reverse();
        Self(flat)
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        // Most keys that are asked for are not there, and most differ in length already.
        if self.0.len() <= FEW {
            return self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value);
        }
        let at = self.0.binary_search_by(|(own, _)| own.as_str().cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// The value as text; `None` where it is absent, null or empty.
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        as_text(self.get(key)?)
    }

    /// The first of the keys that says something.
    pub fn first_text(&self, keys: &[&str]) -> Option<Cow<'_, str>> {
        keys.iter().find_map(|key| self.text(key))
    }

    pub fn first_number(&self, keys: &[&str]) -> Option<f64> {
        keys.iter().find_map(|key| match self.get(key)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            _ => None,
        })
    }

    pub fn insert(&mut self, key: &str, value: impl Into<Value>) {
        match self.0.binary_search_by(|(own, _)| own.as_str().cmp(key)) {
            Ok(at) => self.0[at].1 = value.into(),
            Err(at) => self.0.insert(at, (key.to_owned(), value.into())),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// What is at `prefix` + a number + `.`: the number and the rest of the key, in the keys' order.
    pub fn items<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (usize, &'a str, &'a Value)> {
        let from = self.0.partition_point(|(key, _)| key.as_str() < prefix);
        self.0[from..]
            .iter()
            .map_while(move |(key, value)| Some((key.strip_prefix(prefix)?, value)))
            .filter_map(|(rest, value)| {
                let (index, rest) = rest.split_once('.')?;
                Some((index.parse().ok()?, rest, value))
            })
    }
}

/// A value as a person would write it. Structures stay JSON.
pub fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(other.to_string())),
    }
}

fn flatten(key: String, value: Value, depth: usize, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(object) if depth < DEEPEST && !object.is_empty() => {
            for (inner, value) in object {
                flatten(format!("{key}.{inner}"), value, depth + 1, into);
            }
        }
        Value::Array(list)
            if depth < DEEPEST
                && !key.starts_with("gen_ai.")
                && !list.is_empty()
                && list.iter().all(Value::is_object) =>
        {
            for (index, value) in list.into_iter().enumerate() {
                flatten(format!("{key}.{index}"), value, depth + 1, into);
            }
        }
        Value::Null => {}
        value => into.push((key, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, expected: &str) {
        let attributes = Attributes::of(serde_json::from_str(given).unwrap());
        let flat: Map<_, _> =
            attributes.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
        assert_eq!(Value::Object(flat).to_string(), expected, "{given}");
    }

    #[test]
    fn every_shape_becomes_dotted() {
        check(r#"{"b.c":1,"a":{"x":{"y":2}}}"#, r#"{"a.x.y":2,"b.c":1}"#);
        check(r#"{"a":{"b":1},"a.b":2}"#, r#"{"a.b":2}"#);
        check(
            r#"{"m":[{"r":"u"},{"r":"a"}],"t":["x","y"]}"#,
            r#"{"m.0.r":"u","m.1.r":"a","t":["x","y"]}"#,
        );
        check(
            r#"{"gen_ai":{"input.messages":[{"role":"u"}]},"n":null}"#,
            r#"{"gen_ai.input.messages":[{"role":"u"}]}"#,
        );
    }

    #[test]
    fn a_hundred_levels_do_not_overflow() {
        let mut deep = Value::from(1);
        for _ in 0..100 {
            deep = serde_json::json!({ "k": deep });
        }
        let Value::Object(object) = deep else { unreachable!() };
        assert_eq!(Attributes::of(object).iter().count(), 1);
    }

    #[test]
    fn items_are_those_of_the_prefix() {
        let attributes = Attributes::of(
            serde_json::from_str(r#"{"m":[{"a":1},{"a":2}],"m.x":3,"n.0.a":4}"#).unwrap(),
        );
        let items: Vec<_> = attributes.items("m.").map(|(n, key, _)| (n, key)).collect();
        assert_eq!(items, [(0, "a"), (1, "a")]);
    }
}
