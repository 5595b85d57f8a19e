//! `loop traces`

use super::app::{App, Done};

#[derive(clap::Subcommand)]
pub enum Command {
    /// (to come)
    List,
}

pub fn run(command: Command, _app: &App) -> Done {
    match command {
        Command::List => Ok(0),
    }
}
