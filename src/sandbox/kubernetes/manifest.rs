//! A session as a Job with one pod. Pure.
//!
//! Three containers of one image, since the restricted profile gives each a single user that is not
//! root: the `supervisor`, whose journal no other can write to; the `worker`, with the supervisor's
//! hands as its process 1; and the `keeper`, which stays for a while after both have nothing more to
//! do, since files can only be read out of a container that runs. Each waits for this program, which
//! is put into a volume that only the supervisor's container can write to; the supervisor waits for
//! its first turn, so that none of its time without one passes before.

use super::super::SandboxSpec;
use super::names::{
    GO, HANDS, KEEPER, STATE, SUPERVISOR, SUPERVISOR_ID, USED, WORKER, labels, name, reader,
};
use super::pod::{Mount, Sizes, Volume, container, pod};
use super::settings::Settings;
use crate::domain::places;
use crate::domain::turn::BootSpec;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, Pod, PodTemplateSpec,
    VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use std::path::Path;

/// A Job that is over is forgotten after so long, whoever does not come for it.
const TTL_SECONDS: i32 = 24 * 60 * 60;
/// The same for a pod that only reads.
const READER_SECONDS: i64 = 15 * 60;

/// Everything that the manifests of one session follow from.
pub(super) struct Plan<'a> {
    pub spec: &'a SandboxSpec<'a>,
    pub store: &'a str,
    pub image: &'a str,
    pub settings: &'a Settings,
}

pub(super) fn job(plan: &Plan) -> Job {
    let session = plan.spec.session;
    let about = ObjectMeta { labels: Some(labels(session, plan.store)), ..ObjectMeta::default() };
    let spec =
        pod(plan.settings, volumes(plan), vec![supervisor(plan), worker(plan), keeper(plan)]);
    Job {
        metadata: ObjectMeta { name: Some(name(session)), ..about.clone() },
        spec: Some(JobSpec {
            // An agent is never run again by somebody else.
            backoff_limit: Some(0),
            completions: Some(1),
            parallelism: Some(1),
            active_deadline_seconds: Some(plan.settings.deadline.as_secs() as i64),
            ttl_seconds_after_finished: Some(TTL_SECONDS),
            pod_replacement_policy: Some("Failed".to_owned()),
            template: PodTemplateSpec { metadata: Some(about), spec: Some(spec) },
            ..JobSpec::default()
        }),
        status: None,
    }
}

/// What the supervisor is told at its start. The turns, and with them every secret, come later.
pub(super) fn boot(spec: &SandboxSpec) -> BootSpec {
    let wrap = [
        places::PROGRAM,
        "enter",
        "--socket",
        HANDS,
        "--cwd",
        places::WORKSPACE,
        "--used",
        USED,
        "--",
    ];
    BootSpec {
        first: None,
        worker: None,
        wrap: wrap.map(str::to_owned).to_vec(),
        elsewhere: Some(USED.to_owned()),
        artifacts: Some(places::ARTIFACTS.to_owned()),
        ..spec.boot.clone()
    }
}

fn volumes(plan: &Plan) -> Vec<Volume> {
    let own = ["bin", "hands", "workspace", "artifacts", "home", "tmp", "var-tmp", "system-run"];
    let mut volumes: Vec<Volume> = own.iter().map(|name| Volume::empty(name)).collect();
    volumes.push(match &plan.settings.spool {
        Some(_) => Volume::claim("run", &name(plan.spec.session)),
        None => Volume::empty("run"),
    });
    volumes.extend(inputs(plan.spec).into_iter().map(|(name, _)| Volume::empty(name)));
    volumes
}

/// What is put in, as the volume's name and its folder.
pub(super) fn inputs(spec: &SandboxSpec) -> Vec<(&'static str, &'static str)> {
    let folder =
        |path: &'static str| Path::new(path).parent().and_then(Path::to_str).unwrap_or(path);
    [
        (spec.program.is_some(), "harness", places::HARNESS),
        (spec.snapshot.is_some(), "traces", folder(places::SNAPSHOT)),
        (spec.repository.is_some(), "repository", folder(places::REPOSITORY)),
        (spec.ca_bundle.is_some(), "etc", folder(places::CA_BUNDLE)),
    ]
    .into_iter()
    .filter(|(wanted, ..)| *wanted)
    .map(|(_, name, folder)| (name, folder))
    .collect()
}

fn supervisor(plan: &Plan) -> k8s_openapi::api::core::v1::Container {
    // A specification that is all text always becomes JSON.
    let boot = serde_json::to_string(&boot(plan.spec)).unwrap_or_default();
    let argv = ["supervise", "--run", STATE, "--boot", &boot];
    let mut mounts = vec![
        Mount::to_write("bin", "/loop/bin"),
        Mount::to_write("run", places::RUN),
        Mount::to_read("hands", "/loop/hands"),
    ];
    mounts.extend(inputs(plan.spec).into_iter().map(|(name, at)| Mount::to_write(name, at)));
    container(SUPERVISOR, plan.image, (SUPERVISOR_ID, GO), (&argv, mounts, Sizes::SUPERVISOR))
}

fn worker(plan: &Plan) -> k8s_openapi::api::core::v1::Container {
    let owner = SUPERVISOR_ID.to_string();
    let argv = ["hands", "--socket", HANDS, "--owner", &owner];
    let mut mounts = vec![
        Mount::to_read("bin", "/loop/bin"),
        Mount::to_write("hands", "/loop/hands"),
        Mount::to_write("workspace", places::WORKSPACE),
        Mount::to_write("artifacts", places::ARTIFACTS),
        Mount::to_write("home", places::HOME),
        Mount::to_write("tmp", "/tmp"),
        Mount::to_write("var-tmp", "/var/tmp"),
        Mount::to_write("system-run", "/run"),
    ];
    mounts.extend(inputs(plan.spec).into_iter().map(|(name, at)| Mount::to_read(name, at)));
    let sizes = Sizes::worker(plan.spec.cpus, plan.spec.memory_bytes);
    container(WORKER, plan.image, (places::WORKER_ID, places::PROGRAM), (&argv, mounts, sizes))
}

fn keeper(plan: &Plan) -> k8s_openapi::api::core::v1::Container {
    let grace = plan.settings.grace.as_secs().to_string();
    let argv = ["keep", "--run", STATE, "--grace", &grace, "--hands", HANDS];
    let mounts = vec![
        Mount::to_read("bin", "/loop/bin"),
        Mount::to_read("run", places::RUN),
        Mount::to_read("hands", "/loop/hands"),
        Mount::to_read("artifacts", places::ARTIFACTS),
    ];
    container(KEEPER, plan.image, (SUPERVISOR_ID, places::PROGRAM), (&argv, mounts, Sizes::KEEPER))
}

/// Where the journal is, where it is to outlive the pod.
pub(super) fn claim(
    session: &str,
    store: &str,
    settings: &Settings,
) -> Option<PersistentVolumeClaim> {
    let spool = settings.spool.as_ref()?;
    let requests = [("storage".to_owned(), Quantity(spool.size.clone()))].into();
    Some(PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(name(session)),
            labels: Some(labels(session, store)),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some(requests),
                ..VolumeResourceRequirements::default()
            }),
            storage_class_name: spool.storage_class.clone(),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    })
}

/// A pod that does nothing but let the claim be read, where the session's own pod is gone.
pub(super) fn reading(session: &str, store: &str, image: &str, settings: &Settings) -> Pod {
    let argv = ["keep", "--run", STATE, "--grace", "900"];
    let mounts = vec![Mount::to_write("bin", "/loop/bin"), Mount::to_read("run", places::RUN)];
    let volumes = vec![Volume::empty("bin"), Volume::claim("run", &name(session))];
    let keeper =
        container(KEEPER, image, (SUPERVISOR_ID, places::PROGRAM), (&argv, mounts, Sizes::KEEPER));
    let mut spec = pod(settings, volumes, vec![keeper]);
    spec.active_deadline_seconds = Some(READER_SECONDS);
    Pod {
        metadata: ObjectMeta {
            name: Some(reader(session)),
            labels: Some(labels(session, store)),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
        status: None,
    }
}

/// What makes one thing go when the Job does.
pub(super) fn owned_by(job: &Job) -> Option<OwnerReference> {
    Some(OwnerReference {
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        name: job.metadata.name.clone()?,
        uid: job.metadata.uid.clone()?,
        ..OwnerReference::default()
    })
}
