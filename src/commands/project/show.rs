//! `loop project show`

use crate::commands::app::{App, Done, one};
use crate::domain::preset::Project;
use crate::output::human;
use crate::output::json::{self, v1};
use crate::output::view::{DoctorRow, DoctorState};
use crate::traces::Fact;

/// Show a project
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop project show demo
  loop project show demo --json
  loop project show checkout --check")]
pub struct Show {
    name: String,
    /// Look at its server too: is it there, and what may the key do
    #[arg(long)]
    check: bool,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let layers = app.layers()?;
        let (project, origin) = layers.project(&self.name)?;
        if self.check {
            return self.checked(app, &project);
        }
        let listed = one(project, &origin, &self.name, &layers.projects()?);
        app.show(
            |out| json::write_document(out, &v1::Project::of(&listed)),
            |out| {
                human::settings::write_projects(
                    out,
                    &app.screens.out,
                    std::slice::from_ref(&listed),
                )
            },
        )
    }
}

impl Show {
    fn checked(&self, app: &App, project: &Project) -> Done {
        let facts = super::inspect(app, project)?;
        let rows: Vec<_> = facts.into_iter().map(row).collect();
        app.show(
            |out| json::write_document(out, &v1::Doctor::all(&rows)),
            |out| human::doctor::write(out, &app.screens.out, &rows),
        )
    }
}

fn row(fact: Fact) -> DoctorRow {
    DoctorRow {
        requirement: fact.what.to_owned(),
        state: if fact.holds { DoctorState::Ready } else { DoctorState::Optional },
        detail: fact.detail,
        mend: fact.mend,
    }
}
