//! Running a program of somebody else's: without a shell or a terminal, no longer than it may take, and
//! with no more of its output than was asked for.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What came of it.
pub enum Limited {
    /// It ended well, and this is all that it printed.
    Printed(Vec<u8>),
    /// It ended otherwise: how.
    Failed(String),
    NotStarted(String),
    TooSlow,
    TooMuch,
}

/// Runs a program to its end, or to ours.
pub fn run(words: &[&str], patience: Duration, most: usize) -> Limited {
    let until = Instant::now() + patience;
    let started = Command::new(words[0])
        .args(&words[1..])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => return Limited::NotStarted(error.to_string()),
    };
    let Some(stdout) = child.stdout.take() else {
        return Limited::NotStarted("it has no output".to_owned());
    };
    let (told, hears) = mpsc::channel();
    super::in_background(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(most as u64 + 1).read_to_end(&mut bytes);
        let _ = told.send(read.map(|_| bytes));
    });
    let printed = hears.recv_timeout(patience);
    let came = match printed {
        Ok(Ok(bytes)) if bytes.len() > most => Limited::TooMuch,
        Ok(Ok(bytes)) => match wait(&mut child, until) {
            Some(status) if status.success() => Limited::Printed(bytes),
            Some(status) => Limited::Failed(how(status)),
            None => Limited::TooSlow,
        },
        Ok(Err(error)) => Limited::Failed(error.to_string()),
        Err(_) => Limited::TooSlow,
    };
    end(&mut child);
    came
}

fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
            _ => return None,
        }
    }
}

/// Ends it with all that it started, where it has not ended.
fn end(child: &mut Child) {
    if matches!(child.try_wait(), Ok(None)) {
        let group = nix::unistd::Pid::from_raw(child.id().cast_signed());
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        let _ = child.wait();
    }
}

fn how(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it failed with exit code {code}"),
        None => "it was killed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_hangs_is_ended() {
        let began = Instant::now();
        let came = run(&["sleep", "987650"], Duration::from_millis(50), 10);
        assert!(matches!(came, Limited::TooSlow) && began.elapsed() < Duration::from_secs(5));
        let came = run(&["sh", "-c", "exec >&-; sleep 987650"], Duration::from_millis(50), 10);
        assert!(matches!(came, Limited::TooSlow));
    }
}
