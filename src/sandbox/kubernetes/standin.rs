//! Options of a provider, until they come from `domain`.

use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub struct Options(pub BTreeMap<String, OptionValue>);

#[derive(Debug, Clone)]
pub enum OptionValue {
    Text(String),
    Texts(Vec<String>),
    Table(BTreeMap<String, String>),
}

impl Options {
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            OptionValue::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn texts(&self, name: &str) -> &[String] {
        match self.0.get(name) {
            Some(OptionValue::Texts(texts)) => texts,
            _ => &[],
        }
    }

    pub fn table(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        match self.0.get(name)? {
            OptionValue::Table(table) => Some(table),
            _ => None,
        }
    }
}
