//! What `doctor` found.

use crate::output::view::DoctorRow;
use serde::Serialize;

/// One requirement.
#[derive(Debug, Serialize)]
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
