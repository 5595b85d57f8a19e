//! Our own runs never go to the project that they look at: a worker would investigate itself.
//!
//! Two addresses are the same server whatever their spelling: case, a trailing slash, the usual port,
//! and the names that a machine has for itself make no difference. Arize AX takes spans at one host
//! and gives them at another, so there the project's name alone counts.

use super::settings::{RUNS, Telemetry};
use crate::domain::preset::Project;
use crate::error::{Failure, Kind, Result};

/// Refuses settings that would send the spans of a run to the project it watches.
pub fn separate(telemetry: &Telemetry, watched: Option<&Project>) -> Result<()> {
    let Some(watched) = watched.filter(|project| same(telemetry, project)) else { return Ok(()) };
    let other = if telemetry.project == RUNS { "loop-runs" } else { RUNS };
    let sentence = format!("the runs would go to the project they look at, `{}`", watched.name);
    Err(Failure::new(Kind::Config, sentence)
        .because(format!(
            "`[telemetry]` and `[projects.{}]` name the project `{}` of the same server",
            watched.name, telemetry.project
        ))
        .hint(format!("in `[telemetry]` of your `config.toml`: `project = \"{other}\"`")))
}

fn same(telemetry: &Telemetry, watched: &Project) -> bool {
    let name = watched.project.as_ref().unwrap_or(&watched.name);
    if watched.is_recorded() || *name != telemetry.project {
        return false;
    }
    match (&watched.url, &telemetry.space) {
        (_, Some(_)) => true,
        (Some(url), None) => Server::of(url) == Server::of(&telemetry.endpoint),
        (None, None) => false,
    }
}

/// What of an address says which server it is.
#[derive(Debug, PartialEq, Eq)]
struct Server {
    host: String,
    port: u16,
    /// Below which path it is, where a proxy serves several.
    below: String,
}

impl Server {
    fn of(url: &str) -> Self {
        let lower = url.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        let usual = if lower == "https" { 443 } else { 80 };
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let authority = authority.to_ascii_lowercase();
        // An IPv6 address stands in brackets and holds colons of its own.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().unwrap_or(usual)),
            _ => (&*authority, usual),
        };
        let path = path.trim_matches('/');
        let below = path.strip_suffix("v1/traces").unwrap_or(path).trim_matches('/');
        Self { host: own_name(host), port, below: below.to_owned() }
    }
}

/// A machine's names for itself are one.
fn own_name(host: &str) -> String {
    let bare = host.trim_matches(['[', ']']).trim_end_matches('.');
    let address = bare.parse::<std::net::IpAddr>();
    let is_own = address.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
    if is_own || bare == "localhost" || bare.ends_with(".localhost") {
        "localhost".to_owned()
    } else {
        bare.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(endpoint: &str, url: &str, expected: bool) {
        let telemetry = Telemetry {
            endpoint: endpoint.to_owned(),
            project: "shop".to_owned(),
            secret: None,
            space: None,
            headers: std::collections::BTreeMap::new(),
        };
        let watched = |name: &str| Project {
            name: name.to_owned(),
            source: "phoenix".to_owned(),
            url: Some(url.to_owned()),
            ..Project::default()
        };
        assert_eq!(separate(&telemetry, Some(&watched("shop"))).is_err(), expected, "{url}");
        assert!(separate(&telemetry, Some(&watched("other"))).is_ok());
        assert!(separate(&telemetry, None).is_ok());
    }

    #[test]
    fn a_server_is_known_however_it_is_spelt() {
        let endpoint = "http://localhost:6006/v1/traces";
        for url in [
            "http://localhost:6006",
            "http://127.0.0.1:6006/",
            "http://[::1]:6006",
            "http://LOCALHOST:6006//",
            "http://0.0.0.0:6006",
            "http://localhost.:6006",
        ] {
            check(endpoint, url, true);
        }
        check(endpoint, "http://localhost:6007", false);
        check(endpoint, "http://phoenix.acme.com:6006", false);
        check("https://x.acme.com/ph/v1/traces", "https://x.acme.com:443/ph/", true);
        check("https://x.acme.com/ph/v1/traces", "https://x.acme.com/other", false);
    }

    #[test]
    fn what_was_recorded_and_other_names_are_no_matter() {
        let telemetry = Telemetry {
            endpoint: "https://otlp.acme.com".to_owned(),
            project: "shop".to_owned(),
            secret: None,
            space: Some("s".to_owned()),
            headers: std::collections::BTreeMap::new(),
        };
        let mut watched = Project {
            name: "mine".to_owned(),
            source: "file".to_owned(),
            project: Some("shop".to_owned()),
            ..Project::default()
        };
        assert!(separate(&telemetry, Some(&watched)).is_ok());
        watched.source = "arize".to_owned();
        let failed = separate(&telemetry, Some(&watched)).unwrap_err();
        assert_eq!(
            failed.hints,
            ["in `[telemetry]` of your `config.toml`: `project = \"loop-workers\"`"]
        );
    }
}
