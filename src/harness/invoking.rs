//! What the invocations of all harnesses share.

use super::{Ask, Invocation};
use crate::domain::turn::FileSpec;

/// How often a failed request to a model API is sent again, where a harness lets itself be told.
/// The defaults reach ten, which keeps a worker with a refused key busy for three minutes.
pub const RETRIES: u32 = 4;

impl Invocation {
    /// An invocation of `program`, which reads the prompt from standard input.
    pub fn of(ask: &Ask, name: &str) -> Self {
        let program = if ask.paths.program.is_empty() { name } else { &ask.paths.program };
        Self { argv: vec![program.to_owned()], stdin: ask.prompt.to_owned(), ..Self::default() }
    }

    pub fn arg(&mut self, arg: impl Into<String>) {
        self.argv.push(arg.into());
    }

    pub fn args<'a>(&mut self, args: impl IntoIterator<Item = &'a str>) {
        self.argv.extend(args.into_iter().map(str::to_owned));
    }

    /// An option with a value, where there is one.
    pub fn option(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.argv.extend([name.to_owned(), value.to_string()]);
        }
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.insert(name.to_owned(), value.into());
    }

    pub fn file(&mut self, path: String, content: impl Into<String>) {
        self.files.push(FileSpec { path, content: content.into(), executable: false });
    }

    /// Makes programs built on Node, Bun, OpenSSL and rustls trust the sandbox's bundle.
    pub fn trust(&mut self, ask: &Ask) {
        if ask.ca_bundle {
            self.set("NODE_EXTRA_CA_CERTS", ask.paths.ca_bundle.as_str());
            self.set("SSL_CERT_FILE", ask.paths.ca_bundle.as_str());
        }
    }
}

impl Ask<'_> {
    /// The model API's address, without a slash at its end.
    pub fn base_url(&self) -> Option<&str> {
        let url = self.provider?.base_url.as_deref()?.trim_end_matches('/');
        (!url.is_empty()).then_some(url)
    }

    /// Which secret is the model API's key.
    pub fn secret<'a>(&'a self, default: &'a str) -> &'a str {
        self.provider.and_then(|provider| provider.secret.as_deref()).unwrap_or(default)
    }
}

/// A base URL that ends in the API's version, as some clients want it: `http://host` and
/// `http://host/v1` mean the same.
pub fn versioned(url: &str, version: &str) -> String {
    let url = unversioned(url, version);
    format!("{url}/{version}")
}

/// A base URL without the API's version, which other clients add themselves.
pub fn unversioned<'a>(url: &'a str, version: &str) -> &'a str {
    url.strip_suffix(version).and_then(|url| url.strip_suffix('/')).unwrap_or(url)
}

/// The base URL of an API in the manner of OpenAI, whose custom includes the version: where the
/// address is a bare host, `/v1` is meant; any path is taken as it stands.
pub fn openai_base(url: &str) -> String {
    let bare = url.split_once("://").is_none_or(|(_, rest)| !rest.contains('/'));
    if bare { versioned(url, "v1") } else { url.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        assert_eq!(versioned("http://h", "v1"), "http://h/v1");
        assert_eq!(versioned("http://h/v1", "v1"), "http://h/v1");
        assert_eq!(unversioned("http://h/x/v1", "v1"), "http://h/x");
        assert_eq!(unversioned("http://hv1", "v1"), "http://hv1");
        assert_eq!(openai_base("http://h:8"), "http://h:8/v1");
        assert_eq!(openai_base("http://h/openai"), "http://h/openai");
    }
}
