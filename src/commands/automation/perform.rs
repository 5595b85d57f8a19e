//! What performs a fire.
//!
//! [`perform`] may be called by anybody, at any time, as often as they like: who has the fire's claim
//! goes on where it stands, and all others leave it alone. Whether it waits, has just been admitted,
//! has a session that was never launched, or one that is over is read from the store each time.

use super::plan::plan;
use crate::commands::app::App;
use crate::commands::clock;
use crate::commands::session::drive;
use crate::commands::signal;
use crate::domain::automation::admit::{Admission, admit};
use crate::domain::automation::fire::{Fire, State};
use crate::domain::automation::{Automation, On};
use crate::domain::session::{End, Phase};
use crate::domain::turn::Outcome;
use crate::error::{Failure, Result};
use crate::output::Reporter;
use crate::runner::{self, Runner};
use crate::store::{Ended, SessionRecord, Store, Target, TurnRecord, TurnState};

/// How a fire is performed.
pub struct How<'a> {
    /// Stays until its session is over; else the worker goes on alone, and is collected later.
    pub follow: bool,
    pub reporter: &'a mut dyn Reporter,
}

/// What came of it, as far as this call brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Performed {
    /// Somebody else performs it.
    Elsewhere,
    /// It waits for an earlier one.
    Waits,
    /// Its session runs.
    Runs,
    /// It is over.
    Over,
}

/// Brings a fire as far as it can be brought now.
pub fn perform(app: &App, store: &mut Store, id: &str, how: &mut How) -> Result<Performed> {
    let Some(claim) = store.claim(id)? else { return Ok(Performed::Elsewhere) };
    let fire = store.fire(id)?;
    let automation = app.layers()?.automation(&fire.automation).map(|(automation, _)| automation);
    let one = Performing { app, fire: &fire, automation: automation.as_ref() };
    let performed = match fire.state {
        State::Waiting => one.admit(store, how)?,
        State::Running => one.go_on(store, how)?,
        _ => Performed::Over,
    };
    if performed == Performed::Over {
        claim.over();
    }
    Ok(performed)
}

struct Performing<'a> {
    app: &'a App,
    fire: &'a Fire,
    /// As its file is now; it may be gone.
    automation: std::result::Result<&'a Automation, &'a Failure>,
}

impl Performing<'_> {
    fn admit(&self, store: &mut Store, how: &mut How) -> Result<Performed> {
        let automation = match self.automation {
            Ok(automation) => automation,
            Err(failed) => return self.failed(store, failed),
        };
        let tell = self.tell(State::Refused, false);
        let now = clock::now();
        let admission = store.admit(&self.fire.id, now, &tell, |fire, around| {
            admit(automation, &fire.chain, around, now)
        })?;
        match admission {
            Admission::Go => self.begin(store, how),
            Admission::Replace(running) => {
                for id in running {
                    self.replace(store, &id)?;
                }
                self.begin(store, how)
            }
            Admission::Wait => Ok(Performed::Waits),
            Admission::Skip(_) | Admission::Merge(_) | Admission::Refuse(_) => Ok(Performed::Over),
        }
    }

    /// Starts what an automation starts: a run of Signal, or one session, which has the fire's id.
    fn begin(&self, store: &mut Store, how: &mut How) -> Result<Performed> {
        if let Ok(automation) = self.automation
            && automation.signal.is_some()
        {
            return self.signal(store, automation);
        }
        let prepared = self
            .automation
            .map_err(Failure::clone)
            .and_then(|automation| plan(self.app, automation, self.fire));
        let plan = match prepared {
            Ok(plan) => plan,
            Err(failed) => return self.failed(store, &failed),
        };
        let session = drive::record(self.fire.id.clone(), plan);
        let first = TurnRecord::new(1, &session.plan.prompt, TurnState::Handed);
        let _lock = store.insert(&session, &first)?;
        how.reporter.started(&runner::view(store, &session)?);
        self.drive(store, session, how)
    }

    /// A run of Signal, to its end. One that was cut off is run again: it counts nothing twice.
    fn signal(&self, store: &mut Store, automation: &Automation) -> Result<Performed> {
        let (state, reason, changed) = match signal::perform(self.app, store, automation, self.fire)
        {
            Ok(Some(run)) => (State::Done, signal::said(&run), !run.changes.is_empty()),
            Ok(None) => (State::Skipped, "another run of it is going on".to_owned(), false),
            Err(failed) => return self.failed(store, &failed),
        };
        let outcome = (state == State::Done).then(|| Outcome::Succeeded.name());
        let (tell, reason) = (self.tell(State::Done, changed), Some(reason.as_str()));
        let ended = Ended { state, reason, outcome, now: clock::now(), tell: &tell };
        store.end_fire(&self.fire.id, &ended)?;
        Ok(Performed::Over)
    }

    /// Goes on with a fire that somebody began.
    fn go_on(&self, store: &mut Store, how: &mut How) -> Result<Performed> {
        let Some(session) = store.session_of_fire(&self.fire.id)? else {
            // Whoever began it did not get as far as to record its session.
            return self.begin(store, how);
        };
        if session.phase.is_over() {
            return self.ended(store);
        }
        let Some(_lock) = store.dir(&session.id).lock()? else { return Ok(Performed::Elsewhere) };
        let session = store.session(&session.id)?;
        how.reporter.started(&runner::view(store, &session)?);
        self.drive(store, session, how)
    }

    /// Drives the session, whose lock is held.
    fn drive(&self, store: &mut Store, session: SessionRecord, how: &mut How) -> Result<Performed> {
        let id = session.id.clone();
        let follow = how.follow;
        let driven =
            self.app.with_runner(store, session, how.reporter, |runner| bring_on(runner, follow));
        let over = store.session(&id)?.phase.is_over();
        if over {
            // A sandbox that could not be started is told with the fire, not as a failure of ours.
            return self.ended(store);
        }
        driven.map(|()| Performed::Runs)
    }

    fn ended(&self, store: &mut Store) -> Result<Performed> {
        let session = store.session(&self.fire.id)?;
        let began = session.outcome.is_some() || session.phase != Phase::Finished(End::Failed);
        let state = if began { State::Done } else { State::Failed };
        let outcome = session.outcome.map_or(session.phase.name(), |outcome| outcome.name());
        let succeeded = session.phase == Phase::Finished(End::Succeeded);
        let tell = self.tell(if succeeded { state } else { State::Failed }, session.artifacts > 0);
        let (reason, outcome) = (session.reason.as_deref(), Some(outcome));
        let ended = Ended { state, reason, outcome, now: clock::now(), tell: &tell };
        store.end_fire(&self.fire.id, &ended)?;
        Ok(Performed::Over)
    }

    fn failed(&self, store: &mut Store, failed: &Failure) -> Result<Performed> {
        let tell = self.tell(State::Failed, false);
        let reason = failed.to_string();
        let (state, now) = (State::Failed, clock::now());
        let ended = Ended { state, reason: Some(&reason), outcome: None, now, tell: &tell };
        store.end_fire(&self.fire.id, &ended)?;
        Ok(Performed::Over)
    }

    /// Ends the session of an earlier fire.
    fn replace(&self, store: &mut Store, id: &str) -> Result<()> {
        let Some(session) = store.session_of_fire(id)? else { return Ok(()) };
        if !session.phase.is_over() {
            let Some(_lock) = drive::lock_soon(store, id)? else {
                return self.interrupt(store, session);
            };
            self.app
                .with_runner(store, session, &mut crate::output::Silent, |runner| runner.stop())?;
        }
        let (reason, outcome) = (Some("a later one took its place"), Some("cancelled"));
        let (state, now) = (State::Done, clock::now());
        store.end_fire(id, &Ended { state, reason, outcome, now, tell: &[] })
    }

    /// Where somebody else drives it, they collect and end it.
    fn interrupt(&self, store: &mut Store, session: SessionRecord) -> Result<()> {
        self.app
            .with_runner(store, session, &mut crate::output::Silent, |runner| runner.interrupt())
    }

    /// Who is told, of what comes out this way.
    fn tell(&self, state: State, artifacts: bool) -> Vec<Target> {
        let Some(notify) = self.automation.ok().and_then(|one| one.notify.as_ref()) else {
            return Vec::new();
        };
        let wanted = match notify.on {
            On::Always => true,
            On::Failure => state != State::Done,
            On::Artifacts => artifacts,
        };
        let mut targets = Vec::new();
        if wanted && notify.webhook.is_some() {
            targets.push(Target::Webhook);
        }
        if wanted && !notify.command.is_empty() {
            targets.push(Target::Command);
        }
        targets
    }
}

/// Brings a session on from wherever it stands.
fn bring_on(runner: &mut Runner, follow: bool) -> Result<()> {
    let live = if runner.session.phase == Phase::Provisioning && !runner.first_turn_began()? {
        runner.launch()?
    } else {
        runner.recover()?;
        None
    };
    if follow {
        let outcome = runner.follow(live)?;
        drive::settle(runner, outcome)?;
    } else if runner.session.phase == Phase::Idle && !runner.next_queued()? {
        runner.close()?;
    }
    Ok(())
}
