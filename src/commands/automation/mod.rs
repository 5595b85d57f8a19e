//! `loop automation`

mod daemon;
mod decide;
mod history;
mod install;
mod list;
mod new;
mod notify;
mod perform;
pub mod plan;
mod rm;
mod run;
mod show;
mod summary;
mod switch;
mod tick;
mod validate;
mod webhook;

use super::app::{App, Done};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List automations, what sets each off, and when it is due next
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show an automation, and how it stands
    Show(show::Show),
    /// Write a new automation to begin with
    New(new::New),
    /// List every mistake of automations, each with its place
    Validate(validate::Validate),
    /// Let an automation run by itself again
    Enable(switch::Enable),
    /// Keep an automation from running by itself
    Disable(switch::Disable),
    /// Delete an automation and its history
    #[command(visible_alias = "delete")]
    Rm(rm::Rm),
    /// Run an automation now, under its own rules
    Run(run::Run),
    /// Every fire, also the skipped and refused ones, with the reason
    History(history::History),
    /// Run what is due, until told to stop
    Daemon(daemon::Daemon),
    /// Run what is due now, once
    Tick(tick::Tick),
    /// Write what lets something else run what is due
    Install(install::Install),
    /// Perform one fire
    #[command(hide = true)]
    Perform(daemon::Perform),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::List(page) => page.run(app),
        Command::Show(page) => page.run(app),
        Command::New(page) => page.run(app),
        Command::Validate(page) => page.run(app),
        Command::Enable(page) => page.run(app),
        Command::Disable(page) => page.run(app),
        Command::Rm(page) => page.run(app),
        Command::Run(page) => page.run(app),
        Command::History(page) => page.run(app),
        Command::Daemon(page) => page.run(app),
        Command::Tick(page) => page.run(app),
        Command::Install(page) => page.run(app),
        Command::Perform(page) => page.run(app),
    }
}
