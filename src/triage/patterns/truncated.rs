//! Model calls that stopped because they ran out of tokens.
//!
//! By their finish reason. A call that was then continued (a later one of the same name, under the
//! same parent, stopped by itself) is none; and where nearly all calls of a name end so, the limit is
//! meant (a model asked for one word, say).

use super::super::group::{Group, Hit, Key};
use super::super::issue::Entity;
use super::super::rank::Harm;
use super::super::trace::{Name, Span, Trace};
use super::{All, Pattern, Told, Words, is_unusual, may_be_unusual};
use std::collections::HashMap;

const CUT: [&str; 6] = [
    "length",
    "max_tokens",
    "max_output_tokens",
    "model_length",
    "token_limit",
    "model_context_window_exceeded",
];

/// Names of calls that are counted.
const NAMES: usize = 4_096;

#[derive(Default)]
pub(super) struct Truncated {
    /// Calls with a finish reason by name, and how many of them were cut off.
    calls: HashMap<Name, (u64, u64)>,
}

impl Pattern for Truncated {
    fn name(&self) -> &'static str {
        "truncated"
    }

    fn look(&mut self, trace: &Trace, told: &mut Told) {
        for (at, span) in trace.spans.iter().enumerate() {
            let Some(finish) = &span.finish else { continue };
            if self.calls.len() >= NAMES && !self.calls.contains_key(&span.name) {
                continue;
            }
            let cut = is_cut(finish) && !is_continued(trace, span);
            let (calls, cuts) = self.calls.entry(span.name.clone()).or_default();
            *calls += 1;
            *cuts += u64::from(cut);
            if !cut || !may_be_unusual(*cuts, *calls) {
                continue;
            }
            let model = span.model.as_deref().unwrap_or("unknown");
            let key = Key {
                pattern: "truncated",
                entity: Entity::Model(model.to_owned()),
                parts: vec![span.name.to_string()],
            };
            let say = match span.completion {
                Some(tokens) => format!("finish reason {finish} after {tokens} tokens"),
                None => format!("finish reason {finish}"),
            };
            told.hits.push(Hit::new(key, at, &say));
        }
    }

    fn stands(&self, key: &Key, group: &Group, _: &All) -> bool {
        let (calls, cuts) = self.calls.get(key.part(0)).copied().unwrap_or_default();
        group.traces >= 3 && is_unusual(cuts, calls)
    }

    fn words(&self, key: &Key, group: &Group, _: &All) -> Words {
        let (model, call) = (key.entity.name(), key.part(0));
        let (calls, cuts) = self.calls.get(call).copied().unwrap_or_default();
        let harm = if group.roots_failed * 2 >= group.traces {
            Harm(1.0, "mostly nobody gets an answer")
        } else {
            Harm(0.6, "what was written is not whole")
        };
        Words {
            title: format!("output of model {model} in `{call}` is cut off at its token limit"),
            harm,
            facts: vec![format!(
                "of {calls} calls of `{call}` that tell why they stopped, {cuts} were cut off"
            )],
            advice: format!(
                "Look at the token limit of `{call}` beside how much such calls have to write, and at what reads the text: it should look at the finish reason before it uses it."
            ),
        }
    }
}

fn is_cut(finish: &str) -> bool {
    let lower = finish.to_ascii_lowercase();
    CUT.iter().any(|word| lower == *word || lower.ends_with(&format!(".{word}")))
}

fn is_continued(trace: &Trace, cut: &Span) -> bool {
    trace.spans.iter().any(|other| {
        other.start_us >= cut.end_us
            && other.name == cut.name
            && other.parent_id == cut.parent_id
            && !other.failed()
            && other.finish.as_deref().is_some_and(|finish| !is_cut(finish))
    })
}
