//! `loop signal issue`

mod act;
mod investigate;
mod show;
mod to_eval;

use crate::commands::app::{App, Done};

#[derive(clap::Subcommand)]
#[command(after_help = "\
Examples:
  loop signal issue show 94e6
  loop signal issue investigate 94e6")]
pub enum Command {
    /// Show an issue: what fails, since when, what is known of it, what became of it
    Show(show::Show),
    /// It is dealt with; it counts as regressed if it comes back
    Resolve(act::Resolve),
    /// It is not dealt with after all
    Reopen(act::Reopen),
    /// Hear nothing of it; it goes on being counted
    Mute(act::Mute),
    /// Name the pull request that is to fix it
    AssignPr(act::AssignPr),
    /// Have a session look into it now
    Investigate(investigate::Investigate),
    /// Write a check of it: rows of a dataset, and an evaluator to begin with
    ToEval(to_eval::ToEval),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::Show(page) => page.run(app),
        Command::Resolve(page) => page.run(app),
        Command::Reopen(page) => page.run(app),
        Command::Mute(page) => page.run(app),
        Command::AssignPr(page) => page.run(app),
        Command::Investigate(page) => page.run(app),
        Command::ToEval(page) => page.run(app),
    }
}
