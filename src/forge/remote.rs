//! Where a repository is: what `owner/name`, an address or a path means. Pure.

use super::git::shown;
use crate::error::{Failure, Kind, Result};

/// The variables of a GitHub skill that say where GitHub is, for GitHub Enterprise and for tests.
pub const SERVER: &str = "GITHUB_SERVER_URL";
pub const API: &str = "GITHUB_API_URL";

const GITHUB_SERVER: &str = "https://github.com";
const GITHUB_API: &str = "https://api.github.com";
/// Where the API of a GitHub Enterprise server is, below the server.
const ENTERPRISE: &str = "/api/v3";

/// A repository to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// What git is given: an address, or an absolute path.
    pub address: String,
    /// The only protocol that git may use for it.
    pub protocol: &'static str,
    /// Where it is at GitHub, where it is there.
    pub github: Option<GitHub>,
}

/// A repository at GitHub, or at a GitHub Enterprise server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitHub {
    /// `https://github.com`, without a slash at the end. The credential is for this origin.
    pub server: String,
    pub api: String,
    pub owner: String,
    pub name: String,
}

impl Remote {
    /// `env` are the GitHub skill's variables.
    pub fn of(repo: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let (server, api) = places(env)?;
        if repo.starts_with('/') {
            let (address, protocol) = (repo.to_owned(), "file");
            return Ok(Self { address, protocol, github: None });
        }
        if let Some(path) = repo.strip_prefix("file://") {
            return Ok(Self { address: path.to_owned(), protocol: "file", github: None });
        }
        let Some((scheme, _)) = repo.split_once("://") else {
            return match repo.split_once('@') {
                Some(_) => Ok(Self::over_ssh(repo, &server, api)),
                None => Self::named(repo, server, api),
            };
        };
        let protocol = match scheme {
            "https" => "https",
            "http" if is_loopback(repo) => "http",
            "http" => return Err(not_encrypted(repo)),
            "ssh" => return Ok(Self::over_ssh(repo, &server, api)),
            _ => return Err(no_repository(repo)),
        };
        let path = repo.strip_prefix(&server).and_then(|rest| rest.strip_prefix('/'));
        let github = path.and_then(owner_and_name).map(|(owner, name)| GitHub {
            server,
            api,
            owner: owner.to_owned(),
            name: name.to_owned(),
        });
        Ok(Self { address: repo.to_owned(), protocol, github })
    }

    fn named(repo: &str, server: String, api: String) -> Result<Self> {
        let Some((owner, name)) = owner_and_name(repo) else { return Err(no_repository(repo)) };
        let protocol = if server.starts_with("https:") { "https" } else { "http" };
        let github = GitHub { owner: owner.to_owned(), name: name.to_owned(), server, api };
        let address = format!("{}/{owner}/{name}.git", github.server);
        Ok(Self { address, protocol, github: Some(github) })
    }

    /// `git@host:owner/name` or `ssh://git@host/owner/name`: the user's own keys open it, while pull
    /// requests still go through the API.
    fn over_ssh(repo: &str, server: &str, api: String) -> Self {
        let host = host(server);
        let after_user = repo.trim_start_matches("ssh://").split_once('@').map(|(_, rest)| rest);
        let path = after_user.and_then(|rest| rest.strip_prefix(host)).map(|path| &path[1..]);
        let github = path.and_then(owner_and_name).map(|(owner, name)| GitHub {
            server: server.to_owned(),
            api,
            owner: owner.to_owned(),
            name: name.to_owned(),
        });
        Self { address: repo.to_owned(), protocol: "ssh", github }
    }

    /// As people name it.
    pub fn shown(&self) -> String {
        match &self.github {
            Some(GitHub { owner, name, .. }) => format!("{owner}/{name}"),
            None => shown(&self.address),
        }
    }

    /// What a sandbox's clone calls `origin`; a path of this machine means nothing there.
    pub fn origin(&self) -> Option<&str> {
        (self.protocol != "file").then_some(&self.address)
    }

    /// The origin that a token goes to.
    pub fn token_origin(&self) -> Option<&str> {
        let github = self.github.as_ref()?;
        matches!(self.protocol, "https" | "http").then_some(&github.server)
    }
}

/// Server and API, of which either follows from the other.
fn places(env: &dyn Fn(&str) -> Option<String>) -> Result<(String, String)> {
    let given = |name: &str| {
        let url = env(name)?;
        let url = url.trim().trim_end_matches('/').to_owned();
        (!url.is_empty()).then_some(url)
    };
    let (server, api) = match (given(SERVER), given(API)) {
        (Some(server), Some(api)) => (server, api),
        (None, None) => (GITHUB_SERVER.to_owned(), GITHUB_API.to_owned()),
        (Some(server), None) if server == GITHUB_SERVER => (server, GITHUB_API.to_owned()),
        (Some(server), None) => (server.clone(), format!("{server}{ENTERPRISE}")),
        (None, Some(api)) if api == GITHUB_API => (GITHUB_SERVER.to_owned(), api),
        (None, Some(api)) => (api.trim_end_matches(ENTERPRISE).to_owned(), api),
    };
    for url in [&server, &api] {
        let safe = url.starts_with("https://") || (url.starts_with("http://") && is_loopback(url));
        if !safe {
            return Err(not_encrypted(url));
        }
    }
    Ok((server, api))
}

/// `acme/checkout`, also with `.git` at its end.
fn owner_and_name(path: &str) -> Option<(&str, &str)> {
    let path = path.trim_end_matches('/');
    let (owner, name) = path.trim_end_matches(".git").split_once('/')?;
    let good = |text: &str| {
        !text.is_empty()
            && text.len() <= 100
            && !matches!(text, "." | "..")
            && !text.starts_with('-')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    (good(owner) && good(name)).then_some((owner, name))
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}

fn is_loopback(url: &str) -> bool {
    let host = host(url);
    host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

fn no_repository(repo: &str) -> Failure {
    Failure::new(Kind::Usage, format!("`{repo}` is no repository"))
        .hint("write `owner/name`, an address or a path")
}

fn not_encrypted(url: &str) -> Failure {
    Failure::new(Kind::Config, format!("`{}` is not encrypted", shown(url)))
        .because("a credential and commits would travel in the open")
        .hint("write `https://`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(env: &[(&str, &str)], repo: &str, wanted: &str) {
        let env = |name: &str| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let told = match Remote::of(repo, &env) {
            Err(failure) => failure.sentence,
            Ok(remote) => {
                let api = remote.github.as_ref().map_or("-", |github| &github.api);
                format!("{} {} {} {api}", remote.protocol, remote.address, remote.shown())
            }
        };
        assert_eq!(told, wanted, "{repo}");
    }

    #[test]
    fn repositories() {
        let api = "https://api.github.com";
        for (repo, wanted) in [
            ("a/b", format!("https https://github.com/a/b.git a/b {api}")),
            ("https://github.com/a/b", format!("https https://github.com/a/b a/b {api}")),
            ("https://github.com/a/b.git", format!("https https://github.com/a/b.git a/b {api}")),
            ("git@github.com:a/b.git", format!("ssh git@github.com:a/b.git a/b {api}")),
            ("ssh://git@github.com/a/b", format!("ssh ssh://git@github.com/a/b a/b {api}")),
            ("/srv/x", "file /srv/x /srv/x -".to_owned()),
            ("file:///srv/x", "file /srv/x /srv/x -".to_owned()),
            ("https://git.acme.com/x/y", {
                "https https://git.acme.com/x/y https://git.acme.com/x/y -".to_owned()
            }),
            // The token must not go to a host that only begins like it.
            ("https://github.com.evil.com/a/b", {
                "https https://github.com.evil.com/a/b https://github.com.evil.com/a/b -".to_owned()
            }),
            ("http://git.acme.com/a", "`http://git.acme.com/a` is not encrypted".to_owned()),
            ("a/..", "`a/..` is no repository".to_owned()),
            ("a/b/c", "`a/b/c` is no repository".to_owned()),
        ] {
            check(&[], repo, &wanted);
        }
    }

    #[test]
    fn elsewhere() {
        let enterprise = "https https://git.acme.com/a/b.git a/b https://git.acme.com/api/v3";
        check(&[(SERVER, "https://git.acme.com/")], "a/b", enterprise);
        check(&[(API, "https://git.acme.com/api/v3/")], "a/b", enterprise);
        check(
            &[(API, "http://127.0.0.1:80")],
            "a/b",
            "http http://127.0.0.1:80/a/b.git a/b http://127.0.0.1:80",
        );
        check(&[(API, "http://acme.com")], "a/b", "`http://acme.com` is not encrypted");
        check(&[(SERVER, "http://127.0.0.1.evil.com")], "a/b", {
            "`http://127.0.0.1.evil.com` is not encrypted"
        });
    }
}
