//! A key to a source for somebody else: it only reads, and ends by itself.

use super::{Reach, arize};
use crate::domain::preset::Project;
use crate::error::{Failure, Kind, Result};

/// It has no `Debug`, as it holds a key that was shown once.
pub struct Lease {
    /// By which it can be revoked.
    pub id: String,
    pub key: String,
    /// When it ends, RFC 3339.
    pub until: String,
}

/// Makes a key that reads what holds the project until then, in Unix milliseconds.
pub fn make(project: &Project, reach: Reach, until: i64) -> Result<Lease> {
    landlord(project, reach)?.lease(until)
}

/// Ends a key at once.
pub fn revoke(project: &Project, reach: Reach, id: &str) -> Result<()> {
    landlord(project, reach)?.revoke(id)
}

fn landlord<'a>(project: &'a Project, reach: Reach) -> Result<arize::Arize<'a>> {
    if project.source == "arize" {
        return arize::Arize::new(project, reach);
    }
    let Project { name, source, .. } = project;
    Err(Failure::new(Kind::Usage, format!("no key can be made for `{name}`"))
        .because(format!("projects of source `{source}` have no keys that only read and end"))
        .hint("only those of source `arize` do"))
}
