//! Which spans go into a snapshot, and in which order.
//!
//! Of spans with the same ids the first that was read; traces that start in the window, whole; and
//! where that is more than a snapshot holds, a sample that says it is one.

use super::super::span::TraceId;
use super::rows::Trace;
use super::stage::{Key, Reader};
use super::{Sampled, Writer};
use crate::domain::plan::Window;

/// The keys of what goes in: traces by when they start, spans within a trace likewise.
#[derive(Default)]
pub(super) struct Chosen {
    keys: Vec<Key>,
    traces: Vec<Part>,
    pub sampled: Option<Sampled>,
}

/// A trace, as a part of all keys.
#[derive(Clone, Copy)]
struct Part {
    start_us: i64,
    first: usize,
    spans: usize,
}

impl Chosen {
    /// The spans of each trace.
    pub fn traces(&self) -> impl Iterator<Item = &[Key]> {
        self.traces.iter().map(|part| self.of(part))
    }

    pub fn spans(&self) -> u64 {
        self.traces.iter().map(|part| part.spans as u64).sum()
    }

    /// When the first and the last span start.
    pub fn ends(&self) -> (i64, i64) {
        let starts = || self.traces().flatten().map(|key| key.start_us);
        (starts().min().unwrap_or_default(), starts().max().unwrap_or_default())
    }

    fn of(&self, part: &Part) -> &[Key] {
        &self.keys[part.first..part.first + part.spans]
    }
}

impl Writer {
    pub(super) fn choose(&mut self) -> Chosen {
        let mut keys = std::mem::take(&mut self.stage.keys);
        let read = keys.len();
        keys.sort_unstable_by_key(|key| (key.trace_id, key.span_id, key.at));
        keys.dedup_by_key(|key| (key.trace_id, key.span_id));
        self.leave_out("spans whose id was there already", read - keys.len());
        let (mut traces, mut first, mut outside) = (Vec::new(), 0, 0);
        for trace in keys.chunk_by_mut(|a, b| a.trace_id == b.trace_id) {
            trace.sort_unstable_by_key(|key| (key.start_us, key.span_id));
            let part = Part { start_us: trace[0].start_us, first, spans: trace.len() };
            first += trace.len();
            if inside(self.about.window, part.start_us) {
                traces.push(part);
            } else {
                outside += part.spans;
            }
        }
        self.leave_out("spans of traces that start outside the window", outside);
        // Keys are by trace id, so the first key decides between traces of the same time.
        traces.sort_unstable_by_key(|part| (part.start_us, part.first));
        Chosen { keys, traces, sampled: None }
    }

    fn leave_out(&mut self, reason: &str, count: usize) {
        if count > 0 {
            *self.left_out.entry(reason.to_owned()).or_default() += count as u64;
        }
    }

    /// Where there are more spans than a snapshot holds: every trace that stands out, and of the
    /// others those whose ids come first by a hash of them, as many as there is room for.
    pub(super) fn sample(&mut self, chosen: &mut Chosen) -> std::io::Result<()> {
        let all = chosen.spans();
        if all <= self.most {
            return Ok(());
        }
        let mut ranks = standing_out(chosen, &mut self.stage.reader())?;
        for (rank, part) in ranks.iter_mut().zip(&chosen.traces) {
            rank.hash = hash(chosen.keys[part.first].trace_id);
        }
        let mut order: Vec<usize> = (0..ranks.len()).collect();
        order.sort_unstable_by_key(|at| (!ranks[*at].out, ranks[*at].hash, *at));
        let (mut room, mut kept, mut whole) = (self.most, vec![false; ranks.len()], true);
        for at in order {
            let spans = chosen.traces[at].spans as u64;
            let Some(rest) = room.checked_sub(spans) else {
                // Whoever does not fit leaves no room for the next: that would prefer small traces.
                whole &= !ranks[at].out;
                break;
            };
            (room, kept[at]) = (rest, true);
        }
        let traces = chosen.traces.len();
        let mut kept = kept.into_iter();
        chosen.traces.retain(|_| kept.next().unwrap_or_default());
        let left = all - chosen.spans();
        self.leave_out("spans of traces that were not sampled", left as usize);
        chosen.sampled = Some(Sampled {
            traces: traces as u64,
            kept_traces: chosen.traces.len() as u64,
            spans: all,
            kept_spans: chosen.spans(),
            standing_out: ranks.iter().filter(|rank| rank.out).count() as u64,
            standing_out_whole: whole,
        });
        Ok(())
    }
}

fn inside(window: Window, start_us: i64) -> bool {
    let ms = start_us.div_euclid(1_000);
    window.since.is_none_or(|since| ms >= since) && window.until.is_none_or(|until| ms < until)
}

/// What a trace is chosen by.
#[derive(Clone, Copy, Default)]
struct Rank {
    /// It fails, is among the slowest hundredth, or among the costliest hundredth of those that say
    /// their cost.
    out: bool,
    hash: u64,
}

fn standing_out(chosen: &Chosen, reader: &mut Reader) -> std::io::Result<Vec<Rank>> {
    let mut ranks = vec![Rank::default(); chosen.traces.len()];
    let (mut slow, mut costly) = (Vec::new(), Vec::new());
    for (at, keys) in chosen.traces().enumerate() {
        let mut trace = Trace::of(keys[0].trace_id, 0);
        for key in keys {
            trace.add(key.span_id, &reader.row(key)?);
        }
        ranks[at].out = trace.errors > 0;
        slow.push((trace.end_us.saturating_sub(trace.start_us) as f64, at));
        costly.extend(trace.cost().map(|cost| (cost, at)));
    }
    for mut list in [slow, costly] {
        list.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, at) in list.iter().take(list.len().div_ceil(100)) {
            ranks[*at].out = true;
        }
    }
    Ok(ranks)
}

/// The same for a trace in every window, so that two samples hold the same traces.
fn hash(TraceId(id): TraceId) -> u64 {
    let mut mixed = (id as u64) ^ ((id >> 64) as u64).rotate_left(32);
    for multiplier in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(multiplier);
    }
    mixed ^ (mixed >> 31)
}
