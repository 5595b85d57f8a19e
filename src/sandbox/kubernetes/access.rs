//! What this program needs to be allowed in a cluster, as the manifest that grants it and no more,
//! and as the questions whether it is.

use super::Kubernetes;
use super::cluster::Cluster;
use crate::error::Result;
use crate::sandbox::Fact;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

/// A group of the API, what of it, and what is done with that.
struct Right {
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
}

/// Opening an exec is a `create` to some servers, and over a WebSocket a `get` to others.
const RIGHTS: [Right; 6] = [
    Right {
        group: "batch",
        resource: "jobs",
        verbs: &["create", "get", "list", "patch", "delete"],
    },
    Right { group: "", resource: "pods", verbs: &["create", "get", "list", "delete"] },
    Right { group: "", resource: "pods/exec", verbs: &["create", "get"] },
    Right { group: "", resource: "events", verbs: &["list"] },
    Right {
        group: "networking.k8s.io",
        resource: "networkpolicies",
        verbs: &["create", "get", "list", "patch", "delete"],
    },
    Right {
        group: "",
        resource: "persistentvolumeclaims",
        verbs: &["create", "get", "list", "delete"],
    },
];

/// A namespace for workers, and who may run them there.
pub(super) fn manifest(namespace: &str) -> String {
    let rules: String = RIGHTS
        .iter()
        .map(|right| {
            let verbs: Vec<String> = right.verbs.iter().map(|verb| format!("\"{verb}\"")).collect();
            format!(
                "  - apiGroups: [\"{}\"]\n    resources: [\"{}\"]\n    verbs: [{}]\n",
                right.group,
                right.resource,
                verbs.join(", ")
            )
        })
        .collect();
    include_str!("access.yaml").replace("{{namespace}}", namespace).replace("{{rules}}\n", &rules)
}

/// What is not allowed, as `create jobs.batch`.
pub(super) fn missing(cluster: &Cluster) -> Result<Vec<String>> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let (mut missing, how) = (Vec::new(), PostParams::default());
    for right in &RIGHTS {
        for verb in right.verbs {
            let review = question(right, verb, &cluster.namespace);
            let doing = "ask the cluster what is allowed";
            let answer = cluster.call(doing, || reviews.create(&how, &review))?;
            if !answer.status.is_some_and(|status| status.allowed) {
                missing.push(shown(right, verb));
            }
        }
    }
    Ok(missing)
}

fn question(right: &Right, verb: &str, namespace: &str) -> SelfSubjectAccessReview {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, below)) => (resource, Some(below.to_owned())),
        None => (right.resource, None),
    };
    SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                namespace: Some(namespace.to_owned()),
                group: Some(right.group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource,
                verb: Some(verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            non_resource_attributes: None,
        },
        ..SelfSubjectAccessReview::default()
    }
}

fn shown(right: &Right, verb: &str) -> String {
    let dot = if right.group.is_empty() { "" } else { "." };
    format!("{verb} {}{dot}{}", right.resource, right.group)
}

/// What is known of the cluster, for `doctor`.
pub(super) fn facts(provider: &Kubernetes) -> Vec<Fact> {
    let fact = |what: &str, holds: bool, detail: String, mend: Option<&str>| Fact {
        what: what.to_owned(),
        holds,
        detail,
        mend: mend.map(str::to_owned),
    };
    let look = "kubectl cluster-info";
    let cluster = match provider.cluster() {
        Ok(cluster) => cluster,
        Err(failed) => return vec![fact("cluster", false, failed.to_string(), Some(look))],
    };
    let asked = cluster.once(cluster.client.apiserver_version());
    let version = match asked {
        Ok(version) => version.git_version,
        Err(error) => {
            let failed = cluster.failure("reach the cluster", &error).to_string();
            return vec![fact("cluster", false, failed, Some(look))];
        }
    };
    let (context, namespace) = (&cluster.context, &cluster.namespace);
    let detail = format!("{version}, context `{context}`, namespace `{namespace}`");
    let rights = match missing(cluster) {
        Ok(missing) if missing.is_empty() => {
            fact("rights", true, "everything that is needed is allowed".to_owned(), None)
        }
        Ok(missing) => {
            let detail = format!("not allowed: {}", missing.join(", "));
            fact("rights", false, detail, Some("loop doctor --kubernetes | kubectl apply -f -"))
        }
        Err(failed) => fact("rights", false, failed.to_string(), None),
    };
    vec![fact("cluster", true, detail, None), rights]
}
