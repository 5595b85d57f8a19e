//! Which traces of a window make a metric what it is, for whoever has to look at them first.

use super::metric::Metric;
use super::query::Part;
use super::snapshot::Snapshot;
use crate::domain::plan::Window;
use crate::error::{Cannot as _, Kind, Result};
use rusqlite::ToSql;

/// The ids of at most `limit` traces, the most telling one first. `above` says on which side of its
/// threshold the metric is.
pub fn breaching(
    snapshot: &Snapshot,
    metric: &Metric,
    window: Window,
    (above, limit): (bool, usize),
) -> Result<Vec<String>> {
    let part = Part::of(snapshot, window)?;
    let traces = part.traces();
    let (condition, order, name, label) = which(metric, above);
    let sql = format!(
        "SELECT t.trace_id FROM trace t
         LEFT JOIN span r ON r.trace_id = t.trace_id AND r.span_id = t.root_span_id
         WHERE {traces} AND {condition} AND (?1 IS NULL OR 1) AND (?2 IS NULL OR 1)
         ORDER BY {order}, t.start_us DESC, t.trace_id LIMIT {limit}"
    );
    let values: [&dyn ToSql; 2] = [&name, &label];
    let doing = || "look for the traces behind a metric".to_owned();
    let mut statement = snapshot.database().prepare_cached(&sql).cannot(Kind::Config, doing)?;
    statement
        .query_map(values.as_slice(), |row| row.get(0))
        .and_then(Iterator::collect)
        .cannot(Kind::Config, doing)
}

/// A condition and an order of traces `t` with root spans `r`, and the names that they bind.
fn which(metric: &Metric, above: bool) -> (&'static str, &'static str, Option<&str>, Option<&str>) {
    match metric {
        Metric::ErrorRate if above => ("t.root_status = 'ERROR'", "NULL", None, None),
        Metric::AnyErrorRate if above => ("t.errors > 0", "t.errors DESC", None, None),
        Metric::Latency(_) if above => ("1", "r.latency_ms DESC", None, None),
        Metric::Latency(_) => ("1", "r.latency_ms", None, None),
        Metric::Tokens(_) => ("1", "t.total_tokens DESC", None, None),
        Metric::Cost => ("1", "t.cost_usd DESC, t.total_tokens DESC", None, None),
        Metric::ToolFailureRate(tool) if above => (
            "EXISTS (SELECT 1 FROM span s WHERE s.trace_id = t.trace_id AND s.status = 'ERROR'
               AND s.tool IS NOT NULL AND (?1 IS NULL OR s.tool = ?1))",
            "NULL",
            tool.as_deref(),
            None,
        ),
        Metric::Score(name) => {
            let order = if above { SCORE_DOWN } else { SCORE_UP };
            (SCORED, order, Some(name), None)
        }
        Metric::Share { name, label } if above => (LABELLED, "NULL", Some(name), Some(label)),
        Metric::Share { name, label } => (NOT_LABELLED, "NULL", Some(name), Some(label)),
        Metric::ErrorRate
        | Metric::AnyErrorRate
        | Metric::ToolFailureRate(_)
        | Metric::Spans
        | Metric::Traces => ("1", "NULL", None, None),
    }
}

const SCORED: &str = "EXISTS (SELECT 1 FROM annotation a
    WHERE (a.trace_id = t.trace_id OR a.session_id = t.session_id) AND a.name = ?1
      AND a.score IS NOT NULL)";
const SCORE_UP: &str = "(SELECT min(a.score) FROM annotation a
    WHERE (a.trace_id = t.trace_id OR a.session_id = t.session_id) AND a.name = ?1)";
const SCORE_DOWN: &str = "(SELECT max(a.score) FROM annotation a
    WHERE (a.trace_id = t.trace_id OR a.session_id = t.session_id) AND a.name = ?1) DESC";
const LABELLED: &str = "EXISTS (SELECT 1 FROM annotation a
    WHERE (a.trace_id = t.trace_id OR a.session_id = t.session_id) AND a.name = ?1
      AND a.label = ?2)";
const NOT_LABELLED: &str = "EXISTS (SELECT 1 FROM annotation a
    WHERE (a.trace_id = t.trace_id OR a.session_id = t.session_id) AND a.name = ?1
      AND a.label IS NOT NULL AND a.label != ?2)";

#[cfg(test)]
mod tests {
    use super::super::snapshot::{About, Writer};
    use super::super::{Ask, Source as _, demo::Demo};
    use super::*;

    fn demo() -> (tempfile::TempDir, Snapshot) {
        let folder = tempfile::tempdir().unwrap();
        let window = Window::default();
        let (source, project) = ("demo".to_owned(), "demo".to_owned());
        let mut writer = Writer::new(About { source, project, window }).unwrap();
        let ask = Ask { window, mark: None, now: 0, progress: &|_| {} };
        Demo.read(&ask, &mut writer).unwrap();
        let path = folder.path().join("s.db");
        writer.finish(&path).unwrap();
        let snapshot = Snapshot::open(&path).unwrap();
        (folder, snapshot)
    }

    #[test]
    fn every_metric_has_traces_behind_it() {
        let (_folder, snapshot) = demo();
        let find = |text: &str, above: bool| {
            let metric = Metric::parse(text).unwrap();
            breaching(&snapshot, &metric, Window::default(), (above, 5)).unwrap()
        };
        let is = |sql: &str, ids: &[String]| {
            assert!(!ids.is_empty(), "{sql}");
            for id in ids {
                let row = snapshot.database().query_row(sql, [id], |row| row.get::<_, bool>(0));
                assert!(row.unwrap(), "{sql} {id}");
            }
        };
        is(
            "SELECT root_status = 'ERROR' FROM trace WHERE trace_id = ?1",
            &find("error_rate", true),
        );
        is("SELECT errors > 0 FROM trace WHERE trace_id = ?1", &find("any_error_rate", true));
        for text in Metric::FORMS.map(|form| form.replace(":NAME", ":x").replace(":TOOL", "")) {
            for above in [true, false] {
                let few = find(text.trim_end_matches(':'), above);
                assert!(few.len() <= 5, "{text}");
            }
        }
        let slow = find("p95_latency", true);
        let fast = find("p95_latency", false);
        assert_ne!(slow, fast);
        let tools = "SELECT count(*) > 0 FROM span WHERE trace_id = ?1 AND tool IS NOT NULL
                     AND status = 'ERROR'";
        is(tools, &find("tool_failure_rate", true));
    }
}
