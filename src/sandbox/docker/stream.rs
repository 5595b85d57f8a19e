//! The engine's streams as ordinary readers.

use bollard::container::LogOutput;
use futures_util::{Stream, StreamExt as _};
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use tokio::runtime::Runtime;

type Chunks<T> = Pin<Box<dyn Stream<Item = Result<T, bollard::errors::Error>> + Send>>;

/// What can be in a stream.
pub(super) trait Chunk: Send {
    /// The part that is wanted; nothing of a chunk of another stream.
    fn bytes(self) -> Option<bytes::Bytes>;
}

impl Chunk for LogOutput {
    fn bytes(self) -> Option<bytes::Bytes> {
        match self {
            Self::StdOut { message } | Self::Console { message } => Some(message),
            Self::StdErr { .. } | Self::StdIn { .. } => None,
        }
    }
}

impl Chunk for bytes::Bytes {
    fn bytes(self) -> Option<bytes::Bytes> {
        Some(self)
    }
}

/// Reads a stream on the engine's own runtime, one chunk at a time.
pub(super) struct Reader<T> {
    pub runtime: Arc<Runtime>,
    pub chunks: Chunks<T>,
    pub rest: bytes::Bytes,
}

impl<T: Chunk> Read for Reader<T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.runtime.block_on(self.chunks.next()) {
                None => return Ok(0),
                Some(Err(error)) => return Err(io::Error::other(error)),
                Some(Ok(chunk)) => self.rest = chunk.bytes().unwrap_or_default(),
            }
        }
        let part = self.rest.len().min(into.len());
        into[..part].copy_from_slice(&self.rest.split_to(part));
        Ok(part)
    }
}
