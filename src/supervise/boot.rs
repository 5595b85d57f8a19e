//! How a supervisor starts.

use super::control;
use super::feed::Feed;
use super::log::Journal;
use super::record::{Record, private};
use super::server::Server;
use super::signals::Signals;
use super::{Redactor, turn};
use crate::domain::journal::{Exit, Stream};
use crate::domain::turn::{BootSpec, Worker};
use crate::error::{Cannot as _, Failure, Kind, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the first line may take to come.
const FIRST_LINE: Duration = Duration::from_mins(1);
/// What holds where no first line came: somebody has to want something, or it ends.
const IDLE_MS: u64 = 15 * 60 * 1000;
const WORKER: Worker = Worker { uid: 1000, gid: 1000 };

#[derive(Debug, Clone)]
pub struct Options {
    pub run_dir: PathBuf,
    /// A [`BootSpec`] as JSON, without a turn, for the case that none comes on standard input: whoever
    /// started us may have been killed in between, and the next one hands over the turn. A worker
    /// must not run without its wrapper because of that.
    pub boot: Option<String>,
}

/// Runs turns until there is nothing more to do. Reads one line of JSON, a [`BootSpec`], from
/// standard input, and writes the journal to standard output besides its file.
pub fn supervise(options: &Options, redactor: Redactor) -> Result<()> {
    let run_dir = &options.run_dir;
    let mut signals = Signals::new()?;
    become_supervisor()?;
    let _lock = hold(run_dir)?;
    let mut journal = Journal::open(run_dir)?;
    recover(run_dir, &mut journal);
    let listener = control::listen(run_dir)
        .cannot(Kind::Sandbox, || format!("listen in `{}`", run_dir.display()))?;
    let (feed, wake) = Feed::start(run_dir)?;
    let boot = match first_line(&mut signals)? {
        Line::Boot(boot) => *boot,
        Line::None => spare(options)?,
        Line::End => return Ok(()),
    };
    if boot.worker.is_some() && is_root() {
        // Where it cannot be set, the engine's own setting still holds.
        let _ = nix::sys::prctl::set_no_new_privs();
        boot.open.iter().for_each(|dir| open(Path::new(dir), boot.worker, &mut journal));
    }
    let server = Server::new(run_dir, boot, redactor, (journal, signals, listener));
    server.run(wake);
    feed.finish();
    Ok(())
}

/// What holds where no first line came.
fn spare(options: &Options) -> Result<BootSpec> {
    if let Some(boot) = &options.boot {
        return serde_json::from_str(boot).cannot(Kind::Sandbox, || "read `--boot`".to_owned());
    }
    let worker = is_root().then_some(WORKER);
    Ok(BootSpec { idle_ms: IDLE_MS, worker, ..BootSpec::default() })
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// What the process itself needs. Files of ours name their modes; a worker's are the usual ones.
fn become_supervisor() -> Result<()> {
    use nix::sys::resource::{Resource, setrlimit};
    let doing = || "become a supervisor".to_owned();
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    // Who leads a group already is a session's leader, or was started by somebody who knows.
    let _ = nix::unistd::setsid();
    nix::sys::prctl::set_child_subreaper(true).cannot(Kind::Sandbox, doing)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).cannot(Kind::Sandbox, doing)
}

/// Takes the run directory for ourselves.
fn hold(run_dir: &Path) -> Result<File> {
    let doing = || format!("use `{}` as the run directory", run_dir.display());
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(run_dir).cannot(Kind::Sandbox, doing)?;
    std::fs::set_permissions(run_dir, Permissions::from_mode(0o700))
        .cannot(Kind::Sandbox, doing)?;
    let lock = private().write(true).open(run_dir.join("lock")).cannot(Kind::Sandbox, doing)?;
    if let Some(ours) = given(&lock) {
        return Ok(ours);
    }
    lock.try_lock().map_err(|error| {
        let failure = Failure::new(Kind::Sandbox, format!("cannot {}", doing()));
        match error {
            std::fs::TryLockError::WouldBlock => failure.because("another supervisor runs there"),
            std::fs::TryLockError::Error(error) => failure.because(error),
        }
    })?;
    Ok(lock)
}

/// The lock as it was given to us on standard error, held by who started us since before there was a
/// process: so there is no moment at which nobody holds it.
fn given(lock: &File) -> Option<File> {
    let error = File::from(io::stderr().as_fd().try_clone_to_owned().ok()?);
    let (given, wanted) = (error.metadata().ok()?, lock.metadata().ok()?);
    ((given.dev(), given.ino()) == (wanted.dev(), wanted.ino())).then_some(error)
}

/// Tells the end of turns that an earlier supervisor did not live to tell.
fn recover(run_dir: &Path, journal: &mut Journal) {
    let records = Record::list(run_dir);
    for record in &records {
        if !record.is_over() {
            let exit = Exit {
                out_bytes: record.size("out"),
                err_bytes: record.size("err"),
                interrupted: true,
                ..Exit::default()
            };
            turn::tell_end(journal, record, &exit);
        }
    }
    if let Some(record) = records.last()
        && let Some(exit) = record.read()
        && !journal.tells_end_of(record.turn)
    {
        turn::tell_end(journal, record, &exit);
    }
}

enum Line {
    Boot(Box<BootSpec>),
    /// It was not given.
    None,
    /// We were asked to end meanwhile.
    End,
}

fn first_line(signals: &mut Signals) -> Result<Line> {
    let doing = || "read the first line of standard input".to_owned();
    let input = io::stdin().as_fd().try_clone_to_owned().cannot(Kind::Sandbox, doing)?;
    let json = match read_line(signals, input).cannot(Kind::Sandbox, doing)? {
        None => return Ok(Line::End),
        Some(line) if line.is_empty() => return Ok(Line::None),
        Some(line) => line,
    };
    let boot = serde_json::from_slice(&json).cannot(Kind::Sandbox, doing)?;
    Ok(Line::Boot(Box::new(boot)))
}

/// A line, without its newline; empty where there was none, `None` where we were asked to end.
fn read_line(signals: &mut Signals, input: OwnedFd) -> io::Result<Option<Vec<u8>>> {
    let until = Instant::now() + FIRST_LINE;
    let mut line = Vec::new();
    let mut block = vec![0; 64 << 10];
    let mut input = File::from(input);
    while (line.len() as u64) < control::MAX {
        let wait = until.saturating_duration_since(Instant::now());
        let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO);
        let ready = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [ready(signals.as_fd()), ready(input.as_fd())];
        match poll(&mut fds, wait) {
            Err(nix::errno::Errno::EINTR) => {}
            Ok(0) => return Ok(Some(Vec::new())),
            polled => drop(polled?),
        }
        let readable = fds[1].any().unwrap_or(false);
        if signals.asked_to_end() {
            return Ok(None);
        }
        if !readable {
            continue;
        }
        let n = input.read(&mut block)?;
        if n == 0 {
            // Without its newline it is not the whole line.
            return Ok(Some(Vec::new()));
        }
        if let Some(end) = block[..n].iter().position(|b| *b == b'\n') {
            line.extend_from_slice(&block[..end]);
            return Ok(Some(line));
        }
        line.extend_from_slice(&block[..n]);
    }
    Err(io::Error::other("it is too long"))
}

/// Lets the worker write to a directory.
fn open(dir: &Path, worker: Option<Worker>, journal: &mut Journal) {
    let opened = std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::set_permissions(dir, Permissions::from_mode(0o1777)));
    let Err(error) = opened else { return };
    let may_write = dir.metadata().is_ok_and(|meta| {
        let is = |ours: Option<u32>, owner, bit| ours == Some(owner) && meta.mode() & bit != 0;
        is(worker.map(|w| w.uid), meta.uid(), 0o200)
            || is(worker.map(|w| w.gid), meta.gid(), 0o020)
            || meta.mode() & 0o002 != 0
    });
    if !may_write {
        let told = format!("the worker cannot write to `{}`: {error}", dir.display());
        journal.output(0, Stream::Err, told.as_bytes());
    }
}
