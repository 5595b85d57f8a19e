//! `[sandbox.NAME]`: what a provider wants to know besides, read by what it declares.

use super::Known;
use super::reader::Table;
use crate::domain::options::{Opt, OptionValue, Options, Shape};
use crate::domain::preset::{Image, SandboxSettings};
use crate::domain::provider::Ability;
use crate::error::{Failure, Kind, Result};
use std::collections::BTreeMap;

/// The options of every provider that a table has some of.
pub fn read(table: &mut Table, known: &Known) -> BTreeMap<String, Options> {
    let mut all = BTreeMap::new();
    for name in known.providers {
        let declared = known.options(name);
        // A table that takes nothing would only be an unknown key with a longer story.
        if declared.is_empty() {
            continue;
        }
        let options = table.table(name, |table| of_provider(table, declared));
        if !options.is_empty() {
            all.insert((*name).to_owned(), options);
        }
    }
    all
}

fn of_provider(table: &mut Table, declared: &'static [Opt]) -> Options {
    let mut options = Options::default();
    for opt in declared {
        if let Some(value) = value(table, opt) {
            options.set(opt.name, value);
        }
    }
    options
}

fn value(table: &mut Table, opt: &Opt) -> Option<OptionValue> {
    Some(match opt.shape {
        Shape::Text | Shape::Path => OptionValue::Text(table.text(opt.name)?.value),
        Shape::Name(names) => {
            OptionValue::Text(table.name_of(opt.name, &format!("`{}`", opt.name), names)?.value)
        }
        Shape::Texts if !table.has(opt.name) => {
            table.strings(opt.name);
            return None;
        }
        Shape::Texts => {
            let texts = table.strings(opt.name);
            OptionValue::Texts(texts.into_iter().map(|at| at.value).collect())
        }
        Shape::Count => OptionValue::Count(table.count(opt.name)?.value),
        Shape::Flag => OptionValue::Flag(table.bool(opt.name)?.value),
        Shape::Table => {
            let mut pairs = BTreeMap::new();
            table.each(opt.name, |name, found| {
                if let Some(text) = found.string() {
                    pairs.insert(name.value.clone(), text.value);
                }
            });
            if pairs.is_empty() {
                return None;
            }
            OptionValue::Table(pairs)
        }
    })
}

/// Makes every path among them absolute.
pub fn expand(
    all: &mut BTreeMap<String, Options>,
    known: &Known,
    absolute: impl Fn(&str) -> String,
) {
    for (name, options) in all {
        for opt in known.options(name).iter().filter(|opt| matches!(opt.shape, Shape::Path)) {
            if let Some(path) = options.text(opt.name).map(&absolute) {
                options.set(opt.name, OptionValue::Text(path));
            }
        }
    }
}

/// Leaves a plan's provider what it and `config.toml` say of it, and nothing of the others; nor an
/// image where it takes none.
pub fn settle(
    sandbox: &mut SandboxSettings,
    farther: &BTreeMap<String, Options>,
    known: &Known,
) -> Result<()> {
    let name = sandbox.provider.clone();
    let mut own = sandbox.own_options();
    if let Some(farther) = farther.get(&name) {
        own = own.over(farther);
    }
    if !known.can(&name, Ability::Images) {
        sandbox.image = Image::Own;
    }
    if let Some(opt) = (known.about)(&name).and_then(|about| about.missing(&own)) {
        let sentence = format!("the sandbox provider `{name}` needs `{}`", opt.name);
        let line = format!("{} = {}", opt.name, opt.shape.example());
        return Err(Failure::new(Kind::Config, sentence).because(opt.help).hint(format!(
            "write `{line}` under `[sandbox.{name}]` in the preset or in `config.toml`"
        )));
    }
    sandbox.options = BTreeMap::new();
    if !own.is_empty() {
        sandbox.options.insert(name, own);
    }
    Ok(())
}
