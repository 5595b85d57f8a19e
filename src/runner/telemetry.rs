//! A session's own spans: made of what is stored, and sent to where the settings say.
//!
//! Sending never fails a session and holds it up for a few seconds at most. What a server did not
//! take is remembered as not sent; whoever looks later tries again, each time after a longer wait,
//! and at last gives up. Only collected turns are sent, and the session's own span once it is over,
//! since a server keeps a span as it first came. Whoever sends holds the session's lock.

use super::{Outside, Runner};
use crate::config::runs;
use crate::config::settings::Telemetry;
use crate::domain::transcript::Event;
use crate::domain::words::Count;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::harness::{self, Harness};
use crate::output::{Reporter, Step};
use crate::secrets::Secret;
use crate::store::{Export, Outlook, SessionRecord, Store, TranscriptFile, TurnRecord, TurnState};
use crate::telemetry::{
    About, Batches, Destination, Making, Request, Run, Sent, Spans, Texts, Turn, send,
};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a session may be held up.
const IN_SESSION: Duration = Duration::from_secs(5);
/// How long a look at sessions may be held up, and how long `gc`.
const IN_LOOK: Duration = Duration::from_secs(3);
const IN_TIDY: Duration = Duration::from_secs(20);
/// So often nothing may be taken before it is given up; the waits in between add up to days.
const TRIES: u32 = 8;
const FIRST_WAIT_MS: i64 = 60_000;

impl Runner<'_> {
    /// Sends what there is to send, when nothing of the session waits for it. Whatever goes wrong is a
    /// warning.
    pub fn tell_spans(&mut self) {
        let spans = Sending { store: self.store, outside: self.outside, time: Some(IN_SESSION) };
        let sent = spans.due(&self.session).and_then(|due| {
            if !due {
                return Ok(Sent::default());
            }
            self.reporter.step(Step::doing("sending the spans of this session"));
            spans.send(&self.session)
        });
        tell(&mut *self.reporter, &self.session.id, sent);
    }
}

/// Sends what earlier commands could not, as far as the time goes.
pub(super) fn resend(
    store: &Store,
    outside: &Outside,
    reporter: &mut dyn Reporter,
    tidy: bool,
) -> Result<()> {
    let began = Instant::now();
    let time = if tidy { IN_TIDY } else { IN_LOOK };
    for id in store.unsent((outside.now)())? {
        let left = time.saturating_sub(began.elapsed());
        let Some(_lock) = store.dir(&id).lock()? else { continue };
        if left.is_zero() {
            break;
        }
        // It may have been sent before the lock was had.
        let session = store.session(&id)?;
        let sending = Sending { store, outside, time: Some(left) };
        if sending.due(&session)? {
            tell(reporter, &id, sending.send(&session));
        }
    }
    Ok(())
}

/// What went wrong, and what did not come to its end.
fn tell(reporter: &mut dyn Reporter, id: &str, sent: Result<Sent>) {
    let now = format!("or now with `loop session export {id} --send`");
    match sent {
        Err(failed) => reporter.warn(&format!("{failed}; it is tried again later, {now}")),
        Ok(Sent { refused: Some((count, why)), .. }) => {
            let count = Count::of(count as usize, "span");
            reporter.warn(&format!("the server threw {count} of session {id} away: {why}"));
        }
        Ok(Sent { cut_short: true, .. }) => reporter.warn(&format!(
            "the spans of session {id} were more than could be sent at once; the rest follows \
             later, {now}"
        )),
        Ok(_) => {}
    }
}

/// A session's spans as far as they are known, for a file.
pub struct Telling {
    run: Run,
    making: Making,
}

impl Telling {
    pub fn new(store: &Store, outside: &Outside, session: &SessionRecord) -> Result<Self> {
        let run = Run { unfinished: true, ..run(store, session)? };
        let telemetry = (outside.telemetry)()?;
        let texts = Texts::new(&secrets(session, telemetry.as_ref(), outside)?);
        Ok(Self { making: Making::new(&run, texts), run })
    }

    /// One request after the other, each with some of the spans.
    pub fn requests<'a>(
        &'a self,
        events: impl Iterator<Item = Result<Event>> + 'a,
        project: &str,
    ) -> impl Iterator<Item = Result<Request>> + 'a {
        let about = About { project: project.to_owned(), is_harness: false };
        let spans = Spans::new(&self.run, &self.making, events);
        Batches::new(spans).map(move |batch| batch.map(|batch| about.request(batch)))
    }
}

/// One sending of a session's spans.
pub struct Sending<'a> {
    pub store: &'a Store,
    pub outside: &'a Outside<'a>,
    /// For all of it; `None` is as long as the server takes them.
    pub time: Option<Duration>,
}

impl Sending<'_> {
    /// Whether there is something to send now.
    fn due(&self, session: &SessionRecord) -> Result<bool> {
        let Some(export) = self.store.export(&session.id)? else { return Ok(false) };
        if (self.outside.telemetry)()?.is_none() {
            return Ok(false);
        }
        let turns = self.store.turns(&session.id)?;
        let newer = turns.iter().any(|t| t.state == TurnState::Collected && t.turn > export.turns);
        let open = export.outlook == Outlook::Open && export.due_at <= (self.outside.now)();
        Ok(open && (newer || session.phase.is_over()))
    }

    /// Sends everything there is, whatever was sent before.
    pub fn again(&self, session: &SessionRecord) -> Result<Sent> {
        self.store.set_export(&session.id, &NOTHING)?;
        self.send(session)
    }

    /// Sends what was not sent yet, and records how far it got.
    fn send(&self, session: &SessionRecord) -> Result<Sent> {
        let mut export = self.store.export(&session.id)?.unwrap_or(NOTHING);
        let before = export.spans;
        let sent = self.try_send(session, &mut export);
        let now = (self.outside.now)();
        let progress = export.spans > before;
        let whole = sent.as_ref().is_ok_and(|sent| !sent.cut_short);
        // A look comes by often, and must not be held up each time.
        let waits = FIRST_WAIT_MS << (2 * export.tries.min(9));
        export.due_at = if whole { now } else { now.saturating_add(waits) };
        if !whole && !progress {
            export.tries += 1;
            if export.tries >= TRIES {
                export.outlook = Outlook::GivenUp;
            }
        }
        self.store.set_export(&session.id, &export)?;
        sent
    }

    fn try_send(&self, session: &SessionRecord, export: &mut Export) -> Result<Sent> {
        let telemetry = (self.outside.telemetry)()?.ok_or_else(|| {
            Failure::new(Kind::Config, "no server is named that takes spans").hint(
                "in your `config.toml`: `[telemetry]` and \
                 `endpoint = \"http://localhost:6006/v1/traces\"`",
            )
        })?;
        runs::separate(&telemetry, session.plan.project.as_ref())?;
        let destination = self.destination(&telemetry)?;
        let mut run = run(self.store, session)?;
        run.turns.retain(|turn| turn.collected_at.is_some());
        let texts = Texts::new(&secrets(session, Some(&telemetry), self.outside)?);
        let making = Making::new(&run, texts);
        let events = events(&self.store.dir(&session.id).transcript())?;
        let already = export.spans;
        let spans = Spans::new(&run, &making, events).skip(already as usize);
        let ca_bundle = self.outside.ca_bundle.as_deref();
        let sent = send(&destination, ca_bundle, self.time, spans, &mut |count| {
            export.spans = already + count;
            export.tries = 0;
            self.store.set_export(&session.id, export)
        })?;
        if !sent.cut_short {
            export.tries = 0;
            export.turns = run.turns.last().map_or(export.turns, |turn| turn.turn);
            export.outlook = if session.phase.is_over() { Outlook::Sent } else { Outlook::Open };
        }
        Ok(sent)
    }

    fn destination(&self, telemetry: &Telemetry) -> Result<Destination> {
        let Telemetry { endpoint, project, secret, space, headers } = telemetry;
        let key: Option<Secret> =
            secret.as_ref().map(|name| (self.outside.secret)(name)).transpose()?;
        let destination = Destination::new(endpoint, project, space.as_deref(), key.as_ref());
        Ok(destination.with_headers(headers.clone()))
    }
}

/// The values of the secrets that the session or its settings name, those that there are.
fn secrets(
    session: &SessionRecord,
    telemetry: Option<&Telemetry>,
    outside: &Outside,
) -> Result<Vec<String>> {
    let plan = &session.plan;
    let names = plan
        .skills
        .iter()
        .flat_map(|skill| skill.secrets.keys().map(String::as_str))
        .chain(plan.provider.iter().filter_map(|provider| provider.secret.as_deref()))
        .chain(plan.project.iter().filter_map(|project| project.secret.as_deref()))
        .chain(telemetry.and_then(|telemetry| telemetry.secret.as_deref()))
        .chain(harness_of(session)?.key().map(|key| key.secret));
    let found = names.filter_map(|name| (outside.secret)(name).ok());
    Ok(found.map(|secret| secret.expose().to_owned()).collect())
}

/// Of a session of which nothing was sent.
const NOTHING: Export = Export { outlook: Outlook::Open, spans: 0, turns: 0, tries: 0, due_at: 0 };

/// What a session's spans are made of.
fn run(store: &Store, session: &SessionRecord) -> Result<Run> {
    let plan = &session.plan;
    let turns = store.turns(&session.id)?.into_iter();
    let artifacts = store.artifacts(&session.id)?;
    Ok(Run {
        session: session.id.clone(),
        uuid: session.uuid.clone(),
        name: plan.name.clone(),
        preset: plan.preset.clone(),
        harness: plan.harness.clone(),
        counting: harness_of(session)?.counting(),
        model: plan.model.clone(),
        sandbox: plan.sandbox.provider.clone(),
        project: plan.project.as_ref().map(|project| project.name.clone()),
        repo: plan.repo.clone(),
        evidence: session.evidence,
        artifacts: artifacts.into_iter().filter_map(|one| one.path.or(one.url)).collect(),
        labels: plan.labels.clone().into_iter().collect(),
        created_at: session.created_at,
        closing_at: session.closing_at,
        finished_at: session.finished_at,
        phase: session.phase,
        outcome: session.outcome,
        reason: session.reason.clone(),
        turns: turns.filter(|turn| turn.state != TurnState::Queued).map(turn_of).collect(),
        unfinished: false,
    })
}

fn turn_of(turn: TurnRecord) -> Turn {
    let collected = turn.state == TurnState::Collected;
    Turn {
        turn: turn.turn,
        prompt: turn.prompt,
        started_at: turn.started_at,
        ended_at: turn.ended_at,
        collecting_at: turn.collecting_at,
        collected_at: turn.collected_at.or(turn.ended_at).filter(|_| collected),
        outcome: turn.outcome,
        reason: turn.reason,
        answer: turn.answer,
        usage: turn.usage,
        cost_usd: turn.cost_usd,
    }
}

fn harness_of(session: &SessionRecord) -> Result<&'static dyn Harness> {
    let name = &session.plan.harness;
    harness::by_name(name)
        .ok_or_else(|| Failure::new(Kind::Config, format!("no harness is called `{name}`")))
}

/// The stored events, one at a time: a transcript may be of any length.
pub fn events(path: &Path) -> Result<Box<dyn Iterator<Item = Result<Event>>>> {
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
