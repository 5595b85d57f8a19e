//! Single values with a meaning: names, variables, hosts, addresses, repositories.
//!
//! Each check says what is wrong and, after `; `, what would have been right: the form of
//! [`crate::domain::measure`], which [`super::reader::Table::parsed`] takes apart.

use crate::error::{Failure, Kind};

/// The name of a preset, skill, project or automation, which is also a file's name.
pub fn name(text: &str) -> Result<String, String> {
    let good = text.len() <= 100
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if good {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{text}` is no name; use letters, digits, `-`, `_` and `.`, a letter or digit first"
    ))
}

/// A secret: by the name of its variable, or by a reference that names its place.
pub fn secret(text: &str) -> Result<String, String> {
    if !text.contains(':') {
        return variable(text);
    }
    reference(text)
}

/// The place of a secret; never a secret itself.
pub fn reference(text: &str) -> Result<String, String> {
    let rest = |scheme: &str| text.strip_prefix(scheme).map(str::trim);
    let good = ["env:", "file:", "command:", "op://"]
        .into_iter()
        .any(|scheme| rest(scheme).is_some_and(|rest| !rest.is_empty()));
    if good {
        return Ok(text.to_owned());
    }
    Err("what stands here names no place of a secret; write `env:NAME`, `file:/path`, \
         `command:gh auth token` or `op://vault/item/field`"
        .to_owned())
}

/// The name of an environment variable, or of a secret, which becomes one.
pub fn variable(text: &str) -> Result<String, String> {
    let good = !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if good {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no variable name; write it like `MY_API_KEY`"))
}

/// An HTTP address without a credential in it.
pub fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty() && !text.contains(char::is_whitespace))
    else {
        return Err(format!("`{text}` is no address; write it as `https://host/path`"));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("an address holds no user or password; name a `secret` instead".to_owned());
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    if host.is_empty() {
        return Err(format!("`{text}` names no host; write it as `https://host/path`"));
    }
    Ok(text.to_owned())
}

/// A host, or `*.` and a host for all below it; a port may follow.
pub fn host(text: &str) -> Result<String, String> {
    if text.contains("://") {
        let bare = host_of_url(text);
        return Err(format!("`{text}` is an address, not a host; write `{bare}`"));
    }
    let (bare, port) = match text.rsplit_once(':') {
        Some((bare, port)) => (bare, Some(port)),
        None => (text, None),
    };
    let stem = bare.strip_prefix("*.").unwrap_or(bare);
    let labels_good = stem.split('.').all(|label| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    });
    if labels_good && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|n| n > 0)) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("`{text}` is no host; write `api.acme.com` or `*.acme.com`"))
}

/// The host of an address, or the text itself where it is none.
pub fn host_of_url(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// One of a vendor's regions, which becomes part of a host's name.
pub fn region(text: &str) -> Result<String, String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !text.is_empty() && text.chars().all(is_part) && text.starts_with(char::is_alphabetic) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no region; write it like `eu-west-1a`, or leave it out"))
}

/// A repository: `OWNER/NAME`, an address git understands, or a path.
pub fn repo(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is no repository; write `owner/name`, an address or a path");
    if text.is_empty() || text.starts_with('-') || text.contains(char::is_control) {
        return Err(wrong());
    }
    if repo_is_path(text) {
        return Ok(text.to_owned());
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let user =
            rest.split('/').next().unwrap_or_default().rsplit_once('@').map(|(user, _)| user);
        // SSH needs its user, which is no secret.
        if user.is_some_and(|user| scheme != "ssh" || user.contains(':')) {
            return Err("a repository's address holds no user or password; \
                        name a skill that brings the credential"
                .to_owned());
        }
        let good = matches!(scheme, "https" | "http" | "ssh" | "file") && !rest.is_empty();
        return if good { Ok(text.to_owned()) } else { Err(wrong()) };
    }
    // `git@host:owner/name`, as git and its forges write it. `helper::address` runs a program.
    if let Some((user, rest)) = text.split_once('@') {
        let good = user.chars().all(|c| c.is_ascii_alphanumeric()) && !rest.contains("::");
        return if good && rest.contains(':') { Ok(text.to_owned()) } else { Err(wrong()) };
    }
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [owner, repo] if name(owner).is_ok() && name(repo).is_ok() => Ok(text.to_owned()),
        _ => Err(wrong()),
    }
}

/// Whether a repository is on this machine.
pub fn repo_is_path(text: &str) -> bool {
    matches!(text, "." | ".." | "~")
        || ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start))
}

/// Every `${NAME}` of a text.
pub fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// Takes apart what a check says: what is wrong, and what to do about it.
pub fn reason_and_hint(sentence: &str) -> (String, Option<String>) {
    match sentence.split_once("; ") {
        Some((reason, hint)) => (reason.to_owned(), Some(hint.to_owned())),
        None => (sentence.to_owned(), None),
    }
}

/// A value's mistake as a failure of the command line.
pub fn usage(sentence: impl AsRef<str>) -> Failure {
    let (reason, hint) = reason_and_hint(sentence.as_ref());
    let mut failure = Failure::new(Kind::Usage, reason);
    failure.hints.extend(hint);
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(read: fn(&str) -> Result<String, String>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(read(text).is_ok(), "{text}: {:?}", read(text));
        }
        for text in bad {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values() {
        check(
            name,
            &["a", "health-check", "v1.2_x", "0a"],
            &["", ".x", "../x", "a b", "-x", "a/b"],
        );
        check(variable, &["GH_TOKEN", "_x"], &["", "1A", "A-B", "A=B", "A B"]);
        check(
            url,
            &["http://localhost:6006", "https://a.b/c?d=e@f"],
            &[
                "",
                "localhost:6006",
                "https://",
                "ftp://a",
                "https://u:p@a.b",
                "https://a b",
                "http://:80",
            ],
        );
        check(
            host,
            &["api.acme.com", "*.acme.com", "localhost:8080", "API.acme.com"],
            &["", "*", "https://a.b", "a..b", "a/b", "*.*.b", "a:0", "a:port", "a b"],
        );
        check(
            repo,
            &[
                "acme/checkout",
                "https://github.com/acme/checkout.git",
                "git@github.com:acme/checkout.git",
                "ssh://git@host/x",
                "file:///srv/x.git",
                ".",
                "../x",
                "/srv/x",
                "~/x",
            ],
            &[
                "",
                "checkout",
                "a/b/c",
                "--upload-pack=x",
                "ext::sh -c x",
                "https://token@github.com/a/b",
                "ssh://u:p@host/x",
                "x@ext::y:z",
                "a/../b",
            ],
        );
    }

    #[test]
    fn parts() {
        assert_eq!(host_of_url("https://u@abc.live.dynatrace.com/x"), "abc.live.dynatrace.com");
        assert_eq!(references("a.${X}.${Y}.${").collect::<Vec<_>>(), ["X", "Y"]);
    }
}
