//! Which engine is meant, as the docker CLI decides it: an explicit host or context, `DOCKER_HOST`,
//! `DOCKER_CONTEXT`, the current context of the CLI's own settings, and else the usual sockets.

use super::super::{EngineEnv, content};
use crate::domain::options::Options;
use crate::domain::words::or;
use crate::error::{Cannot as _, Failure, Kind, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The context that is none: the usual sockets.
const DEFAULT: &str = "default";

/// An engine that somebody named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub address: String,
    /// The folder with `ca.pem`, `cert.pem` and `key.pem`, where it is reached over TLS.
    pub certificates: Option<PathBuf>,
    /// Who named it, for messages.
    pub by: String,
}

/// The engine that is named, or `None` where nobody names one.
pub(super) fn find(env: &EngineEnv, options: &Options) -> Result<Option<Endpoint>> {
    if let Some(host) = options.text("host") {
        return of_host(env, host, "the option `host`").map(Some);
    }
    if let Some(context) = options.text("context") {
        return of_context(env, context, "the option `context`");
    }
    if let Some(host) = &env.host {
        return of_host(env, host, "`DOCKER_HOST`").map(Some);
    }
    if let Some(context) = &env.context {
        return of_context(env, context, "`DOCKER_CONTEXT`");
    }
    match current_context(env)? {
        Some(context) => of_context(env, &context, "the docker CLI's current context"),
        None => Ok(None),
    }
}

fn of_host(env: &EngineEnv, host: &str, by: &str) -> Result<Endpoint> {
    let over_tls = host.starts_with("tcp://") || host.starts_with("https://");
    if env.unverified && over_tls && !env.verify {
        return Err(not_checked(by).hint("set `DOCKER_TLS_VERIFY=1` instead of `DOCKER_TLS`"));
    }
    let certificates = if over_tls && env.verify {
        let folder = env.certificates.as_ref().or(env.config.as_ref());
        Some(folder.cloned().ok_or_else(|| {
            Failure::new(Kind::Config, "it is not said where the engine's certificates are")
                .hint("set `DOCKER_CERT_PATH`")
        })?)
    } else {
        None
    };
    Ok(Endpoint { address: host.to_owned(), certificates, by: by.to_owned() })
}

fn not_checked(by: &str) -> Failure {
    Failure::new(Kind::Config, "the engine's certificate would not be checked")
        .because(format!("so says {by}, and then anybody could be the engine"))
}

/// What is read of the CLI's own settings.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct CliSettings {
    current_context: Option<String>,
}

fn current_context(env: &EngineEnv) -> Result<Option<String>> {
    let Some(path) = env.config.as_ref().map(|config| config.join("config.json")) else {
        return Ok(None);
    };
    let Some(text) = read(&path)? else { return Ok(None) };
    let settings: CliSettings = serde_json::from_slice(&text)
        .cannot(Kind::Config, || format!("read `{}`", path.display()))?;
    Ok(settings.current_context.filter(|name| !name.is_empty()))
}

/// What is read of a context.
#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Endpoints", default)]
    endpoints: Endpoints,
}

#[derive(Deserialize, Default)]
struct Endpoints {
    docker: Option<MetaEndpoint>,
}

#[derive(Deserialize)]
struct MetaEndpoint {
    #[serde(rename = "Host")]
    host: Option<String>,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

fn of_context(env: &EngineEnv, name: &str, by: &str) -> Result<Option<Endpoint>> {
    if name == DEFAULT {
        return Ok(None);
    }
    let folder = env.config.as_ref().map(|config| config.join("contexts"));
    let folder = folder.ok_or_else(|| unknown(name, by, &[]))?;
    // A name is no path: what it is kept under is its digest.
    let kept = content::digest(name.as_bytes()).cannot(Kind::Bug, || "hash a name".to_owned())?;
    let path = folder.join("meta").join(&kept).join("meta.json");
    let Some(text) = read(&path)? else { return Err(unknown(name, by, &names(&folder))) };
    let doing = || format!("read the Docker context `{name}`");
    let meta: Meta = serde_json::from_slice(&text).cannot(Kind::Config, doing)?;
    let Some(MetaEndpoint { host: Some(address), skip_tls_verify }) = meta.endpoints.docker else {
        return Err(
            Failure::new(Kind::Config, format!("cannot {}", doing())).because("it names no engine")
        );
    };
    if skip_tls_verify {
        let said = format!("the context `{name}` (`SkipTLSVerify`)");
        return Err(not_checked(&said)
            .hint(format!("give it the engine's authority: `docker context update {name} --docker host={address},ca=...`")));
    }
    let certificates = folder.join("tls").join(&kept).join("docker");
    let certificates = certificates.is_dir().then_some(certificates);
    Ok(Some(Endpoint { address, certificates, by: format!("the context `{name}`") }))
}

fn unknown(name: &str, by: &str, known: &[String]) -> Failure {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    let failure = Failure::new(Kind::Config, format!("no Docker context is called `{shown}`"))
        .because(format!("{by} names it"));
    let known: Vec<&str> = known.iter().map(String::as_str).chain([DEFAULT]).collect();
    failure.hint(format!("choose {}: `docker context ls` shows them", or(&known)))
}

/// The contexts there are.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("meta")).into_iter().flatten().flatten();
    let texts = entries.filter_map(|entry| read(&entry.path().join("meta.json")).ok().flatten());
    let mut names: Vec<String> =
        texts.filter_map(|text| Some(serde_json::from_slice::<Meta>(&text).ok()?.name)).collect();
    names.sort();
    names.truncate(20);
    names
}

/// A file, where it is there.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => read.cannot(Kind::Config, || format!("read `{}`", path.display())).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::options::OptionValue;

    struct Rig {
        dir: tempfile::TempDir,
        env: EngineEnv,
    }

    impl Rig {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let env = EngineEnv { config: Some(dir.path().to_owned()), ..EngineEnv::default() };
            Self { dir, env }
        }

        fn context(&self, name: &str, endpoint: &str, tls: bool) {
            let kept = content::digest(name.as_bytes()).unwrap();
            let meta = self.dir.path().join("contexts/meta").join(&kept);
            std::fs::create_dir_all(&meta).unwrap();
            let text = format!(
                r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{endpoint}}}}}"#
            );
            std::fs::write(meta.join("meta.json"), text).unwrap();
            if tls {
                let tls = self.dir.path().join("contexts/tls").join(&kept).join("docker");
                std::fs::create_dir_all(tls).unwrap();
            }
        }

        #[track_caller]
        fn check(&self, options: &[(&str, &str)], expected: Result<Option<&str>, &str>) {
            let mut given = Options::default();
            for (name, value) in options {
                given.set(name, OptionValue::Text((*value).to_owned()));
            }
            let found = find(&self.env, &given);
            let found = found.map(|one| one.map(|one| one.address)).map_err(|f| f.sentence);
            let expected = expected.map(|e| e.map(str::to_owned)).map_err(str::to_owned);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_nearest_that_names_one_counts() {
        let mut rig = Rig::new();
        rig.check(&[], Ok(None));
        rig.context("build", r#"{"Host":"ssh://ada@build"}"#, false);
        rig.context("tls", r#"{"Host":"tcp://b:2376","SkipTLSVerify":false}"#, true);
        std::fs::write(
            rig.dir.path().join("config.json"),
            r#"{"auths":{},"currentContext":"build"}"#,
        )
        .unwrap();
        rig.check(&[], Ok(Some("ssh://ada@build")));
        rig.env.context = Some("tls".to_owned());
        rig.check(&[], Ok(Some("tcp://b:2376")));
        rig.env.host = Some("unix:///x.sock".to_owned());
        rig.check(&[], Ok(Some("unix:///x.sock")));
        rig.check(&[("context", "build")], Ok(Some("ssh://ada@build")));
        rig.check(&[("host", "tcp://y:1"), ("context", "build")], Ok(Some("tcp://y:1")));
        rig.check(&[("context", "default")], Ok(None));
        rig.check(&[("context", "biuld")], Err("no Docker context is called `biuld`"));
        rig.check(&[("context", "../../x")], Err("no Docker context is called `../../x`"));
    }

    #[test]
    fn certificates_are_found_and_always_checked() {
        let mut rig = Rig::new();
        rig.context("tls", r#"{"Host":"tcp://b:2376"}"#, true);
        rig.context("open", r#"{"Host":"tcp://b:2376","SkipTLSVerify":true}"#, true);
        rig.context("empty", "{}", false);
        let found = of_context(&rig.env, "tls", "a test").unwrap().unwrap();
        assert!(found.certificates.unwrap().starts_with(rig.dir.path().join("contexts/tls")));
        let unchecked = "the engine's certificate would not be checked";
        rig.check(&[("context", "open")], Err(unchecked));
        rig.check(&[("context", "empty")], Err("cannot read the Docker context `empty`"));
        rig.env.unverified = true;
        rig.check(&[("host", "tcp://b:2376")], Err(unchecked));
        rig.env.verify = true;
        let found = of_host(&rig.env, "tcp://b:2376", "a test").unwrap();
        assert_eq!(found.certificates.as_deref(), Some(rig.dir.path()));
        rig.env.certificates = Some("/certs".into());
        let found = of_host(&rig.env, "tcp://b:2376", "a test").unwrap();
        assert_eq!(found.certificates.as_deref(), Some(Path::new("/certs")));
        assert_eq!(of_host(&rig.env, "unix:///x", "a test").unwrap().certificates, None);
    }
}
