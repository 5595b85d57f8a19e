//! What a pod may reach, as a NetworkPolicy. Pure.
//!
//! Addresses only: a policy knows no host names. Nothing may connect to a worker, whatever it may
//! reach itself.

use super::names::{labels, name, selector};
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::net::IpAddr;

/// Networks that are not the internet (RFC 6890): private and shared ones, those of a host or a link,
/// where clouds answer for a machine's credentials, and those kept for examples, tests and groups.
const PRIVATE_V4: [&str; 13] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
];
const PRIVATE_V6: [&str; 3] = ["fc00::/7", "fe80::/10", "ff00::/8"];
/// Where nodes answer names for their own pods, in clusters that do so.
const NODE_DNS: &str = "169.254.20.10/32";

/// What is known when a policy is made.
pub(super) struct Reach<'a> {
    /// Whether there is a way out at all.
    pub out: bool,
    /// Networks besides the internet.
    pub egress: &'a [String],
    /// Where the cluster's API answers: for no worker.
    pub api: &'a [IpAddr],
}

pub(super) fn policy(session: &str, store: &str, reach: &Reach) -> NetworkPolicy {
    let own = selector(session);
    let (key, value) = own.split_once('=').unwrap_or_default();
    NetworkPolicy {
        metadata: ObjectMeta {
            name: Some(name(session)),
            labels: Some(labels(session, store)),
            ..ObjectMeta::default()
        },
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some([(key.to_owned(), value.to_owned())].into()),
                ..LabelSelector::default()
            }),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ingress: None,
            egress: reach.out.then(|| vec![names_rule(), out_rule(reach)]),
        }),
    }
}

/// The cluster's own name service.
fn names_rule() -> NetworkPolicyEgressRule {
    let system = LabelSelector {
        match_labels: Some(
            [("kubernetes.io/metadata.name".to_owned(), "kube-system".to_owned())].into(),
        ),
        ..LabelSelector::default()
    };
    let port = |protocol: &str| NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(53)),
        end_port: None,
    };
    NetworkPolicyEgressRule {
        to: Some(vec![
            NetworkPolicyPeer { namespace_selector: Some(system), ..NetworkPolicyPeer::default() },
            network(NODE_DNS, Vec::new()),
        ]),
        ports: Some(vec![port("UDP"), port("TCP")]),
    }
}

fn out_rule(reach: &Reach) -> NetworkPolicyEgressRule {
    let api = |v4: bool| {
        let bits = if v4 { 32 } else { 128 };
        let of_kind = reach.api.iter().filter(move |address| address.is_ipv4() == v4);
        of_kind.map(move |address| format!("{address}/{bits}"))
    };
    let except = |private: &[&str], v4: bool| {
        let private = private.iter().map(|network| (*network).to_owned());
        private.chain(api(v4)).collect::<Vec<_>>()
    };
    let internet = [
        network("0.0.0.0/0", except(&PRIVATE_V4, true)),
        network("::/0", except(&PRIVATE_V6, false)),
    ];
    let more = reach.egress.iter().map(|cidr| network(cidr, Vec::new()));
    NetworkPolicyEgressRule { to: Some(internet.into_iter().chain(more).collect()), ports: None }
}

fn network(cidr: &str, except: Vec<String>) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        ip_block: Some(IPBlock {
            cidr: cidr.to_owned(),
            except: Some(except).filter(|except| !except.is_empty()),
        }),
        ..NetworkPolicyPeer::default()
    }
}
