//! `loop skill`

pub mod check;
mod install;
mod list;
pub mod pin;
mod show;
mod validate;

use super::app::{App, Done};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List skills, where each comes from, and what it hides
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show a skill
    Show(show::Show),
    /// Try a skill's secrets with one real call
    Check(check::Check),
    /// Look at what a custom skill installs, and agree to it
    Install(install::Install),
    /// List every mistake of skills, each with its place
    Validate(validate::Validate),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::List(page) => page.run(app),
        Command::Show(page) => page.run(app),
        Command::Check(page) => page.run(app),
        Command::Install(page) => page.run(app),
        Command::Validate(page) => page.run(app),
    }
}
