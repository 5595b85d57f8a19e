//! What the figures stand on: a folder that goes away, the program in an emptied environment, and
//! what the machine has.

use super::store;
use super::table::Row;
use super::timed::{self, Cost};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The image of both sides.
const IMAGE: &str = "loop-test-base:1";

pub struct Rig {
    pub dir: TempDir,
    pub program: PathBuf,
    pub image: String,
    pub rows: Vec<Row>,
    pub loads: Vec<String>,
    me: PathBuf,
}

/// A command that was run.
pub struct Ran {
    pub cost: Cost,
    /// Its standard output, at most the first MiB of it.
    pub out: String,
    /// All bytes of it.
    pub bytes: u64,
}

impl Rig {
    pub fn new() -> Result<Self> {
        let program = std::env::var_os("LOOP_BIN")
            .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_loop")), PathBuf::from);
        let program = program.canonicalize().context("find the program to measure")?;
        let rig = Self {
            dir: tempfile::Builder::new().prefix("loop-bench-").tempdir()?,
            program,
            image: std::env::var("LOOP_BENCH_IMAGE").unwrap_or(IMAGE.to_owned()),
            rows: Vec::new(),
            loads: Vec::new(),
            me: std::env::current_exe()?,
        };
        for folder in ["home", "config/presets", "cache", "data", "run"] {
            std::fs::create_dir_all(rig.path(folder))?;
        }
        Ok(rig)
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// What any command of a bench is run with.
    pub fn environment(&self, command: &mut Command) {
        let folder = |name: &str| self.path(name);
        command.env_clear().current_dir(folder("home"));
        for name in ["PATH", "DOCKER_HOST"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", folder("home"));
        command.env("LOOP_CONFIG_DIR", folder("config"));
        command.env("LOOP_DATA_DIR", self.data());
        command.env("LOOP_CACHE_DIR", folder("cache"));
        command.env("XDG_RUNTIME_DIR", folder("run"));
        // Only the stand-in for a harness is ever given it.
        command.env("ANTHROPIC_API_KEY", "sk-bench-not-a-key");
    }

    /// A command that the small process will run and measure.
    pub fn timed(&self, argv: &[&str]) -> Command {
        let mut command = Command::new(&self.me);
        command.arg(timed::HOW).arg(self.report()).args(argv);
        self.environment(&mut command);
        command.stdin(Stdio::null());
        command
    }

    fn report(&self) -> PathBuf {
        self.path("cost.json")
    }

    /// Runs a command to its end; its output goes through a pipe that is read here.
    pub fn run(&self, argv: &[&str]) -> Result<Ran> {
        let mut command = self.timed(argv);
        let errors = self.path("stderr");
        command.stdout(Stdio::piped()).stderr(File::create(&errors)?);
        let mut child = command.spawn()?;
        let mut stdout = child.stdout.take().context("no standard output")?;
        let (mut out, mut bytes, mut block) = (Vec::new(), 0, vec![0; 256 << 10]);
        loop {
            let read = stdout.read(&mut block)?;
            if read == 0 {
                break;
            }
            bytes += read as u64;
            if out.len() < 1 << 20 {
                out.extend_from_slice(&block[..read]);
            }
        }
        child.wait()?;
        let cost = timed::read(&self.report())?;
        let out = String::from_utf8_lossy(&out).into_owned();
        if cost.code != Some(0) {
            let said = std::fs::read_to_string(&errors).unwrap_or_default();
            bail!("`{}` exited with {:?}: {said}{out}", argv.join(" "), cost.code);
        }
        Ok(Ran { cost, out, bytes })
    }

    /// The program with arguments.
    pub fn ours(&self, arguments: &[&str]) -> Result<Ran> {
        let program = self.program.display().to_string();
        let mut argv = vec![program.as_str()];
        argv.extend_from_slice(arguments);
        self.run(&argv)
    }

    /// A preset of the `command` harness. `sandbox` is the rest of its TOML, from `[sandbox]` on.
    pub fn preset(&self, name: &str, command: &[&str], sandbox: &str) -> Result<()> {
        let command = serde_json::to_string(command)?;
        let text = format!(
            "description = \"a bench\"\nharness = \"command\"\ncommand = {command}\nprompt = \"go\"\n\
             [sandbox]\nkeep = \"never\"\n{sandbox}\n"
        );
        let path = self.path("config/presets").join(format!("{name}.toml"));
        std::fs::write(path, text).context("write a preset")
    }

    /// Starts a session and waits for its end; its output is JSON Lines.
    pub fn session(&self, preset: &str) -> Result<Ran> {
        self.ours(&["session", "start", "--preset", preset, "--json", "-q"])
    }

    /// A session that is over, whose files may be replaced.
    pub fn finished_session(&self) -> Result<String> {
        let sandbox = match bubblewrap() {
            true => "provider = \"local\"\nnetwork = \"none\"".to_owned(),
            false => self.docker_sandbox("none"),
        };
        self.preset("one", &["echo", "hello"], &sandbox)?;
        let ran = self.session("one")?;
        let first: Value = serde_json::from_str(ran.out.lines().next().unwrap_or_default())?;
        Ok(first["session"].as_str().context("no session was started")?.to_owned())
    }

    pub fn docker_sandbox(&self, network: &str) -> String {
        format!("provider = \"docker\"\nimage = \"{}\"\nnetwork = \"{network}\"", self.image)
    }

    /// Fails where there is no engine or no image.
    pub fn need_docker(&self) -> Result<()> {
        let argv = ["docker", "image", "inspect", "-f", "{{.Id}}", &self.image];
        self.run(&argv).map(drop).context(
            "no Docker engine, or not the image; tests/rig/base-image.sh makes it, \
             or name another with LOOP_BENCH_IMAGE",
        )
    }

    /// Containers of our store that are there.
    pub fn containers(&self) -> Result<Vec<String>> {
        let label = format!("label=loop.store={}", store::id(&self.data())?);
        let ran = self.run(&["docker", "ps", "-aq", "--filter", &label])?;
        Ok(ran.out.lines().map(str::to_owned).collect())
    }
}

impl Drop for Rig {
    /// Whatever went wrong, nothing is left behind.
    fn drop(&mut self) {
        for id in self.containers().unwrap_or_default() {
            let _ = self.run(&["docker", "rm", "-fv", &id]);
        }
        let _ = super::watch::end_all_of(&self.program, self.dir.path());
    }
}

/// The text that a worker said first.
pub fn first_words(out: &str) -> Result<String> {
    for line in out.lines() {
        let event: Value = serde_json::from_str(line)?;
        if event["kind"] == "assistant" {
            return Ok(event["text"].as_str().unwrap_or_default().to_owned());
        }
    }
    bail!("the worker said nothing:\n{out}")
}

/// Whether local sandboxes can be made.
pub fn bubblewrap() -> bool {
    let trial = ["--unshare-all", "--ro-bind", "/", "/", "true"];
    Command::new("bwrap").args(trial).output().is_ok_and(|done| done.status.success())
}

/// Whether a command is there.
pub fn has(command: &str) -> bool {
    Command::new("sh")
        .args(["-c", "command -v \"$1\"", "sh", command])
        .output()
        .is_ok_and(|done| done.status.success())
}

/// How much else the machine had to do in the last minute.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("?").to_owned()
}

pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let engine = Command::new("docker")
        .args(["version", "--format", "{{.Server.Version}}"])
        .output()
        .map(|done| String::from_utf8_lossy(&done.stdout).trim().to_owned())
        .unwrap_or_default();
    let engine = if engine.is_empty() { "none".to_owned() } else { engine };
    format!("Machine: {cores} cores, Linux {}, Docker engine {engine}.", release.trim())
}

/// Pairs, measured in turns.
pub fn pairs<T>(
    rounds: usize,
    mut ours: impl FnMut() -> Result<T>,
    mut floor: impl FnMut() -> Result<T>,
) -> Result<Vec<(T, T)>> {
    ensure!(rounds > 0, "no rounds");
    // The first of each is not counted: it finds cold caches.
    ours()?;
    floor()?;
    (0..rounds).map(|_| Ok((ours()?, floor()?))).collect()
}

/// One number of each side.
pub fn each<T>(pairs: &[(T, T)], number: impl Fn(&T) -> f64) -> Vec<(f64, f64)> {
    pairs.iter().map(|(ours, floor)| (number(ours), number(floor))).collect()
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
