//! What `doctor` and `init` found.

use crate::output::view::DoctorRow;
use schemars::JsonSchema;
use serde::Serialize;

/// One requirement.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Doctor<'a> {
    requirement: &'a str,
    /// `ready`, `optional` (missing, but only some things need it) or `missing`.
    state: &'static str,
    detail: &'a str,
    /// What to type to mend it.
    mend: Option<&'a str>,
}

impl<'a> Doctor<'a> {
    pub fn all(rows: &'a [DoctorRow]) -> Vec<Self> {
        rows.iter()
            .map(|row| Self {
                requirement: &row.requirement,
                state: row.state.name(),
                detail: &row.detail,
                mend: row.mend.as_deref(),
            })
            .collect()
    }
}

/// What `init` found and set up.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "init")]
pub struct Init<'a> {
    /// The version of this format.
    v: u8,
    found: Vec<Doctor<'a>>,
    /// The preset and the project of the first session.
    preset: &'a str,
    project: &'a str,
    /// The command that starts it.
    next: &'a str,
}

impl<'a> Init<'a> {
    pub fn of(rows: &'a [DoctorRow], preset: &'a str, project: &'a str, next: &'a str) -> Self {
        Self { v: 1, found: Doctor::all(rows), preset, project, next }
    }
}
