//! Evals on their way out.

use super::Eval;
use crate::domain::words::Count;
use crate::error::{Failure, Result};
use serde::Serialize;
use serde_json::Value;

/// Writes evals to where the spans came from.
pub trait Annotate {
    /// The requests that write these, after a look at what can be known beforehand. Nothing is
    /// written yet. `identifier` is the writer's own: writing the same again under it is an update.
    fn batches(&self, evals: &[Eval], identifier: &str) -> Result<Vec<Batch>>;

    /// Writes one batch. It may be repeated.
    fn write(&self, batch: &Batch) -> Result<()>;
}

/// One request, as it would be sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Batch {
    /// Below the server's address.
    pub path: String,
    pub body: Value,
    /// How many evals are in it.
    pub evals: usize,
}

/// Writes batches, and tells how many evals are written so far. A failure says what was written.
pub fn push(to: &dyn Annotate, batches: &[Batch], progress: &dyn Fn(usize)) -> Result<usize> {
    let all: usize = batches.iter().map(|batch| batch.evals).sum();
    let mut written = 0;
    for batch in batches {
        to.write(batch).map_err(|failure| told(failure, written, all))?;
        written += batch.evals;
        progress(written);
    }
    Ok(written)
}

fn told(failure: Failure, written: usize, all: usize) -> Failure {
    match written {
        0 => failure.because("nothing was written before that"),
        some => failure
            .because(format!("{some} of {} were written before that", Count::of(all, "eval")))
            .hint("push again: what is there already is updated, not doubled"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::cell::RefCell;

    /// Takes so many batches, then fails.
    struct Full(RefCell<usize>);

    impl Annotate for Full {
        fn batches(&self, _: &[Eval], _: &str) -> Result<Vec<Batch>> {
            Ok(Vec::new())
        }

        fn write(&self, _: &Batch) -> Result<()> {
            let left = self.0.borrow().checked_sub(1);
            self.0.replace(left.ok_or_else(|| Failure::new(Kind::Network, "cannot write"))?);
            Ok(())
        }
    }

    #[track_caller]
    fn check(takes: usize, expected: Result<usize, &str>) {
        let batch = Batch { path: String::new(), body: Value::Null, evals: 2 };
        let told = RefCell::new(Vec::new());
        let full = Full(RefCell::new(takes));
        let done = push(&full, &vec![batch; 3], &|written| told.borrow_mut().push(written));
        let done = done.map_err(|failure| failure.causes[0].clone());
        assert_eq!(done, expected.map_err(str::to_owned));
        assert_eq!(told.into_inner().len(), takes.min(3));
    }

    #[test]
    fn a_failure_says_what_was_written() {
        check(9, Ok(6));
        check(1, Err("2 of 6 evals were written before that"));
        check(0, Err("nothing was written before that"));
    }
}
