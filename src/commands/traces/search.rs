//! `loop traces search`

use super::{Much, Which, print, view};
use crate::commands::app::{App, Done};
use crate::output::human::traces as human;
use crate::traces::query::{self, Bounds, render};

/// Search the text of inputs, outputs, messages and errors
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop traces search --project demo \"rate limit\"
  loop traces search --project demo refund --limit 5 --json")]
pub struct Search {
    /// Words that must all be there; quotes keep a phrase together
    #[arg(required = true)]
    text: Vec<String>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    much: Much,
}

impl Search {
    pub fn run(self, app: &App) -> Done {
        let asked = self.which.open(app)?;
        let bounds = Bounds::new(self.much.limit, 300, self.much.full);
        let hits = query::search(&asked.snapshot, &self.text.join(" "), asked.window, bounds)?;
        let typing = self.which.typing();
        print(
            app,
            &hits,
            || render::search(&hits, typing.typed()),
            |out, screen| {
                let (head, rows, notes, next) = view::hits(&hits, typing.typed());
                human::write_hits(out, screen, &head, &rows, (&notes, &next))
            },
        )
    }
}
