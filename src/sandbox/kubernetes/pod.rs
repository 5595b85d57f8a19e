//! What all our pods have in common: the restricted profile of Pod Security, and nothing of the
//! cluster's own inside. Pure.

use super::names::SUPERVISOR_ID;
use super::settings::Settings;
use crate::domain::places;
use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, LocalObjectReference,
    PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec, ResourceRequirements,
    SeccompProfile, SecurityContext, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use std::borrow::Cow;

/// Waits for a file, and becomes a program; nobody waits for ever.
const WAIT: &str = "trap 'exit 143' TERM INT; f=$1; shift; n=0; until [ -e \"$f\" ]; do n=$((n + 1)); \
                    [ $n -lt 18000 ] || exit 75; sleep 0.05 || sleep 1; done; exec \"$@\"";
/// All of our processes end at once when they are told to; a turn is ended first.
const GOODBYE_SECONDS: i64 = 10;

pub(super) struct Volume {
    name: String,
    claim: Option<String>,
}

impl Volume {
    pub(super) fn empty(name: &str) -> Self {
        Self { name: name.to_owned(), claim: None }
    }

    pub(super) fn claim(name: &str, claim: &str) -> Self {
        Self { name: name.to_owned(), claim: Some(claim.to_owned()) }
    }

    fn volume(self) -> k8s_openapi::api::core::v1::Volume {
        let empty = self.claim.is_none().then(EmptyDirVolumeSource::default);
        let claim = self
            .claim
            .map(|claim_name| PersistentVolumeClaimVolumeSource { claim_name, read_only: None });
        k8s_openapi::api::core::v1::Volume {
            name: self.name,
            empty_dir: empty,
            persistent_volume_claim: claim,
            ..Default::default()
        }
    }
}

pub(super) struct Mount {
    name: &'static str,
    at: &'static str,
    read_only: bool,
}

impl Mount {
    pub(super) fn to_read(name: &'static str, at: &'static str) -> Self {
        Self { name, at, read_only: true }
    }

    pub(super) fn to_write(name: &'static str, at: &'static str) -> Self {
        Self { name, at, read_only: false }
    }

    fn mount(self) -> VolumeMount {
        VolumeMount {
            name: self.name.to_owned(),
            mount_path: self.at.to_owned(),
            read_only: self.read_only.then_some(true),
            ..VolumeMount::default()
        }
    }
}

/// What is asked for, and what is the most, as quantities: processor, memory, disk.
#[derive(Debug, Clone)]
pub(super) struct Sizes {
    requests: [Cow<'static, str>; 3],
    limits: [Cow<'static, str>; 3],
}

const fn lent([cpus, memory, disk]: [&'static str; 3]) -> [Cow<'static, str>; 3] {
    [Cow::Borrowed(cpus), Cow::Borrowed(memory), Cow::Borrowed(disk)]
}

impl Sizes {
    pub(super) const SUPERVISOR: Self = Self::of(["50m", "64Mi", "256Mi"], ["1", "512Mi", "10Gi"]);
    pub(super) const KEEPER: Self = Self::of(["10m", "32Mi", "16Mi"], ["500m", "256Mi", "1Gi"]);
    const WORKER: Self = Self::of(["500m", "1Gi", "1Gi"], ["2", "4Gi", "20Gi"]);

    const fn of(requests: [&'static str; 3], limits: [&'static str; 3]) -> Self {
        Self { requests: lent(requests), limits: lent(limits) }
    }

    /// What a preset names is both asked for and the most: it is there, and no more is.
    pub(super) fn worker(cpus: Option<f64>, memory_bytes: Option<u64>) -> Self {
        let mut sizes = Self::WORKER;
        let cpus = cpus.map(|cpus| format!("{}m", (cpus * 1000.0).round() as u64));
        let memory = memory_bytes.map(|bytes| bytes.to_string());
        for (at, wanted) in [cpus, memory].into_iter().enumerate() {
            if let Some(wanted) = wanted {
                sizes.requests[at] = Cow::Owned(wanted.clone());
                sizes.limits[at] = Cow::Owned(wanted);
            }
        }
        sizes
    }

    fn requirements(self) -> ResourceRequirements {
        let map = |values: [Cow<'static, str>; 3]| {
            let named = ["cpu", "memory", "ephemeral-storage"].into_iter().zip(values);
            named.map(|(name, value)| (name.to_owned(), Quantity(value.into_owned()))).collect()
        };
        ResourceRequirements {
            requests: Some(map(self.requests)),
            limits: Some(map(self.limits)),
            ..ResourceRequirements::default()
        }
    }
}

/// A container that runs one of this program's verbs, as one user and no other, once there is a file.
pub(super) fn container(
    name: &str,
    image: &str,
    (user, file): (u32, &str),
    (verb, mounts, sizes): (&[&str], Vec<Mount>, Sizes),
) -> Container {
    let wait = ["/bin/sh", "-c", WAIT, "sh", file, places::PROGRAM];
    let words = wait.iter().chain(verb).map(|word| (*word).to_owned());
    let user = i64::from(user);
    Container {
        name: name.to_owned(),
        image: Some(image.to_owned()),
        command: Some(words.collect()),
        working_dir: Some("/".to_owned()),
        volume_mounts: Some(mounts.into_iter().map(Mount::mount).collect()),
        resources: Some(sizes.requirements()),
        security_context: Some(SecurityContext {
            run_as_user: Some(user),
            run_as_group: Some(user),
            run_as_non_root: Some(true),
            privileged: Some(false),
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

pub(super) fn pod(
    settings: &Settings,
    volumes: Vec<Volume>,
    containers: Vec<Container>,
) -> PodSpec {
    let some = |names: &[String]| {
        let all: Vec<_> =
            names.iter().map(|name| LocalObjectReference { name: name.clone() }).collect();
        Some(all).filter(|all| !all.is_empty())
    };
    let claimed = volumes.iter().any(|volume| volume.claim.is_some());
    PodSpec {
        restart_policy: Some("Never".to_owned()),
        service_account_name: settings.service_account.clone(),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        hostname: Some("sandbox".to_owned()),
        runtime_class_name: settings.runtime_class.clone(),
        node_selector: Some(settings.node_selector.clone()).filter(|all| !all.is_empty()),
        tolerations: Some(settings.tolerations.clone()).filter(|all| !all.is_empty()),
        image_pull_secrets: some(&settings.image_pull_secrets),
        termination_grace_period_seconds: Some(GOODBYE_SECONDS),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            // A claim's folder is root's, and is opened to a group only.
            fs_group: claimed.then_some(i64::from(SUPERVISOR_ID)),
            fs_group_change_policy: claimed.then(|| "OnRootMismatch".to_owned()),
            ..PodSecurityContext::default()
        }),
        volumes: Some(volumes.into_iter().map(Volume::volume).collect()),
        containers,
        ..PodSpec::default()
    }
}
