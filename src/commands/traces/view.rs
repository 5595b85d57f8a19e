//! Answers as views for people.

use crate::output::human::traces::{
    EventView, HitView, ListView, NumbersView, SpanView, TraceView, TreeSpan, TreeView, TrendView,
    WholeView,
};
use crate::traces::metric::{Bucket, Measured};
use crate::traces::query::render::{self, Typed, grouped, latency};
use crate::traces::query::{Hits, Listing, Shown, ShownSpan, Stats, TraceRow};
use serde_json::{Map, Value};

pub fn list(listing: &Listing, typed: Typed) -> ListView {
    let shown = listing.traces.len() as u64;
    let mut head =
        format!("{}, {} with errors", render::traces(listing.total), grouped(listing.failing));
    let mut notes = Vec::new();
    if shown < listing.total {
        head.push_str(&format!("; the newest {}", grouped(shown)));
        let more = grouped(listing.total - shown);
        notes.push(format!("{more} more: --limit {} shows them", listing.total));
    }
    let costs =
        listing.traces.iter().map(|one| (one.estimated_cost_usd.is_some(), one.unpriced_calls));
    notes.push(render::legend(costs));
    notes.retain(|note| !note.is_empty());
    let traces = listing.traces.iter().map(trace).collect();
    ListView { head, traces, notes, next: typed.command(&render::next_of_list(listing)) }
}

fn trace(row: &TraceRow) -> TraceView {
    TraceView {
        id: row.trace_id.clone(),
        name: row.name.clone(),
        start: render::seconds(&row.start_time),
        latency_ms: row.latency_ms,
        latency: latency(row.latency_ms),
        tokens: row.total_tokens,
        cost: render::cost(row.cost_usd, row.estimated_cost_usd, row.unpriced_calls),
        errors: row.errors,
        input: row.input.clone(),
    }
}

/// A tree, or the one span that was asked for.
pub enum View {
    Tree(TreeView),
    Whole(WholeView),
}

pub fn show(shown: &Shown, typed: Typed) -> View {
    let next = typed.command(&render::next_of_trace(shown));
    let row = &shown.trace;
    let legend = |estimated: bool, unpriced| {
        let mut notes = vec![render::legend(std::iter::once((estimated, unpriced)))];
        notes.retain(|note| !note.is_empty());
        notes
    };
    if let [one] = shown.spans.as_slice()
        && one.attributes.is_some()
    {
        let notes = legend(one.estimated_cost_usd.is_some(), 0);
        return View::Whole(WholeView {
            trace: row.trace_id.clone(),
            span: span(one),
            notes,
            next,
        });
    }
    let mut notes = legend(row.estimated_cost_usd.is_some(), row.unpriced_calls);
    if shown.hidden > 0 {
        let all = shown.spans.len() as u64 + shown.hidden;
        let hidden = render::counted(shown.hidden, "span");
        notes.push(format!("{hidden} more: --limit {all} shows them"));
    }
    let depths: Vec<usize> = shown.spans.iter().map(|span| span.depth).collect();
    let spans = shown.spans.iter().zip(render::guides(&depths));
    View::Tree(TreeView {
        id: row.trace_id.clone(),
        name: row.name.clone(),
        errors: row.errors,
        latency_ms: row.latency_ms,
        latency: latency(row.latency_ms),
        facts: facts(row),
        spans: spans.map(|(span, (guide, below))| branch(span, guide, below)).collect(),
        notes,
        next,
    })
}

fn facts(row: &TraceRow) -> Vec<String> {
    let mut facts = vec![render::seconds(&row.start_time) + " UTC", latency(row.latency_ms)];
    facts.push(render::counted(row.spans, "span"));
    facts.extend(row.total_tokens.map(|tokens| format!("{} tokens", grouped(tokens))));
    facts.push(render::cost(row.cost_usd, row.estimated_cost_usd, row.unpriced_calls));
    facts.extend(row.session_id.as_ref().map(|id| format!("session {id}")));
    facts.extend(row.user_id.as_ref().map(|id| format!("user {id}")));
    facts.retain(|fact| fact != "-");
    facts
}

fn branch(span: &ShownSpan, guide: String, below: String) -> TreeSpan {
    let mut facts: Vec<String> = span.model.clone().into_iter().collect();
    facts.extend(span.total_tokens.map(|tokens| format!("{} tokens", grouped(tokens))));
    let cost = render::cost(span.cost_usd, span.estimated_cost_usd, 0);
    facts.extend(Some(cost).filter(|cost| cost != "-"));
    let odd = span.finish_reason.as_ref().filter(|reason| *reason != "stop");
    facts.extend(odd.map(|reason| format!("finish: {reason}")));
    let failed = span.status == "ERROR";
    TreeSpan {
        guide,
        below,
        id: span.span_id.clone(),
        kind: span.kind.clone(),
        name: span.name.clone(),
        offset_ms: span.offset_ms,
        latency_ms: span.latency_ms,
        latency: latency(span.latency_ms),
        failed,
        facts,
        error: failed.then(|| render::error(span)),
        input: span.input.clone(),
        output: span.output.clone(),
    }
}

fn span(span: &ShownSpan) -> SpanView {
    let failed = span.status == "ERROR";
    let tokens = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), grouped);
    let mut facts = vec![
        ("status", span.status.clone()),
        ("latency", latency(span.latency_ms)),
        ("starts", format!("{} into the trace", latency(span.offset_ms))),
    ];
    let told = [
        ("parent", span.parent_id.clone()),
        ("model", span.model.clone()),
        ("tool", span.tool.clone()),
        ("finish", span.finish_reason.clone()),
    ];
    facts.extend(told.into_iter().filter_map(|(name, value)| Some((name, value?))));
    if span.total_tokens.is_some() {
        let (all, prompt, answer) =
            (tokens(span.total_tokens), tokens(span.prompt_tokens), tokens(span.completion_tokens));
        facts.push(("tokens", format!("{all} ({prompt} in, {answer} out)")));
    }
    let cost = render::cost(span.cost_usd, span.estimated_cost_usd, 0);
    facts.extend(Some(("cost", cost)).filter(|(_, cost)| cost != "-"));
    let values =
        render::plain_values(span).map(|(label, text)| (label.to_owned(), text.to_owned()));
    let mut texts: Vec<(String, String)> = values.collect();
    for (at, message) in span.messages.iter().enumerate() {
        if at == 1 && span.hidden_messages > 0 {
            let hidden = render::counted(span.hidden_messages, "message");
            texts.push((format!("{hidden} between: --full shows all"), String::new()));
        }
        texts.push((render::role(message), message.text.clone()));
    }
    let pair = |(key, value): (&String, &Value)| (key.clone(), render::cell(value));
    let pairs = |object: &Map<String, Value>| object.iter().map(pair).collect();
    SpanView {
        id: span.span_id.clone(),
        kind: span.kind.clone(),
        name: span.name.clone(),
        failed,
        facts,
        error: failed.then(|| render::error(span)),
        texts,
        attributes: render::plain_attributes(span).map(pair).collect(),
        events: span
            .events
            .iter()
            .map(|event| EventView {
                name: event.name.clone(),
                time: event.time.clone(),
                attributes: pairs(&event.attributes),
            })
            .collect(),
    }
}

/// Head, rows, notes and what to type next.
pub fn hits(hits: &Hits, typed: Typed) -> (String, Vec<HitView>, Vec<String>, String) {
    let shown = hits.hits.len() as u64;
    let spans = render::counted(hits.total, "span");
    let mut head = format!("{spans} in {} match", render::traces(hits.traces));
    let mut notes = Vec::new();
    if shown < hits.total {
        head.push_str(&format!("; the newest {}", grouped(shown)));
        let more = grouped(hits.total - shown);
        notes.push(format!("{more} more: --limit {} shows them", hits.total));
    }
    let rows = hits.hits.iter().map(|hit| HitView {
        trace: hit.trace_id.clone(),
        span: hit.span_id.clone(),
        start: render::seconds(&hit.start_time),
        kind: hit.kind.clone(),
        name: hit.name.clone(),
        failed: hit.status == "ERROR",
        found_in: hit.found_in.clone(),
        excerpt: hit.excerpt.clone(),
    });
    (head, rows.collect(), notes, typed.command(&render::next_of_hits(hits)))
}

pub fn stats(stats: &Stats, typed: Typed) -> NumbersView {
    let mut head: Vec<String> =
        render::evidence(&stats.evidence).lines().map(str::to_owned).collect();
    head.push(render::summary(stats));
    let (what, counted) = render::heads(stats);
    let mut notes = Vec::new();
    if stats.hidden > 0 {
        let all = stats.groups.len() as u64 + stats.hidden;
        notes.push(format!("{} more: --limit {all} shows them", grouped(stats.hidden)));
    }
    notes.extend(render::costs(&stats.costs, stats.prices_of.as_deref()));
    NumbersView {
        head,
        what: what.to_owned(),
        counted: counted.to_owned(),
        rows: render::rows(stats).iter().map(render::stats_row).collect(),
        notes,
        next: typed.command(render::next_of(stats)),
    }
}

pub fn trends(measured: &[Measured], buckets: &[Bucket]) -> Vec<TrendView> {
    let trend = |(at, one): (usize, &Measured)| {
        let points: Vec<&Measured> =
            buckets.iter().filter_map(|bucket| bucket.measured.get(at)).collect();
        let valued = || points.iter().filter(|point| point.value.is_some());
        let by_value = |a: &&&Measured, b: &&&Measured| {
            a.value.unwrap_or_default().total_cmp(&b.value.unwrap_or_default())
        };
        let range = valued().min_by(by_value).zip(valued().max_by(by_value));
        TrendView {
            metric: one.metric.clone(),
            value: render::value(one),
            counted: grouped(one.sample),
            note: one.note.clone(),
            complete: one.complete,
            points: points.iter().map(|point| point.value).collect(),
            range: range.map(|(low, high)| (render::value(low), render::value(high))),
        }
    };
    measured.iter().enumerate().map(trend).collect()
}
