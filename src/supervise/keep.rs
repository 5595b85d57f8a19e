//! Staying after a supervisor has ended: the hidden command `keep`.
//!
//! Where files can only be read out of a container that runs, something has to run for as long as
//! what a supervisor left may still be wanted. It reads and writes nothing itself, and ends in time.

use super::control;
use super::hands::dismiss;
use super::signals::{Signals, reap};
use crate::error::Result;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a supervisor may take to come.
const COMING: Duration = Duration::from_mins(15);
const PAUSE_MS: u16 = 500;

pub struct Keep {
    pub run_dir: PathBuf,
    /// How long to stay once the supervisor has ended.
    pub grace: Duration,
    /// Where the worker's hands listen, which end with us.
    pub hands: Option<PathBuf>,
}

/// Stays until the supervisor has been gone for long enough, or a signal says to go.
pub fn keep(wanted: &Keep) -> Result<()> {
    let mut signals = Signals::new()?;
    let came = Instant::now();
    let mut gone: Option<Instant> = None;
    while !signals.asked_to_end() {
        let waited = match control::standing(&wanted.run_dir) {
            control::Standing::Lives => {
                gone = None;
                false
            }
            control::Standing::Ended => {
                gone.get_or_insert_with(Instant::now).elapsed() >= wanted.grace
            }
            control::Standing::Coming => came.elapsed() >= COMING,
        };
        if waited {
            break;
        }
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::from(PAUSE_MS));
        reap(|_, _| {});
    }
    // Hands that do not answer are ended with their pod.
    let _ = wanted.hands.as_deref().map(|socket: &Path| dismiss(socket));
    Ok(())
}
