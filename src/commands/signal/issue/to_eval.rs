//! `loop signal issue to-eval`

use crate::commands::app::{App, Done};
use crate::commands::signal::project;
use crate::domain::plan::Window;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::output::{Reporter as _, Step, brief, failure, json};
use crate::runner::Gather;
use crate::runner::signal::{Check, to_eval};
use crate::traces::snapshot::Snapshot;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

const DAY: i64 = 86_400_000;

/// Write a check of it: rows of a dataset, and an evaluator to begin with
///
/// Leaves `dataset.jsonl`, with traces that show the failure and traces that did the same and went well,
/// and `evaluator.py`, which tells them apart where the failure is an error, and else is to be written.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal issue to-eval 94e6
  loop signal issue to-eval 94e6 -o evals/order-ids && python3 evals/order-ids/evaluator.py")]
pub struct ToEval {
    /// Its id, or a unique prefix of it
    issue: String,
    /// The folder to write to; `evals/PROJECT-ID` if nothing is said
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl ToEval {
    pub fn run(self, app: &App) -> Done {
        let store = app.store()?;
        let issue = store.find_issue(&self.issue)?;
        let project = project(app, &issue.project)?;
        let folder = self.output.unwrap_or_else(|| {
            Path::new("evals").join(format!("{}-{}", issue.project, &issue.id[..8]))
        });
        let window = match project.is_recorded() {
            true => Window::default(),
            false => Window {
                since: Some(issue.last_us / 1_000 - 7 * DAY),
                until: Some(issue.last_us / 1_000 + DAY),
            },
        };
        let otherwise = store.signal_file(&project.name, "db")?;
        let reporter = RefCell::new(brief::Brief::new(&app.screens));
        let path = app.with_outside(|outside| {
            let progress = |count| {
                reporter.borrow_mut().step(Step::counted("reading its traces", count, "span"));
            };
            let gather = Gather { outside, root: store.root(), progress: &progress };
            gather.snapshot(&project, window, &otherwise)
        })?;
        reporter.borrow_mut().step(Step::NOTHING);
        let check = to_eval(&Snapshot::open(&path)?, &issue)?;
        let files = write(&folder, &check)?;
        let words = format!("{} rows show it, {} do not", check.fail, check.pass);
        failure::note(&words, &app.screens);
        failure::note(&format!("try it: `python3 {}`", files[1]), &app.screens);
        app.show(
            |out| json::write_document(out, &files),
            |out| files.iter().try_for_each(|file| writeln!(out, "{file}")),
        )
    }
}

/// What is there already is somebody's work.
fn write(folder: &Path, check: &Check) -> Result<[String; 2]> {
    let doing = || format!("write the check to `{}`", folder.display());
    let files = ["dataset.jsonl", "evaluator.py"].map(|name| folder.join(name));
    if let Some(there) = files.iter().find(|file| file.exists()) {
        let sentence = format!("there is a check at `{}` already", there.display());
        return Err(
            Failure::new(Kind::Usage, sentence).hint("write this one somewhere else: `-o DIR`")
        );
    }
    std::fs::create_dir_all(folder).cannot(Kind::Config, doing)?;
    for (file, text) in files.iter().zip([&check.dataset, &check.evaluator]) {
        std::fs::write(file, text).cannot(Kind::Config, doing)?;
    }
    Ok(files.map(|file| file.display().to_string()))
}
