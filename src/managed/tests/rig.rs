//! A vendor, a session of ours, and what a runner would keep of it.

use super::managed_server::{KEY, Vendor};
use crate::domain::journal::{Body, Line, Sys};
use crate::domain::options::Options;
use crate::domain::transcript::EventKind;
use crate::domain::turn::Verdict;
use crate::error::{Failure, Kind, Result};
use crate::managed::{Creation, Launched, Launcher, Managed, Reader, Settings, Task, Wanted};
use crate::retry::Patience;
use crate::secrets::Secret;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

pub const SESSION: &str = "7f3a";

pub struct Rig {
    pub vendor: Vendor,
    pub managed: Managed,
    pub dir: tempfile::TempDir,
    pub id: String,
}

/// Short pauses, so that tests are.
pub const SHORT: Patience =
    Patience { tries: 6, first: Duration::from_millis(5), most: Duration::from_secs(3) };

pub fn managed(vendor: &Vendor, change: impl FnOnce(&mut Settings)) -> Managed {
    keyed(vendor, KEY, change)
}

pub fn keyed(vendor: &Vendor, key: &str, change: impl FnOnce(&mut Settings)) -> Managed {
    let mut settings = Settings::of(&Options::default(), "store-1");
    settings.base_url = vendor.url();
    settings.agent = "triage".to_owned();
    settings.environment = "plain".to_owned();
    change(&mut settings);
    let mut managed = Managed::new(settings, Secret::new(key, "KEY").unwrap());
    managed.reach.patience = SHORT;
    managed.reach.back_off = SHORT;
    managed
}

pub fn task() -> Task<'static> {
    Task {
        session: SESSION,
        recorded_at: 1_785_578_400_000,
        title: "look at the failures",
        prompt: "Find out what fails.",
        instructions: "# Your surroundings",
        system_prompt: None,
        model: None,
        repository: None,
        snapshot: None,
        tables: "spans(trace_id)",
        program: None,
        skills: &[],
        hosts: Some(&[]),
    }
}

/// Who launches, in tests.
#[derive(Default)]
pub struct Desk {
    pub agrees: bool,
    pub asked: Vec<Creation>,
    pub said: Vec<String>,
    pub notes: Vec<String>,
    pub recorded: Vec<String>,
    /// Its disk is full.
    pub cannot_record: bool,
}

impl Launcher for Desk {
    fn progress(&mut self, what: &str) {
        self.said.push(what.to_owned());
    }

    fn consent(&mut self, creation: &Creation) -> Result<bool> {
        self.asked.push(creation.clone());
        Ok(self.agrees)
    }

    fn record(&mut self, id: &str) -> Result<()> {
        if self.cannot_record {
            return Err(Failure::new(Kind::Config, "the disk is full"));
        }
        self.recorded.push(id.to_owned());
        Ok(())
    }

    fn note(&mut self, what: &str) {
        self.notes.push(what.to_owned());
    }
}

/// A turn, as a runner makes it of the journal.
#[derive(Debug)]
pub struct Told {
    pub events: Vec<EventKind>,
    pub verdict: Verdict,
    /// The lines of that turn.
    pub lines: Vec<String>,
}

impl Told {
    pub fn texts(&self) -> String {
        let shown = self.events.iter().map(|event| serde_json::to_string(event).unwrap());
        shown.collect::<Vec<_>>().join("\n")
    }
}

impl Rig {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let vendor = Vendor::start();
        vendor.agent("triage");
        vendor.environment("plain");
        let managed = managed(&vendor, change);
        Self { vendor, managed, dir: tempfile::tempdir().unwrap(), id: String::new() }
    }

    pub fn launch(&mut self, task: &Task) -> Result<Launched> {
        let launched = self.managed.launch(task, &mut Desk::default())?;
        self.id.clone_from(&launched.id);
        Ok(launched)
    }

    pub fn stored(&self) -> PathBuf {
        self.dir.path().join("journal.jsonl")
    }

    pub fn wanted<'a>(&'a self, turn: u32, stored: &'a std::path::Path) -> Wanted<'a> {
        Wanted {
            id: &self.id,
            session: SESSION,
            stored,
            turn,
            followed: true,
            most: Some(Duration::from_mins(1)),
            secrets: &[],
        }
    }

    /// Follows a turn to its end, stores its lines, and tells it.
    pub fn turn(&self, turn: u32) -> Told {
        let stored = self.stored();
        self.follow(&self.wanted(turn, &stored))
    }

    pub fn follow(&self, wanted: &Wanted) -> Told {
        let mut journal = Vec::new();
        self.managed.journal(wanted).unwrap().read_to_end(&mut journal).unwrap();
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(wanted.stored).unwrap();
        file.write_all(&journal).unwrap();
        tell(&std::fs::read(wanted.stored).unwrap(), wanted.turn)
    }
}

/// Reads a whole journal as a runner does, and checks that it is one.
pub fn tell(journal: &[u8], turn: u32) -> Told {
    let mut reader = Reader::default();
    let (mut events, mut verdict, mut lines) = (Vec::new(), None, Vec::new());
    for (at, bytes) in journal.split(|byte| *byte == b'\n').enumerate() {
        if bytes.is_empty() {
            continue;
        }
        let line = Line::read(bytes).unwrap();
        assert_eq!(line.n, at as u64 + 1, "no gaps");
        if line.turn != turn {
            continue;
        }
        lines.push(String::from_utf8(bytes.to_vec()).unwrap());
        match line.body {
            Body::Out(text) => events.extend(reader.out(&text)),
            Body::Sys(Sys::TurnExited(exit)) => {
                assert!(verdict.is_none(), "a turn ends once");
                events.extend(reader.rest());
                let mut told = reader.end(&exit);
                if let Some((outcome, reason)) = Verdict::forced(&exit) {
                    told.outcome = outcome;
                    told.reason = Some(reason);
                }
                verdict = Some(told);
            }
            Body::Sys(_) | Body::Err(_) => {}
        }
    }
    Told { events, verdict: verdict.expect("the turn is over"), lines }
}
