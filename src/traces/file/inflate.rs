//! What is compressed, as it comes: gzip and zstd, of any number of parts one after the other.
//!
//! What is held is bounded however much comes out; and what comes out is bounded by what goes in, so
//! that a small file that inflates without end is given up.

use std::io::{self, BufRead, BufReader, Read};

pub(super) const GZIP: &[u8] = b"\x1f\x8b";
pub(super) const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// Until so much has come out, nobody asks how little went in.
const TRUSTED: u64 = 1 << 30;

/// Spans that are all alike shrink to some hundredth.
const MOST_TIMES: u64 = 1_000;

/// The window of a zstd frame, as a power of two: what the program writes without being told to trust
/// larger ones.
const WINDOW: u32 = 27;

/// The plain text of a file, whose first bytes are `head`.
pub(super) fn plain<'a>(
    file: impl BufRead + Send + 'a,
    head: &[u8],
    length: u64,
) -> io::Result<Box<dyn BufRead + Send + 'a>> {
    let inside: Box<dyn Read + Send> = if head.starts_with(GZIP) {
        Box::new(flate2::bufread::MultiGzDecoder::new(file))
    } else if head.starts_with(ZSTD) {
        Box::new(zstd(file)?)
    } else {
        return Ok(Box::new(file));
    };
    let most = length.saturating_mul(MOST_TIMES).max(TRUSTED);
    Ok(Box::new(BufReader::with_capacity(1 << 18, Bounded { inside, left: most })))
}

/// A message that is compressed by itself.
pub(super) fn whole(message: &[u8], most: u64) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let read = zstd(message)?.take(most + 1).read_to_end(&mut plain)?;
    if read as u64 > most {
        return Err(io::Error::other("it inflates to more than a message may be"));
    }
    Ok(plain)
}

fn zstd<R: BufRead>(from: R) -> io::Result<zstd::Decoder<'static, R>> {
    let mut decoder = zstd::Decoder::with_buffer(from)?;
    decoder.window_log_max(WINDOW)?;
    Ok(decoder)
}

struct Bounded<R> {
    inside: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inside.read(into)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other("it inflates to more than a thousand times its size")
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_inflates_without_end_is_given_up() {
        let mut endless = Bounded { inside: io::repeat(b' '), left: 100_000 };
        let mut read = Vec::new();
        let failed = endless.read_to_end(&mut read).unwrap_err();
        assert!(failed.to_string().contains("thousand times"), "{failed}");
        assert!(read.len() <= 100_000);
        let mut enough = Bounded { inside: io::repeat(b' ').take(100_000), left: 100_000 };
        assert_eq!(enough.read_to_end(&mut read).unwrap(), 100_000);
    }
}
