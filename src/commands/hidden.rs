//! What runs in a sandbox: the supervisor, the verbs beside it, and the built-in harness.
//!
//! Their answers are read by this program, so they are JSON or raw bytes whatever the flags say.

use super::app::{App, Done};
use crate::error::{Cannot as _, Kind, Result};
use crate::secrets::Redactor;
use crate::supervise;
use crate::triage;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Be the supervisor of a sandbox
    #[command(hide = true)]
    Supervise {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
    },
    /// Hand a turn to the supervisor; its specification is read from standard input
    #[command(hide = true)]
    Turn {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
    },
    /// Ask the supervisor to end the running turn
    #[command(hide = true)]
    Interrupt {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
    },
    /// Tell the supervisor that nothing more comes
    #[command(hide = true)]
    Close {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
    },
    /// Print the journal
    #[command(hide = true)]
    Journal {
        #[arg(long, default_value = crate::domain::places::RUN)]
        run: PathBuf,
        #[arg(long, default_value_t = 0)]
        after: u64,
        #[arg(long)]
        follow: bool,
        #[arg(long)]
        turn: Option<u32>,
    },
    /// Write files, as the user one is; they are read from standard input
    #[command(hide = true)]
    Place,
    /// Archive a folder
    #[command(hide = true)]
    Pack { folder: PathBuf },
    /// Group the failures of a snapshot
    #[command(hide = true)]
    Triage {
        #[arg(long)]
        snapshot: PathBuf,
        #[arg(long)]
        artifacts: PathBuf,
    },
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::Supervise { run } => {
            supervise::supervise(supervise::Options { run_dir: run }, &redactor)?;
        }
        Command::Turn { run } => return say(app, supervise::turn(&run, std::io::stdin().lock())),
        Command::Interrupt { run } => return say(app, supervise::interrupt(&run)),
        Command::Close { run } => return say(app, supervise::close(&run)),
        Command::Journal { run, after, follow, turn } => {
            let wanted = supervise::Follow { after, turn, follow };
            supervise::follow(&run, wanted, &mut std::io::stdout().lock())?;
        }
        Command::Place => supervise::place(std::io::stdin().lock())?,
        Command::Pack { folder } => pack(&folder)?,
        Command::Triage { snapshot, artifacts } => return triage(app, &snapshot, &artifacts),
    }
    Ok(0)
}
