//! Writing to the standard streams when the other side may have gone.
//!
//! A reader that closes its end (`| head`) is a success, not a failure: what it wanted it has. After
//! the first failed write nothing more is tried.

use crate::error::{Failure, Kind};
use std::io::{self, Write};

/// What became of what was written.
#[derive(Debug, Clone)]
pub enum Written {
    All,
    /// The reader closed its end. No failure, but there is no use in going on.
    ReaderGone,
    Failed(Failure),
}

impl Written {
    /// What a write came to, told as one of ours.
    pub fn of(result: io::Result<()>) -> Self {
        match result {
            Ok(()) => Self::All,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Self::ReaderGone,
            Err(error) => {
                Self::Failed(Failure::new(Kind::Bug, "cannot write the output").because(error))
            }
        }
    }

    /// Success unless it truly failed.
    pub fn ok(self) -> Result<(), Failure> {
        match self {
            Self::All | Self::ReaderGone => Ok(()),
            Self::Failed(failure) => Err(failure),
        }
    }
}

/// One of the standard streams, or a stand-in.
pub struct Wire {
    to: To,
    written: Written,
}

enum To {
    Out,
    Err,
    #[cfg(test)]
    Memory(std::sync::Arc<std::sync::Mutex<Vec<u8>>>),
    #[cfg(test)]
    Gone,
}

impl Wire {
    pub fn out() -> Self {
        Self { to: To::Out, written: Written::All }
    }

    pub fn err() -> Self {
        Self { to: To::Err, written: Written::All }
    }

    #[cfg(test)]
    pub fn memory() -> (Self, std::sync::Arc<std::sync::Mutex<Vec<u8>>>) {
        let bytes = std::sync::Arc::<std::sync::Mutex<Vec<u8>>>::default();
        (Self { to: To::Memory(bytes.clone()), written: Written::All }, bytes)
    }

    #[cfg(test)]
    pub fn gone() -> Self {
        Self { to: To::Gone, written: Written::All }
    }

    /// Runs `write` over a buffer of the stream and flushes it.
    pub fn send(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if !matches!(self.written, Written::All) {
            return;
        }
        let result = match &self.to {
            To::Out => buffered(io::stdout().lock(), write),
            To::Err => buffered(io::stderr().lock(), write),
            #[cfg(test)]
            To::Memory(bytes) => match bytes.lock() {
                Ok(mut bytes) => write(&mut *bytes),
                Err(_) => Ok(()),
            },
            #[cfg(test)]
            To::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        };
        self.written = Written::of(result);
    }

    pub fn written(&self) -> &Written {
        &self.written
    }
}

fn buffered(
    stream: impl Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = io::BufWriter::with_capacity(64 << 10, stream);
    write(&mut buffer)?;
    buffer.flush()
}

/// Writes an answer to stdout. How every command that prints once does it.
pub fn answer(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = Wire::out();
    out.send(write);
    out.written.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_left_is_a_success() {
        let mut wire = Wire::gone();
        wire.send(|out| writeln!(out, "x"));
        assert!(matches!(wire.written(), Written::ReaderGone));
        wire.send(|_| unreachable!("nothing more is tried"));
        assert!(wire.written().clone().ok().is_ok());
        let full = Written::of(Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(full.ok().unwrap_err().sentence, "cannot write the output");
    }
}
