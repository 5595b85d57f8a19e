//! What a preset says of the vendor's side, and what it can say.

use crate::domain::options::{Opt, Options, Shape};
use crate::domain::provider::About;
use std::path::PathBuf;

/// Where it is, where nobody names another place.
const VENDOR: &str = "https://api.anthropic.com";
/// The variable that names another place, as the vendor's own programs read it.
pub const SERVER: &str = "ANTHROPIC_BASE_URL";
/// The secret that holds the key where the preset names none.
pub const SECRET: &str = "ANTHROPIC_API_KEY";
/// What a session may cost where nobody says, in US dollars.
const BUDGET_USD: f64 = 5.0;

/// What there is to know of it. A session runs its vendor's own harness, on its vendor's machines.
pub const ABOUT: About = About {
    name: super::NAME,
    runs_in: "sessions on Anthropic's own infrastructure",
    able: &[],
    options: OPTIONS,
};

/// Whether this program is sent along.
pub const TRACES_COMMAND: &str = "traces_command";

/// What can be said under its name.
const OPTIONS: &[Opt] = &[
    Opt {
        name: "agent",
        shape: Shape::Text,
        required: true,
        help: "the agent's id, or a name: one that does not exist is made of the preset",
    },
    Opt {
        name: "agent_version",
        shape: Shape::Count,
        required: false,
        help: "the agent's version; its newest otherwise",
    },
    Opt {
        name: "environment",
        shape: Shape::Text,
        required: true,
        help: "the environment's id, or a name: one that does not exist is made of the preset",
    },
    Opt {
        name: "create",
        shape: Shape::Flag,
        required: false,
        help: "whether agents and environments are made without a question",
    },
    Opt {
        name: TRACES_COMMAND,
        shape: Shape::Flag,
        required: false,
        help: "whether this program is sent along as `traces`; the worker uses Python otherwise",
    },
    Opt {
        name: "vaults",
        shape: Shape::Texts,
        required: false,
        help: "ids of vaults whose credentials the worker may use",
    },
    Opt {
        name: "on_permission",
        shape: Shape::Name(&OnPermission::NAMES),
        required: false,
        help: "the answer where the worker asks for a permission; `deny` otherwise",
    },
];

/// What is done where the worker asks for a permission: nobody is there to be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnPermission {
    #[default]
    Deny,
    Allow,
}

impl OnPermission {
    const NAMES: [&'static str; 2] = ["deny", "allow"];

    fn of_name(name: &str) -> Option<Self> {
        match name {
            "deny" => Some(Self::Deny),
            "allow" => Some(Self::Allow),
            _ => None,
        }
    }
}

/// Everything that is the same for all sessions of a preset.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The service's address.
    pub base_url: String,
    /// The name of the secret that is the key.
    pub secret: String,
    /// An id, or a name.
    pub agent: String,
    /// The newest where none is said.
    pub agent_version: Option<u32>,
    /// An id, or a name.
    pub environment: String,
    /// Whether what does not exist is made without a question.
    pub create: bool,
    pub vaults: Vec<String>,
    pub on_permission: OnPermission,
    /// Of a whole session, in US dollars.
    pub budget_usd: f64,
    /// The id of our store.
    pub store: String,
    /// A certificate bundle to trust besides the machine's own.
    pub ca_bundle: Option<PathBuf>,
}

impl Settings {
    /// From options that were checked against [`OPTIONS`].
    pub fn of(options: &Options, store: &str) -> Self {
        let text = |name: &str| options.text(name).unwrap_or_default().to_owned();
        Self {
            base_url: VENDOR.to_owned(),
            secret: SECRET.to_owned(),
            agent: text("agent"),
            agent_version: options.count("agent_version"),
            environment: text("environment"),
            create: options.flag("create"),
            vaults: options.texts("vaults").to_vec(),
            on_permission: OnPermission::of_name(&text("on_permission")).unwrap_or_default(),
            budget_usd: BUDGET_USD,
            store: store.to_owned(),
            ca_bundle: None,
        }
    }

    /// The budget as the vendor wants it: whole cents in a string, rounded up, and at least one.
    pub(super) fn budget_cents(&self) -> String {
        // A cent that only the fraction's own inexactness makes is none.
        let cents = (self.budget_usd * 100.0 - 1e-6).ceil();
        // Conversions of floats saturate, and what is no number is 0.
        (cents as u64).max(1).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::options::OptionValue;

    #[test]
    fn options_are_read() {
        let mut options = Options::default();
        options.set("agent", OptionValue::Text("triage".to_owned()));
        options.set("agent_version", OptionValue::Count(3));
        options.set("on_permission", OptionValue::Text("allow".to_owned()));
        options.set("vaults", OptionValue::Texts(vec!["vlt_1".to_owned()]));
        let settings = Settings::of(&options, "store");
        assert_eq!((settings.agent.as_str(), settings.agent_version), ("triage", Some(3)));
        assert_eq!(settings.on_permission, OnPermission::Allow);
        assert_eq!(settings.vaults, ["vlt_1"]);
        let least = Settings::of(&Options::default(), "store");
        assert_eq!((least.on_permission, least.create), (OnPermission::Deny, false));
    }

    #[test]
    fn a_budget_is_whole_cents() {
        for (usd, cents) in [
            (5.0, "500"),
            (0.29, "29"),
            (1.1, "110"),
            (0.111, "12"),
            (0.0001, "1"),
            (0.0, "1"),
            (-3.0, "1"),
            (f64::NAN, "1"),
        ] {
            let settings = Settings { budget_usd: usd, ..Settings::of(&Options::default(), "s") };
            assert_eq!(settings.budget_cents(), cents, "{usd}");
        }
    }
}
