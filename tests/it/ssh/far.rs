//! The other machine, and the way there.

use crate::acts::{files, processes};
use crate::support::{Home, need};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What `tests/rig/sshd.sh` started; gone when dropped.
pub struct Far {
    dir: tempfile::TempDir,
    pub port: u16,
    /// What the program is kept in there: shared by tests, since it is large.
    cache: PathBuf,
}

impl Far {
    pub fn start() -> Result<Self, String> {
        Self::start_with(&[], None)
    }

    /// With lines of its own configuration, and a cache of its own.
    pub fn start_with(lines: &[&str], cache: Option<&Path>) -> Result<Self, String> {
        let dir = tempfile::Builder::new().prefix("loop-far-").tempdir().unwrap();
        let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("far-cache");
        let cache = cache.map_or(shared, Path::to_owned);
        let port = free_port();
        let environment =
            format!("SetEnv HOME={}/home XDG_CACHE_HOME={}", dir.path().display(), cache.display());
        let all: Vec<String> = match lines.iter().any(|line| line.starts_with("SetEnv")) {
            // Only the first line of them counts.
            true => lines.iter().map(|l| l.replace("SetEnv", &environment)).collect(),
            false => lines.iter().map(|l| (*l).to_owned()).chain([environment]).collect(),
        };
        rig(&["start", dir.path().to_str().unwrap(), &port.to_string()], &all)?;
        Ok(Self { dir, port, cache })
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The options by which it is reached.
    pub fn options(&self, engine: &str) -> String {
        options(&self.path().join("config"), engine)
    }

    /// The same by way of a proxy.
    pub fn options_by(&self, proxy: &Proxy, engine: &str) -> String {
        let text = std::fs::read_to_string(self.path().join("config")).unwrap();
        let port = format!("Port {}", self.port);
        let by = format!("Port {}\n    HostKeyAlias [127.0.0.1]:{}", proxy.port, self.port);
        let config = self.path().join(format!("config-{}", proxy.port));
        std::fs::write(&config, text.replace(&port, &by)).unwrap();
        options(&config, engine)
    }

    /// The folders of sessions there, of any store.
    pub fn sessions(&self) -> Vec<PathBuf> {
        let stores = self.path().join("home/.local/share/loop/far");
        files(&stores, &|path| path.parent().is_some_and(|parent| parent.ends_with("sessions")))
    }

    /// Fails the test unless nothing is left on either side. Shared connections are closed first: they
    /// are to stay for a while.
    #[track_caller]
    pub fn nothing_left(&self, home: &Home) {
        self.disconnect(home);
        home.nothing_left();
        let since = Instant::now();
        loop {
            let mut left: Vec<String> =
                self.sessions().iter().map(|path| path.display().to_string()).collect();
            left.extend(self.processes());
            if left.is_empty() {
                return;
            }
            assert!(since.elapsed() < Duration::from_secs(10), "left there: {left:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What runs there for sessions.
    pub fn processes(&self) -> Vec<String> {
        let sshd = format!("{}/sshd_config", self.path().display());
        let mut all = processes(&self.path().join("home").display().to_string());
        all.retain(|line| !line.contains(&sshd));
        all
    }

    /// How many of our program answer somebody there now.
    pub fn asked(&self) -> usize {
        let home = format!("HOME={}/home", self.path().display());
        let is_one = |folder: PathBuf| {
            let read = |name: &str| std::fs::read(folder.join(name)).unwrap_or_default();
            let has = |all: &[u8], one: &[u8]| all.split(|byte| *byte == 0).any(|word| word == one);
            has(&read("cmdline"), b"host") && has(&read("environ"), home.as_bytes())
        };
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        all.filter(|entry| is_one(entry.path())).count()
    }

    /// Ends the shared connections of a home.
    pub fn disconnect(&self, home: &Home) {
        for line in processes(&format!("{}/tmp/loop/ssh-", home.path().display())) {
            if line.contains("[mux]") {
                kill(&line);
            }
        }
    }

    /// Gives the server another key, as a machine has that was set up anew.
    pub fn change_key(&self) {
        for name in ["host", "host.pub"] {
            std::fs::remove_file(self.path().join(name)).unwrap();
        }
        let known = std::fs::read(self.path().join("known_hosts")).unwrap();
        self.restart();
        std::fs::write(self.path().join("known_hosts"), known).unwrap();
    }

    /// As if the power had failed: everything of a home that runs there ends at once, the connections
    /// with it, and then the server is there again.
    pub fn power_cycle(&self, home: &Home) {
        for name in home.containers() {
            let name = name.split(' ').next().unwrap();
            let done = Command::new("docker").args(["kill", name]).output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        for line in self.processes() {
            kill(&line);
        }
        self.disconnect(home);
        self.restart();
    }

    pub fn restart(&self) {
        let dir = self.path().to_str().unwrap();
        let config = std::fs::read_to_string(self.path().join("sshd_config")).unwrap();
        let own: Vec<String> = config
            .lines()
            .take_while(|l| !l.starts_with("ListenAddress"))
            .map(str::to_owned)
            .collect();
        rig(&["stop", dir], &[]).unwrap();
        let since = Instant::now();
        while let Err(failed) = rig(&["start", dir, &self.port.to_string()], &own) {
            assert!(since.elapsed() < Duration::from_secs(10), "{failed}");
        }
    }
}

fn options(config: &Path, engine: &str) -> String {
    let engine = if engine.is_empty() { String::new() } else { format!("engine = \"{engine}\"\n") };
    format!("[sandbox.ssh]\nhost = \"far\"\nconfig = \"{}\"\n{engine}", config.display())
}

fn rig(words: &[&str], lines: &[String]) -> Result<(), String> {
    if std::env::var_os("LOOP_TEST_WITHOUT_SSHD").is_some() {
        return Err("there is no OpenSSH server".to_owned());
    }
    need::command("ssh")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/sshd.sh");
    let mut command = Command::new(script);
    let done = command.args(words).args(lines).stdin(Stdio::null()).output().unwrap();
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stdout).trim().to_owned()),
    }
}

/// Ends a process of `processes`.
pub fn kill(line: &str) {
    let pid = line.split(' ').next().unwrap().parse().unwrap();
    let _ =
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
}

impl Drop for Far {
    fn drop(&mut self) {
        let _ = rig(&["stop", self.path().to_str().unwrap()], &[]);
        for line in processes(self.path().to_str().unwrap()) {
            kill(&line);
        }
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A way to the server that can be cut.
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    to: u16,
    /// Whether new connections are taken.
    open: AtomicBool,
    /// Whether bytes are passed on; where not, nobody is told.
    flows: AtomicBool,
    /// How many bytes may still come back before everything is cut; less than nothing is no limit.
    left: AtomicI64,
    /// How many came back.
    passed: AtomicUsize,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = Arc::new(State {
            to: port,
            open: AtomicBool::new(true),
            flows: AtomicBool::new(true),
            left: AtomicI64::new(-1),
            passed: AtomicUsize::new(0),
            streams: Mutex::default(),
        });
        let port = listener.local_addr().unwrap().port();
        let ours = Arc::clone(&state);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if ours.open.load(SeqCst) {
                    ours.join(near);
                }
            }
        });
        Self { port, state }
    }

    /// Everything is closed, and nothing new is taken.
    pub fn cut(&self) {
        self.state.cut();
    }

    /// Nothing arrives any more, and nobody is told.
    pub fn swallow(&self) {
        self.state.flows.store(false, SeqCst);
    }

    /// Cuts when so many more bytes have come back.
    pub fn cut_after(&self, bytes: i64) {
        self.state.left.store(bytes, SeqCst);
    }

    pub fn mend(&self) {
        self.state.left.store(-1, SeqCst);
        self.state.flows.store(true, SeqCst);
        self.state.open.store(true, SeqCst);
    }

    pub fn is_cut(&self) -> bool {
        !self.state.open.load(SeqCst)
    }

    /// How many bytes have come back so far.
    pub fn passed(&self) -> usize {
        self.state.passed.load(SeqCst)
    }
}

impl State {
    fn join(self: &Arc<Self>, near: TcpStream) {
        let Ok(far) = TcpStream::connect(("127.0.0.1", self.to)) else { return };
        for stream in [&near, &far] {
            let _ = stream.set_nodelay(true);
            self.streams.lock().unwrap().push(stream.try_clone().unwrap());
        }
        let (from, to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let state = Arc::clone(self);
        std::thread::spawn(move || state.pass(from, to, false));
        let state = Arc::clone(self);
        std::thread::spawn(move || state.pass(far, near, true));
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream, back: bool) {
        let mut block = [0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut block) {
            while !self.flows.load(SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            let left = self.left.load(SeqCst);
            let limited = back && left >= 0;
            let part = if limited { read.min(left as usize) } else { read };
            if to.write_all(&block[..part]).is_err() {
                break;
            }
            if back {
                self.passed.fetch_add(part, SeqCst);
            }
            if limited && self.left.fetch_sub(part as i64, SeqCst) <= part as i64 {
                self.cut();
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }

    fn cut(&self) {
        self.open.store(false, SeqCst);
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Each engine that sandboxes can be made with there.
pub fn on_each(check: impl Fn(&Far, &str)) {
    let far = crate::need!(Far::start());
    crate::need!(need::bubblewrap());
    check(&far, "local");
    crate::need!(need::image());
    check(&far, "docker");
}

/// A transcript without what differs from run to run.
pub fn told(lines: &[Value]) -> Vec<Value> {
    let events = lines.iter().filter(|line| line["type"] == "event").cloned();
    events
        .map(|mut event| {
            let fields = event.as_object_mut().unwrap();
            fields.remove("session");
            fields.remove("at");
            event
        })
        .collect()
}
