//! `loop session logs`

use crate::commands::app::{App, Done};
use crate::domain::transcript::Event;
use crate::error::{Cannot as _, Kind};
use crate::output::json;
use crate::output::log::Log;
use crate::output::wire::{self, Wire, Written};
use crate::runner::{self, Tail};
use crate::store::{Store, TranscriptFile, start_of_last};
use std::io::BufRead as _;
use std::ops::ControlFlow;
use std::time::Duration;

/// How often one looks at a session that nobody drives.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Print the transcript
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session logs last
  loop session logs 7f3a -f --json
  loop session logs 7f3a --tail 20
  loop session logs 7f3a --raw | jq -r .line")]
pub struct Logs {
    /// Id, unique prefix of one, name, or `last`
    session: String,
    /// Go on until the session is over
    #[arg(short, long)]
    follow: bool,
    /// The sandbox's journal as it was written, one JSON object a line
    #[arg(long, conflicts_with_all = ["follow", "turn", "after", "tail"])]
    raw: bool,
    /// Only a turn
    #[arg(long, value_name = "N")]
    turn: Option<u32>,
    /// Only what comes after an event
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// Only the last so many events
    #[arg(long, value_name = "N")]
    tail: Option<usize>,
}

impl Logs {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let id = store.find(&self.session)?.id;
        if !store.session(&id)?.phase.is_over() {
            app.sweep_quietly(&mut store)?;
        }
        if self.raw {
            return raw(&store, &id);
        }
        let path = store.dir(&id).transcript();
        let mut tail = match self.tail {
            Some(lines) => Tail::at(start_of_last(&path, lines)?),
            None => Tail::default(),
        };
        let wanted =
            |seq: u64, turn: u32| seq > self.after && self.turn.is_none_or(|wanted| wanted == turn);
        if self.follow {
            return follow(app, &mut store, &id, &mut tail, &wanted);
        }
        let mut read = Ok(ControlFlow::Continue(()));
        wire::answer(|out| {
            let mut log = Log::new(app.global.json, &app.screens, &id);
            let mut failed = None;
            read = tail.read_lines(&path, &mut |line| {
                let written = log.text(out, line, &wanted).unwrap_or_else(|| {
                    match TranscriptFile::read(line) {
                        Some(event) if wanted(event.seq, event.turn) => log.event(out, &event),
                        _ => Ok(()),
                    }
                });
                match written {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Some(error);
                        ControlFlow::Break(())
                    }
                }
            });
            failed.map_or_else(|| log.end(out), Err)
        })?;
        read.map(|_| 0)
    }
}

/// Tells events as they come, until the session is over or nobody reads any more.
fn follow(
    app: &App,
    store: &mut Store,
    id: &str,
    tail: &mut Tail,
    wanted: &dyn Fn(u64, u32) -> bool,
) -> Done {
    let mut wire = Wire::out();
    let mut log = Log::new(app.global.json, &app.screens, id);
    loop {
        let mut tell = |event: &Event| {
            if wanted(event.seq, event.turn) {
                wire.send(|out| log.event(out, event));
            }
            match wire.written() {
                Written::All => ControlFlow::Continue(()),
                Written::ReaderGone | Written::Failed(_) => ControlFlow::Break(()),
            }
        };
        runner::watch(store, id, tail, &mut tell)?;
        let is_over = store.session(id)?.phase.is_over();
        if is_over || !matches!(wire.written(), Written::All) {
            wire.send(|out| log.end(out));
            return wire.written().clone().ok().map(|()| 0);
        }
        // Nobody drives it: then this takes in what there is, now and then.
        app.sweep_quietly(store)?;
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The journal as it is stored, with what could steer a terminal escaped.
fn raw(store: &Store, id: &str) -> Done {
    let path = store.dir(id).journal();
    let doing = || format!("read the journal of session `{id}`");
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        file => file.cannot(Kind::Config, doing)?,
    };
    let mut lines = std::io::BufReader::with_capacity(256 << 10, file);
    wire::answer(|out| {
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            json::write_foreign(out, &line)?;
            line.clear();
        }
        Ok(())
    })?;
    Ok(0)
}
