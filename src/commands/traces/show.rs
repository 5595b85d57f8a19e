//! `loop traces show`

use super::{Which, print, view};
use crate::commands::app::{App, Done};
use crate::output::human::traces as human;
use crate::traces::query::{self, Bounds, render};

/// Show a trace as a tree, or one span whole
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop traces show 4bf92f35 --project demo
  loop traces show 4bf92f35 --project demo --span 00f067aa --full")]
pub struct Show {
    /// A trace's id, a unique prefix of it, or the id of one of its spans
    trace: String,
    /// One span of it, with its messages, attributes and events; a unique prefix does
    #[arg(long, value_name = "ID")]
    span: Option<String>,
    #[command(flatten)]
    which: Which,
    /// At most so many spans
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Long values whole
    #[arg(long)]
    full: bool,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let asked = self.which.open(app)?;
        let (snapshot, prices) = (&asked.snapshot, asked.prices(app)?);
        let bounds = |chars| Bounds::new(self.limit, chars, self.full);
        let shown = match &self.span {
            Some(span) => query::show_span(snapshot, &self.trace, span, bounds(2_000), &prices)?,
            None => query::show(snapshot, &self.trace, bounds(400), &prices)?,
        };
        let typing = self.which.typing();
        print(
            app,
            &shown,
            || render::show(&shown, typing.typed()),
            |out, screen| match view::show(&shown, typing.typed()) {
                view::View::Tree(tree) => human::write_tree(out, screen, &tree),
                view::View::Whole(whole) => human::write_span(out, screen, &whole),
            },
        )
    }
}
