//! `loop traces snapshot`

use super::Which;
use crate::commands::app::{App, Done};
use crate::error::{Cannot as _, Kind};
use crate::output::{failure, json};
use crate::traces::snapshot::Summary;
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};

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
        place(asked.snapshot.path(), &self.output)
            .cannot(Kind::Config, || format!("write `{path}`"))?;
        let Summary { traces, spans, failing, bytes, .. } = *asked.snapshot.summary();
        failure::note(&format!("wrote {path}: {}", asked.snapshot.one_line()), &app.screens);
        let told = Told { path: &path, traces, spans, failing, bytes };
        app.show(|out| json::write_document(out, &told), |_| Ok(()))
    }
}

/// A snapshot is never written again, so where it can, the file gets a second name instead of a copy.
fn place(snapshot: &Path, output: &Path) -> io::Result<()> {
    let folder = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let scratch = tempfile::Builder::new().prefix(".snapshot-").tempdir_in(folder)?;
    let named = scratch.path().join("snapshot.db");
    std::fs::hard_link(snapshot, &named).or_else(|_| std::fs::copy(snapshot, &named).map(drop))?;
    std::fs::rename(named, output)
}
