//! What runs in a sandbox: the supervisor, the verbs beside it, and the built-in harness.
//!
//! Their answers are read by this program, so they are JSON or raw bytes whatever the flags say.

use super::app::{App, Done};
use crate::domain::transcript::EventKind;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::forge::sandboxed;
use crate::sandbox;
use crate::secrets::Redactor;
use crate::supervise;
use crate::traces::snapshot::Snapshot;
use crate::triage;
use std::borrow::Cow;
use std::io::{Read as _, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Be the supervisor of a sandbox
    #[command(hide = true)]
    Supervise {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
        /// What it is told where nothing comes on standard input; holds no secret
        #[arg(long, value_name = "JSON")]
        boot: Option<String>,
    },
    /// Hand a turn to the supervisor; its specification is read from standard input
    #[command(hide = true)]
    Turn {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
    },
    /// Ask the supervisor to end the running turn
    #[command(hide = true)]
    Interrupt {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
    },
    /// Tell the supervisor that nothing more comes
    #[command(hide = true)]
    Close {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
    },
    /// Print the journal
    #[command(hide = true)]
    Journal {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
        #[arg(long, default_value_t = 0)]
        after: u64,
        #[arg(long)]
        follow: bool,
        #[arg(long)]
        turn: Option<u32>,
    },
    /// Write files, as the user one is; they are read from standard input
    #[command(hide = true)]
    Place,
    /// Stay for as long as what a supervisor left may be wanted
    #[command(hide = true)]
    Keep {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
        #[arg(long, value_name = "SECONDS")]
        grace: u64,
        #[arg(long)]
        hands: Option<PathBuf>,
    },
    /// Put files where they belong; an archive of them is read from standard input
    #[command(hide = true)]
    Fill {
        /// The folders that may be written to
        #[arg(long)]
        root: Vec<PathBuf>,
        /// Made once all is there
        #[arg(long)]
        done: PathBuf,
    },
    /// Be the supervisor's hands in the worker's container
    #[command(hide = true)]
    Hands {
        #[arg(long)]
        socket: PathBuf,
        /// The user that is obeyed
        #[arg(long)]
        owner: u32,
    },
    /// Have the hands run a command, with our environment and standard input
    #[command(hide = true)]
    Enter {
        #[arg(long)]
        socket: PathBuf,
        #[arg(long)]
        cwd: String,
        /// Where to write down what it uses
        #[arg(long)]
        used: Option<PathBuf>,
        #[arg(last = true)]
        argv: Vec<String>,
    },
    /// Tell whether an address can be connected to
    #[command(hide = true)]
    Probe {
        /// Two variables of the environment that name the host and the port
        #[arg(long, num_args = 2)]
        of: Vec<String>,
        #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000)]
        within: u64,
    },
    /// Archive a folder
    #[command(hide = true)]
    Pack {
        folder: PathBuf,
        /// Fail where there are more bytes than this
        #[arg(long)]
        at_most: Option<u64>,
    },
    /// Clone the repository into the working directory, as the user one is
    #[command(hide = true)]
    Checkout {
        #[arg(long)]
        bundle: PathBuf,
        #[arg(long)]
        base: String,
        #[arg(long)]
        branch: String,
        #[arg(long)]
        origin: Option<String>,
        #[arg(long)]
        shallow: Vec<String>,
    },
    /// Pack what was committed in the working directory into the folder of artifacts
    #[command(hide = true)]
    HandOver {
        #[arg(long)]
        base: String,
        #[arg(long)]
        branch: String,
        #[arg(long)]
        artifacts: PathBuf,
    },
    /// Do what another machine's `loop` asks on standard input
    #[command(hide = true)]
    Host,
    /// Group the failures of a snapshot
    #[command(hide = true)]
    Triage {
        #[arg(long)]
        snapshot: PathBuf,
        #[arg(long)]
        artifacts: PathBuf,
    },
}

pub fn run(command: Command, app: &App) -> Done {
    let mut stdin = std::io::stdin().lock();
    match command {
        Command::Supervise { run, boot } => {
            drop(stdin);
            supervise::supervise(&supervise::Options { run_dir: run, boot }, &redactor)?;
        }
        Command::Turn { run } => return say(app, supervise::turn(&run, &mut stdin)),
        Command::Interrupt { run } => return say(app, supervise::interrupt(&run)),
        Command::Close { run } => return say(app, supervise::close(&run)),
        Command::Journal { run, after, follow, turn } => {
            let wanted = supervise::Follow { after, until_turn: turn, wait: follow };
            supervise::follow(&run, wanted, &mut std::io::stdout().lock())?;
        }
        Command::Place => supervise::place(&mut stdin)?,
        Command::Keep { run, grace, hands } => {
            supervise::keep(&supervise::Keep {
                run_dir: run,
                grace: Duration::from_secs(grace),
                hands,
            })?;
        }
        Command::Fill { root, done } => supervise::fill(&mut stdin, &root, &done)?,
        Command::Hands { socket, owner } => supervise::hands(&socket, owner)?,
        Command::Enter { socket, cwd, used, argv } => {
            let env = environment();
            let wanted = supervise::Enter { socket, cwd, used, argv, env };
            return supervise::enter(wanted, &mut stdin);
        }
        Command::Probe { of, within } => return probe(app, &of, Duration::from_millis(within)),
        Command::Pack { folder, at_most } => pack(&folder, at_most.unwrap_or(u64::MAX))?,
        Command::Checkout { bundle, base, branch, origin, shallow } => {
            sandboxed::checkout(&sandboxed::Checkout {
                bundle: &bundle,
                base_branch: &base,
                branch: &branch,
                origin: origin.as_deref(),
                shallow: &shallow,
            })?;
        }
        Command::HandOver { base, branch, artifacts } => {
            sandboxed::hand_over(&base, &branch, &artifacts)?;
        }
        Command::Host => {
            drop(stdin);
            sandbox::serve(app.far_host()?, pipe(std::io::stdin())?, pipe(std::io::stdout())?)?;
        }
        Command::Triage { snapshot, artifacts } => return triage(app, &snapshot, &artifacts),
    }
    Ok(0)
}

/// A standard stream without the buffer that it has here.
fn pipe(stream: impl std::os::fd::AsFd) -> Result<std::fs::File> {
    let own = stream.as_fd().try_clone_to_owned();
    Ok(own.cannot(Kind::Bug, || "use a standard stream".to_owned())?.into())
}

fn redactor(secrets: &[String]) -> Box<dyn supervise::Redact> {
    Box::new(Redactor::new(secrets))
}

impl supervise::Redact for Redactor {
    fn lines<'t>(&self, before: &[u8], lines: &'t [u8]) -> Cow<'t, [u8]> {
        self.redact_after(before, lines)
    }

    fn unfinished(&self, before: &[u8], lines: &[u8]) -> usize {
        Self::unfinished(self, before, lines)
    }

    fn reach(&self) -> usize {
        Self::reach(self)
    }

    fn archive(&self, archive: Vec<u8>) -> Option<Vec<u8>> {
        Self::archive(self, archive).ok()
    }
}

/// An answer of the supervisor, or why there is none, for the other side of the sandbox.
fn say(app: &App, answer: Result<supervise::Answer>) -> Done {
    let reply = match answer {
        Ok(state) => serde_json::json!({ "ok": true, "state": state }),
        Err(failure) => serde_json::json!({ "ok": false, "error": failure.to_string() }),
    };
    app.answer(format!("{reply}\n").as_bytes())
}

/// Our own environment, which is a worker's: what is no text is no variable of ours.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Says `open` or `closed` and the host, or `unknown` where nothing names an address.
fn probe(app: &App, names: &[String], within: Duration) -> Done {
    let value = |at: usize| names.get(at).and_then(|name| app.env.var(name));
    let state = match (value(0), value(1).and_then(|port| port.parse().ok())) {
        (Some(host), Some(port)) if reaches(&host, port, within) => format!("open {host}"),
        (Some(host), Some(_)) => format!("closed {host}"),
        _ => "unknown".to_owned(),
    };
    app.answer(format!("{state}\n").as_bytes())
}

/// Whether a connection comes about; an address only, since names need a way out themselves.
fn reaches(host: &str, port: u16, within: Duration) -> bool {
    let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() else { return false };
    TcpStream::connect_timeout(&SocketAddr::new(address, port), within).is_ok()
}

/// The bytes of a folder's files, counted no further than needed. A file counts for its header, too.
fn size(folder: &Path, at_most: u64) -> std::io::Result<u64> {
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        total += 1024 + if about.is_file() { about.len() } else { 0 };
        if about.is_dir() && total <= at_most {
            total += size(&entry.path(), at_most - total)?;
        }
        if total > at_most {
            break;
        }
    }
    Ok(total)
}

/// A folder as an archive on standard output. Links are kept as links.
fn pack(folder: &Path, at_most: u64) -> Result<()> {
    let doing = || format!("archive `{}`", folder.display());
    if folder.is_file() {
        return pack_file(folder).cannot(Kind::Sandbox, doing);
    }
    if size(folder, at_most).cannot(Kind::Sandbox, doing)? > at_most {
        return Err(
            Failure::new(Kind::Limit, format!("cannot {}", doing())).because("it is too large")
        );
    }
    let mut archive = tar::Builder::new(std::io::stdout().lock());
    archive.follow_symlinks(false);
    archive.append_dir_all(".", folder).cannot(Kind::Sandbox, doing)?;
    let mut out = archive.into_inner().cannot(Kind::Sandbox, doing)?;
    out.flush().cannot(Kind::Sandbox, doing)
}

/// One file under its own name, as long as it is now: it may grow meanwhile.
fn pack_file(path: &Path) -> std::io::Result<()> {
    let file = std::fs::File::open(path)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(file.metadata()?.len());
    header.set_mode(0o600);
    let mut archive = tar::Builder::new(std::io::stdout().lock());
    let name = path.file_name().unwrap_or_default();
    let length = header.size()?;
    archive.append_data(&mut header, name, file.take(length))?;
    archive.into_inner()?.flush()
}

/// The built-in worker. It says what it does as events, and leaves what it found.
fn triage(app: &App, snapshot: &Path, artifacts: &Path) -> Done {
    let snapshot = Snapshot::open(snapshot)?;
    say_event(app, &EventKind::Status { text: format!("evidence: {}", snapshot.one_line()) })?;
    let report = triage::find(&snapshot)?;
    for (name, text) in [
        ("investigation.md", triage::investigation(&report)),
        ("issues.json", triage::issues_json(&report)),
    ] {
        let path = artifacts.join(name);
        std::fs::write(&path, text)
            .cannot(Kind::Worker, || format!("write `{}`", path.display()))?;
    }
    let answer = triage::answer(&report);
    say_event(app, &EventKind::Assistant { text: answer.clone() })?;
    let last = serde_json::json!({ "kind": "result", "answer": answer });
    app.answer(format!("{last}\n").as_bytes())
}

fn say_event(app: &App, event: &EventKind) -> Done {
    let line = serde_json::to_string(event).cannot(Kind::Bug, || "write an event".to_owned())?;
    app.answer(format!("{line}\n").as_bytes())
}
