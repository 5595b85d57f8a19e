//! How others reach the supervisor: one line of JSON each way over a socket in its folder.

use crate::domain::turn::TurnSpec;
use crate::error::{Cannot as _, Failure, Kind, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest request: a turn's files and prompt are in it.
pub const MAX: u64 = 64 << 20;

const SOCKET: &str = "control.sock";
/// What an address has room for.
const LONGEST: usize = 100;
/// How long a supervisor may take to start, as long as it lives.
const STARTING: Duration = Duration::from_mins(1);
/// How long one may take to be there at all.
const COMING: Duration = Duration::from_secs(3);

#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    Turn {
        spec: Box<TurnSpec>,
    },
    Interrupt,
    Close,
    /// A byte comes back whenever the journal has grown.
    Watch,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The turn was claimed and runs.
    Started,
    /// The turn was claimed before; it runs, or is over.
    Already,
    /// Another turn runs; this one was not claimed.
    Busy,
    /// The running turn is being ended.
    Interrupting,
    /// No turn runs.
    Idle,
    /// No further turn will be run.
    Closing,
}

#[derive(Default, Serialize, Deserialize)]
pub struct Reply {
    pub ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Reply {
    pub fn of(answer: Result<Answer, String>) -> Self {
        match answer {
            Ok(state) => Self { ok: true, state: Some(state), error: None },
            Err(error) => Self { ok: false, state: None, error: Some(error) },
        }
    }
}

/// Starts a turn; reads its [`TurnSpec`] as JSON. Asking twice starts it once.
pub fn turn(run_dir: &Path, input: &mut dyn Read) -> Result<Answer> {
    let mut json = Vec::new();
    let doing = || "read the turn from standard input".to_owned();
    input.take(MAX).read_to_end(&mut json).cannot(Kind::Sandbox, doing)?;
    let spec = serde_json::from_slice(&json).cannot(Kind::Sandbox, doing)?;
    ask(run_dir, &Request::Turn { spec })
}

/// Ends the running turn, and leaves the supervisor for the next one.
pub fn interrupt(run_dir: &Path) -> Result<Answer> {
    ask(run_dir, &Request::Interrupt)
}

/// Lets the supervisor end once no turn runs.
pub fn close(run_dir: &Path) -> Result<Answer> {
    ask(run_dir, &Request::Close)
}

fn ask(run_dir: &Path, request: &Request) -> Result<Answer> {
    let doing = || format!("ask the supervisor of `{}`", run_dir.display());
    let mut stream = connect(run_dir).cannot(Kind::Sandbox, doing)?;
    let mut line = serde_json::to_vec(request).cannot(Kind::Bug, doing)?;
    line.push(b'\n');
    stream.write_all(&line).cannot(Kind::Sandbox, doing)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).cannot(Kind::Sandbox, doing)?;
    if answer.is_empty() {
        return Err(Failure::new(Kind::Sandbox, format!("cannot {}", doing()))
            .because("it ended without an answer"));
    }
    let reply: Reply = serde_json::from_str(&answer).cannot(Kind::Sandbox, doing)?;
    reply.state.ok_or_else(|| {
        Failure::new(Kind::Sandbox, "the supervisor refused")
            .because(reply.error.unwrap_or_default())
    })
}

/// Asks to be woken whenever the journal grows. `None` where no supervisor lives.
pub fn watch(run_dir: &Path) -> Option<UnixStream> {
    let mut stream = connect(run_dir).ok()?;
    let mut line = serde_json::to_vec(&Request::Watch).ok()?;
    line.push(b'\n');
    stream.write_all(&line).ok()?;
    Some(stream)
}

/// Connects, and waits for a supervisor that is just starting.
fn connect(run_dir: &Path) -> io::Result<UnixStream> {
    let since = Instant::now();
    loop {
        let error = match at(run_dir, |path| UnixStream::connect(path)) {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        let limit = if lives(run_dir) { STARTING } else { COMING };
        let starting =
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused);
        if !starting || since.elapsed() >= limit {
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What is known of a folder's supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is none yet.
    Coming,
    Lives,
    Ended,
}

/// Looks at the folder, and leaves one alone that is just taking it: whoever asks about the lock
/// holds it for a moment.
pub fn standing(run_dir: &Path) -> Standing {
    if !run_dir.join(SOCKET).exists() {
        return Standing::Coming;
    }
    if lives(run_dir) { Standing::Lives } else { Standing::Ended }
}

/// Whether a supervisor holds the folder.
fn lives(run_dir: &Path) -> bool {
    let lock = File::open(run_dir.join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

/// Where requests come in. Who holds the folder's lock may take the socket's place.
pub fn listen(run_dir: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = run_dir.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = at(run_dir, |path| UnixListener::bind(path))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Addresses the socket, however long the folder's path is.
fn at<T>(run_dir: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let path = run_dir.join(SOCKET);
    if path.as_os_str().len() <= LONGEST {
        return act(&path);
    }
    let dir = File::open(run_dir)?;
    act(Path::new(&format!("/proc/self/fd/{}/{SOCKET}", dir.as_raw_fd())))
}
