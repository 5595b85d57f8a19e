//! `loop secret check`

use super::{name, wanted};
use crate::commands::app::{App, Done};
use crate::error::{Kind, Result};
use crate::output::human;
use crate::output::json::{self, v1};
use crate::output::view::{SecretRow, StoreRow};
use std::time::Instant;

/// Look at every store, and for every secret that something wants
///
/// A store that is locked, absent or hanging costs two seconds at most. With names, only those are
/// looked for, and one that is not set is a failure.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop secret check
  loop secret check GH_TOKEN ANTHROPIC_API_KEY --json")]
pub struct Check {
    /// Secrets; else all that something wants
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl Check {
    pub fn run(self, app: &App) -> Done {
        let names: Vec<String> = self.names.iter().map(|text| name(text)).collect::<Result<_>>()?;
        let stores = stores(app)?;
        let mut rows = wanted::rows(app)?;
        if !names.is_empty() {
            let row = |name: &String| SecretRow {
                name: name.clone(),
                place: None,
                wanted_by: Vec::new(),
                reason: None,
            };
            let found = |name: &String| rows.iter().find(|row| row.name == *name).cloned();
            rows = names.iter().map(|name| found(name).unwrap_or_else(|| row(name))).collect();
        }
        for row in &mut rows {
            look_closely(app, row)?;
        }
        app.show(
            |out| json::write_document(out, &v1::SecretCheck::of(&stores, &rows)),
            |out| human::secrets::write_check(out, &app.screens.out, &stores, &rows),
        )?;
        let missing = !names.is_empty() && rows.iter().any(|row| row.place.is_none());
        Ok(if missing { Kind::Credential.exit_code() } else { 0 })
    }
}

/// Every store, and how long it took to see how it is.
pub fn stores(app: &App) -> Result<Vec<StoreRow>> {
    let row = |store: &dyn crate::secrets::Store| {
        let began = Instant::now();
        let state = store.state();
        StoreRow {
            name: store.name().to_owned(),
            state: state.is.name(),
            detail: state.detail,
            mend: state.mend,
            took_ms: began.elapsed().as_millis() as u64,
        }
    };
    Ok(app.stores()?.all().map(row).collect())
}

/// Also runs the programs that references name.
fn look_closely(app: &App, row: &mut SecretRow) -> Result<()> {
    let Some(place) = &row.place else { return Ok(()) };
    let is_program = place.starts_with("command:") || place.starts_with("op://");
    if is_program && let Err(failed) = app.stores()?.find(&row.name) {
        row.place = None;
        row.reason = Some(failed.causes.first().cloned().unwrap_or(failed.sentence));
    }
    Ok(())
}
