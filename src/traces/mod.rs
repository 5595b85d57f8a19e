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

use crate::domain::preset::Project;
use crate::error::{Failure, Kind, Result};
use span::Span;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Takes what a source reads, in whatever order it comes.
pub trait Sink {
    fn span(&mut self, span: Span) -> Result<()>;

    /// Something that is not in the spans given, and why. The same reason is counted up.
    fn left_out(&mut self, reason: &'static str, count: u64);
}

/// Reads a project's spans, wherever they are.
pub fn read(project: &Project, sink: &mut dyn Sink) -> Result<()> {
    match (project.source.as_str(), &project.path) {
        ("demo", _) => demo::spans().into_iter().try_for_each(|span| sink.span(span)),
        ("file", Some(path)) => file::read(Path::new(path), sink),
        (source, _) => {
            let sentence = format!("projects of source `{source}` cannot be read yet");
            Err(Failure::new(Kind::Config, sentence)
                .hint("export the traces to a file, and name it: `--project ./traces.jsonl`"))
        }
    }
}

/// Changes whenever a project's spans may have changed. `None` where that cannot be told cheaply.
pub fn fingerprint(project: &Project) -> Option<String> {
    match (project.source.as_str(), &project.path) {
        ("demo", _) => Some(format!("demo {}", env!("CARGO_PKG_VERSION"))),
        ("file", Some(path)) => {
            let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
            let (length, seconds, rest) = (about.len(), about.mtime(), about.mtime_nsec());
            Some(format!("file {path} {length} {seconds} {rest} {}", about.ino()))
        }
        _ => None,
    }
}
