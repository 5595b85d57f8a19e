//! `loop session export`

use super::drive;
use crate::commands::app::{App, Done};
use crate::config::settings::RUNS;
use crate::domain::words::Count;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::output::{Written, export, failure, json, page, wire};
use crate::runner::{self, Sending, Telling, events};
use crate::store::{SessionRecord, Store};
use crate::telemetry::{json_line, protobuf};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Write a whole session to a file, or send it as spans
///
/// As `otlp` it is OpenInference spans: OTLP JSON, a request a line, which `loop traces --project
/// FILE` reads; or OTLP protobuf where the file's name ends in `.pb`. With `--send` they go to the
/// server that `[telemetry]` names. Sessions started with `[telemetry]` are sent by themselves.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop session export last -o session.md
  loop session export last --format html -o session.html
  loop session export 7f3a --format json | jq .events
  loop session export 7f3a --format otlp -o run.jsonl && loop traces list --project run.jsonl
  loop session export 7f3a --send")]
pub struct Export {
    /// Id, unique prefix of one, name, or `last`
    session: String,
    /// md, html, json or otlp
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "md",
        default_value_if("send", "true", "otlp"),
        value_parser = ["md", "html", "json", "otlp"]
    )]
    format: String,
    /// Where to; else standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Send its spans to the server of `[telemetry]`, also those that were sent before
    #[arg(long, conflicts_with = "output")]
    send: bool,
}

impl Export {
    pub fn run(self, app: &App) -> Done {
        let mut store = app.store()?;
        let id = store.find(&self.session)?.id;
        app.sweep_quietly(&mut store)?;
        let session = store.session(&id)?;
        if self.send {
            return self.send(app, &store, &id);
        }
        let Some(path) = &self.output else {
            let mut written = Ok(());
            wire::answer(|out| {
                written = self.write(app, &store, &session, out);
                Ok(())
            })?;
            return written.map(|()| 0);
        };
        let doing = || format!("write `{}`", path.display());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = tempfile::NamedTempFile::new_in(folder.unwrap_or_else(|| Path::new(".")))
            .cannot(Kind::Config, doing)?;
        let mut out = BufWriter::new(file);
        self.write(app, &store, &session, &mut out)?;
        let file = out.into_inner().map_err(std::io::IntoInnerError::into_error);
        file.cannot(Kind::Config, doing)?.persist(path).cannot(Kind::Config, doing)?;
        failure::note(&format!("wrote {}", path.display()), &app.screens);
        Ok(0)
    }

    fn write(
        &self,
        app: &App,
        store: &Store,
        session: &SessionRecord,
        out: &mut dyn Write,
    ) -> Result<()> {
        let mut events = events(&store.dir(&session.id).transcript())?;
        match self.format.as_str() {
            "otlp" => self.write_spans(app, store, session, out),
            "html" => page::write_html(out, &runner::view(store, session)?, &mut events),
            "json" => export::write_json(out, &runner::view(store, session)?, &mut events),
            _ => export::write_markdown(out, &runner::view(store, session)?, &mut events),
        }
    }

    /// OTLP's requests, one after the other: as lines of JSON, or as one message of protobuf.
    fn write_spans(
        &self,
        app: &App,
        store: &Store,
        session: &SessionRecord,
        out: &mut dyn Write,
    ) -> Result<()> {
        let events = events(&store.dir(&session.id).transcript())?;
        let telemetry = app.layers()?.settings()?.telemetry;
        let project = telemetry.as_ref().map_or(RUNS, |telemetry| &telemetry.project);
        let telling = app.with_outside(|outside| Telling::new(store, outside, session))?;
        let ending = self.output.as_ref().and_then(|path| path.extension());
        let is_protobuf = ending.is_some_and(|ending| ending.eq_ignore_ascii_case("pb"));
        for request in telling.requests(events, project) {
            let request = request?;
            let bytes = if is_protobuf { protobuf(&request) } else { json_line(&request) };
            match Written::of(out.write_all(&bytes)) {
                Written::All => {}
                // Who reads has enough.
                Written::ReaderGone => return Ok(()),
                Written::Failed(failed) => return Err(failed),
            }
        }
        Written::of(out.flush()).ok()
    }

    fn send(&self, app: &App, store: &Store, id: &str) -> Done {
        if self.format != "otlp" {
            let sentence = format!("`--send` sends spans, and no `{}`", self.format);
            return Err(Failure::new(Kind::Usage, sentence).hint("leave out `--format`"));
        }
        let Some(_lock) = drive::lock_soon(store, id)? else { return Err(drive::busy(id)) };
        let session = store.session(id)?;
        let sent =
            app.with_outside(|outside| Sending { store, outside, time: None }.again(&session))?;
        if let Some((count, why)) = &sent.refused {
            let count = Count::of(*count as usize, "span");
            failure::warn(&format!("the server threw {count} away: {why}"), &app.screens);
        }
        let count = Count::of(sent.spans as usize, "span");
        failure::note(&format!("sent {count} of session {id}"), &app.screens);
        let told = serde_json::json!({ "session": id, "spans": sent.spans });
        app.show(|out| json::write_document(out, &told), |_| Ok(()))
    }
}
