//! Issues at the forge: an investigation told where a team keeps its work, once a session.
//!
//! An issue has no branch by which it could be found again, so a sentence of its own body tells whose
//! it is: the one that names the session.

use super::github::Forge;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// An issue to be opened.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub title: &'a str,
    pub body: &'a str,
    /// A part of the body that no other issue's has.
    pub mark: &'a str,
    /// Unix milliseconds; it cannot have been opened before.
    pub since: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub number: u64,
    pub url: String,
    pub title: String,
}

/// Pages that are looked through; of a hundred each, newest first.
const PAGES: usize = 10;
const PAGE: usize = 100;

impl Forge {
    /// Opens an issue, or finds it open or closed. However often it is called, and whatever answers
    /// are lost, there is one.
    pub fn report(
        &self,
        wanted: &Wanted,
        now: &dyn Fn() -> i64,
        wait: &mut dyn FnMut(&str),
    ) -> Result<Issue> {
        #[derive(Serialize)]
        struct Body<'a> {
            title: &'a str,
            body: &'a str,
        }
        let body = Body { title: wanted.title, body: wanted.body };
        let post = || self.post::<_, Told>("issues", &body).map(Issue::from);
        self.once(&post, &|| self.reported(wanted), now, wait)
    }

    fn reported(&self, wanted: &Wanted) -> Result<Option<Issue>> {
        let since = jiff::Timestamp::from_millisecond(wanted.since).unwrap_or_default();
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let size = PAGE.to_string();
        for page in 1..=PAGES {
            let page = page.to_string();
            let query = [
                ("state", "all"),
                ("since", since.as_str()),
                ("per_page", size.as_str()),
                ("page", page.as_str()),
            ];
            let found: Vec<Told> = self.get(&self.route("issues"), &query)?;
            let all = found.len();
            let is_ours = |told: &Told| {
                let body = told.body.as_deref().unwrap_or_default();
                // Pull requests are listed among issues.
                told.pull_request.is_none() && body.contains(wanted.mark)
            };
            if let Some(ours) = found.into_iter().find(is_ours) {
                return Ok(Some(ours.into()));
            }
            if all < PAGE {
                break;
            }
        }
        Ok(None)
    }
}

/// What the API tells of an issue.
#[derive(Deserialize)]
struct Told {
    number: u64,
    html_url: String,
    title: Option<String>,
    body: Option<String>,
    pull_request: Option<serde::de::IgnoredAny>,
}

impl From<Told> for Issue {
    fn from(told: Told) -> Self {
        Self { number: told.number, url: told.html_url, title: told.title.unwrap_or_default() }
    }
}
