//! The tests' Kubernetes: whether it is one, in the eyes of clients that are not ours.

use crate::kube_server::refusal::Refusal;
use crate::kube_server::{Fault, KubeServer, NAMESPACE};
use crate::need;
use crate::support::{Home, need};
use serde_json::{Value, json};
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
                "terminationGracePeriodSeconds": 1,
                "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 1000,
                    "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{"name": "worker", "image": image, "command": command,
                    "securityContext": {"allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
                    "resources": {"requests": {"cpu": "50m", "memory": "32Mi"},
                        "limits": {"cpu": "1", "memory": "64Mi"}},
                    "volumeMounts": [{"name": "work", "mountPath": "/work"}]}],
                "volumes": [{"name": "work", "emptyDir": {}}],
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
    let script = "echo out; echo err >&2; id -u; touch /work/x && touch /x; test -e /work/x";
    rig.create(&job("whole", &["sh", "-c", script]));
    rig.ok(&["wait", "--for=condition=complete", "--timeout=60s", "job/whole"], "");
    let log = rig.ok(&["logs", "job/whole"], "");
    assert!(log.starts_with("out\n") && log.contains("1000\n"), "{log}");
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
