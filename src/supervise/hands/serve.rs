//! The worker's side: the hidden command `hands`, process 1 of the worker's container.

use super::super::job::Ended;
use super::super::memory;
use super::super::processes::{self, Target};
use super::super::signals::{Signals, reap};
use super::super::watch::Watch;
use super::Used;
use super::frame::{Command as Wanted, End, Frame};
use super::scratch::{Grows, Input};
use crate::error::{Cannot as _, Kind, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::Pid;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a command may take to be handed over.
const HANDING: Duration = Duration::from_mins(1);
/// How often it is told what is used.
const TELLING: Duration = Duration::from_secs(1);
/// How long what a command left behind may take to end when told to, and then to die.
const LEFT_BEHIND: Duration = Duration::from_millis(300);
const DYING: Duration = Duration::from_secs(10);
/// How often they look whether it is time to end.
const LOOKING_MS: u16 = 500;
const SOON: Duration = Duration::from_millis(5);

/// How long they go on once a signal says to end: the supervisor is told the same, and needs them to
/// end a turn. It is shorter than a cluster waits.
const GOODBYE: Duration = Duration::from_secs(9);

/// Runs one command after the other, for a user that the kernel vouches for, until told to end.
pub fn serve(socket: &Path, owner: u32) -> Result<()> {
    let doing = || format!("listen at `{}`", socket.display());
    let mut signals = Signals::new()?;
    nix::sys::prctl::set_child_subreaper(true).cannot(Kind::Sandbox, doing)?;
    let listener = listen(socket).cannot(Kind::Sandbox, doing)?;
    let mut goodbye = Goodbye(None);
    loop {
        if goodbye.is_due(&mut signals) {
            return Ok(());
        }
        let ready = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [ready(signals.as_fd()), ready(listener.as_fd())];
        let _ = poll(&mut fds, PollTimeout::from(LOOKING_MS));
        reap(|_, _| {});
        let Ok((stream, _)) = listener.accept() else { continue };
        let peer = getsockopt(&stream, PeerCredentials).map(|peer| peer.uid());
        if peer != Ok(owner) {
            continue;
        }
        let folder = socket.parent().unwrap_or(socket);
        let after = attend(stream, folder, (&mut signals, &mut goodbye));
        // Whatever became of it, nothing of it runs on.
        end_all(true);
        if matches!(after, Ok(After::End)) {
            return Ok(());
        }
    }
}

fn listen(socket: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    // The supervisor is another user. Who comes is told by the kernel.
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o666))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What is to be done after a command.
enum After {
    Next,
    End,
}

/// When a signal said to end.
struct Goodbye(Option<Instant>);

impl Goodbye {
    fn is_due(&mut self, signals: &mut Signals) -> bool {
        if signals.asked_to_end() {
            self.0.get_or_insert_with(Instant::now);
        }
        self.0.is_some_and(|told| told.elapsed() >= GOODBYE)
    }
}

fn attend(
    mut stream: UnixStream,
    folder: &Path,
    (signals, goodbye): (&mut Signals, &mut Goodbye),
) -> io::Result<After> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(HANDING))?;
    let Some((wanted, input)) = take(&mut stream, folder)? else { return Ok(After::End) };
    stream.set_read_timeout(None)?;
    let kills = memory::kills();
    let mut running = match Running::start(stream.try_clone()?, &wanted, input, folder) {
        Ok(running) => running,
        Err(error) => {
            let name = wanted.argv.first().map_or("", String::as_str);
            let reason = format!("`{name}` in `{}`: {error}", wanted.cwd);
            Frame::Refused(reason).write(&mut stream)?;
            return Ok(After::Next);
        }
    };
    let Some(how) = running.follow((signals, goodbye), kills)? else { return Ok(After::End) };
    end_all(false);
    while running.copy()? {}
    let oom_kills = memory::kills().saturating_sub(kills);
    let (code, signal) = match how {
        Ended::Code(code) => (Some(code), None),
        Ended::Signal(signal) => (None, Some(signal)),
    };
    Frame::Ended(End { code, signal, oom_kills }).write(&mut stream)?;
    Ok(After::Next)
}

/// The command and what it reads; `None` where the hands are to end.
fn take(stream: &mut UnixStream, folder: &Path) -> io::Result<Option<(Wanted, std::fs::File)>> {
    let mut wanted = Wanted::default();
    let mut input = Input::new(folder)?;
    loop {
        match Frame::read(stream)? {
            Some(Frame::Command(command)) => wanted = command,
            Some(Frame::Input(piece)) => input.push(&piece)?,
            Some(Frame::Begin) => return Ok(Some((wanted, input.whole()?))),
            Some(Frame::Dismiss) => return Ok(None),
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

struct Running {
    stream: UnixStream,
    pid: Pid,
    out: Grows,
    err: Grows,
    watch: Watch,
    told: (Used, Instant),
}

impl Running {
    fn start(
        stream: UnixStream,
        wanted: &Wanted,
        input: std::fs::File,
        folder: &Path,
    ) -> io::Result<Self> {
        let (out_end, out) = Grows::new(folder, "out")?;
        let (err_end, err) = Grows::new(folder, "err")?;
        let mut words = wanted.argv.iter();
        let program = words.next().ok_or_else(|| io::Error::other("the command is empty"))?;
        let mut command = Command::new(program);
        command
            .args(words)
            .env_clear()
            .envs(wanted.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&wanted.cwd)
            .process_group(0)
            .stdin(input)
            .stdout(out_end)
            .stderr(err_end);
        let pid = Pid::from_raw(command.spawn()?.id().cast_signed());
        let watch = Watch::new(&[&out.path(), &err.path()]);
        Ok(Self { stream, pid, out, err, watch, told: (Used::default(), Instant::now()) })
    }

    /// Tells what is written until the command's main process ends; `None` where the hands are to.
    fn follow(
        &mut self,
        (signals, goodbye): (&mut Signals, &mut Goodbye),
        kills: u64,
    ) -> io::Result<Option<Ended>> {
        loop {
            let moved = self.copy()?;
            let now = Instant::now();
            self.watch.looked(moved, now);
            if goodbye.is_due(signals) {
                return Ok(None);
            }
            let (pid, mut ended) = (self.pid, None);
            reap(|which, how| {
                if which == pid {
                    ended = Some(how);
                }
            });
            if ended.is_some() {
                return Ok(ended);
            }
            self.tell_used(now, kills)?;
            let pause = if moved { Duration::ZERO } else { self.pause(now) };
            if self.wait(signals, pause, now) {
                self.heed()?;
            }
        }
    }

    fn pause(&self, now: Instant) -> Duration {
        let telling = self.told.1 + TELLING;
        self.watch.due(now).min(telling).saturating_duration_since(now)
    }

    /// Sleeps until something happens; says whether the supervisor has said something.
    fn wait(&self, signals: &Signals, pause: Duration, now: Instant) -> bool {
        let ready = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = vec![ready(self.stream.as_fd()), ready(signals.as_fd())];
        fds.extend(self.watch.fd(now).map(ready));
        let pause = PollTimeout::from(pause.as_micros().div_ceil(1000).min(60_000) as u16);
        let _ = poll(&mut fds, pause);
        fds[0].any().unwrap_or(false)
    }

    /// Does what the supervisor says. Where it is gone that is an error, and ends everything.
    fn heed(&mut self) -> io::Result<()> {
        match Frame::read(&mut self.stream)? {
            Some(Frame::Signal(signal)) => {
                if let Ok(signal) = Signal::try_from(signal) {
                    processes::ask(Target { main: self.pid, wrapped: false }, signal);
                }
                Ok(())
            }
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Passes on a piece of each stream. Says whether there was anything.
    fn copy(&mut self) -> io::Result<bool> {
        let (out, err) = (self.out.next()?, self.err.next()?);
        let moved = !out.is_empty() || !err.is_empty();
        if !out.is_empty() {
            Frame::Out(out).write(&mut self.stream)?;
        }
        if !err.is_empty() {
            Frame::Err(err).write(&mut self.stream)?;
        }
        Ok(moved)
    }

    fn tell_used(&mut self, now: Instant, kills: u64) -> io::Result<()> {
        if now < self.told.1 + TELLING {
            return Ok(());
        }
        let cpu = processes::living().iter().map(|process| process.cpu).sum();
        let used = Used { cpu, oom_kills: memory::kills().saturating_sub(kills) };
        let before = std::mem::replace(&mut self.told, (used, now)).0;
        if used == before { Ok(()) } else { Frame::Used(used).write(&mut self.stream) }
    }
}

/// Ends whatever runs below us: told first, unless it is late for that.
fn end_all(at_once: bool) {
    let since = Instant::now();
    if !at_once && !processes::living().is_empty() {
        processes::ask_all(Signal::SIGTERM);
    }
    loop {
        reap(|_, _| {});
        let gone = processes::living().is_empty();
        if gone || since.elapsed() > DYING {
            return;
        }
        if at_once || since.elapsed() >= LEFT_BEHIND {
            processes::kill_all();
        }
        std::thread::sleep(SOON);
    }
}
