//! `loop session diff`

use super::apply::repository;
use crate::commands::app::{App, Done};
use crate::forge;
use crate::output::{diff, pager};

/// Show what the worker committed, from where it began to where it ended
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session diff last
  loop session diff 7f3a --stat
  loop session diff 7f3a | git apply --check")]
pub struct Diff {
    /// Id, unique prefix of one, name, or `last`
    session: String,
    /// Only which files, and how much of them
    #[arg(long)]
    stat: bool,
}

impl Diff {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let id = store.find(&self.session)?.id;
        app.sweep_quietly(&mut store)?;
        let (dir, record, head) = repository(&store, &id)?;
        let git = app.git();
        let what = forge::Diff { base: &record.base, head: &head, stat: self.stat };
        let text = forge::diff(&git, &dir, &what)?;
        if !app.screens.out.tty {
            // As it is: it may be meant for `git apply`.
            return app.answer(&text);
        }
        let shown = diff::paint(&text, &app.screens.out);
        pager::show(&shown, &app.screens.out, app.env.var("PAGER").as_deref())?;
        Ok(0)
    }
}
