//! What a preset may say about the cluster, as values.

use crate::domain::measure;
use crate::domain::options::{Opt, Options, Shape};
use crate::error::{Failure, Kind, Result};
use k8s_openapi::api::core::v1::Toleration;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const OPTIONS: &[Opt] = &[
    opt("context", Shape::Text, "the kubeconfig's context; its current one where none is named"),
    opt("kubeconfig", Shape::Path, "the file; else `KUBECONFIG`, `~/.kube/config` or a pod's own"),
    opt("namespace", Shape::Text, "where the pods are; else the context's"),
    opt("image", Shape::Text, "the image where the preset names none"),
    opt("image_pull_secrets", Shape::Texts, "secrets of the namespace that open a registry"),
    opt("runtime_class", Shape::Text, "a RuntimeClass, such as one of gVisor or Kata"),
    opt("service_account", Shape::Text, "whom the pod belongs to; it gets no token"),
    opt("node_selector", Shape::Table, "labels of the nodes that may be used"),
    opt("tolerations", Shape::Texts, "taints that do not matter: `key=value:NoSchedule`"),
    opt("egress", Shape::Texts, "networks besides the internet: `10.1.0.0/16`"),
    opt(
        "network_policy",
        Shape::Name(&["enforced", "unenforced"]),
        "whether a cluster that does not keep workers off its own network is refused",
    ),
    opt("spool", Shape::Name(&["pod", "pvc"]), "what keeps the journal: the pod, or a claim"),
    opt("spool_size", Shape::Text, "how large that claim is: `5Gi`"),
    opt("storage_class", Shape::Text, "and of which class"),
    opt("start_timeout", Shape::Text, "how long a pod may take to start: `5m`"),
    opt("deadline", Shape::Text, "how long a session may last in all: `12h`"),
    opt("grace", Shape::Text, "how long what a worker left waits to be collected: `1h`"),
];

const fn opt(name: &'static str, shape: Shape, help: &'static str) -> Opt {
    Opt { name, shape, required: false, help }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    pub namespace: Option<String>,
    /// Where the preset names no image.
    pub image: Option<String>,
    pub runtime_class: Option<String>,
    pub service_account: Option<String>,
    pub node_selector: BTreeMap<String, String>,
    pub tolerations: Vec<Toleration>,
    pub image_pull_secrets: Vec<String>,
    /// Where the journal is kept on a volume that outlives the pod.
    pub spool: Option<Spool>,
    /// Networks that workers may reach besides the internet.
    pub egress: Vec<String>,
    /// Whether a cluster that keeps to no NetworkPolicy was agreed to.
    pub unenforced: bool,
    /// How long a pod may take to start.
    pub start_timeout: Duration,
    /// How long a session may last in all.
    pub deadline: Duration,
    /// How long what an ended worker left is kept.
    pub grace: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spool {
    pub size: String,
    pub storage_class: Option<String>,
}

const START: Duration = Duration::from_mins(5);
const DEADLINE: Duration = Duration::from_hours(12);
const GRACE: Duration = Duration::from_hours(1);
const SPOOL: &str = "5Gi";

impl Settings {
    pub(super) fn of(options: &Options) -> Result<Self> {
        let text = |name: &str| options.text(name).map(str::to_owned);
        let time = |name: &str, usual: Duration| match options.text(name) {
            Some(text) => measure::duration(text).map_err(|why| wrong(name, text, &why)),
            None => Ok(usual),
        };
        let is = |name: &str, word: &str| options.text(name) == Some(word);
        let tolerations = options.texts("tolerations").iter();
        let egress = options.texts("egress");
        if let Some(bad) = egress.iter().find(|cidr| !is_network(cidr)) {
            return Err(wrong("egress", bad, "a network is written as `10.1.0.0/16`"));
        }
        let spool = is("spool", "pvc").then(|| Spool {
            size: text("spool_size").unwrap_or_else(|| SPOOL.to_owned()),
            storage_class: text("storage_class"),
        });
        Ok(Self {
            kubeconfig: options.text("kubeconfig").map(PathBuf::from),
            context: text("context"),
            namespace: text("namespace"),
            image: text("image"),
            runtime_class: text("runtime_class"),
            service_account: text("service_account"),
            node_selector: options.table("node_selector"),
            tolerations: tolerations.map(|text| toleration(text)).collect::<Result<_>>()?,
            image_pull_secrets: options.texts("image_pull_secrets").to_vec(),
            spool,
            egress: egress.to_vec(),
            unenforced: is("network_policy", "unenforced"),
            start_timeout: time("start_timeout", START)?,
            deadline: time("deadline", DEADLINE)?,
            grace: time("grace", GRACE)?,
        })
    }
}

fn wrong(name: &str, text: &str, why: &str) -> Failure {
    Failure::new(Kind::Config, format!("`{name}` of the sandbox cannot be `{text}`")).because(why)
}

fn is_network(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

/// `key=value:Effect`, `key:Effect` or `key`, as `kubectl taint` writes them.
fn toleration(text: &str) -> Result<Toleration> {
    let (pair, effect) = match text.rsplit_once(':') {
        Some((pair, effect)) => (pair, Some(effect)),
        None => (text, None),
    };
    let (key, value) = match pair.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (pair, None),
    };
    let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if key.is_empty() || effect.is_some_and(|effect| !known.contains(&effect)) {
        let why = "it is written as `key=value:NoSchedule`, as in a node's taint";
        return Err(wrong("tolerations", text, why));
    }
    Ok(Toleration {
        key: Some(key.to_owned()),
        operator: Some(if value.is_some() { "Equal" } else { "Exists" }.to_owned()),
        value: value.map(str::to_owned),
        effect: effect.map(str::to_owned),
        toleration_seconds: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::options::OptionValue;

    fn check(name: &str, value: OptionValue) -> Result<Settings> {
        let mut options = Options::default();
        options.set(name, value);
        Settings::of(&options)
    }

    fn texts(text: &str) -> OptionValue {
        OptionValue::Texts(vec![text.to_owned()])
    }

    #[test]
    fn tolerations_are_written_as_taints_are() {
        let read = |text: &str| check("tolerations", texts(text)).map(|all| all.tolerations);
        let one = &read("pool=agents:NoSchedule").unwrap()[0];
        assert_eq!(one.operator.as_deref(), Some("Equal"));
        assert_eq!((one.key.as_deref(), one.value.as_deref()), (Some("pool"), Some("agents")));
        assert_eq!(read("spot").unwrap()[0].operator.as_deref(), Some("Exists"));
        assert!(read("a=b:Never").is_err() && read(":NoSchedule").is_err());
    }

    #[test]
    fn networks_and_words_are_checked() {
        assert!(check("egress", texts("10.0.0.0/8")).is_ok());
        assert!(check("egress", texts("fd00::/8")).is_ok());
        for bad in ["10.0.0.0", "10.0.0.0/33", "internal.example/8"] {
            assert!(check("egress", texts(bad)).is_err(), "{bad}");
        }
        let text = |text: &str| OptionValue::Text(text.to_owned());
        assert!(check("spool", text("pvc")).unwrap().spool.is_some());
        assert!(check("network_policy", text("unenforced")).unwrap().unenforced);
        assert_eq!(check("deadline", text("2h")).unwrap().deadline, Duration::from_hours(2));
        assert!(check("deadline", text("soon")).is_err());
    }
}
