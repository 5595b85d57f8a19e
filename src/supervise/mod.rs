//! The supervisor: process 1 of every sandbox.
//!
//! It runs one turn of the harness at a time, copies what the harness writes to files of its own
//! into the numbered journal, ends a turn at its limits, and knows how it ended. Everything else of
//! `loop` may be killed at any moment; what happened stands in the run directory:
//!
//! - `journal.jsonl`: see [`crate::domain::journal`]. Appended whole lines at a time; a torn last
//!   line is no line, and is cut off when the supervisor starts again.
//! - `turn-N/`: its creation claims the turn, so that no turn runs twice. `out` and `err` are what
//!   the harness wrote; `exit.json` is the one proof of how it ended.
//! - `control.sock`: how `turn`, `interrupt`, `close` and the followers of the journal reach it.
//! - `lock`: held for as long as the supervisor lives.
//!
//! One thread does everything but feed the attached standard output, which may block. Deliberately
//! absent: any network, any trust in what the worker can write to, and any copy of secrets on disk.
//! That is also why output that a killed supervisor had not copied yet is not copied by the next one:
//! it could no longer tell what to redact.

mod boot;
mod clock;
mod control;
mod feed;
mod fill;
mod follow;
mod hands;
mod job;
mod keep;
mod ladder;
mod lines;
mod log;
mod long;
mod memory;
mod place;
mod processes;
mod record;
mod server;
mod signals;
mod spawn;
mod tail;
mod turn;
mod watch;

pub use boot::{Options, supervise};
pub use control::{Answer, close, interrupt, turn};
pub use fill::fill;
pub use follow::{Follow, follow};
pub use hands::{Enter, enter, serve as hands};
pub use keep::{Keep, keep};
pub use place::place;

use std::borrow::Cow;

/// Takes what is secret out of output.
pub trait Redact {
    /// Whole lines, many at once, with what came before them; the last one lacks its newline.
    fn lines<'t>(&self, before: &[u8], lines: &'t [u8]) -> Cow<'t, [u8]>;

    /// How many bytes at the end of such lines, whole lines again, have to wait for those that follow.
    fn unfinished(&self, before: &[u8], lines: &[u8]) -> usize;

    /// How far apart two places have to be not to matter to each other, in bytes.
    fn reach(&self) -> usize;

    /// An archive of files; `None` where it cannot be read.
    fn archive(&self, archive: Vec<u8>) -> Option<Vec<u8>>;
}

/// Makes a [`Redact`] from the values that must not be seen.
pub type Redactor<'f> = &'f dyn Fn(&[String]) -> Box<dyn Redact>;

/// Applies a redaction to text.
fn redacted(redact: &dyn Redact, text: &str) -> String {
    String::from_utf8_lossy(&redact.lines(&[], text.as_bytes())).into_owned()
}
