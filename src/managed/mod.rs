//! Sessions that run on a vendor's own infrastructure: Claude Managed Agents.
//!
//! There is no sandbox of ours and nothing to execute in one: a session is made by one call, works at
//! the vendor's, and tells a log of events. So this is no sandbox provider but the second kind of worker,
//! and it stands behind the same words: a session is launched, its journal is read from a place on,
//! it takes follow-ups and interruptions, hands over what it left, and is removed.
//!
//! Invariants.
//! - *One session of the vendor's for one of ours.* Every one carries our session's and our store's id
//!   as metadata; before one is made, and whenever nobody knows whether one was, they are listed. Its
//!   id is handed to be recorded as soon as it is known.
//! - *The journal is lossless and repeatable.* Events become journal lines in the order in which they
//!   were first seen, and the stored journal is the only cursor ([`cursor`]): a reader that was cut off
//!   anywhere goes on where the stored lines end, whatever the stream did meanwhile ([`follow`]).
//! - *Nothing spends unseen.* A budget is always set; a turn has a time limit of ours; [`Managed::remove`]
//!   asks a session to stop before it archives it; [`Managed::list`] finds those that nobody holds.
//! - *The key is in one header and nowhere else*; a repository's token is in one body. Secrets are taken
//!   out of events before these are journal lines.
//! - *Nothing the worker leaves is believed*: names are made plain, sizes are bounded ([`outputs`]).
//!
//! What is deliberately absent: automations (whoever starts sessions by itself runs where it is),
//! self-hosted environments, memory stores, several agents (their events are told, they are not
//! driven).
//!
//! It was written after the vendor's documentation and its client library, and is tested against a
//! scripted server that the vendor's own client is tested against, too. It has not met the real
//! service.

mod again;
mod brief;
mod create;
mod cursor;
mod event;
mod follow;
mod form;
mod launch;
mod outputs;
mod problem;
mod reader;
mod remove;
mod resolve;
mod settings;
mod sse;
#[cfg(test)]
mod tests;
mod wire;

pub use brief::{OUTPUTS, SNAPSHOT, workspace};
pub use create::Creation;
pub use launch::{Launched, Repository, SkillFiles, Task};
pub use reader::Reader;
pub use remove::Standing;
pub use settings::{ABOUT, OnPermission, SECRET, SERVER, Settings, TRACES_COMMAND};

use crate::error::{Cannot as _, Kind, Result};
use crate::secrets::{Redactor, Secret};
use again::Again;
use cursor::{About, Cursor};
use follow::{Follow, Rules};
use serde_json::{Value, json};
use std::cell::OnceCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;
use wire::{Call, Reach, Wire};

/// What presets call it.
pub const NAME: &str = "claude-managed";
/// Where a person looks at a session.
const CONSOLE: &str = "https://platform.claude.com/workspaces/default/sessions";

/// Who launches: told how far it is, asked for consent, handed the id to record.
pub trait Launcher {
    fn progress(&mut self, what: &str);

    /// Whether something that outlives the session may be made in the account.
    fn consent(&mut self, creation: &Creation) -> Result<bool>;

    /// The session's id at the vendor, before anything else can go wrong.
    fn record(&mut self, id: &str) -> Result<()>;

    /// Something that was asked for and is not kept here.
    fn note(&mut self, what: &str);
}

/// A journal that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The session's id at the vendor, and ours.
    pub id: &'a str,
    pub session: &'a str,
    /// The host's copy as far as there is one: what it holds is not told again.
    pub stored: &'a Path,
    /// The turn that is read. To its end where it is `followed`, else as far as there is anything.
    pub turn: u32,
    pub followed: bool,
    /// How long a turn may take.
    pub most: Option<Duration>,
    /// Values that must not be in the journal.
    pub secrets: &'a [Secret],
}

/// The vendor's side of things.
pub struct Managed {
    settings: Settings,
    reach: Reach,
    wire: OnceCell<Wire>,
}

impl Managed {
    /// Reaches nobody yet.
    pub fn new(settings: Settings, key: Secret) -> Self {
        let reach = Reach {
            base: settings.base_url.trim_end_matches('/').to_owned(),
            key,
            secret: settings.secret.clone(),
            ca_bundle: settings.ca_bundle.clone(),
            patience: wire::PATIENCE,
            back_off: follow::BACK_OFF,
        };
        Self { settings, reach, wire: OnceCell::new() }
    }

    fn wire(&self) -> Result<&Wire> {
        if let Some(wire) = self.wire.get() {
            return Ok(wire);
        }
        let wire = Wire::new(&self.reach)?;
        Ok(self.wire.get_or_init(|| wire))
    }

    /// The lines of a session's journal that are not stored yet.
    pub fn journal(&self, wanted: &Wanted) -> Result<Box<dyn Read + Send>> {
        let wire = Wire::new(&self.reach)?;
        let about = about(&wire.need(&session(wanted.id), "look at the session")?, wanted.id);
        let mut secrets: Vec<&str> = wanted.secrets.iter().map(Secret::expose).collect();
        secrets.push(self.reach.key.expose());
        let cursor = Cursor::new(wanted.session, about, Redactor::new(&secrets));
        let cursor = cursor.restore(stored(wanted.stored)?)?;
        let rules = Rules {
            turn: wanted.turn,
            followed: wanted.followed,
            on_permission: self.settings.on_permission,
            most: wanted.most,
        };
        Ok(Box::new(Follow::new(wire, wanted.id, cursor, rules)))
    }

    /// Sends a turn's message, unless it is there already.
    pub fn follow_up(&self, id: &str, session: &str, turn: u32, prompt: &str) -> Result<()> {
        let doing = "send the follow-up";
        let message = message(session, turn, &[prompt]);
        let call = Call::post(follow::events(id), json!({ "events": [message] }), Again::Refused);
        let mut tried = 0;
        loop {
            if self.was_sent(id, session, turn)? {
                return Ok(());
            }
            tried += 1;
            let failed = match self.wire()?.ask(&call) {
                Ok(answer) if answer.is_success() => return Ok(()),
                Ok(answer) if !again::is_open(&answer) => {
                    return Err(self.wire()?.problem(&answer, doing));
                }
                Ok(answer) => self.wire()?.problem(&answer, doing),
                Err(lost) => lost.while_doing(wire::cannot(doing)),
            };
            // It may have got there: that is looked for before it is sent again.
            if !self.reach.patience.wait(tried, None) {
                return Err(failed);
            }
        }
    }

    fn was_sent(&self, id: &str, session: &str, turn: u32) -> Result<bool> {
        let path = format!("{}?limit=1000&types%5B%5D=user.message", follow::events(id));
        let mut sent = false;
        self.wire()?.pages(&path, "look for the follow-up", |event| {
            sent |= event::turn_of(&event::said(&event["content"]), session) == Some(turn);
        })?;
        Ok(sent)
    }

    /// Asks the running turn to end.
    pub fn interrupt(&self, id: &str) -> Result<()> {
        let doing = "interrupt the session";
        let answer = self.wire()?.ask(&follow::interrupt(id))?;
        if answer.is_success() { Ok(()) } else { Err(self.wire()?.problem(&answer, doing)) }
    }
}

fn session(id: &str) -> Call<'static> {
    Call::get(format!("/v1/sessions/{}", crate::http::encoded(id)))
}

fn about(session: &Value, id: &str) -> About {
    let text = |at: &str| {
        let text = session.pointer(at).and_then(Value::as_str).unwrap_or_default();
        reader::shortened(text)
    };
    About {
        id: id.to_owned(),
        agent: text("/agent/name"),
        version: session.pointer("/agent/version").and_then(Value::as_u64).unwrap_or(0),
        model: text("/agent/model/id"),
        url: format!("{CONSOLE}/{}", crate::http::encoded(id)),
    }
}

/// A message of ours: marked, then its texts.
fn message(session: &str, turn: u32, texts: &[&str]) -> Value {
    let mark = event::mark(session, turn);
    let texts = std::iter::once(mark.as_str()).chain(texts.iter().copied());
    let blocks = texts.filter(|text| !text.is_empty());
    let blocks: Vec<Value> = blocks.map(|text| json!({ "type": "text", "text": text })).collect();
    json!({ "type": "user.message", "content": blocks })
}

fn stored(path: &Path) -> Result<Box<dyn BufRead>> {
    match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Box::new(std::io::empty()))
        }
        file => {
            let doing = || format!("read the journal `{}`", path.display());
            Ok(Box::new(BufReader::with_capacity(256 << 10, file.cannot(Kind::Config, doing)?)))
        }
    }
}
