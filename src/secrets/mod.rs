//! Where credentials live, and how they are kept out of what is stored and shown.
//!
//! A credential is a [`Secret`]: it has no `Display`, no `Debug` that tells, and no `Serialize`, so
//! it cannot get into a message or a file by accident. It leaves only through [`Secret::expose`],
//! which is called where a turn is handed over on standard input, and nowhere else.

mod redact;

pub use redact::{MIN_LENGTH, Redactor};

use crate::error::{Cannot as _, Failure, Kind, Result};
use std::path::Path;

#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Finds a secret by its reference: `NAME` or `env:NAME` in the environment, `file:PATH` in a file
/// (without its last newline).
pub fn find(reference: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Secret> {
    let value = if let Some(path) = reference.strip_prefix("file:") {
        let text = std::fs::read_to_string(Path::new(path))
            .cannot(Kind::Credential, || format!("read the secret file `{path}`"))?;
        text.trim_end_matches(['\n', '\r']).to_owned()
    } else {
        let name = reference.strip_prefix("env:").unwrap_or(reference);
        environment(name).unwrap_or_default()
    };
    if value.is_empty() {
        let name = reference.strip_prefix("env:").unwrap_or(reference);
        return Err(Failure::new(Kind::Credential, format!("the secret `{name}` is not set"))
            .hint(format!("set it in the environment: `export {name}=…`"))
            .hint("or keep it in a file and name it in the preset: `secret = \"file:/path\"`"));
    }
    // The variable travels through programs that end strings at a NUL and lines at a newline.
    if value.contains(['\0', '\n', '\r']) {
        return Err(Failure::new(
            Kind::Credential,
            format!("the secret `{reference}` holds a line break or a NUL"),
        )
        .hint("store the value alone, on one line"));
    }
    Ok(Secret(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows() {
        let secret = find("env:KEY", &|_| Some("sk-very-secret".to_owned())).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.expose(), "sk-very-secret");
    }

    #[test]
    fn an_absent_secret_says_what_to_do() {
        let failure = find("ANTHROPIC_API_KEY", &|_| None).unwrap_err();
        assert_eq!(failure.kind, Kind::Credential);
        assert!(failure.hints[0].contains("export ANTHROPIC_API_KEY"));
        assert!(find("file:/nonexistent/x", &|_| None).is_err());
        assert!(find("A", &|_| Some("a\nb".to_owned())).is_err());
    }
}
