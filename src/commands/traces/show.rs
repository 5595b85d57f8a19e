//! `loop traces show`

use super::{Which, print};
use crate::commands::app::{App, Done};
use crate::traces::query::{self, Bounds, render};

/// Show a trace as a tree, or one span whole
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop traces show 4bf92f35 --project demo
  loop traces show 4bf92f35 --project demo --span 00f067aa0ba902b7 --full")]
pub struct Show {
    /// A trace's id, a unique prefix of it, or the id of one of its spans
    trace: String,
    /// One span of it, with all its attributes and events
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
        let shown = match &self.span {
            Some(span) => {
                let bounds = Bounds::new(self.limit, 2_000, self.full);
                query::show_span(&asked.snapshot, &self.trace, span, bounds)?
            }
            None => {
                query::show(&asked.snapshot, &self.trace, Bounds::new(self.limit, 400, self.full))?
            }
        };
        let typing = self.which.typing();
        print(app, &shown, || render::show(&shown, typing.typed()))
    }
}
