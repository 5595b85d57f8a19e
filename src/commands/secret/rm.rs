//! `loop secret rm`

use super::name;
use crate::commands::app::{App, Done};
use crate::error::{Failure, Kind};
use crate::output::{failure, json};
use crate::secrets::Is;

/// Forget a secret, in every store that has it
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop secret rm GH_TOKEN
  loop secret rm GH_TOKEN --store file")]
pub struct Rm {
    name: String,
    /// Only there
    #[arg(long, value_name = "STORE", value_parser = ["keyring", "file"])]
    store: Option<String>,
}

impl Rm {
    pub fn run(self, app: &App) -> Done {
        let name = name(&self.name)?;
        let (mut removed, mut passed_over) = (Vec::new(), None);
        for store in app.stores()?.all() {
            if self.store.as_deref().is_some_and(|only| only != store.name()) {
                continue;
            }
            if store.state().is == Is::Absent {
                continue;
            }
            match store.remove(&name) {
                Ok(true) => removed.push(store.name()),
                Ok(false) => {}
                Err(failed) => passed_over = passed_over.or(Some(failed)),
            }
        }
        if removed.is_empty() {
            let missing = || Failure::new(Kind::Credential, format!("no store has `{name}`"));
            return Err(passed_over
                .unwrap_or_else(|| missing().hint("see what there is: `loop secret list`")));
        }
        let from = removed.join(" and the ");
        failure::note(&format!("removed `{name}` from the {from}"), &app.screens);
        if let Some(failed) = passed_over {
            failure::warn(&format!("it may still be elsewhere: {failed}"), &app.screens);
        }
        if app.env.var(&name).is_some() {
            failure::warn(&format!("`{name}` is still set in the environment"), &app.screens);
        }
        let document = serde_json::json!({ "v": 1, "name": name, "removed_from": removed });
        app.show(|out| json::write_document(out, &document), |_| Ok(()))
    }
}
