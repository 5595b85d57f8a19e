//! What program tests stand on: the built program in an emptied environment, with a home, settings
//! and data of its own, and a record of what could not be tested here.
//!
//! A test that needs something of the machine asks for it with `need!`. Where it is missing the test
//! ends, and its name and the reason go to the file named by `LOOP_TEST_SKIPS`, from where
//! `tests/run` counts and shows them.

use serde_json::Value;
use std::io::Write as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Ends the test as skipped, with the reason.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)*) => {{
        $crate::support::skipped(&format!($($reason)*));
        return;
    }};
}

/// The value, or the end of the test as skipped.
#[macro_export]
macro_rules! need {
    ($what:expr) => {
        match $what {
            Ok(value) => value,
            Err(reason) => $crate::skip!("{reason}"),
        }
    };
}

/// Records that the running test is skipped.
pub fn skipped(reason: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    eprintln!("skipped {name}: {reason}");
    if let Some(path) = std::env::var_os("LOOP_TEST_SKIPS") {
        // One write, so that parallel tests do not mix their lines.
        let line = format!("{name}\t{}\n", reason.replace(['\n', '\t'], " "));
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("record a skipped test");
    }
}

/// What tests ask of the machine. An `Err` is the reason for which it is not there.
pub mod need {
    use super::{Engine, OnceLock, Path, PathBuf, Phoenix, probe};

    /// The Docker engine, with the image for tests.
    pub fn docker() -> Result<Engine, String> {
        static FOUND: OnceLock<Result<Engine, String>> = OnceLock::new();
        FOUND
            .get_or_init(|| {
                if let Ok(reason) = std::env::var("LOOP_TEST_WITHOUT_DOCKER") {
                    return Err(reason);
                }
                probe("docker", &["version", "--format", "{{.Server.Version}}"])
                    .map_err(|why| format!("no Docker engine answers: {why}"))?;
                let subnet = "{{(index .IPAM.Config 0).Subnet}}";
                let subnet = probe("docker", &["network", "inspect", "bridge", "-f", subnet])?;
                // The gateway itself is told only once a container has run.
                let base = subnet.split('/').next().and_then(|base| base.parse().ok());
                let base: std::net::Ipv4Addr = base.ok_or(format!("no subnet: `{subnet}`"))?;
                let gateway = std::net::Ipv4Addr::from(u32::from(base) + 1).to_string();
                Ok(Engine { gateway })
            })
            .clone()
    }

    /// The image that workers of tests run in.
    pub fn image() -> Result<String, String> {
        let image = std::env::var("LOOP_TEST_IMAGE").unwrap_or("loop-test-base:1".to_owned());
        docker()?;
        probe("docker", &["image", "inspect", "-f", "{{.Id}}", &image])
            .map(|_| image.clone())
            .map_err(|_| format!("there is no image `{image}`; tests/rig/base-image.sh makes it"))
    }

    /// The real Phoenix servers of `tests/rig/phoenix.sh`.
    pub fn phoenix() -> Result<Phoenix, String> {
        if let Ok(reason) = std::env::var("LOOP_TEST_WITHOUT_PHOENIX") {
            return Err(reason);
        }
        let var = |name| {
            std::env::var(name).map_err(|_| {
                format!("`{name}` is not set; `tests/run` does it, with tests/rig/phoenix.sh")
            })
        };
        Ok(Phoenix {
            open: var("LOOP_TEST_PHOENIX")?,
            auth: var("LOOP_TEST_PHOENIX_AUTH")?,
            admin: var("LOOP_TEST_PHOENIX_ADMIN")?,
        })
    }

    /// The vendor's own clients of Arize AX, as `tests/rig/arize-clients.sh` installed them.
    pub fn arize_clients() -> Result<PathBuf, String> {
        if let Ok(reason) = std::env::var("LOOP_TEST_WITHOUT_ARIZE_CLIENTS") {
            return Err(reason);
        }
        let found = std::fs::read_dir(super::cache()).into_iter().flatten().flatten();
        let is_ours = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("arize-clients-");
        let mut found = found.filter(|entry| is_ours(&entry.file_name())).map(|entry| entry.path());
        found
            .find(|path| path.join("bin/ax").is_file())
            .ok_or("they are not installed; tests/rig/arize-clients.sh does it".to_owned())
    }

    pub fn bubblewrap() -> Result<(), String> {
        let trial = ["--unshare-all", "--ro-bind", "/", "/", "true"];
        probe("bwrap", &trial).map(|_| ()).map_err(|why| format!("bubblewrap does not work: {why}"))
    }

    /// A command of the machine.
    pub fn command(name: &str) -> Result<(), String> {
        probe("sh", &["-c", "command -v \"$1\"", "sh", name])
            .map(|_| ())
            .map_err(|_| format!("there is no `{name}`"))
    }

    /// A real harness program, as `tests/run` fetched it.
    pub fn program(name: &str) -> Result<PathBuf, String> {
        let folder = super::cache().join("programs");
        let found = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut found = found.map(|entry| entry.path().join(name)).filter(|path| is_of(path, name));
        found.next().ok_or(format!("`{name}` was not fetched; tests/rig/programs.sh does it"))
    }

    fn is_of(path: &Path, name: &str) -> bool {
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        folder.to_string_lossy().starts_with(&format!("{name}-")) && path.is_file()
    }
}

/// A Docker engine that answers.
#[derive(Debug, Clone)]
pub struct Engine {
    /// This machine's address as containers of the default network see it.
    pub gateway: String,
}

/// Two real Phoenix servers. Tests share them, so each uses projects of names of its own.
#[derive(Debug, Clone)]
pub struct Phoenix {
    /// The address of one that asks for no key.
    pub open: String,
    /// The address of one that does.
    pub auth: String,
    /// What counts as a key of the second one's administrator.
    pub admin: String,
}

/// What tests may keep between runs: the harness programs.
pub fn cache() -> PathBuf {
    std::env::var_os("LOOP_TEST_CACHE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.cache"), PathBuf::from)
}

fn probe(program: &str, arguments: &[&str]) -> Result<String, String> {
    let done = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{program}`: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
}

/// A person's home, settings and data, gone when dropped. What it left on the engine fails the test.
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("loop-it-").tempdir().expect("a folder");
        for name in ["home", "config", "data", "work", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn config(&self) -> PathBuf {
        self.path().join("config")
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Writes a file below the home's folder, for example `config/presets/x.toml`.
    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The built program, ready to be given more and run.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_under(&[], arguments)
    }

    /// The same, started by another program, whose words come first.
    pub fn run_under(&self, words: &[&str], arguments: &[&str]) -> Run {
        let all = [words, &[env!("CARGO_BIN_EXE_loop")], arguments].concat();
        let mut command = Command::new(all[0]);
        command.args(&all[1..]).env_clear().current_dir(self.path().join("work"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path().join("home"));
        command.env("TMPDIR", self.path().join("tmp"));
        command.env("LOOP_CONFIG_DIR", self.config());
        command.env("LOOP_DATA_DIR", self.data());
        command.env("LOOP_CACHE_DIR", cache());
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        // The keyring of whoever runs the tests is none of theirs.
        command.env("XDG_RUNTIME_DIR", self.path().join("tmp"));
        // Where the engine and trust are is the machine's, not the user's.
        for name in ["DOCKER_HOST", "SSL_CERT_FILE", "npm_config_registry"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        Run { command, stdin: Vec::new(), limit: Duration::from_mins(2) }
    }

    /// Runs the program to its end.
    pub fn ask(&self, arguments: &[&str]) -> Done {
        self.run(arguments).done()
    }

    /// The id of its store, once it has one.
    pub fn store_id(&self) -> Option<String> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let store =
            rusqlite::Connection::open_with_flags(self.data().join("store.db"), flags).ok()?;
        store.query_row("SELECT value FROM meta WHERE key = 'store'", [], |row| row.get(0)).ok()
    }

    /// The containers of this home's store, also those that have stopped.
    pub fn containers(&self) -> Vec<String> {
        let Some(store) = self.store_id().filter(|_| need::docker().is_ok()) else {
            return Vec::new();
        };
        let label = format!("label=loop.store={store}");
        let format = "{{.Names}} ({{.Status}})";
        let told = probe("docker", &["ps", "-a", "--filter", &label, "--format", format]);
        let told = told.expect("the engine answers");
        // What a kubelet on the same engine made it takes away itself, in its own time.
        told.lines().filter(|name| !name.starts_with("k8s_")).map(str::to_owned).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let left = self.containers();
        for container in &left {
            let name = container.split(' ').next().unwrap_or_default();
            // It is being told below; the next run must not find it.
            let _ = probe("docker", &["rm", "-f", "-v", name]);
        }
        if !std::thread::panicking() {
            assert!(left.is_empty(), "left on the engine: {left:?}");
        }
    }
}

/// A run of the program that has not begun.
pub struct Run {
    command: Command,
    stdin: Vec<u8>,
    limit: Duration,
}

impl Run {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn current_dir(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// How long it may take before the test fails.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Starts it, in a process group of its own.
    pub fn start(mut self) -> Running {
        let mut child = self
            .command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = self.stdin;
        std::thread::spawn(move || {
            // A program that does not read its input is no failure.
            let _ = stdin.write_all(&input);
        });
        let stdout = collect(child.stdout.take().expect("a pipe"));
        let stderr = collect(child.stderr.take().expect("a pipe"));
        Running { child, stdout, stderr, began: Instant::now(), limit: self.limit }
    }

    pub fn done(self) -> Done {
        self.start().done()
    }
}

type Collected = std::sync::Arc<(std::sync::Mutex<(Vec<u8>, bool)>, std::sync::Condvar)>;

fn collect(mut pipe: impl std::io::Read + Send + 'static) -> Collected {
    let shared = Collected::default();
    let ours = Collected::clone(&shared);
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            let read = pipe.read(&mut buffer).unwrap_or(0);
            let mut state = ours.0.lock().expect("no other panicked");
            state.0.extend_from_slice(&buffer[..read]);
            state.1 = read == 0;
            ours.1.notify_all();
            if read == 0 {
                return;
            }
        }
    });
    shared
}

/// A run of the program that goes on.
pub struct Running {
    child: Child,
    stdout: Collected,
    stderr: Collected,
    began: Instant,
    limit: Duration,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the program alone.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, signal).expect("it is still there");
    }

    /// What it has written to standard output so far.
    pub fn so_far(&self) -> String {
        let state = self.stdout.0.lock().expect("no other panicked");
        String::from_utf8_lossy(&state.0).into_owned()
    }

    /// Waits until standard output contains a text. Fails the test when it ends without, or takes
    /// too long.
    pub fn wait_for(&self, text: &str) {
        self.wait_in(&self.stdout, text);
    }

    /// The same of standard error.
    pub fn wait_for_word(&self, text: &str) {
        self.wait_in(&self.stderr, text);
    }

    fn wait_in(&self, pipe: &Collected, text: &str) {
        loop {
            let state = pipe.0.lock().expect("no other panicked");
            let (told, over) = (String::from_utf8_lossy(&state.0).into_owned(), state.1);
            drop(state);
            if told.contains(text) {
                return;
            }
            assert!(!over, "it ended without `{text}`:\n{told}");
            assert!(self.began.elapsed() < self.limit, "no `{text}` in time:\n{told}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end.
    pub fn done(mut self) -> Done {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            if self.began.elapsed() > self.limit {
                let _ = self.child.kill();
                let (out, err) = (self.so_far(), text(&self.stderr, Duration::from_secs(1)));
                panic!("it did not end in {:?}\n{out}\n{err}", self.limit);
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        // What it started in the background may hold the pipes open; that must not hang the tests.
        let patience = Duration::from_secs(5);
        Done {
            code: status.code(),
            signal: status.signal(),
            stdout: text(&self.stdout, patience),
            stderr: text(&self.stderr, patience),
            took: self.began.elapsed(),
        }
    }
}

fn text(pipe: &Collected, patience: Duration) -> String {
    let state = pipe.0.lock().expect("no other panicked");
    let (state, _) =
        pipe.1.wait_timeout_while(state, patience, |state| !state.1).expect("no other panicked");
    String::from_utf8_lossy(&state.0).into_owned()
}

/// A run of the program that is over.
#[derive(Debug, Clone)]
pub struct Done {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Done {
    /// Fails the test unless it exited so.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }

    /// Standard output as JSON Lines: every line must be one.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let parse =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}
