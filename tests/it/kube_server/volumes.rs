//! A pod's volumes as volumes of the engine, with the owners that the kubelet gives them.

use super::engine::mount;
use super::events::Told;
use super::kinds::Kind;
use super::kubelet::Pod;
use super::store::Key;
use base64::Engine as _;
use bollard::models::Mount;
use serde_json::{Value, json};
use std::time::Duration;

/// Makes what is not there yet, however long it takes until what it is made from is there.
pub async fn make(pod: &Pod, object: &Value) {
    let mut archive = tar::Builder::new(Vec::new());
    let mut names = Vec::new();
    let group = object["spec"]["securityContext"]["fsGroup"].as_u64();
    for volume in object["spec"]["volumes"].as_array().into_iter().flatten() {
        let name = engine_name(object, volume);
        let claimed = !volume["persistentVolumeClaim"].is_null();
        if pod.world.engine.docker.inspect_volume(&name).await.is_err() {
            pod.world.engine.volume(&name).await.expect("the engine makes volumes");
        }
        if claimed {
            bind(pod, object, volume);
        } else {
            pod.made(|made| made.volumes.push(name.clone()));
        }
        let files = files(pod, object, volume).await;
        let read = if files.is_empty() { 0o777 } else { 0o755 };
        folder(&mut archive, &name, group, read);
        for (path, content) in files {
            file(&mut archive, &format!("{name}/{path}"), group, &content);
        }
        names.push(name);
    }
    if names.is_empty() {
        return;
    }
    let helper = format!("k8s_fill_{}", pod.uid);
    let archive = archive.into_inner().expect("it is in memory");
    pod.world.engine.fill(&helper, &names, archive).await.expect("the engine fills volumes");
}

/// The volume of the engine's behind one of a pod's. A claim's lives on.
fn engine_name(pod: &Value, volume: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match volume["persistentVolumeClaim"]["claimName"].as_str() {
        Some(claim) => format!("k8s-claim-{}-{claim}", text(&pod["metadata"]["namespace"])),
        None => format!("k8s-{}-{}", text(&pod["metadata"]["uid"]), text(&volume["name"])),
    }
}

/// A claim that waited for its first user is bound.
fn bind(pod: &Pod, object: &Value, volume: &Value) {
    let claim = volume["persistentVolumeClaim"]["claimName"].as_str().unwrap_or_default();
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let key = Key::new(Kind::of("persistentvolumeclaims"), namespace, claim);
    pod.world.change(|store| {
        store.update(&key, |claim| {
            claim["status"]["phase"] = json!("Bound");
            claim["status"]["accessModes"] = claim["spec"]["accessModes"].clone();
            claim["status"]["capacity"] = claim["spec"]["resources"]["requests"].clone();
        });
    });
}

/// What is in a volume that is made from an object.
async fn files(pod: &Pod, object: &Value, volume: &Value) -> Vec<(String, Vec<u8>)> {
    let (plural, name, items) = if let Some(name) = volume["secret"]["secretName"].as_str() {
        ("secrets", name, &volume["secret"]["items"])
    } else if let Some(name) = volume["configMap"]["name"].as_str() {
        ("configmaps", name, &volume["configMap"]["items"])
    } else {
        return Vec::new();
    };
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let key = Key::new(Kind::of(plural), namespace, name);
    let data = loop {
        if let Some(found) = super::lock(&pod.world.store).get(&key) {
            break found["data"].clone();
        }
        let kind = plural.trim_end_matches('s');
        let message = format!(
            "MountVolume.SetUp failed for volume \"{}\" : {kind} \"{name}\" not found",
            volume["name"].as_str().unwrap_or_default()
        );
        pod.tell(&Told::warning("kubelet", "FailedMount", &message));
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let bytes = |value: &Value| match plural {
        "secrets" => decoded(value).into_bytes(),
        _ => value.as_str().unwrap_or_default().as_bytes().to_vec(),
    };
    let all = data.as_object().into_iter().flatten();
    let path = |key: &str| match items.as_array() {
        None => Some(key.to_owned()),
        Some(items) => {
            let item = items.iter().find(|item| item["key"] == key)?;
            item["path"].as_str().map(str::to_owned)
        }
    };
    all.filter_map(|(key, value)| Some((path(key)?, bytes(value)))).collect()
}

pub fn decoded(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

type Archive = tar::Builder<Vec<u8>>;

fn folder(archive: &mut Archive, name: &str, group: Option<u64>, mode: u32) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    // With a group, the folder hands it on to what is made in it.
    header.set_mode(if group.is_some() { mode | 0o2000 } else { mode });
    header.set_uid(0);
    header.set_gid(group.unwrap_or(0));
    archive.append_data(&mut header, format!("{name}/"), &[][..]).expect("it is in memory");
}

fn file(archive: &mut Archive, path: &str, group: Option<u64>, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(if group.is_some() { 0o440 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(group.unwrap_or(0));
    archive.append_data(&mut header, path, content).expect("it is in memory");
}

/// Where a container has them.
pub fn mounts(pod: &Value, container: &Value) -> Vec<Mount> {
    let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    let mut mounts = Vec::new();
    for one in container["volumeMounts"].as_array().into_iter().flatten() {
        let Some(volume) = volumes.iter().find(|volume| volume["name"] == one["name"]) else {
            continue;
        };
        let target = one["mountPath"].as_str().unwrap_or_default();
        let fixed = !volume["secret"].is_null() || !volume["configMap"].is_null();
        let read_only = one["readOnly"] == true || fixed;
        mounts.push(mount(&engine_name(pod, volume), target, read_only));
    }
    mounts
}
