//! The one loop of the supervisor.

use super::Redactor;
use super::control::{Answer, MAX, Reply, Request};
use super::ladder::{GRACES, SHORT};
use super::log::Journal;
use super::record::Record;
use super::signals::{Signals, reap};
use super::turn::Turn;
use crate::domain::journal::Sys;
use crate::domain::turn::{BootSpec, TurnSpec};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many may be asking at once, and for how long.
const CLIENTS: usize = 32;
const CLIENT: Duration = Duration::from_secs(30);
/// A wait that took this much longer than asked for: the sandbox was paused.
const PAUSE: Duration = Duration::from_secs(5);
/// How long the last words wait for space on a full disk.
const LAST_WORDS: Duration = Duration::from_secs(2);

pub struct Server<'r> {
    run_dir: PathBuf,
    boot: BootSpec,
    redactor: Redactor<'r>,
    journal: Journal,
    signals: Signals,
    listener: UnixListener,
    clients: Vec<Client>,
    watchers: Vec<UnixStream>,
    /// How much of the journal the watchers were told of.
    told: u64,
    turn: Option<Turn>,
    idle_since: Instant,
    /// Why no further turn is run.
    closing: Option<&'static str>,
}

/// Somebody whose request is not all there yet.
struct Client {
    stream: UnixStream,
    request: Vec<u8>,
    since: Instant,
}

impl<'r> Server<'r> {
    pub fn new(
        run_dir: &Path,
        boot: BootSpec,
        redactor: Redactor<'r>,
        (journal, signals, listener): (Journal, Signals, UnixListener),
    ) -> Self {
        Self {
            run_dir: run_dir.to_owned(),
            boot,
            redactor,
            journal,
            signals,
            listener,
            clients: Vec::new(),
            watchers: Vec::new(),
            told: 0,
            turn: None,
            idle_since: Instant::now(),
            closing: None,
        }
    }

    /// Runs turns until it is told to end, or has nothing to do for too long.
    pub fn run(mut self, feed: UnixStream) {
        // The journal may hold lines of before.
        self.greet(feed);
        if let Some(first) = self.boot.first.take() {
            // A turn that was claimed before does not run again.
            if let Err(error) = self.start(first) {
                let told = format!("the first turn was refused: {error}");
                self.journal.output(0, crate::domain::journal::Stream::Err, told.as_bytes());
            }
        }
        let reason = loop {
            let now = Instant::now();
            self.heed_signals();
            self.serve(now);
            let mut due = self.journal.tick(now);
            match self.turn.as_mut().map(|turn| turn.pump(&mut self.journal, now)) {
                Some(Some(at)) => due = Some(due.map_or(at, |due| due.min(at))),
                Some(None) => {
                    self.turn = None;
                    self.idle_since = now;
                    due = Some(now);
                }
                None => match self.over(now) {
                    Ok(at) => due = [due, at].into_iter().flatten().min(),
                    Err(reason) => break reason,
                },
            }
            self.tell_watchers();
            self.wait(due);
        };
        self.end(reason);
    }

    /// Whether there is nothing more to do, and why; else when to ask again.
    fn over(&self, now: Instant) -> Result<Option<Instant>, &'static str> {
        if let Some(reason) = self.closing {
            return Err(reason);
        }
        if self.boot.idle_ms == 0 {
            return Ok(None);
        }
        let at = self.idle_since + Duration::from_millis(self.boot.idle_ms);
        if now >= at { Err("idle") } else { Ok(Some(at)) }
    }

    fn end(mut self, reason: &str) {
        self.journal.sys(0, &Sys::Ended { reason: reason.to_owned() });
        self.journal.free_reserve();
        let since = Instant::now();
        while self.journal.blocked().is_some() && since.elapsed() < LAST_WORDS {
            std::thread::sleep(Duration::from_millis(100));
            self.journal.flush();
        }
        self.journal.sync();
        // The watchers' ends close with it.
    }

    fn heed_signals(&mut self) {
        if self.signals.asked_to_end() {
            self.closing = Some("terminated");
            if let Some(turn) = &mut self.turn {
                turn.terminate(&mut self.journal, SHORT);
            }
        }
        let turn = &mut self.turn;
        reap(|pid, how| {
            if let Some(turn) = turn {
                turn.ended(pid, how);
            }
        });
    }

    /// Hears everybody who asks something.
    fn serve(&mut self, now: Instant) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() < CLIENTS && stream.set_nonblocking(true).is_ok() {
                self.clients.push(Client { stream, request: Vec::new(), since: now });
            }
        }
        for mut client in std::mem::take(&mut self.clients) {
            match client.read() {
                Ok(Some(request)) => self.answer(client.stream, &request),
                Ok(None) if now < client.since + CLIENT => self.clients.push(client),
                Ok(None) | Err(_) => {}
            }
        }
    }

    fn answer(&mut self, mut stream: UnixStream, request: &[u8]) {
        let answer = match serde_json::from_slice(request) {
            Ok(Request::Watch) => return self.greet(stream),
            Ok(Request::Turn { spec }) => self.start(*spec),
            Ok(Request::Interrupt) => Ok(match &mut self.turn {
                Some(turn) => {
                    turn.interrupt(&mut self.journal, GRACES);
                    Answer::Interrupting
                }
                None => Answer::Idle,
            }),
            Ok(Request::Close) => {
                self.closing.get_or_insert("closed");
                Ok(Answer::Closing)
            }
            Err(error) => Err(format!("it is no request: {error}")),
        };
        let mut line = serde_json::to_vec(&Reply::of(answer)).unwrap_or_default();
        line.push(b'\n');
        // Who asked may be gone; what was asked for is done all the same.
        let _ = stream.write_all(&line);
    }

    /// Claims a turn and begins it.
    fn start(&mut self, spec: TurnSpec) -> Result<Answer, String> {
        let record = Record::of(&self.run_dir, spec.turn);
        if spec.turn == 0 || spec.argv.is_empty() {
            return Err("a turn has a number from 1 on and a command".to_owned());
        }
        if record.is_claimed() {
            return Ok(Answer::Already);
        }
        if self.closing.is_some() {
            return Ok(Answer::Closing);
        }
        // The end of the last turn is told before the next one begins.
        if self.turn.is_some() || self.journal.blocked().is_some() {
            return Ok(Answer::Busy);
        }
        match record.claim() {
            Ok(true) => {}
            Ok(false) => return Ok(Answer::Already),
            Err(error) => return Err(format!("the turn cannot be claimed: {error}")),
        }
        self.turn = Some(Turn::new(&self.boot, spec, record, self.redactor));
        Ok(Answer::Started)
    }

    /// A new watcher is told at once: it may have missed something while it came.
    fn greet(&mut self, mut stream: UnixStream) {
        if stream.set_nonblocking(true).is_ok() && stream.write_all(b"\n").is_ok() {
            self.watchers.push(stream);
        }
    }

    fn tell_watchers(&mut self) {
        let written = self.journal.written();
        if written == self.told {
            return;
        }
        self.told = written;
        self.watchers.retain_mut(|stream| match stream.write(b"\n") {
            // It has not even read what it was told before.
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
            Ok(_) => true,
        });
    }

    /// Sleeps until something happens.
    fn wait(&mut self, due: Option<Instant>) {
        let before = Instant::now();
        let client = self.clients.iter().map(|client| client.since + CLIENT).min();
        let due = [due, client].into_iter().flatten().min();
        let wait = due.map(|due| due.saturating_duration_since(before));
        let timeout = wait.map_or(PollTimeout::NONE, timeout);
        let ready = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = vec![ready(self.signals.as_fd()), ready(self.listener.as_fd())];
        fds.extend(self.clients.iter().map(|client| ready(client.stream.as_fd())));
        fds.extend(self.turn.as_ref().and_then(|turn| turn.fd(before)).map(ready));
        // Whatever it says, everything is looked at again.
        let _ = poll(&mut fds, timeout);
        drop(fds);
        let late = before.elapsed().saturating_sub(wait.unwrap_or(Duration::MAX));
        if late > PAUSE
            && let Some(turn) = &mut self.turn
        {
            turn.stood_still(late);
        }
    }
}

/// A wait in whole milliseconds, rather too long than too short.
fn timeout(wait: Duration) -> PollTimeout {
    let ms = wait.as_micros().div_ceil(1000).min(60_000) as u16;
    PollTimeout::from(ms)
}

impl Client {
    /// The request, once all of it is there.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut block = [0; 16 << 10];
        loop {
            match self.stream.read(&mut block) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    let end = block[..n].iter().position(|b| *b == b'\n');
                    self.request.extend_from_slice(&block[..end.unwrap_or(n)]);
                    if end.is_some() {
                        return Ok(Some(std::mem::take(&mut self.request)));
                    }
                    if self.request.len() as u64 > MAX {
                        return Err(io::Error::other("it is too long"));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
