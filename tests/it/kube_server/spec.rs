//! What a pod's specification asks for, in the engine's terms.

use super::engine::Plan;
use super::store::Key;
use super::volumes;
use super::{NODE, World};
use crate::kube_server::kinds::Kind;
use serde_json::{Value, json};

/// Why a container cannot be made now. It is tried again.
pub struct Cannot(pub String);

/// Whether the node takes a pod; if not, the scheduler's words.
pub fn fits(world: &World, pod: &Value) -> Result<(), String> {
    if let Some(message) = super::lock(&world.faults).unschedulable.clone() {
        return Err(message);
    }
    let store = super::lock(&world.store);
    let node = store.get(&Key::new(Kind::of("nodes"), "", NODE)).cloned().unwrap_or_default();
    let spec = &pod["spec"];
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
            let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
            let key = Key::new(Kind::of("persistentvolumeclaims"), namespace, claim);
            if store.get(&key).is_none() {
                return Err(format!("persistentvolumeclaim \"{claim}\" not found"));
            }
        }
    }
    let no_node = |why: &str| {
        let end =
            "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
        Err(format!("0/1 nodes are available: 1 {why}. {end}"))
    };
    let labels = &node["metadata"]["labels"];
    let selector = spec["nodeSelector"].as_object();
    if selector.into_iter().flatten().any(|(name, value)| labels[name] != *value) {
        return no_node("node(s) didn't match Pod's node affinity/selector");
    }
    for taint in node["spec"]["taints"].as_array().into_iter().flatten() {
        let tolerated = |one: &Value| {
            let all = one["operator"] == "Exists";
            (one["key"] == taint["key"] || (one["key"].is_null() && all))
                && (all || one["value"] == taint["value"])
                && (one["effect"].is_null() || one["effect"] == taint["effect"])
        };
        if !spec["tolerations"].as_array().into_iter().flatten().any(tolerated) {
            let text = |name: &str| taint[name].as_str().unwrap_or_default();
            return no_node(&format!(
                "node(s) had untolerated taint {{{}: {}}}",
                text("key"),
                text("value")
            ));
        }
    }
    for name in ["cpu", "memory", "ephemeral-storage"] {
        let room = quantity(&node["status"]["allocatable"][name]);
        if requested(spec, "requests", name) > room {
            return no_node(&format!("Insufficient {name}"));
        }
    }
    Ok(())
}

/// What all containers together ask for.
pub fn requested(spec: &Value, side: &str, name: &str) -> f64 {
    let containers = spec["containers"].as_array().into_iter().flatten();
    containers.map(|container| quantity(&container["resources"][side][name])).sum()
}

/// `500m`, `2Gi` and the like as a number.
pub fn quantity(value: &Value) -> f64 {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return 0.0,
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().unwrap_or_default();
    let factor = match &text[end..] {
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    number * factor
}

/// A container of a pod as one of the engine.
pub async fn plan(world: &World, pod: &Value, container: &Value) -> Result<Plan, Cannot> {
    let mut security = pod["spec"]["securityContext"].clone();
    if security.is_null() {
        security = json!({});
    }
    for (name, value) in container["securityContext"].as_object().into_iter().flatten() {
        security[name] = value.clone();
    }
    let name = container["name"].as_str().unwrap_or_default();
    let image = container["image"].as_str().unwrap_or_default().to_owned();
    if security["runAsNonRoot"] == true {
        not_root(world, &security, &image, name).await?;
    }
    let limits = &container["resources"]["limits"];
    let memory = quantity(&limits["memory"]);
    let cpus = quantity(&limits["cpu"]);
    Ok(Plan {
        name: String::new(),
        image,
        entrypoint: strings(&container["command"]),
        arguments: strings(&container["args"]),
        env: env(world, pod, container)?,
        folder: container["workingDir"].as_str().map(str::to_owned),
        beside: None,
        hostname: None,
        mounts: volumes::mounts(pod, container),
        security,
        memory: (memory > 0.0).then_some(memory as i64),
        nano_cpus: (cpus > 0.0).then_some((cpus * 1e9) as i64),
        stdin: container["stdin"] == true,
    })
}

async fn not_root(world: &World, security: &Value, image: &str, name: &str) -> Result<(), Cannot> {
    match security["runAsUser"].as_i64() {
        Some(0) => {
            Err(Cannot(format!("container's runAsUser breaks non-root policy (container: {name})")))
        }
        Some(_) => Ok(()),
        None => {
            let about = world.engine.docker.inspect_image(image).await.ok();
            let user = about.and_then(|about| about.config?.user).unwrap_or_default();
            match user.split(':').next().unwrap_or_default() {
                "" | "0" | "root" => Err(Cannot(format!(
                    "container has runAsNonRoot and image will run as root (container: {name})"
                ))),
                _ => Ok(()),
            }
        }
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    Some(items.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect())
}

/// What every container is given, and what its specification says.
fn env(world: &World, pod: &Value, container: &Value) -> Result<Vec<String>, Cannot> {
    let (host, port) = (&world.host, world.port);
    let mut env = vec![
        format!("KUBERNETES_SERVICE_HOST={host}"),
        format!("KUBERNETES_SERVICE_PORT={port}"),
        format!("KUBERNETES_SERVICE_PORT_HTTPS={port}"),
        format!("KUBERNETES_PORT=tcp://{host}:{port}"),
    ];
    let store = super::lock(&world.store);
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let held = |kind: &str, name: &Value| -> Result<Value, Cannot> {
        let (plural, field) = match kind {
            "secret" => ("secrets", "data"),
            _ => ("configmaps", "data"),
        };
        let name = name.as_str().unwrap_or_default();
        let found = store.get(&Key::new(Kind::of(plural), namespace, name));
        let found = found.ok_or(Cannot(format!("{kind} \"{name}\" not found")))?;
        Ok(found[field].clone())
    };
    let text = |kind: &str, value: &Value| match kind {
        "secret" => volumes::decoded(value),
        _ => value.as_str().unwrap_or_default().to_owned(),
    };
    for from in container["envFrom"].as_array().into_iter().flatten() {
        for (kind, field) in [("secret", "secretRef"), ("configmap", "configMapRef")] {
            if from[field].is_null() {
                continue;
            }
            let data = held(kind, &from[field]["name"])?;
            let prefix = from["prefix"].as_str().unwrap_or_default();
            for (name, value) in data.as_object().into_iter().flatten() {
                env.push(format!("{prefix}{name}={}", text(kind, value)));
            }
        }
    }
    for one in container["env"].as_array().into_iter().flatten() {
        let name = one["name"].as_str().unwrap_or_default();
        let from = &one["valueFrom"];
        let mut value = one["value"].as_str().unwrap_or_default().to_owned();
        for (kind, field) in [("secret", "secretKeyRef"), ("configmap", "configMapKeyRef")] {
            if !from[field].is_null() {
                let key = from[field]["key"].as_str().unwrap_or_default();
                let data = held(kind, &from[field]["name"])?;
                let found = data.get(key);
                let missing = || Cannot(format!("couldn't find key {key} in {kind}"));
                value = text(kind, found.ok_or_else(missing)?);
            }
        }
        if let Some(path) = from["fieldRef"]["fieldPath"].as_str() {
            let found = path.split('.').fold(pod, |value, part| &value[part]);
            value = found.as_str().unwrap_or_default().to_owned();
        }
        env.push(format!("{name}={value}"));
    }
    Ok(env)
}
