//! `loop automation enable`, `loop automation disable`

use crate::commands::app::{App, Done};
use crate::config::edit;
use crate::config::layers::Level;
use crate::output::{failure, json};

/// Let an automation run by itself again
///
/// What it missed meanwhile does not count.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation enable nightly")]
pub struct Enable {
    name: String,
}

/// Keep an automation from running by itself
///
/// `loop automation run` still runs it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation disable nightly")]
pub struct Disable {
    name: String,
}

impl Enable {
    pub fn run(self, app: &App) -> Done {
        switch(app, &self.name, true)
    }
}

impl Disable {
    pub fn run(self, app: &App) -> Done {
        switch(app, &self.name, false)
    }
}

fn switch(app: &App, name: &str, enabled: bool) -> Done {
    let (automation, origin) = app.layers()?.automation(name)?;
    let file = app.env.expand(app.env.cwd(), &origin.file);
    if automation.enabled != enabled {
        edit::set_enabled(&file, enabled)?;
        // Time begins anew, also where nothing looked in between.
        let trigger = if enabled { automation.trigger.line() } else { String::new() };
        app.store()?.decide(
            (name, &automation.spec),
            crate::commands::clock::now(),
            |standing| {
                standing.trigger.clear();
                standing.begin_with(&trigger, crate::commands::clock::now());
                Vec::new()
            },
        )?;
    }
    let state = if enabled { "enabled" } else { "disabled" };
    failure::note(&format!("{state}: {}", file.display()), &app.screens);
    if origin.level == Level::Repository && automation.enabled != enabled {
        failure::note("the folder has changed; allow it again: `loop allow`", &app.screens);
    }
    let path = file.display().to_string();
    app.show(|out| json::write_document(out, &path), |_| Ok(()))
}
