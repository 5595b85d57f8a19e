//! The controller that puts network policies in force, as a cluster's network does: some time after
//! the pod has started, or never. Its rules are real, in the network of the pod.

use super::World;
use super::kinds::{Kind, Selector};
use super::store::{Key, Store};
use serde_json::Value;
use std::process::Stdio;
use std::sync::Arc;

/// Keeps a pod's rules until it is gone.
pub fn follow(world: Arc<World>, key: Key, pod: Value, pause: String) {
    tokio::spawn(async move {
        let Some(delay) = super::lock(&world.faults).enforced else { return };
        tokio::time::sleep(delay).await;
        let mut last = String::new();
        let mut changes = world.changed.subscribe();
        loop {
            let there = |store: &Store| store.get(&key).is_some();
            let (there, rules) = {
                let store = super::lock(&world.store);
                (there(&store), rules(&store, &pod))
            };
            if !there {
                return;
            }
            if rules != last {
                let (script, target) = (rules.clone(), pause.clone());
                let done = tokio::task::spawn_blocking(move || apply(&target, &script)).await;
                // One that is ending may be without its network by now.
                let ends = |pod: &Value| {
                    let over = ["Failed", "Succeeded"].map(|phase| pod["status"]["phase"] == phase);
                    over.contains(&true) || !pod["metadata"]["deletionTimestamp"].is_null()
                };
                let gone = super::lock(&world.store).get(&key).is_none_or(ends);
                if let Err(why) = done.expect("it ends") {
                    if !gone {
                        world.unknown(format!("network rules: {why}"));
                    }
                    return;
                }
                last = rules;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    });
}

/// In the pod's network, with the machine's own program.
fn apply(pause: &str, rules: &str) -> Result<(), String> {
    let words = [
        "run",
        "--rm",
        "-i",
        "--user",
        "0",
        "--cap-add",
        "NET_ADMIN",
        "--cap-add",
        "NET_RAW",
        "--network",
    ];
    let mut child = std::process::Command::new("docker")
        .args(words)
        .arg(format!("container:{pause}"))
        .args(["-v", "/:/machine:ro", "--entrypoint", "chroot", super::engine::PAUSE_IMAGE])
        .args(["/machine", "iptables-restore"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut input = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut input, rules.as_bytes()).map_err(|error| error.to_string())?;
    drop(input);
    let done = child.wait_with_output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    if done.status.success() { Ok(()) } else { Err(told) }
}

/// What may pass, in the words of `iptables-restore`.
fn rules(store: &Store, pod: &Value) -> String {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let mut rules = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n".to_owned();
    let (mut chains, mut lines) = (Vec::new(), Vec::new());
    for (kind, chain, way) in [("Ingress", "INPUT", "i"), ("Egress", "OUTPUT", "o")] {
        let all = store.list("networkpolicies", Some(namespace));
        let about = |policy: &&Value| {
            let is_meant = match policy["spec"]["policyTypes"].as_array() {
                Some(types) => types.iter().any(|one| one == kind),
                None => kind == "Ingress" || !policy["spec"]["egress"].is_null(),
            };
            is_meant && selects(&policy["spec"]["podSelector"], pod)
        };
        let policies: Vec<&Value> = all.iter().map(|(_, policy)| policy).filter(about).collect();
        if policies.is_empty() {
            continue;
        }
        lines.push(format!("-A {chain} -{way} lo -j ACCEPT"));
        lines.push(format!("-A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"));
        for policy in policies {
            let allowed = &policy["spec"][kind.to_lowercase()];
            for rule in allowed.as_array().into_iter().flatten() {
                let (list, flag) = if kind == "Egress" { ("to", "-d") } else { ("from", "-s") };
                for peer in peers(store, namespace, &rule[list]) {
                    let name = format!("P{}", chains.len());
                    lines.extend(
                        ports(&rule["ports"])
                            .iter()
                            .map(|ports| format!("-A {chain} {flag} {}{ports} -j {name}", peer.0)),
                    );
                    chains.push(name.clone());
                    for except in &peer.1 {
                        lines.push(format!("-A {name} {flag} {except} -j RETURN"));
                    }
                    lines.push(format!("-A {name} -j ACCEPT"));
                }
            }
        }
        lines.push(format!("-A {chain} -j DROP"));
    }
    rules.extend(chains.iter().map(|chain| format!(":{chain} -\n")));
    rules.extend(lines.iter().map(|line| format!("{line}\n")));
    rules + "COMMIT\n"
}

/// Addresses, each with those that are left out.
fn peers(store: &Store, own: &str, peers: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let Some(peers) = peers.as_array().filter(|peers| !peers.is_empty()) else {
        return vec![("0.0.0.0/0".to_owned(), Vec::new())];
    };
    let mut found = Vec::new();
    for peer in peers {
        let block = &peer["ipBlock"];
        if !block.is_null() {
            let cidr = text(&block["cidr"]);
            // The network of the tests has addresses of the fourth version only.
            if !cidr.contains(':') {
                let except = block["except"].as_array().into_iter().flatten().map(text).collect();
                found.push((cidr, except));
            }
            continue;
        }
        for (key, pod) in store.list("pods", None) {
            let place = Key::new(Kind::of("namespaces"), "", &key.namespace);
            let place = store.get(&place).cloned().unwrap_or_default();
            let there = match &peer["namespaceSelector"] {
                Value::Null => key.namespace == own,
                selector => selects(selector, &place),
            };
            let is_one = peer["podSelector"].is_null() || selects(&peer["podSelector"], &pod);
            let address = text(&pod["status"]["podIP"]);
            if there && is_one && !address.is_empty() {
                found.push((format!("{address}/32"), Vec::new()));
            }
        }
    }
    found
}

fn ports(ports: &Value) -> Vec<String> {
    let Some(ports) = ports.as_array().filter(|ports| !ports.is_empty()) else {
        return vec![String::new()];
    };
    let one = |port: &Value| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP").to_lowercase();
        let mut rule = format!(" -p {protocol}");
        if let Some(first) = port["port"].as_u64() {
            let last = port["endPort"].as_u64().unwrap_or(first);
            rule += &format!(" --dport {first}:{last}");
        }
        rule
    };
    ports.iter().map(one).collect()
}

fn selects(selector: &Value, object: &Value) -> bool {
    let mut words = Vec::new();
    for (name, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        words.push(format!("{name}={}", value.as_str().unwrap_or_default()));
    }
    for one in selector["matchExpressions"].as_array().into_iter().flatten() {
        let name = one["key"].as_str().unwrap_or_default();
        let values: Vec<&str> =
            one["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let values = values.join(",");
        words.push(match one["operator"].as_str() {
            Some("In") => format!("{name} in ({values})"),
            Some("NotIn") => format!("{name} notin ({values})"),
            Some("DoesNotExist") => format!("!{name}"),
            _ => name.to_owned(),
        });
    }
    Selector::new(&words.join(","), "").is_ok_and(|selector| selector.matches(object))
}
