//! Where telemetry comes from, and what is asked of it.
//!
//! A [`Source`] pushes what it reads, span by span, into a [`Sink`]; the sink in the end is the
//! snapshot's [`snapshot::Writer`], which makes one read-only SQLite file of a window. Every question
//! (`loop traces`, `traces` in a sandbox, triage, metrics, the checking of citations) is asked of a
//! snapshot and never of a source, so a worker, a person and a trigger get the same answer.
//!
//! Nothing here prints, and nothing here reads the time.

pub mod annotation;
pub mod attributes;
pub mod cited;
pub mod demo;
pub mod file;
pub mod query;
pub mod snapshot;
pub mod span;

use crate::domain::plan::Window;
use crate::domain::preset::Project;
use crate::error::{Failure, Kind, Result};
use crate::secrets::Secret;
use annotation::Annotation;
use snapshot::Packed;
use span::Span;
use std::path::Path;

/// Takes what a source reads, in whatever order it comes.
pub trait Sink {
    fn span(&mut self, span: Span) -> Result<()>;

    /// Spans that are rows already, by whoever reads many of them at once. For the snapshot's writer.
    fn packed(&mut self, _: Packed) -> Result<()> {
        Err(Failure::new(Kind::Config, "only a snapshot's writer takes spans that are packed"))
    }

    /// Of one target, name and identifier the last one counts.
    fn annotation(&mut self, annotation: Annotation) -> Result<()>;

    /// Something that is not in the spans given, and why. The same reason is counted up.
    fn left_out(&mut self, reason: &'static str, count: u64);
}

/// A project's traces, wherever they are.
pub trait Source {
    /// Changes whenever its spans may have changed. `None` where only reading them can tell.
    fn fingerprint(&self) -> Option<String>;

    /// Pushes the spans of every trace that starts in the window, and of others if that is simpler:
    /// the writer leaves those out. A source that can tell what is new returns a mark; given it
    /// the next time, it pushes only what came since, as everything before is still in the sink.
    fn read(&self, ask: &Ask, sink: &mut dyn Sink) -> Result<Option<String>>;
}

/// What is asked of a source.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub window: Window,
    /// What the last reading of the same source returned.
    pub mark: Option<&'a str>,
    /// Unix milliseconds.
    pub now: i64,
    /// Told how many spans have come so far.
    pub progress: &'a dyn Fn(u64),
}

/// What a source needs to reach a server.
#[derive(Clone, Copy)]
pub struct Reach<'a> {
    pub secret: &'a dyn Fn(&str) -> Result<Secret>,
    /// Certificates to trust besides the machine's own.
    pub ca_bundle: Option<&'a Path>,
}

/// The source of a project. Nothing is asked of a server yet.
pub fn source<'a>(project: &'a Project, _reach: Reach<'a>) -> Result<Box<dyn Source + 'a>> {
    match (project.source.as_str(), &project.path) {
        ("demo", _) => Ok(Box::new(demo::Demo)),
        ("file", Some(path)) => Ok(Box::new(file::Files::new(Path::new(path)))),
        (source, _) => {
            let sentence = format!("projects of source `{source}` cannot be read yet");
            Err(Failure::new(Kind::Config, sentence)
                .hint("export the traces to a file, and name it: `--project ./traces.jsonl`"))
        }
    }
}
