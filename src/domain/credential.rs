//! Text that looks like a credential.
//!
//! A prompt is stored, shown and sent to a model, so a credential in it is refused before anything
//! exists; in an excerpt of a file it is covered; in what a worker says and leaves it is taken out.
//! Only shapes that their makers gave a mark of their own are known here, and what is said to be one
//! by the name of its variable: a guess by entropy would refuse trace ids and hashes, which prompts
//! are full of. What a session's own secrets are is known elsewhere, and redacted by value.

use aho_corasick::{AhoCorasick, MatchKind};
use std::ops::Range;
use std::sync::LazyLock;

/// A mark, the characters that follow it, how many of them at least and at most, and what it is.
struct Shape {
    mark: &'static str,
    rest: fn(u8) -> bool,
    least: usize,
    most: usize,
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

fn hex(b: u8) -> bool {
    b.is_ascii_hexdigit()
}

fn value(b: u8) -> bool {
    dotted(b) || matches!(b, b'+' | b'/' | b'~' | b'=')
}

const fn shape(
    mark: &'static str,
    rest: fn(u8) -> bool,
    least: usize,
    what: &'static str,
) -> Shape {
    Shape { mark, rest, least, most: 8192, what }
}

const fn exactly(mark: &'static str, rest: fn(u8) -> bool, n: usize, what: &'static str) -> Shape {
    Shape { mark, rest, least: n, most: n, what }
}

const JWT: &str = "eyJ";
const PEM: &str = "-----BEGIN ";
const USER: &str = "://";

/// The least lengths are well below the real ones, and above what documentation abbreviates to.
const SHAPES: [Shape; 29] = [
    shape("sk-ant-", slug, 16, "an Anthropic API key"),
    shape("sk-proj-", slug, 16, "an OpenAI API key"),
    shape("sk-svcacct-", slug, 16, "an OpenAI API key"),
    shape("sk-or-v1-", word, 16, "an OpenRouter API key"),
    shape("sk-", word, 32, "an OpenAI API key"),
    exactly("AIza", slug, 35, "a Google API key"),
    exactly("AKIA", upper, 16, "an AWS access key"),
    exactly("ASIA", upper, 16, "an AWS access key"),
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
    shape("X-Amz-Signature=", hex, 64, "a signed address"),
    shape("X-Amz-Security-Token=", value, 40, "a signed address"),
    shape("X-Goog-Signature=", hex, 64, "a signed address"),
    shape(JWT, dotted, 40, "a JSON web token"),
    shape(PEM, word, 0, "a private key"),
    shape(USER, word, 0, "a password in an address"),
];

/// Ends of names of variables that hold credentials, some of which have no mark of their own.
const NAMES: [&str; 16] = [
    "API_KEY",
    "APP_KEY",
    "SECRET_KEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "secret_access_key",
    "API_TOKEN",
    "ACCESS_TOKEN",
    "AUTH_TOKEN",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "CLIENT_SECRET",
    "PASSWORD",
    "DD-API-KEY",
    "DD-APPLICATION-KEY",
    "x-api-key",
];

/// What is given to such a variable is a credential when it is as long as this.
const ASSIGNED: usize = 20;
/// A password in an address, likewise. Those of examples are shorter.
const IN_ADDRESS: usize = 12;

static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let marks = SHAPES.iter().map(|shape| shape.mark).chain(NAMES);
    AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(marks).ok()
});

/// What the first credential of a text is, as a noun phrase.
pub fn find(text: &str) -> Option<&'static str> {
    first(text.as_bytes(), 0).map(|(_, what)| what)
}

/// Every credential of a text.
pub fn places(text: &[u8]) -> Vec<(Range<usize>, &'static str)> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some((range, what)) = first(text, from) {
        from = range.end;
        places.push((range, what));
    }
    places
}

/// The text with every credential covered, and every user of an address; one star for each
/// character, so that columns stay.
pub fn cover(text: &str) -> String {
    let mut covered = text.to_owned();
    let mut from = 0;
    while let Some((range, _)) = first(covered.as_bytes(), from) {
        from = stars(&mut covered, range);
    }
    from = 0;
    while let Some(start) = covered[from..].find(USER).map(|at| from + at + 3) {
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

/// The first credential that begins at `from` or later; the range is of whole characters.
fn first(text: &[u8], from: usize) -> Option<(Range<usize>, &'static str)> {
    let marks = MARKS.as_ref()?;
    let mut at = from;
    while let Some(hit) = marks.find(text.get(at..)?) {
        let start = at + hit.start();
        let found = match hit.pattern().as_usize() {
            index if index >= SHAPES.len() => assigned(text, at + hit.end()),
            index => shaped(text, start, &SHAPES[index]),
        };
        if let Some((range, what)) = found.filter(|(range, _)| range.start >= from) {
            return Some((range, what));
        }
        at = start + 1;
    }
    None
}

fn shaped(text: &[u8], at: usize, shape: &Shape) -> Option<(Range<usize>, &'static str)> {
    let from = at + shape.mark.len();
    let range = match shape.mark {
        PEM => at..private_key(text, at)?,
        USER => password(text, from)?,
        mark => {
            let length = text[from..].iter().take_while(|b| (shape.rest)(**b)).count();
            let range = at..from + length;
            let fits = (shape.least..=shape.most).contains(&length)
                && begins(text, at)
                && (mark != JWT || is_jwt(&text[range.clone()]));
            // The longest mark may be too long where a shorter one fits.
            if !fits {
                let shorter = SHAPES
                    .iter()
                    .find(|other| mark != other.mark && mark.starts_with(other.mark))?;
                return shaped(text, at, shorter);
            }
            range
        }
    };
    Some((range, shape.what))
}

/// Whether a word begins here: what stands before is no part of one, or ends an escape.
fn begins(text: &[u8], at: usize) -> bool {
    match &text[..at] {
        [] => true,
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', a, b] if hex(*a) && hex(*b) => true,
        [before @ .., b'+' | b'/'] => !ends_in_base64(before),
        [before @ .., b'm'] => {
            before.iter().rev().find(|b| !b"0123456789;".contains(b)) == Some(&b'[')
        }
        [.., before] => !slug(*before),
    }
}

/// Whether base64 goes on here: pictures come in it, and hold every mark there is.
fn ends_in_base64(text: &[u8]) -> bool {
    text.iter().rev().take(24).filter(|b| word(**b) || matches!(b, b'+' | b'/')).count() == 24
}

/// What is given to a variable whose name ends at `at`.
fn assigned(text: &[u8], at: usize) -> Option<(Range<usize>, &'static str)> {
    let rest = &text[at..];
    let between = rest.iter().take_while(|b| matches!(b, b' ' | b'"' | b'\'' | b'\\')).count();
    if !matches!(rest.get(between), Some(b'=' | b':')) {
        return None;
    }
    let open = rest[between + 1..].iter();
    let open = open.take_while(|b| matches!(b, b' ' | b'"' | b'\'' | b'\\' | b'=')).count();
    let start = at + between + 1 + open;
    let length = text[start..].iter().take_while(|b| value(**b)).count();
    let given = &text[start..start + length];
    let has = |kind: fn(u8) -> bool| given.iter().any(|b| kind(*b));
    let telling = has(|b| b.is_ascii_digit()) && has(|b| b.is_ascii_alphabetic());
    // Paths and addresses of keys are no keys.
    let path = given.starts_with(b"/") || given.starts_with(b"./") || given.starts_with(b"~/");
    (length >= ASSIGNED && telling && !path).then_some((start..start + length, "a credential"))
}

/// The password of an address whose user begins at `at`.
fn password(text: &[u8], at: usize) -> Option<Range<usize>> {
    let user = text[at..].iter().take_while(|b| dotted(**b)).count();
    let start = at + user + 1;
    if text.get(start - 1) != Some(&b':') {
        return None;
    }
    let length = text[start..].iter().take_while(|b| value(**b) || **b == b'%').count();
    let given = &text[start..start + length];
    let ends = text.get(start + length) == Some(&b'@');
    let telling = length >= IN_ADDRESS && given.iter().any(u8::is_ascii_digit);
    (ends && telling).then_some(start..start + length)
}

/// Three parts in base64url, the second a JSON object as well.
fn is_jwt(text: &[u8]) -> bool {
    let parts: Vec<_> = text.split(|b| *b == b'.').collect();
    matches!(parts[..], [head, body, sign, ..]
        if head.len() >= 10 && body.starts_with(JWT.as_bytes()) && sign.len() >= 10)
}

/// The end of a PEM private key that begins here.
fn private_key(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at + PEM.len()..];
    let label = &rest[..rest.iter().take(64).position(|b| *b == b'-')?];
    if !label.ends_with(b"PRIVATE KEY") {
        return None;
    }
    let last = [b"-----END ", label, b"-----"].concat();
    let end = memchr::memmem::find(rest, &last).map(|end| at + PEM.len() + end + last.len());
    Some(end.unwrap_or(text.len()))
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
        check(&["AIz", "a", twenty, &twenty[5..]], Some("a Google API key"));
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
    fn what_a_name_says() {
        let forty = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
        check(&["DD_APP_KEY=", forty], Some("a credential"));
        check(&[r#"{"ARIZE_API_KEY": ""#, forty, r#""}"#], Some("a credential"));
        check(&["aws_secret_access_key = ", forty], Some("a credential"));
        check(&["DD-API-KEY: ", forty], Some("a credential"));
        check(&["postgres://app:", &forty[..16], "@db/x"], Some("a password in an address"));
        check(&["https://b/x?X-Amz-Signature=", forty, forty], Some("a signed address"));
        check(&["DD_API_KEY=$DD_API_KEY, PRIVATE_KEY=/home/user/keys/id_ed25519_2"], None);
        check(
            &["OPENAI_API_KEY=your-key-goes-in-here, PASSWORD: a sentence about 3 passwords"],
            None,
        );
        check(&["postgres://postgres:postgres@localhost:5432/x"], None);
    }

    #[test]
    fn after_an_escape() {
        let twenty = "aB3dE6gH9jK2mN5pQ8sT";
        check(&[r"line\nghp", "_", twenty], Some("a GitHub token"));
        check(&["token%3Dghp", "_", twenty], Some("a GitHub token"));
        check(&["\u{1b}[1;31mghp", "_", twenty], Some("a GitHub token"));
        check(&["highp", "_", twenty], None);
    }

    #[test]
    fn pictures_and_hashes_are_left_alone() {
        use base64::Engine as _;
        // Bytes without a pattern, from a generator that is its own inverse of nothing.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .take(24 << 20)
        .collect();
        let picture = base64::engine::general_purpose::STANDARD.encode(&noise);
        assert_eq!(places(picture.as_bytes()), []);
        let hashes: String = noise[..4 << 20].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(places(hashes.as_bytes()), []);
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
