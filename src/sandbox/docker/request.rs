//! What a container is made from, as the engine's API wants it. Pure.

use super::super::SandboxSpec;
use crate::domain::places;
use crate::domain::turn::{BootSpec, Worker};
use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, MountType, MountVolumeOptions,
    ResourcesUlimits,
};
use std::collections::HashMap;
use std::path::Path;

pub(super) const SESSION_LABEL: &str = "loop.session";
pub(super) const STORE_LABEL: &str = "loop.store";

/// Enough for a coding agent's tools and far from enough to hurt the host.
const PIDS: i64 = 1024;

/// What is put into the sandbox read-only, and how.
#[derive(Debug, Clone)]
pub(super) enum Inside<'a> {
    /// A file of this machine, where the engine sees this machine's files.
    Bind(&'a Path),
    /// A volume that holds it already, under its file name.
    Volume(String),
    /// A volume of the session's own, filled before the start.
    Fill,
}

/// One thing that is put in, and the file it becomes.
#[derive(Debug, Clone)]
pub(super) struct Put<'a> {
    pub target: String,
    pub inside: Inside<'a>,
}

pub(super) fn container_name(session: &str) -> String {
    format!("loop-{session}")
}

pub(super) fn body(
    spec: &SandboxSpec,
    store: &str,
    image: &str,
    puts: &[Put],
) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec![places::PROGRAM.to_owned(), "supervise".to_owned()]),
        cmd: Some(vec!["--boot".to_owned(), spare(spec)]),
        user: Some("0:0".to_owned()),
        working_dir: Some("/".to_owned()),
        hostname: Some("sandbox".to_owned()),
        labels: Some(labels(spec.session, store)),
        open_stdin: Some(true),
        stdin_once: Some(true),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        // A finished worker has nothing to say goodbye to.
        stop_timeout: Some(0),
        host_config: Some(host_config(spec, puts)),
        ..ContainerCreateBody::default()
    }
}

/// By which a container is known to be a session's, and a store's.
pub(super) fn labels(session: &str, store: &str) -> HashMap<String, String> {
    [(SESSION_LABEL, session), (STORE_LABEL, store)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// The supervisor is root with next to no capabilities, and the worker is somebody else.
pub(super) fn boot(spec: &SandboxSpec) -> BootSpec {
    BootSpec {
        worker: Some(Worker { uid: places::WORKER_ID, gid: places::WORKER_ID }),
        artifacts: Some(places::ARTIFACTS.to_owned()),
        open: vec![places::WORKSPACE.to_owned(), places::ARTIFACTS.to_owned()],
        ..spec.boot.clone()
    }
}

/// What the supervisor falls back on where the command ends before it has handed over anything. The
/// turn, and with it every secret, is not in it.
fn spare(spec: &SandboxSpec) -> String {
    serde_json::to_string(&BootSpec { first: None, ..boot(spec) }).unwrap_or_default()
}

fn host_config(spec: &SandboxSpec, puts: &[Put]) -> HostConfig {
    let worker = places::WORKER_ID;
    let tmpfs = HashMap::from([
        ("/tmp".to_owned(), "rw,exec,nosuid,nodev,mode=1777".to_owned()),
        ("/var/tmp".to_owned(), "rw,exec,nosuid,nodev,mode=1777".to_owned()),
        ("/run".to_owned(), "rw,nosuid,nodev,mode=0755".to_owned()),
        (
            places::HOME.to_owned(),
            format!("rw,exec,nosuid,nodev,mode=0700,uid={worker},gid={worker}"),
        ),
    ]);
    let memory = spec.memory_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    HostConfig {
        mounts: Some(mounts(puts)),
        tmpfs: Some(tmpfs),
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        // The supervisor changes user and signals; the change of user clears these for the worker.
        cap_add: Some(["SETUID", "SETGID", "KILL"].map(str::to_owned).to_vec()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        pids_limit: Some(PIDS),
        memory,
        memory_swap: memory,
        nano_cpus: spec.cpus.map(|cpus| (cpus * 1e9) as i64),
        network_mode: Some(if spec.network { "bridge" } else { "none" }.to_owned()),
        ipc_mode: Some("private".to_owned()),
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        ulimits: Some(vec![ResourcesUlimits {
            name: Some("core".to_owned()),
            soft: Some(0),
            hard: Some(0),
        }]),
        ..HostConfig::default()
    }
}

fn mounts(puts: &[Put]) -> Vec<Mount> {
    // Volumes without a name are removed with the container, and unlike a tmpfs they are still there
    // when it has stopped.
    let own = [places::RUN, places::WORKSPACE, places::ARTIFACTS].map(|target| Mount {
        typ: Some(MountType::VOLUME),
        target: Some(target.to_owned()),
        volume_options: Some(MountVolumeOptions {
            no_copy: Some(true),
            ..MountVolumeOptions::default()
        }),
        ..Mount::default()
    });
    own.into_iter().chain(puts.iter().map(mount)).collect()
}

fn mount(put: &Put) -> Mount {
    let folder = || Path::new(&put.target).parent().map(|path| path.display().to_string());
    let (typ, source, target) = match &put.inside {
        Inside::Bind(path) => {
            (MountType::BIND, Some(path.display().to_string()), Some(put.target.clone()))
        }
        Inside::Volume(name) => (MountType::VOLUME, Some(name.clone()), folder()),
        Inside::Fill => (MountType::VOLUME, None, folder()),
    };
    Mount {
        typ: Some(typ),
        source,
        target,
        // One that is still to be filled cannot be read-only; its files are root's all the same.
        read_only: Some(!matches!(put.inside, Inside::Fill)),
        ..Mount::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::preset::Image;

    #[test]
    fn the_container_is_hardened_and_holds_no_secret() {
        let mut boot = BootSpec::default();
        let mut turn = crate::domain::turn::TurnSpec::default();
        turn.env.insert("ANTHROPIC_API_KEY".to_owned(), "sk-canary".to_owned());
        boot.first = Some(turn);
        let spec = SandboxSpec {
            session: "7f3a",
            image: &Image::Auto,
            base_image: "debian",
            bare: true,
            program: None,
            snapshot: Some(Path::new("/data/snapshot.db")),
            repository: None,
            ca_bundle: None,
            network: false,
            cpus: Some(1.5),
            memory_bytes: Some(1 << 30),
            boot,
        };
        let puts = [
            Put {
                target: places::PROGRAM.to_owned(),
                inside: Inside::Bind(Path::new("/bin/loop")),
            },
            Put { target: places::SNAPSHOT.to_owned(), inside: Inside::Fill },
        ];
        let body = serde_json::to_value(body(&spec, "store", "image", &puts)).unwrap();
        assert!(!body.to_string().contains("sk-canary"), "secrets travel on standard input only");
        let host = &body["HostConfig"];
        for (key, expected) in [
            ("ReadonlyRootfs", serde_json::json!(true)),
            ("CapDrop", serde_json::json!(["ALL"])),
            ("CapAdd", serde_json::json!(["SETUID", "SETGID", "KILL"])),
            ("SecurityOpt", serde_json::json!(["no-new-privileges"])),
            ("NetworkMode", serde_json::json!("none")),
            ("Memory", serde_json::json!(1 << 30)),
            ("MemorySwap", serde_json::json!(1 << 30)),
            ("NanoCpus", serde_json::json!(1_500_000_000_i64)),
            ("PidsLimit", serde_json::json!(PIDS)),
            ("Privileged", serde_json::Value::Null),
            ("Binds", serde_json::Value::Null),
            ("LogConfig", serde_json::json!({"Type": "none"})),
        ] {
            assert_eq!(host[key], expected, "{key}");
        }
        let targets: Vec<(&str, bool)> = host["Mounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mount| (mount["Target"].as_str().unwrap(), mount["ReadOnly"] == true))
            .collect();
        let expected = [
            (places::RUN, false),
            (places::WORKSPACE, false),
            (places::ARTIFACTS, false),
            (places::PROGRAM, true),
            ("/traces", false),
        ];
        assert_eq!(targets, expected);
    }
}
