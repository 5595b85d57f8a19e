//! `loop session logs`

use crate::commands::app::{App, Done};
use crate::domain::transcript::Event;
use crate::error::{Cannot as _, Kind};
use crate::output::live::Asked;
use crate::output::{Reporter, Written, wire};
use crate::runner::{self, Tail};
use crate::store::{Store, start_of_last};
use std::ops::ControlFlow;

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
        let mut reporter = app.reporter_of(&id, Asked::Transcript);
        let mut tell = |event: &Event| {
            let wanted = event.seq > self.after && self.turn.is_none_or(|turn| turn == event.turn);
            if wanted {
                reporter.event(event);
            }
            match reporter.written() {
                Written::All => ControlFlow::Continue(()),
                Written::ReaderGone | Written::Failed(_) => ControlFlow::Break(()),
            }
        };
        if self.follow {
            while runner::watch(&store, &id, &mut tail, &mut tell)?.is_continue()
                && !store.session(&id)?.phase.is_over()
            {
                app.sweep_quietly(&mut store)?;
                std::thread::sleep(runner::LOOK_AGAIN);
            }
        }
        let _ = tail.read(&path, &mut tell)?;
        end(&mut *reporter)
    }
}

fn end(reporter: &mut dyn Reporter) -> Done {
    reporter.told();
    match reporter.written() {
        Written::Failed(failure) => Err(failure),
        Written::All | Written::ReaderGone => Ok(0),
    }
}

/// The journal as it is stored. It is JSON, so nothing in it can steer a terminal.
fn raw(store: &Store, id: &str) -> Done {
    let path = store.dir(id).journal();
    let doing = || format!("read the journal of session `{id}`");
    let mut file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        file => file.cannot(Kind::Config, doing)?,
    };
    wire::answer(|out| std::io::copy(&mut file, out).map(drop))?;
    Ok(0)
}
