//! Evals as text for whoever reviews them. Nothing here makes text harmless for a terminal: all of it
//! goes through the output layer.

use super::super::query::render::{finished, grid, grouped, one_line};
use super::Batch;
use super::review::{Name, Review, Shown};
use crate::domain::words::Count;
use std::fmt::Write as _;

/// How many characters of a value, labels of a name and mistakes are shown.
const LONGEST: usize = 60;
const LABELS: usize = 6;
const MISTAKES: usize = 20;

pub fn review(review: &Review) -> String {
    let Review { session, good, wrong, names, mistakes, .. } = review;
    let mut text = format!("session {session}: {} to push", Count::of(*good, "eval"));
    if *wrong > 0 {
        let _ = write!(text, ", {} with mistakes", Count::of(*wrong, "line"));
    }
    text.push('\n');
    if !names.is_empty() {
        let mut table = grid(&["name", "about", "labels", "scores"], &[]);
        for name in names {
            table.add_row([cut(&name.name), about(name), labels(name), scores(name)]);
        }
        text.push_str(&finished(&table));
        let mut table = grid(&["line", "name", "about", "label", "score", "explanation"], &[0, 4]);
        table.add_rows(review.sample.iter().map(sample));
        let _ = write!(text, "the first of each name{}", finished(&table));
    }
    for mistake in mistakes.iter().take(MISTAKES) {
        let _ = writeln!(text, "line {}: {}", mistake.line, one_line(&mistake.reason));
    }
    if *wrong > MISTAKES {
        let _ = writeln!(text, "and {} more: --json lists them", wrong - MISTAKES);
    }
    for (key, lines) in &review.ignored {
        let lines = Count::of(*lines, "line");
        let _ = writeln!(text, "not pushed: `{}` of {lines}", cut(key));
    }
    let _ = match (&review.project, good) {
        (_, 0) => write!(text, ""),
        (Some(_), _) => writeln!(text, "next: loop session evals push {session} --dry-run"),
        (None, _) => {
            writeln!(text, "next: loop session evals push {session} --to PROJECT --dry-run")
        }
    };
    text
}

/// What a push would send.
pub fn dry_run(project: &str, batches: &[Batch]) -> String {
    let all: usize = batches.iter().map(|batch| batch.evals).sum();
    let requests = Count::of(batches.len(), "request");
    let mut text = format!("{} for `{project}` in {requests}:\n", Count::of(all, "eval"));
    for batch in batches {
        let body = serde_json::to_string_pretty(&batch.body).unwrap_or_default();
        let _ = writeln!(text, "\nPOST {}\n{body}", batch.path);
    }
    text.push_str("\nnothing was sent\n");
    text
}

fn about(name: &Name) -> String {
    let count = |number: usize, noun| (number > 0).then(|| Count::of(number, noun).to_string());
    let parts: Vec<String> =
        [count(name.spans, "span"), count(name.traces, "trace")].into_iter().flatten().collect();
    parts.join(", ")
}

fn labels(name: &Name) -> String {
    let shown: Vec<String> = name
        .labels
        .iter()
        .take(LABELS)
        .map(|label| format!("{} {}", cut(&label.label), grouped(label.count as u64)))
        .collect();
    let more = name.labels.len().saturating_sub(LABELS);
    match (shown.join(", "), more) {
        (shown, _) if shown.is_empty() => "-".to_owned(),
        (shown, 0) => shown,
        (shown, more) => format!("{shown}, {more} more"),
    }
}

fn scores(name: &Name) -> String {
    let Some(scores) = name.scores else { return "-".to_owned() };
    format!("{}: mean {:.3}, {} to {}", scores.count, scores.mean, scores.least, scores.most)
}

fn sample(shown: &Shown) -> [String; 6] {
    let dash = || "-".to_owned();
    [
        shown.line.to_string(),
        cut(&shown.name),
        format!("{} {}", shown.target, shown.id),
        shown.label.as_deref().map_or_else(dash, cut),
        shown.score.map_or_else(dash, |score| score.to_string()),
        shown.explanation.as_deref().map_or_else(dash, cut),
    ]
}

fn cut(text: &str) -> String {
    let text = one_line(text);
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
