//! Keys of model APIs, and the cheapest call that shows whether one works.

/// A model API's key, as a harness wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The secret's name.
    pub secret: &'static str,
    /// The header that carries it, with the scheme before the value where there is one.
    pub header: &'static str,
    /// Headers that the API wants besides.
    pub more: &'static [(&'static str, &'static str)],
    /// The call that tries it, where there is one that costs nothing.
    pub trial: Option<Trial>,
}

/// A list of models: whoever gives it wants a key that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// The variable that names another server than the vendor's, as their own programs read it.
    pub server: &'static str,
    pub vendor: &'static str,
    /// Below the server.
    pub list: &'static str,
}

pub(super) const ANTHROPIC: Key = Key {
    secret: "ANTHROPIC_API_KEY",
    header: "x-api-key",
    more: &[("anthropic-version", "2023-06-01")],
    trial: Some(Trial {
        server: "ANTHROPIC_BASE_URL",
        vendor: "https://api.anthropic.com",
        list: "/v1/models?limit=1",
    }),
};

pub(super) const OPENAI: Key = Key {
    secret: "OPENAI_API_KEY",
    header: "Authorization: Bearer",
    more: &[],
    trial: Some(Trial {
        server: "OPENAI_BASE_URL",
        vendor: "https://api.openai.com/v1",
        list: "/models",
    }),
};

pub(super) const GEMINI: Key = Key {
    secret: "GEMINI_API_KEY",
    header: "x-goog-api-key",
    more: &[],
    trial: Some(Trial {
        server: "GOOGLE_GEMINI_BASE_URL",
        vendor: "https://generativelanguage.googleapis.com",
        list: "/v1beta/models?pageSize=1",
    }),
};

pub(super) const CURSOR: Key =
    Key { secret: "CURSOR_API_KEY", header: "Authorization: Bearer", more: &[], trial: None };
