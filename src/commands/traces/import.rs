//! `loop traces import`

use super::in_sandbox;
use crate::commands::app::{App, Done, known};
use crate::config::value::{name as checked_name, usage};
use crate::config::{edit, layers::Layers};
use crate::domain::preset::{FILE, Project};
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::output::progress::Progress;
use crate::output::{Step, failure, json, sanitise};
use crate::traces::import::{self, Given, Imported};
use crate::traces::query::render::{counted, grouped};
use serde::Serialize;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// Keep traces of files in a project of their own
///
/// Copies the files into the data folder, into the project, which is made if there is none of that
/// name. Importing the same file twice changes nothing.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop traces import spans.jsonl --project checkout
  loop traces import exports/*.json.gz --project checkout
  curl -s https://example.com/spans.jsonl | loop traces import - --project checkout")]
pub struct Import {
    /// OTLP JSON, lines or one document, or OpenInference span exports; compressed or not; `-` reads stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The project they go into
    #[arg(long, value_name = "NAME")]
    project: String,
}

#[derive(Serialize)]
struct Told<'a> {
    version: u32,
    project: &'a str,
    path: String,
    /// Whether the project was made by this.
    created: bool,
    read: u64,
    new: u64,
    doubled: u64,
    left_out: u64,
    files: &'a [Imported],
}

impl Import {
    pub fn run(self, app: &App) -> Done {
        if in_sandbox() {
            return Err(Failure::new(Kind::Usage, "nothing is imported in a sandbox")
                .hint("run `loop traces import` on the host"));
        }
        checked_name(&self.project).map_err(usage)?;
        let folder = import::folder(&app.env.data_dir()?, &self.project);
        let is_new = is_new(&app.layers()?, &self.project, &folder)?;
        let imported = self.copy(app, &folder)?;
        if is_new {
            let project = Project {
                name: self.project.clone(),
                source: FILE.to_owned(),
                path: Some(folder.display().to_string()),
                ..Project::default()
            };
            let file = edit::add_project(&app.env, &known(), &project)?.display().to_string();
            failure::note(
                &format!("project `{}` is new: added to {file}", self.project),
                &app.screens,
            );
        }
        let sum = |count: fn(&Imported) -> u64| imported.iter().map(count).sum();
        let told = Told {
            version: 1,
            project: &self.project,
            path: folder.display().to_string(),
            created: is_new,
            read: sum(|one| one.read),
            new: sum(|one| one.new),
            doubled: sum(|one| one.doubled),
            left_out: sum(|one| one.left_out.values().sum()),
            files: &imported,
        };
        app.show(
            |out| json::write_document(out, &told),
            |out| out.write_all(sanitise::text(&text(&told)).as_bytes()),
        )
    }

    fn copy(&self, app: &App, folder: &Path) -> Result<Vec<Imported>> {
        let progress = RefCell::new(Progress::new(&app.screens));
        let what = format!("importing into {}", self.project);
        let tell = |count| progress.borrow_mut().step(Step::counted(&what, count, "span"));
        let given = self.files.iter().map(|path| opened(path));
        let imported = edit::locked(folder, || import::import(folder, given, &tell));
        progress.borrow_mut().step(Step::NOTHING);
        if imported.is_err() {
            // A folder that was made for nothing goes again.
            let _ = std::fs::remove_dir(folder.join(".ids"));
            let _ = std::fs::remove_dir(folder);
        }
        imported
    }
}

fn opened(path: &Path) -> Result<Given<'static>> {
    let name = path.display().to_string();
    if name == "-" {
        return Ok(Given { name: "stdin".to_owned(), content: Box::new(std::io::stdin()) });
    }
    let doing = || format!("read traces from `{name}`");
    if path.is_dir() {
        return Err(Failure::new(Kind::Usage, format!("`{name}` is a folder, not a file"))
            .hint(format!("name its files: `loop traces import {name}/*`"))
            .hint(format!("or read it where it is: `loop project add NAME --path {name}`")));
    }
    let file = std::fs::File::open(path).cannot(Kind::Config, doing)?;
    Ok(Given { name, content: Box::new(file) })
}

/// Whether the project has to be made. Fails where it is one that nothing can be imported into.
fn is_new(layers: &Layers, name: &str, folder: &Path) -> Result<bool> {
    let listed = layers.projects()?;
    let Some(found) = listed.into_iter().find(|listed| listed.name == name) else {
        return Ok(true);
    };
    let project = found.value?;
    let refused = |why: String| {
        Err(Failure::new(Kind::Usage, format!("nothing can be imported into project `{name}`"))
            .because(why)
            .hint("take the name of a project that is not there yet"))
    };
    if project.source != FILE {
        return refused(format!("its traces come from `{}`, not from files", project.source));
    }
    let path = project.path.unwrap_or_default();
    let same = Path::new(&path) == folder
        || std::fs::canonicalize(&path)
            .ok()
            .is_some_and(|own| std::fs::canonicalize(folder).is_ok_and(|folder| folder == own));
    if same {
        return Ok(false);
    }
    let mut failure = refused(format!("its traces are your own, at `{path}`"));
    if Path::new(&path).is_dir()
        && let Err(failure) = &mut failure
    {
        failure
            .hints
            .insert(0, format!("copy the files there: it is read as it is, `cp FILE {path}`"));
    }
    failure
}

fn text(told: &Told) -> String {
    let mut text = String::new();
    for one in told.files {
        let what = match (one.already, one.new, one.doubled) {
            (true, ..) => "imported already".to_owned(),
            (_, 0, _) => format!("{} read, all of them here already", counted(one.read, "span")),
            (_, new, 0) => format!("{}, all new", counted(new, "span")),
            (_, new, doubled) => {
                let read = counted(one.read, "span");
                format!("{read}: {} new, {} here already", grouped(new), grouped(doubled))
            }
        };
        text.push_str(&format!("{}: {what}\n", one.file));
        for (reason, count) in &one.left_out {
            text.push_str(&format!("  left out {}: {reason}\n", grouped(*count)));
        }
    }
    if told.files.len() > 1 {
        let read = counted(told.read, "span");
        let (new, doubled) = (grouped(told.new), grouped(told.doubled));
        text.push_str(&format!("in all {read}: {new} new, {doubled} here already\n"));
    }
    text.push_str(&format!("next: loop traces stats --project {}\n", told.project));
    text
}
