//! `loop traces sql`

use super::{Asked, Much, Which, print};
use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::error::{Cannot as _, Kind, Result};
use crate::output::human::traces as human;
use crate::traces::query::{self, Bounds, Table, render};
use std::sync::mpsc;
use std::time::Duration;

/// How long a query may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much longer one step of it may take, which SQLite does not interrupt.
const GRACE: Duration = Duration::from_secs(1);

/// Deeply nested expressions are read by recursion.
const STACK: usize = 16 << 20;

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
        query::bound_memory(&asked.snapshot)?;
        let bounds = Bounds::new(self.much.limit, 200, self.much.full);
        let table = in_time(asked, self.query.clone(), bounds)?;
        let typing = self.which.typing();
        print(
            app,
            &table,
            || render::sql(&table, typing.typed()),
            |out, screen| {
                let cells = |row: &Vec<_>| row.iter().map(render::long_cell).collect();
                let rows: Vec<Vec<String>> = table.rows.iter().map(cells).collect();
                let notes = [render::rows_told(&table)];
                let next = typing.typed().command(&render::next_of_rows(&table));
                human::write_rows(out, screen, &table.columns, &rows, (&notes, &next))
            },
        )
    }
}

/// Asks on a thread of its own, so that a single step that takes for ever is left behind too: the
/// process ends soon, and the thread with it.
fn in_time(asked: Asked, query: String, bounds: Bounds) -> Result<Table> {
    let Asked { snapshot, scratch, .. } = asked;
    let end = clock::now() + i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX);
    let (tell, told) = mpsc::channel();
    let ask = move || {
        let overdue = move || clock::now() > end;
        // Nobody listens any more where it came too late.
        let _ = tell.send(query::sql(&snapshot, &query, bounds, overdue));
    };
    std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(ask)
        .cannot(Kind::Config, || "ask the snapshot".to_owned())?;
    let answer = told.recv_timeout(PATIENCE + GRACE);
    drop(scratch);
    answer.unwrap_or_else(|_| Err(query::overdue()))
}
