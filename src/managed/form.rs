//! Multipart forms: what is uploaded. Files are read as they are sent, so their size does not matter.

use crate::error::{Cannot as _, Kind, Result};
use bytes::Bytes;
use futures_util::Stream;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// How much of a file is read at once.
const PIECE: usize = 256 << 10;

#[derive(Debug, Clone)]
pub(super) enum Part<'a> {
    Text { name: &'a str, value: String },
    File { name: &'a str, filename: String, path: &'a Path },
    Bytes { name: &'a str, filename: String, bytes: &'a [u8] },
}

/// A form whose files are read as they are sent.
pub(super) struct Form {
    boundary: String,
    pieces: Vec<Piece>,
    pub length: u64,
}

enum Piece {
    Bytes(Vec<u8>),
    File(File, u64),
}

impl Form {
    pub fn new(parts: &[Part]) -> Result<Self> {
        let boundary = uuid::Uuid::new_v4().simple().to_string();
        let mut pieces = Vec::new();
        for part in parts {
            let (name, filename) = match part {
                Part::Text { name, .. } => (name, None),
                Part::File { name, filename, .. } | Part::Bytes { name, filename, .. } => {
                    (name, Some(filename))
                }
            };
            let mut head = format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"",
                quoted(name)
            );
            if let Some(filename) = filename {
                let filename = quoted(filename);
                head.push_str(&format!(
                    "; filename=\"{filename}\"\r\ncontent-type: application/octet-stream"
                ));
            }
            head.push_str("\r\n\r\n");
            pieces.push(Piece::Bytes(head.into_bytes()));
            pieces.push(match part {
                Part::Text { value, .. } => Piece::Bytes(value.clone().into_bytes()),
                Part::Bytes { bytes, .. } => Piece::Bytes(bytes.to_vec()),
                Part::File { path, .. } => {
                    let doing = || format!("read `{}`", path.display());
                    let file = File::open(path).cannot(Kind::Config, doing)?;
                    let size = file.metadata().cannot(Kind::Config, doing)?.len();
                    Piece::File(file, size)
                }
            });
            pieces.push(Piece::Bytes(b"\r\n".to_vec()));
        }
        pieces.push(Piece::Bytes(format!("--{boundary}--\r\n").into_bytes()));
        let length = pieces.iter().map(Piece::size).sum();
        Ok(Self { boundary, pieces, length })
    }

    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub fn stream(self) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
        futures_util::stream::iter(self.pieces.into_iter().flat_map(Piece::read))
    }
}

impl Piece {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }

    fn read(self) -> Box<dyn Iterator<Item = std::io::Result<Bytes>> + Send> {
        match self {
            Self::Bytes(bytes) => Box::new(std::iter::once(Ok(Bytes::from(bytes)))),
            Self::File(file, size) => {
                let mut file = file.take(size);
                Box::new(std::iter::from_fn(move || {
                    let mut piece = vec![0; PIECE];
                    match file.read(&mut piece) {
                        Ok(0) => None,
                        Ok(read) => {
                            piece.truncate(read);
                            Some(Ok(Bytes::from(piece)))
                        }
                        Err(error) => Some(Err(error)),
                    }
                }))
            }
        }
    }
}

/// A name between quotes of a header.
fn quoted(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .collect::<String>()
        .replace('\\', "_")
        .replace('"', "%22")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_as_long_as_it_says() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'x'; PIECE + 7]).unwrap();
        let parts = [
            Part::Text { name: "expires_in_seconds", value: "3600".to_owned() },
            Part::File { name: "file", filename: "a\"b\r\n.db".to_owned(), path: file.path() },
        ];
        let form = Form::new(&parts).unwrap();
        let (length, boundary) = (form.length, form.boundary.clone());
        let bytes: Vec<u8> =
            form.pieces.into_iter().flat_map(Piece::read).flat_map(Result::unwrap).collect();
        assert_eq!(bytes.len() as u64, length);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("name=\"file\"; filename=\"a%22b.db\"\r\n"), "{}", &text[..300]);
        assert!(text.ends_with(&format!("x\r\n--{boundary}--\r\n")));
    }
}
