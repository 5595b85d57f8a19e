//! The wrong tool taken first: it was given a value that it finds nothing for, and another tool was
//! then given the same value and found it.
//!
//! A chain that is meant (a cache, then the database; one shop's catalogue, then the next) looks the
//! same in one trace. It is told apart by what the first tool does otherwise: it must never give
//! anything for values of that shape, and mostly something for others.

use super::super::group::{Group, Hit, Key};
use super::super::issue::Entity;
use super::super::rank::Harm;
use super::super::shapes;
use super::super::trace::{Name, Span, Trace};
use super::super::words::is_nothing;
use super::{All, Pattern, Told, Words, may_be_unusual};
use crate::traces::span::Kind;
use serde_json::Value;
use std::collections::HashMap;

/// Calls of one trace that are compared.
const CALLS: usize = 64;

/// A value shorter than this is given to many tools.
const SHORTEST: usize = 4;

/// Tools whose calls are counted.
const TOOLS: usize = 512;

#[derive(Default)]
pub(super) struct WrongTool {
    /// Calls of a tool that went well, and how many of them gave nothing that another tool then gave.
    calls: HashMap<Name, (u64, u64)>,
}

impl Pattern for WrongTool {
    fn name(&self) -> &'static str {
        "wrong tool"
    }

    fn look(&mut self, trace: &Trace, told: &mut Told) {
        let tools: Vec<(usize, &Span)> = trace.of_kind(Kind::Tool).take(CALLS).collect();
        for (place, (at, first)) in
            tools.iter().enumerate().filter(|(_, (_, first))| !first.failed())
        {
            let name = first.tool.as_ref().unwrap_or(&first.name);
            if self.calls.len() >= TOOLS && !self.calls.contains_key(name) {
                continue;
            }
            let (calls, corrected) = self.calls.entry(name.clone()).or_default();
            *calls += 1;
            if !is_nothing(first.output.as_deref()) {
                continue;
            }
            let later = tools[place + 1..].iter().filter(|(_, second)| {
                second.tool != first.tool
                    && second.start_us >= first.end_us
                    && !second.failed()
                    && !is_nothing(second.output.as_deref())
            });
            for (argument, value) in values(first) {
                let found =
                    later.clone().find(|(_, second)| values(second).any(|(_, own)| own == value));
                let Some((_, second)) = found else { continue };
                *corrected += 1;
                if may_be_unusual(*corrected, *calls) {
                    told.hits.push(hit(*at, first, second, (&argument, &value)));
                }
                break;
            }
        }
    }

    fn stands(&self, key: &Key, group: &Group, all: &All) -> bool {
        let tool = key.entity.name();
        let such = all.shapes.of(tool, key.part(1), key.part(2));
        let whole = all.shapes.outcomes(tool);
        let others = (whole.gave - such.gave, whole.nothing.saturating_sub(such.nothing));
        group.traces >= 3 && such.gave == 0 && others.0 >= 5 && others.0 >= others.1 * 2
    }

    fn words(&self, key: &Key, group: &Group, all: &All) -> Words {
        let (tool, other, argument, shape) =
            (key.entity.name(), key.part(0), key.part(1), key.part(2));
        let such = all.shapes.of(tool, argument, shape);
        Words {
            title: format!("tool {tool} is called where {other} is meant, and then corrected"),
            harm: if group.roots_failed * 2 >= group.traces {
                Harm(1.0, "mostly nobody gets an answer")
            } else {
                Harm(0.2, "a detour")
            },
            facts: vec![format!(
                "with a value like `{shape}` for `{argument}`, `{tool}` gave nothing in {} of {} calls; with other values it gave something in {}",
                such.nothing,
                such.nothing + such.gave,
                all.shapes.outcomes(tool).gave
            )],
            advice: format!(
                "Look at the descriptions of `{tool}` and `{other}`: whoever chooses cannot tell from them which takes a value like `{shape}`."
            ),
        }
    }
}

fn hit(at: usize, first: &Span, second: &Span, (argument, value): (&str, &str)) -> Hit {
    let name = |span: &Span| span.tool.as_ref().unwrap_or(&span.name).to_string();
    let shape = shapes::shape(&Value::String(value.to_owned()));
    let parts = vec![name(second), argument.to_owned(), shape];
    let key = Key { pattern: "wrong tool", entity: Entity::Tool(name(first)), parts };
    Hit::new(key, at, &format!("{} gave nothing for {value}, {} did", name(first), name(second)))
}

/// Text arguments, with their names.
fn values(span: &Span) -> impl Iterator<Item = (String, String)> {
    let parsed = serde_json::from_str(span.input.as_deref().unwrap_or_default());
    let object = match parsed {
        Ok(Value::Object(object)) => object,
        _ => serde_json::Map::new(),
    };
    object.into_iter().filter_map(|(key, value)| match value {
        Value::String(text) if text.len() >= SHORTEST => Some((key, text)),
        _ => None,
    })
}
