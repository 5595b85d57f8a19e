//! Evals into Arize AX, as annotations of spans and of traces.
//!
//! A name must be one of the space's annotation configs, which say what values it takes; that is
//! looked up first, so that one sentence tells all that is missing. A request is of one kind of target
//! and of a range of time in which its spans start; about a trace it names the root span. What is
//! written twice is there once: an annotation is known by its target and name.

use super::super::annotation::Target;
use super::super::evals::{Batch, Eval, Spot};
use super::api::Api;
use super::find::Found;
use super::read::time;
use crate::domain::words::{Count, or};
use crate::error::{Failure, Kind, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PATH: &str = "/v2/spans/annotate";

/// The most records of a request.
const AT_ONCE: usize = 1_000;

/// The longest range of a request, in microseconds: the server's 31 days, less one for the borders.
const LONGEST: i64 = 30 * 86_400 * 1_000_000;

/// How much later than its last span's start a range ends, in microseconds.
const AFTER: i64 = 1_000_000;

/// What may be said under a name.
#[derive(Debug, Clone, Deserialize)]
struct Config {
    #[serde(default)]
    name: String,
    /// `CATEGORICAL`, `CONTINUOUS` or `FREEFORM`.
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    values: Vec<Category>,
    minimum_score: Option<f64>,
    maximum_score: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
struct Category {
    #[serde(default)]
    label: String,
}

pub(super) fn batches(api: &Api, found: &Found, evals: &[Eval]) -> Result<Vec<Batch>> {
    let query = [("space_id", found.space_id.as_str())];
    let what = ("list the annotation configs of the space", "annotation_configs");
    match api.list::<Config>(what, "/v2/annotation-configs", &query) {
        Ok(configs) => fits(&configs, evals, &found.space_id)?,
        // Who may annotate need not be allowed to list; then the server says it itself.
        Err(failure) if failure.kind == Kind::Credential => {}
        Err(failure) => return Err(failure),
    }
    requests(found, evals)
}

pub(super) fn write(api: &Api, batch: &Batch) -> Result<()> {
    let answer = api.post(&batch.path, &batch.body)?;
    if answer.is_success() {
        return Ok(());
    }
    let failure = api.refused("write annotations to Arize AX", &answer);
    Err(match answer.status {
        404 => failure.because("of a request with a span that it does not know it writes nothing"),
        403 => failure.because("a service key with the role READ_ONLY cannot annotate"),
        _ => failure,
    })
}

fn requests(found: &Found, evals: &[Eval]) -> Result<Vec<Batch>> {
    let mut located: Vec<(bool, Spot, &Eval)> = Vec::with_capacity(evals.len());
    for eval in evals {
        let of_trace = matches!(eval.target, Target::Trace(_));
        let spot = eval.spot.ok_or_else(|| {
            Failure::new(Kind::Config, "the session has no evidence that tells when spans started")
        })?;
        located.push((of_trace, spot, eval));
    }
    // Evals about one target follow each other: they are one record.
    located
        .sort_by_key(|(of_trace, spot, eval)| (*of_trace, spot.start_us, spot.span_id, eval.line));
    let records: Vec<&[(bool, Spot, &Eval)]> =
        located.chunk_by(|a, b| (a.0, a.1.span_id) == (b.0, b.1.span_id)).collect();
    let mut batches = Vec::new();
    let mut rest = records.as_slice();
    while let Some((of_trace, first, _)) = rest.first().map(|record| record[0]) {
        let fits = |record: &&[(bool, Spot, &Eval)]| {
            record[0].0 == of_trace && record[0].1.start_us - first.start_us <= LONGEST
        };
        let count = rest.iter().take(AT_ONCE).take_while(|record| fits(record)).count();
        let (some, others) = rest.split_at(count);
        rest = others;
        let last = some.last().map_or(first, |record| record[0].1);
        let annotations: Vec<Value> = some.iter().map(|record| self::record(record)).collect();
        batches.push(Batch {
            path: PATH.to_owned(),
            body: json!({
                "project_id": found.id,
                "granularity": if of_trace { "TRACE" } else { "SPAN" },
                "start_time": time(first.start_us),
                "end_time": time(last.start_us.saturating_add(AFTER)),
                "annotations": annotations,
            }),
            evals: some.iter().map(|record| record.len()).sum(),
        });
    }
    Ok(batches)
}

fn record(evals: &[(bool, Spot, &Eval)]) -> Value {
    let value = |(_, _, eval): &(bool, Spot, &Eval)| {
        let mut value = Map::new();
        value.insert("name".to_owned(), json!(eval.name));
        if let Some(label) = &eval.label {
            value.insert("label".to_owned(), json!(label));
        }
        if let Some(score) = eval.score {
            value.insert("score".to_owned(), json!(score));
        }
        if let Some(explanation) = &eval.explanation {
            value.insert("text".to_owned(), json!(explanation));
        }
        Value::Object(value)
    };
    let values: Vec<Value> = evals.iter().map(value).collect();
    json!({ "record_id": evals[0].1.span_id.to_string(), "values": values })
}

/// Whether every name exists in the space, and takes the values that it is given.
fn fits(configs: &[Config], evals: &[Eval], space: &str) -> Result<()> {
    let by_name: BTreeMap<&str, &Config> =
        configs.iter().map(|config| (config.name.as_str(), config)).collect();
    let missing: BTreeSet<&str> = evals
        .iter()
        .map(|eval| eval.name.as_str())
        .filter(|name| !by_name.contains_key(name))
        .collect();
    if let Some(first) = missing.first() {
        let names: Vec<&str> = missing.iter().copied().collect();
        return Err(Failure::new(
            Kind::Config,
            format!("the space has no annotation config {}", or(&names)),
        )
        .because("Arize AX takes annotations only under names that it knows")
        .hint(format!("make it in the space's settings, or run `{}`", making(first, evals, space)))
        .hint("or push only the others: `--name NAME`"));
    }
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    for eval in evals {
        if let Some(why) = by_name.get(eval.name.as_str()).and_then(|config| config.refuses(eval)) {
            *wrong.entry(why).or_default() += 1;
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let mut failure = Failure::new(
        Kind::Config,
        "some evals have values that their annotation config does not take",
    );
    for (why, count) in wrong.iter().take(5) {
        failure = failure.because(format!("{why} ({})", Count::of(*count, "eval")));
    }
    Err(failure.hint("change the config in the space, or push only the others: `--name NAME`"))
}

impl Config {
    /// Why it does not take an eval.
    fn refuses(&self, eval: &Eval) -> Option<String> {
        let name = &self.name;
        match self.kind.as_str() {
            "CATEGORICAL" => match &eval.label {
                None => Some(format!("`{name}` takes a label")),
                Some(label) if self.values.iter().all(|value| value.label != *label) => {
                    Some(format!("`{name}` knows no label `{label}`"))
                }
                Some(_) => None,
            },
            "CONTINUOUS" => match eval.score {
                None => Some(format!("`{name}` takes a score")),
                Some(score) => {
                    let (least, most) = (
                        self.minimum_score.unwrap_or(f64::NEG_INFINITY),
                        self.maximum_score.unwrap_or(f64::INFINITY),
                    );
                    (!(least..=most).contains(&score))
                        .then(|| format!("`{name}` takes scores from {least} to {most}"))
                }
            },
            _ => None,
        }
    }
}

/// How the vendor's own command line makes a config that takes these.
fn making(name: &str, evals: &[Eval], space: &str) -> String {
    let own = || evals.iter().filter(|eval| eval.name == name);
    let labels: BTreeSet<&str> = own().filter_map(|eval| eval.label.as_deref()).collect();
    if labels.is_empty() {
        let least = own().filter_map(|eval| eval.score).fold(0.0, f64::min);
        let most = own().filter_map(|eval| eval.score).fold(1.0, f64::max);
        return format!(
            "ax annotation-configs create continuous --name {} --space {} \
             --min-score {least} --max-score {most}",
            quoted(name),
            quoted(space)
        );
    }
    let values: Vec<String> =
        labels.iter().map(|label| format!("--value {}", quoted(label))).collect();
    format!(
        "ax annotation-configs create categorical --name {} --space {} {}",
        quoted(name),
        quoted(space),
        values.join(" ")
    )
}

/// As one word of a shell, whatever a worker or a server wrote in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::super::super::span::{SpanId, TraceId};
    use super::*;

    const DAY: i64 = 86_400 * 1_000_000;

    fn eval(target: Target, name: &str, id: u64, start_us: i64) -> Eval {
        Eval {
            line: 1,
            target,
            name: name.to_owned(),
            label: Some("l".to_owned()),
            score: Some(0.5),
            explanation: None,
            spot: Some(Spot { span_id: SpanId(id), start_us }),
        }
    }

    fn span(name: &str, id: u64, start_us: i64) -> Eval {
        eval(Target::Span(SpanId(id)), name, id, start_us)
    }

    #[test]
    fn requests_are_of_one_kind_and_of_a_month() {
        let found = Found { id: "p".into(), name: String::new(), space_id: String::new() };
        let mut evals = vec![span("a", 1, 0), span("b", 1, 0), span("a", 2, 31 * DAY)];
        evals.push(eval(Target::Trace(TraceId(9)), "a", 1, 0));
        evals.extend((10..1_020).map(|id| span("a", id, 40 * DAY)));
        let made = requests(&found, &evals).unwrap();
        let told: Vec<_> = made
            .iter()
            .map(|batch| {
                let records = batch.body["annotations"].as_array().unwrap().len();
                (batch.body["granularity"].as_str().unwrap(), records, batch.evals)
            })
            .collect();
        assert_eq!(
            told,
            [("SPAN", 1, 2), ("SPAN", 1_000, 1_000), ("SPAN", 11, 11), ("TRACE", 1, 1)]
        );
        let first = &made[0].body;
        assert_eq!(first["start_time"], "1970-01-01T00:00:00Z");
        assert_eq!(first["end_time"], "1970-01-01T00:00:01Z");
        assert_eq!(first["annotations"][0]["record_id"], "0000000000000001");
        assert_eq!(first["annotations"][0]["values"][1]["name"], "b");
        let mut lost = span("a", 1, 0);
        lost.spot = None;
        assert!(requests(&found, &[lost]).is_err());
    }

    #[test]
    fn a_config_must_be_there_and_take_the_values() {
        let configs: Vec<Config> = serde_json::from_value(json!([
            {"name": "cat", "type": "CATEGORICAL", "values": [{"label": "l", "score": 1}]},
            {"name": "num", "type": "CONTINUOUS", "minimum_score": 0, "maximum_score": 0.4},
            {"name": "free", "type": "FREEFORM"}]))
        .unwrap();
        let check = |name: &str| fits(&configs, &[span(name, 1, 0)], "s");
        assert!(check("cat").is_ok() && check("free").is_ok());
        let failure = check("num").unwrap_err();
        assert_eq!(failure.causes, ["`num` takes scores from 0 to 0.4 (1 eval)"]);
        let failure = check("new").unwrap_err();
        assert_eq!(failure.sentence, "the space has no annotation config `new`");
        assert!(
            failure.hints[0].ends_with("categorical --name 'new' --space 's' --value 'l'`"),
            "{failure:?}"
        );
        assert_eq!(quoted("it's; x"), "'it'\\''s; x'");
    }
}
