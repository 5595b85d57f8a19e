//! What a sandbox provider wants to know beyond what all of them do: which host, which cluster.
//!
//! A provider declares its options as a list of [`Opt`]; whoever reads settings checks them against
//! that list and hands on [`Options`], so that no name of a provider is known outside its family.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One option, as a provider declares it.
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    pub name: &'static str,
    pub shape: Shape,
    /// Whether nothing can be started without it.
    pub required: bool,
    /// What it is, in half a sentence.
    pub help: &'static str,
}

/// What an option's value looks like.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Text,
    /// A file of this machine: relative to the file it stands in, or with `~`.
    Path,
    /// One of these.
    Name(&'static [&'static str]),
    Texts,
    /// A whole number above zero.
    Count,
    Flag,
    /// Names of the user's own, each with a text.
    Table,
}

impl Shape {
    /// As it is written in a file.
    pub fn example(self) -> String {
        match self {
            Self::Text | Self::Path => "\"...\"".to_owned(),
            Self::Name(names) => format!("\"{}\"", names.join("\" | \"")),
            Self::Texts => "[\"...\"]".to_owned(),
            Self::Count => "1".to_owned(),
            Self::Flag => "true".to_owned(),
            Self::Table => "{ name = \"...\" }".to_owned(),
        }
    }
}

/// The options of one provider, checked against what it declares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Options(BTreeMap<String, OptionValue>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OptionValue {
    Flag(bool),
    Count(u32),
    Text(String),
    Texts(Vec<String>),
    Table(BTreeMap<String, String>),
}

impl Options {
    pub fn set(&mut self, name: &str, value: OptionValue) {
        self.0.insert(name.to_owned(), value);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(OptionValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn texts(&self, name: &str) -> &[String] {
        match self.0.get(name) {
            Some(OptionValue::Texts(texts)) => texts,
            _ => &[],
        }
    }

    pub fn count(&self, name: &str) -> Option<u32> {
        match self.0.get(name) {
            Some(OptionValue::Count(count)) => Some(*count),
            _ => None,
        }
    }

    pub fn flag(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(OptionValue::Flag(true)))
    }

    pub fn table(&self, name: &str) -> BTreeMap<String, String> {
        match self.0.get(name) {
            Some(OptionValue::Table(table)) => table.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// These, with `farther` for whatever they leave open.
    pub fn over(mut self, farther: &Self) -> Self {
        for (name, value) in &farther.0 {
            self.0.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// Each with its value, for people.
    pub fn shown(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.shown()))
    }

    /// Each with its value, for scripts.
    pub fn values(&self) -> impl Iterator<Item = (&str, serde_json::Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), serde_json::json!(value)))
    }
}

impl OptionValue {
    fn shown(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Text(text) => text.clone(),
            Self::Texts(texts) => texts.join(", "),
            Self::Table(table) => {
                let pairs: Vec<String> =
                    table.iter().map(|(name, text)| format!("{name}={text}")).collect();
                pairs.join(", ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_back() {
        let mut options = Options::default();
        let table: BTreeMap<_, _> = [("a".to_owned(), "b".to_owned())].into();
        options.set("flag", OptionValue::Flag(true));
        options.set("count", OptionValue::Count(3));
        options.set("text", OptionValue::Text("x".to_owned()));
        options.set("texts", OptionValue::Texts(vec!["x".to_owned()]));
        options.set("table", OptionValue::Table(table.clone()));
        let stored = serde_json::to_string(&options).unwrap();
        let back: Options = serde_json::from_str(&stored).unwrap();
        assert_eq!((back.text("text"), back.texts("texts").len()), (Some("x"), 1));
        assert_eq!(back.count("count"), Some(3));
        assert!(back.flag("flag") && !back.flag("text"));
        assert_eq!(back.table("table"), table);
    }

    #[test]
    fn the_nearer_one_counts() {
        let with = |name: &str, text: &str| {
            let mut options = Options::default();
            options.set(name, OptionValue::Text(text.to_owned()));
            options
        };
        let both = with("host", "near").over(&with("host", "far")).over(&with("user", "far"));
        assert_eq!((both.text("host"), both.text("user")), (Some("near"), Some("far")));
    }
}
