//! What people and scripts see; the only writer to a terminal.
//!
//! stdout is the answer, stderr is the rest. Everything that the program did not write itself goes
//! through [`sanitise`] on its way out, in JSON too, where characters that could steer a terminal
//! are written as escapes. How something looks is told by roles ([`style::Role`]); whether a role
//! has a colour is decided once, in [`style::Screens::detect`]. The JSON types are frozen and stand
//! apart from the domain ([`json::v1`]). Nothing here reads a clock or the environment: `now` and
//! the environment's values are arguments.

pub mod ask;
pub mod brief;
pub mod diff;
pub mod export;
pub mod failure;
pub mod human;
pub mod json;
pub mod live;
pub mod log;
pub mod page;
pub mod pager;
pub mod progress;
pub mod sanitise;
pub mod stream;
pub mod style;
mod text;
pub mod view;
pub mod wire;

#[cfg(test)]
mod testing;

use crate::domain::transcript::Event;
use view::{ArtifactView, SessionView};
pub use wire::Written;

/// Tells somebody what a running session does. [`live::Human`] tells a person, [`stream::Json`] a
/// program. Telling never fails: a reader that went away is noted, and [`Reporter::written`] says
/// so when it matters.
pub trait Reporter: Send {
    /// The session is recorded.
    fn started(&mut self, session: &SessionView);

    /// What is being done now, until the next step or event.
    fn step(&mut self, step: Step<'_>);

    fn event(&mut self, event: &Event);

    /// A collected and checked artifact.
    fn artifact(&mut self, session: &str, artifact: &ArtifactView);

    /// One sentence that a person should read, lower case, no full stop.
    fn warn(&mut self, text: &str);

    /// The last call.
    fn finished(&mut self, session: &SessionView);

    /// Whether what was told has arrived.
    fn written(&mut self) -> Written;
}

/// Nobody is told.
pub struct Silent;

impl Reporter for Silent {
    fn started(&mut self, _: &SessionView) {}
    fn step(&mut self, _: Step<'_>) {}
    fn event(&mut self, _: &Event) {}
    fn artifact(&mut self, _: &str, _: &ArtifactView) {}
    fn warn(&mut self, _: &str) {}
    fn finished(&mut self, _: &SessionView) {}
    fn written(&mut self) -> Written {
        Written::All
    }
}

/// Something that takes a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// `starting the sandbox`.
    pub what: &'a str,
    /// How far it is, where it is counted in bytes: done, and of how many.
    pub bytes: Option<(u64, Option<u64>)>,
    /// How many things are done, where they are counted: `12,000 spans`.
    pub count: Option<(u64, &'a str)>,
}

impl<'a> Step<'a> {
    /// Nothing is being done: somebody is asked something.
    pub const NOTHING: Step<'static> = Step { what: "", bytes: None, count: None };

    pub fn doing(what: &'a str) -> Self {
        Self { what, bytes: None, count: None }
    }

    pub fn bytes(what: &'a str, done: u64, of: Option<u64>) -> Self {
        Self { what, bytes: Some((done, of)), count: None }
    }

    pub fn counted(what: &'a str, count: u64, noun: &'a str) -> Self {
        Self { what, bytes: None, count: Some((count, noun)) }
    }
}
