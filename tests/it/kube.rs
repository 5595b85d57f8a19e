//! The tests' Kubernetes: whether it is one, in the eyes of clients that are not ours.

use crate::kube_server::{KubeServer, NAMESPACE, TOKEN};
use crate::need;
use crate::support::{Home, need};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A server, and what clients need to find it.
struct Rig {
    server: KubeServer,
    home: Home,
    config: PathBuf,
}

/// What a client did.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Rig {
    fn new() -> Result<Self, String> {
        need::command("kubectl")?;
        need::image()?;
        let server = KubeServer::start_tls(&need::docker()?.gateway)?;
        let home = Home::new();
        let config = server.kubeconfig(&home.path().join("kubeconfig"));
        Ok(Self { server, home, config })
    }

    /// Without TLS, which not every client needs.
    fn plain() -> Result<Self, String> {
        need::image()?;
        let server = KubeServer::start(&need::docker()?.gateway);
        let home = Home::new();
        let config = server.kubeconfig(&home.path().join("kubeconfig"));
        Ok(Self { server, home, config })
    }

    fn kubectl(&self, words: &[&str], input: &str) -> Done {
        let mut command = Command::new("kubectl");
        command.args(words).env("KUBECONFIG", &self.config).env("HOME", self.home.path());
        run(command, input)
    }

    #[track_caller]
    fn ok(&self, words: &[&str], input: &str) -> String {
        let done = self.kubectl(words, input);
        assert_eq!(done.code, Some(0), "kubectl {words:?}: {}{}", done.out, done.err);
        done.out
    }

    fn create(&self, job: &Value) {
        self.ok(&["create", "--validate=false", "-f", "-"], &job.to_string());
    }

    /// Makes a job without a client.
    fn create_plain(&self, job: &Value) {
        let path = format!("/apis/batch/v1/namespaces/{NAMESPACE}/jobs");
        let (code, told) = ask(&self.server, "POST", &path, job, TOKEN);
        assert_eq!(code, 201, "{told}");
    }

    /// The one pod, once it is as it should be.
    #[track_caller]
    fn pod(&self, is: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let pods = self.server.list("pods");
            if let Some(pod) = pods.iter().find(|pod| is(pod)) {
                return pod.clone();
            }
            let events = self.server.told();
            assert!(since.elapsed() < Duration::from_secs(30), "{pods:#?} {events:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[track_caller]
    fn running(&self) -> String {
        let pod = self.pod(|pod| pod["status"]["phase"] == "Running");
        pod["metadata"]["name"].as_str().unwrap().to_owned()
    }

    /// The message of an event with this reason, once there is one.
    #[track_caller]
    fn told(&self, reason: &str) -> String {
        let since = Instant::now();
        loop {
            let told = self.server.told();
            if let Some((_, message)) = told.iter().find(|(own, _)| own == reason) {
                return message.clone();
            }
            assert!(since.elapsed() < Duration::from_secs(30), "no `{reason}`: {told:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[track_caller]
    fn nothing_left(&self) {
        let since = Instant::now();
        while !self.server.left().is_empty() {
            assert!(since.elapsed() < Duration::from_secs(20), "{:?}", self.server.left());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn run(mut command: Command, input: &str) -> Done {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Done { code: done.status.code(), out: text(&done.stdout), err: text(&done.stderr) }
}

/// A call without a client. The status and the answer.
fn ask(server: &KubeServer, method: &str, path: &str, body: &Value, token: &str) -> (u16, Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let call = client.request(method.parse().unwrap(), format!("{}{path}", server.url()));
        let call = call.bearer_auth(token);
        let call = if body.is_null() { call } else { call.body(body.to_string()) };
        let answer = call.send().await.unwrap();
        let code = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (code, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    })
}

/// A job as the restricted Pod Security Standard wants it.
fn job(name: &str, command: &[&str]) -> Value {
    let image = need::image().unwrap();
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 300, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {
                "restartPolicy": "Never", "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "terminationGracePeriodSeconds": 1,
                "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 1000,
                    "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{"name": "worker", "image": image, "command": command,
                    "securityContext": {"allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
                    "resources": {"requests": {"cpu": "50m", "memory": "32Mi"},
                        "limits": {"cpu": "1", "memory": "64Mi"}},
                    "volumeMounts": [{"name": "w", "mountPath": "/w"}]}],
                "volumes": [{"name": "w", "emptyDir": {}}],
            },
        }},
    })
}

/// What the first container's state is.
fn state(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]["state"]
}

#[test]
fn kubectl_sees_a_job_through() {
    let rig = need!(Rig::new());
    let script = "echo out; echo err >&2; id -u; touch /w/x && touch /x; test -e /w/x";
    rig.create(&job("whole", &["sh", "-c", script]));
    rig.ok(&["wait", "--for=condition=complete", "--timeout=60s", "job/whole"], "");
    let log = rig.ok(&["logs", "job/whole"], "");
    for line in ["out", "err", "1000"] {
        assert!(log.lines().any(|own| own == line), "{line}: {log}");
    }
    assert!(log.contains("cannot touch '/x': Read-only file system"), "{log}");
    let told = rig.ok(&["describe", "job/whole"], "");
    for expected in ["1 Succeeded", "SuccessfulCreate", "Complete"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let told = rig.ok(&["describe", "pods"], "");
    for expected in ["Completed", "Exit Code:", "Scheduled", "Pulled", "Started"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let listed = rig.ok(&["get", "jobs,pods", "-l", "app=whole", "-o", "name"], "");
    assert_eq!(listed.lines().count(), 2, "{listed}");
    rig.ok(&["delete", "job", "whole"], "");
    rig.nothing_left();
}

/// `kubectl` that speaks over WebSockets, which older ones do not.
fn speaks_websocket() -> Result<(), String> {
    let mut command = Command::new("kubectl");
    command.args(["version", "--client", "-o", "json"]);
    let told: Value = serde_json::from_str(&run(command, "").out).unwrap_or_default();
    let minor = told["clientVersion"]["minor"].as_str().unwrap_or_default();
    let minor: u32 = minor.trim_end_matches('+').parse().unwrap_or_default();
    match minor {
        31.. => Ok(()),
        _ => Err(format!("`kubectl` 1.{minor} runs commands over SPDY only")),
    }
}

#[test]
fn kubectl_runs_commands() {
    let rig = need!(Rig::new());
    need!(speaks_websocket());
    rig.create(&job("held", &["sleep", "300"]));
    let name = rig.running();
    let exec = |words: &[&str], input: &str| {
        rig.kubectl(&[&["exec", "-i", &name, "--"], words].concat(), input)
    };
    let done = exec(&["sh", "-c", "cat; echo e >&2; exit 7"], "given");
    assert_eq!((done.code, &*done.out), (Some(7), "given"), "{}", done.err);
    assert!(done.err.starts_with("e\n"), "{}", done.err);
    // More than any buffer between here and there holds, in both directions at once.
    let much = "0123456789abcde\n".repeat(200_000);
    let done = exec(&["cat"], &much);
    assert_eq!((done.code, done.out.len()), (Some(0), much.len()), "{}", done.err);
    assert!(done.out == much);
    assert_ne!(exec(&["/no/such"], "").code, Some(0));
    rig.server.forbid("create", "pods/exec");
    let done = exec(&["true"], "");
    assert!(done.err.contains("cannot create resource \"pods/exec\""), "{}", done.err);
}

#[test]
fn what_a_cluster_refuses_is_told() {
    let rig = need!(Rig::new());
    let server = &rig.server;
    let with = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut job = job(name, &["sleep", "300"]);
        change(&mut job["spec"]["template"]["spec"]);
        rig.create(&job);
    };
    let gone = || {
        rig.ok(&["delete", "jobs", "--all", "--wait=true"], "");
        rig.ok(&["delete", "events", "--all"], "");
    };
    with("open", &|spec| spec["containers"][0]["securityContext"] = json!({}));
    let told = rig.told("FailedCreate");
    assert!(
        told.contains("violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation"),
        "{told}"
    );
    gone();
    with("class", &|spec| spec["runtimeClassName"] = json!("gvisor"));
    assert!(rig.told("FailedCreate").contains("RuntimeClass \"gvisor\" not found"));
    gone();
    with("big", &|spec| spec["containers"][0]["resources"]["requests"]["memory"] = json!("5Ti"));
    assert!(
        rig.told("FailedScheduling").starts_with("0/1 nodes are available: 1 Insufficient memory")
    );
    rig.pod(|pod| pod["status"]["conditions"][0]["reason"] == "Unschedulable");
    gone();
    with("image", &|spec| spec["containers"][0]["image"] = json!("no-such-image:1"));
    rig.pod(|pod| state(pod)["waiting"]["reason"] == "ImagePullBackOff");
    gone();
    with("secret", &|spec| {
        spec["containers"][0]["envFrom"] = json!([{"secretRef": {"name": "nope"}}]);
    });
    rig.pod(|pod| state(pod)["waiting"]["message"] == "secret \"nope\" not found");
    gone();
    with("program", &|spec| spec["containers"][0]["command"] = json!(["/no/such"]));
    rig.pod(|pod| state(pod)["terminated"]["reason"] == "StartError");
    gone();
    let quota = json!({"metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}}});
    server.add("resourcequotas", quota);
    with("quota", &|_| {});
    let told = rig.told("FailedCreate");
    assert!(
        told.ends_with("exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0"),
        "{told}"
    );
    gone();
    rig.nothing_left();
}

#[test]
fn how_a_pod_ends_is_told() {
    let rig = need!(Rig::new());
    let ended = |name: &str, is: &dyn Fn(&Value) -> bool| {
        rig.pod(|pod| {
            pod["metadata"]["labels"]["app"] == name
                && pod["status"]["phase"] == "Failed"
                && is(pod)
        });
    };
    let verdict = |name: &str, reason: &str| {
        rig.ok(&["wait", "--for=condition=failed", "--timeout=30s", &format!("job/{name}")], "");
        let jobs = rig.server.list("jobs");
        let job = jobs.iter().find(|job| job["metadata"]["name"] == name).unwrap();
        assert_eq!(job["status"]["conditions"][1]["reason"], reason, "{job}");
    };
    rig.create(&job("code", &["sh", "-c", "exit 3"]));
    rig.create(&job("oom", &["python3", "-c", "x = [bytearray(10 << 20) for _ in range(100)]"]));
    ended("code", &|pod| state(pod)["terminated"]["exitCode"] == 3);
    ended("oom", &|pod| state(pod)["terminated"]["reason"] == "OOMKilled");
    verdict("code", "BackoffLimitExceeded");
    rig.ok(&["delete", "jobs", "--all"], "");
    rig.create(&job("evicted", &["sleep", "300"]));
    let name = rig.running();
    let container = rig.server.containers(&name)["worker"].clone();
    rig.server.evict(&name, "The node was low on resource: ephemeral-storage. ");
    ended("evicted", &|pod| pod["status"]["reason"] == "Evicted");
    verdict("evicted", "BackoffLimitExceeded");
    let mut look = Command::new("docker");
    look.args(["inspect", "-f", "{{.State.Running}}", &container]);
    assert_eq!(run(look, "").out.trim(), "false", "its containers have ended");
    rig.ok(&["delete", "jobs", "--all"], "");
    let mut late = job("late", &["sleep", "300"]);
    late["spec"]["activeDeadlineSeconds"] = json!(2);
    late["spec"]["ttlSecondsAfterFinished"] = json!(2);
    rig.create(&late);
    verdict("late", "DeadlineExceeded");
    rig.nothing_left();
}

#[test]
fn what_belongs_to_a_job_goes_with_it() {
    let rig = need!(Rig::new());
    let begin = |name: &str| {
        let mut slow = job(name, &["sh", "-c", "trap 'exit 0' TERM; while :; do sleep .05; done"]);
        slow["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(20);
        rig.create(&slow);
        let jobs = rig.server.list("jobs");
        let uid =
            jobs.iter().find(|job| job["metadata"]["name"] == name).unwrap()["metadata"]["uid"]
                .clone();
        let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid});
        rig.create(&json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "b"},
            "metadata": {"name": name, "ownerReferences": [owner]}}));
        rig.running();
    };
    for cascade in ["background", "foreground"] {
        begin(cascade);
        let since = Instant::now();
        rig.ok(&["delete", "job", cascade, &format!("--cascade={cascade}")], "");
        rig.nothing_left();
        assert!(since.elapsed() < Duration::from_secs(10), "it went when it was asked to");
    }
    begin("orphan");
    rig.ok(&["delete", "job", "orphan", "--cascade=orphan"], "");
    assert_eq!(rig.server.left().len(), 2, "{:?}", rig.server.left());
    rig.ok(&["delete", "pods,secrets", "--all", "--grace-period=0", "--force"], "");
    rig.nothing_left();
}

/// A pod is open until the network has heard of its policy; then what is shut is shut, and what is open
/// stays so.
#[test]
fn a_policy_is_in_force_after_a_while() {
    let rig = need!(Rig::new());
    need!(speaks_websocket());
    let engine = need!(need::docker());
    rig.server.enforce(Some(Duration::from_secs(4)));
    let listener = std::net::TcpListener::bind((engine.gateway.as_str(), 0));
    let listener = need!(listener.map_err(|error| format!("no address of the engine's: {error}")));
    let open = listener.local_addr().unwrap();
    rig.create(&json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "shut"}, "spec": {"podSelector": {"matchLabels": {"app": "held"}},
        "policyTypes": ["Ingress", "Egress"], "egress": [{"to": [{"ipBlock": {
            "cidr": format!("{}/32", engine.gateway)}}]}]}}));
    rig.create(&job("held", &["sleep", "300"]));
    let name = rig.running();
    let reaches = |address: &str| {
        let script = format!("exec 3<>/dev/tcp/{address}");
        let script = ["exec", &name, "--", "timeout", "1", "bash", "-c", &script];
        rig.kubectl(&script, "").code == Some(0)
    };
    let api = "$KUBERNETES_SERVICE_HOST/$KUBERNETES_SERVICE_PORT";
    assert!(reaches(api), "a new pod is open");
    let since = Instant::now();
    while reaches(api) {
        assert!(since.elapsed() < Duration::from_secs(30), "it is never shut");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(reaches(&format!("{}/{}", open.ip(), open.port())), "and what is allowed is open");
}

/// What a real cluster of version 1.20 answered, with names and times made the same.
const RECORDED: &str = include_str!("kube_server/recorded.json");

fn python() -> Result<PathBuf, String> {
    let found = std::fs::read_dir(crate::support::cache()).into_iter().flatten().flatten();
    let ours = |path: &PathBuf| path.to_string_lossy().contains("/kubernetes-client-");
    let mut found =
        found.map(|entry| entry.path().join("bin/python")).filter(|path| path.is_file());
    let missing =
        "Kubernetes' client for Python is not there; tests/rig/kubernetes-client.sh installs it";
    found.find(ours).ok_or(missing.to_owned())
}

fn client(rig: &Rig, words: &[&str], input: &str) -> String {
    let mut command = Command::new(python().unwrap());
    command.args(["-c", include_str!("kube_server/client.py")]).arg(&rig.config).args(words);
    // It trusts the machine's bundle instead where that is set.
    command
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("SSL_CERT_FILE")
        .env("HOME", rig.home.path());
    let done = run(command, input);
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    done.out
}

#[test]
fn kubernetes_own_client_drives_it() {
    need!(python());
    let rig = need!(Rig::plain());
    let held = job("py", &["sleep", "300"]).to_string();
    client(&rig, &["lives", &held], "");
    rig.server.only_v4(true);
    client(&rig, &["lives", &held], "");
    rig.nothing_left();
}

/// Commands that are spoken of wrongly: cut off at any byte, or without a verdict.
#[test]
fn a_command_is_cut_short_as_it_was_asked() {
    need!(python());
    let rig = need!(Rig::plain());
    rig.create_plain(&job("held", &["sleep", "300"]));
    let ask = json!({"pod": rig.running(), "container": "worker", "stdin": "",
        "command": ["echo", "hello"], "offers": ["v5.channel.k8s.io"]});
    let ask = |times: usize| -> Vec<Value> {
        let told = client(&rig, &["frames"], &json!(vec![&ask; times]).to_string());
        serde_json::from_str(&told).unwrap()
    };
    let whole = &ask(1)[0];
    let success = json!({"metadata": {}, "status": "Success"}).to_string();
    let frames = json!([[2, 1, ""], [2, 1, "hello\n"], [2, 3, success], [8, null, "03e8"]]);
    assert_eq!(*whole, json!({"protocol": "v5.channel.k8s.io", "frames": frames}));
    // Within the answer that makes it a WebSocket, and at each byte of what follows.
    let cuts: Vec<usize> = [1, 100].into_iter().chain(195..265).collect();
    for cut in &cuts {
        rig.server.cut(*cut);
    }
    let told = ask(cuts.len());
    let frames = frames.as_array().unwrap();
    let begun = |told: &&Value| told["cut"].is_string() && told["frames"] != json!([]);
    assert!(told.iter().filter(begun).count() > 10, "it was cut between frames, too: {told:?}");
    for told in &told {
        let own = told["frames"].as_array().unwrap();
        assert_eq!(own[..], frames[..own.len()], "{told}");
        assert_eq!(own.len() < frames.len(), told["cut"].is_string(), "{told}");
    }
    rig.server.withhold(1);
    let told = ask(2);
    assert_eq!(told[0]["frames"], json!([frames[0], frames[1], frames[3]]), "no verdict");
    assert_eq!(told[1], *whole);
}

/// Names and times made the same.
fn masked(text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let uid = rest.get(..36).filter(|part| uuid::Uuid::parse_str(part).is_ok());
        if uid.is_some() {
            told += "UID";
            rest = &rest[36..];
        } else {
            let first = rest.chars().next().unwrap();
            told.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    told
}

fn same_answer(rig: &Rig, call: &Value) {
    let text = |name: &str| call[name].as_str().unwrap();
    let (method, path) = (text("method"), text("path"));
    let token = if text("as") == "nobody" { "x" } else { TOKEN };
    if text("as") == "forbidden" {
        let verb = if method == "GET" { "list" } else { "create" };
        rig.server.forbid(verb, path.rsplit('/').next().unwrap());
    }
    // The record begins after it was made.
    if method == "POST" && path.ends_with("loop/secrets") && call["code"] == 409 {
        ask(&rig.server, method, path, &call["body"], token);
    }
    let (code, answer) = ask(&rig.server, method, path, &call["body"], token);
    rig.server.allow();
    assert_eq!(code, call["code"].as_u64().unwrap() as u16, "{call}: {answer}");
    let answer: Value = serde_json::from_str(&masked(&answer.to_string())).unwrap();
    assert_eq!(answer, call["answer"], "{method} {path}");
}

/// The same frames in the same order, but for the words of how a command failed, which every engine has
/// of its own.
fn same_commands(rig: &Rig, recorded: &[Value]) {
    let names: BTreeMap<&str, String> = ["run", "complete", "image"]
        .map(|name| {
            let is = |pod: &Value| match name {
                "run" => pod["status"]["phase"] == "Running",
                "complete" => pod["status"]["phase"] == "Succeeded",
                _ => state(pod)["waiting"]["reason"] == "ErrImagePull",
            };
            let pod = rig.pod(|pod| pod["metadata"]["labels"]["app"] == name && is(pod));
            (name, pod["metadata"]["name"].as_str().unwrap().to_owned())
        })
        .into();
    let mut asks = recorded.to_vec();
    for ask in &mut asks {
        let name = ask["name"].as_str().unwrap();
        ask["pod"] = json!(names.get(name).map_or(name, String::as_str));
    }
    rig.server.only_v4(true);
    let told = client(rig, &["frames"], &json!(asks).to_string());
    let told: Vec<Value> = serde_json::from_str(&told).unwrap();
    rig.server.only_v4(false);
    assert_eq!(told.len(), recorded.len());
    for (told, ask) in told.iter().zip(&asks) {
        let name = ask["name"].as_str().unwrap();
        let own = told.to_string().replace(ask["pod"].as_str().unwrap(), &format!("{name}-NAME"));
        let own = own.replace("nope-NAME", "nope");
        let plain = |text: &str| {
            let mut told: Value = serde_json::from_str(text).unwrap();
            if let Some(Ok(body)) = told["body"].as_str().map(serde_json::from_str::<Value>) {
                told["body"] = body;
            }
            for frame in told["frames"].as_array_mut().into_iter().flatten() {
                if frame[1] == 3 {
                    let mut status: Value =
                        serde_json::from_str(frame[2].as_str().unwrap()).unwrap();
                    status.as_object_mut().unwrap().remove("message");
                    frame[2] = status;
                }
            }
            told
        };
        assert_eq!(plain(&own), plain(&ask["answer"].to_string()), "{}", ask["command"]);
    }
}

/// The fields of a recorded object that another does not have.
fn missing(recorded: &Value, own: &Value, path: &str) -> Vec<String> {
    // Since then named otherwise, or only then.
    const OLDER: [&str; 5] = [
        ".spec.selector.matchLabels.controller-uid",
        ".status.conditions[Ready].message",
        ".status.conditions[ContainersReady].message",
        ".kind",
        ".apiVersion",
    ];
    match recorded {
        Value::Null => Vec::new(),
        _ if OLDER.contains(&path) => Vec::new(),
        Value::Object(fields) => {
            let below = fields.iter().flat_map(|(name, value)| {
                missing(value, &own[name.as_str()], &format!("{path}.{name}"))
            });
            below.collect()
        }
        Value::Array(items) => {
            let below = items.iter().flat_map(|item| {
                let twin = |one: &&Value| {
                    ["type", "name", "key"].iter().all(|name| one[*name] == item[*name])
                };
                let twin = own.as_array().into_iter().flatten().find(twin);
                let twin = twin.cloned().unwrap_or_default();
                missing(
                    item,
                    &twin,
                    &format!("{path}[{}]", item["type"].as_str().unwrap_or_default()),
                )
            });
            below.collect()
        }
        _ if own.is_null() => vec![path.to_owned()],
        _ => Vec::new(),
    }
}

/// Calls, commands and objects have the shapes that a real cluster gave them.
#[test]
fn it_answers_as_a_real_cluster_did() {
    need!(python());
    let rig = need!(Rig::plain());
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    for (name, command) in [
        ("run", &["sleep", "600"][..]),
        ("failed", &["sh", "-c", "exit 3"]),
        ("complete", &["true"]),
        ("oom", &["python3", "-c", "x = [bytearray(10 << 20) for _ in range(100)]"]),
        ("late", &["sleep", "600"]),
        ("image", &["true"]),
    ] {
        let mut job = job(name, command);
        job["spec"]["ttlSecondsAfterFinished"] = json!(600);
        if name == "late" {
            job["spec"]["activeDeadlineSeconds"] = json!(3);
        }
        if name == "image" {
            job["spec"]["template"]["spec"]["containers"][0]["image"] = json!("no-such-image:1");
        }
        rig.create_plain(&job);
    }
    for call in recorded["calls"].as_array().unwrap() {
        same_answer(&rig, call);
    }
    same_commands(&rig, recorded["exec"].as_array().unwrap());
    rig.told("DeadlineExceeded");
    for (what, recorded) in recorded["objects"].as_object().unwrap() {
        let (kind, name) = what.split_once(' ').unwrap();
        let is_one = |object: &&Value| {
            let own = object["metadata"]["name"].as_str().unwrap();
            own == name || own.starts_with(&format!("{name}-"))
        };
        match kind {
            "events" => {
                let told = rig.server.told();
                for event in recorded.as_array().unwrap() {
                    let reason = event["reason"].as_str().unwrap();
                    assert!(
                        name == "quota" || told.iter().any(|(own, _)| own == reason),
                        "{event}"
                    );
                }
            }
            kind => {
                let all = rig.server.list(&format!("{kind}s"));
                let own = all.iter().find(is_one).unwrap_or_else(|| panic!("no {what}"));
                let missing = missing(recorded, own, "");
                assert!(missing.is_empty(), "{what} has no {missing:?}: {own:#}");
            }
        }
    }
}
