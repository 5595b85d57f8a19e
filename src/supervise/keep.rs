//! Staying after a supervisor has ended: the hidden command `keep`.
//!
//! Where files can only be read out of a container that runs, something has to run for as long as
//! what a supervisor left may still be wanted. It reads and writes nothing itself, and ends in time.
//! Where all are told to end at once, it is the last but one: the supervisor still needs the worker's
//! hands to end a turn, and these end when we say so.

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
/// How long the supervisor may take to end once all were told to, and how often that is looked at.
const ENDING: Duration = Duration::from_secs(8);
const ENDING_PAUSE_MS: u16 = 50;

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
    let mut told: Option<Instant> = None;
    loop {
        if signals.asked_to_end() {
            told.get_or_insert_with(Instant::now);
        }
        let standing = control::standing(&wanted.run_dir);
        if told.is_some_and(|told| standing != control::Standing::Lives || told.elapsed() >= ENDING)
        {
            break;
        }
        let is_over = match standing {
            control::Standing::Lives => {
                gone = None;
                false
            }
            control::Standing::Ended => {
                gone.get_or_insert_with(Instant::now).elapsed() >= wanted.grace
            }
            control::Standing::Coming => came.elapsed() >= COMING,
        };
        if is_over {
            break;
        }
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let pause = if told.is_some() { ENDING_PAUSE_MS } else { PAUSE_MS };
        let _ = poll(&mut fds, PollTimeout::from(pause));
        reap(|_, _| {});
    }
    // Hands that do not answer are ended with their pod.
    let _ = wanted.hands.as_deref().map(|socket: &Path| dismiss(socket));
    Ok(())
}
