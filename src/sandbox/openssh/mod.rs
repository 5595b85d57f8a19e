//! The system's `ssh`, as this program runs it: for sandboxes on another machine, and for Docker
//! engines behind one.
//!
//! The user's own configuration holds (aliases, jump hosts, keys, agents, proxies), but for what would
//! weaken a connection or make it answer to somebody: nothing is asked, no agent, port or display is
//! forwarded, a dead network is noticed, and a host key is never checked less strictly than
//! `accept-new` does. A changed host key is a hard stop. Connections are shared: the first one stays
//! for a minute, so that the next command costs no new handshake.
//!
//! Everything that `ssh` writes to its standard error may come from the other machine, and is bounded
//! and cleaned before it is shown. Exit 255 says that there is no connection, and nothing about what was
//! asked for: it is never a success.

mod arguments;
mod link;
mod socket;
mod telling;

pub(super) use arguments::Destination;
pub(super) use link::{Link, Process};
use telling::cleaned;

use crate::error::{Cannot as _, Failure, Kind, Result};
use arguments::Way;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(15);

/// One machine, and how it is reached.
pub struct Client {
    to: Destination,
    /// An `ssh_config` file instead of the user's.
    config: Option<PathBuf>,
    connect: Duration,
    /// Where the shared connection's socket is, where there is a place for it.
    socket: Option<PathBuf>,
    /// How host keys are checked, where the user's configuration is too lax.
    host_keys: OnceLock<Option<&'static str>>,
}

impl Client {
    pub fn new(to: Destination, config: Option<PathBuf>, runtime: Option<&Path>) -> Self {
        let socket = socket::place(runtime, &to, config.as_deref());
        Self { to, config, connect: CONNECT, socket, host_keys: OnceLock::new() }
    }

    #[must_use]
    pub fn connect_within(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// What people call the machine.
    pub fn name(&self) -> &str {
        self.to.shown()
    }

    /// The program that runs a command line of the other machine's login shell.
    pub fn command(&self, remote: &str) -> Result<Command> {
        let mut command = Command::new("ssh");
        command.args(self.way()?.arguments()).arg("--").arg(self.to.argument()).arg(remote);
        own_group(&mut command);
        Ok(command)
    }

    /// Runs a command line of the other machine's login shell, with pipes to it.
    pub fn start(&self, remote: &str) -> Result<Link> {
        let mut command = self.command(remote)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| self.not_started(&error))?;
        Link::new(child, self.name())
    }

    /// The same, with one socket for both directions, as what is async wants it.
    pub fn dial(&self, remote: &str) -> Result<(UnixStream, Process)> {
        let (ours, theirs) = UnixStream::pair()
            .cannot(Kind::Sandbox, || format!("make a socket for `{}`", self.name()))?;
        let theirs: OwnedFd = theirs.into();
        let again = theirs
            .try_clone()
            .cannot(Kind::Sandbox, || format!("make a socket for `{}`", self.name()))?;
        let mut command = self.command(remote)?;
        command.stdin(Stdio::from(theirs)).stdout(Stdio::from(again)).stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| self.not_started(&error))?;
        Ok((ours, Process::new(child, self.name())))
    }

    fn way(&self) -> Result<Way<'_>> {
        let host_keys = if self.is_shared() {
            // Whoever is at its other end was checked when it was made. Where it ends just now, only a
            // host that is known is connected to anew.
            Some("yes")
        } else if let Some(known) = self.host_keys.get() {
            *known
        } else {
            let found = self.ask_host_keys()?;
            *self.host_keys.get_or_init(|| found)
        };
        Ok(Way {
            config: self.config.as_deref(),
            connect: self.connect,
            socket: self.socket.as_deref(),
            host_keys,
        })
    }

    /// Whether there is a connection of ours already.
    fn is_shared(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| UnixStream::connect(socket).is_ok())
    }

    /// What the user's configuration says of host keys, as `ssh` itself reads it.
    fn ask_host_keys(&self) -> Result<Option<&'static str>> {
        let mut command = Command::new("ssh");
        if let Some(config) = &self.config {
            command.arg("-F").arg(config);
        }
        command.args(["-T", "-G", "--"]).arg(self.to.argument());
        own_group(&mut command);
        let done = command.stdin(Stdio::null()).output();
        let done = done.map_err(|error| self.not_started(&error))?;
        if !done.status.success() {
            return Err(Failure::new(
                Kind::Config,
                format!("`ssh` does not understand how to reach `{}`", self.name()),
            )
            .because(cleaned(&done.stderr))
            .hint(format!("look at the ssh configuration: `ssh -G {}`", self.name())));
        }
        Ok(arguments::stricter(&String::from_utf8_lossy(&done.stdout)))
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        let failure = Failure::new(Kind::Sandbox, format!("cannot reach `{}`", self.name()));
        match error.kind() {
            std::io::ErrorKind::NotFound => failure
                .because("`ssh` is not on the PATH")
                .hint("install it: `apt-get install openssh-client`"),
            _ => failure.because(format!("`ssh` does not start: {error}")),
        }
    }

    /// Runs a command line to its end; what it printed.
    pub fn run(&self, remote: &str, stdin: &mut dyn std::io::Read) -> Result<Vec<u8>> {
        let mut link = self.start(remote)?;
        let sent = std::io::copy(stdin, &mut link.stdin());
        link.close_stdin();
        let mut said = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(link.stdout(), 64 << 10), &mut said)
            .cannot(Kind::Network, || format!("read from `{}`", self.name()))?;
        link.end(true)?;
        sent.cannot(Kind::Network, || format!("write to `{}`", self.name()))?;
        Ok(said)
    }
}

/// What the terminal sends to us, Ctrl-C above all, is not for the connection.
fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}
