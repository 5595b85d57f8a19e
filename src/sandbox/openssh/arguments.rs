//! The command line of `ssh`. Pure.

use crate::error::{Failure, Kind, Result};
use std::path::Path;
use std::time::Duration;

/// How long a shared connection stays when nobody uses it, in seconds.
const PERSIST: u32 = 60;
/// A connection on which nothing is heard for three times this long is dead, in seconds.
const ALIVE: u32 = 10;

/// A machine as `ssh` is told it: an alias, `user@host`, or `ssh://user@host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    text: String,
    /// What a URL says after the host; a socket there.
    pub path: Option<String>,
}

impl Destination {
    /// Refuses what `ssh` could take for an option, and what no host is called.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            Failure::new(Kind::Config, format!("`{}` is no SSH host", text.escape_debug()))
                .because(why)
                .hint("write an alias of your ssh configuration, `user@host`, or `ssh://user@host:port`")
        };
        let (text, path) = match text.strip_prefix("ssh://") {
            Some(rest) => match rest.split_once('/') {
                Some((host, path)) => (format!("ssh://{host}"), Some(format!("/{path}"))),
                None => (text.to_owned(), None),
            },
            None => (text.to_owned(), None),
        };
        let bare = text.strip_prefix("ssh://").unwrap_or(&text);
        let host = bare.rsplit_once('@').map_or(bare, |(_, host)| host);
        if host.is_empty() {
            return Err(refused("it names none"));
        }
        if bare.starts_with('-') || host.starts_with('-') {
            return Err(refused("it begins with a dash, as an option does"));
        }
        let odd = |c: char| !(c.is_ascii_alphanumeric() || "-_.@:[]%+\\".contains(c));
        if let Some(odd) = bare.chars().find(|c| odd(*c)) {
            return Err(refused(&format!("there is a `{}` in it", odd.escape_debug())));
        }
        Ok(Self { text, path: path.filter(|path| path != "/") })
    }

    /// As `ssh` takes it.
    pub fn argument(&self) -> &str {
        &self.text
    }

    pub fn shown(&self) -> &str {
        self.text.strip_prefix("ssh://").unwrap_or(&self.text)
    }
}

/// Everything before the destination.
pub(super) struct Way<'a> {
    pub config: Option<&'a Path>,
    pub connect: Duration,
    pub socket: Option<&'a Path>,
    pub host_keys: Option<&'static str>,
}

impl Way<'_> {
    /// What is said here comes before the configuration, and holds.
    pub fn arguments(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        if let Some(config) = self.config {
            all.extend(["-F".to_owned(), config.display().to_string()]);
        }
        // No terminal, no agent, no display.
        all.extend(["-T", "-a", "-x"].map(str::to_owned));
        let mut set =
            |name: &str, value: &str| all.extend(["-o".to_owned(), format!("{name}={value}")]);
        set("BatchMode", "yes");
        set("ClearAllForwardings", "yes");
        set("Tunnel", "no");
        set("PermitLocalCommand", "no");
        set("RemoteCommand", "none");
        set("EscapeChar", "none");
        set("LogLevel", "ERROR");
        set("ConnectTimeout", &self.connect.as_secs().max(1).to_string());
        set("ServerAliveInterval", &ALIVE.to_string());
        set("ServerAliveCountMax", "3");
        if let Some(host_keys) = self.host_keys {
            set("StrictHostKeyChecking", host_keys);
        }
        match self.socket {
            Some(socket) => {
                set("ControlMaster", "auto");
                set("ControlPersist", &PERSIST.to_string());
                // A percent sign would be a token of its.
                set("ControlPath", &socket.display().to_string().replace('%', "%%"));
            }
            None => set("ControlPath", "none"),
        }
        all
    }
}

/// What host keys have to be checked by, from what `ssh -G` prints: nothing where the user's own
/// configuration is strict enough.
pub(super) fn stricter(config: &str) -> Option<&'static str> {
    let said = config.lines().find_map(|line| line.strip_prefix("stricthostkeychecking "));
    match said.map(str::trim) {
        Some("true" | "yes" | "ask" | "accept-new") => None,
        // Off, or a word of a later version.
        _ => Some("accept-new"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_as_ssh_takes_them() {
        for (text, argument, shown, path) in [
            ("build1", "build1", "build1", None),
            ("ada@build1", "ada@build1", "ada@build1", None),
            ("ssh://ada@build1:2222", "ssh://ada@build1:2222", "ada@build1:2222", None),
            ("ssh://[::1]:22/", "ssh://[::1]:22", "[::1]:22", None),
            ("ssh://b/run/d.sock", "ssh://b", "b", Some("/run/d.sock")),
        ] {
            let to = Destination::parse(text).unwrap();
            assert_eq!((to.argument(), to.shown(), to.path.as_deref()), (argument, shown, path));
        }
        for text in
            ["", "-oProxyCommand=x", "a@-b", "a b", "a;b", "a\nb", "ssh://", "$(x)", "ssh://-x"]
        {
            assert!(Destination::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn host_keys_are_never_checked_less_than_this() {
        for (said, expected) in [
            ("true", None),
            ("ask", None),
            ("accept-new", None),
            ("false", Some("accept-new")),
            ("off", Some("accept-new")),
        ] {
            let config = format!("user ada\nstricthostkeychecking {said}\nport 22\n");
            assert_eq!(stricter(&config), expected, "{said}");
        }
        assert_eq!(stricter(""), Some("accept-new"));
    }

    #[test]
    fn the_command_line_asks_nothing_and_forwards_nothing() {
        let way = Way {
            config: Some(Path::new("/etc/c")),
            connect: Duration::from_secs(7),
            socket: Some(Path::new("/run/u/100%/s")),
            host_keys: Some("accept-new"),
        };
        insta::assert_snapshot!(way.arguments().join(" ").replace(" -o ", "\n-o "), @r"
        -F /etc/c -T -a -x
        -o BatchMode=yes
        -o ClearAllForwardings=yes
        -o Tunnel=no
        -o PermitLocalCommand=no
        -o RemoteCommand=none
        -o EscapeChar=none
        -o LogLevel=ERROR
        -o ConnectTimeout=7
        -o ServerAliveInterval=10
        -o ServerAliveCountMax=3
        -o StrictHostKeyChecking=accept-new
        -o ControlMaster=auto
        -o ControlPersist=60
        -o ControlPath=/run/u/100%%/s
        ");
    }
}
