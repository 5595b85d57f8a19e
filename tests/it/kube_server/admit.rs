//! What is done to an object before it is stored, and before it is gone.

use super::World;
use super::kinds::Kind;
use super::refusal::{Refusal, success};
use super::spec::{quantity, requested};
use super::store::{Key, Store, later, typed};
use serde_json::{Value, json};

/// As the real server tells them.
const NAME_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
    characters, '-' or '.', and must start and end with an alphanumeric character (e.g. \
    'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_RULE: &str = "a valid label must be an empty string or consist of alphanumeric \
    characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
    'MyValue',  or 'my_value',  or '12345', regex used for validation is \
    '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// Stores a new object, if its namespace, its own words and the namespace's rules allow it.
pub fn create(
    world: &World,
    kind: &'static Kind,
    namespace: &str,
    mut object: Value,
) -> Result<Value, Refusal> {
    // What only the server knows.
    for name in ["kind", "apiVersion", "status"] {
        object.as_object_mut().expect("an object").remove(name);
    }
    for name in ["uid", "creationTimestamp", "resourceVersion", "deletionTimestamp"] {
        object["metadata"].as_object_mut().map(|meta| meta.remove(name));
    }
    named(kind, &mut object)?;
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    labelled(kind, &name, &object["metadata"]["labels"])?;
    let store = super::lock(&world.store);
    if kind.namespaced && store.get(&Key::new(Kind::of("namespaces"), "", namespace)).is_none() {
        return Err(Refusal::not_found("", "namespaces", namespace));
    }
    if store.get(&Key::new(kind, namespace, &name)).is_some() {
        return Err(Refusal::exists(kind.group, kind.plural, &name));
    }
    object["metadata"]["namespace"] = json!(namespace);
    match kind.plural {
        "pods" => {
            pod_defaults(&mut object);
            pod_rules(&store, namespace, &name, &object)?;
            object["status"] = json!({"phase": "Pending", "qosClass": "Burstable"});
        }
        "jobs" => job_defaults(&mut object),
        "secrets" => secret_data(&mut object),
        "persistentvolumeclaims" => object["status"] = json!({"phase": "Pending"}),
        _ => {}
    }
    quotas(&store, kind, namespace, &object)?;
    drop(store);
    Ok(world.change(|store| {
        if kind.plural == "jobs" {
            select_pods(&mut object);
        }
        store.create(kind, namespace, object)
    }))
}

/// A name of its own, or one that is made.
fn named(kind: &Kind, object: &mut Value) -> Result<(), Refusal> {
    let meta = &mut object["metadata"];
    if meta["name"].as_str().unwrap_or_default().is_empty() {
        let Some(start) = meta["generateName"].as_str() else {
            let why = "name or generateName is required";
            return Err(Refusal::invalid((kind.group, kind.kind), "", "metadata.name", why));
        };
        let letters = uuid::Uuid::new_v4().simple().to_string();
        meta["name"] = json!(format!("{start}{}", &letters[..5]));
    }
    let name = meta["name"].as_str().unwrap_or_default();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    // A job's pods carry its name as a label.
    let most = if kind.plural == "jobs" { 63 } else { 253 };
    if name.len() <= most
        && name.chars().all(allowed)
        && edge(name.chars().next())
        && edge(name.chars().last())
    {
        return Ok(());
    }
    let why = format!("Invalid value: \"{name}\": {NAME_RULE}");
    Err(Refusal::invalid((kind.group, kind.kind), name, "metadata.name", &why))
}

fn labelled(kind: &Kind, name: &str, labels: &Value) -> Result<(), Refusal> {
    for value in labels.as_object().into_iter().flatten().map(|(_, value)| value) {
        let value = value.as_str().unwrap_or_default();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
        let fine = value.len() <= 63
            && value.chars().all(allowed)
            && edge(value.chars().next())
            && edge(value.chars().last());
        if !fine {
            let why = format!("Invalid value: \"{value}\": {LABEL_RULE}");
            let kind = (kind.group, kind.kind);
            return Err(Refusal::invalid(kind, name, "metadata.labels", &why));
        }
    }
    Ok(())
}

/// Gives a field the value that it has where nobody says anything.
fn default(object: &mut Value, values: Value) {
    for (name, value) in values.as_object().cloned().unwrap_or_default() {
        if object[&name].is_null() {
            object[&name] = value;
        }
    }
}

fn pod_defaults(pod: &mut Value) {
    let spec = &mut pod["spec"];
    default(
        spec,
        json!({"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "securityContext": {},
            "terminationGracePeriodSeconds": 30, "schedulerName": "default-scheduler",
            "serviceAccountName": "default", "serviceAccount": "default",
            "enableServiceLinks": true, "priority": 0, "preemptionPolicy": "PreemptLowerPriority"}),
    );
    let patient = ["not-ready", "unreachable"].map(|what| {
        json!({"key": format!("node.kubernetes.io/{what}"), "operator": "Exists",
            "effect": "NoExecute", "tolerationSeconds": 300})
    });
    if spec["tolerations"].is_null() {
        spec["tolerations"] = json!([]);
    }
    spec["tolerations"].as_array_mut().expect("a list").extend(patient);
    container_defaults(spec);
}

fn container_defaults(spec: &mut Value) {
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            let image = container["image"].as_str().unwrap_or_default();
            let moving = image.ends_with(":latest") || !image.contains(':');
            let policy = if moving { "Always" } else { "IfNotPresent" };
            let end = "/dev/termination-log";
            default(
                container,
                json!({"imagePullPolicy": policy, "resources": {}, "terminationMessagePath": end,
                    "terminationMessagePolicy": "File"}),
            );
        }
    }
}

fn job_defaults(job: &mut Value) {
    default(
        &mut job["spec"],
        json!({"backoffLimit": 6, "completions": 1, "parallelism": 1, "suspend": false,
            "completionMode": "NonIndexed", "podReplacementPolicy": "TerminatingOrFailed"}),
    );
    let spec = &mut job["spec"]["template"]["spec"];
    default(
        spec,
        json!({"dnsPolicy": "ClusterFirst", "securityContext": {},
            "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": 30}),
    );
    container_defaults(spec);
    job["status"] = json!({});
}

/// A job's pods are known by labels that follow from its uid.
fn select_pods(job: &mut Value) {
    let (uid, name) = (uuid::Uuid::new_v4().to_string(), job["metadata"]["name"].clone());
    job["metadata"]["uid"] = json!(uid);
    let labels = json!({"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid,
        "batch.kubernetes.io/job-name": name, "job-name": name});
    job["spec"]["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    default(&mut job["spec"]["template"]["metadata"]["labels"], labels);
}

fn secret_data(secret: &mut Value) {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let plain = secret.as_object_mut().and_then(|fields| fields.remove("stringData"));
    for (name, value) in plain.as_ref().and_then(Value::as_object).into_iter().flatten() {
        secret["data"][name] = json!(engine.encode(value.as_str().unwrap_or_default()));
    }
    default(secret, json!({"type": "Opaque"}));
}

fn pod_rules(store: &Store, namespace: &str, name: &str, pod: &Value) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal::forbidden(("", "pods"), name, why));
    if let Some(class) = pod["spec"]["runtimeClassName"].as_str()
        && store.get(&Key::new(Kind::of("runtimeclasses"), "", class)).is_none()
    {
        return refuse(&format!("pod rejected: RuntimeClass \"{class}\" not found"));
    }
    let place = store.get(&Key::new(Kind::of("namespaces"), "", namespace));
    let labels = place.map(|place| place["metadata"]["labels"].clone()).unwrap_or_default();
    if labels["pod-security.kubernetes.io/enforce"] == "restricted" {
        let wrong = not_restricted(&pod["spec"]);
        if !wrong.is_empty() {
            let wrong = wrong.join(", ");
            return refuse(&format!("violates PodSecurity \"restricted:latest\": {wrong}"));
        }
    }
    Ok(())
}

/// What the restricted Pod Security Standard has against it.
fn not_restricted(spec: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let containers = ["containers", "initContainers"];
    let all = || containers.iter().flat_map(|list| spec[*list].as_array().into_iter().flatten());
    let merged = |container: &Value, field: &str| match &container["securityContext"][field] {
        Value::Null => spec["securityContext"][field].clone(),
        value => value.clone(),
    };
    type Holds<'a> = &'a dyn Fn(&Value) -> bool;
    let rules: [(&str, Holds); 5] = [
        ("allowPrivilegeEscalation != false", &|one| {
            one["securityContext"]["allowPrivilegeEscalation"] == false
        }),
        ("unrestricted capabilities", &|one| {
            let capabilities = &one["securityContext"]["capabilities"];
            let only = |one: &Value| one == "NET_BIND_SERVICE";
            capabilities["drop"].as_array().is_some_and(|all| all.iter().any(|one| one == "ALL"))
                && capabilities["add"].as_array().is_none_or(|all| all.iter().all(only))
        }),
        ("runAsNonRoot != true", &|one| merged(one, "runAsNonRoot") == true),
        ("runAsUser=0", &|one| merged(one, "runAsUser") != 0),
        ("seccompProfile", &|one| {
            let kind = merged(one, "seccompProfile")["type"].clone();
            kind == "RuntimeDefault" || kind == "Localhost"
        }),
    ];
    for (what, holds) in rules {
        for container in all().filter(|container| !holds(container)) {
            let name = container["name"].as_str().unwrap_or_default();
            wrong.push(format!("{what} (container \"{name}\")"));
        }
    }
    for what in ["hostNetwork", "hostPID", "hostIPC"] {
        if spec[what] == true {
            wrong.push(format!("host namespaces ({what}=true)"));
        }
    }
    let kinds = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let other = |name: &&String| *name != "name" && !kinds.contains(&name.as_str());
        if let Some(kind) = volume.as_object().and_then(|fields| fields.keys().find(other)) {
            wrong.push(format!("restricted volume types (volume {} uses {kind})", volume["name"]));
        }
    }
    wrong
}

fn quotas(store: &Store, kind: &Kind, namespace: &str, object: &Value) -> Result<(), Refusal> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let refuse = |why: &str| Err(Refusal::forbidden((kind.group, kind.plural), name, why));
    for (key, quota) in store.list("resourcequotas", Some(namespace)) {
        for (what, most) in quota["spec"]["hard"].as_object().into_iter().flatten() {
            let counted = *what == format!("count/{}", kind.resource());
            let is_pod = kind.plural == "pods";
            let weigh = |one: &Value| match what.split_once('.') {
                _ if counted || (is_pod && what == "pods") => Some(1.0),
                Some((side, name)) if is_pod => Some(requested(&one["spec"], side, name)),
                _ => None,
            };
            let Some(asked) = weigh(object) else { continue };
            if asked == 0.0 {
                return refuse(&format!("failed quota: {}: must specify {what}", key.name));
            }
            let all = store.list(kind.plural, Some(namespace));
            let used = all.iter().filter_map(|(_, one)| weigh(one)).fold(0.0, |sum, one| sum + one);
            if used + asked > quantity(most) {
                let most = most.as_str().unwrap_or_default();
                let quota = &key.name;
                return refuse(&format!(
                    "exceeded quota: {quota}, requested: {what}={asked}, used: {what}={used}, limited: {what}={most}"
                ));
            }
        }
    }
    Ok(())
}

/// Takes an object away, or begins to. What is answered.
pub fn delete(world: &World, key: &Key, options: &Value) -> Result<Value, Refusal> {
    world.change(|store| {
        let object = store.found(key)?;
        let kind = key.kind();
        let wanted = &options["preconditions"]["uid"];
        if !wanted.is_null() && *wanted != object["metadata"]["uid"] {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let why = format!(
                "the UID in the precondition ({}) does not match the UID in record ({}). The object \
                 might have been deleted and then recreated",
                text(wanted),
                text(&object["metadata"]["uid"])
            );
            return Err(Refusal::conflict(kind.group, kind.kind, &key.name, &why));
        }
        if key.plural == "pods" {
            let grace = options["gracePeriodSeconds"].as_i64();
            return Ok(typed(kind, delete_pod(store, key, grace)));
        }
        // Of a job that nobody says anything about, the pods are left.
        let usual = if key.plural == "jobs" { "Orphan" } else { "Background" };
        match options["propagationPolicy"].as_str().unwrap_or(usual) {
            "Foreground" => {
                let waiting = store.update(key, |object| {
                    object["metadata"]["deletionTimestamp"] = json!(later(0));
                    object["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
                });
                return Ok(typed(kind, waiting.unwrap_or_default()));
            }
            "Orphan" => orphan(store, &object["metadata"]["uid"]),
            _ => {}
        }
        store.remove(key);
        Ok(success(kind.group, kind.plural, &object))
    })
}

fn orphan(store: &mut Store, uid: &Value) {
    let all: Vec<Key> = store.all().map(|(key, _)| key.clone()).collect();
    for key in all {
        store.update(&key, |object| {
            let owners = object["metadata"]["ownerReferences"].as_array_mut();
            if let Some(owners) = owners {
                owners.retain(|owner| owner["uid"] != *uid);
            }
        });
    }
}

/// A pod is given time to end, if it runs; the node takes it away.
pub fn delete_pod(store: &mut Store, key: &Key, grace: Option<i64>) -> Value {
    let told = store.update(key, |pod| {
        let usual = pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
        let over = pod["status"]["phase"] == "Succeeded" || pod["status"]["phase"] == "Failed";
        let idle = pod["spec"]["nodeName"].is_null() || over;
        let grace = if idle { 0 } else { grace.unwrap_or(usual) };
        let meta = &mut pod["metadata"];
        if meta["deletionTimestamp"].is_null() || grace == 0 {
            meta["deletionTimestamp"] = json!(later(grace));
            meta["deletionGracePeriodSeconds"] = json!(grace);
        }
    });
    told.unwrap_or_default()
}
