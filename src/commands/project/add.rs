//! `loop project add`

use crate::commands::app::{App, Done, known};
use crate::config::edit;
use crate::domain::preset::Project;
use crate::output::{failure, json};
use std::path::PathBuf;

/// Name a source of traces
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop project add checkout --source file --path ./traces
  loop project add checkout --source file --path ./traces.jsonl.gz")]
pub struct Add {
    /// What it is to be called
    name: String,
    /// file, phoenix or arize
    #[arg(long, value_name = "KIND", default_value = "file")]
    source: String,
    /// A file or folder of traces, for `file`
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// The server, for `phoenix` and `arize`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The source's own name of the project, where it differs
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// The name of the secret that is the server's key
    #[arg(long, value_name = "NAME")]
    secret: Option<String>,
}

impl Add {
    pub fn run(self, app: &App) -> Done {
        // From wherever it is used later, the path means the same.
        let path = self.path.map(|path| std::path::absolute(&path).unwrap_or(path));
        let project = Project {
            name: self.name,
            source: self.source,
            path: path.map(|path| path.display().to_string()),
            url: self.url,
            project: self.project,
            secret: self.secret,
        };
        let file = edit::add_project(&app.env, &known(), &project)?.display().to_string();
        failure::note(&format!("added to {file}"), &app.screens);
        app.show(|out| json::write_document(out, &file), |_| Ok(()))
    }
}
