//! `loop`: the agent improvement loop as one self-hosted program.
//!
//! Modules may use each other only along the arrows that `tests/arrows.rs` holds; the table
//! there is the map of the house.

mod commands;
mod config;
mod domain;
mod error;
mod forge;
mod harness;
mod http;
mod managed;
mod output;
mod retry;
mod runner;
mod sandbox;
mod secrets;
mod store;
mod supervise;
mod telemetry;
mod traces;
mod triage;

pub use commands::main;
