//! Reads `evals.jsonl`, line by line, and keeps what is right apart from what is not.

use super::super::annotation::Target;
use super::super::snapshot::Snapshot;
use super::super::span::{SpanId, TraceId};
use super::{Eval, Spot, locate};
use crate::error::{Cannot as _, Kind, Result};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::Path;

/// Bounds of a file, in bytes and lines. What lies beyond is a mistake.
const LARGEST: usize = 16 << 20;
const MOST_LINES: usize = 100_000;

/// Bounds of values, in characters.
const LONGEST_NAME: usize = 100;
const LONGEST_LABEL: usize = 500;
const LONGEST_EXPLANATION: usize = 10_000;

const KEYS: [&str; 6] = ["span_id", "trace_id", "name", "label", "score", "explanation"];

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evals {
    pub good: Vec<Eval>,
    pub mistakes: Vec<Mistake>,
    /// Keys that mean nothing here, and how many lines have each.
    pub ignored: BTreeMap<String, u64>,
}

/// A line that is not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Counted from 1.
    pub line: usize,
    pub reason: String,
    #[serde(skip)]
    pub fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has not the form that it should have.
    Form,
    /// It is about something that the evidence does not hold.
    Unknown,
}

/// Reads a file. Without evidence nothing is looked up, and no eval has a spot.
pub fn read(file: &Path, evidence: Option<&Snapshot>) -> Result<Evals> {
    let doing = || format!("read `{}`", file.display());
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .cannot(Kind::Config, doing)?
        .take(LARGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .cannot(Kind::Config, doing)?;
    let too_large = bytes.len() > LARGEST;
    let mut reading = Reading { evidence, evals: Evals::default(), seen: HashMap::new() };
    let mut lines = bytes.split(|byte| *byte == b'\n').zip(1..).peekable();
    while let Some((line, number)) = lines.next() {
        let beyond = if too_large && lines.peek().is_none() {
            format!("the file is larger than {} MiB, and is not read beyond", LARGEST >> 20)
        } else if number > MOST_LINES {
            format!("the file has more than {MOST_LINES} lines, and is not read beyond")
        } else {
            if !line.trim_ascii().is_empty() {
                reading.line(number, line)?;
            }
            continue;
        };
        reading.wrong(number, beyond, Fault::Form);
        break;
    }
    Ok(reading.evals)
}

struct Reading<'a> {
    evidence: Option<&'a Snapshot>,
    evals: Evals,
    /// Which line was the first of a target and name.
    seen: HashMap<(Target, String), usize>,
}

impl Reading<'_> {
    fn line(&mut self, number: usize, line: &[u8]) -> Result<()> {
        let object = match object(line) {
            Ok(object) => object,
            Err(reason) => {
                self.wrong(number, reason, Fault::Form);
                return Ok(());
            }
        };
        for key in object.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let key = key.chars().take(LONGEST_NAME).collect();
            *self.evals.ignored.entry(key).or_default() += 1;
        }
        let (mut eval, trace) = match eval(number, &object) {
            Ok(read) => read,
            Err(reason) => {
                self.wrong(number, reason, Fault::Form);
                return Ok(());
            }
        };
        match self.spot(&eval.target, trace)? {
            Ok(spot) => eval.spot = spot,
            Err(reason) => {
                self.wrong(number, reason, Fault::Unknown);
                return Ok(());
            }
        }
        let key = (eval.target.clone(), eval.name.clone());
        let first = *self.seen.entry(key).or_insert(number);
        if first == number {
            self.evals.good.push(eval);
        } else {
            let reason = format!("line {first} has the same target and name");
            self.wrong(number, reason, Fault::Form);
        }
        Ok(())
    }

    fn wrong(&mut self, line: usize, reason: String, fault: Fault) {
        self.evals.mistakes.push(Mistake { line, reason, fault });
    }

    fn spot(
        &self,
        target: &Target,
        trace: Option<TraceId>,
    ) -> Result<Result<Option<Spot>, String>> {
        let Some(evidence) = self.evidence else { return Ok(Ok(None)) };
        let spot = match target {
            Target::Span(id) => locate::span(evidence, *id, trace)?,
            Target::Trace(id) => locate::trace(evidence, *id)?,
            Target::Session(_) => return Ok(Ok(None)),
        };
        Ok(spot.map(Some))
    }
}

fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("it is no JSON object".to_owned()),
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

/// An eval that nobody has looked up yet, and the trace that it names beside a span. The error says
/// everything that is wrong.
fn eval(line: usize, object: &Map<String, Value>) -> Result<(Eval, Option<TraceId>), String> {
    let mut wrong = Vec::new();
    let target = noted(target(object), &mut wrong);
    let name = noted(name(object), &mut wrong);
    let label = noted(word(object, "label", LONGEST_LABEL), &mut wrong).flatten();
    let score = noted(score(object), &mut wrong).flatten();
    let explanation = noted(text(object, "explanation", LONGEST_EXPLANATION), &mut wrong).flatten();
    if wrong.is_empty() && label.is_none() && score.is_none() {
        wrong.push("it has neither `label` nor `score`".to_owned());
    }
    match (target, name) {
        (Some((target, trace)), Some(name)) if wrong.is_empty() => {
            Ok((Eval { line, target, name, label, score, explanation, spot: None }, trace))
        }
        _ => Err(wrong.join("; ")),
    }
}

fn noted<T>(found: Result<T, String>, wrong: &mut Vec<String>) -> Option<T> {
    found.map_err(|reason| wrong.push(reason)).ok()
}

/// A span, else a trace; with a span's trace, where that is named too.
fn target(object: &Map<String, Value>) -> Result<(Target, Option<TraceId>), String> {
    let wrong = |key: &str, digits: u8| format!("`{key}` is not {digits} hexadecimal digits");
    let trace = string(object, "trace_id")?
        .map(|text| TraceId::read(text).ok_or_else(|| wrong("trace_id", 32)))
        .transpose()?;
    let span = string(object, "span_id")?
        .map(|text| SpanId::read(text).ok_or_else(|| wrong("span_id", 16)))
        .transpose()?;
    match (span, trace) {
        (Some(span), trace) => Ok((Target::Span(span), trace)),
        (None, Some(trace)) => Ok((Target::Trace(trace), None)),
        (None, None) => Err("it has neither `span_id` nor `trace_id`".to_owned()),
    }
}

fn name(object: &Map<String, Value>) -> Result<String, String> {
    word(object, "name", LONGEST_NAME)?.ok_or("it has no `name`".to_owned())
}

/// A text on one line.
fn word(object: &Map<String, Value>, key: &str, most: usize) -> Result<Option<String>, String> {
    let word = text(object, key, most)?;
    if word.as_deref().is_some_and(|word| word.contains(char::is_control)) {
        return Err(format!("`{key}` holds control characters"));
    }
    Ok(word)
}

/// A text that says something.
fn text(object: &Map<String, Value>, key: &str, most: usize) -> Result<Option<String>, String> {
    let text = string(object, key)?.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > most) {
        return Err(format!("`{key}` is longer than {most} characters"));
    }
    Ok(text.map(str::to_owned))
}

fn string<'a>(object: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, String> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` is no text")),
    }
}

fn score(object: &Map<String, Value>) -> Result<Option<f64>, String> {
    match object.get("score") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let score = number.as_f64().filter(|score| score.is_finite());
            score.map(Some).ok_or("`score` is no finite number".to_owned())
        }
        Some(_) => Err("`score` is no number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{demo, snapshot};
    use super::*;

    fn evals(text: &[u8], evidence: Option<&Snapshot>) -> Evals {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path(), evidence).unwrap()
    }

    #[track_caller]
    fn check(line: &str, reason: Option<&str>) {
        let evals = evals(line.as_bytes(), None);
        let told = evals.mistakes.first().map(|mistake| mistake.reason.as_str());
        assert_eq!(told, reason, "{line}");
        assert_eq!(evals.good.len(), usize::from(reason.is_none()), "{line}");
    }

    #[test]
    fn every_line_is_right_or_says_what_is_wrong() {
        let trace = "\"trace_id\":\"5b8efff798038103d269b633813fc60c\"";
        check(&format!(r#"{{{trace},"name":"n","label":"l"}}"#), None);
        check(&format!(r#"{{{trace},"name":"n","score":0,"explanation":null}}"#), None);
        check(r#"{"span_id":"EEE19B7EC3C1B174","name":"n","score":-1.5,"more":1}"#, None);
        for (line, reason) in [
            ("nonsense", "it is no JSON: expected ident at line 1 column 2"),
            ("[]", "it is no JSON object"),
            (r#"{"name":"n","label":"l"}"#, "it has neither `span_id` nor `trace_id`"),
            (
                r#"{"span_id":"12","name":"n","label":"l"}"#,
                "`span_id` is not 16 hexadecimal digits",
            ),
            (r#"{"trace_id":7,"name":"","label":"l"}"#, "`trace_id` is no text; it has no `name`"),
        ] {
            check(line, Some(reason));
        }
        let with = |rest: &str| format!("{{{trace},{rest}}}");
        for (rest, reason) in [
            (r#""label":"l""#, "it has no `name`"),
            (r#""name":"n","label":" ""#, "it has neither `label` nor `score`"),
            (r#""name":"n","label":true"#, "`label` is no text"),
            (r#""name":"n","score":"1""#, "`score` is no number"),
            (r#""name":"a\u0007b","label":"l""#, "`name` holds control characters"),
        ] {
            check(&with(rest), Some(reason));
        }
        let huge = evals(with(r#""name":"n","score":1e999"#).as_bytes(), None);
        assert!(huge.mistakes[0].reason.contains("number out of range"), "{huge:?}");
        let long = format!(r#""name":"{}","label":"{}""#, "n".repeat(101), "l".repeat(501));
        let reason = "`name` is longer than 100 characters; `label` is longer than 500 characters";
        check(&with(&long), Some(reason));
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_worker_writes_makes_it_panic(
            text in "(\\{\"(span_id|trace_id|name|label|score)\":(\"[0-9a-f]{0,33}\"|[-0-9.e]{0,5}|null|\\[\\])[,}\n]|.|\n){0,12}",
        ) {
            let lines = text.lines().count().max(text.split('\n').count());
            let evals = evals(text.as_bytes(), None);
            proptest::prop_assert!(evals.good.len() + evals.mistakes.len() <= lines);
        }
    }

    #[test]
    fn lines_are_counted_and_twins_found() {
        let line = r#"{"span_id":"eee19b7ec3c1b174","name":"n","score":1,"confidence":2}"#;
        let mut text = format!("{line}\r\n\n{line}\n").into_bytes();
        text.extend(b"\xff\n");
        let evals = evals(&text, None);
        assert_eq!(evals.good.len(), 1);
        let told: Vec<_> = evals.mistakes.iter().map(|m| (m.line, m.reason.as_str())).collect();
        assert_eq!(told, [(3, "line 1 has the same target and name"), (4, "it is not UTF-8")]);
        assert_eq!(evals.ignored["confidence"], 2);
    }

    #[test]
    fn a_file_without_end_is_cut() {
        let line = format!("{{\"name\":\"{}\"}}\n", "n".repeat(1 << 20));
        let evals = evals(line.repeat(17).as_bytes(), None);
        assert_eq!(evals.mistakes.len(), 16);
        assert!(evals.mistakes[15].reason.contains("larger than 16 MiB"), "{evals:?}");
    }

    #[test]
    fn what_the_evidence_does_not_hold_is_a_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        snapshot::write(&path, demo::spans(), &snapshot::About::default()).unwrap();
        let evidence = Snapshot::open(&path).unwrap();
        let (span, trace, root, start): (String, String, String, i64) = evidence
            .database()
            .query_row(
                "SELECT s.span_id, s.trace_id, t.root_span_id, r.start_us FROM span s JOIN trace t
                 ON t.trace_id = s.trace_id JOIN span r ON r.span_id = t.root_span_id
                 WHERE s.parent_id IS NOT NULL LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .unwrap();
        let other = "0123456789abcdef0123456789abcdef";
        let text = format!(
            "{{\"span_id\":\"{span}\",\"trace_id\":\"{trace}\",\"name\":\"n\",\"score\":1}}\n\
             {{\"trace_id\":\"{trace}\",\"name\":\"n\",\"score\":1}}\n\
             {{\"trace_id\":\"{other}\",\"name\":\"n\",\"score\":1}}\n\
             {{\"span_id\":\"{span}\",\"trace_id\":\"{other}\",\"name\":\"m\",\"score\":1}}\n\
             {{\"span_id\":\"00000000000000ff\",\"name\":\"n\",\"score\":1}}\n"
        );
        let evals = evals(text.as_bytes(), Some(&evidence));
        assert_eq!(evals.good.len(), 2, "{evals:?}");
        let spot = evals.good[1].spot.unwrap();
        assert_eq!((spot.span_id.to_string(), spot.start_us), (root, start));
        assert!(evals.mistakes.iter().all(|mistake| mistake.fault == Fault::Unknown));
        assert_eq!(evals.mistakes.len(), 3);
        assert!(evals.mistakes[1].reason.contains("not of the trace"), "{evals:?}");
    }
}
