//! `loop preset edit`

use crate::commands::app::{App, Done};
use crate::config::layers::Level;
use crate::error::{Cannot as _, Failure, Kind};
use crate::output::failure;

/// Open a preset in your editor, then check it
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop preset edit nightly
  EDITOR='code --wait' loop preset edit nightly")]
pub struct Edit {
    name: String,
}

impl Edit {
    pub fn run(self, app: &App) -> Done {
        let listed = app.layers()?.presets();
        let found = listed.iter().find(|listed| listed.name == self.name);
        let Some(found) = found else {
            // Says which there are.
            return app.layers()?.preset(&self.name).map(|_| 0);
        };
        if found.origin.level == Level::Bundled {
            let sentence = format!("preset `{}` is bundled and cannot be changed", self.name);
            return Err(Failure::new(Kind::Usage, sentence).hint(format!(
                "write one of that name, which hides it: `loop preset new {}`",
                self.name
            )));
        }
        let file = app.env.expand(app.env.cwd(), &found.origin.file);
        let editor = app.env.var("VISUAL").or_else(|| app.env.var("EDITOR"));
        let editor = editor.unwrap_or_else(|| "vi".to_owned());
        std::process::Command::new("/bin/sh")
            .args(["-c", &format!("{editor} \"$1\""), "editor"])
            .arg(&file)
            .status()
            .cannot(Kind::Usage, || format!("open the editor `{editor}`"))?;
        app.layers()?.preset(&self.name)?;
        failure::note("no mistakes", &app.screens);
        Ok(0)
    }
}
