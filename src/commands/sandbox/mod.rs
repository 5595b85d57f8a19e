//! `loop sandbox`

mod list;
mod show;

use super::app::{App, Done};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List where workers can run, what each place can do, and what is missing here
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show what a provider needs, and what it can be told
    Show(show::Show),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::List(page) => page.run(app),
        Command::Show(page) => page.run(app),
    }
}
