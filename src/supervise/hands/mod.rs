//! A worker in a container of its own, beside the supervisor's.
//!
//! Where a container has a single user, the supervisor cannot change to another one for the worker.
//! There the worker gets a container to itself, with [`serve`] as its process 1: the supervisor's
//! hands in there. [`enter`] is the wrapper that the supervisor puts before every command of the
//! worker's, as bubblewrap is elsewhere. It hands the command over a socket in a small shared
//! folder, passes signals on, writes out what comes back, and ends as the command ended.
//!
//! The hands run as the worker's own user, so what they say is the worker's word and is believed as
//! little: it is bounded, and it can reach no journal, no exit record and no snapshot. They in turn
//! obey nobody but the supervisor's user, as the kernel tells it, and they do one thing at a time:
//! nothing of the worker's runs any more once an end was told, or once whoever asked is gone.

mod enter;
mod frame;
mod scratch;
mod serve;

pub use enter::{Enter, dismiss, enter};
pub use serve::serve;

use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the processes over there have used, as the wrapper writes it down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Clock ticks of those that live.
    pub cpu: u64,
    /// How many the kernel killed for memory since the command began.
    pub oom_kills: u64,
}

impl Used {
    /// What was written down last; nothing where nothing was.
    pub fn read(path: Option<&str>) -> Self {
        let text = path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// In one step, so that nobody reads half of it.
    fn write(self, path: &Path) -> std::io::Result<()> {
        let staged = path.with_extension("new");
        std::fs::write(&staged, serde_json::to_vec(&self)?)?;
        std::fs::rename(staged, path)
    }
}
