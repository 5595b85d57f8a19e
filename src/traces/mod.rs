//! Where telemetry comes from, and what is asked of it.
//!
//! A [`Source`] pushes what it reads, span by span, into a [`Sink`]; the sink in the end is the
//! snapshot's [`snapshot::Writer`], which makes one read-only SQLite file of a window. Every question
//! (`loop traces`, `traces` in a sandbox, triage, metrics, the checking of citations) is asked of a
//! snapshot and never of a source, so a worker, a person and a trigger get the same answer.
//!
//! Nothing here prints, and nothing here reads the time.

pub mod annotation;
mod arize;
pub mod attributes;
pub mod breach;
pub mod cited;
pub mod demo;
pub mod evals;
pub mod file;
pub mod import;
pub mod lease;
pub mod metric;
pub mod mirror;
pub mod monitor;
pub mod phoenix;
pub mod query;
pub mod snapshot;
pub mod span;

use crate::domain::plan::Window;
use crate::domain::preset::Project;
use crate::error::{Failure, Kind, Result};
use crate::secrets::Secret;
use annotation::Annotation;
use evals::Annotate;
use monitor::Monitor;
use snapshot::Packed;
use span::{Span, SpanId, TraceId};
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
    fn left_out(&mut self, reason: &str, count: u64);

    /// All that lies before this mark has been pushed: a reading that is given it goes on from there.
    fn reached(&mut self, _mark: &str) -> Result<()> {
        Ok(())
    }

    /// The mark that the source was given no longer means anything (another database, a project made
    /// anew), so what was pushed under it is void. What there is now is pushed after this.
    fn anew(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What annotations are asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    pub spans: Vec<SpanId>,
    pub traces: Vec<TraceId>,
    pub sessions: Vec<String>,
}

/// A project's traces, wherever they are.
pub trait Source {
    /// Changes whenever its spans may have changed. `None` where only reading them can tell.
    fn fingerprint(&self) -> Option<String>;

    /// Pushes the spans that start in the window, and others if that is simpler: the writer leaves out
    /// traces that do not start in it. A source that can tell what is new returns a mark; given it
    /// the next time, it pushes only what came since, as everything before is still in the sink (also
    /// where the window then begins earlier: what lies between was read apart).
    fn read(&self, ask: &Ask, sink: &mut dyn Sink) -> Result<Option<String>>;

    /// Pushes every span of these traces, whenever they start: traces of which `read` may have given
    /// only what lies in its window. Nothing, for a source whose `read` gives traces whole.
    fn complete(&self, _traces: &[TraceId], _sink: &mut dyn Sink) -> Result<()> {
        Ok(())
    }

    /// Pushes all that was said about these. `false` from a source that pushes it as it reads.
    fn annotations(&self, _about: &Targets, _sink: &mut dyn Sink) -> Result<bool> {
        Ok(false)
    }

    /// A short look at it, with few requests, for somebody who has just named it: what is there, and
    /// what its key may do. It fails where nothing could be read: nobody answers, the key is refused,
    /// the project is not there. What merely is not as it should be is a fact that does not hold.
    fn inspect(&self) -> Result<Vec<Fact>> {
        Ok(Vec::new())
    }

    /// What the source itself watches of the project. Nothing, for a source that watches nothing.
    fn monitors(&self) -> Result<Vec<Monitor>> {
        Ok(Vec::new())
    }
}

/// Something that was found out about a source, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is about, in a word: `server`, `project`, `key`.
    pub what: &'static str,
    /// Whether it is as it should be.
    pub holds: bool,
    /// One sentence, which may hold words of the server.
    pub detail: String,
    /// What would make it right, to type or to change.
    pub mend: Option<String>,
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
pub fn source<'a>(project: &'a Project, reach: Reach<'a>) -> Result<Box<dyn Source + 'a>> {
    match (project.source.as_str(), &project.path) {
        ("demo", _) => Ok(Box::new(demo::Demo)),
        ("file", Some(path)) => Ok(Box::new(file::Files::new(Path::new(path)))),
        ("arize", _) => Ok(Box::new(arize::Arize::new(project, reach)?)),
        ("phoenix", _) => Ok(Box::new(phoenix::Phoenix::new(project, reach)?)),
        (source, _) => {
            let sentence = format!("projects of source `{source}` cannot be read yet");
            Err(Failure::new(Kind::Config, sentence)
                .hint("export the traces to a file, and name it: `--project ./traces.jsonl`"))
        }
    }
}

/// The page on which people see a trace, where its source has such pages.
pub fn page(project: &Project, trace: &str) -> Option<String> {
    match project.source.as_str() {
        "phoenix" => phoenix::trace_page(project, trace),
        _ => None,
    }
}

/// Where what was found out about a project's spans can be written to. `None` for a source that only
/// gives. Nothing is asked of a server yet.
pub fn annotate<'a>(
    project: &'a Project,
    reach: Reach<'a>,
) -> Result<Option<Box<dyn Annotate + 'a>>> {
    Ok(match project.source.as_str() {
        "phoenix" => Some(Box::new(phoenix::Phoenix::new(project, reach)?)),
        "arize" => Some(Box::new(arize::Arize::new(project, reach)?)),
        _ => None,
    })
}
