//! What there is to know of a sandbox provider before anything is asked of it.

use super::options::{Opt, Options};
use std::fmt;

/// A provider as its own file declares it.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// As presets name it.
    pub name: &'static str,
    /// What it runs workers in, in a few words.
    pub runs_in: &'static str,
    /// What it can do, of what not all can.
    pub able: &'static [Ability],
    /// What it wants to know.
    pub options: &'static [Opt],
}

impl About {
    /// What it needs to be told and was not.
    pub fn missing(&self, said: &Options) -> Option<&'static Opt> {
        self.options.iter().find(|opt| opt.required && !said.has(opt.name))
    }

    pub fn can(&self, ability: Ability) -> bool {
        self.able.contains(&ability)
    }
}

/// What one provider can do and another cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// Run any harness; without it, only its vendor's own.
    AnyHarness,
    /// Take its files from an image.
    Images,
    /// Keep limits of memory and processors.
    Limits,
    /// Leave a worker without any network.
    NoNetwork,
    /// Work without anybody watching what it spends.
    Automations,
}

impl Ability {
    /// What a place of our own can do, with an engine that makes containers.
    pub const ALL: &'static [Self] =
        &[Self::AnyHarness, Self::Images, Self::Limits, Self::NoNetwork, Self::Automations];
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnyHarness => "any harness",
            Self::Images => "images",
            Self::Limits => "limits",
            Self::NoNetwork => "no network",
            Self::Automations => "automations",
        })
    }
}
