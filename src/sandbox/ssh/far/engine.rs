//! What sandboxes are made with on this machine.
//!
//! A session stays with what it was begun with, whatever is installed or switched off later: that is
//! written down before anything is made.

use super::super::super::docker::{self, Docker};
use super::super::super::local::{self, Local};
use super::super::super::{Fact, Found, Host, Provider};
use crate::error::{Cannot as _, Failure, Kind, Result};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// What may be asked for, besides the providers' own names.
pub(in super::super) const PODMAN: &str = "podman";
pub(in super::super) const NAMES: [&str; 3] =
    [docker::ENTRY.about.name, PODMAN, local::ENTRY.about.name];

/// The file in a session's folder that says what it was begun with: an engine's address, or this.
const FILE: &str = "engine";

pub(super) struct Engines {
    host: Host,
    /// What was asked for.
    wanted: Option<String>,
}

impl Engines {
    pub fn new(host: Host, wanted: Option<String>) -> Self {
        Self { host, wanted }
    }

    /// What a session was begun with; where it never was, the best there is.
    pub fn of(&self, session: &Path) -> Result<Box<dyn Provider>> {
        match std::fs::read_to_string(session.join(FILE)) {
            Ok(address) if address == local::ENTRY.about.name => Ok(Box::new(self.local())),
            Ok(address) => Ok(Box::new(self.container_engine(vec![address])?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.best().map(|(provider, _)| provider)
            }
            Err(error) => {
                Err(error).cannot(Kind::Sandbox, || "read what the session runs on".to_owned())
            }
        }
    }

    /// The same, written down.
    pub fn choose(&self, session: &Path) -> Result<Box<dyn Provider>> {
        let doing = || "write down what the session runs on".to_owned();
        if session.join(FILE).exists() {
            return self.of(session);
        }
        let (provider, address) = self.best()?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(session)
            .cannot(Kind::Sandbox, doing)?;
        let mut staged = tempfile::NamedTempFile::new_in(session).cannot(Kind::Sandbox, doing)?;
        std::io::Write::write_all(&mut staged, address.as_bytes()).cannot(Kind::Sandbox, doing)?;
        staged.persist(session.join(FILE)).map_err(|e| e.error).cannot(Kind::Sandbox, doing)?;
        Ok(provider)
    }

    /// What was asked for, or the best there is, and its address.
    fn best(&self) -> Result<(Box<dyn Provider>, String)> {
        let wanted = self.wanted.as_deref();
        if wanted == Some(local::ENTRY.about.name) {
            return self.own();
        }
        match (self.container_engine(self.addresses()), wanted) {
            (Ok(engine), _) => {
                let address = engine.address().to_owned();
                Ok((Box::new(engine), address))
            }
            (Err(failure), Some(_)) => Err(failure),
            (Err(failure), None) => self.own().map_err(|own| {
                own.causes.iter().fold(failure.because(&own.sentence), Failure::because).hint(
                    "install one of them there: `apt-get install bubblewrap`, Docker, or Podman with `podman.socket`",
                )
            }),
        }
    }

    fn own(&self) -> Result<(Box<dyn Provider>, String)> {
        let own = self.local();
        match own.facts().into_iter().find(|fact| !fact.holds) {
            None => Ok((Box::new(own), local::ENTRY.about.name.to_owned())),
            Some(lacking) => {
                let failure =
                    Failure::new(Kind::Sandbox, "bubblewrap does not work").because(lacking.detail);
                Err(lacking.mend.into_iter().fold(failure, Failure::hint))
            }
        }
    }

    fn local(&self) -> Local {
        Local::new(self.host.clone())
    }

    /// Where the engines that will do may answer.
    fn addresses(&self) -> Vec<String> {
        let podman = |address: &String| address.contains("/podman/");
        let all = self.host.engines.iter();
        match self.wanted.as_deref() {
            Some(PODMAN) => all.filter(|address| podman(address)).cloned().collect(),
            Some(_) => all.filter(|address| !podman(address)).cloned().collect(),
            None => all.cloned().collect(),
        }
    }

    fn container_engine(&self, engines: Vec<String>) -> Result<Docker> {
        Docker::connect(Host { engines, ..self.host.clone() })
    }

    /// Every sandbox there is of this store, also one of which only its folder is left, and those of
    /// other stores that share the engine.
    pub fn list(&self, sessions: &Path) -> Result<Vec<Found>> {
        let mut found = self.local().list()?;
        let every = Self { host: self.host.clone(), wanted: None };
        if let Ok(engine) = self.container_engine(every.addresses()) {
            found.extend(engine.list()?);
        }
        for folder in std::fs::read_dir(sessions).into_iter().flatten().flatten() {
            let session = folder.file_name().to_string_lossy().into_owned();
            if !found.iter().any(|one| one.ours && one.session == session) {
                found.push(Found { id: session.clone(), session, ours: true });
            }
        }
        Ok(found)
    }

    pub fn facts(&self) -> Vec<Fact> {
        let engine = match self.container_engine(self.addresses()) {
            _ if self.wanted.as_deref() == Some(local::ENTRY.about.name) => None,
            Ok(engine) => return engine.facts(),
            Err(failure) => Some(failure),
        };
        match (engine, self.wanted.as_deref()) {
            (Some(failure), Some(_)) => vec![Fact {
                what: "engine".to_owned(),
                holds: false,
                detail: failure.to_string(),
                mend: failure.hints.first().cloned(),
            }],
            _ => self.local().facts(),
        }
    }
}
