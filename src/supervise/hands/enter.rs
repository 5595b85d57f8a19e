//! The supervisor's side: the hidden command `enter`, put before every command of the worker's.

use super::super::signals::Signals;
use super::Used;
use super::frame::{Command, End, Frame, PIECE};
use crate::error::{Cannot as _, Failure, Kind, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the hands may take to be there.
const COMING: Duration = Duration::from_secs(20);
/// How a shell would tell it.
const LOST: u8 = 137;

/// What is done, and where.
pub struct Enter {
    /// Where the hands listen.
    pub socket: PathBuf,
    /// The folder the command runs in.
    pub cwd: String,
    /// Where to write down what it uses.
    pub used: Option<PathBuf>,
    pub argv: Vec<String>,
    /// The whole environment of the command.
    pub env: Vec<(String, String)>,
}

/// Has a command run by the hands, and comes to its exit code. Where it was ended by a signal, that
/// signal ends us.
pub fn enter(wanted: Enter, input: &mut dyn Read) -> Result<u8> {
    let doing = || "run a command in the worker's container".to_owned();
    let mut signals = Signals::new()?;
    let mut stream = connect(&wanted.socket).cannot(Kind::Sandbox, || {
        "reach the worker's container, which may have run out of memory".to_owned()
    })?;
    let Enter { cwd, used, argv, env, .. } = wanted;
    let command = Command { argv, env, cwd };
    hand_over(&mut stream, command, input).cannot(Kind::Sandbox, doing)?;
    let end = attend(&mut stream, &mut signals, used.as_deref()).cannot(Kind::Sandbox, doing)?;
    match end {
        Reached::End(End { signal: Some(signal), .. }) => {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            Ok(128_u8.wrapping_add(signal as u8))
        }
        Reached::End(End { code, .. }) => Ok(code.unwrap_or(1) as u8),
        Reached::Refused(reason) => {
            Err(Failure::new(Kind::Sandbox, format!("cannot {}", doing())).because(reason))
        }
        Reached::Lost => {
            let told = "error: the worker's container ended, most likely for want of memory\n";
            let _ = io::stderr().write_all(told.as_bytes());
            Ok(LOST)
        }
    }
}

/// Lets the hands end, and with them their container.
pub fn dismiss(socket: &Path) -> Result<()> {
    let sent = UnixStream::connect(socket).and_then(|mut hands| Frame::Dismiss.write(&mut hands));
    sent.cannot(Kind::Sandbox, || "end the worker's container".to_owned())
}

/// Waits for hands that are just starting, or still at the command before.
fn connect(socket: &Path) -> io::Result<UnixStream> {
    let since = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Err(error) if since.elapsed() >= COMING => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
            connected => return connected,
        }
    }
}

fn hand_over(stream: &mut UnixStream, command: Command, input: &mut dyn Read) -> io::Result<()> {
    Frame::Command(command).write(stream)?;
    let mut piece = vec![0; PIECE];
    loop {
        match input.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => Frame::Input(piece[..n].to_vec()).write(stream)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Frame::Begin.write(stream)
}

enum Reached {
    End(End),
    Refused(String),
    /// The hands are gone.
    Lost,
}

/// Passes on what comes from either side until the command is over.
fn attend(
    stream: &mut UnixStream,
    signals: &mut Signals,
    used: Option<&Path>,
) -> io::Result<Reached> {
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    loop {
        let ready = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [ready(signals.as_fd()), ready(stream.as_fd())];
        let _ = poll(&mut fds, PollTimeout::NONE);
        let readable = fds[1].any().unwrap_or(false);
        if let Some(signal) = signals.taken() {
            Frame::Signal(signal).write(stream)?;
        }
        if !readable {
            continue;
        }
        match Frame::read(stream) {
            Ok(Some(Frame::Out(bytes))) => out.write_all(&bytes).and_then(|()| out.flush())?,
            Ok(Some(Frame::Err(bytes))) => err.write_all(&bytes)?,
            Ok(Some(Frame::Used(told))) => note(used, told)?,
            Ok(Some(Frame::Ended(end))) => {
                note(used, Used { cpu: 0, oom_kills: end.oom_kills })?;
                return Ok(Reached::End(end));
            }
            Ok(Some(Frame::Refused(reason))) => return Ok(Reached::Refused(reason)),
            Ok(Some(_)) => return Err(io::Error::other("the worker's container talks nonsense")),
            Ok(None) => return Ok(Reached::Lost),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(error),
            Err(_) => return Ok(Reached::Lost),
        }
    }
}

fn note(path: Option<&Path>, used: Used) -> io::Result<()> {
    path.map_or(Ok(()), |path| used.write(path))
}
