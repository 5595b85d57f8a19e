//! Reading on several threads: one cuts the input into pieces, some read these into spans, and the
//! caller's takes what they made, in the order of the pieces.
//!
//! Piece number n goes to reader n modulo their number and comes back from it, each by way of a
//! channel with room for little. So order costs nothing, and what is held is some pieces for each
//! thread, however large the input is.

use super::super::Sink;
use super::super::annotation::Annotation;
use super::super::snapshot::Packed;
use super::super::span::Span;
use super::text::Trouble;
use crate::error::Result;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// More readers than that wait for the one thread that takes.
const MOST_READERS: usize = 6;

/// What was read of one piece.
#[derive(Default)]
pub(super) struct Read {
    pub packed: Packed,
    pub left_out: Vec<(String, u64)>,
    pub spans: u64,
    /// Objects that are no spans.
    pub unknown: u64,
    /// Its line is counted from the piece's first.
    pub trouble: Option<Trouble>,
    pub lines: usize,
}

impl Sink for Read {
    fn span(&mut self, span: Span) -> Result<()> {
        self.packed.add(&span);
        Ok(())
    }

    fn annotation(&mut self, _: Annotation) -> Result<()> {
        Ok(())
    }

    fn left_out(&mut self, reason: &str, count: u64) {
        self.left_out.push((reason.to_owned(), count));
    }
}

/// Runs until `next` gives no more, or `take` fails. The outer failure is that of `take`, the inner
/// that of `next`.
pub(super) fn run<P: Send>(
    mut next: impl FnMut() -> io::Result<Option<P>> + Send,
    read: impl Fn(P) -> Read + Sync,
    mut take: impl FnMut(Read) -> Result<()>,
) -> Result<io::Result<()>> {
    let readers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_READERS);
    std::thread::scope(|scope| {
        let (mut into, mut out_of) = (Vec::new(), Vec::new());
        for _ in 0..readers {
            let (give, given) = sync_channel::<P>(2);
            let (done, finished) = sync_channel::<Read>(2);
            into.push(give);
            out_of.push(finished);
            let read = &read;
            scope.spawn(move || given.into_iter().try_for_each(|piece| done.send(read(piece))));
        }
        let cutter = scope.spawn(move || cut(&mut next, &into));
        let taken = each(out_of, &mut take);
        let ended = cutter.join().unwrap_or_else(|_| Err(io::Error::other("reading broke off")));
        taken.map(|()| ended)
    })
}

/// A reader that is gone means that nobody takes any more.
fn cut<P>(
    next: &mut impl FnMut() -> io::Result<Option<P>>,
    into: &[SyncSender<P>],
) -> io::Result<()> {
    for reader in into.iter().cycle() {
        let Some(piece) = next()? else { break };
        if reader.send(piece).is_err() {
            break;
        }
    }
    Ok(())
}

/// Ends the receivers with it, and by that the threads behind them.
fn each(out_of: Vec<Receiver<Read>>, take: &mut impl FnMut(Read) -> Result<()>) -> Result<()> {
    for reader in out_of.iter().cycle() {
        let Ok(read) = reader.recv() else { break };
        take(read)?;
    }
    Ok(())
}
