//! `loop project add`

use crate::commands::app::{App, Done, known};
use crate::config::edit;
use crate::domain::preset::Project;
use crate::error::Result;
use crate::output::{failure, json};
use std::path::PathBuf;

/// Name a source of traces
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop project add checkout --source file --path ./traces
  loop project add checkout --source file --path ./traces.jsonl.gz
  loop project add checkout --source phoenix --url http://localhost:6006 --project checkout-agent
  loop project add checkout --source phoenix --secret PHOENIX_API_KEY --no-check")]
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
    /// The space that holds it, by name or id, for `arize`
    #[arg(long, value_name = "SPACE")]
    space: Option<String>,
    /// Where the account is, for `arize`: `eu-west-1a` and its like
    #[arg(long, value_name = "REGION", conflicts_with = "url")]
    region: Option<String>,
    /// Add it without a look at the server first
    #[arg(long)]
    no_check: bool,
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
            space: self.space,
            region: self.region,
        };
        if !self.no_check && !project.is_recorded() {
            edit::could_add_project(&app.env, &known(), &project)?;
            check(app, &project)?;
        }
        let file = edit::add_project(&app.env, &known(), &project)?.display().to_string();
        failure::note(&format!("added to {file}"), &app.screens);
        app.show(|out| json::write_document(out, &file), |_| Ok(()))
    }
}

/// A look at the server, so that a mistake shows now and not in the first session.
pub fn check(app: &App, project: &Project) -> Result<()> {
    let facts = super::inspect(app, project).map_err(|mut failed| {
        failed.hints.truncate(1);
        failed.hint("or add it unseen: `--no-check`")
    })?;
    for fact in facts {
        let told = format!("{}: {}", fact.what, fact.detail);
        match fact.mend {
            Some(mend) => failure::warn(&format!("{told}\n  {mend}"), &app.screens),
            None => failure::note(&told, &app.screens),
        }
    }
    Ok(())
}
