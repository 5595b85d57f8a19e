//! Workers: whoever does a session's work, as the runner drives it.
//!
//! A worker takes a task, tells what it does after a cursor, takes a follow-up and an interruption,
//! and hands over what it made. There are two: a harness in a sandbox ([`Sandboxed`], any provider x
//! any harness), and a session on a vendor's own infrastructure, where there is no sandbox to speak
//! to. Both leave a journal of numbered lines, so what is read of one is stored, told and taken up
//! again alike.

mod hosted;
mod prepare;
mod sandboxed;

pub use hosted::Hosted;
pub use prepare::Program;
pub use sandboxed::Sandboxed;

use super::Outside;
use crate::domain::turn::Conversation;
use crate::error::Result;
use crate::harness::Reader;
use crate::output::Reporter;
use crate::sandbox::{Area, Created, Status};
use crate::store::{SessionRecord, Store, TurnRecord};
use std::io::Read;

/// A journal as it comes in, or an archive.
pub type Live = Box<dyn Read + Send>;

pub trait Worker {
    /// Reads what one turn of it writes. `before` is the conversation as the last turn left it.
    fn reader(&self, before: Option<&Conversation>) -> Box<dyn Reader>;

    /// Begins the session with its first turn, or finds it begun. May be repeated.
    fn launch(&self, task: &mut Task) -> Result<Created>;

    /// Hands over a further turn. May be repeated.
    fn hand(&self, task: &Task) -> Result<()>;

    /// The journal's lines after a number, to the end of the turn where it is followed.
    fn journal(&self, session: &str, after: After) -> Result<Live>;

    fn status(&self, session: &str) -> Result<Status>;

    /// What it left, as an archive. Hostile.
    fn download(&self, session: &str, what: Area) -> Result<Live>;

    /// Ends a turn, or the session. One that is gone is no error.
    fn end(&self, session: &str, what: Ending) -> Result<()>;
}

/// A turn to be worked, and all there is to know of it.
pub struct Task<'t> {
    pub store: &'t Store,
    pub session: &'t SessionRecord,
    pub turn: &'t TurnRecord,
    pub outside: &'t Outside<'t>,
    pub reporter: &'t mut dyn Reporter,
}

/// A place in a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// The last line that is known.
    pub n: u64,
    /// The turn that is read.
    pub turn: u32,
    /// Whether to go on until the turn ends, or only as far as it is written.
    pub follow: bool,
}

/// What is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The running turn.
    Turn,
    /// The worker, once it has nothing to do; what it made stays where it is.
    Worker,
    /// All of it, with all that is in it.
    Everything,
}
