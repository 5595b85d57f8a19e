//! TOML in, domain out, with the place of every mistake.
//!
//! Files are turned into meaning once, here, at the door. Every mistake of a file is told at once,
//! in the order of the file, each with its line and a hint. What a file means does not depend on
//! serde: [`reader`] walks the spanned table itself, because derived readers stop at the first
//! mistake and lose the place of whatever they flatten.
//!
//! The environment is read in [`env`] and nowhere else in the program. Names that belong to other
//! families (harnesses, sandbox providers) are handed in as [`Known`].
//!
//! Deliberately absent: secrets (only their names pass here), any network, the clock.

pub mod allow;
pub mod automation;
pub mod bundled;
pub mod edit;
pub mod env;
mod found;
pub mod layers;
pub mod lock;
pub mod options;
pub mod preset;
pub mod prices;
pub mod reader;
pub mod runs;
pub mod settings;
pub mod signal;
pub mod skill;
pub mod start;
pub mod template;
pub mod value;
pub mod window;

#[cfg(test)]
mod corpus;

use crate::domain::options::Opt;
use crate::domain::provider::{Ability, About};
use std::collections::BTreeMap;

/// The names of families that live elsewhere, as presets may use them.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub harnesses: &'static [&'static str],
    pub providers: &'static [&'static str],
    /// What there is to know of a provider, by its name.
    pub about: fn(&str) -> Option<About>,
    /// Whether a metric can be read by its name; the error says what would have been right.
    pub metric: fn(&str) -> Result<(), String>,
}

impl Known {
    /// What a provider wants to know.
    pub fn options(&self, provider: &str) -> &'static [Opt] {
        (self.about)(provider).map_or(&[], |about| about.options)
    }

    /// Whether a provider can do something. One that nobody knows is judged elsewhere.
    pub fn can(&self, provider: &str, ability: Ability) -> bool {
        (self.about)(provider).is_none_or(|about| about.can(ability))
    }
}

/// What a file's names are held against.
#[derive(Debug, Clone)]
pub struct Context {
    pub known: Known,
    /// Every skill that can be found, and its kind where its file can be read.
    pub skills: BTreeMap<String, Option<String>>,
}
