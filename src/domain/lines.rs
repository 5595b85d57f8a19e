//! Lines of bytes, found at the speed of memory.

/// The lines of some bytes, each with its newline; the last may have none.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1);
    let rest = (bytes.last() != Some(&b'\n') && !bytes.is_empty()).then_some(bytes.len());
    ends.chain(rest).map(move |end| {
        let line = &bytes[start..end];
        start = end;
        line
    })
}

#[cfg(test)]
mod tests {
    use super::lines;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_the_standard_library_has_it(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'a')], 0..20)) {
            let expected: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            prop_assert_eq!(lines(&bytes).collect::<Vec<_>>(), expected);
        }
    }
}
