//! The system's `git`, in a closed world.
//!
//! Nothing but what is written here decides what it does: its environment is emptied, no settings of
//! the system or the user are read, and no hook, pager, editor, prompt, credential helper or
//! file-system monitor is run. It works in folders that this program made and no worker can write
//! to, named by `--git-dir`, so none is ever searched for. What a repository's objects say (paths,
//! messages, names) is data: no work tree is ever checked out. A credential is handed over in the
//! environment, for one host alone, and is in no address, argument or file. Objects that come in are
//! checked (`fsck`) before they are kept.

use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::http;
use crate::secrets::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What only reads or writes objects of this machine.
const LOCAL: Duration = Duration::from_mins(5);
/// What talks to a server; one that says nothing for a minute is given up before.
const REMOTE: Duration = Duration::from_hours(1);
/// More than this is not taken from git's standard output.
const OUTPUT: u64 = 256 << 20;
const COMPLAINT: u64 = 64 << 10;

/// Settings of every call. The last of a key counts, so these stand over a repository's own.
const SETTINGS: [(&str, &str); 30] = [
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("core.askPass", ""),
    ("core.gitProxy", ""),
    ("core.alternateRefsCommand", "true"),
    ("core.protectNTFS", "true"),
    ("core.protectHFS", "true"),
    ("core.symlinks", "false"),
    // Larger ones are streamed, so that an object of any size takes no memory.
    ("core.bigFileThreshold", "16m"),
    ("credential.helper", ""),
    ("credential.interactive", "false"),
    ("diff.external", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("receive.autogc", "false"),
    ("fetch.recurseSubmodules", "no"),
    ("submodule.recurse", "false"),
    ("fetch.bundleURI", ""),
    ("transfer.bundleURI", "false"),
    ("transfer.fsckObjects", "true"),
    ("transfer.advertiseSID", "false"),
    ("http.lowSpeedLimit", "100"),
    ("http.lowSpeedTime", "60"),
    ("http.followRedirects", "false"),
    ("log.showSignature", "false"),
    ("push.gpgSign", "false"),
];

/// How to run git here.
#[derive(Clone)]
pub struct Git {
    /// Of this program's own environment: where programs are, proxies, the SSH agent.
    passed: Vec<(String, String)>,
    settings: Vec<(String, String)>,
    protocol: &'static str,
}

/// What came of a call.
pub struct Done {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    complaint: String,
}

impl Git {
    /// `passed` are the variables of this program's environment that git may see.
    pub fn new(passed: &[(String, String)], ca_bundle: Option<&Path>) -> Self {
        let mut settings: Vec<_> =
            SETTINGS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        if let Some(path) = ca_bundle {
            settings.push(("http.sslCAInfo".to_owned(), path.display().to_string()));
        }
        Self { passed: passed.to_vec(), settings, protocol: "file" }
    }

    /// The same, with one more setting.
    #[must_use]
    pub fn with(&self, key: &str, value: &str) -> Self {
        let mut git = self.clone();
        git.settings.push((key.to_owned(), value.to_owned()));
        git
    }

    /// The same, for an address: only its protocol is allowed.
    #[must_use]
    pub fn over(&self, protocol: &'static str) -> Self {
        Self { protocol, ..self.clone() }
    }

    /// The same, with a token that goes to one origin (`https://github.com`) and nowhere else.
    #[must_use]
    pub fn with_token(&self, origin: &str, token: &Secret) -> Self {
        let credential = STANDARD.encode(format!("x-access-token:{}", token.expose()));
        self.with(
            &format!("http.{origin}/.extraHeader"),
            &format!("Authorization: Basic {credential}"),
        )
    }

    /// Its standard output; any other exit than 0 is a failure.
    pub fn ask(&self, dir: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
        let done = self.run(dir, arguments, b"")?;
        if done.status.success() { Ok(done.stdout) } else { Err(done.failure(arguments)) }
    }

    /// The same, as text without its last newline.
    pub fn ask_text(&self, dir: &Path, arguments: &[&str]) -> Result<String> {
        let bytes = self.ask(dir, arguments)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
    }

    /// Whether it says yes: exit 0, not 1.
    pub fn holds(&self, dir: &Path, arguments: &[&str]) -> Result<bool> {
        let done = self.run(dir, arguments, b"")?;
        match done.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(done.failure(arguments)),
        }
    }

    /// Runs it in a git folder, with something to read.
    pub fn run(&self, dir: &Path, arguments: &[&str], stdin: &[u8]) -> Result<Done> {
        let input = if stdin.is_empty() { Input::Nothing } else { Input::Bytes(stdin.to_vec()) };
        self.run_with(dir, arguments, input)
    }

    /// The same, reading a file from where it stands.
    pub fn feed(&self, dir: &Path, arguments: &[&str], file: File) -> Result<Vec<u8>> {
        let done = self.run_with(dir, arguments, Input::File(file))?;
        if done.status.success() { Ok(done.stdout) } else { Err(done.failure(arguments)) }
    }

    fn run_with(&self, dir: &Path, arguments: &[&str], stdin: Input) -> Result<Done> {
        let mut command = self.command();
        command.arg("--git-dir").arg(dir).args(arguments);
        let limit = if self.protocol == "file" { LOCAL } else { REMOTE };
        wait(command, stdin, limit).map_err(|error| unable(&error, arguments))
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.env_clear().envs(self.passed.iter().map(|(name, value)| (name, value)));
        for (name, value) in [
            ("LC_ALL", "C"),
            ("HOME", "/nonexistent"),
            ("XDG_CONFIG_HOME", "/nonexistent"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_LITERAL_PATHSPECS", "1"),
            ("GIT_PROTOCOL_FROM_USER", "0"),
            ("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=10"),
            ("GIT_ALLOW_PROTOCOL", self.protocol),
        ] {
            command.env(name, value);
        }
        command.env("GIT_CONFIG_COUNT", self.settings.len().to_string());
        for (at, (key, value)) in self.settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{at}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        command.current_dir("/");
        command
    }
}

impl Done {
    /// Why it did not do what it was to do.
    pub fn failure(&self, arguments: &[&str]) -> Failure {
        let verb = arguments.first().copied().unwrap_or_default();
        let mut failure = Failure::new(self.kind(), format!("git could not {}", doing(verb)));
        for line in self.said() {
            failure = failure.because(line);
        }
        failure
    }

    /// What it complained of, a line each: of the server or of git, without its prefix.
    pub fn said(&self) -> Vec<String> {
        let lines = self.complaint.lines().map(str::trim).filter(|line| !line.is_empty());
        let told = lines.filter(|line| !line.starts_with("hint:"));
        told.map(|line| line.trim_start_matches("fatal: ").trim_start_matches("error: "))
            .map(|line| line.chars().filter(|c| !c.is_control()).take(300).collect())
            .take(3)
            .collect()
    }

    pub fn complains_of(&self, any: &[&str]) -> bool {
        any.iter().any(|text| self.complaint.contains(text))
    }

    fn kind(&self) -> Kind {
        let refused = [
            "Authentication failed",
            "could not read Username",
            "unable to get password",
            "Permission denied (publickey",
            " 401",
            " 403",
        ];
        if self.complains_of(&refused) { Kind::Credential } else { Kind::Network }
    }
}

fn doing(verb: &str) -> &str {
    match verb {
        "fetch" => "fetch commits",
        "ls-remote" => "ask the repository for its branches",
        "push" => "push the branch",
        "init" => "make a repository",
        "bundle" => "pack the repository",
        _ => "read the repository",
    }
}

fn unable(error: &std::io::Error, arguments: &[&str]) -> Failure {
    let verb = arguments.first().copied().unwrap_or_default();
    let failure = Failure::new(Kind::Config, format!("git could not {}", doing(verb)));
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            failure.because("`git` is not on the PATH").hint("install it: `apt-get install git`")
        }
        _ => failure.because(error),
    }
}

/// What git reads.
enum Input {
    Nothing,
    Bytes(Vec<u8>),
    File(File),
}

/// Runs a command to its end, bounded in time and output, and everything it started with it.
fn wait(mut command: Command, stdin: Input, limit: Duration) -> std::io::Result<Done> {
    let (stdin, bytes) = match stdin {
        Input::Nothing => (Stdio::null(), Vec::new()),
        Input::Bytes(bytes) => (Stdio::piped(), bytes),
        Input::File(file) => (file.into(), Vec::new()),
    };
    let mut child = command
        .process_group(0)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (sender, finished) = mpsc::channel();
    let stdout = read(child.stdout.take(), OUTPUT, Some(sender));
    let stderr = read(child.stderr.take(), COMPLAINT, None);
    if let Some(mut pipe) = child.stdin.take() {
        // One that does not read its input says why on standard error.
        std::thread::spawn(move || pipe.write_all(&bytes));
    }
    let in_time = finished.recv_timeout(limit).is_ok();
    if !in_time {
        end(&mut child);
    }
    let status = child.wait()?;
    let join = |thread: std::thread::JoinHandle<Vec<u8>>| thread.join().unwrap_or_default();
    if !in_time {
        return Err(std::io::Error::other(format!("it took longer than {limit:?}")));
    }
    let stdout = join(stdout);
    if stdout.len() as u64 > OUTPUT {
        return Err(std::io::Error::other("it has too much to say"));
    }
    let complaint = String::from_utf8_lossy(&join(stderr)).into_owned();
    Ok(Done { status, stdout, complaint })
}

fn end(child: &mut Child) {
    let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
    let _ = child.kill();
}

/// Reads up to so much and one byte; the rest is read and dropped, so that nobody hangs.
fn read(
    pipe: Option<impl Read + Send + 'static>,
    most: u64,
    finished: Option<mpsc::Sender<()>>,
) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.by_ref().take(most + 1).read_to_end(&mut bytes);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        if let Some(finished) = finished {
            // Nobody waits any more where it took too long.
            let _ = finished.send(());
        }
        bytes
    })
}

/// Makes a bare repository, or finds it made.
pub fn init(git: &Git, dir: &Path) -> Result<()> {
    let parent = dir.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    std::fs::create_dir_all(&parent)
        .cannot(Kind::Config, || format!("make the folder `{}`", parent.display()))?;
    let template = ["init", "--quiet", "--bare", "--template=", "--initial-branch=none"];
    git.ask(dir, &template).map(drop)
}

/// An address for a message.
pub fn shown(address: &str) -> String {
    http::shown(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_one_host_and_in_no_argument() {
        let token = crate::secrets::Secret::new("canary-token", "`T`").unwrap();
        let git = Git::new(&[], None).with_token("https://github.com", &token);
        let command = git.command();
        assert!(command.get_args().all(|word| !word.to_string_lossy().contains("canary")));
        let shown: Vec<String> = command
            .get_envs()
            .filter_map(|(name, value)| Some(format!("{name:?}={:?}", value?)))
            .collect();
        let encoded = STANDARD.encode("x-access-token:canary-token");
        let carrying: Vec<&String> = shown.iter().filter(|text| text.contains(&encoded)).collect();
        assert_eq!(carrying.len(), 1, "{shown:?}");
        let key = shown.iter().find(|text| text.contains("http.https://github.com/.extraHeader"));
        assert!(key.is_some(), "{shown:?}");
    }

    #[test]
    fn settings_of_others_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let git = Git::new(&[("PATH".to_owned(), "/usr/bin:/bin".to_owned())], None);
        let bare = dir.path().join("x.git");
        init(&git, &bare).unwrap();
        let origins = git.ask_text(&bare, &["config", "--list", "--show-scope"]).unwrap();
        assert!(
            origins.lines().all(|line| line.starts_with("local") || line.starts_with("command")),
            "{origins}"
        );
        let failed = git.ask(&bare, &["rev-parse", "--verify", "nothing"]).unwrap_err();
        assert_eq!(failed.causes, ["Needed a single revision"]);
    }
}
