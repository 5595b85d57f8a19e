//! Sandboxes: where workers run.
//!
//! A provider makes a sandbox with this program as its supervisor, runs the program's own hidden
//! verbs beside that supervisor, and takes the sandbox away again. Everything else (turns,
//! follow-ups, interruptions, journals, artifacts) is built on these verbs once, in `runner`.
//!
//! A sandbox that is gone is a state, not an error. `create` and `remove` may be repeated: the name
//! of a sandbox follows from the session's id, so a second `create` finds the first one's.
//!
//! # A hosted sandbox is one more file
//!
//! Services that rent out sandboxes over HTTP (Daytona, E2B, Vercel Sandbox) fit the same verbs. What
//! the file of one would hold, and nothing outside it but its line in [`FAMILY`]:
//!
//! - Its `ENTRY`: able to run any harness, `Images` only where the service takes one at the start (it
//!   takes a snapshot or a template made before: an option then, and `Images` is left out), `Limits`,
//!   `NoNetwork` by its own egress rules. Options: the address, the project or team, the snapshot, and
//!   the *name* of the secret that is its key; the key is asked for when the first call is made.
//! - `create`: look for a sandbox with the labels `loop.session` and `loop.store` (Daytona filters by
//!   all labels; E2B by metadata; Vercel by one tag, so the rest is compared here), else make one with
//!   them, with the service's own end of life set (minutes at Daytona, rounded up; seconds from now at
//!   E2B; milliseconds at Vercel) from the idle time-out and a day, so that nothing is ever left to be
//!   paid for. Wait until it runs. Upload one archive (this program, the harness, the evidence) and
//!   start the supervisor detached, as a command of the service that outlives its caller. None of them
//!   gives process 1 or an end of input: the boot specification is one line, so no end is needed; at
//!   Vercel, which has no input at all, the supervisor starts bare and takes its first turn by the
//!   verb `turn` like any later one, out of a file that only the supervisor's user can read and that it
//!   removes; a preset with secrets is told so. `live` stays `None`: the journal is asked for by number.
//! - `status`: the service's states to ours. `started` and `running` are running, `paused` and
//!   `archived` are [`Status::Paused`], `stopped` is stopped with its files, 404 is gone; a state that
//!   is not known, or no answer, is an error and never an end.
//! - `exec`: the streamed kind of command, never the simple one, which mixes both outputs and ends
//!   after seconds. Daytona's log socket marks stdout by `01 01 01` and stderr by `02 02 02`, also
//!   across frames; E2B's envelopes carry base64 and an end event; Vercel's lines carry text and a
//!   final command. A stream without its end is an error of reading, and the runner asks again from
//!   the number it knows. The exit code comes from the service's record of the command.
//! - `download`: `loop` packs in the sandbox, by `exec`; where the output of a command is text alone,
//!   it packs to a file that is fetched. Unpacked as hostile, like every archive.
//! - `remove`: delete; 404 is done. `list`: by the label of the store. `facts`: the key is there, the
//!   service answers, the snapshot or template exists.
//!
//! Blocking over the shared HTTP client; its retries, with the service's `Retry-After`, are enough.
//! Nothing above this folder changes: what a service cannot do is an ability that it does not declare.

mod content;
mod docker;
mod kubernetes;
mod local;
mod openssh;
pub mod programs;
mod ssh;
mod tarball;

pub use ssh::serve;
pub use tarball::{Quota, unpack};

use crate::domain::options::Options;
use crate::domain::preset::Image;
use crate::domain::provider::About;
use crate::domain::turn::BootSpec;
use crate::domain::words::or;
use crate::error::{Failure, Kind, Result};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub trait Provider {
    /// Makes and starts the sandbox of a session and hands it its first turn, or finds it made.
    fn create(&self, spec: &SandboxSpec, progress: &mut dyn FnMut(&str)) -> Result<Created>;

    fn status(&self, session: &str) -> Result<Status>;

    /// Runs one of this program's hidden verbs beside the supervisor; its standard output.
    fn exec(&self, session: &str, verb: &[String], stdin: &[u8]) -> Result<Box<dyn Read + Send>>;

    /// A file or folder as a tar stream, also of a sandbox that has stopped. Hostile.
    fn download(&self, session: &str, what: Area) -> Result<Box<dyn Read + Send>>;

    /// Takes the sandbox away, with all that is in it. One that is gone is no error.
    fn remove(&self, session: &str) -> Result<()>;

    /// Every sandbox of a store, and how many belong to other stores.
    fn list(&self) -> Result<Vec<Found>>;

    /// What it needs here, and whether that is so.
    fn facts(&self) -> Vec<Fact>;
}

/// What a sandbox is made from.
#[derive(Debug, Clone)]
pub struct SandboxSpec<'a> {
    pub session: &'a str,
    pub image: &'a Image,
    pub base_image: &'a str,
    /// Whether the harness is this program itself, and needs nothing else.
    pub bare: bool,
    /// The folder of this machine with the harness's program, where it is one that is put in.
    pub program: Option<&'a Path>,
    pub snapshot: Option<&'a Path>,
    /// The repository's bundle.
    pub repository: Option<&'a Path>,
    pub ca_bundle: Option<&'a Path>,
    /// Whether there is a way out.
    pub network: bool,
    pub cpus: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub boot: BootSpec,
}

/// A sandbox that was just made.
pub struct Created {
    /// What its provider calls it.
    pub id: String,
    /// The journal from its first line on, as it is written, where the provider has it for nothing.
    pub live: Option<Box<dyn Read + Send>>,
    /// Whether it was there already: then nobody knows whether the first turn was handed over.
    pub found: bool,
    /// What was asked for and is not kept here, a sentence each.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Running,
    Paused,
    /// Made and never started.
    Created,
    /// Its files are still there.
    Stopped {
        oom_killed: bool,
    },
    /// It was ended from outside.
    Lost {
        /// By whom and why, as whoever runs it says.
        reason: String,
        /// Whether its journal can still be downloaded.
        journal: bool,
    },
    Gone,
}

/// What can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Area {
    Artifacts,
    Journal,
}

/// A sandbox that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub id: String,
    /// The session it says it belongs to.
    pub session: String,
    /// Whether it is this store's.
    pub ours: bool,
}

/// One requirement, for `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub what: String,
    pub holds: bool,
    pub detail: String,
    /// The command that mends it.
    pub mend: Option<String>,
}

/// What a provider knows of this machine.
#[derive(Debug, Clone)]
pub struct Host {
    /// This program's file: one static Linux executable.
    pub program: PathBuf,
    /// The store's id, put on every sandbox.
    pub store: String,
    /// The folder of all sessions' folders.
    pub sessions: PathBuf,
    /// Where things are kept that may be fetched again.
    pub cache: PathBuf,
    /// A folder of the user's alone that ends with the log-in, where there is one.
    pub runtime: Option<PathBuf>,
    /// Engines to try where none is named, in order, as URLs.
    pub engines: Vec<String>,
    pub engine_env: EngineEnv,
    /// Where clusters are named, those that are there.
    pub kubeconfigs: Vec<PathBuf>,
    pub path: String,
}

/// What the environment says of container engines, in the docker CLI's variables.
#[derive(Debug, Clone, Default)]
pub struct EngineEnv {
    pub host: Option<String>,
    pub context: Option<String>,
    /// The folder of the CLI's own settings.
    pub config: Option<PathBuf>,
    pub certificates: Option<PathBuf>,
    /// Whether an engine is reached over TLS, and its certificate checked, or not checked.
    pub verify: bool,
    pub unverified: bool,
}

/// A kind of provider, as its own file declares it.
#[derive(Clone, Copy)]
pub struct Entry {
    pub about: About,
    make: fn(Host, &Options) -> Made,
}

/// Where workers run, in the order in which they are preferred.
const FAMILY: [Entry; 4] = [docker::ENTRY, local::ENTRY, ssh::ENTRY, kubernetes::ENTRY];

/// The one whose rights are granted by a manifest.
pub const CLUSTER: About = kubernetes::ENTRY.about;

/// What there is to know of each.
pub const ABOUT: [About; FAMILY.len()] = {
    let mut all = [FAMILY[0].about; FAMILY.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = FAMILY[at].about;
        at += 1;
    }
    all
};

/// The providers that are reached from this machine, each made when it is first asked for.
pub struct Providers {
    host: Host,
    made: RefCell<Vec<(Place, Made)>>,
}

/// A provider and its options.
type Place = (String, Options);

/// A provider, or why it cannot be had.
type Made = Result<Rc<dyn Provider>>;

impl Providers {
    pub fn new(host: Host) -> Self {
        Self { host, made: RefCell::default() }
    }

    /// The provider of a name, at the place that its options say.
    pub fn at(&self, name: &str, options: &Options) -> Made {
        let is = |place: &Place| place.0 == name && place.1 == *options;
        if let Some((_, made)) = self.made.borrow().iter().find(|(place, _)| is(place)) {
            return made.clone();
        }
        let Some(entry) = FAMILY.iter().find(|entry| entry.about.name == name) else {
            return Err(Failure::new(
                Kind::Config,
                format!("no sandbox provider is called `{name}`"),
            )
            .hint(format!("choose {}", or(&ABOUT.map(|about| about.name)))));
        };
        let made = (entry.make)(self.host.clone(), options);
        self.made.borrow_mut().push(((name.to_owned(), options.clone()), made.clone()));
        made
    }

    /// The manifest that grants what [`CLUSTER`] needs, at the place that its options say.
    pub fn grants(&self, options: &Options) -> Result<String> {
        kubernetes::grants(&self.host, options)
    }

    /// The one that is used where nobody names one: the first that lacks nothing here, else the first
    /// that can say what it lacks.
    pub fn usual(&self, said: &BTreeMap<String, Options>) -> &'static str {
        let none = Options::default();
        let at = |name: &str| self.at(name, said.get(name).unwrap_or(&none));
        let is_ready = |name: &&str| {
            at(name).is_ok_and(|provider| provider.facts().iter().all(|fact| fact.holds))
        };
        let names = || ABOUT.iter().map(|about| about.name);
        let is_there = |name: &&str| at(name).is_ok();
        names().find(is_ready).or_else(|| names().find(is_there)).unwrap_or(ABOUT[0].name)
    }
}
