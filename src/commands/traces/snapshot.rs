//! `loop traces snapshot`

use super::Which;
use crate::commands::app::{App, Done};
use crate::error::{Cannot as _, Kind};
use crate::output::{failure, json};
use crate::traces::snapshot::Summary;
use serde::Serialize;
use std::path::PathBuf;

/// Write a project's traces to a snapshot file
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop traces snapshot --project demo -o demo.db
  loop traces list --project demo.db")]
pub struct Snapshot {
    #[command(flatten)]
    which: Which,
    /// Where to
    #[arg(short, long, value_name = "FILE.db")]
    output: PathBuf,
}

#[derive(Serialize)]
struct Told<'a> {
    path: &'a str,
    traces: u64,
    spans: u64,
    failing: u64,
    bytes: u64,
}

impl Snapshot {
    pub fn run(self, app: &App) -> Done {
        let asked = self.which.open(app)?;
        let path = self.output.display().to_string();
        std::fs::copy(asked.snapshot.path(), &self.output)
            .cannot(Kind::Config, || format!("write `{path}`"))?;
        let Summary { traces, spans, failing, bytes, .. } = *asked.snapshot.summary();
        failure::note(&format!("wrote {path}: {}", asked.snapshot.one_line()), &app.screens);
        let told = Told { path: &path, traces, spans, failing, bytes };
        app.show(|out| json::write_document(out, &told), |_| Ok(()))
    }
}
