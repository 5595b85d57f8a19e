//! An issue as a check: traces that show it and traces that do not, and a program that tells them
//! apart, to begin with.

use crate::domain::issue::Issue;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::traces::snapshot::Snapshot;
use rusqlite::{Connection, Row};
use serde_json::{Value, json};

/// What is written of a trace, at most.
const STEPS: u32 = 200;
const TEXT: u32 = 4_000;

/// The files of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub dataset: String,
    pub evaluator: String,
    /// Rows that show the failure, and rows that do not.
    pub fail: usize,
    pub pass: usize,
}

/// Makes a check of the traces that a snapshot holds.
pub fn to_eval(snapshot: &Snapshot, issue: &Issue) -> Result<Check> {
    let shows = issue.told.examples.iter().map(|one| (one.trace_id.as_str(), "fail"));
    let healthy = issue.told.healthy.iter().map(|id| (id.as_str(), "pass"));
    let mut check = Check { dataset: String::new(), evaluator: evaluator(issue), fail: 0, pass: 0 };
    for (id, label) in shows.chain(healthy) {
        if !snapshot.has_trace(id)? {
            continue;
        }
        let doing = || format!("read trace `{id}` of `{}`", snapshot.path().display());
        let row = row(snapshot.database(), id, label, issue).cannot(Kind::Config, doing)?;
        check.dataset.push_str(&format!("{row}\n"));
        match label {
            "fail" => check.fail += 1,
            _ => check.pass += 1,
        }
    }
    if check.fail == 0 {
        let sentence = format!("no trace that shows issue `{}` is to be had any more", issue.id);
        return Err(Failure::new(Kind::Network, sentence)
            .hint(format!("look again: `loop signal run {}`", issue.project)));
    }
    Ok(check)
}

fn row(db: &Connection, id: &str, label: &str, issue: &Issue) -> rusqlite::Result<Value> {
    let sql = format!(
        "SELECT name, kind, status, error_type, substr(coalesce(error_message, status_message), 1, {TEXT}),
           tool, model, agent, substr(input, 1, {TEXT}), substr(output, 1, {TEXT})
         FROM spans WHERE trace_id = ?1 ORDER BY n LIMIT {STEPS}"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let steps: Vec<Value> = statement.query_map([id], step)?.collect::<rusqlite::Result<_>>()?;
    let sql = format!(
        "SELECT substr(input, 1, {TEXT}), substr(output, 1, {TEXT}) FROM spans
         WHERE trace_id = ?1 AND span_id = (SELECT root_span_id FROM trace WHERE trace_id = ?1)"
    );
    let (input, output): (Option<String>, Option<String>) =
        db.query_row(&sql, [id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(json!({
        "id": id,
        "label": label,
        "input": input,
        "output": output,
        "steps": steps,
        "metadata": {
            "issue": issue.id,
            "project": issue.project,
            "pattern": issue.told.pattern,
            "entity": {"kind": issue.told.entity_kind, "name": issue.told.entity_name},
        },
    }))
}

fn step(row: &Row) -> rusqlite::Result<Value> {
    let text = |at: usize| row.get::<_, Option<String>>(at);
    Ok(json!({
        "name": text(0)?,
        "kind": text(1)?,
        "status": text(2)?,
        "error_type": text(3)?,
        "error_message": text(4)?,
        "tool": text(5)?,
        "model": text(6)?,
        "agent": text(7)?,
        "input": text(8)?,
        "output": text(9)?,
    }))
}

/// A program in Python, whose standard library is all that it needs. Where the failure is an error, it
/// tells it by that; what anything else shows by is left to be written.
fn evaluator(issue: &Issue) -> String {
    let told = &issue.told;
    // A JSON string is a string of Python, too.
    let text = |text: &str| Value::from(text).to_string();
    let body = match &told.exception {
        Some((kind, _)) => {
            include_str!("evaluator-error.py").replace("{{error_type}}", &text(kind))
        }
        None => include_str!("evaluator-other.py").to_owned(),
    };
    include_str!("evaluator.py")
        .replace("{{evaluate}}", body.trim_end())
        .replace("{{issue}}", &text(&issue.id))
        .replace("{{project}}", &text(&issue.project))
        .replace("{{entity}}", &text(&told.entity_name))
        .replace("{{advice}}", &text(&told.advice))
        .replace("{{title}}", &text(&told.title))
}
