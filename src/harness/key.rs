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
    /// The variable that names another server than the vendor's, as their own programs read it.
    pub server: &'static str,
    pub vendor: &'static str,
    /// A list of models, below the server: it costs nothing, and needs a key that works.
    pub list: &'static str,
}

pub(super) const ANTHROPIC: Key = Key {
    secret: "ANTHROPIC_API_KEY",
    header: "x-api-key",
    more: &[("anthropic-version", "2023-06-01")],
    server: "ANTHROPIC_BASE_URL",
    vendor: "https://api.anthropic.com",
    list: "/v1/models?limit=1",
};

pub(super) const OPENAI: Key = Key {
    secret: "OPENAI_API_KEY",
    header: "Authorization: Bearer",
    more: &[],
    server: "OPENAI_BASE_URL",
    vendor: "https://api.openai.com/v1",
    list: "/models",
};

pub(super) const GEMINI: Key = Key {
    secret: "GEMINI_API_KEY",
    header: "x-goog-api-key",
    more: &[],
    server: "GOOGLE_GEMINI_BASE_URL",
    vendor: "https://generativelanguage.googleapis.com",
    list: "/v1beta/models?pageSize=1",
};
