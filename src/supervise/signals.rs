//! Signals to the supervisor, and the ends of its children.
//!
//! Handlers are set, rather than signals blocked or ignored: a program that is started has none of
//! that, whereas some of them ignore INT for good when it was ignored where they started.

use super::job::Ended;
use crate::error::{Cannot as _, Kind, Result};
use nix::errno::Errno;
use nix::sys::signal::SigSet;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Signals {
    wake: UnixStream,
    ends: Arc<AtomicUsize>,
}

impl Signals {
    pub fn new() -> Result<Self> {
        let doing = || "handle signals".to_owned();
        let (wake, waker) = UnixStream::pair().cannot(Kind::Sandbox, doing)?;
        wake.set_nonblocking(true).cannot(Kind::Sandbox, doing)?;
        let ends = Arc::new(AtomicUsize::new(0));
        // HUP is told like the others and means nothing: a closed terminal ends no turn.
        for signal in [SIGCHLD, SIGHUP, SIGINT, SIGTERM] {
            if matches!(signal, SIGINT | SIGTERM) {
                signal_hook::flag::register_usize(signal, Arc::clone(&ends), signal as usize)
                    .cannot(Kind::Sandbox, doing)?;
            }
            let waker = waker.try_clone().cannot(Kind::Sandbox, doing)?;
            pipe::register(signal, waker).cannot(Kind::Sandbox, doing)?;
        }
        // Whoever started us may have blocked some, and what we start would inherit that.
        SigSet::all().thread_unblock().cannot(Kind::Sandbox, doing)?;
        Ok(Self { wake, ends })
    }

    /// Whether the supervisor was asked to end since this was last asked.
    pub fn asked_to_end(&mut self) -> bool {
        self.taken().is_some()
    }

    /// The signal by which it was, the last one of several.
    pub fn taken(&mut self) -> Option<i32> {
        let mut bytes = [0; 256];
        while self.wake.read(&mut bytes).is_ok_and(|n| n == bytes.len()) {}
        Some(self.ends.swap(0, Ordering::SeqCst) as i32).filter(|signal| *signal > 0)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

/// Takes in every child that has ended, orphans of the worker's too.
pub fn reap(mut each: impl FnMut(Pid, Ended)) {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => each(pid, Ended::Code(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) => each(pid, Ended::Signal(signal as i32)),
            Ok(WaitStatus::StillAlive) => return,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}
