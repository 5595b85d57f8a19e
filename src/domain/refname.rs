//! Names of branches, as git has them and as a command line can carry them.

/// Git's own limit is the file system's; longer names are nobody's.
const LONGEST: usize = 200;

/// Whether a text is the name of a branch, by git's grammar and a little stricter: nothing that a
/// program could take for an option, a range, a path upwards or a revision, and nothing that does
/// not show as it is.
pub fn is_branch(text: &str) -> bool {
    let whole = !text.is_empty()
        && text.len() <= LONGEST
        && text != "@"
        && text != "HEAD"
        && !text.starts_with("refs/")
        && !text.starts_with('-')
        && !text.ends_with('.')
        && !["..", "//", "@{"].iter().any(|part| text.contains(part))
        && text.chars().all(plain);
    whole
        && text.split('/').all(|part| {
            let end = part.len().saturating_sub(5);
            let is_lock = part.get(end..).is_some_and(|end| end.eq_ignore_ascii_case(".lock"));
            !part.is_empty() && !part.starts_with(['.', '-']) && !is_lock
        })
}

/// Letters and digits of any script, and the signs that names are made of.
fn plain(c: char) -> bool {
    c.is_alphanumeric() || "-_./+=@#,!%".contains(c)
}

/// The full hexadecimal name of a commit.
pub fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The branch of a session, on which its worker commits.
pub fn of_session(session: &str) -> String {
    format!("loop/{session}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["main", "loop/7f3a", "a/b/c", "feature#1", "größe", "v1.2", "a@b", "x.y/z"] {
            assert!(is_branch(good), "{good}");
        }
        for bad in [
            "",
            "-x",
            "--upload-pack=x",
            "a..b",
            "a//b",
            "/a",
            "a/",
            ".a",
            "a/.b",
            "a.",
            "a.lock",
            "a.lock/b",
            "a b",
            "a~b",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "@",
            "@{",
            "a@{1}",
            "HEAD",
            "refs/heads/x",
            "a\nb",
            "a\u{1b}[31m",
            "a\u{202e}b",
            "$(x)",
            "`x`",
            "a;b",
            "a|b",
            "a&b",
            "a'b",
            "a\"b",
            "a/-b",
            "a\0",
            "a.LOCK",
        ] {
            assert!(!is_branch(bad), "{bad:?}");
        }
        assert!(!is_branch(&"x".repeat(LONGEST + 1)));
        assert!(is_branch(&of_session("7f3a")));
    }

    #[test]
    fn commits() {
        assert!(is_commit(&"a".repeat(40)) && is_commit(&"0".repeat(64)));
        assert!(!is_commit("HEAD") && !is_commit(&"A".repeat(40)) && !is_commit("--all"));
    }
}
