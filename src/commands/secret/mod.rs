//! `loop secret`
//!
//! No page here prints a value, and none takes one from the command line.

mod check;
mod list;
mod rm;
mod set;
mod wanted;

pub use check::stores;
pub use wanted::of_automation as wanted_by;

use super::app::{App, Done};
use crate::config::value;
use crate::error::{Failure, Kind, Result};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Store a secret; its value is typed, or read from standard input
    Set(set::Set),
    /// List secrets by name: where each is, and what wants it
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Look at every store, and for every secret that something wants
    Check(check::Check),
    /// Forget a secret
    Rm(rm::Rm),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::Set(page) => page.run(app),
        Command::List(page) => page.run(app),
        Command::Check(page) => page.run(app),
        Command::Rm(page) => page.run(app),
    }
}

/// The name of a secret. What is no name may be a value, and is not said again.
fn name(text: &str) -> Result<String> {
    value::variable(text).map_err(|_| {
        Failure::new(Kind::Usage, "what stands where the name belongs is no name")
            .hint("name it as the variable that it becomes: `loop secret set ANTHROPIC_API_KEY`")
    })
}
