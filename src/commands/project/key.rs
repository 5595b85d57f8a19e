//! `loop project key`

use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::domain::measure;
use crate::error::{Failure, Kind, Result};
use crate::output::{failure, json};
use crate::traces::{Reach, lease};
use serde::Serialize;

/// Make a key that only reads, and ends by itself
#[derive(clap::Args)]
#[command(after_help = "\
For a worker with the Arize skill, or a job, that should not have your own key.

Examples:
  export ARIZE_API_KEY=$(loop project key checkout)
  loop project key checkout --valid 15m --json
  loop project key checkout --revoke QXBpS2V5OjE=")]
pub struct Key {
    name: String,
    /// How long it is good
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    valid: String,
    /// End a key at once, by its id
    #[arg(long, value_name = "ID", conflicts_with = "valid")]
    revoke: Option<String>,
}

#[derive(Serialize)]
struct Told<'a> {
    id: &'a str,
    key: &'a str,
    expires_at: &'a str,
}

/// The longest that a key may be good, in milliseconds: a week.
const LONGEST: i64 = 7 * 86_400_000;

impl Key {
    pub fn run(self, app: &App) -> Done {
        let (project, _) = app.layers()?.project(&self.name)?;
        let until = clock::now() + self.valid()?;
        app.with_outside(|outside| {
            let reach = Reach { secret: outside.secret, ca_bundle: outside.ca_bundle.as_deref() };
            if let Some(id) = &self.revoke {
                lease::revoke(&project, reach, id)?;
                failure::note(&format!("revoked {id}"), &app.screens);
                return app.show(|out| json::write_document(out, id), |_| Ok(()));
            }
            let lease = lease::make(&project, reach, until)?;
            let revoke = format!("loop project key {} --revoke {}", self.name, lease.id);
            let said = format!("it reads until {}; `{revoke}` ends it at once", lease.until);
            failure::note(&said, &app.screens);
            let told = Told { id: &lease.id, key: &lease.key, expires_at: &lease.until };
            app.show(|out| json::write_document(out, &told), |out| writeln!(out, "{}", lease.key))
        })
    }

    /// In milliseconds.
    fn valid(&self) -> Result<i64> {
        let wrong = |why: String| {
            Failure::new(Kind::Usage, format!("a key cannot be good for `{}`", self.valid))
                .because(why)
        };
        let valid = measure::duration(&self.valid).map_err(wrong)?;
        let valid = i64::try_from(valid.as_millis()).unwrap_or(i64::MAX);
        if (60_000..=LONGEST).contains(&valid) {
            return Ok(valid);
        }
        Err(wrong("it is from a minute to a week".to_owned()))
    }
}
