//! Where things are in every sandbox, whoever makes it.

/// This program, and `traces` beside it: the same file by another name. Read-only.
pub const PROGRAM: &str = "/loop/bin/loop";
pub const TRACES: &str = "/loop/bin/traces";
/// The supervisor's state; never on a tmpfs, since a stopped sandbox must still have it.
pub const RUN: &str = "/loop/run";
/// Harness programs that are put in. Read-only.
pub const HARNESS: &str = "/loop/harness";
/// A certificate bundle of the user's. Read-only.
pub const CA_BUNDLE: &str = "/loop/etc/ca.pem";
pub const HOME: &str = "/home/worker";
/// The repository, or an empty folder: the harness's working directory.
pub const WORKSPACE: &str = "/workspace";
/// The evidence. Read-only.
pub const SNAPSHOT: &str = "/traces/snapshot.db";
/// The repository as a bundle, of which the clone in the workspace is made. Read-only.
pub const REPOSITORY: &str = "/loop/repository/base.bundle";
/// What the worker leaves for people.
pub const ARTIFACTS: &str = "/artifacts";
/// The user that harnesses run as, where the supervisor may change it.
pub const WORKER_ID: u32 = 1000;
