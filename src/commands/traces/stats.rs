//! `loop traces stats`

use super::{Which, print};
use crate::commands::app::{App, Done};
use crate::traces::query::{self, By, render};

/// Counts, error rates, latencies, tokens and cost
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop traces stats --project demo
  loop traces stats --project demo --by tool
  loop traces stats --project demo --by model --json")]
pub struct Stats {
    /// name, kind, model, tool or session
    #[arg(long, value_name = "WHAT")]
    by: Option<String>,
    #[command(flatten)]
    which: Which,
    /// At most so many groups
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

impl Stats {
    pub fn run(self, app: &App) -> Done {
        let by = self.by.as_deref().map(By::named).transpose()?;
        let asked = self.which.open(app)?;
        let stats = query::stats(&asked.snapshot, by, self.limit)?;
        let typing = self.which.typing();
        print(app, &stats, || render::stats(&stats, typing.typed()))
    }
}
