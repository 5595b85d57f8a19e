//! How a session stands, and its end: asked to stop, archived, what was sent along deleted.
//!
//! Archived and not deleted: the vendor keeps the history for people to look at. A session that works
//! takes neither, and its stored status may lag behind its events, so all of that is a loop that looks,
//! does what is next, and looks again; it may be cut off and repeated anywhere.

use super::again::{self, Again};
use super::launch::{FILES, SESSION, STORE};
use super::wire::Call;
use super::{Managed, event, follow, session};
use crate::error::{Failure, Kind, Result};
use crate::http::encoded;
use crate::retry::Patience;
use serde_json::{Value, json};
use std::time::Duration;

/// About a minute and a half.
const STOPPING: Patience =
    Patience { tries: 50, first: Duration::from_millis(200), most: Duration::from_secs(2) };
/// After how many looks it is asked to stop again.
const ASK_AGAIN: u32 = 10;

/// How a session stands at the vendor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It works, or will again by itself.
    Running,
    /// It waits for a message, and has for so long.
    Idle(Duration),
    /// It takes nothing more; its history is there.
    Over,
    Gone,
}

/// A session of ours that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub id: String,
    /// Which of our sessions it says it is.
    pub session: String,
}

impl Managed {
    pub fn status(&self, id: &str) -> Result<Standing> {
        let answer = self.wire()?.ask(&session(id))?;
        match answer.status {
            404 => Ok(Standing::Gone),
            _ if answer.is_success() => {
                let now = again::date(&answer.headers);
                Ok(standing(&answer.json()?, now))
            }
            _ => Err(self.wire()?.problem(&answer, "look at the session")),
        }
    }

    /// Ends a session whatever it does. One that is over is no error.
    pub fn remove(&self, id: &str) -> Result<()> {
        let doing = "archive the session";
        let mut tried = 0;
        loop {
            tried += 1;
            let Some(found) = self.look(id)? else { return Ok(()) };
            if !found["archived_at"].is_null() {
                self.delete_files(sent_along(&found));
                return Ok(());
            }
            let mut late = None;
            if standing(&found, None) == Standing::Running {
                if tried % ASK_AGAIN == 1 {
                    // Alone: what is sent after it would be refused while it stops.
                    self.wire()?.ask(&follow::interrupt(id))?;
                }
            } else {
                let path = format!("/v1/sessions/{}/archive", encoded(id));
                let answer = self.wire()?.ask(&Call::post(path, json!({}), Again::Always))?;
                match answer.status {
                    // The status that was seen is not what the service goes by yet.
                    400 | 409 => late = Some(self.wire()?.problem(&answer, doing)),
                    404 => return Ok(()),
                    _ if answer.is_success() => {
                        self.delete_files(sent_along(&found));
                        return Ok(());
                    }
                    _ => return Err(self.wire()?.problem(&answer, doing)),
                }
            }
            if !STOPPING.wait(tried, None) {
                let still = Failure::new(Kind::Network, "the session does not stop");
                return Err(late.unwrap_or(still).hint("try again: `loop gc`"));
            }
        }
    }

    /// Every session of our store that is not archived: of the agent that the settings name, where
    /// it exists.
    pub fn list(&self) -> Result<Vec<Found>> {
        let Some(agent) = self.find_agent()? else { return Ok(Vec::new()) };
        let path = format!("/v1/sessions?agent_id={}&limit=100", encoded(&agent.id));
        let mut found = Vec::new();
        self.wire()?.pages(&path, "look through the sessions", |session| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let metadata = &session["metadata"];
            if metadata[STORE] == self.settings.store.as_str() {
                found.push(Found { id: text(&session["id"]), session: text(&metadata[SESSION]) });
            }
        })?;
        Ok(found)
    }

    /// The session as the vendor has it; none where it is gone.
    pub(super) fn look(&self, id: &str) -> Result<Option<Value>> {
        let answer = self.wire()?.ask(&session(id))?;
        match answer.status {
            404 => Ok(None),
            _ if answer.is_success() => answer.json().map(Some),
            _ => Err(self.wire()?.problem(&answer, "look at the session")),
        }
    }

    /// Deletes what was sent along. What cannot be deleted expires.
    pub(super) fn delete_files<'f>(&self, ids: impl IntoIterator<Item = &'f str>) {
        let Ok(wire) = self.wire() else { return };
        for id in ids {
            let _ = wire.ask(&Call::delete(format!("/v1/files/{}", encoded(id))));
        }
    }
}

/// `now` is the vendor's time, in Unix milliseconds.
fn standing(session: &Value, now: Option<i64>) -> Standing {
    if !session["archived_at"].is_null() {
        return Standing::Over;
    }
    match session["status"].as_str() {
        Some("idle") => {
            let since = session["updated_at"].as_str().and_then(event::millis);
            let ms = now.zip(since).map_or(0, |(now, since)| now - since);
            Standing::Idle(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
        }
        Some("terminated") => Standing::Over,
        // What a later version calls otherwise may spend.
        _ => Standing::Running,
    }
}

fn sent_along(session: &Value) -> impl Iterator<Item = &str> {
    let files = session.pointer(&format!("/metadata/{FILES}")).and_then(Value::as_str);
    files.unwrap_or_default().split(',').filter(|id| !id.is_empty())
}
