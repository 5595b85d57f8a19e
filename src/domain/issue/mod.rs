//! An issue: one recurring failure of a project, as it is remembered from run to run.
//!
//! What is seen of it comes from triage and is told anew by every run in which it stands ([`Told`]);
//! what it has been through is its [`Life`], which changes in one place ([`life::step`]). It is known
//! again by its fingerprint, which no id, time or count goes into. Every trace counts once, however
//! many runs look at it.
//!
//! Times of traces are Unix microseconds and end in `_us`; all others are Unix milliseconds.

pub mod absence;
pub mod life;
pub mod pick;

use super::digest;
pub use life::{Effect, Input, Life, State, Watch, step};
use serde::{Deserialize, Serialize};

/// The pattern that compares a time with the time before. Its absence proves nothing: once all of the
/// window is slow, nothing in it has become slower.
pub const REGRESSION: &str = "regression";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// Follows from project and fingerprint, so it is the same in every store.
    pub id: String,
    pub project: String,
    pub fingerprint: String,
    pub life: Life,
    pub told: Told,
    /// When it was first told.
    pub found_at: i64,
    /// Traces that show it, and traces that could have, each counted once.
    pub hits: u64,
    pub chances: u64,
    pub first_us: i64,
    pub last_us: i64,
    /// The number of the last run in which a new trace showed it.
    pub last_run: i64,
    /// Whether somebody should look at it: it is new, or it is back.
    pub look: bool,
    /// The score when it was looked at last, and how often that came to nothing since.
    pub looked_score: Option<f64>,
    pub fruitless: u32,
    /// Sessions that looked at it, oldest first.
    pub sessions: Vec<String>,
    /// The one whose investigation is the issue's.
    pub investigation: Option<String>,
    pub pull_request: Option<PullRequest>,
    pub history: Vec<Event>,
}

/// What the newest run in which it stands says of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub pattern: String,
    pub title: String,
    pub entity_kind: String,
    pub entity_name: String,
    /// `high`, `medium` or `low`, the number behind it, and how that came about.
    pub severity: String,
    pub score: f64,
    pub arithmetic: String,
    /// Traces of that run's window that show it, and their share of all.
    pub traces: u64,
    pub share: f64,
    pub users: Option<u64>,
    pub trend: String,
    /// Names of spans, from the root to where it goes wrong first.
    pub path: Vec<String>,
    pub examples: Vec<Example>,
    /// Ids of traces that did the same and went well.
    pub healthy: Vec<String>,
    pub facts: Vec<String>,
    pub leads_to: Vec<String>,
    pub advice: String,
    /// Of errors: the type of the exception, and its message with its variable parts masked.
    pub exception: Option<(String, String)>,
    pub example: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    pub trace_id: String,
    pub input: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    pub url: String,
    /// The session that opened it; none where a person named it.
    pub session: Option<String>,
}

/// Something that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub at: i64,
    /// The state it came to, where that changed.
    pub state: Option<State>,
    /// One sentence.
    pub what: String,
}

/// The most events that are kept; the oldest go, but for the first.
const EVENTS: usize = 200;

/// The id of a project's issue: twelve hexadecimal digits.
pub fn id(project: &str, fingerprint: &str) -> String {
    digest::short(&[project, fingerprint])
}

impl Issue {
    /// One that was not known before.
    pub fn new(project: &str, fingerprint: &str, told: Told, at: i64) -> Self {
        let mut new = Self {
            id: id(project, fingerprint),
            project: project.to_owned(),
            fingerprint: fingerprint.to_owned(),
            life: Life::default(),
            told,
            found_at: at,
            hits: 0,
            chances: 0,
            first_us: i64::MAX,
            last_us: i64::MIN,
            last_run: 0,
            look: true,
            looked_score: None,
            fruitless: 0,
            sessions: Vec::new(),
            investigation: None,
            pull_request: None,
            history: Vec::new(),
        };
        new.note(at, Some(State::Open), "found".to_owned());
        new
    }

    /// Takes a step of its life and writes down what came of it. Whether anything changed.
    pub fn take(&mut self, input: Input, at: i64) -> bool {
        let (life, effects) = step(&self.life, input);
        let changed = life != self.life;
        self.life = life;
        for effect in effects {
            match effect {
                Effect::Moved { to, why } => self.note(at, Some(to), why),
                Effect::Look => self.look = true,
            }
        }
        changed
    }

    pub fn note(&mut self, at: i64, state: Option<State>, what: String) {
        if self.history.len() >= EVENTS {
            self.history.remove(1);
        }
        self.history.push(Event { at, state, what });
    }

    /// Says the last thing that happened in other words.
    pub fn say_last(&mut self, what: String) {
        if let Some(last) = self.history.last_mut() {
            last.what = what;
        }
    }

    /// Counts what a run saw of it in traces that no run had seen.
    pub fn count(&mut self, run: i64, hits: &[i64], chances: u64) {
        self.hits += hits.len() as u64;
        self.chances += chances.max(hits.len() as u64);
        for start_us in hits {
            self.first_us = self.first_us.min(*start_us);
            self.last_us = self.last_us.max(*start_us);
        }
        if !hits.is_empty() {
            self.last_run = run;
        }
    }

    /// How many comparable traces without it prove that it is gone.
    pub fn needed(&self) -> u64 {
        absence::needed(self.hits, self.chances)
    }

    /// Whether its absence can prove anything.
    pub fn is_verifiable(&self) -> bool {
        self.told.pattern != REGRESSION
    }
}

#[cfg(test)]
pub mod testing {
    use super::*;

    /// One of a tool that fails.
    pub fn issue(name: &str, score: f64) -> Issue {
        let told = Told {
            pattern: "error".to_owned(),
            title: format!("TimeoutError in `{name}`"),
            entity_kind: "tool".to_owned(),
            entity_name: name.to_owned(),
            severity: "medium".to_owned(),
            score,
            ..Told::default()
        };
        let fingerprint = digest::short(&["fingerprint", name]);
        let mut issue = Issue::new("demo", &fingerprint, told, 1_000);
        issue.count(1, &[5, 9], 40);
        issue
    }
}

#[cfg(test)]
mod tests {
    use super::testing::issue;
    use super::*;

    #[test]
    fn ids_follow_from_project_and_fingerprint() {
        assert_eq!(id("demo", "aa"), id("demo", "aa"));
        assert_ne!(id("demo", "aa"), id("shop", "aa"));
        assert_eq!(id("demo", "aa").len(), 12);
    }

    #[test]
    fn counting() {
        let mut issue = issue("search", 4.0);
        issue.count(2, &[], 10);
        assert_eq!((issue.hits, issue.chances, issue.last_run), (2, 50, 1));
        issue.count(3, &[1], 0);
        assert_eq!((issue.hits, issue.chances, issue.last_run), (3, 51, 3));
        assert_eq!((issue.first_us, issue.last_us), (1, 9));
    }

    #[test]
    fn the_history_is_bounded_and_keeps_its_beginning() {
        let mut issue = issue("search", 4.0);
        for at in 0..1_000 {
            issue.note(at, None, format!("event {at}"));
        }
        assert_eq!(issue.history.len(), EVENTS);
        assert_eq!(issue.history[0].what, "found");
        assert_eq!(issue.history[EVENTS - 1].what, "event 999");
    }
}
