//! Sandboxes on another machine, over the system's `ssh`.
//!
//! The far side is this program too: its static binary is put there once per version, by content, and
//! is asked on its standard input to do there what a provider does here, with Docker or Podman where the
//! machine has it and bubblewrap where it has not. So there is one provider trait, and this is that
//! trait over a pipe. A sandbox is made over one connection: the far side says which files it lacks, only
//! those are sent, and then the journal comes back as it is written.
//!
//! What holds whatever happens to the connection:
//! - A worker does not notice. Containers belong to their engine, and the supervisor of a local sandbox
//!   leads a session of its own, with nothing of the connection's open. (Where logind has
//!   `KillUserProcesses=yes`, it ends local sandboxes with the log-in all the same, unless the user
//!   lingers: `loginctl enable-linger`.)
//! - An end counts only where it was said: a stream that was cut off is an error.
//! - What was asked for may be asked for again; `create` does so by itself for a minute.
//! - The first turn, and with it every secret, goes through the encrypted stream to the far side's
//!   memory and from there to the supervisor's: no argument, no environment, no file of the other machine.
//!
//! On the other machine, below `~/.cache/loop`: `bin/<digest>/loop`, and `contents/<digest>`, which are
//! forgotten when a month has passed without use; and below `~/.local/share/loop/far/<store>/sessions` a
//! folder for each session, which is removed with it. Sessions of another store are not seen from here.

mod contents;
mod far;
mod program;
mod scripts;
mod talk;
mod wire;

pub use far::serve;

use super::openssh::{Client, Destination};
use super::{Area, Created, Entry, Fact, Found, Host, Provider, SandboxSpec, Status};
use crate::domain::options::{Opt, Options, Shape};
use crate::domain::provider::{Ability, About};
use crate::error::{Failure, Kind, Result};
use crate::retry::Patience;
use contents::Contents;
use program::Programs;
use std::io::Read;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use talk::{Greeted, Talk};
use wire::{Answer, Ask, Verb, Wanted};

pub(super) const ENTRY: Entry = Entry {
    about: About {
        name: "ssh",
        runs_in: "another machine over SSH: containers there, or processes behind bubblewrap",
        able: Ability::ALL,
        options: &[
            Opt {
                name: "host",
                shape: Shape::Text,
                required: true,
                help: "the machine, as `ssh` takes it: an alias, `user@host` or `ssh://user@host:port`",
            },
            Opt {
                name: "engine",
                shape: Shape::Name(&far::ENGINES),
                required: false,
                help: "what makes the sandboxes there, instead of the first that is there",
            },
            Opt {
                name: "config",
                shape: Shape::Path,
                required: false,
                help: "an `ssh_config` file to use instead of yours",
            },
            Opt {
                name: "connect_timeout",
                shape: Shape::Count,
                required: false,
                help: "how long a connection may take to come about, in seconds; else 15",
            },
        ],
    },
    make: |host, options| Ok(Rc::new(Ssh::new(host, options)?)),
};

/// How long a sandbox that was being made is asked for again after the connection was lost.
const AGAIN: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_secs(1);

/// For a server that takes only so many who are not known yet at once.
const CROWD: Patience =
    Patience { tries: 6, first: Duration::from_millis(200), most: Duration::from_secs(2) };

pub struct Ssh {
    host: Host,
    client: Client,
    engine: Option<String>,
    programs: Programs,
}

type Progress<'a> = &'a mut dyn FnMut(&str);

impl Ssh {
    fn name(&self) -> &str {
        self.client.name()
    }

    /// Begins a conversation, with our program put there where it is missing.
    fn talk(&self, verb: Verb, progress: Progress) -> Result<Talk> {
        let ask = self.ask(verb);
        for _ in 0..2 {
            match self.greet(&ask)? {
                Greeted::Ready(talk) => return Ok(talk),
                Greeted::Missing { system, machine } => {
                    self.programs.put(&self.client, (&system, &machine), progress)?;
                }
            }
        }
        Err(Failure::new(Kind::Sandbox, format!("`{}` does not keep our program", self.name()))
            .because("it was put there, and is not there"))
    }

    fn ask(&self, verb: Verb) -> Ask {
        Ask { store: self.host.store.clone(), engine: self.engine.clone(), verb }
    }

    fn greet(&self, ask: &Ask) -> Result<Greeted> {
        let script = scripts::run(&self.programs.digests(&self.host.cache)?);
        let mut tried = 0;
        loop {
            tried += 1;
            let greeted = self.client.start(&script).and_then(|link| Talk::begin(link, ask));
            match greeted {
                Err(failed) if is_crowd(&failed) && CROWD.wait(tried, None) => {}
                greeted => return greeted,
            }
        }
    }

    /// One whole try. Whether the connection was lost on the way comes with a failure.
    fn try_create(
        &self,
        spec: &SandboxSpec,
        contents: &Contents,
        progress: Progress,
    ) -> Result<Created, (Failure, bool)> {
        let mut talk =
            self.talk(Verb::Create(wanted(spec, contents)), progress).map_err(|f| (f, false))?;
        match self.create_by(&mut talk, spec, contents, progress) {
            Ok((mut created, live)) => {
                if live {
                    created.live = Some(Box::new(talk.into_bytes()));
                }
                Ok(created)
            }
            Err(failed) => Err((failed, talk.lost)),
        }
    }

    fn create_by(
        &self,
        talk: &mut Talk,
        spec: &SandboxSpec,
        contents: &Contents,
        progress: Progress,
    ) -> Result<(Created, bool)> {
        let Answer::Lacks(lacking) = talk.answer()? else { return Err(talk.confused()) };
        for at in lacking {
            let Some(piece) = contents.pieces.get(at) else { return Err(talk.confused()) };
            let told = piece.role.told();
            let mut file = program::Told::new(contents.open(at)?, piece.bytes, |share| {
                progress(&format!("putting {told} on {}: {share} %", self.name()));
            });
            talk.send(&mut file)?;
        }
        talk.say(&spec.boot)?;
        loop {
            match talk.answer()? {
                Answer::Progress(what) => progress(&what),
                Answer::Created { id, found, live, notes } => {
                    return Ok((Created { id, live: None, found, notes }, live));
                }
                _ => return Err(talk.confused()),
            }
        }
    }

    /// Asks something that has one answer.
    fn one(&self, verb: Verb) -> Result<(Talk, Answer)> {
        let mut talk = self.talk(verb, &mut |_| {})?;
        let answer = talk.answer()?;
        Ok((talk, answer))
    }
}

/// Whether the server closed the connection before it was told who comes, as it does where many come
/// at once.
fn is_crowd(failure: &Failure) -> bool {
    failure.kind == Kind::Network
        && failure.causes.iter().any(|cause| cause.contains("kex_exchange_identification"))
}

fn wanted(spec: &SandboxSpec, contents: &Contents) -> Box<Wanted> {
    Box::new(Wanted {
        session: spec.session.to_owned(),
        image: spec.image.clone(),
        base_image: spec.base_image.to_owned(),
        bare: spec.bare,
        network: spec.network,
        cpus: spec.cpus,
        memory_bytes: spec.memory_bytes,
        pieces: contents.pieces.clone(),
    })
}

impl Provider for Ssh {
    fn create(&self, spec: &SandboxSpec, progress: &mut dyn FnMut(&str)) -> Result<Created> {
        let contents = Contents::gather(spec, &self.host.cache)?;
        let mut lost: Option<Instant> = None;
        loop {
            let (failed, cut) = match self.try_create(spec, &contents, progress) {
                Ok(created) => return Ok(created),
                Err(failed) => failed,
            };
            // What was begun may have come about: only asking again tells.
            let since = match lost {
                Some(since) => since,
                None if cut => Instant::now(),
                None => return Err(failed),
            };
            lost = Some(since);
            if !(cut || failed.kind == Kind::Network) || since.elapsed() > AGAIN {
                return Err(failed);
            }
            progress(&format!("the connection to {} was lost, connecting again", self.name()));
            std::thread::sleep(PAUSE);
        }
    }

    fn status(&self, session: &str) -> Result<Status> {
        match self.one(Verb::Status { session: session.to_owned() })? {
            (_, Answer::Status(status)) => Ok(status),
            (talk, _) => Err(talk.confused()),
        }
    }

    fn exec(&self, session: &str, verb: &[String], stdin: &[u8]) -> Result<Box<dyn Read + Send>> {
        let input = !stdin.is_empty();
        let verb = Verb::Exec { session: session.to_owned(), verb: verb.to_vec(), input };
        let mut talk = self.talk(verb, &mut |_| {})?;
        if input {
            talk.send(&mut &*stdin)?;
        }
        match talk.answer()? {
            Answer::Bytes => Ok(Box::new(talk.into_bytes())),
            _ => Err(talk.confused()),
        }
    }

    fn download(&self, session: &str, what: Area) -> Result<Box<dyn Read + Send>> {
        match self.one(Verb::Download { session: session.to_owned(), what })? {
            (talk, Answer::Bytes) => Ok(Box::new(talk.into_bytes())),
            (talk, _) => Err(talk.confused()),
        }
    }

    fn remove(&self, session: &str) -> Result<()> {
        match self.one(Verb::Remove { session: session.to_owned() })? {
            (_, Answer::Removed) => Ok(()),
            (talk, _) => Err(talk.confused()),
        }
    }

    fn list(&self) -> Result<Vec<Found>> {
        match self.one(Verb::List)? {
            (_, Answer::Found(found)) => Ok(found),
            (talk, _) => Err(talk.confused()),
        }
    }

    /// Looks, and puts nothing there.
    fn facts(&self) -> Vec<Fact> {
        let fact = |what: &str, holds: bool, detail: String, mend: Option<String>| Fact {
            what: format!("{what} on `{}`", self.name()),
            holds,
            detail,
            mend,
        };
        let failed =
            |failed: Failure| fact("SSH", false, failed.to_string(), failed.hints.first().cloned());
        let mut talk = match self.greet(&self.ask(Verb::Facts)) {
            Err(failure) => return vec![failed(failure)],
            Ok(Greeted::Missing { system, machine }) => {
                let fits = self.programs.fitting(self.name(), (&system, &machine));
                let connected = fact("SSH", true, format!("connects; {system} {machine}"), None);
                let program = match fits {
                    Ok(_) => fact(
                        "program",
                        true,
                        "not there yet: the first session puts it there".to_owned(),
                        None,
                    ),
                    Err(failure) => {
                        fact("program", false, failure.to_string(), failure.hints.first().cloned())
                    }
                };
                return vec![connected, program];
            }
            Ok(Greeted::Ready(talk)) => talk,
        };
        let mut facts = vec![fact("SSH", true, "connects; the program is there".to_owned(), None)];
        match talk.answer() {
            Ok(Answer::Facts(there)) => facts.extend(
                there.into_iter().map(|one| fact(&one.what, one.holds, one.detail, one.mend)),
            ),
            Ok(_) => facts.push(failed(talk.confused())),
            Err(failure) => facts.push(failed(failure)),
        }
        facts
    }
}

/// What it is told in settings.
impl Ssh {
    /// Connects when it is first asked for something.
    pub fn new(host: Host, options: &Options) -> Result<Self> {
        let Some(named) = options.text("host") else {
            return Err(Failure::new(Kind::Config, "no host is named for sandboxes over SSH")
                .hint("name one below `[sandbox.ssh]`: `host = \"build1\"`"));
        };
        let to = Destination::parse(named)?;
        if let Some(path) = to.path {
            return Err(Failure::new(Kind::Config, format!("`{named}` has a path after the host"))
                .hint(format!("leave `{path}` out")));
        }
        let config = options.text("config").map(PathBuf::from);
        let mut client = Client::new(to, config, host.runtime.as_deref());
        if let Some(seconds) = options.count("connect_timeout") {
            client = client.connect_within(Duration::from_secs(seconds.into()));
        }
        let engine = options.text("engine").map(str::to_owned);
        let programs = Programs::new(&host.program);
        Ok(Self { host, client, engine, programs })
    }
}
