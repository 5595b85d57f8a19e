//! Telling people how a run came out.
use crate::commands::app::App;
use crate::error::Result;
use crate::store::Store;

pub fn deliver(_app: &App, _store: &mut Store) -> Result<()> {
    Ok(())
}
