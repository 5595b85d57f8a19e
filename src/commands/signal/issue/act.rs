//! `loop signal issue resolve`, `reopen`, `mute` and `assign-pr`: a person's word.

use super::show::document;
use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::config::window;
use crate::domain::issue::{Input, Issue, PullRequest, State};
use crate::error::{Failure, Kind, Result};
use crate::output::failure;
use crate::runner::signal::merge_of;

/// It is dealt with; it counts as regressed if it comes back
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal issue resolve 94e6")]
pub struct Resolve {
    /// Its id, or a unique prefix of it
    issue: String,
}

/// It is not dealt with after all
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal issue reopen 94e6")]
pub struct Reopen {
    /// Its id, or a unique prefix of it
    issue: String,
}

/// Hear nothing of it; it goes on being counted
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal issue mute 94e6")]
pub struct Mute {
    /// Its id, or a unique prefix of it
    issue: String,
}

/// Name the pull request that is to fix it
///
/// Once it is merged, every run counts comparable traces without the failure, until there are enough to
/// say that it is gone.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop signal issue assign-pr 94e6 https://github.com/acme/checkout/pull/412
  loop signal issue assign-pr 94e6 https://github.com/acme/checkout/pull/412 --merged
  loop signal issue assign-pr 94e6 https://git.acme.com/shop/7 --merged --at 2026-11-20T10:00Z")]
pub struct AssignPr {
    /// Its id, or a unique prefix of it
    issue: String,
    /// The address of the pull request
    url: String,
    /// It was merged already
    #[arg(long)]
    merged: bool,
    /// When it was merged; now if nothing is said
    #[arg(long, value_name = "WHEN", requires = "merged")]
    at: Option<String>,
}

impl Resolve {
    pub fn run(self, app: &App) -> Done {
        let now = clock::now();
        act(app, &self.issue, |issue| {
            issue.take(Input::Resolve { at_us: now.saturating_mul(1_000) }, now)
        })
    }
}

impl Reopen {
    pub fn run(self, app: &App) -> Done {
        act(app, &self.issue, |issue| issue.take(Input::Reopen, clock::now()))
    }
}

impl Mute {
    pub fn run(self, app: &App) -> Done {
        act(app, &self.issue, |issue| issue.take(Input::Mute, clock::now()))
    }
}

impl AssignPr {
    pub fn run(self, app: &App) -> Done {
        let now = clock::now();
        let at = self.at.as_deref().map(|text| window::bound("at", text, now)).transpose()?;
        check_url(&self.url)?;
        let url = self.url;
        let merged = self.merged.then(|| at.unwrap_or(now));
        act(app, &self.issue, |issue| {
            if !matches!(issue.life.state, State::Merged) {
                // What a person says of one that is over, or muted, opens it.
                if !issue.life.state.is_open() {
                    issue.take(Input::Reopen, now);
                }
            }
            issue.note(now, None, format!("assigned: {url}"));
            issue.pull_request = Some(PullRequest { url, session: None });
            issue.take(Input::Proposed, now);
            if let Some(at) = merged {
                issue.take(merge_of(issue, at), now);
            }
            true
        })
    }
}

fn check_url(url: &str) -> Result<()> {
    let is_address = url.starts_with("https://") || url.starts_with("http://");
    if is_address && !url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Ok(());
    }
    Err(Failure::new(Kind::Usage, format!("`{url}` is no address of a pull request"))
        .hint("write it whole: `https://github.com/owner/name/pull/7`"))
}

/// Changes an issue and shows it. `change` says whether it changed anything.
fn act(app: &App, word: &str, change: impl FnOnce(&mut Issue) -> bool) -> Done {
    let mut store = app.store()?;
    let id = store.find_issue(word)?.id;
    let mut changed = false;
    let issue = store.change_issue(&id, |issue| changed = change(issue))?;
    if !changed {
        let words = format!("it is {} already", issue.life.state.name());
        failure::note(&words, &app.screens);
    }
    document(app, &store, issue)
}
