//! Docker engines of other machines, as the docker CLI names them: a second engine, in a network of its
//! own, behind a real OpenSSH server and behind TLS.

use super::far::{Far, free_port};
use crate::need;
use crate::support::{Done, Home, need};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// An engine that sees nothing of the other one, and of which the other one sees nothing.
struct Engine {
    dir: tempfile::TempDir,
    daemon: Child,
}

impl Engine {
    fn start() -> Result<Self, String> {
        need::docker()?;
        need::command("dockerd").or_else(|_| need::command("/usr/sbin/dockerd"))?;
        if !nix::unistd::geteuid().is_root() {
            return Err("only root may start a second engine".to_owned());
        }
        let dir = tempfile::Builder::new().prefix("loop-engine-").tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        certificates(dir.path())?;
        let script = format!(
            "ip link set lo up && exec dockerd --data-root {} --exec-root {} --pidfile {} \
             --bridge=none --iptables=false -H unix://{} -H tcp://127.0.0.1:2376 --tlsverify \
             --tlscacert {} --tlscert {} --tlskey {}",
            at("data"),
            at("exec"),
            at("pid"),
            at("d.sock"),
            at("ca.pem"),
            at("server.pem"),
            at("server-key.pem")
        );
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let daemon = Command::new("unshare")
            .args(["-n", "--", "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut engine = Self { dir, daemon };
        engine.wait()?;
        Ok(engine)
    }

    fn wait(&mut self) -> Result<(), String> {
        let since = Instant::now();
        let host = format!("unix://{}", self.socket().display());
        let answers = || {
            let mut docker = Command::new("docker");
            docker.args(["-H", &host, "version"]).stdout(Stdio::null()).stderr(Stdio::null());
            docker.status().is_ok_and(|status| status.success())
        };
        while !answers() {
            let ended = self.daemon.try_wait().is_ok_and(|status| status.is_some());
            if ended || since.elapsed() > Duration::from_secs(30) {
                let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
                let last = log.lines().rfind(|line| !line.contains("level=info"));
                return Err(format!("a second engine does not start: {last:?}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("d.sock")
    }

    /// What is on it.
    fn containers(&self) -> String {
        let host = format!("unix://{}", self.socket().display());
        let done = Command::new("docker").args(["-H", &host, "ps", "-aq"]).output().unwrap();
        assert!(done.status.success());
        String::from_utf8(done.stdout).unwrap()
    }

    /// A port of ours that leads to its own, in its network.
    fn port(&self) -> u16 {
        let through = self.dir.path().join("through.sock");
        let script = "import socket, sys, threading\n\
            def move(a, b):\n\
            \x20   while True:\n\
            \x20       data = a.recv(65536)\n\
            \x20       if not data: break\n\
            \x20       b.sendall(data)\n\
            \x20   b.shutdown(socket.SHUT_WR)\n\
            server = socket.socket(socket.AF_UNIX)\n\
            server.bind(sys.argv[1])\n\
            server.listen(50)\n\
            while True:\n\
            \x20   near, _ = server.accept()\n\
            \x20   far = socket.create_connection(('127.0.0.1', 2376))\n\
            \x20   for pair in (near, far), (far, near):\n\
            \x20       threading.Thread(target=move, args=pair, daemon=True).start()\n";
        let pid = std::fs::read_to_string(self.dir.path().join("pid")).unwrap();
        let mut inside = Command::new("nsenter");
        inside.args(["-t", pid.trim(), "-n", "--", "python3", "-c", script]).arg(&through);
        let mut inside = inside.stdin(Stdio::null()).spawn().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", free_port())).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = UnixStream::connect(&through) else { break };
                let (mut a, mut b) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || {
                    copy(&mut a, &mut b);
                    let _ = b.shutdown(Shutdown::Write);
                });
                let (mut a, mut b) = (far, near);
                std::thread::spawn(move || {
                    copy(&mut a, &mut b);
                    let _ = b.shutdown(Shutdown::Write);
                });
            }
            let _ = inside.kill();
            let _ = inside.wait();
        });
        std::thread::sleep(Duration::from_millis(500));
        port
    }
}

fn copy(from: &mut impl Read, to: &mut impl Write) {
    let mut block = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut block) {
        if to.write_all(&block[..read]).is_err() {
            return;
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // What it started ends with it: containers and their network are in folders of its own.
        let pid = nix::unistd::Pid::from_raw(self.daemon.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let since = Instant::now();
        while self.daemon.try_wait().is_ok_and(|status| status.is_none()) {
            if since.elapsed() > Duration::from_secs(15) {
                let _ = self.daemon.kill();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        for line in crate::acts::processes(&self.dir.path().display().to_string()) {
            super::far::kill(&line);
        }
        let _ = Command::new("umount")
            .args(["-R", "-l"])
            .arg(self.dir.path().join("exec"))
            .stderr(Stdio::null())
            .status();
    }
}

/// An authority, and what it vouches for: the engine on 127.0.0.1, and whoever may use it.
fn certificates(dir: &Path) -> Result<(), String> {
    need::command("openssl")?;
    let script = "set -e; cd \"$1\"\n\
        new() { openssl req -newkey rsa:2048 -nodes -keyout $1.key -subj /CN=$2 -out $1.csr; }\n\
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=authority -out ca.pem -days 2\n\
        openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -subj /CN=other -out other.pem -days 2\n\
        new server localhost; new client client\n\
        printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth\\n' > s.ext\n\
        printf 'extendedKeyUsage=clientAuth\\n' > c.ext\n\
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile s.ext -out server.pem\n\
        openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile c.ext -out cert.pem\n\
        mv server.key server-key.pem; mv client.key key.pem\n";
    let done = Command::new("sh").args(["-c", script, "sh"]).arg(dir).output().unwrap();
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
    }
}

/// A whole session of the built-in worker, which needs no image; how it went.
fn triage(home: &Home, env: &[(&str, &str)]) -> Done {
    let start =
        ["session", "start", "--preset", "triage", "--project", "demo", "--sandbox", "docker"];
    let mut run = home.run(&start);
    for (name, value) in env {
        run = run.env(name, value);
    }
    run.done()
}

/// Makes a context with the docker CLI itself.
fn context(home: &Home, words: &[&str]) {
    let mut docker = Command::new("docker");
    docker.args(["context", "create"]).args(words).env("HOME", home.path().join("home"));
    let done = docker.env("DOCKER_CONFIG", home.path().join("home/.docker")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn an_engine_behind_ssh() {
    let (far, engine) = (need!(Far::start()), need!(Engine::start()));
    let home = Home::new();
    let host = format!("ssh://far{}", engine.socket().display());
    let config = format!("[sandbox.docker]\nssh_config = {:?}\n", far.path().join("config"));
    home.write("config/config.toml", &config);
    triage(&home, &[("DOCKER_HOST", &host)]).ok();
    // Once more: what is there already is not sent again.
    triage(&home, &[("DOCKER_HOST", &host)]).ok();
    assert_eq!(engine.containers(), "");
    assert_eq!(home.containers(), Vec::<String>::new(), "the other engine was not asked");
    // The option counts more, and a host key that changed is told in the same words.
    home.write("config/config.toml", &format!("{config}host = {host:?}\n"));
    triage(&home, &[("DOCKER_HOST", "tcp://127.0.0.1:1")]).ok();
    far.disconnect(&home);
    far.change_key();
    let done = triage(&home, &[]).exits(4);
    assert!(done.stderr.contains("the host key of `far` has changed"), "{}", done.stderr);
    far.disconnect(&home);
}

#[test]
fn a_worker_on_an_engine_behind_ssh_is_left_and_come_back_to() {
    let far = need!(Far::start());
    need!(need::image());
    let home = Home::new();
    let more = format!(
        "[sandbox.docker]\nhost = \"ssh://far\"\nssh_config = {:?}\n",
        far.path().join("config")
    );
    let script = "i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo line $i; sleep 0.05; done";
    home.script("talks", "docker", script, &more);
    let started = home.run(&["session", "start", "--preset", "talks", "--json", "x"]).start();
    started.wait_for("line 9\"");
    started.signal(nix::sys::signal::Signal::SIGKILL);
    started.done();
    let attached = home.run(&["session", "attach", "last", "--json"]).start();
    attached.wait_for("line 20\"");
    // The connections end under it, all of them.
    far.disconnect(&home);
    let lines = attached.done().ok().session(&home);
    let wanted: Vec<String> = (1..=60).map(|i| format!("line {i}")).collect();
    assert_eq!(crate::acts::texts(&lines, "assistant"), wanted.join("\n"));
    far.disconnect(&home);
    home.nothing_left();
}

#[test]
fn an_engine_behind_tls() {
    let engine = need!(Engine::start());
    need!(need::command("nsenter"));
    need!(need::command("python3"));
    let home = Home::new();
    let host = format!("tcp://127.0.0.1:{}", engine.port());
    let certificates = engine.dir.path().display().to_string();
    let by_env = [
        ("DOCKER_HOST", host.as_str()),
        ("DOCKER_TLS_VERIFY", "1"),
        ("DOCKER_CERT_PATH", &certificates),
    ];
    triage(&home, &by_env).ok();
    assert_eq!(engine.containers(), "");
    // A named context, as the CLI itself keeps it.
    let at = |name: &str| engine.dir.path().join(name).display().to_string();
    let tls =
        format!("host={host},ca={},cert={},key={}", at("ca.pem"), at("cert.pem"), at("key.pem"));
    context(&home, &["tls", "--docker", &tls]);
    triage(&home, &[("DOCKER_CONTEXT", "tls")]).ok();
    home.write("home/.docker/config.json", "{\"currentContext\":\"tls\"}");
    triage(&home, &[]).ok();
    home.write("config/config.toml", "[sandbox.docker]\ncontext = \"tls\"\n");
    triage(&home, &[("DOCKER_CONTEXT", "default")]).ok();
    home.write("config/config.toml", "[sandbox.docker]\ncontext = \"tsl\"\n");
    let done = triage(&home, &[]).exits(3);
    assert!(done.stderr.contains("no Docker context is called `tsl`"), "{}", done.stderr);
    assert!(done.stderr.contains("`tls`") || done.stderr.contains("choose tls"), "{}", done.stderr);
    home.write("config/config.toml", "");
    // An engine that another authority vouches for is none of ours.
    std::fs::copy(engine.dir.path().join("other.pem"), engine.dir.path().join("ca.pem")).unwrap();
    let done = triage(&home, &by_env).exits(5);
    assert!(done.stderr.contains("certificate"), "{}", done.stderr);
    // And one whose certificate would not be checked is not talked to at all.
    let skipping = format!("{tls},skip-tls-verify=true");
    context(&home, &["open", "--docker", &skipping]);
    let done = triage(&home, &[("DOCKER_CONTEXT", "open")]).exits(3);
    assert!(done.stderr.contains("certificate would not be checked"), "{}", done.stderr);
    assert_eq!(engine.containers(), "");
}
