//! Failure patterns of a snapshot: found, ranked, written up. No model, no clock, no guess.
//!
//! A [`find`] goes through the snapshot once, trace by trace. Every pattern of [`patterns`] looks at
//! each trace and tells what it hit; hits with the same key become a group of bounded size; at the
//! end a group becomes an [`Issue`] if its pattern finds that it stands. What must hold:
//!
//! - **Precision before recall.** A pattern tells only what the spans support. Where it judges
//!   behaviour and not a status, it compares with traces of the same application that did the same
//!   thing and went well; what most of them do is the application's design and no failure.
//! - **One cause, one issue.** Of hits in one trace the one whose span ended first is where it went
//!   wrong. A group that nearly always follows another is told as what that one leads to.
//! - **A fingerprint is of the pattern, the entity and the masked text**: of no id, time or count.
//! - **The same snapshot gives the same report**, byte for byte.
//!
//! What no span shows, such as an answer that is plausible and wrong, is deliberately not looked for,
//! unless an evaluator or a person has said so.

mod advice;
mod facets;
mod find;
mod fresh;
mod group;
mod issue;
mod mask;
mod pass;
mod patterns;
mod rank;
mod reader;
mod report;
mod shapes;
mod sketch;
mod trace;
mod words;

pub use find::{find, find_new};
pub use fresh::{Counted, Start};
pub use issue::{Example, Issue, Report};
pub use report::{answer, investigation, issues_json};

#[cfg(test)]
mod tests;
