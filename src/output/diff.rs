//! A change as people read it: what was added and what was taken away, told apart by colour too.
//! Every line is a worker's, so each goes through the door that makes it harmless.

use super::sanitise::line;
use super::style::{Role, Screen};

pub fn paint(diff: &[u8], screen: &Screen) -> String {
    let text = String::from_utf8_lossy(diff);
    let mut shown = String::with_capacity(text.len() + text.len() / 8);
    let mut in_head = false;
    for raw in text.lines() {
        in_head = raw.starts_with("diff --git ") || (in_head && !raw.starts_with("@@"));
        let role = match raw.as_bytes().first() {
            _ if in_head => Some(Role::Strong),
            Some(b'+') => Some(Role::Good),
            Some(b'-') => Some(Role::Bad),
            Some(b'@') => Some(Role::Aside),
            _ => None,
        };
        // A tab is how many a line of code is indented.
        let clean =
            raw.split('\t').map(|piece| line(piece).into_owned()).collect::<Vec<_>>().join("\t");
        match role {
            Some(role) => shown.push_str(&screen.paint(role, &clean).to_string()),
            None => shown.push_str(&clean),
        }
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::colored;

    #[test]
    fn a_change() {
        let diff =
            b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+\tnew\x1b[2J\n same\n";
        assert_eq!(
            paint(diff, &Screen::plain(80)),
            "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+\tnew\\x1b[2J\n same\n"
        );
        let shown = paint(diff, &colored(80));
        assert!(shown.contains("\x1b[31m-old") && !shown.contains("\x1b[2J"), "{shown:?}");
    }
}
