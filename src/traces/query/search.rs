//! `traces search`: full text over names, inputs, outputs, messages and errors.
//!
//! All words must occur, in any order; words in double quotes must follow each other; a `*` at a
//! word's end takes any ending. Case and accents do not matter. Newest trace first: how well a span
//! matches says little about logs, and time is an order one can page through.

use super::super::snapshot::{Snapshot, show_time};
use super::part::Part;
use super::{Bounds, asked, cut};
use crate::domain::plan::Window;
use crate::error::{Failure, Kind, Result};
use rusqlite::{Connection, Row};
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hits {
    pub version: u32,
    /// Spans that match.
    pub total: u64,
    /// Traces with such a span.
    pub traces: u64,
    #[expect(clippy::struct_field_names, reason = "this is the name in the JSON")]
    pub hits: Vec<Hit>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    pub trace_id: String,
    pub span_id: String,
    pub name: String,
    pub kind: String,
    pub status: String,
    pub start_time: String,
    /// Where the first word was found: `error`, `output`, `input`, `messages`, `name`.
    pub found_in: String,
    pub excerpt: String,
}

pub fn search(snapshot: &Snapshot, text: &str, window: Window, bounds: Bounds) -> Result<Hits> {
    let words = words(text);
    if words.is_empty() {
        return Err(Failure::new(
            Kind::Usage,
            format!("there is no word to search for in `{text}`"),
        )
        .hint("`traces search \"rate limit\"` looks for both words"));
    }
    let ask = words.iter().map(Word::fts).collect::<Vec<_>>().join(" ");
    let database = snapshot.database();
    let part = Part::of(snapshot, window)?;
    let inside = part.numbers("rowid");
    let (total, traces) = asked(counts(database, &ask, &inside))?;
    let rows = format!(
        "SELECT s.trace_id, s.span_id, s.name, s.kind, s.status, s.start_us,
                concat_ws(': ', s.error_type, s.error_message), p.output, p.input, p.attributes
         FROM (SELECT rowid AS n FROM search WHERE search MATCH ?1 AND {inside} ORDER BY rowid DESC LIMIT ?2) f
         JOIN span s ON s.n = f.n LEFT JOIN payload p ON p.n = f.n ORDER BY s.n DESC"
    );
    let read = || {
        let mut statement = database.prepare_cached(&rows)?;
        statement.query_map((&ask, bounds.limit_sql()), |row| hit(row, &words, bounds))?.collect()
    };
    let hits = asked(read())?;
    Ok(Hits { version: 1, total, traces, hits })
}

/// Spans and traces that match. Both come by number, and the spans of a trace follow each other, so
/// that nothing of the spans has to be read.
fn counts(database: &Connection, ask: &str, inside: &str) -> rusqlite::Result<(u64, u64)> {
    let firsts = "SELECT first_n FROM trace ORDER BY first_n";
    let mut firsts = database.prepare_cached(firsts)?;
    let mut firsts = firsts.query([])?;
    let mut first = || firsts.next()?.map_or(Ok(i64::MAX), |row| row.get::<_, i64>(0));
    let matching =
        format!("SELECT rowid FROM search WHERE search MATCH ? AND {inside} ORDER BY rowid");
    let mut found = database.prepare_cached(&matching)?;
    let mut found = found.query([ask])?;
    let (mut spans, mut traces, mut next) = (0, 0, first()?);
    while let Some(row) = found.next()? {
        let n: i64 = row.get(0)?;
        spans += 1;
        if n >= next {
            traces += 1;
            while n >= next {
                next = first()?;
            }
        }
    }
    Ok((spans, traces))
}

struct Word {
    text: String,
    prefix: bool,
}

impl Word {
    /// Quoted, so that nothing of it is taken for an operator.
    fn fts(&self) -> String {
        let star = if self.prefix { "*" } else { "" };
        format!("\"{}\"{star}", self.text)
    }
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for (at, part) in text.split('"').enumerate() {
        let quoted = at % 2 == 1;
        let pieces: Vec<&str> = if quoted { vec![part] } else { part.split_whitespace().collect() };
        for piece in pieces {
            let stem = piece.trim_end_matches('*');
            if stem.chars().any(char::is_alphanumeric) {
                // SQLite reads text up to a NUL.
                let text = stem.replace('\0', " ");
                words.push(Word { text, prefix: stem.len() < piece.len() });
            }
        }
    }
    words
}

fn hit(row: &Row, words: &[Word], bounds: Bounds) -> rusqlite::Result<Hit> {
    let places = [("error", 6), ("output", 7), ("input", 8), ("messages", 9)];
    let name: String = row.get(2)?;
    let mut found = ("name", name.clone());
    'places: for (place, at) in places {
        let text: Option<String> = row.get(at)?;
        let Some(text) = text else { continue };
        for word in words {
            if let Some(at) = find(&text, &word.text) {
                found = (place, around(&text, at, bounds));
                break 'places;
            }
        }
    }
    Ok(Hit {
        trace_id: row.get(0)?,
        span_id: row.get(1)?,
        name,
        kind: row.get(3)?,
        status: row.get(4)?,
        start_time: show_time(row.get(5)?),
        found_in: found.0.to_owned(),
        excerpt: found.1,
    })
}

/// Where a word is, whatever its case (of ASCII letters; an excerpt may miss, the search does not).
fn find(text: &str, word: &str) -> Option<usize> {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    text.windows(word.len()).position(|window| window.eq_ignore_ascii_case(word))
}

fn around(text: &str, at: usize, bounds: Bounds) -> String {
    let Some(chars) = bounds.chars else { return text.to_owned() };
    let before = text[..at].char_indices().rev().nth(chars / 3).map_or(0, |(start, _)| start);
    let lead = if before > 0 { "… " } else { "" };
    let rest = &text[before..];
    format!("{lead}{}", cut(rest.to_owned(), 0, bounds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let words: Vec<_> = words(text).iter().map(Word::fts).collect();
        assert_eq!(words.join(" "), expected, "{text}");
    }

    #[test]
    fn what_people_type_is_no_syntax() {
        check("rate limit", "\"rate\" \"limit\"");
        check("\"rate limit\" NL-12*", "\"rate limit\" \"NL-12\"*");
        check("a AND (b OR NOT c:d) - ^", "\"a\" \"AND\" \"(b\" \"OR\" \"NOT\" \"c:d)\"");
        check("un\"closed", "\"un\" \"closed\"");
        check(" * \"\" ", "");
    }
}
