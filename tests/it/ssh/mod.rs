//! Sandboxes on another machine: a real OpenSSH server on this one, with a home of its own.

mod cuts;
mod engines;
pub mod far;
mod keys;
mod sessions;
