//! Multipart forms: what is uploaded. Files are read as they are sent, so their size does not matter.

use crate::error::{Cannot as _, Kind, Result};
use bytes::Bytes;
use reqwest::multipart;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// How much of a file is read at once.
const PIECE: usize = 256 << 10;

/// What a part of a file's is: the vendor looks at its name.
const TYPE: &str = "application/octet-stream";

#[derive(Debug, Clone)]
pub(super) enum Part<'a> {
    Text { name: &'a str, value: String },
    File { name: &'a str, filename: String, path: &'a Path },
    Bytes { name: &'a str, filename: String, bytes: &'a [u8] },
}

/// A form to be sent once.
pub(super) fn form(parts: &[Part]) -> Result<multipart::Form> {
    // A folder stands in the name of a skill's file, and must come through as it is.
    let mut form = multipart::Form::new().percent_encode_noop();
    for part in parts {
        form = match part {
            Part::Text { name, value } => form.text((*name).to_owned(), value.clone()),
            Part::File { name, filename, path } => {
                form.part((*name).to_owned(), named(of_file(path)?, filename)?)
            }
            Part::Bytes { name, filename, bytes } => {
                let part = multipart::Part::bytes(bytes.to_vec());
                form.part((*name).to_owned(), named(part, filename)?)
            }
        };
    }
    Ok(form)
}

fn named(part: multipart::Part, filename: &str) -> Result<multipart::Part> {
    part.file_name(filename.to_owned())
        .mime_str(TYPE)
        .cannot(Kind::Bug, || format!("name the upload `{filename}`"))
}

fn of_file(path: &Path) -> Result<multipart::Part> {
    let doing = || format!("read `{}`", path.display());
    let file = File::open(path).cannot(Kind::Config, doing)?;
    let size = file.metadata().cannot(Kind::Config, doing)?.len();
    let mut file = file.take(size);
    let pieces = std::iter::from_fn(move || {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece) {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some(Ok(Bytes::from(piece)))
            }
            Err(error) => Some(Err(error)),
        }
    });
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    Ok(multipart::Part::stream_with_length(body, size))
}
