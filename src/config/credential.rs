//! Text that looks like a credential.
//!
//! A prompt is stored, shown and sent to a model, so a credential in it is refused before anything
//! exists; in an excerpt of a file it is covered. Only shapes that their makers gave a mark of
//! their own are known here: a guess by entropy would refuse trace ids and hashes, which prompts
//! are full of. What a session's own secrets are is known elsewhere, and redacted by value.

use std::ops::Range;

/// A mark, the characters that follow it, how many of them at least, and what it is.
struct Shape {
    mark: &'static str,
    rest: fn(u8) -> bool,
    least: usize,
    what: &'static str,
}

fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

fn slug(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-' || b == b'_'
}

fn dotted(b: u8) -> bool {
    slug(b) || b == b'.'
}

fn upper(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit()
}

const fn shape(
    mark: &'static str,
    rest: fn(u8) -> bool,
    least: usize,
    what: &'static str,
) -> Shape {
    Shape { mark, rest, least, what }
}

/// The least lengths are well below the real ones, and above what documentation abbreviates to.
const SHAPES: [Shape; 24] = [
    shape("sk-ant-", slug, 16, "an Anthropic API key"),
    shape("sk-proj-", slug, 16, "an OpenAI API key"),
    shape("sk-svcacct-", slug, 16, "an OpenAI API key"),
    shape("sk-or-v1-", word, 16, "an OpenRouter API key"),
    shape("sk-", word, 32, "an OpenAI API key"),
    shape("AIza", slug, 30, "a Google API key"),
    shape("AKIA", upper, 16, "an AWS access key"),
    shape("ASIA", upper, 16, "an AWS access key"),
    shape("ghp_", word, 20, "a GitHub token"),
    shape("gho_", word, 20, "a GitHub token"),
    shape("ghu_", word, 20, "a GitHub token"),
    shape("ghs_", word, 20, "a GitHub token"),
    shape("ghr_", word, 20, "a GitHub token"),
    shape("github_pat_", slug, 20, "a GitHub token"),
    shape("glpat-", slug, 16, "a GitLab token"),
    shape("xoxb-", slug, 10, "a Slack token"),
    shape("xoxp-", slug, 10, "a Slack token"),
    shape("xoxa-", slug, 10, "a Slack token"),
    shape("xapp-", slug, 10, "a Slack token"),
    shape("dt0c01.", dotted, 24, "a Dynatrace token"),
    shape("dt0s16.", dotted, 24, "a Dynatrace token"),
    shape("npm_", word, 30, "an npm token"),
    shape("hf_", word, 30, "a Hugging Face token"),
    shape("eyJ", dotted, 40, "a JSON web token"),
];

/// What the first credential of a text is, as a noun phrase.
pub fn find(text: &str) -> Option<&'static str> {
    first(text, 0).map(|(_, what)| what)
}

/// The text with every credential covered, and every user of an address; one star for each
/// character, so that columns stay.
pub fn cover(text: &str) -> String {
    let mut covered = text.to_owned();
    let mut from = 0;
    while let Some((range, _)) = first(&covered, from) {
        from = stars(&mut covered, range);
    }
    from = 0;
    while let Some(start) = covered[from..].find("://").map(|at| from + at + 3) {
        let end = covered[start..]
            .find(['/', '?', '#', '"', '\'', '`'])
            .map_or(covered.len(), |at| start + at);
        from = match covered[start..end].rfind('@') {
            Some(at) => stars(&mut covered, start..start + at),
            None => start,
        };
    }
    covered
}

/// Covers a range, and says where it ends now.
fn stars(text: &mut String, range: Range<usize>) -> usize {
    let stars = "*".repeat(text[range.clone()].chars().count());
    let end = range.start + stars.len();
    text.replace_range(range, &stars);
    end
}

fn first(text: &str, from: usize) -> Option<(Range<usize>, &'static str)> {
    let bytes = text.as_bytes();
    (from..bytes.len()).find_map(|at| {
        if let Some(end) = private_key(text, at) {
            return Some((at..end, "a private key"));
        }
        if at > 0 && slug(bytes[at - 1]) {
            return None;
        }
        SHAPES.iter().find_map(|shape| {
            let rest = bytes[at..].strip_prefix(shape.mark.as_bytes())?;
            let length = rest.iter().take_while(|b| (shape.rest)(**b)).count();
            let end = at + shape.mark.len() + length;
            let fits = length >= shape.least && (shape.mark != "eyJ" || is_jwt(&text[at..end]));
            fits.then_some((at..end, shape.what))
        })
    })
}

/// Three parts in base64url, the second a JSON object as well.
fn is_jwt(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    matches!(parts[..], [head, body, sign, ..]
        if head.len() >= 10 && body.starts_with("eyJ") && sign.len() >= 10)
}

/// The end of a PEM private key that begins here.
fn private_key(text: &str, at: usize) -> Option<usize> {
    let rest = text.as_bytes()[at..].strip_prefix(b"-----BEGIN ")?;
    let line = rest.split(|b| *b == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let label = line.split_once("-----").map(|(label, _)| label)?;
    if !label.ends_with("PRIVATE KEY") {
        return None;
    }
    let end = text[at..].find(&format!("-----END {label}-----"));
    Some(end.map_or(text.len(), |i| at + i + "-----END -----".len() + label.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here, so that no scanner of repositories stumbles over the examples.
    fn check(parts: &[&str], wanted: Option<&str>) {
        let text = parts.concat();
        assert_eq!(find(&text), wanted, "{text}");
        let covered = cover(&format!("ü {text} ü"));
        assert_eq!(covered.chars().count(), text.chars().count() + 4, "columns stay");
        assert_eq!(find(&covered), None, "nothing is left in {covered}");
    }

    #[test]
    fn shapes() {
        let twenty = "aB3dE6gH9jK2mN5pQ8sT";
        check(&["use sk-", "ant-api03-", twenty], Some("an Anthropic API key"));
        check(&["key=sk-", "proj-", twenty, "_-x"], Some("an OpenAI API key"));
        check(&["sk-", twenty, twenty], Some("an OpenAI API key"));
        check(&["(ghp", "_", twenty, twenty, ")"], Some("a GitHub token"));
        check(&["github", "_pat_", twenty], Some("a GitHub token"));
        check(&["AKI", "AIOSFODNN7EXAMPLE"], Some("an AWS access key"));
        check(&["xox", "b-123456789012-", twenty], Some("a Slack token"));
        check(&["AIz", "a", twenty, twenty], Some("a Google API key"));
        check(
            &["Bearer ey", "J", twenty, ".ey", "J", twenty, ".", twenty],
            Some("a JSON web token"),
        );
        let pem =
            ["-----BEGIN RSA PRIV", "ATE KEY-----\nMIIE\n-----END RSA PRIV", "ATE KEY-----\n"];
        check(&pem, Some("a private key"));
        check(&["-----BEGIN PRIV", "ATE KEY-----\nMIIE"], Some("a private key"));
    }

    #[test]
    fn users_of_addresses() {
        assert_eq!(
            cover("a = \"https://ü:p@w@h/x@y\" # http://a.b, ssh://git@h"),
            "a = \"https://*****@h/x@y\" # http://a.b, ssh://***@h"
        );
    }

    #[test]
    fn look_alikes() {
        check(&["traces 4bf92f3577b34da6a3ce929d0e0e4736 and sk-", "ant-..."], None);
        check(&["keys that start with ghp", "_ or AKI", "A are refused"], None);
        check(&["task-", "ant-aB3dE6gH9jK2mN5pQ8sT"], None);
        check(&["eyJhbGciOiJIUzI1NiJ9 alone, a header of forty characters and more"], None);
        check(&["-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"], None);
        check(&["the p95 of span `risk-assessment-of-something-quite-long-indeed`"], None);
        check(&[""], None);
    }
}
