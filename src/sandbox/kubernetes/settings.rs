//! What a preset may say about the cluster, as values.

use super::standin::Options;
use crate::domain::measure;
use crate::error::{Failure, Kind, Result};
use k8s_openapi::api::core::v1::Toleration;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

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
        let one_of = |name: &str, word: &str| match options.text(name) {
            None => Ok(false),
            Some(text) if text == word => Ok(true),
            Some(text) => Err(wrong(name, text, &format!("it can only be `{word}`"))),
        };
        let tolerations = options.texts("tolerations").iter();
        let egress = options.texts("egress");
        if let Some(bad) = egress.iter().find(|cidr| !is_network(cidr)) {
            return Err(wrong("egress", bad, "a network is written as `10.1.0.0/16`"));
        }
        let spool = one_of("spool", "pvc")?.then(|| Spool {
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
            node_selector: options.table("node_selector").cloned().unwrap_or_default(),
            tolerations: tolerations.map(|text| toleration(text)).collect::<Result<_>>()?,
            image_pull_secrets: options.texts("image_pull_secrets").to_vec(),
            spool,
            egress: egress.to_vec(),
            unenforced: one_of("network_policy", "unenforced")?,
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
    use super::super::standin::OptionValue;
    use super::*;

    fn check(name: &str, value: OptionValue) -> Result<Settings> {
        Settings::of(&Options([(name.to_owned(), value)].into()))
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
        assert!(check("spool", text("nfs")).is_err());
        assert!(check("network_policy", text("unenforced")).unwrap().unenforced);
        assert_eq!(check("deadline", text("2h")).unwrap().deadline, Duration::from_hours(2));
        assert!(check("deadline", text("soon")).is_err());
    }
}
