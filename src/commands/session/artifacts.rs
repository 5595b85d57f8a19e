//! `loop session artifacts`

use crate::commands::app::{App, Done};
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::output::json::{self, v1};
use crate::output::view::SessionView;
use crate::output::{failure, human};
use crate::runner;
use std::path::{Path, PathBuf};

/// List what a session left
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session artifacts last
  loop session artifacts 7f3a --open
  loop session artifacts 7f3a --download ./review")]
pub struct Artifacts {
    /// Id, unique prefix of one, name, or `last`
    session: String,
    /// Open the investigation with the system's own program
    #[arg(long)]
    open: bool,
    /// Copy the files into a folder
    #[arg(long, value_name = "DIR")]
    download: Option<PathBuf>,
}

impl Artifacts {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let id = store.find(&self.session)?.id;
        app.sweep_quietly(&mut store)?;
        let view = runner::view(&store, &store.session(&id)?)?;
        if let Some(folder) = &self.download {
            download(&store.dir(&id).artifacts(), folder, &view)?;
            let copied = crate::domain::words::Count::of(view.artifacts.len(), "file");
            failure::note(&format!("copied {copied} to {}", folder.display()), &app.screens);
        }
        if self.open {
            open(&view)?;
        }
        if view.artifacts.is_empty() && !app.global.json {
            failure::note(&format!("session `{id}` left nothing so far"), &app.screens);
        }
        app.show(
            |out| json::write_document(out, &v1::Artifact::all(&view)),
            |out| human::artifacts::write(out, &app.screens.out, &view.artifacts),
        )
    }
}

fn download(from: &Path, to: &Path, view: &SessionView) -> Result<()> {
    for path in view.artifacts.iter().filter_map(|artifact| artifact.path.as_ref()) {
        let Ok(below) = Path::new(path).strip_prefix(from) else { continue };
        let target = to.join(below);
        let doing = || format!("copy `{}` to `{}`", below.display(), target.display());
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).cannot(Kind::Config, doing)?;
        }
        std::fs::copy(path, &target).cannot(Kind::Config, doing)?;
    }
    Ok(())
}

fn open(view: &SessionView) -> Result<()> {
    let first =
        view.artifacts.iter().find_map(|artifact| artifact.path.as_ref().or(artifact.url.as_ref()));
    let Some(first) = first else {
        return Err(Failure::new(
            Kind::Usage,
            format!("session `{}` left nothing to open", view.id),
        ));
    };
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    std::process::Command::new(program)
        .arg(first)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .map(drop)
        .cannot(Kind::Usage, || format!("open `{first}` with `{program}`"))
}
