//! `loop session export`

use crate::commands::app::{App, Done};
use crate::domain::transcript::Event;
use crate::error::{Cannot as _, Kind, Result};
use crate::output::{export, failure, wire};
use crate::runner;
use crate::store::TranscriptFile;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Write a whole session to a file
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session export last -o session.md
  loop session export 7f3a --format json | jq .events")]
pub struct Export {
    /// Id, unique prefix of one, name, or `last`
    session: String,
    /// md or json
    #[arg(long, value_name = "FORMAT", default_value = "md", value_parser = ["md", "json"])]
    format: String,
    /// Where to; else standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let id = store.find(&self.session)?.id;
        app.sweep_quietly(&mut store)?;
        let view = runner::view(&store, &store.session(&id)?)?;
        let mut events = events(&store.dir(&id).transcript())?;
        let mut write = |out: &mut dyn Write| match self.format.as_str() {
            "json" => export::write_json(out, &view, &mut events),
            _ => export::write_markdown(out, &view, &mut events),
        };
        let Some(path) = &self.output else {
            let mut written = Ok(());
            wire::answer(|out| {
                written = write(out);
                Ok(())
            })?;
            return written.map(|()| 0);
        };
        let doing = || format!("write `{}`", path.display());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = tempfile::NamedTempFile::new_in(folder.unwrap_or_else(|| Path::new(".")))
            .cannot(Kind::Config, doing)?;
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        let file = out.into_inner().map_err(std::io::IntoInnerError::into_error);
        file.cannot(Kind::Config, doing)?.persist(path).cannot(Kind::Config, doing)?;
        failure::note(&format!("wrote {}", path.display()), &app.screens);
        Ok(0)
    }
}

/// The stored events, one at a time: a transcript may be of any length.
fn events(path: &Path) -> Result<Box<dyn Iterator<Item = Result<Event>>>> {
    let doing = || "read the transcript".to_owned();
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Box::new(std::iter::empty()));
        }
        file => file.cannot(Kind::Config, doing)?,
    };
    let lines = BufReader::with_capacity(256 << 10, file).split(b'\n');
    Ok(Box::new(lines.filter_map(move |line| match line.cannot(Kind::Config, doing) {
        Ok(line) => TranscriptFile::read(&line).map(Ok),
        Err(failed) => Some(Err(failed)),
    })))
}
