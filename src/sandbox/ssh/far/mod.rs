//! The far side: does what is asked with a provider of the machine that it runs on.
//!
//! Whoever asks is the user, over a connection that was opened for this one thing; when it closes, so
//! does this, but for the sandboxes.

mod engine;
mod kept;

use super::super::{Host, SandboxSpec};
use super::contents::is_digest;
use super::wire::{self, Answer, Ask, Bytes, Piece, READY, Role, Told, Verb, Wanted};
use crate::domain::preset::Image;
use crate::domain::turn::BootSpec;
use crate::error::{Cannot as _, Failure, Kind, Result};
use engine::Engines;
pub(super) use engine::NAMES as ENGINES;
use kept::Kept;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Answers one question. `host` is this machine, with no store yet, and the folder of all stores'
/// folders in place of the sessions'.
pub fn serve(host: Host, near: File, far: File) -> Result<()> {
    // So that what is started for a question can be ended with it, and nothing else.
    let _ = nix::unistd::setsid();
    let mut near = BufReader::with_capacity(64 << 10, near);
    let mut far = far;
    let doing = || "talk to the other side".to_owned();
    far.write_all(format!("{READY}\n").as_bytes()).cannot(Kind::Network, doing)?;
    let Ask { store, engine, verb } = wire::read_message(&mut near)?;
    let answered =
        Side::of(host, &store, engine).and_then(|side| side.answer(verb, near, &mut far));
    match answered {
        Ok(()) => Ok(()),
        // Where the other side is gone, nobody hears it.
        Err(failure) => wire::write_message(&mut far, &Answer::Failed(Told::of(&failure)))
            .cannot(Kind::Network, doing),
    }
}

/// This side, for one store.
struct Side {
    host: Host,
    engines: Engines,
    kept: Kept,
}

impl Side {
    fn of(host: Host, store: &str, engine: Option<String>) -> Result<Self> {
        let sessions = host.sessions.join(plain(store)?).join("sessions");
        let kept = Kept::below(&host.cache);
        let host = Host { store: store.to_owned(), sessions, ..host };
        let engines = Engines::new(host.clone(), engine);
        Ok(Self { host, engines, kept })
    }

    fn folder(&self, session: &str) -> Result<PathBuf> {
        Ok(self.host.sessions.join(plain(session)?))
    }

    fn answer(&self, verb: Verb, near: BufReader<File>, far: &mut File) -> Result<()> {
        match verb {
            Verb::Create(wanted) => self.create(&wanted, near, far),
            Verb::Status { session } => {
                let status = self.engines.of(&self.folder(&session)?)?.status(&session)?;
                say(far, &Answer::Status(status))
            }
            Verb::Exec { session, verb, input } => {
                let mut near = near;
                let mut stdin = Vec::new();
                if input {
                    Bytes::new(&mut near)
                        .read_to_end(&mut stdin)
                        .cannot(Kind::Network, || "read what the verb is given".to_owned())?;
                }
                end_with(near, Scope::Group);
                let provider = self.engines.of(&self.folder(&session)?)?;
                pass_on(&mut *provider.exec(&session, &verb, &stdin)?, far)
            }
            Verb::Download { session, what } => {
                end_with(near, Scope::Group);
                let provider = self.engines.of(&self.folder(&session)?)?;
                pass_on(&mut *provider.download(&session, what)?, far)
            }
            Verb::Remove { session } => self.remove(&session, far),
            Verb::List => {
                self.kept.forget_unused();
                say(far, &Answer::Found(self.engines.list(&self.host.sessions)?))
            }
            Verb::Facts => say(far, &Answer::Facts(self.engines.facts())),
        }
    }

    fn create(&self, wanted: &Wanted, mut near: BufReader<File>, far: &mut File) -> Result<()> {
        let folder = self.folder(&wanted.session)?;
        check(&wanted.pieces)?;
        let lacking: Vec<usize> =
            (0..wanted.pieces.len()).filter(|at| !self.kept.has(&wanted.pieces[*at])).collect();
        say(far, &Answer::Lacks(lacking.clone()))?;
        for at in lacking {
            self.kept.take(&wanted.pieces[at], Bytes::new(&mut near))?;
        }
        let boot: BootSpec = wire::read_message(&mut near)?;
        // From here on an end of the connection is an end of this, as it is for a command that makes
        // a sandbox on its own machine.
        end_with(near, Scope::Process);
        kept::used_now(&self.host.program);
        let engine = self.engines.choose(&folder)?;
        let given = Given::lay(&self.kept, &wanted.pieces, &folder)?;
        let image = given.image(&wanted.image);
        let created = engine.create(&given.spec(wanted, &image, boot), &mut |what| {
            let _ = wire::write_message(far, &Answer::Progress(what.to_owned()));
        })?;
        let live = created.live.is_some();
        let answer =
            Answer::Created { id: created.id, found: created.found, live, notes: created.notes };
        say(far, &answer)?;
        match created.live {
            Some(mut live) => pass_on_live(&mut *live, far),
            None => Ok(()),
        }
    }

    fn remove(&self, session: &str, far: &mut File) -> Result<()> {
        let folder = self.folder(session)?;
        self.engines.of(&folder)?.remove(session)?;
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).cannot(Kind::Sandbox, || format!("remove `{}`", folder.display()))
            }
            _ => say(far, &Answer::Removed),
        }
    }
}

/// What becomes the name of a folder.
fn plain(name: &str) -> Result<&str> {
    let odd = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if name.is_empty() || name.len() > 64 || name.starts_with('-') || name.contains(odd) {
        return Err(Failure::new(Kind::Usage, "that is no name of a session or store"));
    }
    Ok(name)
}

fn check(pieces: &[Piece]) -> Result<()> {
    for piece in pieces {
        let name = match &piece.role {
            Role::Program { name } => {
                Path::new(name).file_name().is_some_and(|n| n == name.as_str())
            }
            _ => true,
        };
        if !name || !is_digest(&piece.digest) {
            return Err(Failure::new(Kind::Usage, "that is no file that can be kept"));
        }
    }
    Ok(())
}

fn say(far: &mut File, answer: &Answer) -> Result<()> {
    wire::write_message(far, answer).cannot(Kind::Network, || "answer".to_owned())
}

/// What is asked for came about; its bytes follow.
fn pass_on(from: &mut dyn std::io::Read, far: &mut File) -> Result<()> {
    say(far, &Answer::Bytes)?;
    pass_on_live(from, far)
}

fn pass_on_live(from: &mut dyn std::io::Read, far: &mut File) -> Result<()> {
    wire::pass_on(from, far).cannot(Kind::Sandbox, || "read from the sandbox".to_owned())
}

/// What ends when the connection does.
#[derive(Clone, Copy)]
enum Scope {
    /// This process: a supervisor that it just started is its child still, and goes on.
    Process,
    /// What it started, too: somebody who follows a journal would do so for nobody.
    Group,
}

/// Ends us once the other side is gone. Nothing is lost with us: whatever was cut off can be done again.
fn end_with(mut near: BufReader<File>, scope: Scope) {
    std::thread::spawn(move || {
        let mut rest = [0; 256];
        while near.read(&mut rest).is_ok_and(|read| read > 0) {}
        let whom = match scope {
            Scope::Process => nix::unistd::getpid(),
            Scope::Group => Pid::from_raw(0),
        };
        let _ = kill(whom, Signal::SIGKILL);
    });
}

/// The files of one session, in its own folder: what is kept for others may be forgotten meanwhile.
struct Given {
    folder: PathBuf,
    program: bool,
    snapshot: bool,
    repository: bool,
    ca_bundle: bool,
    paths: [PathBuf; 4],
}

impl Given {
    fn lay(kept: &Kept, pieces: &[Piece], session: &Path) -> Result<Self> {
        let folder = session.join("given");
        let at = |name: &str| folder.join(name);
        let paths = [at("harness"), at("snapshot.db"), at("repository.bundle"), at("ca.pem")];
        let mut given = Self {
            program: false,
            snapshot: false,
            repository: false,
            ca_bundle: false,
            paths,
            folder,
        };
        for piece in pieces {
            let [program, snapshot, repository, ca_bundle] = &given.paths;
            match &piece.role {
                Role::Program { name } => {
                    kept.lay(piece, &program.join(name))?;
                    given.program = true;
                }
                Role::Snapshot => {
                    kept.lay(piece, snapshot)?;
                    given.snapshot = true;
                }
                Role::Repository => {
                    kept.lay(piece, repository)?;
                    given.repository = true;
                }
                Role::CaBundle => {
                    kept.lay(piece, ca_bundle)?;
                    given.ca_bundle = true;
                }
                Role::Context => kept.unpack(piece, &given.context())?,
            }
        }
        Ok(given)
    }

    fn context(&self) -> PathBuf {
        self.folder.join("context")
    }

    fn image(&self, wanted: &Image) -> Image {
        match wanted {
            Image::Dockerfile(_) => {
                Image::Dockerfile(self.context().join("Dockerfile").display().to_string())
            }
            other => other.clone(),
        }
    }

    fn spec<'a>(&'a self, wanted: &'a Wanted, image: &'a Image, boot: BootSpec) -> SandboxSpec<'a> {
        let [program, snapshot, repository, ca_bundle] = &self.paths;
        let laid = |there: bool, path: &'a PathBuf| there.then_some(path.as_path());
        SandboxSpec {
            session: &wanted.session,
            image,
            base_image: &wanted.base_image,
            bare: wanted.bare,
            program: laid(self.program, program),
            snapshot: laid(self.snapshot, snapshot),
            repository: laid(self.repository, repository),
            ca_bundle: laid(self.ca_bundle, ca_bundle),
            network: wanted.network,
            cpus: wanted.cpus,
            memory_bytes: wanted.memory_bytes,
            boot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        for odd in ["", "..", "a/b", "-x", "a b", &"x".repeat(65), "a\0"] {
            assert!(plain(odd).is_err(), "{odd:?}");
        }
        assert!(plain("3f0c-11_A").is_ok());
        let piece = |name: &str, digest: &str| Piece {
            role: Role::Program { name: name.to_owned() },
            digest: digest.to_owned(),
            bytes: 1,
        };
        let digest = "0a".repeat(32);
        assert!(check(&[piece("claude", &digest)]).is_ok());
        for odd in ["../x", "a/b", "..", "", "/etc/passwd", "a/"] {
            assert!(check(&[piece(odd, &digest)]).is_err(), "{odd}");
        }
        assert!(check(&[piece("x", "../../../etc/passwd")]).is_err());
    }
}
