//! What the end of `ssh` means, from its exit code and what it said. Pure.

use crate::error::{Failure, Kind};

/// How much of what it said is kept, in bytes, and shown, in lines and characters.
pub const KEPT: usize = 16 << 10;
const LINES: usize = 4;
const LINE: usize = 200;

/// Text of another machine's, as far as it may be shown: its last lines, on one.
pub fn cleaned(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(clean).filter(|line| !line.is_empty() && !is_frame(line));
    let lines: Vec<String> = lines.collect();
    lines[lines.len().saturating_sub(LINES)..].join("; ")
}

fn clean(line: &str) -> String {
    let plain = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(LINE).collect::<String>().trim().to_owned()
}

/// The rows of `@` around a warning.
fn is_frame(line: &str) -> bool {
    line.chars().all(|c| c == '@')
}

/// What came in the way. `began` says whether the other side had answered before.
pub fn tell(name: &str, code: Option<i32>, stderr: &[u8], began: bool) -> Failure {
    let said = String::from_utf8_lossy(stderr);
    let has = |text: &str| said.contains(text);
    if code != Some(255) {
        return ended(name, code, stderr);
    }
    if has("IDENTIFICATION HAS CHANGED") {
        return changed(name, &said);
    }
    if has("Host key verification failed") || has("host key is known for") {
        return Failure::new(
            Kind::Credential,
            format!("the host key of `{name}` is not known here"),
        )
        .because("nobody is asked, so it cannot be accepted now")
        .hint(format!("compare its fingerprint and accept it once by hand: `ssh {name}`"));
    }
    if has("Permission denied") || has("Too many authentication failures") {
        return Failure::new(Kind::Credential, format!("`{name}` refuses the log-in"))
            .because(cleaned(stderr))
            .hint(format!(
                "make this work without a question: `ssh -o BatchMode=yes {name} true`"
            ));
    }
    if has("Bad configuration option") || has("terminating,") || has("Can't open user config file")
    {
        return Failure::new(Kind::Config, "`ssh` does not take its configuration")
            .because(cleaned(stderr));
    }
    let sentence = match began {
        true => format!("the connection to `{name}` was lost"),
        false => format!("cannot reach `{name}`"),
    };
    Failure::new(Kind::Network, sentence)
        .because(cleaned(stderr))
        .hint(format!("look whether it can be reached: `ssh -o BatchMode=yes {name} true`"))
}

fn changed(name: &str, said: &str) -> Failure {
    let offending = said.lines().find(|line| line.starts_with("Offending"));
    let host = name.rsplit_once('@').map_or(name, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => format!("'[{host}]:{port}'"),
        _ => host.to_owned(),
    };
    Failure::new(Kind::Credential, format!("the host key of `{name}` has changed"))
        .because(
            "another machine answers in its place, or it was set up anew: nothing was sent to it",
        )
        .because(offending.map(clean).unwrap_or_default())
        .hint(format!(
            "only if you know that it was set up anew: `ssh-keygen -R {host}`, then `ssh {name}`"
        ))
}

/// The other side ended, and did not say what it was to say.
fn ended(name: &str, code: Option<i32>, stderr: &[u8]) -> Failure {
    let how = match code {
        Some(126 | 127) => "the program does not start there".to_owned(),
        Some(code) => format!("what ran there ended with {code}"),
        None => "`ssh` was ended by a signal".to_owned(),
    };
    let kind = if code.is_none() { Kind::Network } else { Kind::Sandbox };
    Failure::new(kind, format!("`{name}` did not answer to the end"))
        .because(how)
        .because(cleaned(stderr))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check((code, stderr, began): (i32, &str, bool), kind: Kind, sentence: &str, hint: &str) {
        let failure = tell("ada@b:2222", Some(code), stderr.as_bytes(), began);
        let hints = failure.hints.join(" ");
        assert_eq!((failure.kind, &*failure.sentence), (kind, sentence));
        assert!(hints.contains(hint), "{hints}");
        assert!(!failure.to_string().contains(['\n', '\x1b']) && !hints.contains('\n'));
    }

    #[test]
    fn ends_are_told_in_our_words() {
        let changed = "@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@@@@\n\
            IT IS POSSIBLE\nOffending ED25519 key in /h/known_hosts:1\nHost key verification failed.\n";
        let said = "the host key of `ada@b:2222` has changed";
        check((255, changed, false), Kind::Credential, said, "ssh-keygen -R '[b]:2222'");
        let unknown = "Host key verification failed.\r\n";
        let said = "the host key of `ada@b:2222` is not known here";
        check((255, unknown, false), Kind::Credential, said, "accept it once by hand");
        let denied = "ada@b: Permission denied (publickey).\n";
        check(
            (255, denied, false),
            Kind::Credential,
            "`ada@b:2222` refuses the log-in",
            "BatchMode",
        );
        let gone = "ssh: connect to host b port 2222: Connection refused\n";
        check((255, gone, false), Kind::Network, "cannot reach `ada@b:2222`", "ssh -o");
        check((255, "", true), Kind::Network, "the connection to `ada@b:2222` was lost", "");
        check((127, "sh: no\n", true), Kind::Sandbox, "`ada@b:2222` did not answer to the end", "");
    }

    #[test]
    fn what_the_other_side_says_is_bounded_and_harmless() {
        let hostile = format!("one\n\x1b[31mtwo\x07\n{}\n\n@@@@\nlast\r\n", "x".repeat(100_000));
        let shown = cleaned(hostile.as_bytes());
        assert!(shown.starts_with("one; [31mtwo; xxx") && shown.ends_with("; last"), "{shown}");
        assert!(shown.len() < LINES * (LINE + 2) && !shown.contains(char::is_control));
        assert_eq!(cleaned(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }
}
