//! `loop preset`

mod edit;
mod list;
mod new;
mod show;
mod validate;

use super::app::{App, Done};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List presets, where each comes from, and what it hides
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show a preset
    Show(show::Show),
    /// Write a new preset to begin with
    New(new::New),
    /// Open a preset in your editor, then check it
    Edit(edit::Edit),
    /// List every mistake of presets, each with its place
    Validate(validate::Validate),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::List(page) => page.run(app),
        Command::Show(page) => page.run(app),
        Command::New(page) => page.run(app),
        Command::Edit(page) => page.run(app),
        Command::Validate(page) => page.run(app),
    }
}
