//! The one loop that drives a session, whatever provider and harness it runs on.
//!
//! A session's truth is in two places only: the sandbox, while it lives, and the store. So every
//! step here can be cut off at any moment and taken up by another process: what was read of the
//! journal is on the disk before it is shown, and the end of a turn is worked out again from what is
//! stored, never remembered. Only the process that holds the session's lock drives it; others read
//! the store ([`watch`]).

mod automations;
mod clean;
mod collect;
mod evidence;
mod ingest;
mod pull_request;
mod recover;
pub mod signal;
mod telemetry;
mod view;
mod watch;
mod watched;
mod worker;

pub use automations::{Look, monitor};
pub use evidence::{Gather, unused};
mod report;
mod repository;

pub use collect::list_all;
pub use pull_request::{Publisher, look_up, standing};
pub use recover::{Parts, Recovered, Swept, orphans, sweep};
pub use telemetry::{Sending, Telling, events};
pub use view::{outline, view};
pub use watch::{Tail, watch};
pub use worker::{Ending, Hosted, Program, Sandboxed, Worker};

use crate::config::settings::Telemetry;
use crate::domain::session::{Effect, End, Input, Phase, step};
use crate::domain::turn::Outcome;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::output::{Reporter, Step};
use crate::retry::Patience;
use crate::sandbox::{Created, Status};
use crate::secrets::Secret;
use crate::store::{SessionRecord, Store, TurnRecord, TurnState};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use worker::{Live, Task};

/// How long a sandbox that is just ending is waited for, to make another.
const FOUND_TRIES: u32 = 100;
const FOUND_PAUSE: Duration = Duration::from_millis(100);
/// How often it is asked why a sandbox was ended: that is told a moment later.
const OUTSIDE_TRIES: u32 = 40;

/// Finds a program, telling how far it is.
pub type ProgramFinder<'a> = dyn Fn(&Program, &mut dyn FnMut(Step)) -> Result<PathBuf> + 'a;

/// What a run needs of the world outside, as functions, so that nothing in here reads a clock, the
/// environment or the network by itself.
pub struct Outside<'a> {
    /// Unix milliseconds.
    pub now: &'a dyn Fn() -> i64,
    pub secret: &'a dyn Fn(&str) -> Result<Secret>,
    /// A harness's program on this machine, fetched where it has to be.
    pub program: &'a ProgramFinder<'a>,
    /// The user's certificate bundle.
    pub ca_bundle: Option<PathBuf>,
    /// Where our own runs go as spans. Read only where there are spans to send.
    pub telemetry: &'a dyn Fn() -> Result<Option<Telemetry>>,
    /// The variables of the environment that git may see.
    pub git_env: Vec<(String, String)>,
}

/// Drives one session. Whoever has one holds the session's lock.
pub struct Runner<'a> {
    pub store: &'a mut Store,
    pub worker: Rc<dyn Worker>,
    pub reporter: &'a mut dyn Reporter,
    pub outside: &'a Outside<'a>,
    pub session: SessionRecord,
    /// Whether the last turn failed for want of a credential.
    pub refused: bool,
    /// Why the branch was not published, where it was to be.
    pub unpublished: Option<Failure>,
    /// What the turn that was just read left, where its journal told it.
    packed: Option<Vec<u8>>,
}

impl<'a> Runner<'a> {
    pub fn new(
        store: &'a mut Store,
        worker: Rc<dyn Worker>,
        reporter: &'a mut dyn Reporter,
        outside: &'a Outside<'a>,
    ) -> impl FnOnce(SessionRecord) -> Self {
        move |session| Self {
            store,
            worker,
            reporter,
            outside,
            session,
            refused: false,
            unpublished: None,
            packed: None,
        }
    }
}

impl Runner<'_> {
    /// Makes the sandbox and hands over the first turn. What is returned is the journal as it comes
    /// in, where the provider has it for nothing.
    pub fn launch(&mut self) -> Result<Option<Live>> {
        let mut turn = self.turn_in_hand()?.ok_or_else(|| {
            Failure::new(Kind::Bug, format!("session `{}` has no turn to run", self.session.id))
        })?;
        match self.try_launch(&turn) {
            Ok(live) => {
                // From here on the worker works: whatever goes wrong is no reason to end it.
                self.started(&mut turn)?;
                Ok(live)
            }
            Err(failed) => {
                self.session.reason = Some(failed.to_string());
                // Why it failed is what counts; what could not be removed now `gc` finds by its
                // label. Where even that cannot be stored, it is still provisioning, and started or
                // given up by who looks next.
                if self.advance(Input::ProvisionFailed).is_err() {
                    self.session.phase = Phase::Finished(End::Failed);
                    self.session.finished_at = Some((self.outside.now)());
                    let _ = self.store.update(&self.session);
                }
                Err(failed)
            }
        }
    }

    fn try_launch(&mut self, turn: &TurnRecord) -> Result<Option<Live>> {
        self.gather_evidence()?;
        self.take_repository()?;
        let mut tries = 0;
        loop {
            self.forget_journal()?;
            let Created { id, live, found, notes } = self.begin(turn)?;
            for note in notes {
                self.reporter.warn(&note);
            }
            self.session.sandbox = Some(id);
            if !found {
                return Ok(live);
            }
            let Err(failed) = self.hand(turn) else { return Ok(None) };
            // The one that was found may just be ending: then it has the turn, or another is made.
            tries += 1;
            if tries > FOUND_TRIES {
                return Err(failed);
            }
            std::thread::sleep(FOUND_PAUSE);
            if self.first_turn_began()? {
                return Ok(None);
            }
        }
    }

    fn begin(&mut self, turn: &TurnRecord) -> Result<Created> {
        let worker = Rc::clone(&self.worker);
        worker.launch(&mut self.task(turn))
    }

    fn hand(&mut self, turn: &TurnRecord) -> Result<()> {
        let worker = Rc::clone(&self.worker);
        worker.hand(&self.task(turn))
    }

    fn task<'t>(&'t mut self, turn: &'t TurnRecord) -> Task<'t> {
        let Self { store, session, outside, reporter, .. } = self;
        Task { store, session, turn, outside, reporter: &mut **reporter }
    }

    /// The turn never began, and a sandbox that is made anew counts its lines anew.
    fn forget_journal(&self) -> Result<()> {
        let dir = self.store.dir(&self.session.id);
        for stale in [dir.journal(), dir.transcript()] {
            match std::fs::remove_file(&stale) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(error).cannot(Kind::Config, || format!("remove `{}`", stale.display()))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Hands a turn to the worker of a session that goes on. Safe to repeat.
    pub fn hand_over(&mut self, turn: &mut TurnRecord) -> Result<()> {
        self.hand(turn)?;
        self.started(turn)
    }

    fn started(&mut self, turn: &mut TurnRecord) -> Result<()> {
        turn.state = TurnState::Handed;
        // Whatever was about to end it did not.
        self.session.closing_at = None;
        if turn.turn > 1 {
            // Everything before it is collected, so the journal's next line is the turn's.
            let journal = self.store.dir(&self.session.id).journal();
            turn.journal_from = journal.metadata().map_or(0, |about| about.len());
        }
        self.advance_with(Input::TurnHandedOver, Some(turn))
    }

    /// Follows the running turn to its end and takes in what it left.
    pub fn follow(&mut self, live: Option<Live>) -> Result<Outcome> {
        let Some(mut turn) = self.turn_in_hand()? else {
            return Ok(self.session.outcome.unwrap_or(Outcome::Empty));
        };
        let ended = self.ingest(&mut turn, live, true)?;
        if ended {
            self.collect(&mut turn)?;
        } else {
            self.lost(&mut turn)?;
        }
        Ok(turn.outcome.unwrap_or(Outcome::Interrupted))
    }

    /// Hands over the oldest turn that waits, if there is one.
    pub fn next_queued(&mut self) -> Result<bool> {
        let turns = self.store.turns(&self.session.id)?;
        let Some(mut turn) = turns.into_iter().find(|turn| turn.state == TurnState::Queued) else {
            return Ok(false);
        };
        self.hand_over(&mut turn)?;
        Ok(true)
    }

    /// Asks the worker to end the running turn.
    pub fn interrupt(&self) -> Result<()> {
        self.worker.end(&self.session.id, Ending::Turn)
    }

    /// Ends the session: the sandbox goes, unless it is to be kept.
    pub fn close(&mut self) -> Result<()> {
        self.advance(Input::Close)
    }

    /// Ends it whatever it is doing, with what it has left so far. A session that had nothing more to
    /// do ends as its last turn did; one that was cut off is cancelled.
    pub fn stop(&mut self) -> Result<()> {
        if self.session.phase == Phase::Running && self.interrupt().is_ok() {
            self.follow(None)?;
        }
        let done = self.session.outcome.is_some_and(|outcome| outcome != Outcome::Interrupted);
        let idle = self.session.phase == Phase::Idle;
        self.advance(if idle && done { Input::Close } else { Input::Cancel })
    }

    /// The sandbox ended under a running turn, and its journal does not say how the turn ended.
    fn lost(&mut self, turn: &mut TurnRecord) -> Result<()> {
        turn.outcome = Some(Outcome::Interrupted);
        turn.ended_at = Some((self.outside.now)());
        let reason = match self.worker.status(&self.session.id) {
            Ok(Status::Stopped { oom_killed: true }) => {
                "the sandbox ran out of memory and was ended".to_owned()
            }
            Ok(Status::Lost { reason, .. }) => {
                format!("the sandbox was ended from outside: {reason}")
            }
            _ => "the sandbox ended before the turn did".to_owned(),
        };
        turn.reason = Some(reason);
        // Where its files are gone too, that was told.
        turn.collecting_at = turn.ended_at;
        self.take_artifacts()?;
        self.turn_over(turn, Input::SandboxGone)
    }

    /// Why whoever runs the sandbox ended it, once that is told.
    fn reason_from_outside(&self) -> Option<String> {
        for _ in 0..OUTSIDE_TRIES {
            match self.worker.status(&self.session.id) {
                Ok(Status::Lost { reason, .. }) => {
                    return Some(format!("the sandbox was ended from outside: {reason}"));
                }
                Ok(Status::Running) | Err(_) => std::thread::sleep(FOUND_PAUSE),
                Ok(_) => return None,
            }
        }
        None
    }

    /// Takes a step and does what it asks for. What is to be removed is removed before the session
    /// counts as over, so that nobody forgets it.
    fn advance(&mut self, input: Input) -> Result<()> {
        self.advance_with(input, None)
    }

    /// The same, with what changed of a turn.
    fn advance_with(&mut self, input: Input, turn: Option<&TurnRecord>) -> Result<()> {
        let (phase, effect) = step(self.session.phase, self.session.outcome, input);
        if let Some(effect) = effect {
            // Said before it is done: where this is cut off, whoever looks next goes on with it.
            self.session.closing_at = Some((self.outside.now)());
            self.store.update(&self.session)?;
            self.perform(effect, phase)?;
        }
        if phase.is_over() && !self.session.phase.is_over() {
            self.session.finished_at = Some((self.outside.now)());
        }
        self.session.phase = phase;
        match turn {
            Some(turn) => self.store.update_both(&self.session, turn),
            None => self.store.update(&self.session),
        }
    }

    fn perform(&mut self, effect: Effect, next: Phase) -> Result<()> {
        if effect == Effect::CollectAndRemove
            && let Some(mut turn) = self.turn_in_hand()?
        {
            // Whatever can still be had; the sandbox may never have been made.
            if self.ingest(&mut turn, None, false).is_ok()
                && let Err(failed) = self.collect(&mut turn)
                && failed.kind == Kind::Network
            {
                return Err(failed);
            }
        }
        let keep = self.session.plan.sandbox.keep;
        if keep.keeps(next == Phase::Finished(End::Succeeded)) && self.session.sandbox.is_some() {
            // One that has stopped by itself needs no telling.
            let _ = self.worker.end(&self.session.id, Ending::Worker);
            return Ok(());
        }
        Patience::CUT_OFF
            .through(|| self.worker.end(&self.session.id, Ending::Everything))
            .map_err(|failed| failed.hint("what is left of it is removed by `loop gc`"))
    }

    /// The turn that was handed over, or is about to be, and is not collected.
    fn turn_in_hand(&self) -> Result<Option<TurnRecord>> {
        let turns = self.store.turns(&self.session.id)?;
        Ok(turns.into_iter().find(|turn| turn.state == TurnState::Handed))
    }
}
