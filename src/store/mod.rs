//! What is known of sessions, on disk: a SQLite database, and a folder for each session.
//!
//! ```text
//! <data>/store.db                   sessions, turns, artifacts, what was sent of our own spans,
//!                                   issues, fires
//! <data>/signal/<project>.lock      held by the one process that looks at a project for issues
//! <data>/claims/<fire>              held by the one process that performs a fire
//! <data>/sessions/<id>/lock         held by the one process that drives the session
//! <data>/sessions/<id>/journal.jsonl     the sandbox's journal, as far as it was read
//! <data>/sessions/<id>/transcript.jsonl  the events made from it
//! <data>/sessions/<id>/snapshot.db       the evidence
//! <data>/sessions/<id>/artifacts/        what the worker left
//! <data>/sessions/<id>/repository.json   where its worker began, what came back, what was pushed
//! <data>/sessions/<id>/report.json       the issue at a forge that tells of it
//! <data>/sessions/<id>/repository.bundle what its sandbox got
//! <data>/sessions/<id>/repository.git/   what came back, bare
//! ```
//!
//! A session is recorded before anything of it exists, so that nothing can be left behind that
//! nobody knows of. The files are append-only and their own cursor: the last whole line of the
//! journal says what was read, and events that are missing of its last line are added after a crash.
//! Records are structs of their own, apart from the domain, with the version of the schema in the
//! database; a database of a newer version is refused.

mod database;
mod exports;
mod files;
mod fires;
mod hosted;
mod issues;
mod records;
mod repository;
mod signal;
mod transcript;

pub use database::{Filter, Store};
pub use exports::{Export, Outlook};
pub use files::DriverLock;
pub use files::SessionDir;
pub use fires::{Ended, Notice, Standing, Target};
pub use hosted::HostedRecord;
pub use issues::Observation;
pub use records::{SessionRecord, TurnRecord, TurnState};
pub use repository::{PullRequestRecord, ReportRecord, RepositoryRecord};
pub use signal::Look;
pub use transcript::{JournalFile, TranscriptFile, start_of_last};
