//! `loop traces list`

use super::{Much, Which, print, view};
use crate::commands::app::{App, Done};
use crate::domain::measure;
use crate::error::{Failure, Kind as FailureKind};
use crate::output::human::traces as human;
use crate::traces::query::{self, Bounds, ListAsk, render};
use crate::traces::span::Kind;
use std::time::Duration;

/// List traces, newest first
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop traces list --project demo --errors
  loop traces list --project checkout --kind TOOL --name lookup_order --since 6h
  loop traces list --project demo --min-latency 10s --json")]
pub struct List {
    #[command(flatten)]
    which: Which,
    /// Only traces with a span in error
    #[arg(long)]
    errors: bool,
    /// Only traces with a span of this kind: LLM, TOOL, AGENT, RETRIEVER, CHAIN, ...
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only traces with a span or tool of this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only traces that took at least this long
    #[arg(long, value_name = "DURATION", value_parser = measure::duration)]
    min_latency: Option<Duration>,
    /// Only traces of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only traces of this user
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    #[command(flatten)]
    much: Much,
}

impl List {
    pub fn run(self, app: &App) -> Done {
        let kind = match &self.kind {
            Some(name) => Some(Kind::named(&name.to_uppercase()).ok_or_else(|| {
                Failure::new(FailureKind::Usage, format!("no kind of span is called `{name}`"))
                    .hint("`loop traces stats --by kind` shows those there are")
            })?),
            None => None,
        };
        let asked = self.which.open(app)?;
        let ask = ListAsk {
            errors: self.errors,
            kind,
            name: self.name.clone(),
            min_latency_ms: self.min_latency.map(|latency| latency.as_millis() as u64),
            session: self.session.clone(),
            user: self.user.clone(),
            window: asked.window,
        };
        let bounds = Bounds::new(self.much.limit, 60, self.much.full);
        let listing = query::list(&asked.snapshot, &ask, bounds, &asked.prices(app)?)?;
        let typing = self.which.typing();
        print(
            app,
            &listing,
            || render::list(&listing, typing.typed()),
            |out, screen| human::write_list(out, screen, &view::list(&listing, typing.typed())),
        )
    }
}
