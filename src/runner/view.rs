//! A stored session as it is shown.

use crate::domain::artifact::{Artifact, ArtifactKind};
use crate::error::Result;
use crate::output::view::{ArtifactView, IssueView, SessionView, TurnView};
use crate::store::{SessionRecord, Store};
use serde_json::Value;
use std::path::Path;

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
        artifacts: artifacts.iter().map(|one| shown(one, &folder)).collect(),
        ..outline(session)
    })
}

/// More than this of a list of issues is left to whoever opens it.
const ISSUES: usize = 20;

fn shown(artifact: &Artifact, folder: &Path) -> ArtifactView {
    let mut view = ArtifactView::of(artifact, folder);
    if artifact.kind == ArtifactKind::Issues
        && artifact.checks.iter().all(|check| check.name != "schema" || check.passed)
        && let Some(text) = view.path.as_ref().and_then(|path| std::fs::read(path).ok())
    {
        view.issues = issues(&text);
    }
    view
}

/// What `issues.json` tells. Its form was checked when it was collected.
fn issues(text: &[u8]) -> Vec<IssueView> {
    let Ok(file) = serde_json::from_slice::<Value>(text) else { return Vec::new() };
    let all = file["issues"].as_array().map(Vec::as_slice).unwrap_or_default();
    let issue = |(at, issue): (usize, &Value)| {
        let examples = texts(&issue["trace_ids"]);
        let text = |key: &str| issue[key].as_str().map(str::to_owned);
        let of_entity = |key: &str| issue["entity"][key].as_str().map(str::to_owned);
        IssueView {
            rank: at as u32 + 1,
            id: text("fingerprint"),
            title: text("title").unwrap_or_default(),
            traces: issue["traces_affected"].as_u64().unwrap_or(examples.len() as u64),
            share: issue["share"].as_f64(),
            examples,
            healthy: texts(&issue["healthy_trace_ids"]),
            severity: text("severity"),
            trend: text("trend"),
            users: issue["users_affected"].as_u64(),
            pattern: text("pattern"),
            entity: of_entity("kind").zip(of_entity("name")),
            first_seen: text("first_seen"),
            last_seen: text("last_seen"),
        }
    };
    all.iter().take(ISSUES).enumerate().map(issue).collect()
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
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
