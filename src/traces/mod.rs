//! Where telemetry comes from, and what is asked of it.
//!
//! A source pushes what it reads, span by span, into a [`Sink`]; the sink in use is the snapshot's
//! [`snapshot::Writer`], which makes one read-only SQLite file of a window. Every question (`loop
//! traces`, `traces` in a sandbox, triage, the checking of citations) is asked of a snapshot and
//! never of a source, so a worker, a person and a trigger get the same answer.
//!
//! Nothing here prints, and nothing here reads the time.

pub mod attributes;
pub mod cited;
pub mod demo;
pub mod file;
pub mod query;
pub mod snapshot;
pub mod span;

use crate::error::Result;
use span::Span;

/// Takes what a source reads, in whatever order it comes.
pub trait Sink {
    fn span(&mut self, span: Span) -> Result<()>;

    /// Something that is not in the spans given, and why. The same reason is counted up.
    fn left_out(&mut self, reason: &'static str, count: u64);
}
