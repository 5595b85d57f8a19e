//! `loop automation history`

use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::output::json::v1;
use crate::output::{failure, human, json};

/// Every fire, also the skipped, merged and refused ones, with the reason
///
/// A fire that was started has a session of the same id: `loop session show ID`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation history nightly
  loop automation history --limit 100 --json")]
pub struct History {
    /// Of one automation; else of all
    name: Option<String>,
    /// At most so many, the newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,
}

impl History {
    pub fn run(self, app: &App) -> Done {
        let store = app.store()?;
        let fires = store.fires(self.name.as_deref(), self.limit)?;
        if fires.is_empty() {
            if let Some(name) = &self.name {
                // A name that is not there is a slip; one that never fired has an empty history.
                app.layers()?.automation(name)?;
            }
            failure::note("nothing has fired yet", &app.screens);
        }
        let now = clock::now();
        app.show(
            |out| json::write_document(out, &v1::Fire::all(&fires)),
            |out| human::automations::write_fires(out, &app.screens.out, &fires, now),
        )
    }
}
