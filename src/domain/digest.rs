//! Short names that follow from content.

use sha2::{Digest as _, Sha256};

/// Twelve hexadecimal digits of the SHA-256 of the parts, each with its length before it, so that
/// moving a border between two parts changes it.
pub fn short<P: AsRef<[u8]>>(parts: &[P]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.as_ref().len() as u64).to_le_bytes());
        hash.update(part.as_ref());
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn borders_count() {
        assert_eq!(short(&["ab", "c"]), short(&["ab", "c"]));
        assert_ne!(short(&["ab", "c"]), short(&["a", "bc"]));
        assert_eq!(short(&["x"]).len(), 12);
    }
}
