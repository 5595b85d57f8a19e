//! Tests of the built program against real things: the engine, the harness programs, a scripted
//! model server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, tell what they skip, and read their own settings"
)]

mod acts;
mod arize;
mod arize_server;
mod automations;
mod bad_input;
mod evals;
mod faults;
mod faults_rig;
mod faults_world;
mod forge;
mod git_server;
mod github_server;
mod harnesses;
mod hostile;
mod init;
mod kube;
mod kube_server;
mod kubernetes;
mod lifecycle;
mod managed;
#[expect(dead_code, reason = "the module's own tests use more of it")]
mod managed_server;
mod model_server;
mod phoenix;
mod phoenix_rig;
mod places;
mod readme;
mod rig;
mod secrets;
mod signal;
mod skills;
mod ssh;
mod support;
mod telemetry;
mod traces;
mod triage;
mod urls;
