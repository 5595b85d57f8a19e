//! What things are called in a cluster, and where they are in a pod.

use kube::api::ObjectMeta;
use std::collections::BTreeMap;

pub(super) const SESSION_LABEL: &str = "loop.session";
pub(super) const STORE_LABEL: &str = "loop.store";
const MANAGER_LABEL: &str = "app.kubernetes.io/managed-by";
const MANAGER: &str = "loop";
/// On a Job: the pod that was handed its first turn. A cluster may put another one in its place.
pub(super) const POD_ANNOTATION: &str = "loop.pod";

pub(super) const SUPERVISOR: &str = "supervisor";
pub(super) const WORKER: &str = "worker";
pub(super) const KEEPER: &str = "keeper";

/// The supervisor's user; the worker's is [`crate::domain::places::WORKER_ID`].
pub(super) const SUPERVISOR_ID: u32 = 10_000;

/// The supervisor's state, below the volume's own folder, which belongs to root.
pub(super) const STATE: &str = "/loop/run/state";
/// Made once everything that was to be put in is there.
pub(super) const FILLED: &str = "/loop/run/filled";
/// Made when the first turn comes: the supervisor begins.
pub(super) const GO: &str = "/loop/run/go";
/// What the worker's processes used.
pub(super) const USED: &str = "/loop/run/used";
/// Where the worker's container listens.
pub(super) const HANDS: &str = "/loop/hands/sock";

/// Lower-case letters, digits and hyphens, at most 63 of them.
pub(super) fn name(session: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = session.chars().map(plain).take(50).collect();
    format!("loop-{}", name.trim_matches('-'))
}

pub(super) fn reader(session: &str) -> String {
    format!("{}-reader", name(session))
}

pub(super) fn labels(session: &str, store: &str) -> BTreeMap<String, String> {
    [(SESSION_LABEL, session), (STORE_LABEL, store), (MANAGER_LABEL, MANAGER)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

pub(super) fn selector(session: &str) -> String {
    format!("{SESSION_LABEL}={session}")
}

pub(super) fn label<'m>(about: &'m ObjectMeta, key: &str) -> &'m str {
    about.labels.as_ref().and_then(|labels| labels.get(key)).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_a_cluster_takes() {
        assert_eq!(name("7f3a9c21-5c"), "loop-7f3a9c21-5c");
        assert_eq!(name("A_b."), "loop-a-b");
        assert!(reader(&"x".repeat(100)).len() <= 63);
    }
}
