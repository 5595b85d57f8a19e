//! A stored session as it is shown.

use crate::error::Result;
use crate::output::view::{ArtifactView, SessionView, TurnView};
use crate::store::{SessionRecord, Store};

pub fn view(store: &Store, session: &SessionRecord) -> Result<SessionView> {
    let turns = store.turns(&session.id)?;
    let folder = store.dir(&session.id).artifacts();
    let artifacts = store.artifacts(&session.id)?;
    let turns = turns
        .into_iter()
        .map(|turn| TurnView {
            turn: turn.turn,
            prompt: turn.prompt,
            outcome: turn.outcome,
            reason: turn.reason,
            started_at: turn.started_at.unwrap_or(session.created_at),
            ended_at: turn.ended_at,
            usage: turn.usage,
            cost_usd: turn.cost_usd,
        })
        .collect();
    Ok(SessionView {
        turns,
        artifacts: artifacts.iter().map(|one| ArtifactView::of(one, &folder)).collect(),
        ..outline(session)
    })
}

/// Without turns and artifacts, for lists.
pub fn outline(session: &SessionRecord) -> SessionView {
    let plan = &session.plan;
    SessionView {
        id: session.id.clone(),
        name: plan.name.clone(),
        preset: plan.preset.clone(),
        harness: plan.harness.clone(),
        sandbox: plan.sandbox.provider.clone(),
        sandbox_id: session.sandbox.clone(),
        project: plan.project.as_ref().map(|project| project.name.clone()),
        phase: session.phase,
        outcome: session.outcome,
        reason: session.reason.clone(),
        created_at: session.created_at,
        finished_at: session.finished_at,
        turns: Vec::new(),
        turn_count: session.turns,
        artifact_count: session.artifacts,
        usage: session.usage,
        cost_usd: session.cost_usd,
        artifacts: Vec::new(),
        labels: plan.labels.clone(),
    }
}
