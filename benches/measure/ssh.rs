//! (h) A session on another host, and its journal on the way back.
//!
//! The host is this machine, behind an OpenSSH server of the bench's own. Floors are what somebody would
//! type: `ssh host docker run`, once with a connection of its own each time and once over a shared one;
//! and `ssh host cat` of the same journal.

use super::rig::{Ran, Rig, each, first_words, pairs};
use super::table::{Aim, Row, Unit};
use super::timed;
use anyhow::{Context as _, Result, bail, ensure};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 15;
const DATE: [&str; 2] = ["date", "+%s.%N"];
/// The journal that is read back.
const BYTES: u64 = 256 << 20;

/// An OpenSSH server, gone when dropped.
struct Server {
    dir: PathBuf,
}

impl Server {
    fn start(rig: &Rig) -> Result<Self> {
        let dir = rig.path("far");
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        script(&["start", text(&dir), &port.to_string()])?;
        Ok(Self { dir })
    }

    fn config(&self) -> String {
        self.dir.join("config").display().to_string()
    }

    fn sandbox(&self, image: &str, engine: &str) -> String {
        format!(
            "provider = \"ssh\"\nimage = \"{image}\"\nnetwork = \"none\"\n[sandbox.ssh]\nhost = \"far\"\n\
             engine = \"{engine}\"\nconfig = \"{}\"",
            self.config()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = script(&["stop", text(&self.dir)]);
    }
}

fn text(path: &Path) -> &str {
    super::rig::text(path)
}

fn script(words: &[&str]) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/sshd.sh");
    let done = Command::new(script).args(words).stdin(Stdio::null()).output()?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout).trim());
    Ok(())
}

pub fn measure(rig: &mut Rig) -> Result<()> {
    rig.need_docker()?;
    let server = Server::start(rig)?;
    starts(rig, &server)?;
    let journal = journal(rig, &server);
    disconnect(rig, &server.config());
    journal
}

fn starts(rig: &mut Rig, server: &Server) -> Result<()> {
    let sandbox = server.sandbox(&rig.image, "docker");
    rig.preset("there", &DATE, &sandbox)?;
    // The program is put there.
    rig.session("there")?;
    let config = server.config();
    let shared = format!("ControlPath={}", rig.path("run/floor").display());
    let ssh = ["ssh", "-F", &config, "-o", "BatchMode=yes"];
    let run = ["far", "docker", "run", "--rm", "--network", "none", &rig.image, "date", "+%s.%N"];
    let alone = [&ssh[..], &run].concat();
    let sharing = ["-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", &shared];
    let sharing = [&ssh[..], &sharing, &run].concat();
    let cold = pairs(
        ROUNDS,
        || {
            disconnect(rig, &config);
            ours(&rig.session("there")?)
        },
        || floor(&rig.run(&alone)?),
    )?;
    let warm = pairs(ROUNDS, || ours(&rig.session("there")?), || floor(&rig.run(&sharing)?))?;
    for (how, pairs) in [("a new connection", cold), ("a shared connection", warm)] {
        let title = format!("(h) {how}, to the first instruction");
        let first = each(&pairs, |it| it.first);
        rig.rows.push(Row::of(&title, Unit::Ms, &first, "ssh docker run", Aim::Ratio(1.2)));
        let title = format!("(h) {how}, to the exit");
        let wall = each(&pairs, |it| it.wall);
        rig.rows.push(Row::of(&title, Unit::Ms, &wall, "ssh docker run", Aim::Told));
    }
    let _ = Command::new("ssh")
        .args(["-o", &shared, "-O", "exit", "far"])
        .stderr(Stdio::null())
        .status();
    Ok(())
}

struct Start {
    first: f64,
    wall: f64,
}

fn ours(ran: &Ran) -> Result<Start> {
    of(ran, &first_words(&ran.out)?)
}

fn floor(ran: &Ran) -> Result<Start> {
    of(ran, &ran.out)
}

fn of(ran: &Ran, said: &str) -> Result<Start> {
    let at: f64 = said.trim().parse().with_context(|| format!("`{said}` is no time"))?;
    Ok(Start { first: at - ran.cost.started, wall: ran.cost.wall })
}

/// Ends the shared connections of ours.
fn disconnect(rig: &Rig, config: &str) {
    for socket in std::fs::read_dir(rig.path("run/loop")).into_iter().flatten().flatten() {
        let path = format!("ControlPath={}", socket.path().display());
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", config, "-o", &path, "-O", "exit", "far"]).stderr(Stdio::null());
        let _ = ssh.status();
    }
}

/// A sandbox there that wrote much, and how fast it comes back by the verb that sessions follow it with.
fn journal(rig: &mut Rig, server: &Server) -> Result<()> {
    let count = BYTES / 1000;
    let words = format!(
        "awk 'BEGIN {{ s = sprintf(\"%989s\", \"\"); gsub(/ /, \"x\", s); \
         for (i = 1; i <= {count}; i++) printf \"%010d%s\\n\", i, s }}'"
    );
    let sandbox = server.sandbox(&rig.image, "local");
    let limits = "[limits]\noutput = \"1GiB\"";
    rig.preset("much", &["/bin/sh", "-c", &words], &format!("{sandbox}\n{limits}"))?;
    let started = rig.ours(&["session", "start", "--preset", "much", "--detach", "--json"])?;
    let first: serde_json::Value =
        serde_json::from_str(started.out.lines().next().unwrap_or_default())?;
    let session = first["session"].as_str().context("no session was started")?.to_owned();
    let store = super::store::id(&rig.data())?;
    let folder = format!("home/.local/share/loop/far/{store}/sessions/{session}/sandbox/run");
    let run = server.dir.join(folder);
    wait_for(&run.join("turn-1/exit.json"))?;
    let file = run.join("journal.jsonl");
    let all = file.metadata()?.len() as f64 / 1e6;
    let config = server.config();
    let cat = ["ssh", "-F", &config, "far", "cat", text(&file)];
    let pairs = pairs(5, || follow(rig, &config, &store, &session), || read(&cat))?;
    let speeds: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (all / a, all / b)).collect();
    let title = "(h) a journal of 256 MiB over exec";
    rig.rows.push(Row::of(title, Unit::Speed, &speeds, "ssh cat", Aim::Above(50.0)));
    rig.ours(&["session", "stop", &session])?;
    Ok(())
}

fn wait_for(path: &Path) -> Result<()> {
    let since = Instant::now();
    while !path.exists() {
        ensure!(since.elapsed().as_secs() < 300, "no {}", path.display());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    Ok(())
}

/// The near side of the conversation, by hand: what is asked, and everything that comes back.
fn follow(rig: &Rig, config: &str, store: &str, session: &str) -> Result<f64> {
    let bin = rig.path("far/home/.cache/loop/bin");
    let copy = std::fs::read_dir(bin)?.next().context("no program there")??.path().join("loop");
    let verb = ["journal", "--after", "0"];
    let exec = serde_json::json!({ "session": session, "verb": verb, "input": false });
    let ask = serde_json::json!({ "store": store, "engine": null, "verb": { "exec": exec } });
    let ask = serde_json::to_vec(&ask)?;
    let began = timed::now();
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", config, "far", text(&copy), "host"]);
    let mut ssh = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = ssh.stdin.take().context("no pipe")?;
    stdin.write_all(b"m")?;
    stdin.write_all(&u32::try_from(ask.len())?.to_be_bytes())?;
    stdin.write_all(&ask)?;
    let mut stdout = ssh.stdout.take().context("no pipe")?;
    let (mut block, mut all, mut last) = (vec![0; 256 << 10], 0, Vec::new());
    loop {
        let read = stdout.read(&mut block)?;
        if read == 0 {
            break;
        }
        all += read as u64;
        last.extend_from_slice(&block[read.saturating_sub(5)..read]);
        last.drain(..last.len().saturating_sub(5));
    }
    let took = timed::now() - began;
    drop(stdin);
    ssh.wait()?;
    if all < BYTES || last != b"e\0\0\0\0" {
        bail!("{all} bytes came back, and then {last:?}");
    }
    Ok(took)
}

fn read(argv: &[&str]) -> Result<f64> {
    let began = timed::now();
    let mut child = Command::new(argv[0]).args(&argv[1..]).stdout(Stdio::piped()).spawn()?;
    let mut stdout = child.stdout.take().context("no pipe")?;
    let mut block = vec![0; 256 << 10];
    while stdout.read(&mut block)? > 0 {}
    ensure!(child.wait()?.success(), "`{}` failed", argv.join(" "));
    Ok(timed::now() - began)
}
