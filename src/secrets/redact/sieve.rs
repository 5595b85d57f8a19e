//! Many patterns searched for at once, at the speed of memory where none occurs.
//!
//! Blocks of four bytes are looked up at the end of a window as long as the shortest pattern. A block
//! that stands in no pattern lets the window jump almost its whole length, so most bytes are never
//! looked at; the cost hardly grows with the number of patterns. (Wu and Manber, "A fast algorithm for
//! multi-pattern searching", 1994.)

use std::ops::Range;

/// The bytes of a block.
const BLOCK: usize = 4;
/// The table has at most this many entries: larger ones fall out of the processor's cache.
const MOST_BITS: u32 = 19;
/// A longer window would fill the table, and hardly jump further.
const MOST_WINDOW: usize = 16;
const LEAST_BITS: u32 = 10;

#[derive(Default)]
pub struct Sieve {
    /// Sorted by the hash of the last block of their window.
    pub patterns: Vec<(u32, Box<[u8]>)>,
    /// How far the window may move on, by the hash of the block at its end.
    pub shifts: Box<[u8]>,
    /// The length of the shortest pattern.
    window: usize,
    bits: u32,
}

impl Sieve {
    /// Patterns of at least [`BLOCK`] bytes; shorter ones are left out.
    pub fn new(patterns: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut all: Vec<Vec<u8>> =
            patterns.into_iter().filter(|pattern| pattern.len() >= BLOCK).collect();
        all.sort_unstable();
        all.dedup();
        let Some(shortest) = all.iter().map(Vec::len).min() else { return Self::default() };
        let window = shortest.min(MOST_WINDOW);
        // Sixteen entries for each block keep wrong alarms rare.
        let blocks = all.len() * (window - BLOCK + 1) * 16;
        let bits = (usize::BITS - blocks.leading_zeros()).clamp(LEAST_BITS, MOST_BITS);
        let furthest = (window - BLOCK + 1) as u8;
        let mut shifts = vec![furthest; 1 << bits].into_boxed_slice();
        for pattern in &all {
            for end in BLOCK..=window {
                let shift = &mut shifts[hash(&pattern[end - BLOCK..], bits) as usize];
                *shift = (*shift).min((window - end) as u8);
            }
        }
        let mut patterns: Vec<(u32, Box<[u8]>)> = all
            .into_iter()
            .map(|pattern| (hash(&pattern[window - BLOCK..], bits), pattern.into_boxed_slice()))
            .collect();
        patterns.sort_unstable_by_key(|(hash, _)| *hash);
        Self { patterns, shifts, window, bits }
    }

    /// Calls back for every place of every pattern, in the order of their starts; until it is told to
    /// stop by a `false`.
    pub fn each(&self, text: &[u8], mut found: impl FnMut(Range<usize>) -> bool) {
        if self.patterns.is_empty() {
            return;
        }
        let mut end = self.window;
        while let Some(block) = text.get(end.wrapping_sub(BLOCK)..end) {
            let hash = hash(block, self.bits);
            let shift = self.shifts[hash as usize];
            if shift > 0 {
                end += usize::from(shift);
                continue;
            }
            let start = end - self.window;
            let first = self.patterns.partition_point(|(other, _)| *other < hash);
            for (_, pattern) in self.patterns[first..].iter().take_while(|(o, _)| *o == hash) {
                if text[start..].starts_with(pattern) && !found(start..start + pattern.len()) {
                    return;
                }
            }
            end += 1;
        }
    }

    /// All places, those that overlap joined.
    pub fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = Vec::new();
        self.each(text, |place| {
            match places.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                _ => places.push(place),
            }
            true
        });
        places
    }

    /// The longest end of the text, of at least so many bytes, that begins a pattern without being
    /// one: where it starts.
    pub fn open_end(&self, text: &[u8], least: usize) -> Option<usize> {
        let longest = self.patterns.iter().map(|(_, pattern)| pattern.len()).max()?;
        let from = text.len().saturating_sub(longest - 1);
        (from..(text.len() + 1).saturating_sub(least.max(1))).find(|start| {
            let end = &text[*start..];
            self.patterns.iter().any(|(_, pattern)| {
                pattern[0] == end[0] && pattern.len() > end.len() && pattern.starts_with(end)
            })
        })
    }
}

fn hash(block: &[u8], bits: u32) -> u32 {
    let block = [block[0], block[1], block[2], block[3]];
    u32::from_le_bytes(block).wrapping_mul(0x9e37_79b1) >> (32 - bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_that_overlap_are_one() {
        let sieve = Sieve::new([b"abcabc".to_vec(), b"cabd".to_vec(), b"bcab".to_vec()]);
        assert_eq!(sieve.places(b"xxabcabcabcabdabc"), vec![2..14]);
        assert!(Sieve::new([]).places(b"abc").is_empty());
        assert!(sieve.places(b"abc").is_empty());
    }

    #[test]
    fn the_end_may_begin_one() {
        let sieve = Sieve::new([b"hunter2-hunter2".to_vec()]);
        assert_eq!(sieve.open_end(b"x hunter2-hunt", 4), Some(2));
        assert_eq!(sieve.open_end(b"x hunter2-hunter2", 4), Some(10));
        assert_eq!(sieve.open_end(b"x hun", 4), None);
        assert_eq!(sieve.open_end(b"", 1), None);
    }

    proptest! {
        #[test]
        fn it_finds_what_a_plain_search_finds(
            patterns in prop::collection::vec("[abc]{4,9}", 1..20),
            text in "[abc]{0,200}",
        ) {
            let sieve = Sieve::new(patterns.iter().map(|p| p.clone().into_bytes()));
            let mut found = Vec::new();
            sieve.each(text.as_bytes(), |place| { found.push(place); true });
            let mut wanted: Vec<Range<usize>> = Vec::new();
            let mut unique = patterns.clone();
            unique.sort();
            unique.dedup();
            for pattern in &unique {
                for at in 0..text.len() {
                    if text[at..].starts_with(pattern.as_str()) {
                        wanted.push(at..at + pattern.len());
                    }
                }
            }
            found.sort_by_key(|place| (place.start, place.end));
            wanted.sort_by_key(|place| (place.start, place.end));
            prop_assert_eq!(found, wanted);
        }
    }
}
