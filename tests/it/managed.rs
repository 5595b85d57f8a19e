//! Managed sessions: the vendor's own client against the scripted server, and the program against it.

use crate::managed_server::script::{Act, answers, call, idle, says};
use crate::managed_server::{KEY, Vendor};
use crate::support::cache;
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;

/// The vendor's own client, where it is there.
fn python() -> Option<PathBuf> {
    Some(cache().join("anthropic/bin/python")).filter(|python| python.exists())
}

/// The vendor's own client gets along with the scripted server, so that the server is right by a
/// measure that is not ours.
#[test]
fn the_vendors_client_drives_the_scripted_server() {
    let Some(python) = python() else {
        crate::skip!("the vendor's client is not there; tests/rig/anthropic-sdk.sh makes it");
    };
    let vendor = Vendor::start();
    vendor.script([
        vec![
            says("I look."),
            Act::Ask(vec![call("bash", json!({ "command": "rm -rf /" }), "ask")]),
            Act::Output { name: "report.md", bytes: b"# Report\n".to_vec(), late_ms: 0 },
            Act::Used(10, 5, 2),
            idle("end_turn"),
        ],
        [vec![Act::WaitForInterrupt], answers("never")].concat(),
    ]);
    let done = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/managed_sdk.py"))
        .arg(vendor.url())
        .env_clear()
        .env("T", KEY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "well", "{said}");
}
