//! What a worker sends, and whether all of it came.

use crate::error::{Failure, Kind, Result};
use std::io::Read;

/// A stream that is remembered to have broken, whatever is made of that further up.
pub(super) struct Watched<R> {
    stream: R,
    broke: Option<String>,
}

impl<R> Watched<R> {
    pub fn of(stream: R) -> Self {
        Self { stream, broke: None }
    }

    /// What came of it, unless it broke.
    pub fn end<T>(self, result: Result<T>) -> Result<T> {
        match self.broke {
            None => result,
            Some(how) => {
                Err(Failure::new(Kind::Network, "cannot read what the worker left").because(how))
            }
        }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.stream.read(into).inspect_err(|error| {
            if error.kind() != std::io::ErrorKind::Interrupted {
                self.broke.get_or_insert_with(|| error.to_string());
            }
        })
    }
}
