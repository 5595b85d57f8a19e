//! What is kept of a session that runs on a vendor's own infrastructure: its name there.
//!
//! It is written as soon as it is known, before anything else can go wrong, and outlives the end of
//! the session: whoever removes one again finds the same one.

use super::SessionDir;
use super::repository::{read, write};
use crate::error::Result;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostedRecord {
    /// The vendor's id of the session.
    pub id: String,
}

impl HostedRecord {
    /// None where no session was made, as far as anybody knows.
    pub fn read(dir: &SessionDir) -> Result<Option<Self>> {
        read(&dir.hosted_record())
    }

    pub fn write(&self, dir: &SessionDir) -> Result<()> {
        write(self, dir, &dir.hosted_record())
    }
}
