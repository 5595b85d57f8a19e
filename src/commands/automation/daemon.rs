//! `loop automation daemon`

use super::decide::decide;
use super::perform::{How, perform};
use super::webhook::answer;
use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::domain::automation::fire::State;
use crate::domain::measure;
use crate::domain::words::Count;
use crate::error::{Cannot as _, Kind, Result};
use crate::output::{Silent, failure};
use crate::store::Store;
use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Run what is due, until told to stop
///
/// Each fire is performed by a process of its own. SIGTERM or Ctrl-C stops it: workers go on in
/// their sandboxes, and whatever looks next collects them. It may be killed at any moment, and
/// several may run on one store: everything runs once.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation daemon
  loop automation daemon --listen 127.0.0.1:8787 --parallel 2
  loop automation install systemd -o ~/.config/systemd/user")]
pub struct Daemon {
    /// How often it looks
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = measure::duration)]
    every: Duration,
    /// At most so many fires are performed at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    parallel: usize,
    /// Where it takes webhooks; without it 127.0.0.1:8787, where an automation waits for one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
}

/// Perform one fire
#[derive(clap::Args)]
pub struct Perform {
    fire: String,
}

impl Perform {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let mut how = How { follow: true, reporter: &mut Silent };
        perform(app, &mut store, &self.fire, &mut how)?;
        Ok(0)
    }
}

/// Between two looks at whether it is to stop.
const BREATH: Duration = Duration::from_millis(100);

/// How often the files are looked at for a change of what is watched.
const LEAST: Duration = Duration::from_millis(200);

impl Daemon {
    pub fn run(self, app: &App) -> Done {
        let stop = stops()?;
        let mut store = app.store()?;
        let hooks = super::webhook::listen(app, self.listen)?;
        let every = self.every.max(LEAST);
        let where_ = hooks
            .as_ref()
            .map(|hooks| format!(", webhooks at http://{}", hooks.at))
            .unwrap_or_default();
        failure::note(&format!("looking every {}{where_}", show(every)), &app.screens);
        let mut performers =
            Performers { app, most: self.parallel.max(1), children: BTreeMap::new() };
        let mut told = BTreeMap::new();
        while stop.load(Ordering::Relaxed) == 0 {
            let looked = Instant::now();
            if let Err(failed) = performers.round(&mut store, &mut told) {
                // A disk that is full or a file that is broken may be mended meanwhile.
                failure::warn(&failed.to_string(), &app.screens);
            }
            while looked.elapsed() < every && stop.load(Ordering::Relaxed) == 0 {
                let Some(hooks) = &hooks else {
                    std::thread::sleep(BREATH.min(every));
                    continue;
                };
                if let Ok(delivery) = hooks.deliveries.recv_timeout(BREATH.min(every)) {
                    answer(app, &mut store, delivery);
                }
            }
        }
        performers.leave();
        Ok(0)
    }
}

fn show(every: Duration) -> String {
    measure::show_duration(u64::try_from(every.as_millis()).unwrap_or(u64::MAX))
}

fn stops() -> Result<Arc<AtomicUsize>> {
    let stop = Arc::new(AtomicUsize::new(0));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register_usize(signal, Arc::clone(&stop), 1)
            .cannot(Kind::Bug, || "listen for signals".to_owned())?;
    }
    Ok(stop)
}

/// Processes of ours, each at one fire.
struct Performers<'a> {
    app: &'a App,
    most: usize,
    children: BTreeMap<String, Child>,
}

impl Performers<'_> {
    fn round(
        &mut self,
        store: &mut Store,
        told: &mut BTreeMap<String, &'static str>,
    ) -> Result<()> {
        self.children.retain(|_, child| matches!(child.try_wait(), Ok(None)));
        decide(self.app, store, clock::now())?;
        for fire in store.open_fires()? {
            if !told.contains_key(&fire.id) {
                let (name, cause) = (&fire.automation, fire.cause.name());
                let line = format!("{name} {} is due: {cause}", fire.id);
                failure::note(&line, &self.app.screens);
                told.insert(fire.id.clone(), State::Waiting.name());
            }
            if self.children.len() < self.most && !self.children.contains_key(&fire.id) {
                self.start(&fire.id)?;
            }
        }
        self.tell(store, told);
        super::notify::deliver(self.app, store)
    }

    fn start(&mut self, fire: &str) -> Result<()> {
        let doing = || format!("start a process for fire `{fire}`");
        let program = std::env::current_exe().cannot(Kind::Bug, doing)?;
        let mut command = Command::new(program);
        command.args(["automation", "perform", fire, "--quiet", "--no-input"]);
        if self.app.global.trust {
            command.arg("--trust");
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        self.children.insert(fire.to_owned(), child.cannot(Kind::Bug, doing)?);
        Ok(())
    }

    /// A line for each fire that has moved on.
    fn tell(&self, store: &Store, told: &mut BTreeMap<String, &'static str>) {
        let mut over = Vec::new();
        for (id, last) in told.iter_mut() {
            let Ok(fire) = store.fire(id) else {
                over.push(id.clone());
                continue;
            };
            let state = fire.state.name();
            if *last != state {
                *last = state;
                let how = fire.outcome.as_deref().map(|how| format!(", {how}")).unwrap_or_default();
                let why = fire.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                let line = format!("{} {id} {state}{how}{why}", fire.automation);
                failure::note(&line, &self.app.screens);
            }
            if !fire.state.is_open() {
                over.push(id.clone());
            }
        }
        told.retain(|id, _| !over.contains(id));
    }

    /// Those who follow a worker leave it; it goes on.
    fn leave(&mut self) {
        let count = self.children.len();
        for child in self.children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let goes_on = match count {
            0 => String::new(),
            count => format!("; {} on: the next look collects them", Count::of(count, "worker")),
        };
        failure::note(&format!("stopped{goes_on}"), &self.app.screens);
    }
}
