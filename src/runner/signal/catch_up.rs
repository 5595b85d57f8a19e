//! What happened to issues since somebody looked: sessions that ended, pull requests that were merged.

use super::Hands;
use crate::domain::artifact::ArtifactKind;
use crate::domain::issue::{Input, Issue, PullRequest, State};
use crate::domain::session::Phase;
use crate::domain::signal::Run as SignalRun;
use crate::domain::turn::Outcome;
use crate::error::Result;
use crate::store::{SessionRecord, Store};

/// How a pull request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Open,
    Closed,
    /// When, in Unix milliseconds.
    Merged(i64),
}

/// Takes in what happened meanwhile. A forge that does not answer is noted and asked again next time.
pub(super) fn catch_up(
    store: &mut Store,
    project: &str,
    hands: &mut Hands,
    run: &mut SignalRun,
) -> Result<()> {
    for issue in store.issues(Some(project))? {
        let before = issue.life.state;
        let issue = match before {
            State::Investigating => session_over(store, &issue, hands)?,
            State::FixProposed => match (hands.standing)(&issue) {
                Ok(standing) => apply_standing(store, &issue, standing, (hands.outside.now)())?,
                Err(failed) => {
                    run.notes.push(format!("what became of a pull request is unknown: {failed}"));
                    continue;
                }
            },
            _ => continue,
        };
        if issue.life.state != before {
            run.changes.push((issue.id.clone(), issue.life.state.name().to_owned()));
        }
    }
    Ok(())
}

/// Whether the session that looks into it is over, which nobody told.
fn session_over(store: &mut Store, issue: &Issue, hands: &mut Hands) -> Result<Issue> {
    let now = (hands.outside.now)();
    let mut session = issue.sessions.last().and_then(|id| store.session(id).ok());
    if let Some(idle) = session.as_ref().filter(|session| session.phase == Phase::Idle) {
        // It is done, and nobody will send it more.
        (hands.close)(&idle.id)?;
        session = store.session(&idle.id).ok();
    }
    match session {
        Some(session) if session.phase.is_over() => attach(store, issue, &session, now),
        Some(session) if is_left(store, &session)? => store.change_issue(&issue.id, |issue| {
            issue.take(Input::Ended, now);
            issue.say_last(format!("session {} was never started", session.id));
        }),
        Some(_) => Ok(issue.clone()),
        // It was removed.
        None => store.change_issue(&issue.id, |issue| {
            issue.take(Input::Ended, now);
        }),
    }
}

/// Whether whoever recorded it was cut off before its sandbox was there; `loop gc` gives it up.
fn is_left(store: &Store, session: &SessionRecord) -> Result<bool> {
    let begun = session.phase != Phase::Provisioning;
    Ok(!begun && store.dir(&session.id).lock()?.is_some())
}

/// Puts what a session left with its issue.
pub(super) fn attach(
    store: &mut Store,
    issue: &Issue,
    session: &SessionRecord,
    now: i64,
) -> Result<Issue> {
    let artifacts = store.artifacts(&session.id)?;
    let investigated = session.outcome == Some(Outcome::Succeeded)
        && artifacts.iter().any(|one| one.kind == ArtifactKind::Investigation);
    let opened = artifacts.iter().find(|one| one.kind == ArtifactKind::PullRequest);
    let opened = opened.and_then(|one| one.url.clone());
    store.change_issue(&issue.id, |issue| {
        issue.take(Input::Ended, now);
        if investigated {
            issue.investigation = Some(session.id.clone());
            (issue.look, issue.fruitless) = (false, 0);
            issue.looked_score = Some(issue.told.score);
        } else {
            issue.fruitless += 1;
            let why = session.reason.as_deref().unwrap_or("it left no investigation");
            issue.note(now, None, format!("session {} came to nothing: {why}", session.id));
        }
        if let Some(url) = opened {
            issue.pull_request = Some(PullRequest { url, session: Some(session.id.clone()) });
            issue.take(Input::Proposed, now);
        }
    })
}

/// Takes in what a forge says of an issue's pull request.
fn apply_standing(
    store: &mut Store,
    issue: &Issue,
    standing: Option<Standing>,
    now: i64,
) -> Result<Issue> {
    let input = match standing {
        None | Some(Standing::Open) => return Ok(issue.clone()),
        Some(Standing::Closed) => Input::Closed,
        Some(Standing::Merged(at)) => merge_of(issue, at),
    };
    store.change_issue(&issue.id, |issue| {
        issue.take(input, now);
    })
}

/// That its pull request was merged then (Unix milliseconds).
pub fn merge_of(issue: &Issue, at: i64) -> Input {
    let needed = issue.is_verifiable().then(|| issue.needed());
    Input::Merged { at_us: at.saturating_mul(1_000), needed }
}
