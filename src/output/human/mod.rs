//! Renderings for people. Each is a function from values to lines; none of them decides anything.

pub mod artifacts;
pub mod automations;
pub mod card;
pub mod doctor;
pub mod issues;
pub mod plan;
pub mod providers;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod signal;
pub mod skills;
mod table;
pub mod tool;
pub mod traces;
pub mod transcript;
