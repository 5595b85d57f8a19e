//! A source of traces: Arize AX, by version 2 of its REST API.
//!
//! How soon a span can be found by its time is not promised: the vendor's own texts say between at once
//! and twelve hours. So a later reading asks again for the last of what was there ([`read`]). A span is
//! found by its trace's id at once. The API's own list of traces is not used: it cuts long ones. An annotation that was made on an older span shows only when the
//! whole window is read anew.
//!
//! The key goes to the one host that the project names, and nowhere else.

mod annotate;
mod api;
mod find;
mod inspect;
mod keys;
mod monitors;
mod problem;
mod read;
mod record;

use super::evals::{Annotate, Batch, Eval};
use super::lease::Lease;
use super::monitor::Monitor;
use super::span::TraceId;
use super::{Ask, Fact, Reach, Sink, Source};
use crate::domain::preset::Project;
use crate::error::Result;
use api::Api;
use find::Found;
use std::cell::{Cell, OnceCell};

/// The secret that holds the key where the project names none.
const SECRET: &str = "ARIZE_API_KEY";

/// A project of an Arize AX account.
pub struct Arize<'a> {
    project: &'a Project,
    api: Api,
    found: OnceCell<Found>,
    /// Where the window that was read last begins, in Unix milliseconds.
    since: Cell<i64>,
}

impl<'a> Arize<'a> {
    pub fn new(project: &'a Project, reach: Reach) -> Result<Self> {
        let api = Api::new(project, reach)?;
        Ok(Self { project, api, found: OnceCell::new(), since: Cell::new(0) })
    }

    /// Makes a key that reads the project's space until then, in Unix milliseconds.
    pub fn lease(&self, until: i64) -> Result<Lease> {
        keys::make(&self.api, self.found()?, until)
    }

    /// Ends a key at once.
    pub fn revoke(&self, id: &str) -> Result<()> {
        keys::revoke(&self.api, id)
    }

    /// The project as the server has it, which is asked for once.
    fn found(&self) -> Result<&Found> {
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let found = find::project(&self.api, self.project)?;
        Ok(self.found.get_or_init(|| found))
    }
}

impl Source for Arize<'_> {
    fn fingerprint(&self) -> Option<String> {
        None
    }

    fn read(&self, ask: &Ask, sink: &mut dyn Sink) -> Result<Option<String>> {
        self.since.set(read::begin(ask));
        read::read(&self.api, &self.found()?.id, ask, sink).map(Some)
    }

    fn complete(&self, traces: &[TraceId], sink: &mut dyn Sink) -> Result<()> {
        read::complete(&self.api, &self.found()?.id, (traces, self.since.get()), sink)
    }

    fn inspect(&self) -> Result<Vec<Fact>> {
        inspect::facts(&self.api, self.found()?)
    }

    fn monitors(&self) -> Result<Vec<Monitor>> {
        monitors::list(&self.api, &self.found()?.id)
    }
}

impl Annotate for Arize<'_> {
    fn batches(&self, evals: &[Eval], _: &str) -> Result<Vec<Batch>> {
        annotate::batches(&self.api, self.found()?, evals)
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        annotate::write(&self.api, batch)
    }
}
