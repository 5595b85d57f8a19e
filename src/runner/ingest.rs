//! From the sandbox's journal to the host's transcript.
//!
//! Each read takes the whole lines there are: first they go to the host's copy of the journal, then
//! the events made of them to the transcript, then to whoever watches. After a crash the reader is
//! fed the turn's stored lines again, so that it knows what it knew; events that are stored already
//! are not stored or shown twice.

use super::Runner;
use super::watched::Watched;
use super::worker::{After, Live};
use crate::domain::journal::{Body, Exit, Line, Sys};
use crate::domain::lines;
use crate::domain::transcript::EventKind;
use crate::domain::turn::{Outcome, Verdict};
use crate::domain::words::Count;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::harness::Reader;
use crate::retry::Patience;
use crate::sandbox::{Area, Status};
use crate::store::{JournalFile, TranscriptFile, TurnRecord};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{BufRead as _, Read};
use std::time::Duration;

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// How often a broken connection is made again before the sandbox counts as out of reach.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(1500);

/// One turn being read.
pub(super) struct Ingest<'t> {
    journal: JournalFile,
    transcript: TranscriptFile,
    reader: Box<dyn Reader>,
    turn: &'t mut TurnRecord,
    verdict: Option<Verdict>,
    /// What the turn left, where the journal told it.
    packed: Option<Vec<u8>>,
    /// Whether the sandbox was ended, and the turn only with it.
    terminated: bool,
    rest: Vec<u8>,
}

impl Runner<'_> {
    /// Reads the turn's journal, to the turn's end where it is `followed`, else as far as it is
    /// written. Says whether the turn is over.
    pub(super) fn ingest(
        &mut self,
        turn: &mut TurnRecord,
        live: Option<Live>,
        followed: bool,
    ) -> Result<bool> {
        let dir = self.store.dir(&self.session.id);
        let journal = JournalFile::open(&dir.journal())?;
        let transcript = TranscriptFile::open(&dir.transcript(), journal.last)?;
        let before = self.conversation_before(turn)?;
        let reader = self.worker.reader(before.as_ref());
        let mut ingest = Ingest {
            journal,
            transcript,
            reader,
            turn,
            verdict: None,
            packed: None,
            terminated: false,
            rest: Vec::new(),
        };
        ingest.replay(self)?;
        let mut live = live;
        let mut broken = 0;
        while ingest.verdict.is_none() {
            let before = ingest.journal.last;
            let read = match live.take() {
                Some(live) => ingest.drain(self, live),
                None => self
                    .worker
                    .journal(
                        &self.session.id,
                        After { n: ingest.journal.last, turn: ingest.turn.turn, follow: followed },
                    )
                    .and_then(|stream| ingest.drain(self, stream)),
            };
            ingest.rest.clear();
            if ingest.verdict.is_some() {
                break;
            }
            if let Err(failed) = &read
                && matches!(failed.kind, Kind::Config | Kind::Credential)
            {
                // It is our own disk, or who answers is not who should: trying again at once would
                // not help.
                let again = format!("then go on: `loop session attach {}`", self.session.id);
                return Err(failed.clone().hint(again));
            }
            match self.worker.status(&self.session.id) {
                Err(failed) if !followed => return Err(failed),
                Ok(Status::Running | Status::Paused | Status::Created) if !followed => break,
                // It stands still, and nothing is wrong.
                Ok(Status::Paused) => std::thread::sleep(PAUSE),
                Ok(Status::Running | Status::Created) | Err(_) => {
                    broken = if ingest.journal.last > before { 0 } else { broken + 1 };
                    if broken > TRIES {
                        return Err(out_of_reach(&self.session.id, read.err()));
                    }
                    std::thread::sleep(PAUSE.mul_f64(f64::from(broken.min(2)) / 2.0));
                }
                Ok(Status::Stopped { .. } | Status::Lost { journal: true, .. }) => {
                    ingest.read_stopped(self)?;
                    break;
                }
                Ok(Status::Gone | Status::Lost { .. }) => break,
            }
        }
        ingest.finish(self)
    }

    fn conversation_before(
        &self,
        turn: &TurnRecord,
    ) -> Result<Option<crate::domain::turn::Conversation>> {
        let turns = self.store.turns(&self.session.id)?;
        Ok(turns
            .into_iter()
            .filter(|t| t.turn < turn.turn)
            .filter_map(|t| t.conversation)
            .next_back())
    }
}

fn out_of_reach(session: &str, cause: Option<Failure>) -> Failure {
    let failure =
        Failure::new(Kind::Network, "the sandbox is out of reach; what it does is unknown");
    cause
        .map_or(failure.clone(), |cause| failure.because(cause))
        .hint(format!("the worker goes on; look again: `loop session attach {session}`"))
}

impl Ingest<'_> {
    /// Feeds the reader what is stored of the turn.
    fn replay(&mut self, runner: &mut Runner) -> Result<()> {
        let doing = || "read the journal again".to_owned();
        let mut stored = self.journal.from(self.turn.journal_from)?;
        let mut line = Vec::new();
        while self.verdict.is_none() {
            line.clear();
            if stored.read_until(b'\n', &mut line).cannot(Kind::Config, doing)? == 0 {
                break;
            }
            self.line(runner, &line);
            self.store_events(64 << 10)?;
        }
        self.store_events(0)
    }

    /// Reads a stream until it ends or the turn does.
    fn drain(&mut self, runner: &mut Runner, mut stream: impl Read) -> Result<()> {
        let mut chunk = vec![0; CHUNK];
        while self.verdict.is_none() {
            let read = stream
                .read(&mut chunk)
                .cannot(Kind::Network, || "read the sandbox's journal".to_owned())?;
            if read == 0 {
                break;
            }
            self.bytes(runner, &chunk[..read])?;
        }
        Ok(())
    }

    /// Takes in bytes of the journal; only whole lines count.
    fn bytes(&mut self, runner: &mut Runner, bytes: &[u8]) -> Result<()> {
        let Some(end) = memchr::memrchr(b'\n', bytes) else {
            self.rest.extend_from_slice(bytes);
            return Ok(());
        };
        let mut lines = std::mem::take(&mut self.rest);
        lines.extend_from_slice(&bytes[..=end]);
        self.rest.extend_from_slice(&bytes[end + 1..]);
        self.lines(runner, &lines)
    }

    fn lines(&mut self, runner: &mut Runner, lines: &[u8]) -> Result<()> {
        // What was read before is not stored again, and after a gap nothing is: it is asked for anew.
        let (mut from, mut end, mut last) = (0, 0, self.journal.last);
        for line in lines::lines(lines) {
            match Line::number(line) {
                Some(n) if n == last + 1 => last = n,
                Some(n) if n <= self.journal.last && last == self.journal.last => {
                    from = end + line.len();
                }
                _ => break,
            }
            end += line.len();
        }
        let fresh = &lines[from.min(end)..end];
        if fresh.is_empty() {
            return Ok(());
        }
        self.journal.append(fresh, last)?;
        for line in lines::lines(fresh) {
            self.line(runner, line);
            self.store_events(1 << 20)?;
        }
        self.store_events(0)
    }

    /// Writes events out once more than so many bytes of them wait.
    fn store_events(&mut self, more_than: usize) -> Result<()> {
        if self.transcript.pending() > more_than { self.transcript.flush() } else { Ok(()) }
    }

    /// One line: its events are stored and told, unless they were before.
    fn line(&mut self, runner: &mut Runner, line: &[u8]) {
        let Some(line) = Line::read(line) else { return };
        if line.turn != self.turn.turn && line.turn != 0 {
            return;
        }
        let (n, at) = (line.n, line.t);
        let stored = self.transcript.stored_of(n);
        for kind in self.events(line).into_iter().skip(stored) {
            let event = self.transcript.push(n, self.turn.turn, at, kind);
            runner.reporter.event(&event);
        }
    }

    fn events(&mut self, line: Line) -> Vec<EventKind> {
        match line.body {
            // What belongs to no turn is the output of `setup` commands.
            Body::Out(text) | Body::Err(text) if line.turn == 0 => {
                vec![EventKind::Status { text: text.into_owned() }]
            }
            Body::Out(text) => self.reader.out(&text),
            Body::Err(text) => self.reader.err(&text),
            Body::Sys(sys) => self.word(sys, line.t),
        }
    }

    /// What the supervisor said.
    fn word(&mut self, sys: Sys, at: i64) -> Vec<EventKind> {
        let status = |text: String| vec![EventKind::Status { text }];
        let error = |text: String| vec![EventKind::Error { text }];
        match sys {
            Sys::SetupStarted { command } => status(format!("setup: {command}")),
            Sys::SetupExited { command, exit } => match exit.code {
                Some(0) => status(format!("setup done: {command}")),
                _ => error(format!("setup failed: {command}")),
            },
            Sys::TurnStarted { .. } => {
                self.turn.started_at = Some(at);
                vec![EventKind::User { text: self.turn.prompt.clone() }]
            }
            Sys::TurnExited(exit) => {
                let mut events = self.reader.rest();
                events.extend(self.exited(&exit, at));
                events
            }
            Sys::Truncated { what, bytes } => {
                let left_out = Count::of(bytes as usize, "byte");
                error(format!("a {what} was too long: {left_out} of it left out"))
            }
            Sys::Limit(limit) => status(format!("a limit ends the turn: {limit:?}").to_lowercase()),
            Sys::Interrupted => status("interrupted".to_owned()),
            Sys::Tampered { detail } => {
                error(format!("the worker altered its own output file: {detail}"))
            }
            Sys::Artifacts { tar } => {
                self.packed = STANDARD.decode(tar).ok();
                Vec::new()
            }
            Sys::Ended { .. } => Vec::new(),
        }
    }

    fn exited(&mut self, exit: &Exit, at: i64) -> Vec<EventKind> {
        let mut verdict = self.reader.end(exit);
        if let Some((outcome, reason)) = Verdict::forced(exit) {
            verdict.outcome = outcome;
            verdict.reason = Some(reason);
        }
        self.terminated = exit.terminated;
        self.turn.ended_at = Some(at);
        self.turn.outcome = Some(verdict.outcome);
        self.turn.reason.clone_from(&verdict.reason);
        self.turn.answer.clone_from(&verdict.answer);
        self.turn.usage = verdict.usage;
        self.turn.cost_usd = verdict.cost_usd;
        self.turn.conversation.clone_from(&verdict.conversation);
        let name = verdict.outcome.name();
        let event = match (verdict.outcome, &verdict.reason) {
            (Outcome::Succeeded, _) => {
                EventKind::Status { text: format!("turn {} succeeded", self.turn.turn) }
            }
            (_, Some(reason)) => {
                EventKind::Error { text: format!("turn {} {name}: {reason}", self.turn.turn) }
            }
            (_, None) => EventKind::Error { text: format!("turn {} {name}", self.turn.turn) },
        };
        self.verdict = Some(verdict);
        vec![event]
    }

    /// The journal of a stopped sandbox, as an archive of one file. What is there of it already is
    /// passed over.
    fn read_stopped(&mut self, runner: &mut Runner) -> Result<()> {
        let session = runner.session.id.clone();
        let read = Patience::CUT_OFF.through(|| {
            self.rest.clear();
            let mut stream = Watched::of(runner.worker.download(&session, Area::Journal)?);
            let read = self.unpack(runner, &mut stream);
            stream.end(read)
        });
        read.map_err(|failed| failed.hint(format!("go on: `loop session attach {session}`")))
    }

    fn unpack(&mut self, runner: &mut Runner, archive: impl Read) -> Result<()> {
        let doing = || "read the stopped sandbox's journal".to_owned();
        let mut archive = tar::Archive::new(archive);
        for entry in archive.entries().cannot(Kind::Sandbox, doing)? {
            let entry = entry.cannot(Kind::Sandbox, doing)?;
            if entry.header().entry_type().is_file() {
                return self.drain(runner, entry);
            }
        }
        Ok(())
    }

    fn finish(self, runner: &mut Runner) -> Result<bool> {
        let Self { journal, mut transcript, turn, verdict, packed, terminated, .. } = self;
        if terminated && let Some(reason) = runner.reason_from_outside() {
            turn.reason = Some(reason);
        }
        runner.packed = packed;
        transcript.flush()?;
        journal.sync()?;
        transcript.sync()?;
        runner.store.update_turn(&runner.session.id, turn)?;
        runner.refused = verdict.as_ref().is_some_and(|verdict| verdict.credential);
        Ok(verdict.is_some())
    }
}
