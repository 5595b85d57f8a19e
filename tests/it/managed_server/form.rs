//! Multipart forms, as far as files are sent in them.

use axum::http::HeaderMap;

/// A part of a form: its name, its file's name where it is one, and what it holds.
pub(crate) struct Part {
    pub name: String,
    pub filename: Option<String>,
    pub bytes: Vec<u8>,
}

/// `None` of what is no form.
pub(crate) fn parts(headers: &HeaderMap, body: &[u8]) -> Option<Vec<Part>> {
    let kind = headers.get("content-type")?.to_str().ok()?;
    let boundary = kind.strip_prefix("multipart/form-data; boundary=")?.trim_matches('"');
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut rest = body.strip_prefix(mark.as_bytes())?;
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let end = find(rest, format!("\r\n{mark}").as_bytes())?;
        let part = rest[..end].strip_prefix(b"\r\n")?;
        let head = find(part, b"\r\n\r\n")?;
        let headers = String::from_utf8(part[..head].to_vec()).ok()?;
        let field = |name: &str| {
            let start = headers.find(&format!("; {name}=\""))? + name.len() + 4;
            let text = &headers[start..];
            Some(text[..text.find('"')?].to_owned())
        };
        parts.push(Part {
            name: field("name")?,
            filename: field("filename"),
            bytes: part[head + 4..].to_vec(),
        });
        rest = &rest[end + 2 + mark.len()..];
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
