//! The kinds of objects that there are, discovery of them, and what a selector finds.

use super::refusal::Refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A kind of object, as the API names it.
#[derive(Debug)]
pub struct Kind {
    pub group: &'static str,
    pub plural: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
    /// Whether it is only ever posted, and answered.
    pub asked: bool,
    check: fn(&Value) -> Result<Value, serde_json::Error>,
}

const fn kind<T: Serialize + DeserializeOwned>(
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
) -> Kind {
    let check = |body: &Value| serde_json::to_value(T::deserialize(body)?);
    Kind { group, plural, kind, namespaced: true, asked: false, check }
}

const fn of_the_cluster(kind: Kind) -> Kind {
    Kind { namespaced: false, ..kind }
}

const fn asked(kind: Kind) -> Kind {
    Kind { namespaced: false, asked: true, ..kind }
}

use k8s_openapi::api::authorization::v1 as authorization;
use k8s_openapi::api::batch::v1 as batch;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::rbac::v1 as rbac;

const AUTHORIZATION: &str = "authorization.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";

pub const KINDS: [Kind; 16] = [
    of_the_cluster(kind::<core::Namespace>("", "namespaces", "Namespace")),
    of_the_cluster(kind::<core::Node>("", "nodes", "Node")),
    kind::<core::Pod>("", "pods", "Pod"),
    kind::<core::Secret>("", "secrets", "Secret"),
    kind::<core::ConfigMap>("", "configmaps", "ConfigMap"),
    kind::<core::ServiceAccount>("", "serviceaccounts", "ServiceAccount"),
    kind::<core::PersistentVolumeClaim>("", "persistentvolumeclaims", "PersistentVolumeClaim"),
    kind::<core::Event>("", "events", "Event"),
    kind::<core::ResourceQuota>("", "resourcequotas", "ResourceQuota"),
    kind::<batch::Job>("batch", "jobs", "Job"),
    kind::<batch::CronJob>("batch", "cronjobs", "CronJob"),
    kind::<NetworkPolicy>("networking.k8s.io", "networkpolicies", "NetworkPolicy"),
    of_the_cluster(kind::<RuntimeClass>("node.k8s.io", "runtimeclasses", "RuntimeClass")),
    kind::<rbac::Role>(RBAC, "roles", "Role"),
    asked(kind::<authorization::SelfSubjectAccessReview>(
        AUTHORIZATION,
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
    )),
    asked(kind::<authorization::SelfSubjectRulesReview>(
        AUTHORIZATION,
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
    )),
];

impl Kind {
    pub fn of(plural: &str) -> &'static Self {
        KINDS.iter().find(|kind| kind.plural == plural).expect("a kind of the table")
    }

    pub fn find(group: &str, plural: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.group == group && kind.plural == plural)
    }

    pub fn api_version(&self) -> String {
        if self.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", self.group) }
    }

    /// As messages name it, for example `jobs.batch`.
    pub fn resource(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// Whether a body is of this kind. An `Err` in an `Ok` is the field that the API does not have:
    /// the real server forgets it, which is never what was meant.
    pub fn check(&self, body: &Value) -> Result<Result<(), String>, Refusal> {
        let kind = body["kind"].as_str().unwrap_or_default();
        let version = body["apiVersion"].as_str().unwrap_or_default();
        if kind != self.kind || version != self.api_version() {
            let (own, group) = (self.kind, if self.group.is_empty() { "core" } else { self.group });
            let version = version.rsplit('/').next().unwrap_or_default();
            let told = format!(
                r#"{kind} in version "{version}" cannot be handled as a {own}: converting ({version}.{kind}) to ({group}.{own}): unknown conversion"#
            );
            return Err(Refusal::bad_request(&told));
        }
        let known = (self.check)(body).map_err(|error| {
            let kind = self.kind;
            let told = format!(r#"{kind} in version "v1" cannot be handled as a {kind}: {error}"#);
            Refusal::bad_request(&told)
        })?;
        Ok(lost(body, &known, ""))
    }
}

/// The first field that is in one and not in the other.
fn lost(given: &Value, known: &Value, path: &str) -> Result<(), String> {
    match given {
        Value::Object(fields) => {
            let empty = |value: &Value| {
                value.is_null()
                    || value.as_object().is_some_and(serde_json::Map::is_empty)
                    || value.as_array().is_some_and(Vec::is_empty)
            };
            for (name, value) in fields.iter().filter(|(_, value)| !empty(value)) {
                let path = format!("{path}.{name}");
                let known = known.get(name).ok_or(format!("no field `{path}`"))?;
                lost(value, known, &path)?;
            }
            Ok(())
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| lost(item, &known[at], &format!("{path}[{at}]"))),
        _ => Ok(()),
    }
}

/// What `/api`, `/apis` and below answer.
pub fn discovery(path: &str) -> Option<Value> {
    let groups = || {
        let mut groups: Vec<&str> = KINDS.iter().map(|kind| kind.group).collect();
        groups.retain(|group| !group.is_empty());
        groups.sort_unstable();
        groups.dedup();
        groups
    };
    match path {
        "/api" => Some(json!({"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": []})),
        "/apis" => {
            let group = |name: &&str| {
                let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
                json!({"name": name, "versions": [version], "preferredVersion": version})
            };
            let groups: Vec<Value> = groups().iter().map(group).collect();
            Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        }
        "/api/v1" => Some(resources("", "v1")),
        _ => {
            let group = path.strip_prefix("/apis/")?.strip_suffix("/v1")?;
            groups().contains(&group).then(|| resources(group, &format!("{group}/v1")))
        }
    }
}

fn resources(group: &str, version: &str) -> Value {
    let all = ["create", "delete", "get", "list", "patch", "update", "watch"];
    let mut resources = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group) {
        let verbs = if kind.asked { &all[..1] } else { &all[..] };
        resources.push(json!({"name": kind.plural, "singularName": "", "kind": kind.kind,
            "namespaced": kind.namespaced, "verbs": verbs}));
        let below: &[(&str, &str, &[&str])] = match kind.plural {
            "pods" => &[("exec", "PodExecOptions", &["create", "get"]), ("log", "Pod", &["get"])],
            "jobs" => &[("status", "Job", &["get"])],
            _ => &[],
        };
        for (name, shown, verbs) in below {
            resources.push(json!({"name": format!("{}/{name}", kind.plural), "singularName": "",
                "kind": shown, "namespaced": true, "verbs": verbs}));
        }
    }
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version,
        "resources": resources})
}

/// What a list is narrowed by.
#[derive(Debug, Default, Clone)]
pub struct Selector {
    labels: Vec<(String, Test)>,
    fields: Vec<(String, Test)>,
}

#[derive(Debug, Clone)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    There,
    Missing,
}

/// Fields that some kind may be selected by.
const FIELDS: [&str; 12] = [
    "metadata.name",
    "metadata.namespace",
    "status.phase",
    "spec.nodeName",
    "status.successful",
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.fieldPath",
    "reason",
    "type",
];

impl Selector {
    pub fn new(labels: &str, fields: &str) -> Result<Self, Refusal> {
        let labels = requirements(labels).into_iter().map(|one| requirement(&one)).collect();
        let fields: Vec<(String, Test)> =
            requirements(fields).into_iter().map(|one| requirement(&one)).collect();
        match fields.iter().find(|(field, _)| !FIELDS.contains(&&**field)) {
            Some((field, _)) => {
                Err(Refusal::bad_request(&format!("field label not supported: {field}")))
            }
            None => Ok(Self { labels, fields }),
        }
    }

    pub fn matches(&self, object: &Value) -> bool {
        let label = |name: &str| object["metadata"]["labels"].get(name).and_then(Value::as_str);
        let field = |path: &str| {
            let found = path.split('.').fold(object, |value, part| &value[part]);
            Some(found.as_str().unwrap_or_default())
        };
        self.labels.iter().all(|(name, test)| test.holds(label(name)))
            && self.fields.iter().all(|(path, test)| test.holds(field(path)))
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Self::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Self::NotIn(values) => {
                !value.is_some_and(|value| values.iter().any(|one| one == value))
            }
            Self::There => value.is_some(),
            Self::Missing => value.is_none(),
        }
    }
}

/// Commas part requirements, but for those in brackets.
fn requirements(text: &str) -> Vec<String> {
    let (mut all, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match c {
            ',' if depth == 0 => all.push(String::new()),
            c => all.last_mut().expect("one").push(c),
        }
    }
    all.retain(|one| !one.trim().is_empty());
    all
}

fn requirement(text: &str) -> (String, Test) {
    let set = |list: &str| {
        let list = list.trim().trim_start_matches('(').trim_end_matches(')');
        list.split(',').map(|value| value.trim().to_owned()).collect()
    };
    let text = text.trim();
    if let Some((name, list)) = text.split_once(" notin ") {
        return (name.trim().to_owned(), Test::NotIn(set(list)));
    }
    if let Some((name, list)) = text.split_once(" in ") {
        return (name.trim().to_owned(), Test::In(set(list)));
    }
    if let Some((name, value)) = text.split_once("!=") {
        return (name.trim().to_owned(), Test::NotIn(vec![value.trim().to_owned()]));
    }
    if let Some((name, value)) = text.split_once('=') {
        let value = value.trim_start_matches('=').trim();
        return (name.trim().to_owned(), Test::In(vec![value.to_owned()]));
    }
    match text.strip_prefix('!') {
        Some(name) => (name.to_owned(), Test::Missing),
        None => (text.to_owned(), Test::There),
    }
}
