//! A running `ssh`, with pipes to the other side.

use super::telling::{self, KEPT};
use crate::error::{Failure, Kind, Result};
use std::io::{BufReader, Read};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long `ssh` may take to end once its pipe did.
const END: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(2);
const BUFFER: usize = 64 << 10;

/// A running `ssh`. Ended when it is dropped: a shared connection only loses one of its channels with it.
pub struct Process {
    child: Child,
    stderr: Said,
    name: String,
}

impl Process {
    /// `child` has a pipe on its standard error.
    pub(super) fn new(mut child: Child, name: &str) -> Self {
        let stderr = child.stderr.take().map(Said::gather).unwrap_or_default();
        Self { child, stderr, name: name.to_owned() }
    }

    /// Waits for its end, which must be a good one.
    pub fn end(&mut self, began: bool) -> Result<()> {
        match wait(&mut self.child) {
            Some(0) => Ok(()),
            code => Err(telling::tell(&self.name, code, &self.stderr.so_far(), began)),
        }
    }

    /// Why its pipe ended too early. Never `Ok`: that there is no more is no success here.
    fn lost(&mut self, began: bool) -> Failure {
        match self.end(began) {
            Err(failure) => failure,
            Ok(()) => Failure::new(
                Kind::Network,
                format!("`{}` stopped in the middle of an answer", self.name),
            )
            .because(telling::cleaned(&self.stderr.so_far())),
        }
    }
}

/// Its exit code; `None` where a signal ended it, or we had to.
fn wait(child: &mut Child) -> Option<i32> {
    let since = Instant::now();
    while since.elapsed() < END {
        match child.try_wait() {
            Ok(Some(status)) => return status.code(),
            Ok(None) => std::thread::sleep(LOOK),
            Err(_) => break,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same with its pipes.
pub struct Link {
    // It closes before the process is ended.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    process: Process,
}

impl Link {
    pub(super) fn new(mut child: Child, name: &str) -> Result<Self> {
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let process = Process::new(child, name);
        let Some(stdout) = stdout else {
            return Err(Failure::new(Kind::Bug, "`ssh` was started without pipes"));
        };
        Ok(Self { stdin, stdout: BufReader::with_capacity(BUFFER, stdout), process })
    }

    pub fn stdin(&mut self) -> impl std::io::Write + '_ {
        Stdin(self.stdin.as_mut())
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    pub fn stdout(&mut self) -> &mut BufReader<ChildStdout> {
        &mut self.stdout
    }

    pub fn name(&self) -> &str {
        &self.process.name
    }

    pub fn end(&mut self, began: bool) -> Result<()> {
        self.close_stdin();
        self.process.end(began)
    }

    pub fn lost(&mut self, began: bool) -> Failure {
        self.close_stdin();
        self.process.lost(began)
    }
}

/// A pipe that may be closed already.
struct Stdin<'a>(Option<&'a mut ChildStdin>);

impl std::io::Write for Stdin<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.0 {
            Some(pipe) => pipe.write(bytes),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The bytes and whether there are no more to come, and what wakes who waits for that.
type Shared = (Mutex<(Vec<u8>, bool)>, Condvar);

/// The end of what a program writes to its standard error.
#[derive(Clone, Default)]
struct Said(Arc<Shared>);

impl Said {
    /// Reads it for as long as it is written, in the background.
    fn gather(mut pipe: impl Read + Send + 'static) -> Self {
        let gathered = Self::default();
        let ours = gathered.clone();
        std::thread::spawn(move || {
            let mut block = [0; 4 << 10];
            loop {
                let read = pipe.read(&mut block).unwrap_or(0);
                let mut state = ours.0.0.lock().unwrap_or_else(PoisonError::into_inner);
                state.0.extend_from_slice(&block[..read]);
                let over = state.0.len().saturating_sub(KEPT);
                state.0.drain(..over);
                state.1 = read == 0;
                ours.0.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        gathered
    }

    /// All of it where it ends soon: a shared connection may hold it open.
    fn so_far(&self) -> Vec<u8> {
        let state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = Duration::from_millis(300);
        let waited = self.0.1.wait_timeout_while(state, wait, |state| !state.1);
        waited.unwrap_or_else(PoisonError::into_inner).0.0.clone()
    }
}
