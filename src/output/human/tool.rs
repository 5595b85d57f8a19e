//! A tool call in one line: its name and the argument that tells most.

use serde_json::Value;

/// Arguments that say what a call does, the most telling first. Harnesses name them differently.
const TELLING: [&str; 17] = [
    "command",
    "cmd",
    "file_path",
    "filePath",
    "absolute_path",
    "path",
    "pattern",
    "query",
    "sql",
    "url",
    "skill",
    "prompt",
    "description",
    "text",
    "name",
    "title",
    "message",
];

/// The longest argument that is looked at.
const LONGEST: usize = 4096;

/// What a call does, as one or more lines; empty where there is nothing to say.
pub fn telling(input: &Value) -> String {
    most_telling(input).1
}

/// The same, and the other arguments, each with its name.
pub fn whole(input: &Value) -> (String, Vec<(&str, String)>) {
    let (key, telling) = most_telling(input);
    let fields = input.as_object().into_iter().flatten();
    let others = fields.filter(|(name, _)| key.is_some_and(|key| key != name.as_str()));
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (telling, others.map(|(name, value)| (name.as_str(), shown(value))).collect())
}

fn most_telling(input: &Value) -> (Option<&str>, String) {
    let Value::Object(fields) = input else { return (None, short(input)) };
    let known = TELLING.iter().find_map(|key| Some((Some(*key), said(fields.get(*key)?)?)));
    let first = || fields.iter().find_map(|(key, value)| Some((Some(key.as_str()), said(value)?)));
    known
        .or_else(first)
        .unwrap_or_else(|| (None, if fields.is_empty() { String::new() } else { short(input) }))
}

/// A string, or an argument vector as one would type it.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(unwrapped(head(text)).to_owned()),
        Value::Array(words) if !words.is_empty() => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            Some(match words?.as_slice() {
                // A shell is only the way in.
                [shell, "-c" | "-lc", script] if shell.ends_with("sh") => head(script).to_owned(),
                words => head(&words.join(" ")).to_owned(),
            })
        }
        _ => None,
    }
}

/// `/bin/bash -lc 'ls'` as `ls`.
fn unwrapped(command: &str) -> &str {
    let Some((shell, script)) = command.split_once(" -lc ") else { return command };
    if shell.contains(' ') || !shell.ends_with("sh") {
        return command;
    }
    let bare = |quote: char| {
        let inside = script.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inside.contains(quote)).then_some(inside)
    };
    bare('\'').or_else(|| bare('"')).unwrap_or(script)
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim()
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => head(text).to_owned(),
        other => head(&other.to_string()).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_most_telling_argument() {
        #[track_caller]
        fn check(input: &Value, expected: &str) {
            assert_eq!(telling(input), expected);
        }
        check(&json!({"description": "list", "command": "ls -l"}), "ls -l");
        check(&json!({"command": ["bash", "-lc", "ls -l | wc"]}), "ls -l | wc");
        check(&json!({"command": ["git", "status"]}), "git status");
        check(&json!({"command": "/bin/bash -lc 'ls -l'"}), "ls -l");
        check(&json!({"command": "/bin/bash -lc \"a 'b'\""}), "a 'b'");
        check(&json!({"command": "echo x -lc y"}), "echo x -lc y");
        check(&json!({"offset": 3, "file_path": "/a"}), "/a");
        check(&json!({"unknown": "x", "n": 1}), "x");
        check(&json!({"n": 1}), "{\"n\":1}");
        check(&json!({}), "");
        check(&json!("free text"), "free text");
        check(&Value::Null, "");
        let input = json!({"n": 1, "path": "/a", "old": "x"});
        assert_eq!(whole(&input), ("/a".into(), vec![("n", "1".into()), ("old", "x".into())]));
        assert_eq!(telling(&json!({"command": "é".repeat(5000)})).len(), LONGEST);
    }
}
