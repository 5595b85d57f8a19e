//! One turn's events into its spans.

use super::attributes::{Draft, Kind};
use super::calls::{Asked, Call, Lane, Said, Told};
use super::ids::{Ids, Place, SpanId};
use super::run::{Run, Turn};
use super::texts::Texts;
use crate::domain::transcript::{Counting, Event, EventKind, Usage};
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::{BTreeMap, VecDeque};

/// So many tool calls may wait for their results, and so many subagents are remembered; the oldest
/// is given up for a further one.
const OPEN: usize = 256;
/// More errors of a turn are not told one by one.
const ERRORS: u64 = 32;

/// What stays the same for all spans of a session.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub run: &'a Run,
    pub ids: &'a Ids,
    pub texts: &'a Texts,
}

/// A tool call without its result.
struct Tool {
    seq: u64,
    start: i64,
    name: String,
    input: String,
    /// What kind of subagent it calls, where it does.
    agent: Option<String>,
    /// The subagent that called it.
    parent: Option<String>,
}

/// What a tool call came to.
struct Came<'e> {
    at: i64,
    output: &'e str,
    is_error: bool,
    exit_code: Option<i32>,
}

pub struct TurnSpans<'a> {
    about: Context<'a>,
    turn: &'a Turn,
    id: SpanId,
    main: Lane,
    /// Conversations of subagents, by the calls that began them.
    lanes: BTreeMap<String, Lane>,
    tools: BTreeMap<String, Tool>,
    /// Calls of subagents that had their results; these may go on in the background.
    agents: BTreeMap<String, (u64, i64)>,
    /// The last model call, until it is known whether what is told next is its alone.
    held: Option<(Call, SpanId)>,
    /// Model calls since something was told of what they spent.
    calls: u64,
    /// What was told and is not yet given to a span.
    telling: Vec<Told>,
    told: Usage,
    told_usd: f64,
    any_told: bool,
    errors: Vec<(i64, String)>,
    error_count: u64,
    unread: u64,
    /// When it began, or where that is not known, what came before it ended.
    since: i64,
    last: i64,
}

impl<'a> TurnSpans<'a> {
    pub fn new(about: Context<'a>, turn: &'a Turn, before: i64) -> Self {
        let since = turn.started_at.unwrap_or(before);
        let mut main = Lane { since, ..Lane::default() };
        main.asked.push(Asked::Prompt(about.texts.long(&turn.prompt)));
        Self {
            about,
            turn,
            id: about.ids.span(Place::Turn(turn.turn)),
            main,
            lanes: BTreeMap::new(),
            tools: BTreeMap::new(),
            agents: BTreeMap::new(),
            held: None,
            calls: 0,
            telling: Vec::new(),
            told: Usage::default(),
            told_usd: 0.0,
            any_told: false,
            errors: Vec::new(),
            error_count: 0,
            unread: 0,
            since,
            last: since,
        }
    }

    pub fn event(&mut self, event: &Event, out: &mut VecDeque<Span>) {
        let (seq, at) = (event.seq, event.at);
        self.last = self.last.max(at);
        let texts = self.about.texts;
        if !matches!(event.kind, EventKind::Usage { .. }) {
            self.settle(out);
        }
        match &event.kind {
            EventKind::User { .. } => self.main.since = at,
            EventKind::Assistant { text } => {
                self.main.said(seq, at, Said::Text(texts.long(text)));
            }
            EventKind::Thinking { text } => {
                self.main.said(seq, at, Said::Thinking(texts.long(text)));
            }
            EventKind::ToolCall { .. } => self.tool_called(event, out),
            EventKind::ToolResult { id, output, is_error, exit_code } => {
                let result = Came { at, output, is_error: *is_error, exit_code: *exit_code };
                self.tool_resulted(seq, id, &result, out);
            }
            EventKind::Usage { usage, cost_usd, model } => {
                let model = model.clone();
                let told = Told { seq, at, usage: *usage, cost_usd: *cost_usd, model };
                self.spent(told, out);
            }
            EventKind::Error { text } => {
                self.error_count += 1;
                if self.error_count <= ERRORS {
                    self.errors.push((at, texts.short(text)));
                }
            }
            EventKind::Status { .. } => {}
            EventKind::Unread { .. } => self.unread += 1,
        }
    }

    /// Everything that is still open ends with the turn, and then the turn itself.
    pub fn finish(mut self, out: &mut VecDeque<Span>) {
        self.settle(out);
        let end = self.turn.ended_at.unwrap_or(self.last);
        if self.about.run.counting == Counting::Summed || self.any_told {
            self.close_all(out);
        }
        self.release(None, out);
        for (id, tool) in std::mem::take(&mut self.tools) {
            self.tool_span(&id, tool, Err(end), out);
        }
        self.rest(end, out);
        self.turn_span(end, out);
    }

    /// When a call of a subagent was begun and by which event, for one that is known.
    fn begun(&self, id: &str) -> Option<(u64, i64)> {
        let open = self.tools.get(id).map(|tool| (tool.seq, tool.start));
        open.or_else(|| self.agents.get(id).copied())
    }

    fn lane(&mut self, parent: Option<&String>) -> &mut Lane {
        let Some(parent) = parent else { return &mut self.main };
        let since = self.begun(parent).map_or(self.last, |(_, start)| start);
        self.lanes.entry(parent.clone()).or_insert_with(|| Lane { since, ..Lane::default() })
    }

    /// The span that what a subagent does is below.
    fn above(&self, parent: Option<&String>) -> SpanId {
        let begun = parent.and_then(|parent| self.begun(parent));
        begun.map_or(self.id, |(seq, _)| self.about.ids.span(Place::Tool(seq)))
    }

    fn tool_called(&mut self, event: &Event, out: &mut VecDeque<Span>) {
        let EventKind::ToolCall { id, name, input, parent } = &event.kind else { return };
        let (seq, at, texts) = (event.seq, event.at, self.about.texts);
        // A subagent that nobody has heard of is none.
        let parent = parent.clone().filter(|parent| self.begun(parent).is_some());
        let (name, text) = (texts.short(name), texts.long(&input.to_string()));
        let lane = self.lane(parent.as_ref());
        if !lane.had_no_time(at) {
            let said = Said::Tool { id: texts.short(id), name: name.clone(), input: text.clone() };
            lane.said(seq, at, said);
        }
        if let Some(parent) = parent.as_ref().and_then(|parent| self.tools.get_mut(parent)) {
            let name = parent.name.clone();
            parent.agent.get_or_insert(name);
        }
        // A further one of the same id, or one too many: the older one is given up.
        let given_up = match self.tools.len() < OPEN {
            true => Some(id.to_owned()).filter(|id| self.tools.contains_key(id)),
            false => self.tools.iter().min_by_key(|(_, tool)| tool.seq).map(|(id, _)| id.clone()),
        };
        if let Some((id, tool)) = given_up.and_then(|id| self.tools.remove_entry(&id)) {
            self.tool_span(&id, tool, Err(at), out);
        }
        let agent = input["subagent_type"].as_str().map(|kind| texts.short(kind));
        let tool = Tool { seq, start: at, name, input: text, agent, parent };
        self.tools.insert(id.to_owned(), tool);
    }

    fn tool_resulted(&mut self, seq: u64, id: &str, result: &Came<'_>, out: &mut VecDeque<Span>) {
        // What a subagent says ends with the result of its call.
        if let Some(lane) = self.lanes.remove(id) {
            self.close(lane, Some(&id.to_owned()), out);
        }
        let tool = self.tools.remove(id).unwrap_or_else(|| Tool {
            seq,
            start: result.at,
            name: "unknown".to_owned(),
            input: "null".to_owned(),
            agent: None,
            parent: None,
        });
        let parent = tool.parent.clone();
        if self.about.run.counting == Counting::Summed {
            let lane = std::mem::take(self.lane(parent.as_ref()));
            let lane = self.close(lane, parent.as_ref(), out);
            *self.lane(parent.as_ref()) = lane;
        }
        let (shown, output) = (self.about.texts.short(id), self.about.texts.long(result.output));
        let lane = self.lane(parent.as_ref());
        lane.since = result.at;
        lane.asked.push(Asked::Result { id: shown, output });
        if tool.agent.is_some() {
            if self.agents.len() >= OPEN {
                self.agents.pop_first();
            }
            self.agents.insert(id.to_owned(), (tool.seq, tool.start));
        }
        self.tool_span(id, tool, Ok(result), out);
    }

    fn spent(&mut self, told: Told, out: &mut VecDeque<Span>) {
        self.close_all(out);
        self.main.since = told.at;
        self.any_told = true;
        self.told = sum(self.told, told.usage);
        self.told_usd += told.cost_usd.unwrap_or(0.0);
        self.telling.push(told);
        if self.telling.len() >= OPEN {
            self.settle(out);
        }
    }

    fn close_all(&mut self, out: &mut VecDeque<Span>) {
        for (parent, lane) in std::mem::take(&mut self.lanes) {
            self.close(lane, Some(&parent), out);
        }
        let main = std::mem::take(&mut self.main);
        self.main = self.close(main, None, out);
    }

    /// Ends the model call that is open, and gives the conversation back.
    fn close(&mut self, mut lane: Lane, parent: Option<&String>, out: &mut VecDeque<Span>) -> Lane {
        if let Some(call) = lane.open.take() {
            lane.since = call.end;
            self.release(None, out);
            self.held = Some((call, self.above(parent)));
            self.calls += 1;
        }
        lane
    }

    /// Tells the model call that is held.
    fn release(&mut self, told: Option<&Told>, out: &mut VecDeque<Span>) {
        if let Some((call, above)) = self.held.take() {
            let model = self.about.run.model.as_deref();
            let draft = call.draft(told, model, self.about.texts);
            self.tell(draft, self.about.ids.span(Place::Call(call.seq)), above, out);
        }
    }

    /// What was told goes to the one call it is about, or to spans of its own.
    fn settle(&mut self, out: &mut VecDeque<Span>) {
        let telling = std::mem::take(&mut self.telling);
        match telling.as_slice() {
            [] => return,
            [told] if self.calls == 1 => self.release(Some(told), out),
            all => {
                self.release(None, out);
                let what = format!("the sum of {} model calls", self.calls);
                for told in all {
                    let model = self.about.run.model.as_deref();
                    let draft = told.draft(&what, model, self.about.texts);
                    let id = self.about.ids.span(Place::Usage(told.seq));
                    self.tell(draft, id, self.id, out);
                }
            }
        }
        self.calls = 0;
    }

    /// What the turn's record says was spent and no event told.
    fn rest(&self, at: i64, out: &mut VecDeque<Span>) {
        let usage = self.turn.usage.since(&self.told);
        let cost_usd = self.turn.cost_usd.map(|cost| cost - self.told_usd);
        let cost_usd = cost_usd.filter(|cost| *cost > 1e-9);
        if usage == Usage::default() && cost_usd.is_none() {
            return;
        }
        let rest = Told { seq: 0, at, usage, cost_usd, model: None };
        let what = "counted by the harness, and told by no event";
        let draft = rest.draft(what, self.about.run.model.as_deref(), self.about.texts);
        self.tell(draft, self.about.ids.span(Place::Rest(self.turn.turn)), self.id, out);
    }

    /// `Err` is when a call ended that had no result.
    fn tool_span(
        &self,
        id: &str,
        tool: Tool,
        result: Result<&Came<'_>, i64>,
        out: &mut VecDeque<Span>,
    ) {
        let texts = self.about.texts;
        let end = result.map_or_else(|at| at, |result| result.at);
        let (kind, name) = match &tool.agent {
            Some(agent) => (Kind::Agent, format!("invoke_agent {agent}")),
            None => (Kind::Tool, format!("execute_tool {}", tool.name)),
        };
        let mut draft = Draft::new(kind, name, (tool.start, end));
        draft.set_some("agent.name", tool.agent);
        draft.set("tool.name", tool.name);
        draft.set("tool.id", texts.short(id));
        draft.set("tool.parameters", tool.input.as_str());
        draft.input(tool.input, true);
        match result {
            Err(_) => draft.note("unended", true),
            Ok(result) => {
                draft.output(texts.long(result.output), false);
                if let Some(code) = result.exit_code {
                    draft.note("exit_code", code);
                }
                if result.is_error {
                    let line = result.output.lines().find(|line| !line.trim().is_empty());
                    draft.failed(texts.short(line.unwrap_or("it failed")));
                } else {
                    draft.ok();
                }
            }
        }
        let above = self.above(tool.parent.as_ref());
        self.tell(draft, self.about.ids.span(Place::Tool(tool.seq)), above, out);
    }

    fn turn_span(&self, end: i64, out: &mut VecDeque<Span>) {
        let (turn, texts) = (self.turn, self.about.texts);
        let start = turn.started_at.unwrap_or(self.since);
        let mut draft = Draft::new(Kind::Chain, format!("turn {}", turn.turn), (start, end));
        draft.input(texts.long(&turn.prompt), false);
        if let Some(answer) = &turn.answer {
            draft.output(texts.long(answer), false);
        }
        draft.note("turn", turn.turn);
        if turn.started_at.is_none() {
            draft.note("times", "derived");
        }
        match turn.outcome {
            Some(outcome) => {
                draft.note("outcome", outcome.name());
                draft.came_out(outcome, turn.reason.as_ref().map(|reason| texts.short(reason)));
            }
            None => draft.note("unended", true),
        }
        if self.unread > 0 {
            draft.note("unread_lines", self.unread);
        }
        if self.error_count > 0 {
            draft.note("errors", self.error_count);
        }
        for (at, text) in &self.errors {
            draft.exception(*at, text.clone());
        }
        self.tell(draft, self.id, self.about.ids.span(Place::Session), out);
    }

    fn tell(&self, draft: Draft, id: SpanId, above: SpanId, out: &mut VecDeque<Span>) {
        let Context { run, ids, .. } = self.about;
        out.push_back(draft.finish(ids.trace(), id, Some(above), &run.session));
    }
}

fn sum(a: Usage, b: Usage) -> Usage {
    Usage {
        input_tokens: a.input_tokens.saturating_add(b.input_tokens),
        output_tokens: a.output_tokens.saturating_add(b.output_tokens),
        cache_read_tokens: a.cache_read_tokens.saturating_add(b.cache_read_tokens),
        cache_write_tokens: a.cache_write_tokens.saturating_add(b.cache_write_tokens),
    }
}
