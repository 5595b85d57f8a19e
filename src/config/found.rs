//! One value of a file, before its type is known.
//!
//! Each reading notes what stands there instead, and where it can the line as it should be.

use super::reader::{At, File, Table};
use crate::error::Place;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value whose type is not known yet.
pub struct Value<'a> {
    pub file: &'a File<'a>,
    pub key: String,
    pub key_at: Range<usize>,
    pub inner: &'a Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    pub fn at(&self) -> Range<usize> {
        self.inner.span()
    }

    pub fn key_at(&self) -> Range<usize> {
        self.key_at.clone()
    }

    pub fn wrong(&self, sentence: impl Into<String>, hint: Option<String>) {
        self.file.wrong(&self.at(), sentence, hint);
    }

    /// Notes a mistake elsewhere: at this value's key, or at one item of it.
    pub fn wrong_at(&self, at: &Range<usize>, sentence: impl Into<String>, hint: Option<String>) {
        self.file.wrong(at, sentence, hint);
    }

    /// Notes a mistake at this value's key, and shows nothing of the value.
    #[expect(clippy::needless_pass_by_value, reason = "a hint is made for the one mistake")]
    pub fn wrong_hidden(&self, sentence: impl Into<String>, hint: Option<String>) {
        let mut place = Place::of(self.file.name, self.file.text, self.key_at());
        let shown = place.column - 1 + place.width;
        place.text = place.text.chars().take(shown).chain(" = ***".chars()).collect();
        self.file.note(&self.key_at, place, sentence, hint.as_deref());
    }

    pub fn is_table(&self) -> bool {
        self.inner.get_ref().is_table()
    }

    pub fn is_string(&self) -> bool {
        self.inner.get_ref().is_str()
    }

    /// A string's value, or whatever stands there as it is written.
    pub fn scalar(&self) -> String {
        match self.inner.get_ref() {
            DeValue::String(text) => text.to_string(),
            _ => self.file.text.get(self.at()).unwrap_or_default().to_owned(),
        }
    }

    pub fn is_array(&self) -> bool {
        self.inner.get_ref().is_array()
    }

    pub fn string(&self) -> Option<At<String>> {
        match self.inner.get_ref() {
            DeValue::String(text) => Some(At { value: text.to_string(), at: self.at() }),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {
                let raw = self.file.text.get(self.at()).unwrap_or_default();
                self.wrong_type("a string", Some(format!("write `{} = \"{raw}\"`", self.key)))
            }
            DeValue::Array(_) | DeValue::Table(_) => self.wrong_type("a string", None),
        }
    }

    pub fn strings(&self) -> Vec<At<String>> {
        match self.inner.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .filter_map(|inner| {
                    let key_at = self.key_at();
                    Value { file: self.file, key: self.key.clone(), key_at, inner }.item()
                })
                .collect(),
            DeValue::String(_) => {
                let raw = self.file.text.get(self.at()).unwrap_or_default();
                let hint = Some(format!("write `{} = [{raw}]`", self.key));
                self.wrong_type("a list of strings", hint.filter(|hint| !hint.contains('\n')))
                    .unwrap_or_default()
            }
            _ => self.wrong_type("a list of strings", None).unwrap_or_default(),
        }
    }

    /// One string of a list.
    fn item(&self) -> Option<At<String>> {
        if let DeValue::String(text) = self.inner.get_ref() {
            return Some(At { value: text.to_string(), at: self.at() });
        }
        let is = type_of(self.inner.get_ref());
        self.wrong(format!("`{}` holds strings, and this is {is}", self.key), None);
        None
    }

    pub fn bool(&self) -> Option<At<bool>> {
        match self.inner.get_ref() {
            DeValue::Boolean(value) => Some(At { value: *value, at: self.at() }),
            DeValue::String(text) if matches!(&**text, "true" | "false") => {
                self.wrong_type("`true` or `false`", Some(format!("write `{} = {text}`", self.key)))
            }
            _ => self.wrong_type("`true` or `false`", None),
        }
    }

    pub fn count(&self) -> Option<At<u32>> {
        let hint =
            |text: &str| text.parse::<u32>().ok().map(|n| format!("write `{} = {n}`", self.key));
        match self.inner.get_ref() {
            DeValue::Integer(number) => {
                let read = u32::from_str_radix(number.as_str(), number.radix());
                let value = read.ok().filter(|n| *n > 0);
                if value.is_none() {
                    let sentence =
                        format!("`{}` is a whole number from 1 to {}", self.key, u32::MAX);
                    self.wrong(
                        sentence,
                        Some(format!("leave `{}` out for no such limit", self.key)),
                    );
                }
                value.map(|value| At { value, at: self.at() })
            }
            DeValue::String(text) => self.wrong_type("a whole number", hint(text)),
            DeValue::Float(number) => {
                let whole = number.as_str().split('.').next().unwrap_or_default();
                self.wrong_type("a whole number", hint(whole))
            }
            _ => self.wrong_type("a whole number", None),
        }
    }

    pub fn amount(&self) -> Option<At<f64>> {
        self.decimal(|number| number > 0.0, "a number above zero")
    }

    pub fn number(&self) -> Option<At<f64>> {
        self.decimal(|_| true, "a number")
    }

    fn decimal(&self, good: impl Fn(f64) -> bool, what: &str) -> Option<At<f64>> {
        let text = match self.inner.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            DeValue::String(text) => {
                let number = text.trim_start_matches('$').parse::<f64>().ok();
                return self
                    .wrong_type("a number", number.map(|n| format!("write `{} = {n}`", self.key)));
            }
            _ => return self.wrong_type("a number", None),
        };
        let value = text.parse::<f64>().ok().filter(|number| number.is_finite() && good(*number));
        if value.is_none() {
            self.wrong(format!("`{}` is {what}", self.key), None);
        }
        value.map(|value| At { value, at: self.at() })
    }

    pub fn table(&self) -> Option<&'a DeTable<'a>> {
        match self.inner.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => self.wrong_type(
                "a table",
                Some(format!("write `[{}]` on a line of its own", self.key)),
            ),
        }
    }

    /// Reads this value as a table with keys of its own; `name` is what messages call it.
    pub fn fields<T>(&self, name: &str, read: impl FnOnce(&mut Table<'a>) -> T) -> Option<T> {
        let mut table = Table::new(self.file, name.to_owned(), self.key_at(), Some(self.table()?));
        let value = read(&mut table);
        table.close();
        Some(value)
    }

    pub fn wrong_type<T>(&self, wanted: &str, hint: Option<String>) -> Option<T> {
        let is = type_of(self.inner.get_ref());
        self.wrong(format!("`{}` is {wanted}, and this is {is}", self.key), hint);
        None
    }
}

fn type_of(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
