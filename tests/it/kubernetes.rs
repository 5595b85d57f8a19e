//! Sessions in a cluster that goes wrong: what it refuses, what it ends, what it loses, and what it
//! must never be told. The cluster is the tests' own; its containers are real.

use crate::acts::texts;
use crate::kube_server::refusal::Refusal;
use crate::kube_server::{Fault, KubeServer, NAMESPACE, Network};
use crate::need;
use crate::support::{Done, Home, need};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A worker that counts to 80 in some six seconds.
const COUNTS: &str = "i=0; while [ $i -lt 80 ]; do i=$((i+1)); echo line $i; sleep 0.07; done";
const START: [&str; 6] = ["session", "start", "--preset", "w", "--json", "do it"];

struct Rig {
    server: KubeServer,
    home: Home,
}

impl Rig {
    /// A preset `w` whose worker is a script, with more lines of its settings of the cluster.
    fn new(script: &str, more: &str) -> Result<Self, String> {
        let image = need::image()?;
        let server = KubeServer::start(&need::docker()?.gateway);
        let home = Home::new();
        let config = server.kubeconfig(&home.path().join("kubeconfig"));
        let script = serde_json::to_string(script).expect("text");
        home.write(
            "config/presets/w.toml",
            &format!(
                "description = \"a script\"\nharness = \"command\"\n\
                 command = [\"/bin/sh\", \"-c\", {script}]\n\
                 [sandbox]\nprovider = \"kubernetes\"\nimage = \"{image}\"\n\
                 [sandbox.kubernetes]\nkubeconfig = \"{}\"\n{more}",
                config.display()
            ),
        );
        Ok(Self { server, home })
    }

    fn start(&self) -> Done {
        self.home.ask(&START)
    }

    /// The name of the session's pod, once it counts.
    fn pod(&self) -> String {
        let since = Instant::now();
        loop {
            let pods = self.server.list("pods");
            if let Some(pod) = pods.first().filter(|pod| pod["status"]["phase"] == "Running") {
                return pod["metadata"]["name"].as_str().expect("a name").to_owned();
            }
            assert!(since.elapsed() < Duration::from_mins(1), "no pod: {pods:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[track_caller]
    fn nothing_left(&self) {
        let since = Instant::now();
        while !self.server.left().is_empty() {
            assert!(since.elapsed() < Duration::from_secs(30), "left: {:?}", self.server.left());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Every line was told once, in order.
    #[track_caller]
    fn counted(&self, done: Done) {
        let lines = done.ok().session(&self.home);
        let wanted: Vec<String> = (1..=80).map(|i| format!("line {i}")).collect();
        assert_eq!(texts(&lines, "assistant"), wanted.join("\n"), "none lost, none doubled");
    }
}

#[track_caller]
fn fails(done: Done, code: i32, words: &[&str]) {
    let done = done.exits(code);
    let told = done.lines().pop().expect("a last line").to_string() + &done.stderr;
    for word in words {
        assert!(told.contains(word), "no `{word}` in {told}");
    }
}

#[test]
fn what_a_cluster_refuses_is_told_in_its_words() {
    let rig = need!(Rig::new("echo hi", "start_timeout = \"3s\""));
    let quota = json!({"metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}}});
    rig.server.add("resourcequotas", quota);
    fails(rig.start(), 5, &["exceeded quota: small", "kubectl describe quota"]);
    rig.nothing_left();
    rig.server.edit("resourcequotas", |quota| quota["spec"]["hard"] = json!({"pods": "9"}));
    rig.server.unschedulable(Some("0/1 nodes are available: 1 Insufficient cpu."));
    fails(rig.start(), 5, &["no node", "Insufficient cpu"]);
    rig.nothing_left();
    rig.server.unschedulable(None);
    rig.server.forbid("create", "jobs");
    fails(rig.start(), 4, &["cannot create resource", "doctor --kubernetes"]);
    rig.nothing_left();
    rig.server.seen();
    rig.server.unauthorized(true);
    fails(rig.start(), 4, &["does not know us"]);
    let seen = rig.server.seen();
    assert!(seen.len() <= 2, "a key that is refused is not tried on and on: {seen:?}");
    rig.server.unauthorized(false);
}

#[test]
fn an_image_that_is_not_there_is_told_with_its_cause() {
    let rig = need!(Rig::new("echo hi", "start_timeout = \"4s\""));
    let image = need!(need::image());
    let done = rig.home.ask(&[&START[..], &["--image", "nowhere.invalid/no:1"]].concat());
    fails(done, 5, &["cannot pull the image `nowhere.invalid/no:1`", "failed to resolve"]);
    rig.nothing_left();
    rig.server.miss(&image);
    fails(rig.start(), 5, &[&format!("cannot pull the image `{image}`")]);
    rig.nothing_left();
    rig.home.write("config/config.toml", "[defaults]\npreset = \"bare\"\n");
    let text = "description = \"x\"\nharness = \"triage\"\n[sandbox]\nprovider = \"kubernetes\"\n";
    rig.home.write("config/presets/bare.toml", text);
    let config = rig.home.path().join("kubeconfig").display().to_string();
    let done = rig.home.run(&["session", "start", "--preset", "bare", "--json", "x"]);
    fails(done.env("KUBECONFIG", &config).done(), 3, &["no image is named", "config.toml"]);
}

#[test]
fn no_worker_begins_before_the_policy_is_in_force() {
    let script = "timeout 2 bash -c 'exec 3<>/dev/tcp/$0/$1' \"$HOST\" \"$PORT\" 2>/dev/null && echo open || echo shut";
    let rig = need!(Rig::new(script, ""));
    let host = rig.server.host();
    let envs = [format!("HOST={host}"), format!("PORT={}", rig.server.port())];
    let with: Vec<&str> = [&START[..], &["--env", &envs[0], "--env", &envs[1]]].concat();
    rig.server.enforce(Some(Duration::from_secs(3)));
    let lines = rig.home.ask(&with).ok().session(&rig.home);
    assert_eq!(texts(&lines, "assistant"), "shut");
    rig.nothing_left();
}

#[test]
fn a_cluster_without_policies_is_refused_unless_it_is_agreed_to() {
    let rig = need!(Rig::new("echo hi", ""));
    rig.server.enforce(None);
    fails(
        rig.home.run(&START).limit(Duration::from_mins(4)).done(),
        5,
        &["does not enforce NetworkPolicy", "unenforced"],
    );
    rig.nothing_left();
    let rig = need!(Rig::new("echo hi", "network_policy = \"unenforced\""));
    rig.server.enforce(None);
    let done = rig.start().ok();
    assert!(done.stderr.contains("enforces no NetworkPolicy"), "{}", done.stderr);
    rig.nothing_left();
}

/// The manifests are held to the schemas that Kubernetes publishes, of the version that the API
/// server's types are of and of the newest there is.
#[test]
fn every_manifest_is_what_kubernetes_publishes() {
    let python = crate::support::cache().join("kubernetes-validate/bin/python");
    if !python.exists() {
        crate::skip!("the schemas are not there; tests/rig/kubernetes-validate.sh gets them");
    }
    let more = "spool = \"pvc\"\negress = [\"10.1.0.0/16\"]\ntolerations = [\"a=b:NoSchedule\"]\n\
                image_pull_secrets = [\"registry\"]\nnode_selector = { \"kubernetes.io/os\" = \"linux\" }";
    let rig = need!(Rig::new("echo ready; sleep 60", more));
    let running = rig.home.run(&START).start();
    running.wait_for("ready");
    let of = |plural: &str, kind: &str, version: &str| {
        let mut found = rig.server.list(plural).pop().unwrap_or_else(|| panic!("no {plural}"));
        (found["kind"], found["apiVersion"]) = (json!(kind), json!(version));
        found
    };
    let all = json!([
        of("jobs", "Job", "batch/v1"),
        of("pods", "Pod", "v1"),
        of("networkpolicies", "NetworkPolicy", "networking.k8s.io/v1"),
        of("persistentvolumeclaims", "PersistentVolumeClaim", "v1"),
    ]);
    let grants = rig.home.run(&["doctor", "--kubernetes"]).done().stdout;
    let script = "import sys, json, yaml, kubernetes_validate as v\n\
        given = json.load(sys.stdin)\n\
        all = given['objects'] + list(yaml.safe_load_all(given['grants']))\n\
        for one in all:\n\
        \x20 for version in ('1.33', '1.37'): v.validate(one, version, strict=True)\n\
        try: v.validate(dict(all[0], nonsense=1), '1.33', strict=True)\n\
        except v.ValidationError: pass\n\
        else: raise SystemExit('anything passes')\n\
        print(' '.join(one['kind'] for one in all))";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let given = json!({"objects": all, "grants": grants}).to_string();
    child.stdin.take().expect("a pipe").write_all(given.as_bytes()).expect("it reads");
    let done = child.wait_with_output().expect("it ends");
    assert_eq!(
        String::from_utf8_lossy(&done.stdout).trim(),
        "Job Pod NetworkPolicy PersistentVolumeClaim Namespace ServiceAccount Role RoleBinding"
    );
    rig.home.ask(&["session", "interrupt", "last"]).ok();
    running.done();
    rig.nothing_left();
}

#[test]
fn no_secret_is_told_to_the_cluster() {
    let rig = need!(Rig::new("echo \"is $KEY\" | tr a-z A-Z; sleep 1", ""));
    rig.home.write(
        "config/skills/k.toml",
        "kind = \"custom\"\ndescription = \"x\"\nhosts = []\ninstructions = \"\"\n\
         [secrets]\nKEY = { help = \"x\" }\n[source]\ngit = \"https://example.invalid/x\"\n",
    );
    let secret = "hunter2-marked-value";
    let done = rig.home.run(&[&START[..], &["--env", "PLAIN=shown"]].concat());
    let running = done.env("KEY", secret).start();
    rig.pod();
    for plural in ["jobs", "pods", "networkpolicies", "secrets", "configmaps", "events"] {
        let all = Value::from(rig.server.list(plural)).to_string();
        assert!(!all.contains(secret) && !all.contains("do it"), "{plural}");
    }
    assert_eq!(rig.server.list("secrets"), Vec::<Value>::new());
    running.done().ok();
    rig.nothing_left();
}

#[test]
fn an_eviction_ends_a_session_with_its_reason() {
    let rig = need!(Rig::new(COUNTS, ""));
    let running = rig.home.run(&START).start();
    running.wait_for("line 20\"");
    rig.server.evict(&rig.pod(), "The node was low on resource: memory.");
    let done = running.done();
    let last = done.lines().pop().expect("a line");
    assert_eq!(last["outcome"], "interrupted", "{last}");
    let shown = rig.home.show("last");
    let reason = shown["turns"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("evicted: The node was low on resource: memory."), "{shown:#}");
    rig.nothing_left();
}

#[test]
fn what_was_written_before_an_eviction_is_read_from_the_volume() {
    let rig = need!(Rig::new(COUNTS, "spool = \"pvc\""));
    let id = rig.home.detach(&["--preset", "w", "go"]);
    let pod = rig.pod();
    std::thread::sleep(Duration::from_secs(4));
    rig.server.evict(&pod, "The node was low on resource: memory.");
    let since = Instant::now();
    while rig.server.list("pods").iter().any(|pod| pod["status"]["phase"] != "Failed") {
        assert!(since.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(50));
    }
    let shown = rig.home.show(&id);
    assert_eq!(shown["outcome"], "interrupted", "{shown:#}");
    let said = texts(&rig.home.events(&id), "assistant");
    assert!(said.starts_with("line 1\nline 2\n"), "{said}");
    rig.nothing_left();
}

#[test]
fn a_pod_that_is_deleted_is_not_replaced() {
    let rig = need!(Rig::new(COUNTS, ""));
    let running = rig.home.run(&START).start();
    running.wait_for("line 20\"");
    let pod = rig.pod();
    rig.server.delete_pod(&pod);
    let done = running.done();
    let last = done.lines().pop().expect("a line");
    assert_eq!(last["outcome"], "interrupted", "{last}");
    let shown = rig.home.show("last");
    let reason = shown["turns"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("ended from outside"), "{shown:#}");
    rig.nothing_left();
}

#[test]
fn a_connection_that_is_cut_loses_nothing() {
    for bytes in [0, 1, 150, 260, 700, 2500, 5000] {
        let rig = need!(Rig::new(COUNTS, ""));
        let running = rig.home.run(&START).start();
        running.wait_for("line 5\"");
        rig.server.network(Network::Refusing);
        std::thread::sleep(Duration::from_millis(50));
        // Of those that come now, two are cut.
        rig.server.cut(bytes);
        rig.server.cut(bytes + 33);
        rig.server.network(Network::Up);
        rig.counted(running.done());
        rig.nothing_left();
    }
}

/// The network says nothing for a while, and then the node does: the worker does not notice either.
#[test]
fn a_silence_is_no_end() {
    let rig = need!(Rig::new(COUNTS, ""));
    let running = rig.home.run(&START).start();
    running.wait_for("line 5\"");
    rig.server.network(Network::Silent);
    std::thread::sleep(Duration::from_secs(8));
    rig.server.network(Network::Up);
    rig.server.lose_node(true);
    std::thread::sleep(Duration::from_secs(2));
    rig.server.lose_node(false);
    rig.counted(running.done());
    rig.nothing_left();
}

#[test]
fn an_end_that_is_not_told_is_no_end() {
    let rig = need!(Rig::new(COUNTS, ""));
    let running = rig.home.run(&START).start();
    running.wait_for("line 5\"");
    rig.server.withhold(2);
    rig.counted(running.done());
    rig.nothing_left();
}

#[test]
fn the_older_protocol_is_enough() {
    let rig = need!(Rig::new(COUNTS, ""));
    rig.server.only_v4(true);
    rig.counted(rig.start());
    rig.nothing_left();
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let rig = need!(Rig::new(COUNTS, ""));
    let busy = || Fault::Refuse(Refusal::too_many(1));
    for (verb, resource, fault) in [
        ("create", "networkpolicies", busy()),
        ("create", "jobs", Fault::Lost),
        ("patch", "networkpolicies", Fault::Gateway),
        ("list", "pods", Fault::Refuse(Refusal::unavailable())),
        ("get", "pods/exec", busy()),
        ("patch", "jobs", Fault::Lost),
        ("delete", "jobs", Fault::Gateway),
    ] {
        rig.server.fail(verb, resource, fault);
    }
    rig.server.compact();
    rig.counted(rig.start());
    rig.nothing_left();
}

#[test]
fn a_killed_command_is_come_back_to() {
    for after in ["making the pod", "putting the program", "policy", "line 9"] {
        let rig = need!(Rig::new(COUNTS, ""));
        let running = rig.home.run(&["session", "start", "--preset", "w", "do it"]).start();
        running.wait_for_word(after);
        running.signal(nix::sys::signal::Signal::SIGKILL);
        running.done();
        rig.counted(rig.home.ask(&["session", "attach", "last", "--json"]));
        rig.nothing_left();
    }
}

#[test]
fn what_a_killed_command_left_is_tidied_up() {
    let rig = need!(Rig::new("sleep 60", ""));
    let running = rig.home.run(&["session", "start", "--preset", "w", "do it"]).start();
    running.wait_for_word("putting the program");
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.done();
    assert!(!rig.server.left().is_empty());
    rig.home.ask(&["gc"]).ok();
    rig.nothing_left();
}

#[test]
fn a_worker_that_takes_too_much_memory_is_told_so() {
    let rig = need!(Rig::new(
        "echo begins; x=$(head -c 400000000 /dev/zero | tr '\\0' x); echo went on",
        "[limits]\ntimeout = \"1m\"",
    ));
    let preset = rig.home.config().join("presets/w.toml");
    let text = std::fs::read_to_string(&preset).expect("a file");
    std::fs::write(&preset, text.replace("[sandbox]\n", "[sandbox]\nmemory = \"96MiB\"\n"))
        .expect("a file");
    let done = rig.start();
    let last = done.lines().pop().expect("a line");
    assert_eq!(last["outcome"], "failed", "{last}");
    let shown = rig.home.show("last");
    let reason = shown["turns"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("memory"), "{shown:#}");
    rig.nothing_left();
}

/// As in a pod of the cluster: no engine, no bubblewrap, and nobody says where.
#[test]
fn where_nothing_else_is_there_the_cluster_is_used() {
    let rig = need!(Rig::new("echo hi", ""));
    let config = rig.home.path().join("kubeconfig").display().to_string();
    let words =
        ["session", "start", "--preset", "triage", "--project", "demo", "--dry-run", "--json"];
    let asked = rig.home.run(&words).env("KUBECONFIG", &config).env("PATH", "/nowhere");
    let plan = asked.env("DOCKER_HOST", "unix:///nowhere/docker.sock").done().ok().json();
    assert_eq!(plan["sandbox"]["provider"], "kubernetes", "{plan:#}");
}

#[test]
fn what_is_not_allowed_is_named() {
    let rig = need!(Rig::new("echo hi", ""));
    let config = rig.home.path().join("kubeconfig").display().to_string();
    let ask = || rig.home.run(&["doctor", "--kubernetes"]).env("KUBECONFIG", &config).done();
    let done = ask().ok();
    assert!(done.stdout.contains(&format!("namespace: {NAMESPACE}")), "{}", done.stdout);
    assert!(done.stderr.contains("everything that is needed is allowed"), "{}", done.stderr);
    rig.server.forbid("create", "pods/exec");
    rig.server.forbid("list", "events");
    let done = ask().exits(5);
    assert!(done.stderr.contains("not allowed: create pods/exec, list events"), "{}", done.stderr);
}
