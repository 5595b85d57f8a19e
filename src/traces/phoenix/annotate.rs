//! Evals into a Phoenix server, as annotations of its spans and traces.
//!
//! Writing is idempotent: an annotation of the same name and identifier on the same target is updated.
//! The server is asked to write before it answers, since otherwise it would not tell of targets that it
//! does not know.

use super::super::annotation::Target;
use super::super::evals::{Annotate, Batch, Eval};
use super::Phoenix;
use crate::error::{Failure, Kind, Result};
use crate::http::Answer;
use serde_json::{Map, Value, json};

/// How many annotations go in one request: few enough that its answer does not take long.
const AT_ONCE: usize = 200;

impl Annotate for Phoenix<'_> {
    fn batches(&self, evals: &[Eval], identifier: &str) -> Result<Vec<Batch>> {
        Ok(batches(evals, identifier))
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        let answer = self.server.post(&batch.path, &batch.body)?;
        if answer.is_success() { Ok(()) } else { Err(self.unwritten(&answer)) }
    }
}

impl Phoenix<'_> {
    fn unwritten(&self, answer: &Answer) -> Failure {
        let sentence = format!("cannot write annotations to Phoenix at `{}`", self.server.shown());
        let fail = |kind, why: String| {
            let said = answer.said();
            let said = if said.is_empty() { said } else { format!("it says: {said}") };
            Failure::new(kind, sentence.clone()).because(why).because(said)
        };
        match (answer.status, self.server.project().secret.as_deref()) {
            (403, Some(secret)) => {
                fail(Kind::Credential, format!("the key in `{secret}` only reads"))
                    .hint("name a project whose key belongs to a member: `--to PROJECT`")
            }
            (403, None) => fail(Kind::Credential, "the server is read-only".to_owned()),
            (404, _) => fail(
                Kind::Network,
                "of a request with a span or trace that it does not know it writes nothing"
                    .to_owned(),
            )
            .hint("push to the project that the spans came from: `--to PROJECT`"),
            (507, _) => fail(Kind::Network, "its database has no room left".to_owned()),
            _ => self.server.refused(answer),
        }
    }
}

fn batches(evals: &[Eval], identifier: &str) -> Vec<Batch> {
    let (spans, traces): (Vec<&Eval>, Vec<&Eval>) =
        evals.iter().partition(|eval| matches!(eval.target, Target::Span(_)));
    let mut batches = Vec::new();
    for (kind, evals) in [("span", spans), ("trace", traces)] {
        for some in evals.chunks(AT_ONCE) {
            let data: Vec<Value> =
                some.iter().map(|eval| annotation(kind, eval, identifier)).collect();
            let path = format!("/v1/{kind}_annotations?sync=true");
            batches.push(Batch { path, body: json!({ "data": data }), evals: some.len() });
        }
    }
    batches
}

fn annotation(kind: &str, eval: &Eval, identifier: &str) -> Value {
    let mut result = Map::new();
    if let Some(label) = &eval.label {
        result.insert("label".to_owned(), json!(label));
    }
    if let Some(score) = eval.score {
        result.insert("score".to_owned(), json!(score));
    }
    if let Some(explanation) = &eval.explanation {
        result.insert("explanation".to_owned(), json!(explanation));
    }
    let mut annotation = Map::new();
    annotation.insert(format!("{kind}_id"), json!(eval.target.id()));
    annotation.insert("name".to_owned(), json!(eval.name));
    annotation.insert("annotator_kind".to_owned(), json!("LLM"));
    annotation.insert("identifier".to_owned(), json!(identifier));
    annotation.insert("result".to_owned(), Value::Object(result));
    Value::Object(annotation)
}

#[cfg(test)]
mod tests {
    use super::super::super::span::{SpanId, TraceId};
    use super::*;

    fn eval(target: Target) -> Eval {
        Eval {
            line: 1,
            target,
            name: "n".to_owned(),
            label: Some("l".to_owned()),
            score: None,
            explanation: None,
            spot: None,
        }
    }

    #[test]
    fn spans_and_traces_go_apart_and_in_parts() {
        let mut evals: Vec<Eval> = (1..=201).map(|id| eval(Target::Span(SpanId(id)))).collect();
        evals.push(eval(Target::Trace(TraceId(7))));
        let batches = batches(&evals, "loop-1");
        let counts: Vec<_> = batches.iter().map(|b| (b.path.as_str(), b.evals)).collect();
        let spans = "/v1/span_annotations?sync=true";
        let traces = "/v1/trace_annotations?sync=true";
        assert_eq!(counts, [(spans, 200), (spans, 1), (traces, 1)]);
        assert_eq!(
            batches[2].body["data"][0],
            json!({"trace_id": "00000000000000000000000000000007", "name": "n",
                   "annotator_kind": "LLM", "identifier": "loop-1", "result": {"label": "l"}})
        );
    }
}
