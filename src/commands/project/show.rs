//! `loop project show`

use crate::commands::app::{App, Done, one};
use crate::domain::preset::Project;
use crate::domain::words::Count;
use crate::output::json::{self, v1};
use crate::output::view::{DoctorRow, DoctorState};
use crate::output::{human, sanitise};
use crate::traces::{self, Fact, Reach};

/// Show a project
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop project show demo
  loop project show demo --json
  loop project show checkout --check
  loop project show checkout --monitors")]
pub struct Show {
    name: String,
    /// Look at its server too: is it there, and what may the key do
    #[arg(long)]
    check: bool,
    /// Ask its source what it watches of the project, and how that stands (`arize`)
    #[arg(long, conflicts_with = "check")]
    monitors: bool,
}

impl Show {
    pub fn run(self, app: &App) -> Done {
        let layers = app.layers()?;
        let (project, origin) = layers.project(&self.name)?;
        if self.check {
            return self.checked(app, &project);
        }
        if self.monitors {
            return monitors(app, &project);
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

fn monitors(app: &App, project: &Project) -> Done {
    let monitors = app.with_outside(|outside| {
        let reach = Reach { secret: outside.secret, ca_bundle: outside.ca_bundle.as_deref() };
        traces::source(project, reach)?.monitors()
    })?;
    let triggered = monitors.iter().filter(|monitor| monitor.is_triggered()).count();
    let mut text = format!("{}, {triggered} triggered\n", Count::of(monitors.len(), "monitor"));
    for monitor in &monitors {
        let uri = monitor.uri.as_deref().map(|uri| format!("  {uri}")).unwrap_or_default();
        text.push_str(&format!("{}{uri}\n", monitor.line()));
    }
    app.show(
        |out| json::write_document(out, &monitors),
        |out| out.write_all(sanitise::text(&text).as_bytes()),
    )
}
