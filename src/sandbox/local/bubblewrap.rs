//! The command lines of bubblewrap.

use super::super::SandboxSpec;
use crate::domain::places;
use std::path::{Path, PathBuf};

pub(super) const PASSWD: &str =
    "root:x:0:0::/:/bin/false\nworker:x:1000:1000::/home/worker:/bin/sh\n";

/// Shows whether a sandbox can be made here at all.
pub(super) const TRIAL: [&str; 10] =
    ["--unshare-all", "--ro-bind", "/", "/", "--uid", "1000", "--gid", "1000", "--", "/bin/true"];

/// Where the writable parts of a sandbox are on this machine.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    pub run: PathBuf,
    pub workspace: PathBuf,
    pub artifacts: PathBuf,
    /// Kept between turns, since harnesses keep their conversations there.
    pub home: PathBuf,
    pub passwd: PathBuf,
}

impl Folders {
    pub(super) fn below(root: &Path) -> Self {
        Self {
            run: root.join("run"),
            workspace: root.join("workspace"),
            artifacts: root.join("artifacts"),
            home: root.join("home"),
            passwd: root.join("passwd"),
        }
    }

    pub(super) fn all(&self) -> [&PathBuf; 4] {
        [&self.run, &self.workspace, &self.artifacts, &self.home]
    }
}

/// What is put before every command of the worker's.
pub(super) fn wrap(
    bwrap: &Path,
    program: &Path,
    spec: &SandboxSpec,
    folders: &Folders,
) -> Vec<String> {
    let mut argv = Argv::new(bwrap);
    argv.confined(spec.network);
    argv.host_files();
    argv.bind("--ro-bind", &folders.passwd, "/etc/passwd");
    argv.bind("--bind", &folders.home, places::HOME);
    argv.bind("--bind", &folders.workspace, places::WORKSPACE);
    argv.bind("--bind", &folders.artifacts, places::ARTIFACTS);
    argv.bind("--ro-bind", program, places::PROGRAM);
    argv.bind("--ro-bind", program, places::TRACES);
    if let Some(harness) = spec.program {
        argv.bind("--ro-bind", harness, places::HARNESS);
    }
    if let Some(snapshot) = spec.snapshot {
        argv.bind("--ro-bind", snapshot, places::SNAPSHOT);
    }
    if let Some(repository) = spec.repository {
        argv.bind("--ro-bind", repository, places::REPOSITORY);
    }
    if let Some(bundle) = spec.ca_bundle {
        argv.bind("--ro-bind", bundle, places::CA_BUNDLE);
    }
    argv.words(&["--chdir", places::WORKSPACE, "--"]);
    argv.0
}

/// Archives the artifacts from inside.
pub(super) fn pack(bwrap: &Path, program: &Path, folders: &Folders) -> Vec<String> {
    let mut argv = Argv::new(bwrap);
    argv.confined(false);
    argv.bind("--ro-bind", program, places::PROGRAM);
    argv.bind("--ro-bind", &folders.artifacts, places::ARTIFACTS);
    argv.words(&["--chdir", "/", "--", places::PROGRAM, "pack", places::ARTIFACTS]);
    argv.0
}

struct Argv(Vec<String>);

impl Argv {
    fn new(bwrap: &Path) -> Self {
        Self(vec![bwrap.display().to_string()])
    }

    fn words(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    fn bind(&mut self, how: &str, from: &Path, to: &str) {
        self.words(&[how, &from.display().to_string(), to]);
    }

    /// Own namespaces of every kind, another user, no capability, nothing of ours left open.
    fn confined(&mut self, network: bool) {
        self.words(&["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts"]);
        self.words(&["--unshare-cgroup-try", "--hostname", "sandbox"]);
        if !network {
            self.words(&["--unshare-net"]);
        }
        self.words(&["--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"]);
        self.words(&["--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev"]);
        self.words(&["--tmpfs", "/tmp", "--tmpfs", "/run", "--dir", "/var/tmp"]);
    }

    /// The host's programs, and of its settings only what programs need to run and to find hosts.
    fn host_files(&mut self) {
        self.words(&["--ro-bind", "/usr", "/usr"]);
        for folder in ["bin", "sbin", "lib", "lib32", "lib64"] {
            // A link on systems that merged them into /usr, a folder on others.
            let path = format!("/{folder}");
            match std::fs::read_link(&path) {
                Ok(target) => self.words(&["--symlink", &target.display().to_string(), &path]),
                Err(_) => self.words(&["--ro-bind-try", &path, &path]),
            }
        }
        for path in [
            "/etc/ssl",
            "/etc/ca-certificates",
            "/etc/pki",
            "/etc/alternatives",
            "/etc/ld.so.cache",
            "/etc/resolv.conf",
            "/etc/nsswitch.conf",
            "/etc/hosts",
            "/etc/localtime",
            "/etc/gai.conf",
        ] {
            self.words(&["--ro-bind-try", path, path]);
        }
    }
}
