//! The scheduler and the node: a pod becomes containers, and what becomes of them its status.

use super::engine::{Ended, Plan};
use super::events::{SCHEDULER, Told};
use super::spec::{self, Cannot};
use super::store::{Key, now};
use super::{NODE, World, policy, volumes};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What there is of a pod on the engine.
#[derive(Debug, Default, Clone)]
pub struct Made {
    /// The container that holds its network.
    pub pause: Option<String>,
    /// By the names of the pod.
    pub containers: BTreeMap<String, String>,
    pub volumes: Vec<String>,
}

/// What ends a pod before it ends.
enum Doom {
    Deleted,
    Evicted(String),
}

/// How long a pull that failed is waited for before the next.
const BACK_OFF: Duration = Duration::from_millis(300);

/// Starts what has not been started.
pub fn sync(world: &Arc<World>) {
    for (key, pod) in super::lock(&world.store).list("pods", None) {
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let over = ["Succeeded", "Failed"].iter().any(|phase| pod["status"]["phase"] == *phase);
        let mut pods = super::lock(&world.pods);
        if over || pods.contains_key(&uid) {
            continue;
        }
        pods.insert(uid.clone(), Made::default());
        drop(pods);
        let pod = Pod { world: Arc::clone(world), key, uid };
        tokio::spawn(async move { pod.run().await });
    }
}

/// One pod, from its creation to when it is gone.
pub struct Pod {
    pub world: Arc<World>,
    pub key: Key,
    pub uid: String,
}

impl Pod {
    async fn run(self) {
        let doom = tokio::select! {
            () = self.live() => None,
            doom = self.doom() => Some(doom),
        };
        if let Some(Doom::Evicted(message)) = doom {
            self.end_containers(0).await;
            self.evicted(&message);
        }
        // It is gone only when somebody takes it away; until then its containers can be looked at.
        self.world.until(|store| self.grace(store.get(&self.key)).is_some()).await;
        let grace = self.grace(super::lock(&self.world.store).get(&self.key)).unwrap_or_default();
        self.world.node_is_there().await;
        self.end_containers(grace).await;
        let made = self.world.made(&self.uid);
        for id in made.containers.values().chain(&made.pause) {
            self.world.engine.remove(id).await;
        }
        for volume in &made.volumes {
            self.world.engine.remove_volume(volume).await;
        }
        super::lock(&self.world.pods).remove(&self.uid);
        self.world.change(|store| {
            if store.get(&self.key).is_some_and(|pod| pod["metadata"]["uid"] == *self.uid) {
                store.remove(&self.key);
            }
        });
    }

    /// The grace with which it is to end, if it is.
    fn grace(&self, pod: Option<&Value>) -> Option<i64> {
        match pod.filter(|pod| pod["metadata"]["uid"] == *self.uid) {
            None => Some(0),
            Some(pod) if pod["metadata"]["deletionTimestamp"].is_null() => None,
            Some(pod) => Some(pod["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0)),
        }
    }

    async fn doom(&self) -> Doom {
        let evicted = || super::lock(&self.world.evictions).remove(&self.uid);
        let mut message = None;
        let ends = |store: &super::store::Store| {
            message = evicted();
            message.is_some() || self.grace(store.get(&self.key)).is_some()
        };
        self.world.until(ends).await;
        message.map_or(Doom::Deleted, Doom::Evicted)
    }

    async fn live(&self) {
        self.schedule().await;
        let pod = self.object();
        let limit = pod["spec"]["activeDeadlineSeconds"].as_u64();
        tokio::select! {
            () = self.start_and_wait(&pod) => {}
            () = async {
                match limit {
                    Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                    None => std::future::pending().await,
                }
            } => {
                self.end_containers(0).await;
                self.update(|pod| {
                    pod["status"]["phase"] = json!("Failed");
                    pod["status"]["reason"] = json!("DeadlineExceeded");
                    let told = "Pod was active on the node longer than the specified deadline";
                    pod["status"]["message"] = json!(told);
                });
            }
        }
    }

    pub fn object(&self) -> Value {
        super::lock(&self.world.store).get(&self.key).cloned().unwrap_or_default()
    }

    /// Changes the pod, if it is still this one and the node can be heard.
    pub fn update(&self, change: impl FnOnce(&mut Value)) {
        self.world.change(|store| {
            store.update(&self.key, |pod| {
                if pod["metadata"]["uid"] == *self.uid {
                    change(pod);
                }
            });
        });
    }

    pub fn tell(&self, told: &Told) {
        self.world.tell(&self.key, told);
    }

    async fn schedule(&self) {
        let mut last = String::new();
        loop {
            let fits = spec::fits(&self.world, &self.object());
            let Err(message) = fits else { break };
            if message != last {
                self.tell(&Told::warning(SCHEDULER, "FailedScheduling", &message));
                self.update(|pod| {
                    let reason = Some(("Unschedulable", message.as_str()));
                    condition(pod, "PodScheduled", false, reason);
                });
                last = message;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let place = format!("{}/{}", self.key.namespace, self.key.name);
        let message = format!("Successfully assigned {place} to {NODE}");
        self.tell(&Told::normal(SCHEDULER, "Scheduled", &message));
        self.update(|pod| {
            pod["spec"]["nodeName"] = json!(NODE);
            condition(pod, "PodScheduled", true, None);
            let status = &mut pod["status"];
            status["hostIP"] = json!(self.world.host);
            status["startTime"] = json!(now());
        });
    }

    async fn start_and_wait(&self, pod: &Value) {
        self.world.node_is_there().await;
        let names = |list: &str| -> Vec<Value> {
            let containers = pod["spec"][list].as_array().cloned().unwrap_or_default();
            let reason = if list == "initContainers" || pod["spec"]["initContainers"].is_null() {
                "ContainerCreating"
            } else {
                "PodInitializing"
            };
            containers.iter().map(|one| waiting(one, reason, None)).collect()
        };
        let unready = unready(pod);
        self.update(|pod| {
            let ready = pod["spec"]["initContainers"].is_null();
            condition(pod, "Initialized", ready, None);
            for kind in ["Ready", "ContainersReady"] {
                condition(pod, kind, false, Some(("ContainersNotReady", &unready)));
            }
            if !ready {
                pod["status"]["initContainerStatuses"] = json!(names("initContainers"));
            }
            pod["status"]["containerStatuses"] = json!(names("containers"));
        });
        volumes::make(self, pod).await;
        if let Err(error) = self.sandbox(pod).await {
            let message = format!("Failed to create pod sandbox: {error}");
            self.tell(&Told::warning("kubelet", "FailedCreatePodSandBox", &message));
            std::future::pending::<()>().await;
        }
        for container in pod["spec"]["initContainers"].as_array().into_iter().flatten() {
            let id = self.start(pod, container, "initContainerStatuses").await;
            let Some(id) = id else { return self.fail() };
            if container["restartPolicy"] == "Always" {
                continue;
            }
            if !self.wait(container, "initContainerStatuses", &id).await {
                return self.fail();
            }
        }
        self.update(|pod| condition(pod, "Initialized", true, None));
        self.containers(pod).await;
    }

    async fn containers(&self, pod: &Value) {
        let containers = pod["spec"]["containers"].as_array().cloned().unwrap_or_default();
        let mut ids = Vec::new();
        for container in &containers {
            ids.push(self.start(pod, container, "containerStatuses").await);
        }
        self.update(|pod| {
            pod["status"]["phase"] = json!("Running");
            for kind in ["Ready", "ContainersReady"] {
                condition(pod, kind, true, None);
            }
        });
        let waits = containers.iter().zip(&ids).map(|(container, id)| async move {
            match id {
                Some(id) => self.wait(container, "containerStatuses", id).await,
                None => false,
            }
        });
        let all = futures_util::future::join_all(waits).await;
        if all.iter().all(|well| *well) {
            self.update(|pod| ended(pod, "Succeeded"));
        } else {
            self.fail();
        }
    }

    fn fail(&self) {
        self.update(|pod| ended(pod, "Failed"));
    }

    /// The container that holds the network, and the rules for it.
    async fn sandbox(&self, pod: &Value) -> Result<(), bollard::errors::Error> {
        let engine = &self.world.engine;
        let plan = Plan {
            name: self.name("POD"),
            image: super::engine::PAUSE_IMAGE.to_owned(),
            entrypoint: Some(["sleep", "infinity"].map(str::to_owned).to_vec()),
            arguments: None,
            env: Vec::new(),
            folder: None,
            beside: None,
            hostname: Some(self.key.name.chars().take(63).collect()),
            mounts: Vec::new(),
            security: Value::Null,
            memory: None,
            nano_cpus: None,
            stdin: false,
        };
        let id = engine.make(plan).await?;
        self.made(|made| made.pause = Some(id.clone()));
        let about = engine.start(&id).await?;
        let networks = about.network_settings.and_then(|settings| settings.networks);
        let address = networks.and_then(|all| all.into_values().next()?.ip_address);
        let address = address.unwrap_or_default();
        self.update(|pod| {
            pod["status"]["podIP"] = json!(address);
            pod["status"]["podIPs"] = json!([{"ip": address}]);
        });
        policy::follow(Arc::clone(&self.world), self.key.clone(), pod.clone(), id);
        Ok(())
    }

    pub fn made(&self, change: impl FnOnce(&mut Made)) {
        super::lock(&self.world.pods).entry(self.uid.clone()).and_modify(change);
    }

    fn name(&self, container: &str) -> String {
        format!("k8s_{container}_{}_{}_{}_0", self.key.name, self.key.namespace, self.uid)
    }

    /// Starts one container, however long that takes. `None` if it cannot be started at all.
    async fn start(&self, pod: &Value, container: &Value, list: &str) -> Option<String> {
        let name = container["name"].as_str().unwrap_or_default();
        self.image(container, list).await;
        let plan = loop {
            match spec::plan(&self.world, pod, container).await {
                Ok(plan) => break Plan { name: self.name(name), ..plan },
                Err(Cannot(message)) => {
                    let reason = "CreateContainerConfigError";
                    self.shows(list, waiting(container, reason, Some(&message)));
                    let told = Told::warning("kubelet", "Failed", &format!("Error: {message}"));
                    self.tell(&told.of(name));
                }
            }
            tokio::time::sleep(BACK_OFF).await;
        };
        let engine = &self.world.engine;
        let pause = self.world.made(&self.uid).pause;
        let id = match engine.make(Plan { beside: pause, ..plan }).await {
            Ok(id) => id,
            Err(error) => return self.cannot_start(container, list, &error),
        };
        self.made(|made| drop(made.containers.insert(name.to_owned(), id.clone())));
        let told = Told::normal("kubelet", "Created", &format!("Created container {name}"));
        self.tell(&told.of(name));
        if let Err(error) = engine.start(&id).await {
            return self.cannot_start(container, list, &error);
        }
        let told = Told::normal("kubelet", "Started", &format!("Started container {name}"));
        self.tell(&told.of(name));
        let mut status = status(container, json!({"running": {"startedAt": now()}}));
        status["containerID"] = json!(format!("docker://{id}"));
        status["imageID"] = json!("docker://sha256:0");
        (status["ready"], status["started"]) = (json!(true), json!(true));
        self.shows(list, status);
        Some(id)
    }

    fn cannot_start(
        &self,
        container: &Value,
        list: &str,
        error: &bollard::errors::Error,
    ) -> Option<String> {
        let name = container["name"].as_str().unwrap_or_default();
        let message = match error {
            bollard::errors::Error::DockerResponseServerError { message, .. } => message.clone(),
            other => other.to_string(),
        };
        let told = Told::warning("kubelet", "Failed", &format!("Error: {message}"));
        self.tell(&told.of(name));
        let how = json!({"exitCode": 128, "reason": "StartError", "message": message,
            "startedAt": "1970-01-01T00:00:00Z", "finishedAt": now()});
        self.shows(list, status(container, json!({"terminated": how})));
        None
    }

    /// Waits for the image. Nothing is pulled here: it is there or it is not.
    async fn image(&self, container: &Value, list: &str) {
        let image = container["image"].as_str().unwrap_or_default();
        let name = container["name"].as_str().unwrap_or_default();
        let tell = |told: Told| self.tell(&told.of(name));
        let mut tries = 0;
        while !self.world.has_image(image).await {
            let (reason, message) = match container["imagePullPolicy"] == "Never" {
                true => (
                    "ErrImageNeverPull",
                    format!("Container image \"{image}\" is not present with pull policy of Never"),
                ),
                false => {
                    ("ErrImagePull", format!("failed to resolve reference \"{image}\": not found"))
                }
            };
            if tries == 0 {
                tell(Told::normal("kubelet", "Pulling", &format!("Pulling image \"{image}\"")));
                let failed = format!("Failed to pull image \"{image}\": {message}");
                tell(Told::warning("kubelet", "Failed", &failed));
                tell(Told::warning("kubelet", "Failed", &format!("Error: {reason}")));
            }
            self.shows(list, waiting(container, reason, Some(&message)));
            tokio::time::sleep(BACK_OFF).await;
            let back = format!("Back-off pulling image \"{image}\"");
            if tries == 0 {
                tell(Told::normal("kubelet", "BackOff", &back));
                tell(Told::warning("kubelet", "Failed", "Error: ImagePullBackOff"));
            }
            self.shows(list, waiting(container, "ImagePullBackOff", Some(&back)));
            tokio::time::sleep(BACK_OFF).await;
            tries += 1;
        }
        let there = format!("Container image \"{image}\" already present on machine");
        tell(Told::normal("kubelet", "Pulled", &there));
    }

    /// Waits for its end. Whether it ended well.
    async fn wait(&self, container: &Value, list: &str, id: &str) -> bool {
        let Some(how) = self.world.engine.wait(id).await else { return false };
        self.world.node_is_there().await;
        let mut status = status(container, json!({"terminated": terminated(&how, id)}));
        status["containerID"] = json!(format!("docker://{id}"));
        status["started"] = json!(false);
        self.shows(list, status);
        how.code == 0
    }

    fn shows(&self, list: &str, status: Value) {
        self.update(|pod| {
            let all = pod["status"][list].as_array_mut();
            for one in all.into_iter().flatten() {
                if one["name"] == status["name"] {
                    *one = status.clone();
                }
            }
        });
    }

    /// Ends its containers, all at once.
    async fn end_containers(&self, grace: i64) {
        let made = self.world.made(&self.uid);
        let engine = &self.world.engine;
        let stops = made.containers.values().map(|id| engine.stop(id, grace));
        futures_util::future::join_all(stops).await;
        if let Some(pause) = &made.pause {
            engine.stop(pause, 0).await;
        }
    }

    /// As the kubelet leaves a pod that it needed the room of.
    fn evicted(&self, message: &str) {
        self.tell(&Told::warning("kubelet", "Evicted", message));
        self.update(|pod| {
            // Of what its containers were nothing is left.
            let since = pod["status"]["startTime"].clone();
            let class = pod["status"]["qosClass"].clone();
            pod["status"] = json!({"phase": "Failed", "reason": "Evicted", "message": message,
                "startTime": since, "qosClass": class});
            let why = Some(("TerminationByKubelet", message));
            condition(pod, "DisruptionTarget", true, why);
        });
    }
}

/// What is said of a pod none of whose containers is ready.
fn unready(pod: &Value) -> String {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let names: Vec<&str> = containers.filter_map(|one| one["name"].as_str()).collect();
    format!("containers with unready status: [{}]", names.join(" "))
}

fn ended(pod: &mut Value, phase: &str) {
    pod["status"]["phase"] = json!(phase);
    if phase == "Succeeded" {
        condition(pod, "Initialized", true, Some(("PodCompleted", "")));
    }
    for kind in ["Ready", "ContainersReady"] {
        let reason = if phase == "Succeeded" { "PodCompleted" } else { "PodFailed" };
        condition(pod, kind, false, Some((reason, "")));
    }
}

pub fn condition(object: &mut Value, kind: &str, holds: bool, why: Option<(&str, &str)>) {
    let status = if holds { "True" } else { "False" };
    let mut told = json!({"type": kind, "status": status, "lastProbeTime": null,
        "lastTransitionTime": now()});
    if let Some((reason, message)) = why {
        told["reason"] = json!(reason);
        if !message.is_empty() {
            told["message"] = json!(message);
        }
    }
    let all = &mut object["status"]["conditions"];
    if all.is_null() {
        *all = json!([]);
    }
    let all = all.as_array_mut().expect("a list");
    match all.iter_mut().find(|one| one["type"] == kind) {
        Some(one) if one["status"] == status && one["reason"] == told["reason"] => {}
        Some(one) => *one = told,
        None => all.push(told),
    }
}

fn status(container: &Value, state: Value) -> Value {
    json!({"name": container["name"], "image": container["image"], "imageID": "",
        "ready": false, "started": false, "restartCount": 0, "lastState": {}, "state": state})
}

fn waiting(container: &Value, reason: &str, message: Option<&str>) -> Value {
    let mut state = json!({"reason": reason});
    if let Some(message) = message {
        state["message"] = json!(message);
    }
    status(container, json!({"waiting": state}))
}

fn terminated(how: &Ended, id: &str) -> Value {
    let reason = match (how.oom_killed, how.code) {
        (true, _) => "OOMKilled",
        (false, 0) => "Completed",
        (false, _) => "Error",
    };
    json!({"exitCode": how.code, "reason": reason, "startedAt": how.started,
        "finishedAt": how.finished, "containerID": format!("docker://{id}")})
}
