//! Sandboxes on this machine, with bubblewrap: no root, no engine, no image.
//!
//! Bubblewrap maps a single user, so the supervisor stands outside, as a process of the user's own
//! that outlives the command, and each turn of the harness is put in alone; the journal is not
//! mounted there. The host's programs are seen read-only. Memory and processor limits are not kept
//! here: that needs control groups, which an ordinary user may not make.

mod bubblewrap;

use super::{Area, Created, Entry, Fact, Found, Host, Provider, SandboxSpec, Status};
use crate::domain::places;
use crate::domain::provider::{Ability, About};
use crate::domain::turn::BootSpec;
use crate::error::{Cannot as _, Failure, Kind, Result};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

pub(super) const ENTRY: Entry = Entry {
    about: About {
        name: "local",
        runs_in: "processes of this machine, behind bubblewrap",
        able: &[Ability::AnyHarness, Ability::NoNetwork, Ability::Automations],
        options: &[],
    },
    make: |host, _| Ok(Rc::new(Local::new(host))),
};

pub struct Local {
    host: Host,
}

impl Local {
    pub fn new(host: Host) -> Self {
        Self { host }
    }

    fn dir(&self, session: &str) -> PathBuf {
        self.host.sessions.join(session).join("sandbox")
    }

    fn run_dir(&self, session: &str) -> PathBuf {
        self.dir(session).join("run")
    }

    fn bubblewrap(&self) -> Option<PathBuf> {
        std::env::split_paths(&self.host.path)
            .map(|dir| dir.join("bwrap"))
            .find(|path| path.is_file())
    }

    /// The folders of the sandbox, made.
    fn make_folders(&self, spec: &SandboxSpec) -> Result<bubblewrap::Folders> {
        let root = self.dir(spec.session);
        let folders = bubblewrap::Folders::below(&root);
        for folder in folders.all() {
            std::fs::create_dir_all(folder)
                .cannot(Kind::Sandbox, || format!("make `{}`", folder.display()))?;
        }
        std::fs::write(&folders.passwd, bubblewrap::PASSWD)
            .cannot(Kind::Sandbox, || format!("write `{}`", folders.passwd.display()))?;
        Ok(folders)
    }

    /// The supervisor, as a process of its own session that nothing here waits for.
    fn start(&self, spec: &SandboxSpec, wrap: Vec<String>) -> Result<Child> {
        let run = self.run_dir(spec.session);
        let doing = || "start the supervisor".to_owned();
        // It gets the lock by which it is known to live with it, on standard error: from before it is
        // there until it ends somebody holds it, whoever is killed in between.
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(run.join("lock"))
            .cannot(Kind::Sandbox, doing)?;
        lock.try_lock().cannot(Kind::Sandbox, doing)?;
        let mut boot = BootSpec {
            first: None,
            wrap,
            artifacts: Some(places::ARTIFACTS.to_owned()),
            ..spec.boot.clone()
        };
        let spare = serde_json::to_string(&boot).cannot(Kind::Bug, doing)?;
        let mut child = Command::new(&self.host.program)
            .args(["supervise", "--boot", &spare, "--run"])
            .arg(&run)
            .env_clear()
            .env("PATH", &self.host.path)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(lock))
            .spawn()
            .cannot(Kind::Sandbox, doing)?;
        boot.first.clone_from(&spec.boot.first);
        let mut line = serde_json::to_vec(&boot).cannot(Kind::Bug, doing)?;
        line.push(b'\n');
        if let Some(mut stdin) = child.stdin.take() {
            stdin
                .write_all(&line)
                .cannot(Kind::Sandbox, || "hand the first turn to the supervisor".to_owned())?;
        }
        Ok(child)
    }

    /// Whether the supervisor lives: it holds a lock as long as it does.
    fn is_alive(&self, session: &str) -> bool {
        let Ok(file) = File::open(self.run_dir(session).join("lock")) else { return false };
        Flock::lock(file, FlockArg::LockSharedNonblock).is_err()
    }

    /// Ends the supervisor, and with it every process that it put in a sandbox.
    fn kill(&self, session: &str) {
        let Ok(socket) = connect(&self.run_dir(session)) else { return };
        if let Ok(peer) = getsockopt(&socket, PeerCredentials) {
            let _ = kill(nix::unistd::Pid::from_raw(peer.pid()), Signal::SIGKILL);
        }
    }
}

/// Paths of sockets are short, and data folders need not be.
fn connect(run: &Path) -> std::io::Result<UnixStream> {
    use std::os::fd::AsRawFd as _;
    let dir = File::open(run)?;
    UnixStream::connect(format!("/proc/self/fd/{}/control.sock", dir.as_raw_fd()))
}

impl Provider for Local {
    fn create(&self, spec: &SandboxSpec, _progress: &mut dyn FnMut(&str)) -> Result<Created> {
        let id = spec.session.to_owned();
        if self.is_alive(spec.session) {
            return Ok(Created { id, live: None, found: true, notes: Vec::new() });
        }
        let Some(program) = self.bubblewrap() else {
            return Err(Failure::new(Kind::Sandbox, "`bwrap` is not on the PATH")
                .hint("install it: `apt-get install bubblewrap`, or use `--sandbox docker`"));
        };
        let folders = self.make_folders(spec)?;
        let wrap = bubblewrap::wrap(&program, &self.host.program, spec, &folders);
        let mut child = self.start(spec, wrap)?;
        let live: Option<Box<dyn Read + Send>> = match child.stdout.take() {
            Some(stdout) => Some(Box::new(stdout)),
            None => None,
        };
        let limited = spec.memory_bytes.is_some() || spec.cpus.is_some();
        let notes = limited
            .then(|| "memory and processor limits are not kept by local sandboxes".to_owned());
        Ok(Created { id, live, found: false, notes: notes.into_iter().collect() })
    }

    fn status(&self, session: &str) -> Result<Status> {
        Ok(if self.is_alive(session) {
            Status::Running
        } else if self.run_dir(session).join("journal.jsonl").exists() {
            Status::Stopped { oom_killed: false }
        } else if self.dir(session).exists() {
            Status::Created
        } else {
            Status::Gone
        })
    }

    fn exec(&self, session: &str, verb: &[String], stdin: &[u8]) -> Result<Box<dyn Read + Send>> {
        let mut command = Command::new(&self.host.program);
        command.args(verb).arg("--run").arg(self.run_dir(session)).env_clear();
        Ok(Box::new(Output::spawn(command, stdin)?))
    }

    fn download(&self, session: &str, what: Area) -> Result<Box<dyn Read + Send>> {
        let folders = bubblewrap::Folders::below(&self.dir(session));
        match what {
            Area::Journal => {
                let path = self.run_dir(session).join("journal.jsonl");
                let doing = || "read the sandbox's journal".to_owned();
                let file = File::open(path).cannot(Kind::Sandbox, doing)?;
                let size = file.metadata().cannot(Kind::Sandbox, doing)?.len();
                Ok(Box::new(one_file_archive("journal.jsonl", file, size)))
            }
            Area::Artifacts => {
                let Some(program) = self.bubblewrap() else {
                    return Err(Failure::new(Kind::Sandbox, "`bwrap` is not on the PATH"));
                };
                // Inside, since a link in there must not lead out.
                let argv = bubblewrap::pack(&program, &self.host.program, &folders);
                let mut command = Command::new(&argv[0]);
                command.args(&argv[1..]).env_clear();
                Ok(Box::new(Output::spawn(command, b"")?))
            }
        }
    }

    fn remove(&self, session: &str) -> Result<()> {
        // One that is just starting cannot be reached yet.
        for _ in 0..1000 {
            if !self.is_alive(session) {
                break;
            }
            self.kill(session);
            std::thread::sleep(Duration::from_millis(10));
        }
        let dir = self.dir(session);
        match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).cannot(Kind::Sandbox, || format!("remove `{}`", dir.display()))
            }
            _ => Ok(()),
        }
    }

    fn list(&self) -> Result<Vec<Found>> {
        let Ok(sessions) = std::fs::read_dir(&self.host.sessions) else { return Ok(Vec::new()) };
        Ok(sessions
            .flatten()
            .filter(|entry| entry.path().join("sandbox").is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .map(|session| Found { id: session.clone(), session, ours: true })
            .collect())
    }

    fn facts(&self) -> Vec<Fact> {
        let what = "bubblewrap".to_owned();
        let mend = Some("apt-get install bubblewrap".to_owned());
        let Some(program) = self.bubblewrap() else {
            let detail = "`bwrap` is not on the PATH".to_owned();
            return vec![Fact { what, holds: false, detail, mend }];
        };
        let tried = Command::new(&program).args(bubblewrap::TRIAL).output();
        let (holds, detail) = match tried {
            Ok(done) if done.status.success() => (true, program.display().to_string()),
            Ok(done) => (false, String::from_utf8_lossy(&done.stderr).trim().to_owned()),
            Err(error) => (false, error.to_string()),
        };
        let mend = (!holds).then(|| {
            "allow user namespaces: `sysctl kernel.unprivileged_userns_clone=1`".to_owned()
        });
        vec![Fact { what, holds, detail, mend }]
    }
}

/// A file as an archive, without reading it first.
fn one_file_archive(name: &str, file: File, size: u64) -> impl Read + Send + use<> {
    let mut header = tar::Header::new_gnu();
    // A name this short always fits.
    let _ = header.set_path(name);
    header.set_size(size);
    header.set_mode(0o600);
    header.set_cksum();
    let padding = (512 - size % 512) % 512;
    std::io::Cursor::new(header.as_bytes().to_vec())
        .chain(file.take(size))
        .chain(std::io::repeat(0).take(padding + 1024))
}

/// A child's standard output; the child is waited for when it is dropped.
struct Output {
    child: Child,
}

impl Output {
    fn spawn(mut command: Command, stdin: &[u8]) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .cannot(Kind::Sandbox, || "reach the supervisor".to_owned())?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(stdin).cannot(Kind::Sandbox, || "reach the supervisor".to_owned())?;
        }
        Ok(Self { child })
    }
}

impl Read for Output {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.child.stdout {
            Some(stdout) => stdout.read(into),
            None => Ok(0),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        drop(self.child.stdout.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
