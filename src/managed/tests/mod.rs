//! Sessions against a scripted vendor.

#[path = "../../../tests/it/managed_server/mod.rs"]
mod managed_server;

mod cursor;
mod life;
mod reader;
mod rig;
mod trouble;
