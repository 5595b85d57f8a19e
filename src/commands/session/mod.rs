//! `loop session`

mod artifacts;
mod attach;
pub mod drive;
mod evals;
mod export;
mod interrupt;
mod list;
mod logs;
mod rm;
mod send;
mod show;
pub mod start;
mod stop;

use super::app::{App, Done};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Start a worker in a sandbox of its own
    Start(Box<start::Start>),
    /// List sessions, newest first
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show a session: turns, sandbox, usage and cost, artifacts
    Show(show::Show),
    /// Print the transcript
    Logs(logs::Logs),
    /// Follow a session live and take follow-ups
    Attach(attach::Attach),
    /// Send a follow-up
    Send(send::Send),
    /// End the running turn and keep the session
    Interrupt(interrupt::Interrupt),
    /// End a session: collect what it left and remove its sandbox
    Stop(stop::Stop),
    /// List what a session left
    Artifacts(artifacts::Artifacts),
    /// Look at the eval labels that a session left, and write them to where its spans came from
    #[command(subcommand, visible_alias = "eval")]
    Evals(evals::Command),
    /// Write a whole session to a file
    Export(export::Export),
    /// Remove sessions with all that is stored of them
    #[command(visible_alias = "delete")]
    Rm(rm::Rm),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::Start(page) => page.run(app),
        Command::List(page) => page.run(app),
        Command::Show(page) => page.run(app),
        Command::Logs(page) => page.run(app),
        Command::Attach(page) => page.run(app),
        Command::Send(page) => page.run(app),
        Command::Interrupt(page) => page.run(app),
        Command::Stop(page) => page.run(app),
        Command::Artifacts(page) => page.run(app),
        Command::Evals(command) => evals::run(command, app),
        Command::Export(page) => page.run(app),
        Command::Rm(page) => page.run(app),
    }
}
