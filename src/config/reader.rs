//! A TOML file, read with the place of everything.
//!
//! [`read`] hands the root table to a function that asks for the keys it knows. Whatever is wrong
//! is noted and reading goes on, so all mistakes of a file are told at once, in the order of the
//! file. A key that nobody asked for is unknown; where another table of the same file would take
//! it, the hint says so. Broken syntax is told alone: what follows from it would only confuse.

use super::found::Value;
use super::value::reason_and_hint;
use crate::domain::credential;
use crate::domain::words::{did_you_mean, or};
use crate::error::{Failure, Kind, Place, Result};
use std::cell::RefCell;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// More than this is no settings file.
const MAX_FILE: usize = 1 << 20;

/// How many mistakes of one file are told. A file made to have a million must not cost more.
const MAX_MISTAKES: usize = 50;

/// Longer names are nobody's slip of the pen, and comparing them is dear.
const MAX_NAME: usize = 100;

/// How many syntax errors of one file are told; the parser recovers, and guesses more and more.
const MAX_SYNTAX: usize = 5;

/// Reads one file. `name` is what messages call it.
pub fn read<T>(name: &str, text: &str, read: impl FnOnce(&mut Table) -> T) -> Result<T> {
    let file = File::new(name, text);
    if text.len() > MAX_FILE {
        return Err(Failure::new(Kind::Config, format!("`{name}` is too large to be settings")));
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if let Some(failure) =
        Failure::all(errors.iter().take(MAX_SYNTAX).map(|e| file.syntax(e)).collect())
    {
        return Err(failure);
    }
    let mut table = Table::new(&file, String::new(), 0..0, Some(root.get_ref()));
    let value = read(&mut table);
    table.close();
    file.finish().map_or(Ok(value), Err)
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct At<T> {
    pub value: T,
    pub at: Range<usize>,
}

/// One file being read, and what was found wrong so far.
pub struct File<'a> {
    pub name: &'a str,
    pub text: &'a str,
    mistakes: RefCell<Vec<(usize, Failure)>>,
    /// Every key that was asked for, by table.
    asked: RefCell<Vec<(String, &'static str)>>,
    unknown: RefCell<Vec<Unknown>>,
}

struct Unknown {
    table: String,
    key: String,
    is_table: bool,
    at: Range<usize>,
}

impl<'a> File<'a> {
    fn new(name: &'a str, text: &'a str) -> Self {
        Self {
            name,
            text,
            mistakes: RefCell::default(),
            asked: RefCell::default(),
            unknown: RefCell::default(),
        }
    }

    fn syntax(&self, error: &toml::de::Error) -> Failure {
        let at = error.span().unwrap_or(0..0);
        let mut lines = error.message().lines();
        let first = lines.next().unwrap_or("this is no TOML").to_owned();
        let mut place = Place::of(self.name, self.text, at);
        place.text = credential::cover(&place.text);
        let failure = Failure::new(Kind::Config, format!("this is not TOML: {first}")).at(place);
        lines.fold(failure, Failure::because)
    }

    /// Notes a mistake.
    #[expect(clippy::needless_pass_by_value, reason = "a hint is made for the one mistake")]
    pub fn wrong(&self, at: &Range<usize>, sentence: impl Into<String>, hint: Option<String>) {
        if self.mistakes.borrow().len() >= MAX_MISTAKES {
            return;
        }
        let mut place = Place::of(self.name, self.text, at.clone());
        place.text = credential::cover(&place.text);
        self.note(at, place, sentence, hint.as_deref());
    }

    pub fn note(
        &self,
        at: &Range<usize>,
        place: Place,
        sentence: impl Into<String>,
        hint: Option<&str>,
    ) {
        // A sentence may quote what stands in the file.
        let sentence = credential::cover(&sentence.into());
        let mut failure = Failure::new(Kind::Config, sentence).at(place);
        failure.hints.extend(hint.map(credential::cover));
        self.mistakes.borrow_mut().push((at.start, failure));
    }

    fn finish(self) -> Option<Failure> {
        for Unknown { table, key, is_table, at } in
            self.unknown.take().into_iter().take(MAX_MISTAKES)
        {
            let asked = self.asked.borrow();
            let here: Vec<&str> =
                asked.iter().filter(|(t, _)| *t == table).map(|(_, key)| *key).collect();
            let elsewhere = asked
                .iter()
                .find(|(t, k)| !is_table && *t != table && *k == key && !t.contains('.'));
            let hint = if let Some((other, _)) = elsewhere {
                match other.as_str() {
                    "" => format!("move `{key}` above the first `[table]` of the file"),
                    other => format!("put `{key}` under `[{other}]`"),
                }
            } else if let Some(near) = nearest(&key, &here) {
                format!("did you mean `{near}`?")
            } else {
                format!("known here: {}", or(&here).replace(" or ", ", "))
            };
            self.wrong(&at, format!("unknown key `{key}`"), Some(hint));
        }
        let mut mistakes = self.mistakes.take();
        mistakes.sort_by_key(|(at, _)| *at);
        Failure::all(mistakes.into_iter().map(|(_, failure)| failure).collect())
    }
}

/// A table being read. A table that the file does not have reads as an empty one.
pub struct Table<'a> {
    file: &'a File<'a>,
    /// Dotted; empty for the root.
    name: String,
    at: Range<usize>,
    entries: Option<&'a DeTable<'a>>,
    asked: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub fn new(
        file: &'a File<'a>,
        name: String,
        at: Range<usize>,
        entries: Option<&'a DeTable<'a>>,
    ) -> Self {
        Self { file, name, at, entries, asked: Vec::new() }
    }

    /// Whether the file has this table at all.
    pub fn is_there(&self) -> bool {
        self.entries.is_some()
    }

    /// Notes a mistake at a place.
    pub fn wrong(&self, at: &Range<usize>, sentence: impl Into<String>, hint: Option<String>) {
        self.file.wrong(at, sentence, hint);
    }

    /// Notes a mistake that is about the whole table.
    pub fn wrong_here(&self, sentence: impl Into<String>, hint: Option<String>) {
        self.wrong(&self.at, sentence, hint);
    }

    /// The range of `needle` within a value, for mistakes inside a string.
    pub fn within(&self, at: &Range<usize>, needle: &str) -> Range<usize> {
        let found = self.file.text.get(at.clone()).and_then(|text| text.find(needle));
        found.map_or_else(|| at.clone(), |i| at.start + i..at.start + i + needle.len())
    }

    /// Says that a key is missing, with the line to add.
    pub fn missing(&self, key: &str, line: &str) {
        if self.entries.is_none() {
            return;
        }
        let sentence = match self.name.as_str() {
            "" => format!("`{key}` is missing"),
            name => format!("`{key}` is missing in `[{name}]`"),
        };
        self.wrong(&self.at, sentence, Some(format!("add the line `{line}`")));
    }

    /// A key's value, of any type.
    pub fn take(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.asked.push(key);
        let (name, value) = self.entries?.get_key_value(key)?;
        Some(Value { file: self.file, key: key.to_owned(), key_at: name.span(), inner: value })
    }

    /// Whether the file has this key, of whatever type.
    pub fn has(&self, key: &str) -> bool {
        self.entries.is_some_and(|entries| entries.contains_key(key))
    }

    pub fn string(&mut self, key: &'static str) -> Option<At<String>> {
        self.take(key)?.string()
    }

    /// A string that must say something.
    pub fn text(&mut self, key: &'static str) -> Option<At<String>> {
        let found = self.string(key)?;
        if found.value.trim().is_empty() {
            self.wrong(&found.at, format!("`{key}` is empty"), Some(format!("leave `{key}` out")));
            return None;
        }
        Some(found)
    }

    pub fn strings(&mut self, key: &'static str) -> Vec<At<String>> {
        self.take(key).map(|value| value.strings()).unwrap_or_default()
    }

    pub fn bool(&mut self, key: &'static str) -> Option<At<bool>> {
        self.take(key)?.bool()
    }

    /// A whole number above zero.
    pub fn count(&mut self, key: &'static str) -> Option<At<u32>> {
        self.take(key)?.count()
    }

    /// A number above zero.
    pub fn amount(&mut self, key: &'static str) -> Option<At<f64>> {
        self.take(key)?.amount()
    }

    /// Any number.
    pub fn number(&mut self, key: &'static str) -> Option<At<f64>> {
        self.take(key)?.number()
    }

    /// A string that `parse` understands. Its error is the sentence.
    pub fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<At<T>> {
        let found = self.take(key)?;
        let text = found.scalar();
        match (parse(&text), found.is_string()) {
            (Ok(value), true) => Some(At { value, at: found.at() }),
            (Ok(_), false) => found.string().and(None),
            (Err(sentence), true) => {
                let (reason, hint) = reason_and_hint(&sentence);
                found.wrong(reason, hint);
                None
            }
            (Err(sentence), false) => found.wrong_type("a string", reason_and_hint(&sentence).1),
        }
    }

    /// One name of a list; `noun` is what it names.
    pub fn name_of(&mut self, key: &'static str, noun: &str, names: &[&str]) -> Option<At<String>> {
        let found = self.take(key)?;
        if !found.is_string() {
            return found.wrong_type("a name", Some(format!("use {}", or(names))));
        }
        let found = found.string()?;
        if names.contains(&found.value.as_str()) {
            return Some(found);
        }
        self.unknown_name(&found, noun, names);
        None
    }

    /// Says that a name is not one of a list.
    pub fn unknown_name(&self, found: &At<String>, noun: &str, names: &[&str]) {
        let hint = match nearest(&found.value, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use {}", or(names)),
        };
        self.wrong(&found.at, format!("no {noun} is called `{}`", found.value), Some(hint));
    }

    /// A table within this one. `read` is also asked where it is absent, so that its keys are known.
    pub fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Table<'a>) -> T) -> T {
        let name = self.inner_name(key);
        let found = self.take(key).and_then(|value| Some((value.table()?, value.key_at)));
        let (entries, at) = found.map_or((None, 0..0), |(entries, at)| (Some(entries), at));
        let mut table = Table::new(self.file, name, at, entries);
        let value = read(&mut table);
        table.close();
        value
    }

    /// Every entry of a table whose keys are names of the user's.
    pub fn each(&mut self, key: &'static str, mut read: impl FnMut(&At<String>, Value<'a>)) {
        let Some(entries) = self.take(key).and_then(|value| value.table()) else { return };
        for (name, value) in entries {
            let key = At { value: name.get_ref().to_string(), at: name.span() };
            let value = Value {
                file: self.file,
                key: key.value.clone(),
                key_at: name.span(),
                inner: value,
            };
            read(&key, value);
        }
    }

    /// Every item of a list of tables, written as `[[key]]`.
    pub fn tables(&mut self, key: &'static str, mut read: impl FnMut(Value<'a>)) {
        let Some(found) = self.take(key) else { return };
        let DeValue::Array(items) = found.inner.get_ref() else {
            found.wrong_type::<()>("a list of tables", Some(format!("write `[[{key}]]`")));
            return;
        };
        for inner in items {
            let key_at = inner.span();
            read(Value { file: self.file, key: key.to_owned(), key_at, inner });
        }
    }

    fn inner_name(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    pub fn close(self) {
        for (key, value) in self.entries.into_iter().flatten() {
            if !self.asked.contains(&&**key.get_ref()) {
                self.file.unknown.borrow_mut().push(Unknown {
                    table: self.name.clone(),
                    key: key.get_ref().to_string(),
                    is_table: value.get_ref().is_table(),
                    at: key.span(),
                });
            }
        }
        let asked = self.asked.into_iter().map(|key| (self.name.clone(), key));
        self.file.asked.borrow_mut().extend(asked);
    }
}

fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    if word.len() > MAX_NAME { None } else { did_you_mean(word, names.iter().copied()) }
}
