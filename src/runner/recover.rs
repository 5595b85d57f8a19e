//! Sessions that nobody drives: started with `--detach`, or left by a command that was killed.

use super::{Outside, Runner, Worker};
use crate::domain::plan::LaunchPlan;
use crate::domain::session::{Input, Phase};
use crate::error::Result;
use crate::output::Reporter;
use crate::sandbox::{Found, Status};
use crate::store::{Filter, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What a look at one session came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// Another process drives it, or it goes on by itself.
    Busy,
    /// Something was collected or finished.
    Advanced,
    Unchanged,
}

impl Runner<'_> {
    /// Takes in what a session did while nobody looked, without waiting for it. Nothing is started:
    /// a session whose first turn was never handed over is left for `attach`, or to be given up.
    pub fn recover(&mut self) -> Result<Recovered> {
        match self.session.phase {
            Phase::Finished(_) => Ok(Recovered::Unchanged),
            Phase::Provisioning => self.recover_provisioning(),
            Phase::Running => {
                let Some(mut turn) = self.turn_in_hand()? else {
                    return Ok(Recovered::Unchanged);
                };
                if self.ingest(&mut turn, None, false)? {
                    self.collect(&mut turn)?;
                    return self.recover_idle().map(|_| Recovered::Advanced);
                }
                match self.worker.status(&self.session.id)? {
                    Status::Running | Status::Paused | Status::Created => Ok(Recovered::Busy),
                    Status::Stopped { .. } | Status::Lost { .. } | Status::Gone => {
                        self.lost(&mut turn)?;
                        Ok(Recovered::Advanced)
                    }
                }
            }
            Phase::Idle => self.recover_idle(),
        }
    }

    /// The supervisor ends itself when nobody sends anything for long enough. An end that was cut off
    /// is gone on with.
    fn recover_idle(&mut self) -> Result<Recovered> {
        let status = self.worker.status(&self.session.id)?;
        let waits = matches!(status, Status::Running | Status::Paused);
        if waits && self.next_queued()? {
            return Ok(Recovered::Advanced);
        }
        if waits && self.session.closing_at.is_none() {
            return Ok(Recovered::Unchanged);
        }
        self.close()?;
        Ok(Recovered::Advanced)
    }

    fn recover_provisioning(&mut self) -> Result<Recovered> {
        if self.first_turn_began()? {
            self.session.sandbox.get_or_insert_with(|| self.session.id.clone());
            self.advance(Input::TurnHandedOver)?;
            return self.recover();
        }
        Ok(Recovered::Unchanged)
    }

    /// The same, and what was never started never will be.
    pub fn tidy(&mut self) -> Result<Recovered> {
        let recovered = self.recover()?;
        if self.session.phase != Phase::Provisioning {
            return Ok(recovered);
        }
        self.session.reason =
            Some("the command that started it ended before the worker began".to_owned());
        self.advance(Input::SandboxGone)?;
        Ok(Recovered::Advanced)
    }

    /// Whether the supervisor of a half-started session has its first turn.
    pub fn first_turn_began(&mut self) -> Result<bool> {
        if matches!(self.worker.status(&self.session.id)?, Status::Gone | Status::Created) {
            return Ok(false);
        }
        let Some(mut turn) = self.turn_in_hand()? else { return Ok(false) };
        self.ingest(&mut turn, None, false)?;
        Ok(turn.started_at.is_some())
    }
}

/// What a sweep needs to make a runner of any session.
pub struct Parts<'a> {
    pub worker: &'a dyn Fn(&LaunchPlan) -> Result<Rc<dyn Worker>>,
    pub outside: &'a Outside<'a>,
    /// Whether what was never started is given up, so that nothing is left of it.
    pub tidy: bool,
}

/// What became of each session that was looked after.
pub type Swept = Vec<(String, Result<Recovered>)>;

/// Looks after every open session that nobody drives. Those whose provider is out of reach are
/// told and left. Spans that were not sent are.
pub fn sweep(store: &mut Store, parts: &Parts, reporter: &mut dyn Reporter) -> Result<Swept> {
    let open = Filter { open: true, ..Filter::default() };
    let mut results = Vec::new();
    for session in store.sessions(&open)? {
        let id = session.id.clone();
        let Some(_lock) = store.dir(&id).lock()? else {
            results.push((id, Ok(Recovered::Busy)));
            continue;
        };
        // It may have moved on before the lock was had.
        let session = store.session(&id)?;
        let plan = &session.plan;
        let result = (parts.worker)(plan).and_then(|worker| {
            let mut runner = Runner::new(store, worker, reporter, parts.outside)(session);
            if parts.tidy { runner.tidy() } else { runner.recover() }
        });
        results.push((id, result));
    }
    if let Err(failed) = super::telemetry::resend(store, parts.outside, reporter, parts.tidy) {
        reporter.warn(&failed.to_string());
    }
    Ok(results)
}

/// Sandboxes of this store that no session needs any more.
pub fn orphans(store: &Store, found: Vec<Found>) -> Result<Vec<Found>> {
    let sessions: BTreeMap<String, bool> = store
        .sessions(&Filter::default())?
        .into_iter()
        .map(|session| {
            let succeeded = session.outcome.is_some_and(|outcome| outcome.is_success());
            let kept = session.plan.sandbox.keep.keeps(succeeded);
            (session.id, !session.phase.is_over() || kept)
        })
        .collect();
    let needed: BTreeSet<&str> =
        sessions.iter().filter(|(_, needed)| **needed).map(|(id, _)| id.as_str()).collect();
    Ok(found
        .into_iter()
        .filter(|sandbox| sandbox.ours && !needed.contains(sandbox.session.as_str()))
        .collect())
}
