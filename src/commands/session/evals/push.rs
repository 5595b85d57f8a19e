//! `loop session evals push`

use super::Left;
use crate::commands::app::{App, Done};
use crate::domain::preset::Project;
use crate::domain::words::{Count, did_you_mean};
use crate::error::{Failure, Kind, Result};
use crate::output::progress::Progress;
use crate::output::{Step, ask, failure, json, sanitise};
use crate::traces::evals::{self, Annotate, Batch, Eval, render};
use crate::traces::{self, Reach};
use serde::Serialize;
use std::cell::RefCell;

/// Write eval labels to the project that the spans came from
#[derive(clap::Args)]
#[command(after_help = "\
Pushing again updates what was pushed before. Lines with mistakes are left out.

Examples:
  loop session evals push last --dry-run
  loop session evals push 7f3a --name correctness --yes
  loop session evals push 7f3a --to checkout")]
pub struct Push {
    /// Id, unique prefix of one, name, or `last`
    session: String,
    /// Only those of this name; may be given several times
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Write to this project instead of the session's own
    #[arg(long, value_name = "PROJECT")]
    to: Option<String>,
    /// Print what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask first
    #[arg(short, long)]
    yes: bool,
}

/// What was written.
#[derive(Serialize)]
struct Told<'a> {
    version: u32,
    session: &'a str,
    project: &'a str,
    identifier: &'a str,
    written: usize,
    /// Lines with mistakes.
    left_out: usize,
    dry_run: bool,
    /// What would be sent, in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<&'a [Batch]>,
}

impl Push {
    pub fn run(self, app: &App) -> Done {
        let left = Left::open(app, &self.session)?;
        let project = self.project(app, &left)?;
        let chosen = self.chosen(&left)?;
        let identifier = format!("loop-{}", left.id);
        app.with_outside(|outside| {
            let reach = Reach { secret: outside.secret, ca_bundle: outside.ca_bundle.as_deref() };
            let to =
                traces::annotate(&project, reach)?.ok_or_else(|| only_gives(&project, &left))?;
            let batches = to.batches(&chosen, &identifier)?;
            if !self.dry_run && !self.agreed(app, &project, &left, chosen.len())? {
                return Err(Failure::new(Kind::Interrupted, "nothing was written"));
            }
            let written = if self.dry_run { 0 } else { written(app, &*to, &batches)? };
            let told = Told {
                version: 1,
                session: &left.id,
                project: &project.name,
                identifier: &identifier,
                written,
                left_out: left.evals.mistakes.len(),
                dry_run: self.dry_run,
                requests: self.dry_run.then_some(&batches),
            };
            let text = match told.requests {
                Some(batches) => render::dry_run(&project.name, batches),
                None => format!("wrote {} to `{}`\n", Count::of(written, "eval"), project.name),
            };
            app.show(
                |out| json::write_document(out, &told),
                |out| out.write_all(sanitise::text(&text).as_bytes()),
            )
        })
    }

    fn project(&self, app: &App, left: &Left) -> Result<Project> {
        let to = self.to.as_deref().map(|name| app.layers()?.project(name));
        let named = to.transpose()?.map(|(project, _)| project);
        named.or_else(|| left.project.clone()).ok_or_else(|| {
            Failure::new(Kind::Usage, format!("session `{}` is bound to no project", left.id))
                .hint("name the project that has these spans: `--to PROJECT`")
        })
    }

    /// The evals of the names that are asked for; of all, where none is.
    fn chosen(&self, left: &Left) -> Result<Vec<Eval>> {
        let good = &left.evals.good;
        for name in &self.name {
            if good.iter().any(|eval| eval.name == *name) {
                continue;
            }
            let failure = Failure::new(Kind::Usage, format!("no eval is called `{name}`"));
            return Err(match did_you_mean(name, good.iter().map(|eval| eval.name.as_str())) {
                Some(near) => failure.hint(format!("did you mean `--name {near}`?")),
                None => failure.hint(format!("`loop session evals show {}` lists them", left.id)),
            });
        }
        let wanted = |eval: &&Eval| self.name.is_empty() || self.name.contains(&eval.name);
        let chosen: Vec<Eval> = good.iter().filter(wanted).cloned().collect();
        if chosen.is_empty() {
            return Err(Failure::new(Kind::Usage, "there is nothing to push")
                .because(format!("{} with mistakes", Count::of(left.evals.mistakes.len(), "line")))
                .hint(format!("`loop session evals show {}` says what is wrong", left.id)));
        }
        Ok(chosen)
    }

    /// Whether somebody said yes.
    fn agreed(&self, app: &App, project: &Project, left: &Left, count: usize) -> Result<bool> {
        let wrong = left.evals.mistakes.len();
        if wrong > 0 {
            let lines = Count::of(wrong, "line");
            let hint = format!("`loop session evals show {}` says why", left.id);
            failure::warn(&format!("left out {lines} with mistakes; {hint}"), &app.screens);
        }
        if self.yes {
            return Ok(true);
        }
        let evals = Count::of(count, "eval");
        if !app.asks() {
            return Err(Failure::new(Kind::Usage, format!("nobody agreed to write {evals}"))
                .because("there is no terminal to ask at")
                .hint("look at them with `--dry-run`, then say `--yes`"));
        }
        let name = &project.name;
        ask::confirm(
            &format!("write {evals} to {} project `{name}`?", project.source),
            &app.screens,
        )
    }
}

fn written(app: &App, to: &dyn Annotate, batches: &[Batch]) -> Result<usize> {
    let progress = RefCell::new(Progress::new(&app.screens));
    let step = |count: usize| {
        progress.borrow_mut().step(Step::counted("writing evals", count as u64, "eval"));
    };
    evals::push(to, batches, &step)
}

fn only_gives(project: &Project, left: &Left) -> Failure {
    let Project { name, source, .. } = project;
    let sentence = format!("evals cannot be written to `{name}`, a project of source `{source}`");
    Failure::new(Kind::Usage, sentence)
        .because("nobody there takes annotations")
        .hint(format!(
            "name the project of a server that has these spans: `loop session evals push {} --to PROJECT`",
            left.id
        ))
        .hint("`loop project add NAME --source phoenix --url …` adds one")
}
