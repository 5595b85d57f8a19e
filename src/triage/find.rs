//! Finds the failures of a snapshot. See the module above for what counts.

use super::mask::mask;
use super::{Entity, Example, Group, Report};
use crate::error::{Cannot, Kind, Result};
use crate::traces::snapshot::Snapshot;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

/// Example traces of one group.
const EXAMPLES: usize = 5;

/// Characters of an example's input and message.
const EXCERPT: usize = 240;

pub fn find(snapshot: &Snapshot) -> Result<Report> {
    let doing = || format!("look for failures in `{}`", snapshot.path().display());
    let errors = errors(snapshot.database()).cannot(Kind::Config, doing)?;
    let mended: Vec<_> = errors.iter().filter(|error| error.mended).collect();
    let summary = snapshot.summary();
    let mut report = Report {
        about: snapshot.about().clone(),
        traces: summary.traces,
        spans: summary.spans,
        failing: summary.failing,
        first_us: summary.first,
        last_us: summary.last,
        mended: mended.len() as u64,
        mended_traces: mended.iter().map(|error| &error.trace_id).collect::<HashSet<_>>().len()
            as u64,
        left_out: summary.left_out.clone(),
        ..Report::default()
    };
    let mut found: BTreeMap<(Entity, String, String), Vec<Error>> = BTreeMap::new();
    for error in origins(errors) {
        let key = (error.entity(), error.exception.clone(), mask(&error.message));
        found.entry(key).or_default().push(error);
    }
    for (key, errors) in found {
        let group =
            group(snapshot.database(), key, &errors, summary.traces).cannot(Kind::Config, doing)?;
        if group.traces > 1 {
            report.groups.push(group);
        } else {
            report.one_offs += 1;
        }
    }
    // The sort is stable and the groups come by name.
    report.groups.sort_by_key(|group| std::cmp::Reverse(group.traces));
    Ok(report)
}

/// A span in error.
struct Error {
    n: i64,
    trace_id: String,
    span_id: String,
    parent_id: Option<String>,
    name: String,
    exception: String,
    message: String,
    model: Option<String>,
    tool: Option<String>,
    start_us: i64,
    root_failed: bool,
    /// A later span of the same name and kind went well.
    mended: bool,
}

impl Error {
    fn entity(&self) -> Entity {
        match (&self.tool, &self.model) {
            (Some(tool), _) => Entity::Tool(tool.clone()),
            (None, Some(model)) => Entity::Model(model.clone()),
            (None, None) => Entity::Span(self.name.clone()),
        }
    }
}

/// In the order of the snapshot: by time, trace by trace.
fn errors(database: &Connection) -> rusqlite::Result<Vec<Error>> {
    let mut statement = database.prepare(
        "SELECT s.n, s.trace_id, s.span_id, s.parent_id, s.name, coalesce(s.error_type, ''),
            substr(coalesce(s.error_message, s.status_message, ''), 1, 2000), s.model, s.tool,
            s.start_us, t.root_status = 'ERROR',
            EXISTS (SELECT 1 FROM span o WHERE o.trace_id = s.trace_id AND o.name = s.name
                AND o.kind = s.kind AND o.status <> 'ERROR' AND o.start_us >= s.end_us)
         FROM span s JOIN trace t ON t.trace_id = s.trace_id
         WHERE s.status = 'ERROR' ORDER BY s.n",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Error {
            n: row.get(0)?,
            trace_id: row.get(1)?,
            span_id: row.get(2)?,
            parent_id: row.get(3)?,
            name: row.get(4)?,
            exception: row.get(5)?,
            message: row.get(6)?,
            model: row.get(7)?,
            tool: row.get(8)?,
            start_us: row.get(9)?,
            root_failed: row.get(10)?,
            mended: row.get(11)?,
        })
    })?;
    rows.collect()
}

/// The errors that nobody mended and that came from no other.
fn origins(errors: Vec<Error>) -> Vec<Error> {
    let open: Vec<Error> = errors.into_iter().filter(|error| !error.mended).collect();
    let parents: HashSet<(String, String)> = open
        .iter()
        .filter_map(|error| Some((error.trace_id.clone(), error.parent_id.clone()?)))
        .collect();
    open.into_iter()
        .filter(|error| !parents.contains(&(error.trace_id.clone(), error.span_id.clone())))
        .collect()
}

fn group(
    database: &Connection,
    (entity, exception, template): (Entity, String, String),
    errors: &[Error],
    traces: u64,
) -> rusqlite::Result<Group> {
    let mut firsts: Vec<&Error> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for error in errors {
        if seen.insert(&error.trace_id, firsts.len()).is_none() {
            firsts.push(error);
        }
    }
    let examples = spread(&firsts).map(|error| example(database, error));
    let (calls, failed_calls) = calls(database, &entity)?;
    let count = firsts.len() as u64;
    Ok(Group {
        fingerprint: fingerprint(&entity, &exception, &template),
        example: errors.first().map(|error| excerpt(&error.message)).unwrap_or_default(),
        traces: count,
        spans: errors.len() as u64,
        share: count as f64 / traces.max(1) as f64,
        roots_failed: firsts.iter().filter(|error| error.root_failed).count() as u64,
        calls,
        failed_calls,
        examples: examples.collect::<rusqlite::Result<_>>()?,
        first_us: errors.iter().map(|error| error.start_us).min().unwrap_or_default(),
        last_us: errors.iter().map(|error| error.start_us).max().unwrap_or_default(),
        entity,
        exception,
        template,
    })
}

/// Some of the list, from its first to its last at even distances.
fn spread<'a>(list: &'a [&'a Error]) -> impl Iterator<Item = &'a Error> {
    let wanted = list.len().min(EXAMPLES);
    (0..wanted).map(move |at| list[at * (list.len() - 1) / (wanted - 1).max(1)])
}

fn example(database: &Connection, error: &Error) -> rusqlite::Result<Example> {
    let mut statement =
        database.prepare_cached("SELECT substr(input, 1, 2000) FROM payload WHERE n = ?")?;
    let input: Option<String> = statement.query_row([error.n], |row| row.get(0))?;
    Ok(Example {
        trace_id: error.trace_id.clone(),
        span_id: error.span_id.clone(),
        input: input.map(|text| excerpt(&text)),
    })
}

fn calls(database: &Connection, entity: &Entity) -> rusqlite::Result<(u64, u64)> {
    let column = match entity {
        Entity::Tool(_) => "tool",
        Entity::Model(_) => "model",
        Entity::Span(_) => "name",
    };
    let sql =
        format!("SELECT count(*), coalesce(sum(status = 'ERROR'), 0) FROM span WHERE {column} = ?");
    let (calls, failed): (i64, i64) =
        database.query_row(&sql, [entity.name()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((calls.unsigned_abs(), failed.unsigned_abs()))
}

fn excerpt(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= EXCERPT {
        return text;
    }
    let kept: String = text.chars().take(EXCERPT).collect();
    format!("{kept}…")
}

/// Twelve digits, so that it cannot be taken for the id of a span.
fn fingerprint(entity: &Entity, exception: &str, template: &str) -> String {
    let mut hash = Sha256::new();
    for part in [entity.kind(), entity.name(), exception, template] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize()[..6].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
