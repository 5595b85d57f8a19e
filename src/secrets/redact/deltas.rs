//! Text that a model streams comes in pieces, each in a line of its own: `{"delta":"sk-a"}` and then
//! `{"delta":"bc"}`. Here the pieces of one text are put together again, to be searched as one.

use super::json;
use std::collections::BTreeMap;
use std::ops::Range;

/// What such lines have in common, whoever writes them.
const DELTA: &[u8] = b"delta";
/// Keys whose values tell texts apart that are streamed at the same time.
const APART: [&str; 4] = ["\"index\"", "\"item_id\"", "\"output_index\"", "\"content_index\""];

/// The pieces of one text, put together.
#[derive(Default)]
pub struct Text {
    pub text: String,
    pub pieces: Vec<Piece>,
}

pub struct Piece {
    /// Where its line begins.
    pub line: usize,
    /// Which token of its line it is.
    pub token: Range<usize>,
    /// Its part of the text.
    pub part: Range<usize>,
}

/// Whether there is any such line.
pub fn any(text: &[u8]) -> bool {
    memchr::memmem::find(text, DELTA).is_some()
}

/// The texts that are streamed.
pub fn texts(text: &[u8]) -> Vec<Text> {
    let mut texts: BTreeMap<(u64, String), Text> = BTreeMap::new();
    let mut start = 0;
    if !any(text) {
        return Vec::new();
    }
    for line in text.split(|byte| *byte == b'\n') {
        let at = start;
        start += line.len() + 1;
        let Ok(document) = std::str::from_utf8(line) else { continue };
        if !any(line) || !json::is_document(line) {
            continue;
        }
        let tokens = json::tokens(document);
        let apart: Vec<&str> = tokens
            .iter()
            .filter(|token| APART.contains(&&document[token.key.clone()]))
            .map(|token| &document[token.range.clone()])
            .collect();
        let apart = apart.join(" ");
        for token in tokens.iter().filter(|token| token.path != 0) {
            let piece = json::meant(&document[token.range.clone()]);
            let text = texts.entry((token.path, apart.clone())).or_default();
            let part = text.text.len()..text.text.len() + piece.len();
            text.text.push_str(&piece);
            text.pieces.push(Piece { line: at, token: token.range.clone(), part });
        }
    }
    texts.into_values().collect()
}

impl Text {
    /// Where the lines are that hold a place: from the beginning of the first to within the last.
    pub fn lines(&self, place: &Range<usize>) -> Range<usize> {
        let holds = |piece: &&Piece| piece.part.start < place.end && place.start < piece.part.end;
        let mut pieces = self.pieces.iter().filter(holds);
        let first = pieces.next().map_or(0, |piece| piece.line);
        first..pieces.next_back().map_or(first, |piece| piece.line) + 1
    }

    /// The pieces that hold a part of any of the places, with what is left of each.
    pub fn without(&self, places: &[Range<usize>], mark: &str) -> Vec<(&Piece, String)> {
        let mut cut = Vec::new();
        for piece in &self.pieces {
            let inside = |place: &&Range<usize>| {
                place.start < piece.part.end && place.end > piece.part.start
            };
            let mut left = String::new();
            let mut copied = piece.part.start;
            let mut touched = false;
            for place in places.iter().filter(inside) {
                touched = true;
                left.push_str(self.text.get(copied..place.start.max(copied)).unwrap_or_default());
                if place.start >= piece.part.start {
                    left.push_str(mark);
                }
                copied = place.end.min(piece.part.end);
            }
            if touched {
                left.push_str(self.text.get(copied..piece.part.end).unwrap_or_default());
                cut.push((piece, left));
            }
        }
        cut
    }
}
