//! Evals into a Phoenix server, as annotations of its spans and traces.
//!
//! Writing is idempotent: an annotation of the same name and identifier on the same target is updated.
//! The server is asked to write before it answers, since otherwise it would not tell of targets that it
//! does not know.

use super::super::Reach;
use super::super::annotation::Target;
use super::super::evals::{Annotate, Batch, Eval};
use crate::domain::preset::Project;
use crate::error::{Failure, Kind, Result};
use crate::http::{Answer, Client, Method, Request, shown};
use crate::secrets::Secret;
use serde_json::{Map, Value, json};

/// How many annotations go in one request: few enough that its answer does not take long.
const AT_ONCE: usize = 200;

/// Where a server listens that nobody told to listen elsewhere.
const USUAL: &str = "http://localhost:6006";

pub(in crate::traces) struct Annotations<'a> {
    client: Client,
    base: String,
    project: &'a Project,
    key: Option<Secret>,
}

impl<'a> Annotations<'a> {
    pub fn new(project: &'a Project, reach: Reach) -> Result<Self> {
        let base = project.url.as_deref().unwrap_or(USUAL).trim_end_matches('/').to_owned();
        let key = project.secret.as_deref().map(|name| (reach.secret)(name)).transpose()?;
        Ok(Self { client: Client::new(reach.ca_bundle)?, base, project, key })
    }
}

impl Annotate for Annotations<'_> {
    fn batches(&self, evals: &[Eval], identifier: &str) -> Result<Vec<Batch>> {
        Ok(batches(&self.base, evals, identifier))
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        let mut request = Request::new(Method::POST, &batch.url).json(&batch.body).repeatable();
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {}", key.expose()));
        }
        let answer = self.client.send(&request)?;
        if answer.is_success() { Ok(()) } else { Err(refused(&answer, &batch.url, self.project)) }
    }
}

fn batches(base: &str, evals: &[Eval], identifier: &str) -> Vec<Batch> {
    let (spans, traces): (Vec<&Eval>, Vec<&Eval>) =
        evals.iter().partition(|eval| matches!(eval.target, Target::Span(_)));
    let mut batches = Vec::new();
    for (kind, evals) in [("span", spans), ("trace", traces)] {
        for some in evals.chunks(AT_ONCE) {
            let data: Vec<Value> =
                some.iter().map(|eval| annotation(kind, eval, identifier)).collect();
            let url = format!("{base}/v1/{kind}_annotations?sync=true");
            batches.push(Batch { url, body: json!({ "data": data }), evals: some.len() });
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

fn refused(answer: &Answer, url: &str, project: &Project) -> Failure {
    let kind = if matches!(answer.status, 401 | 403) { Kind::Credential } else { Kind::Network };
    let failure = Failure::new(kind, format!("cannot write annotations to `{}`", shown(url)));
    let secret = project.secret.as_deref();
    let said = answer.said();
    let said = if said.is_empty() { String::new() } else { format!("Phoenix says: {said}") };
    match (answer.status, secret) {
        (401, None) => failure.because("it asks for a key, and the project names none").because(said).hint(
            format!("name the secret that is the key: `secret = \"PHOENIX_API_KEY\"` in `[projects.{}]`", project.name),
        ),
        (401, Some(secret)) => failure
            .because(format!("it does not accept the key in `{secret}`"))
            .because(said)
            .hint(format!("store a key that is good: `loop secret set {secret}`")),
        (403, secret) => failure
            .because(match secret {
                Some(secret) => format!("the key in `{secret}` only reads"),
                None => "the server is read-only".to_owned(),
            })
            .because(said)
            .hint("name a project whose key belongs to a member: `--to PROJECT`"),
        (404, _) => failure
            .because("it does not know all of these spans or traces; of such a request it writes nothing")
            .because(said)
            .hint("push to the project that the spans came from: `--to PROJECT`"),
        (507, _) => failure.because("its database has no room left").because(said),
        (status, _) => failure.because(format!("it answered with status {status}")).because(said),
    }
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
        let batches = batches("http://h", &evals, "loop-1");
        let counts: Vec<_> = batches.iter().map(|b| (b.url.as_str(), b.evals)).collect();
        let spans = "http://h/v1/span_annotations?sync=true";
        let traces = "http://h/v1/trace_annotations?sync=true";
        assert_eq!(counts, [(spans, 200), (spans, 1), (traces, 1)]);
        assert_eq!(
            batches[2].body["data"][0],
            json!({"trace_id": "00000000000000000000000000000007", "name": "n",
                   "annotator_kind": "LLM", "identifier": "loop-1", "result": {"label": "l"}})
        );
    }
}
