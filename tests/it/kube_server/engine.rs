//! The node's containers: real ones, of this machine's Docker engine.

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, HostConfig, Mount, MountType,
    VolumeCreateRequest,
};
use bollard::query_parameters as query;
use futures_util::StreamExt as _;
use serde_json::Value;
use std::collections::HashMap;

/// On every container and volume of a server: its id.
const LABEL: &str = "loop.kube-server";

/// The image of what is not the test's: the container that holds a pod's network.
pub const PAUSE_IMAGE: &str = "loop-test-base:1";

pub struct Engine {
    pub docker: Docker,
    id: String,
}

/// A container that is to be.
pub struct Plan {
    pub name: String,
    pub image: String,
    pub entrypoint: Option<Vec<String>>,
    pub arguments: Option<Vec<String>>,
    pub env: Vec<String>,
    pub folder: Option<String>,
    /// The container whose network it has, or none for one of its own.
    pub beside: Option<String>,
    pub hostname: Option<String>,
    pub mounts: Vec<Mount>,
    /// The container's and the pod's, merged.
    pub security: Value,
    pub memory: Option<i64>,
    pub nano_cpus: Option<i64>,
    pub stdin: bool,
}

/// How a container ended.
pub struct Ended {
    pub code: i64,
    pub oom_killed: bool,
    pub started: String,
    pub finished: String,
}

impl Engine {
    pub fn new(id: &str) -> Result<Self, Error> {
        let docker = match std::env::var("DOCKER_HOST") {
            Ok(_) => Docker::connect_with_defaults()?,
            Err(_) => Docker::connect_with_local_defaults()?,
        };
        Ok(Self { docker, id: id.to_owned() })
    }

    fn labels(&self) -> HashMap<String, String> {
        HashMap::from([(LABEL.to_owned(), self.id.clone())])
    }

    pub async fn has_image(&self, image: &str) -> bool {
        self.docker.inspect_image(image).await.is_ok()
    }

    pub async fn make(&self, plan: Plan) -> Result<String, Error> {
        let security = &plan.security;
        let number = |name: &str| security[name].as_i64();
        let user = number("runAsUser").map(|user| match number("runAsGroup") {
            Some(group) => format!("{user}:{group}"),
            None => user.to_string(),
        });
        let strings = |value: &Value| -> Option<Vec<String>> {
            let items = value.as_array()?;
            Some(items.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect())
        };
        let host = HostConfig {
            mounts: Some(plan.mounts),
            network_mode: plan.beside.map(|beside| format!("container:{beside}")),
            readonly_rootfs: security["readOnlyRootFilesystem"].as_bool(),
            cap_drop: strings(&security["capabilities"]["drop"]),
            cap_add: strings(&security["capabilities"]["add"]),
            security_opt: (security["allowPrivilegeEscalation"] == false)
                .then(|| vec!["no-new-privileges".to_owned()]),
            group_add: number("fsGroup").map(|group| vec![group.to_string()]),
            memory: plan.memory,
            memory_swap: plan.memory,
            nano_cpus: plan.nano_cpus,
            ..HostConfig::default()
        };
        let body = ContainerCreateBody {
            image: Some(plan.image),
            entrypoint: plan.entrypoint,
            cmd: plan.arguments,
            env: Some(plan.env),
            working_dir: plan.folder,
            hostname: plan.hostname,
            user,
            open_stdin: Some(plan.stdin),
            labels: Some(self.labels()),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        };
        let options = query::CreateContainerOptions { name: Some(plan.name), ..Default::default() };
        Ok(self.docker.create_container(Some(options), body).await?.id)
    }

    pub async fn start(&self, container: &str) -> Result<ContainerInspectResponse, Error> {
        self.docker.start_container(container, None).await?;
        self.docker.inspect_container(container, None).await
    }

    /// Waits for its end.
    pub async fn wait(&self, container: &str) -> Option<Ended> {
        let mut ends = self.docker.wait_container(container, None);
        // An exit code other than 0 comes as an error; the truth is looked up.
        let _ = ends.next().await;
        let state = self.docker.inspect_container(container, None).await.ok()?.state?;
        Some(Ended {
            code: state.exit_code.unwrap_or_default(),
            oom_killed: state.oom_killed.unwrap_or_default(),
            started: seconds(state.started_at.as_deref()),
            finished: seconds(state.finished_at.as_deref()),
        })
    }

    pub async fn stop(&self, container: &str, grace: i64) {
        let t = Some(i32::try_from(grace).unwrap_or(i32::MAX));
        let options = query::StopContainerOptions { t, ..Default::default() };
        // It may have ended by itself.
        let _ = self.docker.stop_container(container, Some(options)).await;
    }

    pub async fn remove(&self, container: &str) {
        let options = query::RemoveContainerOptions { force: true, v: true, ..Default::default() };
        let _ = self.docker.remove_container(container, Some(options)).await;
    }

    pub async fn volume(&self, name: &str) -> Result<(), Error> {
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(self.labels()),
            ..VolumeCreateRequest::default()
        };
        self.docker.create_volume(request).await.map(drop)
    }

    pub async fn remove_volume(&self, name: &str) {
        let _ = self.docker.remove_volume(name, None::<query::RemoveVolumeOptions>).await;
    }

    /// Puts files into volumes, by way of a container that is never started. Paths of the archive
    /// begin with a volume's name.
    pub async fn fill(
        &self,
        name: &str,
        volumes: &[String],
        archive: Vec<u8>,
    ) -> Result<(), Error> {
        let mounts = volumes.iter().map(|volume| mount(volume, &format!("/{volume}"), false));
        let host = HostConfig { mounts: Some(mounts.collect()), ..HostConfig::default() };
        let body = ContainerCreateBody {
            image: Some(PAUSE_IMAGE.to_owned()),
            labels: Some(self.labels()),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        };
        let options =
            query::CreateContainerOptions { name: Some(name.to_owned()), ..Default::default() };
        self.docker.create_container(Some(options), body).await?;
        let options =
            query::UploadToContainerOptions { path: "/".to_owned(), ..Default::default() };
        let body = bollard::body_full(archive.into());
        let filled = self.docker.upload_to_container(name, Some(options), body).await;
        self.remove(name).await;
        filled
    }

    /// Takes away all that is left of a server.
    pub fn clear(id: &str) {
        let label = format!("label={LABEL}={id}");
        let docker = |words: &[&str]| {
            let done = std::process::Command::new("docker").args(words).output();
            let told = done.map(|done| done.stdout).unwrap_or_default();
            String::from_utf8_lossy(&told).split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        // What the engine was still about to make when it was asked is found the second time.
        loop {
            let containers = docker(&["ps", "-aq", "--filter", &label]);
            let volumes = docker(&["volume", "ls", "-q", "--filter", &label]);
            if containers.is_empty() && volumes.is_empty() {
                return;
            }
            for name in containers {
                docker(&["rm", "-f", "-v", &name]);
            }
            for name in volumes {
                docker(&["volume", "rm", "-f", &name]);
            }
        }
    }
}

pub fn mount(volume: &str, target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.to_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        ..Mount::default()
    }
}

/// The engine tells nanoseconds.
fn seconds(time: Option<&str>) -> String {
    let time = time.unwrap_or_default();
    time.split_once('.').map_or(time.to_owned(), |(seconds, _)| format!("{seconds}Z"))
}
