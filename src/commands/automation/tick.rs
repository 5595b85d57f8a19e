//! `loop automation tick`

use super::decide::decide;
use super::perform::{How, Performed, perform};
use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::domain::automation::fire::Fire;
use crate::domain::words::Count;
use crate::error::Result;
use crate::output::json::v1;
use crate::output::{Silent, failure, human, json};
use crate::store::Store;

/// Run what is due now, once
///
/// Starts what is due, collects what has ended, and leaves: workers go on alone, and a later tick
/// collects them. Several ticks at once, on one store, start everything once. For cron, a systemd
/// timer or a CI job; see `loop automation install`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation tick
  loop automation tick --wait --json")]
pub struct Tick {
    /// Stay until what runs is over
    #[arg(long)]
    wait: bool,
}

impl Tick {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let mut ids = open(&store)?;
        let new = decide(app, &mut store, clock::now())?;
        ids.extend(new.into_iter().map(|fire| fire.id));
        bring_on(app, &mut store, &ids, false);
        if self.wait {
            stay(app, &mut store, &ids)?;
        }
        super::notify::deliver(app, &mut store)?;
        tell(app, &store, &ids)
    }
}

/// Between two looks at what somebody else runs.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

fn open(store: &Store) -> Result<Vec<String>> {
    Ok(store.open_fires()?.into_iter().map(|fire| fire.id).collect())
}

/// Until they are over. One that waits is started when the one before it is over, and one that
/// somebody else performs is waited for.
fn stay(app: &App, store: &mut Store, ids: &[String]) -> Result<()> {
    loop {
        let mut still = open(store)?;
        still.retain(|id| ids.contains(id));
        if still.is_empty() {
            return Ok(());
        }
        bring_on(app, store, &still, true);
        std::thread::sleep(PAUSE);
    }
}

/// Performs each of them as far as it goes. One that cannot be brought on hinders no other.
pub fn bring_on(app: &App, store: &mut Store, ids: &[String], follow: bool) {
    for id in ids {
        let mut how = How { follow, reporter: &mut Silent };
        match perform(app, store, id, &mut how) {
            Ok(Performed::Elsewhere | Performed::Waits | Performed::Runs | Performed::Over) => {}
            Err(failed) => failure::warn(&format!("fire `{id}`: {failed}"), &app.screens),
        }
    }
}

/// What became of them. Something that could not be started does not fail the tick: it has a row.
fn tell(app: &App, store: &Store, ids: &[String]) -> Done {
    let fires = ids.iter().map(|id| store.fire(id)).collect::<Result<Vec<Fire>>>()?;
    if fires.is_empty() {
        failure::note("nothing is due", &app.screens);
    } else {
        failure::note(&Count::of(fires.len(), "fire").to_string(), &app.screens);
    }
    let now = clock::now();
    app.show(
        |out| json::write_document(out, &v1::Fire::all(&fires)),
        |out| human::automations::write_fires(out, &app.screens.out, &fires, now),
    )
}
