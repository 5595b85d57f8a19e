//! The controllers of jobs and of owners: a job gets its pod, its verdict and its end, and what belongs
//! to something that is gone goes too.

use super::events::Told;
use super::kubelet::condition as condition_of_pod;
use super::store::{Key, Store, age, now};
use super::{World, admit, kinds::Kind};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CONTROLLER: &str = "job-controller";

/// How long a pod that was refused is not asked for again.
const PATIENCE: Duration = Duration::from_secs(1);

/// Brings everything one step further.
pub fn sync(world: &World) {
    let jobs = super::lock(&world.store).list("jobs", None);
    for (key, job) in jobs {
        if job["metadata"]["deletionTimestamp"].is_null() {
            job_step(world, &key, &job);
        }
    }
    world.change(collect);
}

fn job_step(world: &World, key: &Key, job: &Value) {
    if let Some(since) = over(job) {
        let ttl = job["spec"]["ttlSecondsAfterFinished"].as_f64();
        if ttl.is_some_and(|ttl| age(&since) >= ttl) {
            world.change(|store| drop(store.remove(key)));
        }
        return;
    }
    if job["spec"]["suspend"] == true {
        return;
    }
    let pod = pods_of(&super::lock(&world.store), job).into_iter().next();
    let started = !job["status"]["startTime"].is_null();
    if !started {
        change(world, key, |status| status["startTime"] = json!(now()));
    }
    let limit = job["spec"]["activeDeadlineSeconds"].as_f64();
    if started && limit.is_some_and(|limit| age(&job["status"]["startTime"]) >= limit) {
        let told = "Job was active longer than specified deadline";
        return fail(world, key, "DeadlineExceeded", told);
    }
    match pod {
        None if had(world, job) => {
            fail(world, key, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
        }
        None if refused_lately(world, job) => {}
        None => make_pod(world, key, job),
        Some((_, pod)) if pod["status"]["phase"] == "Succeeded" => succeed(world, key),
        Some((_, pod)) if pod["status"]["phase"] == "Failed" => {
            fail(world, key, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
        }
        Some((_, pod)) => {
            let ready = pod["status"]["phase"] == "Running";
            change(world, key, |status| {
                (status["active"], status["ready"]) = (json!(1), json!(u8::from(ready)));
            });
        }
    }
}

/// Whether it is too early to try again.
fn refused_lately(world: &World, job: &Value) -> bool {
    let uid = job["metadata"]["uid"].to_string();
    super::lock(&world.refused).get(&uid).is_some_and(|at| at.elapsed() < PATIENCE)
}

/// Whether its one pod was made already.
fn had(world: &World, job: &Value) -> bool {
    super::lock(&world.had).contains(&job["metadata"]["uid"].to_string())
}

/// When a job ended, if it did.
fn over(job: &Value) -> Option<Value> {
    let conditions = job["status"]["conditions"].as_array()?;
    let last =
        conditions.iter().find(|one| one["type"] == "Complete" || one["type"] == "Failed")?;
    Some(last["lastTransitionTime"].clone())
}

fn pods_of(store: &Store, job: &Value) -> Vec<(Key, Value)> {
    let namespace = job["metadata"]["namespace"].as_str();
    let mut pods = store.list("pods", namespace);
    pods.retain(|(_, pod)| owners(pod).any(|owner| owner["uid"] == job["metadata"]["uid"]));
    pods
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten()
}

fn change(world: &World, key: &Key, change: impl FnOnce(&mut Value)) {
    world.change(|store| drop(store.update(key, |job| change(&mut job["status"]))));
}

fn make_pod(world: &World, key: &Key, job: &Value) {
    let template = &job["spec"]["template"];
    let mut pod = json!({"metadata": template["metadata"],
        "spec": template["spec"]});
    let letters: String = uuid::Uuid::new_v4().simple().to_string();
    let name = format!("{}-{}", key.name, &letters[..5]);
    let meta = &mut pod["metadata"];
    meta["name"] = json!(name);
    meta["generateName"] = json!(format!("{}-", key.name));
    meta["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": key.name,
        "uid": job["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true}]);
    match admit::create(world, Kind::of("pods"), &key.namespace, pod) {
        Ok(_) => {
            world.tell(
                key,
                &Told::normal(CONTROLLER, "SuccessfulCreate", &format!("Created pod: {name}")),
            );
            change(world, key, |status| {
                status["active"] = json!(1);
            });
            // The real one keeps count by finalizers of the pods.
            super::lock(&world.had).insert(job["metadata"]["uid"].to_string());
        }
        Err(refusal) => {
            let uid = job["metadata"]["uid"].to_string();
            super::lock(&world.refused).insert(uid, Instant::now());
            let message = format!("Error creating: {}", refusal.message());
            world.tell(key, &Told::warning(CONTROLLER, "FailedCreate", &message));
        }
    }
}

fn fail(world: &World, key: &Key, reason: &str, message: &str) {
    end(world, key);
    world.change(|store| {
        store.update(key, |job| {
            let had = had(world, job);
            let status = &mut job["status"];
            (status["active"], status["ready"]) = (Value::Null, json!(0));
            if had {
                status["failed"] = json!(1);
            }
            condition(job, "FailureTarget", true, Some((reason, message)));
            condition(job, "Failed", true, Some((reason, message)));
        });
    });
    world.tell(key, &Told::warning(CONTROLLER, reason, message));
}

fn succeed(world: &World, key: &Key) {
    world.change(|store| {
        store.update(key, |job| {
            let status = &mut job["status"];
            (status["active"], status["ready"]) = (Value::Null, json!(0));
            status["succeeded"] = json!(1);
            status["completionTime"] = json!(now());
            let why = Some(("CompletionsReached", "Reached expected number of succeeded pods"));
            condition(job, "SuccessCriteriaMet", true, why);
            condition(job, "Complete", true, why);
        });
    });
    world.tell(key, &Told::normal(CONTROLLER, "Completed", "Job completed"));
}

/// A job's are looked at when they are made.
fn condition(job: &mut Value, kind: &str, holds: bool, why: Option<(&str, &str)>) {
    condition_of_pod(job, kind, holds, why);
    for one in job["status"]["conditions"].as_array_mut().into_iter().flatten() {
        one["lastProbeTime"] = one["lastTransitionTime"].clone();
    }
}

/// Takes away the pods of a job that are not over.
fn end(world: &World, key: &Key) {
    let mut deleted = Vec::new();
    world.change(|store| {
        let Some(job) = store.get(key).cloned() else { return };
        for (key, pod) in pods_of(store, &job) {
            if pod["status"]["phase"] == "Running" || pod["status"]["phase"] == "Pending" {
                admit::delete_pod(store, &key, None);
                deleted.push(key.name);
            }
        }
    });
    for name in deleted {
        let told = format!("Deleted pod: {name}");
        world.tell(key, &Told::normal(CONTROLLER, "SuccessfulDelete", &told));
    }
}

/// Takes away what belongs to what is gone, and ends what waited for that.
fn collect(store: &mut Store) {
    let all: Vec<(Key, Value)> =
        store.all().map(|(key, object)| (key.clone(), object.clone())).collect();
    let uids: Vec<&Value> = all.iter().map(|(_, object)| &object["metadata"]["uid"]).collect();
    for (key, object) in &all {
        let orphaned = owners(object).count() > 0
            && owners(object).all(|owner| !uids.contains(&&owner["uid"]));
        let waits = |object: &Value| {
            let finalizers = object["metadata"]["finalizers"].as_array();
            finalizers.is_some_and(|all| all.iter().any(|one| one == "foregroundDeletion"))
        };
        let ending = || {
            let owner = |uid: &Value| all.iter().find(|(_, one)| one["metadata"]["uid"] == *uid);
            owners(object).any(|one| owner(&one["uid"]).is_some_and(|(_, owner)| waits(owner)))
        };
        if orphaned || ending() {
            if key.plural == "pods" {
                admit::delete_pod(store, key, None);
            } else {
                store.remove(key);
            }
        }
        let dependents = |(_, one): &(Key, Value)| {
            owners(one).any(|owner| owner["uid"] == object["metadata"]["uid"])
        };
        if waits(object) && !all.iter().any(dependents) {
            store.update(key, |object| object["metadata"]["finalizers"] = json!([]));
        }
    }
}
