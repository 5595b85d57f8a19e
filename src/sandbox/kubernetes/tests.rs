//! The manifests, whole.

use super::manifest::{Plan, claim, job, reading};
use super::policy::{Reach, policy};
use super::settings::Settings;
use super::{SandboxSpec, access};
use crate::domain::options::{OptionValue, Options};
use crate::domain::preset::Image;
use crate::domain::turn::{BootSpec, TurnSpec};
use serde::Serialize;
use std::path::Path;

const SESSION: &str = "7f3a9c21-5c";
const STORE: &str = "0c6e1b9a-3f7a-4f43-9a55-0c6e1b9a3f7a";

fn options(all: &[(&str, OptionValue)]) -> Settings {
    let mut options = Options::default();
    for (name, value) in all {
        options.set(name, value.clone());
    }
    Settings::of(&options).unwrap()
}

fn everything() -> Settings {
    let text = |text: &str| OptionValue::Text(text.to_owned());
    let texts = |text: &str| OptionValue::Texts(vec![text.to_owned()]);
    let pool = [("pool".to_owned(), "agents".to_owned())].into();
    options(&[
        ("runtime_class", text("gvisor")),
        ("service_account", text("workers")),
        ("node_selector", OptionValue::Table(pool)),
        ("tolerations", texts("pool=agents:NoSchedule")),
        ("image_pull_secrets", texts("registry")),
        ("egress", texts("10.20.0.0/16")),
        ("spool", text("pvc")),
        ("storage_class", text("fast")),
        ("deadline", text("2h")),
        ("grace", text("30m")),
    ])
}

/// With a secret in its first turn, which must be nowhere.
fn spec(full: bool) -> SandboxSpec<'static> {
    let there = |path: &'static str| full.then(|| Path::new(path));
    let env = [("KEY".to_owned(), "hunter2".to_owned())].into();
    let first = TurnSpec { turn: 1, env, stdin: "the prompt".to_owned(), ..TurnSpec::default() };
    SandboxSpec {
        session: SESSION,
        image: &Image::Auto,
        base_image: "",
        bare: !full,
        program: there("/programs/agent"),
        snapshot: Some(Path::new("/data/snapshot.db")),
        repository: there("/data/base.bundle"),
        ca_bundle: there("/etc/ca.pem"),
        network: full,
        cpus: full.then_some(1.5),
        memory_bytes: full.then_some(2 << 30),
        boot: BootSpec { idle_ms: 900_000, first: Some(first), ..BootSpec::default() },
    }
}

fn check(name: &str, manifest: &impl Serialize) {
    let text = serde_json::to_string_pretty(manifest).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("the prompt"), "{name}");
    insta::assert_snapshot!(name, text);
}

#[test]
fn jobs() {
    for (name, full, settings) in
        [("job_least", false, options(&[])), ("job_full", true, everything())]
    {
        let spec = spec(full);
        let plan = Plan { spec: &spec, store: STORE, image: "team/worker:1", settings: &settings };
        check(name, &job(&plan));
    }
}

#[test]
fn policies() {
    let api = ["203.0.113.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
    let none = Reach { out: false, egress: &[], api: &api };
    check("policy_none", &policy(SESSION, STORE, &none));
    let open = Reach { out: true, egress: &["10.20.0.0/16".to_owned()], api: &api };
    check("policy_open", &policy(SESSION, STORE, &open));
}

#[test]
fn what_outlives_a_pod() {
    assert!(claim(SESSION, STORE, &options(&[])).is_none());
    check("claim", &claim(SESSION, STORE, &everything()).unwrap());
    check("reader", &reading(SESSION, STORE, "team/worker:1", &everything()));
}

#[test]
fn what_is_granted() {
    insta::assert_snapshot!("access", access::manifest("agents"));
}
