//! Starting a process of the worker's.
//!
//! It gets an emptied environment, a process group of its own, files for its input and output, and
//! where the supervisor is root another user: changing to that one clears all capabilities and
//! supplementary groups. It cannot open its output files again, since they belong to the supervisor.

use super::record::private;
use crate::domain::turn::{BootSpec, TurnSpec};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// This program as a process of the worker's can start it, without a wrapper and with one.
const SELF: &str = "/proc/self/exe";
const SELF_WRAPPED: &str = "/loop/bin/loop";

/// More than this of artifacts is fetched by who wants it, and not told in the journal.
const PACKED: u64 = 512 << 10;

/// What is started, in the folder of its turn.
pub struct Plan<'a> {
    pub boot: &'a BootSpec,
    pub spec: &'a TurnSpec,
    pub dir: &'a Path,
}

/// A process that was started, and the files it writes, open for reading.
pub struct Started {
    pub pid: Pid,
    pub out: File,
    pub err: File,
}

impl Plan<'_> {
    pub fn harness(&self) -> io::Result<Started> {
        self.start("", &self.spec.argv, self.spec.stdin.as_bytes())
    }

    /// The `at`th command that runs before the first turn.
    pub fn setup(&self, at: usize, command: &str) -> io::Result<Started> {
        let argv = ["/bin/sh", "-c", command].map(str::to_owned);
        self.start(&format!("setup-{at}-"), &argv, b"")
    }

    /// Ourselves as the worker, since only the worker may write where its files go.
    pub fn place(&self) -> io::Result<Started> {
        let program = if self.boot.wrap.is_empty() { SELF } else { SELF_WRAPPED };
        let argv = [program, "place"].map(str::to_owned);
        let placing = TurnSpec { cwd: "/".to_owned(), ..TurnSpec::default() };
        let files = serde_json::to_vec(&self.spec.files)?;
        Plan { spec: &placing, ..*self }.start("place-", &argv, &files)
    }

    /// A verb of ours as the worker, with the turn's environment, before everything else.
    pub fn prepare(&self) -> io::Result<Started> {
        let argv = self.own(&self.spec.prepare);
        self.start("prepare-", &argv, b"")
    }

    /// One that ends the turn, waited for: it is bounded in time, and so is whatever it started.
    pub fn conclude(&self, limit: Duration) -> io::Result<()> {
        let mut command = self.command(&self.own(&self.spec.conclude))?;
        command.envs(&self.spec.env);
        if !self.spec.cwd.is_empty() && self.boot.wrap.is_empty() {
            command.current_dir(&self.spec.cwd);
        }
        let nothing = || Stdio::null();
        let mut child = command.stdin(nothing()).stdout(nothing()).stderr(nothing()).spawn()?;
        let until = Instant::now() + limit;
        while child.try_wait()?.is_none() {
            if Instant::now() >= until {
                // Those it started are of its group, or are found by who ends a turn.
                let _ = nix::sys::signal::killpg(
                    Pid::from_raw(child.id().cast_signed()),
                    nix::sys::signal::Signal::SIGKILL,
                );
                child.kill()?;
                child.wait()?;
                return Err(io::Error::from(io::ErrorKind::TimedOut));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn own(&self, verb: &[String]) -> Vec<String> {
        let program = if self.boot.wrap.is_empty() { SELF } else { SELF_WRAPPED };
        std::iter::once(program.to_owned()).chain(verb.iter().cloned()).collect()
    }

    /// What the worker left, as an archive, read as the worker, since it may have kept it to itself.
    /// `None` where it is too much, or cannot be had.
    pub fn pack(&self, folder: &str) -> Option<Vec<u8>> {
        let program = if self.boot.wrap.is_empty() { SELF } else { SELF_WRAPPED };
        let most = PACKED.to_string();
        let argv = [program, "pack", folder, "--at-most", &most].map(str::to_owned);
        let mut command = self.command(&argv).ok()?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let mut archive = Vec::new();
        let read = child.stdout.take()?.take(2 * PACKED).read_to_end(&mut archive);
        let ended = child.wait();
        (read.is_ok() && ended.is_ok_and(|ended| ended.success())).then_some(archive)
    }

    fn start(&self, prefix: &str, argv: &[String], stdin: &[u8]) -> io::Result<Started> {
        let name = |name: &str| self.dir.join(format!("{prefix}{name}"));
        let (out, err) = (name("out"), name("err"));
        let writes = |path: &Path| private().append(true).open(path);
        let mut command = self.command(argv)?;
        command
            .envs(&self.spec.env)
            .stdin(input(&name("stdin"), stdin)?)
            .stdout(writes(&out)?)
            .stderr(writes(&err)?);
        if !self.spec.cwd.is_empty() && self.boot.wrap.is_empty() {
            command.current_dir(&self.spec.cwd);
        }
        let (out, err) = (File::open(out)?, File::open(err)?);
        let pid = Pid::from_raw(command.spawn()?.id() as i32);
        Ok(Started { pid, out, err })
    }
}

impl Plan<'_> {
    /// A process of the worker's, wrapped where it must be.
    fn command(&self, argv: &[String]) -> io::Result<Command> {
        let mut words = self.boot.wrap.iter().chain(argv);
        let program = words.next().ok_or_else(|| io::Error::other("the command is empty"))?;
        let mut command = Command::new(program);
        command.args(words).env_clear().process_group(0);
        if let Some(worker) = self.boot.worker
            && nix::unistd::geteuid().is_root()
        {
            command.gid(worker.gid).uid(worker.uid);
        }
        Ok(command)
    }
}

/// Input from a file without a name: of any length, and at its end once it is read.
fn input(path: &Path, bytes: &[u8]) -> io::Result<Stdio> {
    if bytes.is_empty() {
        return Ok(Stdio::null());
    }
    let written = private().write(true).truncate(true).open(path)?.write_all(bytes);
    let opened = written.and_then(|()| File::open(path));
    std::fs::remove_file(path)?;
    Ok(opened?.into())
}
