//! The nouns and rules of the program.
//!
//! Values only: nothing here reads a file, a clock, the environment or the network, and nothing is
//! async. Whatever decides something (a phase, an outcome, what to keep) does it here, as a function
//! of values, so that it can be tested without the outside.

pub mod artifact;
pub mod automation;
pub mod credential;
pub mod digest;
pub mod issue;
pub mod journal;
pub mod limits;
pub mod lines;
pub mod measure;
pub mod options;
pub mod places;
pub mod plan;
pub mod preset;
pub mod price;
pub mod provider;
pub mod refname;
pub mod schedule;
pub mod session;
pub mod signal;
pub mod transcript;
pub mod turn;
pub mod words;
