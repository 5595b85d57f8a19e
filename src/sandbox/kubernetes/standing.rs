//! What a pod's status says: whether it is there yet, what keeps it, and why it ended. Pure.

use super::failures;
use super::names::{SUPERVISOR, WORKER};
use crate::error::{Failure, Kind};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};
use std::time::Duration;

/// How far a pod is on its way.
#[derive(Debug)]
pub(super) enum Look {
    Ready,
    Waiting {
        what: String,
        trouble: Option<Trouble>,
    },
    /// It will never be.
    Failed(Failure),
}

/// What keeps it, and how long that may go on before it is given up.
#[derive(Debug)]
pub(super) struct Trouble {
    pub failure: Failure,
    pub patience: Option<Duration>,
}

/// A registry may be out of reach for a moment.
const IMAGE_PATIENCE: Duration = Duration::from_secs(20);

/// A pod on its way, or what is told of why there is none.
pub(super) fn look(pod: Option<&Pod>, refusals: &[String], image: &str) -> Look {
    let Some(pod) = pod else {
        return match refusals.last() {
            Some(told) => Look::Failed(failures::refused(
                "the cluster does not make the sandbox's pod".to_owned(),
                told,
            )),
            None => waiting("waiting for the cluster to make a pod"),
        };
    };
    if let Some(why) = ended(pod, None) {
        return Look::Failed(never(&why));
    }
    let states = containers(pod);
    if let Some(stuck) = states.iter().find_map(|status| stuck(status, image)) {
        return stuck;
    }
    if let Some(told) = unschedulable(pod) {
        let failure = Failure::new(Kind::Sandbox, "no node of the cluster takes the sandbox")
            .because(told)
            .hint("ask for less (`cpus`, `memory`), or see `kubectl get nodes`");
        let what = "waiting for a node that takes the sandbox".to_owned();
        return Look::Waiting { what, trouble: Some(Trouble { failure, patience: None }) };
    }
    let running = |status: &&ContainerStatus| state(status).is_some_and(|s| s.running.is_some());
    let wanted = pod.spec.as_ref().map_or(0, |spec| spec.containers.len());
    match states.iter().filter(running).count() {
        all if all == wanted && wanted > 0 => Look::Ready,
        0 if states.is_empty() => waiting("waiting for a node"),
        0 => waiting(&format!("starting the pod (image {image})")),
        _ => waiting("starting the containers"),
    }
}

fn waiting(what: &str) -> Look {
    Look::Waiting { what: what.to_owned(), trouble: None }
}

fn never(why: &str) -> Failure {
    Failure::new(Kind::Sandbox, "the sandbox's pod ended before it began").because(why)
}

fn containers(pod: &Pod) -> &[ContainerStatus] {
    let all = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    all.map_or(&[], Vec::as_slice)
}

fn state(status: &ContainerStatus) -> Option<&ContainerState> {
    status.state.as_ref()
}

/// What a container waits for that it will not get.
fn stuck(status: &ContainerStatus, image: &str) -> Option<Look> {
    if let Some(terminated) = state(status)?.terminated.as_ref() {
        return Some(Look::Failed(never(&said(&status.name, terminated))));
    }
    let waiting = state(status)?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    let told = waiting.message.as_deref().unwrap_or_default();
    let failure = |sentence: String| {
        Failure::new(Kind::Sandbox, sentence).because(format!("{reason}: {told}"))
    };
    match reason {
        "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" => {
            let failure = failure(format!("the cluster cannot pull the image `{image}`"))
                .hint("check the name; for a private registry set `image_pull_secrets`");
            let what = format!("pulling the image {image}");
            let trouble = Some(Trouble { failure, patience: Some(IMAGE_PATIENCE) });
            Some(Look::Waiting { what, trouble })
        }
        "InvalidImageName" | "ErrImageNeverPull" | "ImageInspectError" => {
            Some(Look::Failed(failure(format!("the cluster cannot use the image `{image}`"))))
        }
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "CrashLoopBackOff" => {
            let name = &status.name;
            Some(Look::Failed(failure(format!("the cluster cannot start the container `{name}`"))))
        }
        _ => None,
    }
}

fn unschedulable(pod: &Pod) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let scheduled = conditions.iter().find(|condition| condition.type_ == "PodScheduled")?;
    let told = scheduled.reason.as_deref() == Some("Unschedulable");
    (told && scheduled.status == "False").then(|| scheduled.message.clone().unwrap_or_default())
}

/// How one of a pod's containers ended, where it has.
pub(super) fn terminated<'p>(pod: &'p Pod, name: &str) -> Option<&'p ContainerStateTerminated> {
    let status = containers(pod).iter().find(|status| status.name == name)?;
    state(status)?.terminated.as_ref()
}

pub(super) fn runs(pod: &Pod, name: &str) -> bool {
    containers(pod)
        .iter()
        .any(|status| status.name == name && state(status).is_some_and(|s| s.running.is_some()))
}

pub(super) fn ran_out_of_memory(pod: &Pod) -> bool {
    let of = |name: &str| terminated(pod, name).and_then(|ended| ended.reason.as_deref());
    [SUPERVISOR, WORKER].iter().any(|name| of(name) == Some("OOMKilled"))
}

/// Why a pod is over, or ending from outside, in the cluster's words; `None` where it is not.
/// `events` is what the cluster tells of it besides.
pub(super) fn ended(pod: &Pod, events: Option<&str>) -> Option<String> {
    let status = pod.status.as_ref()?;
    let over = matches!(status.phase.as_deref(), Some("Failed" | "Succeeded"));
    let leaving = pod.metadata.deletion_timestamp.is_some();
    if !over && !leaving {
        return None;
    }
    if let Some(reason) = &status.reason {
        return Some(with(reason, status.message.as_ref()));
    }
    let conditions = status.conditions.as_deref().unwrap_or_default();
    let disrupted = conditions.iter().find(|c| c.type_ == "DisruptionTarget" && c.status == "True");
    if let Some(condition) = disrupted {
        let reason = condition.reason.as_deref().unwrap_or("disrupted");
        return Some(with(reason, condition.message.as_ref()));
    }
    if let Some(told) = events {
        return Some(told.to_owned());
    }
    let bad = containers(pod).iter().find_map(|status| {
        let ended = state(status)?.terminated.as_ref()?;
        (ended.exit_code != 0).then(|| said(&status.name, ended))
    });
    Some(match bad {
        Some(said) if over => said,
        _ if leaving => "its pod was deleted".to_owned(),
        _ => "its pod ended".to_owned(),
    })
}

fn said(name: &str, ended: &ContainerStateTerminated) -> String {
    let reason = ended.reason.as_deref().unwrap_or("Error");
    let code = ended.exit_code;
    let told = ended.message.as_deref().unwrap_or_default().trim();
    let told = if told.is_empty() { String::new() } else { format!(": {told}") };
    format!("the container `{name}` ended with exit code {code} ({reason}){told}")
}

/// Why a Job is over, where that says more than its pod does.
pub(super) fn job_ended(job: &Job) -> Option<String> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    let failed = conditions.iter().find(|c| c.type_ == "Failed" && c.status == "True")?;
    let reason = failed.reason.as_deref()?;
    if reason == "BackoffLimitExceeded" {
        return None;
    }
    let message = failed.message.as_deref().unwrap_or_default();
    Some(format!("{}: {message}", plain(reason)))
}

/// A reason with what is told of it.
pub(super) fn with(reason: &str, message: Option<&String>) -> String {
    match message {
        Some(message) if !message.is_empty() => format!("{}: {message}", plain(reason)),
        _ => plain(reason),
    }
}

/// The cluster's reasons, as a person would say them.
fn plain(reason: &str) -> String {
    match reason {
        "Evicted" | "EvictionByEvictionAPI" | "TaintManagerEviction" | "DeletionByTaintManager" => {
            "evicted".to_owned()
        }
        "Preempting" | "Preempted" | "PreemptionByScheduler" => "preempted".to_owned(),
        "NodeLost" | "DeletionByPodGC" => "its node was lost".to_owned(),
        "NodeShutdown" | "Shutdown" | "Terminated" | "TerminationByKubelet" => {
            "its node ended it".to_owned()
        }
        "DeadlineExceeded" => "its deadline passed".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(status: &Value) -> Pod {
        let containers = json!([{ "name": "supervisor" }, { "name": "worker" }]);
        let pod = json!({ "metadata": {}, "spec": { "containers": containers }, "status": status });
        serde_json::from_value(pod).unwrap()
    }

    fn container(name: &str, state: &Value) -> Value {
        json!({ "name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state })
    }

    fn both(state: &Value) -> Pod {
        let all = [container("supervisor", state), container("worker", state)];
        pod(&json!({ "phase": "Pending", "containerStatuses": all }))
    }

    fn shown(look: &Look) -> String {
        match look {
            Look::Ready => "ready".to_owned(),
            Look::Waiting { what, trouble: None } => format!("waiting: {what}"),
            Look::Waiting { what, trouble: Some(trouble) } => {
                format!("waiting: {what} ({})", trouble.failure)
            }
            Look::Failed(failure) => format!("failed: {failure}"),
        }
    }

    #[track_caller]
    fn check(pod: Option<&Pod>, refusals: &[&str], expected: &str) {
        let refusals: Vec<String> = refusals.iter().map(|told| (*told).to_owned()).collect();
        let told = shown(&look(pod, &refusals, "team/worker:1"));
        assert!(told.starts_with(expected), "{told}\n is not\n{expected}");
    }

    #[test]
    fn the_way_of_a_pod() {
        check(None, &[], "waiting: waiting for the cluster to make a pod");
        check(Some(&pod(&json!({ "phase": "Pending" }))), &[], "waiting: waiting for a node");
        let creating = both(&json!({ "waiting": { "reason": "ContainerCreating" } }));
        check(Some(&creating), &[], "waiting: starting the pod");
        check(Some(&both(&json!({ "running": {} }))), &[], "ready");
    }

    #[test]
    fn what_keeps_it_is_told_in_the_clusters_words() {
        let quota = "pods \"loop-x-\" is forbidden: exceeded quota: small, requested: pods=1";
        check(None, &[quota], "failed: the cluster does not make the sandbox's pod: pods \"loop-x");
        let pull = both(&json!({ "waiting": { "reason": "ImagePullBackOff", "message": "no" } }));
        check(
            Some(&pull),
            &[],
            "waiting: pulling the image team/worker:1 (the cluster cannot pull",
        );
        let never = both(&json!({ "waiting": { "reason": "ErrImageNeverPull", "message": "no" } }));
        check(Some(&never), &[], "failed: the cluster cannot use the image `team/worker:1`");
        let config = both(&json!({ "waiting": { "reason": "CreateContainerConfigError",
            "message": "secret \"x\" not found" } }));
        check(Some(&config), &[], "failed: the cluster cannot start the container `supervisor`");
        let full = pod(&json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled",
            "status": "False", "reason": "Unschedulable", "message": "0/3 nodes: too little" }] }));
        check(Some(&full), &[], "waiting: waiting for a node that takes the sandbox (no node");
        let shell = both(&json!({ "terminated": { "exitCode": 128, "reason": "ContainerCannotRun",
            "message": "exec: /bin/sh: no such file" } }));
        check(Some(&shell), &[], "failed: the sandbox's pod ended before it began: the container");
    }

    #[test]
    fn why_it_ended() {
        let evicted = pod(&json!({ "phase": "Failed", "reason": "Evicted",
            "message": "The node was low on resource: memory." }));
        let told = ended(&evicted, None).unwrap();
        assert_eq!(told, "evicted: The node was low on resource: memory.");
        let mut leaving = both(&json!({ "running": {} }));
        assert_eq!(ended(&leaving, None), None);
        leaving.metadata =
            serde_json::from_value(json!({ "deletionTimestamp": "2026-01-01T00:00:00Z" })).unwrap();
        assert_eq!(ended(&leaving, None).unwrap(), "its pod was deleted");
        assert_eq!(ended(&leaving, Some("preempted: x")).unwrap(), "preempted: x");
        let oom = both(&json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } }));
        assert!(ran_out_of_memory(&oom) && !runs(&oom, "worker"));
        let late = json!({ "status": { "conditions": [{ "type": "Failed", "status": "True",
            "reason": "DeadlineExceeded", "message": "Job was active longer than specified" }] } });
        let late: Job = serde_json::from_value(late).unwrap();
        assert_eq!(
            job_ended(&late).unwrap(),
            "its deadline passed: Job was active longer than specified"
        );
    }
}
