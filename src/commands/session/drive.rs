//! What `start`, `attach` and `send` share: driving a session from a terminal or a script.

use crate::commands::app::{App, Done};
use crate::commands::clock;
use crate::domain::measure;
use crate::domain::plan::LaunchPlan;
use crate::domain::session::Phase;
use crate::domain::transcript::Usage;
use crate::domain::turn::Outcome;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::output::live::Asked;
use crate::output::{Reporter, Step, Written, ask, failure};
use crate::runner::{self, Runner};
use crate::store::{DriverLock, SessionRecord, Store, TurnRecord, TurnState};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// The longest prompt that is read; what is longer is refused further on, with its size.
const PROMPT: u64 = 64 << 20;

/// A prompt from a file, or from standard input with `-`.
pub fn prompt_from(path: &Path) -> Result<String> {
    let is_stdin = path == Path::new("-");
    let doing = || match is_stdin {
        true => "read the prompt from standard input".to_owned(),
        false => format!("read the prompt from `{}`", path.display()),
    };
    let mut bytes = Vec::new();
    if is_stdin {
        std::io::stdin().take(PROMPT).read_to_end(&mut bytes).cannot(Kind::Usage, doing)?;
    } else {
        let file = std::fs::File::open(path).cannot(Kind::Usage, doing)?;
        file.take(PROMPT).read_to_end(&mut bytes).cannot(Kind::Usage, doing)?;
    }
    String::from_utf8(bytes)
        .cannot(Kind::Usage, doing)
        .map_err(|failure| failure.hint("a prompt is UTF-8 text"))
}

/// Records a session and drives it.
pub fn start(app: &App, plan: LaunchPlan, detach: bool) -> Done {
    let mut store = app.store()?;
    let session = record(short_id(), plan);
    let first = TurnRecord::new(1, &session.plan.prompt, TurnState::Handed);
    let _lock = store.insert(&session, &first)?;
    let id = session.id.clone();
    ask::detach_on_signals(&id, &app.screens)?;
    let mut reporter = app.reporter(Asked::Artifacts);
    reporter.started(&runner::view(&store, &session)?);
    let done = app.with_runner(&mut store, session, &mut *reporter, |runner| {
        let live = runner.launch()?;
        if detach {
            return Ok(0);
        }
        let outcome = runner.follow(live)?;
        rest(app, runner, outcome)
    })?;
    finish(&store, &id, &mut *reporter)?;
    Ok(done)
}

/// Records a session and drives it to its end, with nobody to ask. `recorded` is told its id before
/// anything of it exists.
pub fn unattended(
    app: &App,
    plan: LaunchPlan,
    reporter: &mut dyn Reporter,
    recorded: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<Outcome> {
    let mut store = app.store()?;
    let session = record(short_id(), plan);
    let first = TurnRecord::new(1, &session.plan.prompt, TurnState::Handed);
    let _lock = store.insert(&session, &first)?;
    recorded(&session.id)?;
    app.with_runner(&mut store, session, reporter, |runner| {
        let live = runner.launch()?;
        let outcome = runner.follow(live)?;
        settle(runner, outcome)
    })
}

fn short_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..12].to_owned()
}

/// A session as it is before anything of it exists.
pub fn record(id: String, plan: LaunchPlan) -> SessionRecord {
    SessionRecord {
        id,
        uuid: uuid::Uuid::new_v4().to_string(),
        phase: Phase::Provisioning,
        plan,
        created_at: clock::now(),
        finished_at: None,
        sandbox: None,
        evidence: None,
        reason: None,
        turns: 1,
        usage: Usage::default(),
        cost_usd: None,
        artifacts: 0,
        outcome: None,
        closing_at: None,
    }
}

/// After a turn: those that wait, then follow-ups where somebody can give them, then the end.
pub fn rest(app: &App, runner: &mut Runner, outcome: Outcome) -> Done {
    let mut outcome = outcome;
    loop {
        while runner.next_queued()? {
            outcome = runner.follow(None)?;
        }
        if runner.session.phase.is_over() {
            break;
        }
        if !app.asks() {
            runner.close()?;
            break;
        }
        tell_artifacts(runner)?;
        runner.tell_spans();
        runner.reporter.step(Step::NOTHING);
        let Some(prompt) = ask::follow_up(&app.screens)? else {
            leave(app, runner);
            break;
        };
        outcome = next(runner, &prompt)?;
    }
    match &runner.unpublished {
        Some(failed) if outcome.is_success() => Ok(failed.kind.exit_code()),
        _ => Ok(exit_code(outcome, runner.refused)),
    }
}

/// Follows the turns that wait, then ends the session.
pub fn settle(runner: &mut Runner, mut outcome: Outcome) -> Result<Outcome> {
    while runner.next_queued()? {
        outcome = runner.follow(None)?;
    }
    if !runner.session.phase.is_over() {
        runner.close()?;
    }
    Ok(outcome)
}

/// Somebody leaves, and the session waits for them.
fn leave(app: &App, runner: &Runner) {
    let (id, sandbox) = (&runner.session.id, &runner.session.plan.sandbox);
    let idle = measure::show_duration(sandbox.idle_timeout_ms);
    failure::note(
        &format!("it waits {idle} for more: `loop session attach {id}`, `loop session stop {id}`"),
        &app.screens,
    );
}

/// One more turn, to its end.
pub fn next(runner: &mut Runner, prompt: &str) -> Result<Outcome> {
    let mut turn = runner.store.add_turn(&runner.session.id, prompt, TurnState::Queued)?;
    runner.hand_over(&mut turn)?;
    runner.follow(None)
}

/// Between turns on a terminal, what there is so far.
fn tell_artifacts(runner: &mut Runner) -> Result<()> {
    let view = runner::view(runner.store, &runner.session)?;
    for artifact in &view.artifacts {
        runner.reporter.artifact(&runner.session.id, artifact);
    }
    Ok(())
}

/// The last words: what the session left, and how it ended.
pub fn finish(store: &Store, id: &str, reporter: &mut dyn Reporter) -> Result<()> {
    let view = runner::view(store, &store.session(id)?)?;
    // Where somebody was asked for follow-ups they have seen them.
    if view.phase != Phase::Idle {
        view.artifacts.iter().for_each(|artifact| reporter.artifact(id, artifact));
    }
    reporter.finished(&view);
    match reporter.written() {
        Written::Failed(failure) => Err(failure),
        Written::All | Written::ReaderGone => Ok(()),
    }
}

pub fn exit_code(outcome: Outcome, refused: bool) -> u8 {
    match outcome {
        Outcome::Succeeded => 0,
        Outcome::Limit => Kind::Limit.exit_code(),
        _ if refused => Kind::Credential.exit_code(),
        Outcome::Failed | Outcome::Empty | Outcome::Cancelled | Outcome::Interrupted => {
            Kind::Worker.exit_code()
        }
    }
}

/// Becomes the session's driver. Others that only look at it hold the lock for a moment, which is
/// waited for where no turn runs.
pub fn lock_soon(store: &Store, id: &str) -> Result<Option<DriverLock>> {
    const TRIES: u32 = 40;
    for _ in 0..TRIES {
        let lock = store.dir(id).lock()?;
        if lock.is_some() || store.session(id)?.phase == Phase::Running {
            return Ok(lock);
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    Ok(None)
}

/// What a command says that needs a session nobody else drives.
pub fn busy(id: &str) -> Failure {
    Failure::new(Kind::Usage, format!("session `{id}` is running"))
        .hint(format!("wait for it: `loop session attach {id}`"))
        .hint(format!("or queue what comes next: `loop session send {id} --queue \"…\"`"))
}
