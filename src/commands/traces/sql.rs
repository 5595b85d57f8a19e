//! `loop traces sql`

use super::{Much, Which, print};
use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::traces::query::{self, Bounds, render};

/// How long a query may take, in milliseconds.
const PATIENCE: i64 = 5_000;

/// Ask the snapshot in SQL, read-only
///
/// Views: spans, traces, events, annotations; tables: search (full text), header. A query ends after
/// 5 s.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop traces sql --project demo \"SELECT name, count(*) FROM spans GROUP BY name ORDER BY 2 DESC\"
  loop traces sql --project demo \"SELECT sql FROM sqlite_schema\" --full")]
pub struct Sql {
    query: String,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    much: Much,
}

impl Sql {
    pub fn run(self, app: &App) -> Done {
        let asked = self.which.open(app)?;
        let bounds = Bounds::new(self.much.limit, 200, self.much.full);
        let end = clock::now() + PATIENCE;
        let table = query::sql(&asked.snapshot, &self.query, bounds, move || clock::now() > end)?;
        let typing = self.which.typing();
        print(app, &table, || render::sql(&table, typing.typed()))
    }
}
