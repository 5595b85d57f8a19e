//! `loop automation list`

use crate::commands::app::{App, Done, readable};
use crate::commands::clock;
use crate::config::layers::Layers;
use crate::domain::automation::due::{self, Timed};
use crate::domain::automation::fire::{Fire, State};
use crate::domain::automation::{Automation, Trigger};
use crate::error::Result;
use crate::output::json::v1;
use crate::output::view::{AutomationView, Listed};
use crate::output::{failure, human, json};
use crate::store::{Standing, Store};

/// Without a look for so long, nobody seems to run what is due.
const UNSEEN_MS: i64 = 60 * 60_000;

/// List automations, what sets each off, and when it is due next
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation list
  loop automation list --json")]
pub struct List {}

impl List {
    pub fn run(self, app: &App) -> Done {
        let store = app.store()?;
        let layers = app.layers()?;
        let views = views(app, &store, &layers)?;
        let now = clock::now();
        let any = views.iter().any(|view| view.listed.value.enabled);
        match store.last_tick()? {
            _ if views.is_empty() => {
                failure::note("there is none yet; begin one: `loop automation new`", &app.screens);
            }
            None if any => warn_of(app, "nothing has looked yet for what is due"),
            Some(at) if any && now - at > UNSEEN_MS => {
                warn_of(app, "nothing has looked for what is due in the last hour");
            }
            _ => {}
        }
        app.show(
            |out| json::write_document(out, &v1::Automation::all(&views)),
            |out| human::automations::write_list(out, &app.screens.out, &views, now),
        )
    }
}

fn warn_of(app: &App, what: &str) {
    let mend = "run `loop automation daemon`, or let `loop automation install` set something up";
    failure::warn(&format!("{what}; {mend}"), &app.screens);
}

fn views(app: &App, store: &Store, layers: &Layers) -> Result<Vec<AutomationView>> {
    let standings = store.standings()?;
    let listed = readable(app, layers.automations()).into_iter();
    listed
        .map(|listed| {
            let standing = standings.get(&listed.value.name);
            view(store, listed, standing)
        })
        .collect()
}

/// An automation and how it stands.
pub fn view(
    store: &Store,
    listed: Listed<Automation>,
    standing: Option<&Standing>,
) -> Result<AutomationView> {
    let now = clock::now();
    let fires = store.fires(Some(&listed.value.name), 20)?;
    let next_at = next(&listed.value, standing, now);
    let watched = standing.map(|standing| standing.watched.clone()).unwrap_or_default();
    Ok(AutomationView { last: last(fires), next_at, watched, listed })
}

/// The newest fire that ran, or the newest of all.
fn last(fires: Vec<Fire>) -> Option<Fire> {
    let ran = |fire: &Fire| {
        matches!(fire.state, State::Running | State::Done | State::Failed | State::Waiting)
    };
    fires.iter().find(|fire| ran(fire)).or(fires.first()).cloned()
}

fn next(automation: &Automation, standing: Option<&Standing>, now: i64) -> Option<i64> {
    if !automation.enabled {
        return None;
    }
    let Automation { name, catch_up, jitter_ms, .. } = automation;
    match &automation.trigger {
        Trigger::Cron(schedule) => {
            let timed = Timed { name, schedule, catch_up: *catch_up, jitter_ms: *jitter_ms };
            let line = automation.trigger.line();
            let known = standing.filter(|standing| standing.trigger == line);
            due::next(timed, known.map_or(now, |standing| standing.cursor.max(now)))
        }
        trigger => {
            let every_ms = trigger.every_ms()?;
            standing.map(|standing| standing.watched.next_look(every_ms, now))
        }
    }
}
