//! The command lines of the other machine's shell. Pure.
//!
//! The login shell may be any that knows single quotes, so it is only told to become `sh`. Nothing in them
//! varies but hexadecimal digits.

/// The folder of this program's copies, each in a folder called by its content.
const COPIES: &str = r#"c="${XDG_CACHE_HOME:-$HOME/.cache}/loop/bin""#;

/// Becomes this program, where one of these contents is there; else says what the machine is.
pub(super) fn run(digests: &[&str]) -> String {
    debug_assert!(digests.iter().all(|digest| is_hex(digest)));
    let digests = digests.join(" ");
    format!(
        "exec sh -c '{COPIES}; \
         for d in {digests}; do [ -x \"$c/$d/loop\" ] && exec \"$c/$d/loop\" host; done; \
         echo loop-host missing \"$(uname -s)\" \"$(uname -m)\"'"
    )
}

/// Keeps what comes on standard input as this program, once it is what it should be. One that is there
/// already stays: it may be running.
pub(super) fn keep(digest: &str) -> String {
    debug_assert!(is_hex(digest));
    format!(
        "exec sh -c '{COPIES}; umask 077; mkdir -p \"$c/{digest}\" || exit 1; t=\"$c/{digest}/new.$$\"; \
         trap \"rm -f \\\"$t\\\"\" EXIT; trap \"\" HUP PIPE; cat > \"$t\" || exit 1; \
         s=$(sha256sum < \"$t\") || exit 1; \
         [ \"${{s%% *}}\" = {digest} ] || {{ echo loop-host damaged; exit 0; }}; \
         chmod 755 \"$c\" \"$c/{digest}\" \"$t\" \
         && {{ ln \"$t\" \"$c/{digest}/loop\" 2>/dev/null || [ -x \"$c/{digest}/loop\" ] \
         || mv \"$t\" \"$c/{digest}/loop\"; }} && echo loop-host kept'"
    )
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::super::content;
    use super::*;
    use std::io::Write as _;
    use std::os::unix::fs::MetadataExt as _;
    use std::process::{Command, Stdio};

    fn sh(home: &std::path::Path, script: &str, stdin: &[u8]) -> (Option<i32>, String) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        let done = child.wait_with_output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    }

    #[test]
    fn the_program_is_kept_only_whole_and_run_from_then_on() {
        let home = tempfile::tempdir().unwrap();
        let program = b"#!/bin/sh\necho ran \"$1\"\n";
        let digest = content::digest(&program[..]).unwrap();
        let run = run(&["00ff", &digest]);
        let (code, said) = sh(home.path(), &run, b"");
        assert!(code == Some(0) && said.starts_with("loop-host missing Linux "), "{said}");
        assert_eq!(sh(home.path(), &keep(&digest), b"#!/bin/sh\n").1, "loop-host damaged\n");
        assert!(sh(home.path(), &run, b"").1.starts_with("loop-host missing"));
        assert_eq!(
            sh(home.path(), &keep(&digest), program),
            (Some(0), "loop-host kept\n".to_owned())
        );
        assert_eq!(sh(home.path(), &run, b"").1, "ran host\n");
        let folder = home.path().join(".cache/loop/bin").join(&digest);
        let first = folder.join("loop").metadata().unwrap().ino();
        assert!(sh(home.path(), &keep(&digest), program).1.ends_with("kept\n"));
        assert_eq!(folder.join("loop").metadata().unwrap().ino(), first, "it stays the same file");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "nothing is left beside it");
    }

    /// What every shell that somebody logs in with takes as it is.
    #[test]
    fn they_are_one_quoted_argument() {
        for script in [run(&["00"]), keep("00")] {
            let inside =
                script.strip_prefix("exec sh -c '").and_then(|s| s.strip_suffix('\'')).unwrap();
            assert!(!inside.contains(['\'', '!', '\n']), "{inside}");
        }
    }
}
