//! `loop project`

mod add;
mod key;
mod list;
mod rm;
mod show;

pub use add::check;

use super::app::{App, Done};
use crate::domain::preset::Project;
use crate::error::Result;
use crate::traces::{self, Fact, Reach};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List projects and where each comes from
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show a project
    Show(show::Show),
    /// Name a source of traces
    Add(add::Add),
    /// Make a key that only reads, and ends by itself
    Key(key::Key),
    /// Forget a project; its traces stay where they are
    #[command(visible_alias = "delete")]
    Rm(rm::Rm),
}

pub fn run(command: Command, app: &App) -> Done {
    match command {
        Command::List(page) => page.run(app),
        Command::Show(page) => page.run(app),
        Command::Add(page) => page.run(app),
        Command::Key(page) => page.run(app),
        Command::Rm(page) => page.run(app),
    }
}

/// What a short look at a project's source finds.
fn inspect(app: &App, project: &Project) -> Result<Vec<Fact>> {
    app.with_outside(|outside| {
        let reach = Reach { secret: outside.secret, ca_bundle: outside.ca_bundle.as_deref() };
        traces::source(project, reach)?.inspect()
    })
}
