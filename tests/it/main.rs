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
mod bad_input;
mod faults;
mod faults_rig;
mod faults_world;
mod forge;
mod git_server;
mod github_server;
mod harnesses;
mod hostile;
mod lifecycle;
mod model_server;
mod readme;
mod rig;
mod support;
mod triage;
