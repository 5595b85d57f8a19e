//! The assistant: tells a story as the spans its instrumentation would send.

use super::super::attributes::Attributes;
use super::super::span::{Event, Kind, Span, SpanId, Status};
use super::Episode;
use super::rng::Rng;
use super::story::{Broken, Outcome, PLANNER, Reading, Step, Story, WRITER};
use super::texts::{ANSWER_SYSTEM, Customer, PLAN_SYSTEM};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// What the planner may write at most, in tokens.
const PLAN_LIMIT: usize = 256;

pub(super) fn play(story: &Story, episode: &Episode, customer: &Customer, rng: Rng) -> Vec<Span> {
    let mut told = Recorder {
        rng,
        episode,
        customer,
        now_us: episode.start_us,
        spans: Vec::new(),
        open: Vec::new(),
    };
    told.begin(Kind::Agent, "support_assistant");
    told.set("agent.name", "support_assistant");
    told.set("input.value", story.question.as_str());
    told.set("metadata", told.metadata());
    let ended = turn(&mut told, story);
    match ended {
        Ok(()) => {
            told.set("output.value", story.answer.as_str());
            told.end(Status::Ok);
        }
        Err(broken) => told.fail(&broken),
    }
    told.spans
}

fn turn(told: &mut Recorder, story: &Story) -> Result<(), Broken> {
    guardrail(told, "input_guardrail", &story.question, story.refused);
    if story.refused.is_some() {
        return Ok(());
    }
    let upto = story.steps.iter().position(|step| step.replanned).unwrap_or(story.steps.len());
    let planned = plan(told, story, &story.steps[..upto]);
    if let Some(reading) = &story.reading {
        retrieve(told, reading);
    }
    let mut seen = String::new();
    if planned {
        for step in &story.steps {
            if step.replanned {
                plan(told, story, std::slice::from_ref(step));
            }
            let result = call(told, step)?;
            let _ = writeln!(seen, "{}: {result}", step.tool);
        }
    }
    for document in story.reading.iter().flat_map(|reading| &reading.documents) {
        let _ = writeln!(seen, "{}: {}", document.id, document.text);
    }
    answer(told, story, &seen)?;
    if told.rng.chance(45) {
        guardrail(told, "output_guardrail", &story.answer, None);
    }
    Ok(())
}

fn guardrail(told: &mut Recorder, name: &str, text: &str, flagged: Option<&str>) {
    told.begin(Kind::Guardrail, name);
    told.set("input.value", text);
    told.set("output.mime_type", "application/json");
    told.set("output.value", json!({"allowed": flagged.is_none(), "flags": flagged}).to_string());
    told.wait(15, 60);
    told.end(Status::Ok);
}

/// Whether the plan could be read.
fn plan(told: &mut Recorder, story: &Story, steps: &[Step]) -> bool {
    told.begin(Kind::Agent, "planner");
    told.set("agent.name", "planner");
    told.set("input.value", story.question.as_str());
    let steps: Vec<_> =
        steps.iter().map(|step| json!({"tool": step.tool, "args": step.arguments})).collect();
    let mut written = json!({"intent": story.intent, "steps": steps}).to_string();
    let mut finish = "stop";
    if story.plan_is_cut {
        written.truncate(PLAN_LIMIT * 4 - told.rng.between(0, 60) as usize);
        // What is left ends within a string, wherever the limit fell.
        let at = written.rfind('"').unwrap_or(0);
        if written.matches('"').count().is_multiple_of(2) {
            written.truncate(at);
        }
        finish = "length";
    }
    told.model(("plan", PLANNER), [PLAN_SYSTEM, &story.question], &written, finish);
    told.begin(Kind::Chain, "parse_plan");
    told.set("input.value", written.as_str());
    told.wait(1, 3);
    if story.plan_is_cut {
        let at = written.rfind('"').unwrap_or(0);
        let message =
            format!("Unterminated string starting at: line 1 column {} (char {at})", at + 1);
        told.fail(&Broken::new("JSONDecodeError", message));
    } else {
        told.set("output.value", format!("{} steps", steps.len()));
        told.end(Status::Ok);
    }
    told.set("output.value", written.as_str());
    told.end(Status::Ok);
    !story.plan_is_cut
}

fn retrieve(told: &mut Recorder, reading: &Reading) {
    told.begin(Kind::Retriever, "search_help_center");
    told.set("input.value", reading.query.as_str());
    told.begin(Kind::Embedding, "embed_query");
    told.set("embedding.model_name", "text-embedding-3-small");
    told.set("input.value", reading.query.as_str());
    let tokens = reading.query.len() / 4 + 1;
    told.set("llm.token_count.prompt", tokens);
    told.set("llm.token_count.total", tokens);
    told.wait(30, 90);
    told.end(Status::Ok);
    told.wait(20, 120);
    for (at, document) in reading.documents.iter().enumerate() {
        let key = |name: &str| format!("retrieval.documents.{at}.document.{name}");
        let score = (890 - at as u64 * 60 - told.rng.between(0, 50)) as f64 / 1_000.0;
        told.set(&key("id"), document.id);
        told.set(&key("content"), document.text);
        told.set(&key("score"), score);
    }
    if reading.documents.is_empty() {
        told.set("output.value", "[]");
    }
    told.end(Status::Ok);
}

/// What came of it, as the writer is told.
fn call(told: &mut Recorder, step: &Step) -> Result<String, Broken> {
    told.begin(Kind::Tool, step.tool);
    told.set("tool.name", step.tool);
    let id = format!("call_{:016x}", told.rng.next());
    told.set("tool.id", id);
    told.set("input.value", step.arguments.to_string());
    told.set("input.mime_type", "application/json");
    let (from, to) = told.takes(step);
    told.wait(from, to);
    match &step.result {
        Outcome::Gives(result) => {
            told.set("output.value", result.to_string());
            told.set("output.mime_type", "application/json");
            told.end(Status::Ok);
            Ok(result.to_string())
        }
        Outcome::Raises(broken) => {
            told.fail(broken);
            Ok("not available".to_owned())
        }
        Outcome::Ends(broken) => {
            told.fail(broken);
            Err(broken.clone())
        }
    }
}

fn answer(told: &mut Recorder, story: &Story, seen: &str) -> Result<(), Broken> {
    let ask = format!("Customer: {}\n\n{seen}", story.question);
    if let Some(broken) = &story.answer_fails {
        told.begin(Kind::Llm, "write_answer");
        told.called(WRITER, [ANSWER_SYSTEM, &ask]);
        told.wait(90, 400);
        told.fail(broken);
        return Err(broken.clone());
    }
    told.model(("write_answer", WRITER), [ANSWER_SYSTEM, &ask], &story.answer, "stop");
    Ok(())
}

/// Provider, and USD for a million tokens in and out.
fn about(model: &str) -> (&'static str, f64, f64) {
    match model {
        PLANNER => ("openai", 0.4, 1.6),
        _ => ("anthropic", 3.0, 15.0),
    }
}

struct Recorder<'a> {
    rng: Rng,
    episode: &'a Episode,
    customer: &'a Customer,
    now_us: i64,
    spans: Vec<Span>,
    /// The spans that have not ended, outermost first.
    open: Vec<usize>,
}

impl Recorder<'_> {
    fn begin(&mut self, kind: Kind, name: &str) {
        self.now_us += self.rng.between(200, 2_500) as i64;
        let span = Span {
            trace_id: self.episode.trace_id,
            span_id: SpanId(self.rng.next().max(1)),
            parent_id: self.open.last().map(|at| self.spans[*at].span_id),
            name: name.to_owned(),
            kind,
            start_us: self.now_us,
            end_us: self.now_us,
            status: Status::Unset,
            status_message: String::new(),
            attributes: Attributes::default(),
            events: Vec::new(),
        };
        self.open.push(self.spans.len());
        self.spans.push(span);
        self.set("openinference.span.kind", kind.name());
        self.set("session.id", format!("chat-{:04}", self.episode.session));
        self.set("user.id", self.customer.id.clone());
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        if let Some(at) = self.open.last() {
            self.spans[*at].attributes.insert(key, value);
        }
    }

    fn wait(&mut self, from_ms: u64, to_ms: u64) {
        self.now_us += self.rng.between(from_ms * 1_000, to_ms * 1_000) as i64;
    }

    fn end(&mut self, status: Status) {
        self.now_us += self.rng.between(50, 900) as i64;
        if let Some(at) = self.open.pop() {
            self.spans[at].end_us = self.now_us;
            self.spans[at].status = status;
        }
    }

    fn fail(&mut self, broken: &Broken) {
        let Some(at) = self.open.last().copied() else { return };
        let mut attributes = Map::new();
        attributes.insert("exception.type".to_owned(), broken.kind.into());
        attributes.insert("exception.message".to_owned(), broken.message.clone().into());
        let event = Event { name: "exception".to_owned(), time_us: self.now_us, attributes };
        self.spans[at].events.push(event);
        self.spans[at].status_message = format!("{}: {}", broken.kind, broken.message);
        self.end(Status::Error);
    }

    /// What is known of a model call before it answers.
    fn called(&mut self, model: &str, [system, user]: [&str; 2]) {
        self.set("llm.model_name", model);
        self.set("llm.provider", about(model).0);
        self.set("llm.input_messages.0.message.role", "system");
        self.set("llm.input_messages.0.message.content", system);
        self.set("llm.input_messages.1.message.role", "user");
        self.set("llm.input_messages.1.message.content", user);
        let parameters = if model == PLANNER {
            json!({"temperature": 0, "max_tokens": PLAN_LIMIT})
        } else {
            json!({"temperature": 0.3, "max_tokens": 1_024})
        };
        self.set("llm.invocation_parameters", parameters.to_string());
    }

    fn model(&mut self, (name, model): (&str, &str), ask: [&str; 2], answer: &str, finish: &str) {
        self.begin(Kind::Llm, name);
        self.called(model, ask);
        let prompt = (ask[0].len() + ask[1].len()) as u64 / 4 + self.rng.between(8, 24);
        let written =
            if finish == "length" { PLAN_LIMIT as u64 } else { answer.len() as u64 / 4 + 1 };
        let (_, dollars_in, dollars_out) = about(model);
        let cost = |tokens: u64, dollars: f64| tokens as f64 * dollars / 1e6;
        self.set("llm.output_messages.0.message.role", "assistant");
        self.set("llm.output_messages.0.message.content", answer);
        self.set("llm.finish_reason", finish);
        self.set("llm.token_count.prompt", prompt);
        self.set("llm.token_count.completion", written);
        self.set("llm.token_count.total", prompt + written);
        self.set("llm.cost.total", cost(prompt, dollars_in) + cost(written, dollars_out));
        let slow = if model == PLANNER { 4 } else { 11 };
        let base = self.rng.between(280, 700);
        self.wait(base + written * slow, base + written * slow + 350);
        self.end(Status::Ok);
    }

    fn is_new_version(&self) -> bool {
        self.episode.start_us >= super::RELEASE_US
    }

    /// The new version asks the catalogue without its index.
    fn takes(&self, step: &Step) -> (u64, u64) {
        match step.tool {
            "search_catalog" if self.is_new_version() => (step.takes.0 + 700, step.takes.1 + 900),
            _ => step.takes,
        }
    }

    fn metadata(&self) -> String {
        json!({
            "channel": self.customer.channel,
            "plan": self.customer.plan,
            "turn": self.episode.turn,
            "app_version": if self.is_new_version() { "2.14.1" } else { "2.14.0" },
        })
        .to_string()
    }
}
