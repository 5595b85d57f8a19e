//! What a file is, whatever it is called: the SHA-256 of its content.

use sha2::{Digest as _, Sha256};
use std::io::{self, Read, Write};

/// The digest of a stream, in hexadecimal digits.
pub(super) fn digest(from: impl Read) -> io::Result<String> {
    copied(from, &mut io::sink()).map(|(digest, _)| digest)
}

/// The same, and the length, of what is copied on the way.
pub(super) fn copied(mut from: impl Read, to: &mut impl Write) -> io::Result<(String, u64)> {
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut block = vec![0; 256 << 10];
    loop {
        let read = match from.read(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok((digest, bytes));
        }
        hash.update(&block[..read]);
        to.write_all(&block[..read])?;
        bytes += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_the_digest_that_is_published_for_it() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut copy = Vec::new();
        assert_eq!(copied(&b"abc"[..], &mut copy).unwrap(), (abc.to_owned(), 3));
        assert_eq!((digest(&b"abc"[..]).unwrap(), copy), (abc.to_owned(), b"abc".to_vec()));
    }
}
