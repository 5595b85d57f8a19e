//! Our program on the other machine: which build fits it, and how it gets there.

use super::super::openssh::Client;
use super::contents::of_program;
use super::scripts;
use super::wire::Role;
use crate::error::{Failure, Kind, Result};
use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Machines of which there may be a build beside this one, as `uname` calls them.
const MACHINES: [&str; 2] = ["x86_64", "aarch64"];
const TRIES: u32 = 2;

/// The builds that this machine has.
pub(super) struct Programs {
    own: PathBuf,
    builds: OnceCell<Vec<Build>>,
}

struct Build {
    path: PathBuf,
    machine: &'static str,
    digest: String,
}

impl Programs {
    pub fn new(own: &Path) -> Self {
        Self { own: own.to_owned(), builds: OnceCell::new() }
    }

    /// By what they are known on the other machine.
    pub fn digests(&self, cache: &Path) -> Result<Vec<&str>> {
        if self.builds.get().is_none() {
            let builds = self.look(cache)?;
            let _ = self.builds.set(builds);
        }
        Ok(self.known().iter().map(|build| build.digest.as_str()).collect())
    }

    fn known(&self) -> &[Build] {
        self.builds.get().map(Vec::as_slice).unwrap_or_default()
    }

    fn look(&self, cache: &Path) -> Result<Vec<Build>> {
        let here = std::env::consts::OS == "linux";
        let mut builds = Vec::new();
        for machine in MACHINES {
            let own = here && machine == std::env::consts::ARCH;
            let path = if own { self.own.clone() } else { self.beside(machine) };
            if path.is_file() {
                let digest = of_program(&path, cache)?;
                builds.push(Build { path, machine, digest });
            }
        }
        Ok(builds)
    }

    fn beside(&self, machine: &str) -> PathBuf {
        self.own.with_file_name(format!("loop-linux-{machine}"))
    }

    /// The build for a machine, as its `uname` tells it.
    pub fn fitting(&self, name: &str, (system, machine): (&str, &str)) -> Result<&Path> {
        self.build(name, (system, machine)).map(|build| build.path.as_path())
    }

    fn build(&self, name: &str, (system, machine): (&str, &str)) -> Result<&Build> {
        let shown = |text: &str| {
            let plain = text.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c));
            plain.take(40).collect::<String>()
        };
        if system != "Linux" {
            let sentence = format!("`{name}` runs {}, and sandboxes need Linux", shown(system));
            return Err(Failure::new(Kind::Sandbox, sentence).hint(
                "name a Linux host, or use `--sandbox local` or an engine of this machine's",
            ));
        }
        self.known().iter().find(|build| build.machine == machine).ok_or_else(|| {
            let machine = shown(machine);
            let here = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
            let failure = Failure::new(
                Kind::Sandbox,
                format!(
                    "there is no build of this program for `{name}`, a Linux {machine} machine"
                ),
            )
            .because(format!("this one is for {here}"));
            failure.hint(format!(
                "put the release for it beside this one: `{}`",
                self.beside(&machine).display()
            ))
        })
    }

    /// Puts the one that fits there.
    pub fn put(
        &self,
        client: &Client,
        machine: (&str, &str),
        progress: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let name = client.name();
        let build = self.build(name, machine)?;
        let doing = || format!("put this program on `{name}`");
        for _ in 0..TRIES {
            let file = open(&build.path)?;
            let bytes = file.metadata().map_or(0, |about| about.len());
            let mut told = Told::new(file, bytes, |share| {
                progress(&format!("putting this program on {name} (once): {share} %"));
            });
            let said = client
                .run(&scripts::keep(&build.digest), &mut told)
                .map_err(|failed| failed.while_doing(format!("cannot {}", doing())))?;
            let said = String::from_utf8_lossy(&said);
            if said.contains("loop-host kept") {
                return Ok(());
            }
        }
        Err(Failure::new(Kind::Network, format!("cannot {}", doing()))
            .because("it did not arrive as it was sent"))
    }
}

fn open(path: &Path) -> Result<File> {
    use crate::error::Cannot as _;
    File::open(path).cannot(Kind::Config, || format!("read `{}`", path.display()))
}

/// A file that tells now and then how far it was read, in percent. What is done in a moment needs no
/// telling.
pub(super) struct Told<F> {
    file: File,
    read: u64,
    all: u64,
    last: Instant,
    tell: F,
}

const NOW_AND_THEN: Duration = Duration::from_millis(700);

impl<F: FnMut(u64)> Told<F> {
    pub fn new(file: File, all: u64, tell: F) -> Self {
        Self { file, read: 0, all, last: Instant::now(), tell }
    }
}

impl<F: FnMut(u64)> Read for Told<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.read += read as u64;
        if self.last.elapsed() > NOW_AND_THEN {
            self.last = Instant::now();
            (self.tell)(self.read * 100 / self.all.max(1));
        }
        Ok(read)
    }
}

impl Role {
    /// What people call it.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Program { name } => name.clone(),
            Self::Snapshot => "the evidence".to_owned(),
            Self::Repository => "the repository".to_owned(),
            Self::CaBundle => "the certificates".to_owned(),
            Self::Context => "the image's build context".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_gets_its_own_build_or_a_clear_word() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("loop");
        std::fs::write(&own, "own").unwrap();
        let other = if std::env::consts::ARCH == "x86_64" { "aarch64" } else { "x86_64" };
        let programs = Programs::new(&own);
        assert_eq!(programs.digests(dir.path()).unwrap().len(), 1);
        assert_eq!(programs.fitting("b", ("Linux", std::env::consts::ARCH)).unwrap(), own);
        let failed = programs.fitting("b", ("Linux", other)).unwrap_err();
        assert!(failed.kind == Kind::Sandbox && failed.sentence.contains(other), "{failed}");
        let failed = programs.fitting("b", ("Darwin\x1b[1m", "arm64")).unwrap_err();
        assert!(failed.sentence.contains("`b` runs Darwin1m, and"), "{failed}");
        let beside = dir.path().join(format!("loop-linux-{other}"));
        std::fs::write(&beside, "other").unwrap();
        let programs = Programs::new(&own);
        assert_eq!(programs.digests(dir.path()).unwrap().len(), 2);
        assert_eq!(programs.fitting("b", ("Linux", other)).unwrap(), beside);
    }
}
