//! What evaluators and people said against spans and traces: annotations, and evaluators that run
//! inside a trace.
//!
//! Only labels that mean bad in any application count; see the reader. One group is one evaluator,
//! its label, and what it was about.

use super::super::group::{Group, Hit, Key};
use super::super::issue::Entity;
use super::super::rank::Harm;
use super::super::reader::is_bad;
use super::super::trace::{Span, Trace, Verdict};
use super::{All, Pattern, Told, Words};
use crate::traces::span::Kind;
use serde_json::Value;

pub(super) struct Evaluators;

impl Pattern for Evaluators {
    fn name(&self) -> &'static str {
        "evaluator"
    }

    fn look(&mut self, trace: &Trace, told: &mut Told) {
        for verdict in &trace.verdicts {
            let at =
                verdict.span_id.and_then(|id| trace.spans.iter().position(|span| span.id == id));
            told.hits.push(hit(verdict, at.unwrap_or(trace.root), trace));
        }
        for (_, span) in trace.of_kind(Kind::Evaluator).filter(|(_, span)| !span.failed()) {
            if let Some(verdict) = inline(span) {
                told.hits.push(hit(&verdict, span.parent.unwrap_or(trace.root), trace));
            }
        }
    }

    fn stands(&self, _: &Key, group: &Group, _: &All) -> bool {
        group.traces >= 3
    }

    fn words(&self, key: &Key, _: &Group, _: &All) -> Words {
        let (name, label, about) = (key.entity.name(), key.part(0), key.part(1));
        Words {
            title: format!("evaluator {name} says `{label}` of {about}"),
            harm: Harm(0.7, "judged to be bad"),
            facts: Vec::new(),
            advice: format!(
                "Read the explanations of `{name}` in the examples, and first whether you agree with them: an evaluator may be wrong."
            ),
        }
    }
}

fn hit(verdict: &Verdict, at: usize, trace: &Trace) -> Hit {
    let about = trace.spans[at].entity();
    let parts = vec![verdict.label.clone(), format!("{} {}", about.kind(), about.name())];
    let key = Key { pattern: "evaluator", entity: Entity::Evaluator(verdict.name.clone()), parts };
    Hit::new(key, at, &verdict.explanation)
}

fn inline(span: &Span) -> Option<Verdict> {
    let object: Value = serde_json::from_str(span.output.as_deref()?).ok()?;
    let label = object["label"].as_str()?.trim().to_lowercase().replace('_', "-");
    is_bad(&span.name, &label).then(|| Verdict {
        name: span.name.to_string(),
        label,
        explanation: object["explanation"].as_str().unwrap_or_default().to_owned(),
        span_id: Some(span.id),
    })
}
