//! Spans in error, by what failed (tool, model, agent, else span) and how (exception type, message
//! with its variable parts masked).
//!
//! An error counts where it began, once a trace, and only if no later attempt mended it. Exceptions
//! that are a program's way to stop (a cancelled request, a graph that waits for a person) are none, nor
//! calls of no known kind whose caller dealt with them.
//! Where the answer reads as if nothing had happened, and what was used in the place of what failed,
//! is told with the error: it is the same failure seen from the other side.

use super::super::advice;
use super::super::group::{Group, Hit, Key};
use super::super::issue::Entity;
use super::super::mask::mask;
use super::super::rank::Harm;
use super::super::trace::{Name, Trace};
use super::super::words::is_assured;
use super::{All, Pattern, Told, Words};
use crate::domain::words::Count;
use crate::traces::span::Kind;

/// The last part of an exception's type, where it is no failure.
const INTERRUPTIONS: [&str; 12] = [
    "AbortError",
    "CancelledError",
    "GeneratorExit",
    "GraphBubbleUp",
    "GraphInterrupt",
    "Interrupt",
    "KeyboardInterrupt",
    "NodeInterrupt",
    "ParentCommand",
    "RequestCancelled",
    "StopAsyncIteration",
    "StopIteration",
];

pub(super) struct Errors;

pub(in super::super) fn is_interruption(kind: &str) -> bool {
    INTERRUPTIONS.contains(&kind.rsplit(['.', ':']).next().unwrap_or_default())
}

/// Whether it is a call below the application's own steps (an HTTP request, a query) whose caller went
/// well all the same: a look-up that is answered by a 404 is no failure.
pub(in super::super) fn is_dealt_with(trace: &Trace, at: usize) -> bool {
    let span = &trace.spans[at];
    let parent = span.parent.map(|parent| &trace.spans[parent]);
    span.kind == Kind::Unknown
        && span.tool.is_none()
        && span.model.is_none()
        && parent.is_some_and(|parent| !parent.failed())
}

impl Pattern for Errors {
    fn name(&self) -> &'static str {
        "error"
    }

    fn look(&mut self, trace: &Trace, told: &mut Told) {
        for (at, error) in trace.origins() {
            if is_interruption(&error.kind) || is_dealt_with(trace, at) {
                continue;
            }
            let parts = vec![error.kind.clone(), mask(&error.message)];
            let key = Key { pattern: "error", entity: entity(trace, at), parts };
            let mut hit = Hit::new(key, at, &error.message);
            let is_step = matches!(trace.spans[at].kind, Kind::Tool | Kind::Retriever);
            hit.silent = is_step && trace.answer().is_some_and(is_assured);
            hit.instead = hit.silent.then(|| substitute(trace, at)).flatten();
            told.hits.push(hit);
        }
    }

    fn stands(&self, _: &Key, group: &Group, _: &All) -> bool {
        group.traces > 1
    }

    fn words(&self, key: &Key, group: &Group, all: &All) -> Words {
        let what = if key.part(0).is_empty() { "error" } else { key.part(0) };
        let mut title = format!("{what} in {} {}", key.entity.kind(), key.entity.name());
        if !key.part(1).is_empty() {
            title = format!("{title}: {}", key.part(1));
        }
        if group.is_silent() {
            title.push_str(", and the answer does not say so");
        }
        Words {
            title,
            harm: harm(group),
            facts: facts(key, group, all),
            advice: advice::look_at(key, group),
        }
    }
}

/// A span without a name of its own (an HTTP call, say) is known by the tool or model that made it,
/// where the failure went through that.
fn entity(trace: &Trace, at: usize) -> Entity {
    let mut here = at;
    while matches!(trace.spans[here].kind, Kind::Unknown) && trace.spans[here].tool.is_none() {
        match trace.spans[here].parent.filter(|parent| trace.spans[*parent].failed()) {
            Some(parent)
                if trace.spans[parent].tool.is_some() || trace.spans[parent].model.is_some() =>
            {
                return trace.spans[parent].entity();
            }
            Some(parent) => here = parent,
            None => break,
        }
    }
    trace.spans[at].entity()
}

/// The first other tool or retriever that gave something after the failure.
fn substitute(trace: &Trace, at: usize) -> Option<Name> {
    let broken = &trace.spans[at];
    let after = trace.spans.iter().filter(|span| {
        span.start_us >= broken.end_us
            && matches!(span.kind, Kind::Tool | Kind::Retriever)
            && span.name != broken.name
            && !span.failed()
    });
    after.min_by_key(|span| span.start_us).map(|span| span.name.clone())
}

fn harm(group: &Group) -> Harm {
    if group.roots_failed * 2 >= group.traces {
        Harm(1.0, "mostly nobody gets an answer")
    } else if group.is_silent() {
        Harm(0.8, "the answer hides it")
    } else {
        Harm(0.6, "a step fails, and an answer is given without it")
    }
}

fn facts(key: &Key, group: &Group, all: &All) -> Vec<String> {
    let mut facts = Vec::new();
    if let Entity::Tool(name) = &key.entity {
        let (calls, failed) = all.shapes.calls(name);
        facts.push(format!(
            "of all {calls} calls of tool `{name}`, {failed} failed in one way or another"
        ));
    }
    facts.push(match group.roots_failed {
        0 => "in none of these traces does the root report an error".to_owned(),
        n if n == group.traces => "in all of these traces the root is in error too".to_owned(),
        n => format!("in {n} of these traces the root is in error too"),
    });
    if group.silent > 0 {
        facts.push(format!(
            "in {} the answer reads as if nothing had happened",
            Count::of(group.silent, "trace")
        ));
    }
    for (name, count) in &group.instead {
        facts.push(format!("in {} `{name}` was used in its place", Count::of(*count, "trace")));
    }
    facts
}
