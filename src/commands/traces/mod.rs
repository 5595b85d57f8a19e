//! `loop traces`, and in a sandbox `traces`: the same engine.
//!
//! Without a project it asks the snapshot of the sandbox it runs in. Its output is made for a model
//! to read: bounded, stable, and it says what to type next.

mod import;
mod list;
mod search;
mod show;
mod snapshot;
mod sql;
mod stats;
mod view;

use super::app::{App, Done};
use super::clock;
use crate::config::{prices, window};
use crate::domain::places;
use crate::domain::plan::Window;
use crate::domain::price::Prices;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::output::progress::Progress;
use crate::output::style::Screen;
use crate::output::{Step, json, sanitise};
use crate::runner::Gather;
use crate::traces::query::render::Typed;
use crate::traces::snapshot::Snapshot;
use serde::Serialize;
use std::cell::RefCell;
use std::io::Write;
use std::path::Path;

#[derive(clap::Subcommand)]
pub enum Command {
    /// List traces, newest first
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show a trace as a tree, or one span whole
    Show(show::Show),
    /// Search the text of inputs, outputs, messages and errors
    Search(search::Search),
    /// Counts, error rates, latencies, tokens and cost
    Stats(stats::Stats),
    /// Ask the snapshot in SQL, read-only
    Sql(sql::Sql),
    /// Write a project's traces to a snapshot file
    Snapshot(snapshot::Snapshot),
    /// Keep traces of files in a project of their own
    Import(import::Import),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::List(page) => page.run(app),
        Command::Show(page) => page.run(app),
        Command::Search(page) => page.run(app),
        Command::Stats(page) => page.run(app),
        Command::Sql(page) => page.run(app),
        Command::Snapshot(page) => page.run(app),
        Command::Import(page) => page.run(app),
    }
}

/// Which traces are meant.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Which {
    /// A project by name, a file or folder of traces, or a snapshot; in a sandbox, its evidence
    #[arg(long, value_name = "NAME|PATH")]
    project: Option<String>,
    /// Only traces from then on: `24h`, `7d`, or a time
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only traces before then
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
}

/// How much is given.
#[derive(clap::Args, Clone, Debug)]
pub struct Much {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = crate::traces::query::Bounds::LIMIT)]
    limit: usize,
    /// Long values whole
    #[arg(long)]
    full: bool,
}

/// A snapshot to ask. One that was written for this question only goes with it.
pub struct Asked {
    pub snapshot: Snapshot,
    /// What of it is asked, as it was understood once.
    pub window: Window,
    scratch: Option<tempfile::TempDir>,
}

impl Asked {
    fn open(path: &Path, window: Window) -> Result<Self> {
        let snapshot = Snapshot::open(path)?;
        snapshot.is_current()?;
        Ok(Self { snapshot, window, scratch: None })
    }

    /// What model calls cost. In a sandbox nobody's settings are read.
    pub fn prices(&self, app: &App) -> Result<Prices> {
        if in_sandbox() { prices::bundled() } else { app.layers()?.prices() }
    }
}

/// Whether this is a worker's sandbox, where `traces` lies beside this program.
fn in_sandbox() -> bool {
    [places::SNAPSHOT, places::TRACES].iter().any(|place| Path::new(place).exists())
}

impl Which {
    /// The snapshot that is asked. A kept one is used where nothing can have changed.
    fn open(&self, app: &App) -> Result<Asked> {
        let window = self.window()?;
        if in_sandbox() {
            return self.bound(window);
        }
        let layers = app.layers()?;
        let Some(name) = self.project.clone().or(layers.settings()?.defaults.project) else {
            return Err(Failure::new(Kind::Usage, "nothing says which project")
                .hint("name one: `--project demo`; `loop project list` shows them")
                .hint("or set `project` under `[defaults]` in `config.toml`"));
        };
        if Path::new(&name).extension().is_some_and(|extension| extension == "db") {
            return Asked::open(Path::new(&name), window);
        }
        let (project, _) = layers.project(&name)?;
        let root = app.env.data_dir()?;
        let scratch = tempfile::tempdir()
            .cannot(Kind::Config, || "make a folder for the snapshot".to_owned())?;
        let otherwise = scratch.path().join("snapshot.db");
        let progress = RefCell::new(Progress::new(&app.screens));
        let what = format!("reading the traces of {}", project.name);
        let path = app.with_outside(|outside| {
            let progress = |count| progress.borrow_mut().step(Step::counted(&what, count, "span"));
            Gather { outside, root: &root, progress: &progress }
                .snapshot(&project, window, &otherwise)
        })?;
        Ok(Asked { snapshot: Snapshot::open(&path)?, window, scratch: Some(scratch) })
    }

    /// In a sandbox: the evidence of its session, and nothing else.
    fn bound(&self, window: Window) -> Result<Asked> {
        let evidence = Path::new(places::SNAPSHOT);
        let asked = evidence.exists().then(|| Asked::open(evidence, window)).transpose()?;
        let own = asked.as_ref().map(|asked| asked.snapshot.about().project.clone());
        match (asked, own, &self.project) {
            (None, ..) => Err(Failure::new(Kind::Usage, "this session has no traces to look at")
                .because("it was started without a project")
                .hint("start another with `loop session start --project NAME`, on the host")),
            (Some(_), Some(own), Some(other)) if own != *other => {
                let sentence = format!("`{other}` cannot be reached from this sandbox");
                Err(Failure::new(Kind::Usage, sentence)
                    .because(format!("its session is bound to the project `{own}` alone"))
                    .hint("leave `--project` out"))
            }
            (Some(asked), ..) => Ok(asked),
        }
    }

    fn window(&self) -> Result<Window> {
        let (since, until) = (self.since.as_deref(), self.until.as_deref());
        window::window(since, until, true, clock::now()).map(|(window, _)| window)
    }

    /// What somebody would have to type again.
    fn typing(&self) -> Typing {
        let command = if in_sandbox() { "traces" } else { "loop traces" };
        let project = self.project.as_ref().filter(|_| !in_sandbox());
        let again =
            [("project", project), ("since", self.since.as_ref()), ("until", self.until.as_ref())];
        let again = again.into_iter().filter_map(|(flag, value)| Some((flag, value?)));
        let suffix = again.map(|(flag, value)| format!(" --{flag} {}", quoted(value))).collect();
        Typing { command, suffix }
    }
}

/// A word as it is typed into a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

struct Typing {
    command: &'static str,
    suffix: String,
}

impl Typing {
    fn typed(&self) -> Typed<'_> {
        Typed { command: self.command, suffix: &self.suffix }
    }
}

/// Prints values as JSON, as a page for people on a terminal, or else as text, which a model may read.
fn print<T: Serialize>(
    app: &App,
    value: &T,
    text: impl FnOnce() -> String,
    human: impl FnOnce(&mut dyn Write, &Screen) -> std::io::Result<()>,
) -> Done {
    let screen = &app.screens.out;
    app.show(
        |out| json::write_document(out, value),
        |out| {
            if screen.tty {
                human(out, screen)
            } else {
                out.write_all(sanitise::text(&text()).as_bytes())
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_is_typed_again_is_one_word() {
        for (word, typed) in [
            ("demo", "demo"),
            ("./a/b.jsonl", "./a/b.jsonl"),
            ("2026-03-10T10:00:00Z", "2026-03-10T10:00:00Z"),
            ("my traces", "'my traces'"),
            ("it's; rm", "'it'\\''s; rm'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), typed);
        }
    }
}
