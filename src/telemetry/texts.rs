//! Texts on their way into a span: without known secrets, and not too long.
//!
//! What is stored of a session was redacted in its sandbox already. Prompts and reasons were not, and
//! a span leaves this machine, so everything goes through here once more; first redacted, then cut,
//! lest the cut hide half of a value.

use crate::secrets::Redactor;

/// The most bytes of an input, an output or a message.
pub const LONG: usize = 32 << 10;
/// The most bytes of a name, a reason or a status.
pub const SHORT: usize = 1 << 10;

pub struct Texts {
    redactor: Redactor,
}

impl Texts {
    /// `secrets` are the values that must not leave.
    pub fn new(secrets: &[String]) -> Self {
        Self { redactor: Redactor::new(secrets) }
    }

    pub fn long(&self, text: &str) -> String {
        self.upto(text, LONG)
    }

    pub fn short(&self, text: &str) -> String {
        self.upto(text, SHORT)
    }

    /// The text's beginning, and where there is more, how much of how much it is.
    fn upto(&self, text: &str, most: usize) -> String {
        let clean = self.redactor.redact(text.as_bytes());
        let clean = String::from_utf8_lossy(&clean);
        if clean.len() <= most {
            return clean.into_owned();
        }
        let kept = clean.floor_char_boundary(most);
        format!("{}… [{kept} of {} bytes]", &clean[..kept], clean.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_says_how_long_it_was() {
        let texts = Texts::new(&[]);
        let cut = texts.long(&"é".repeat(40_000));
        assert!(cut.ends_with("é… [32768 of 80000 bytes]"), "{}", &cut[cut.len() - 40..]);
        assert_eq!(texts.short("as it is"), "as it is");
    }

    #[test]
    fn a_cut_hides_no_half_of_a_secret() {
        let texts = Texts::new(&["s3cret-s3cret-s3cret".to_owned()]);
        let text = format!("{}s3cret-s3cret-s3cret", "x".repeat(SHORT - 5));
        assert!(!texts.short(&text).contains("s3c"));
    }
}
