//! Objects, their versions, and what became of them: the part that is a database.

use super::kinds::{Kind, Selector};
use super::refusal::Refusal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The name of an object among all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub plural: &'static str,
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(kind: &Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.namespaced { namespace } else { "" };
        Self { plural: kind.plural, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub fn kind(&self) -> &'static Kind {
        Kind::of(self.plural)
    }
}

/// Something that happened to an object.
#[derive(Debug, Clone)]
pub struct Change {
    pub version: u64,
    pub key: Key,
    pub verb: &'static str,
    pub object: Value,
    pub before: Option<Value>,
}

#[derive(Default)]
pub struct Store {
    objects: BTreeMap<Key, Value>,
    pub version: u64,
    changes: Vec<Change>,
    /// Changes up to this one are forgotten.
    pub oldest: u64,
}

impl Store {
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    pub fn found(&self, key: &Key) -> Result<Value, Refusal> {
        let kind = key.kind();
        self.get(key).cloned().ok_or(Refusal::not_found(kind.group, kind.plural, &key.name))
    }

    /// All of a kind, of one namespace or of all.
    pub fn list(&self, plural: &str, namespace: Option<&str>) -> Vec<(Key, Value)> {
        let is_one = |key: &Key| {
            key.plural == plural && namespace.is_none_or(|namespace| key.namespace == namespace)
        };
        let found = self.objects.iter().filter(|(key, _)| is_one(key));
        found.map(|(key, object)| (key.clone(), object.clone())).collect()
    }

    pub fn all(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.iter()
    }

    /// Adds an object, under the name that it has or that is made for it.
    pub fn create(&mut self, kind: &Kind, namespace: &str, mut object: Value) -> Value {
        let meta = object["metadata"].as_object_mut().expect("it has metadata");
        let uid = || json!(uuid::Uuid::new_v4().to_string());
        meta.entry("uid").or_insert_with(uid);
        meta.insert("creationTimestamp".to_owned(), json!(now()));
        if kind.namespaced {
            meta.insert("namespace".to_owned(), json!(namespace));
        }
        let name = meta["name"].as_str().expect("it has a name").to_owned();
        self.put(Key::new(kind, namespace, &name), object)
    }

    /// Changes an object. What is nowhere is not changed.
    pub fn update(&mut self, key: &Key, change: impl FnOnce(&mut Value)) -> Option<Value> {
        let mut object = self.get(key)?.clone();
        let before = object.clone();
        change(&mut object);
        if object == before {
            return Some(object);
        }
        let meta = &object["metadata"];
        let waits = meta["finalizers"].as_array().is_some_and(|all| !all.is_empty());
        if !meta["deletionTimestamp"].is_null() && !waits && key.plural != "pods" {
            self.remove(key);
            return Some(object);
        }
        Some(self.put(key.clone(), object))
    }

    fn put(&mut self, key: Key, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let before = self.objects.insert(key.clone(), object.clone());
        let verb = if before.is_some() { "MODIFIED" } else { "ADDED" };
        let told = object.clone();
        self.changes.push(Change { version: self.version, key, verb, object, before });
        told
    }

    pub fn remove(&mut self, key: &Key) -> Option<Value> {
        let before = self.objects.remove(key)?;
        self.version += 1;
        let mut object = before.clone();
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.changes.push(Change {
            version: self.version,
            key: key.clone(),
            verb: "DELETED",
            object: object.clone(),
            before: Some(before),
        });
        Some(object)
    }

    /// Forgets what became of things, as a server does after some minutes.
    pub fn compact(&mut self) {
        self.oldest = self.version;
        self.changes.clear();
    }

    /// What happened since a version to the objects that a watch is about.
    pub fn since(&self, version: u64, about: &About) -> Result<Vec<Value>, Refusal> {
        if version < self.oldest {
            return Err(Refusal::expired(version, self.oldest));
        }
        let later = self.changes.iter().filter(|change| change.version > version);
        Ok(later.filter_map(|change| about.event(change)).collect())
    }
}

/// What a list or a watch is about.
#[derive(Debug, Clone)]
pub struct About {
    pub kind: &'static Kind,
    pub namespace: Option<String>,
    pub selector: Selector,
}

impl About {
    /// A change as it is told: an object that leaves what is selected is gone.
    fn event(&self, change: &Change) -> Option<Value> {
        let other_place = self.namespace.as_ref().is_some_and(|one| *one != change.key.namespace);
        if change.key.plural != self.kind.plural || other_place {
            return None;
        }
        let was = change.before.as_ref().is_some_and(|before| self.selector.matches(before));
        let is = self.selector.matches(&change.object) && change.verb != "DELETED";
        let told = match (was, is) {
            (false, false) => return None,
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
        };
        Some(json!({"type": told, "object": typed(self.kind, change.object.clone())}))
    }
}

/// With what it is on it, as a single object has it.
pub fn typed(kind: &Kind, object: Value) -> Value {
    let mut typed = json!({"kind": kind.kind, "apiVersion": kind.api_version()});
    for (name, value) in object.as_object().cloned().unwrap_or_default() {
        typed[name] = value;
    }
    typed
}

/// The time in whole seconds, as objects have it.
pub fn now() -> String {
    later(0)
}

pub fn later(seconds: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The seconds from a time of an object's until now.
pub fn age(time: &Value) -> f64 {
    let Some(then) = time.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()) else {
        return 0.0;
    };
    jiff::Timestamp::now().duration_since(then).as_secs_f64()
}
