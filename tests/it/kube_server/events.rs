//! Events: what components tell of objects.

use super::World;
use super::kinds::Kind;
use super::store::{Key, now};
use serde_json::{Value, json};

pub const SCHEDULER: &str = "default-scheduler";

/// Something that a component tells of an object.
#[derive(Debug, Clone)]
pub struct Told {
    component: &'static str,
    kind: &'static str,
    reason: String,
    message: String,
    container: Option<String>,
}

impl Told {
    fn new(kind: &'static str, component: &'static str, reason: &str, message: &str) -> Self {
        let (reason, message) = (reason.to_owned(), message.to_owned());
        Self { component, kind, reason, message, container: None }
    }

    pub fn normal(component: &'static str, reason: &str, message: &str) -> Self {
        Self::new("Normal", component, reason, message)
    }

    pub fn warning(component: &'static str, reason: &str, message: &str) -> Self {
        Self::new("Warning", component, reason, message)
    }

    /// Of one of a pod's containers.
    pub fn of(self, container: &str) -> Self {
        Self { container: Some(container.to_owned()), ..self }
    }
}

impl World {
    /// Tells of an object; the same again counts up.
    pub fn tell(&self, key: &Key, told: &Told) {
        self.change(|store| {
            let Some(object) = store.get(key).cloned() else { return };
            let uid = &object["metadata"]["uid"];
            let same = |event: &Value| {
                event["involvedObject"]["uid"] == *uid
                    && event["reason"] == *told.reason
                    && event["message"] == *told.message
            };
            let all = store.list("events", Some(&key.namespace));
            if let Some((key, _)) = all.into_iter().find(|(_, event)| same(event)) {
                store.update(&key, |event| {
                    event["count"] = json!(event["count"].as_u64().unwrap_or(1) + 1);
                    event["lastTimestamp"] = json!(now());
                });
                return;
            }
            let kind = key.kind();
            let mut about = json!({"kind": kind.kind, "namespace": key.namespace, "name": key.name,
                "uid": uid, "apiVersion": kind.api_version(),
                "resourceVersion": object["metadata"]["resourceVersion"]});
            if let Some(container) = &told.container {
                about["fieldPath"] = json!(format!("spec.containers{{{container}}}"));
            }
            let name = format!("{}.{:x}", key.name, store.version);
            let mut event = json!({"metadata": {"name": name}, "involvedObject": about,
                "reason": told.reason, "message": told.message, "type": told.kind,
                "source": {"component": told.component}, "count": 1,
                "firstTimestamp": now(), "lastTimestamp": now(), "eventTime": null,
                "reportingComponent": told.component, "reportingInstance": ""});
            if told.component == SCHEDULER {
                // It speaks the newer form, which has no count.
                (event["source"], event["count"]) = (json!({}), Value::Null);
            }
            store.create(Kind::of("events"), &key.namespace, event);
        });
    }
}
