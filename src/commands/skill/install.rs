//! `loop skill install`

use super::pin;
use crate::commands::app::{App, Done};
use crate::config::lock;
use crate::error::{Failure, Kind};
use crate::output::json::{self, v1};
use crate::output::{ask, failure, human};

/// Look at what a custom skill installs, and agree to it
///
/// Shows the folders and files of its source as they are now. What is agreed to is written down by
/// commit and content, and sessions use just that; when the source gives something else, they refuse
/// until somebody looks again.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop skill install runbooks
  loop skill install runbooks --json             only a look
  loop skill install runbooks --yes              in a script that trusts the source")]
pub struct Install {
    name: String,
    /// Agree without being asked
    #[arg(short, long)]
    yes: bool,
}

impl Install {
    pub fn run(self, app: &App) -> Done {
        let (skill, _) = app.layers()?.skill(&self.name)?;
        let Some(source) = &skill.source else {
            let sentence = format!("the skill `{}` installs nothing", skill.name);
            return Err(Failure::new(Kind::Usage, sentence)
                .because("it has no `[source]`; its instructions are all there is of it"));
        };
        let agreed = lock::read(&app.env)?.remove(&skill.name).filter(|pin| pin.is_of(source));
        let seen = pin::look(app, &skill, source, None)?;
        let view = pin::view(&skill, source, &seen, agreed.as_ref());
        app.show(
            |out| json::write_document(out, &v1::SkillInstall::of(&view)),
            |out| human::skills::write(out, &app.screens.out, &view),
        )?;
        if agreed.is_some_and(|pin| pin.digest == view.digest) {
            failure::note("this is what was agreed to before", &app.screens);
        } else if !self.yes && app.global.json {
            // A look; the document says what was agreed to, and what is there now.
            return Ok(0);
        } else if !self.yes && !app.asks() {
            return Err(pin::refused(&skill.name)
                .hint(format!("agree: `loop skill install {} --yes`", skill.name)));
        } else if !self.yes && !ask::confirm("let workers use these files?", &app.screens)? {
            return Err(pin::refused(&skill.name));
        }
        pin::agree(app, &skill.name, source, &seen)?;
        Ok(0)
    }
}
