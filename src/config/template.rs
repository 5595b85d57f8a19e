//! Prompt templates, and the files that new presets start from.
//!
//! `{{project}}`, `{{since}}` and `{{issue}}` are filled in at the start of a session. Only two
//! braces around a bare word are a placeholder: prompts show JSON to their workers.

use crate::domain::preset::Preset;
use toml_edit::{DocumentMut, Item, Table, value};

/// What a template may ask for.
pub const PLACEHOLDERS: [&str; 3] = ["project", "since", "issue"];

/// Every placeholder: the whole of it, and its name.
pub fn placeholders(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let from = &rest[start..];
        match from[2..].find("}}") {
            Some(end) if is_word(from[2..2 + end].trim()) => {
                found.push((&from[..end + 4], from[2..2 + end].trim()));
                rest = &from[end + 4..];
            }
            // One brace further: `{{{x}}` holds a placeholder, too.
            _ => rest = &from[1..],
        }
    }
    found
}

/// The text with every placeholder replaced, or the name of the first that `value` does not know.
pub fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    for (whole, name) in placeholders(text) {
        let Some(at) = rest.find(whole) else { continue };
        filled.push_str(&rest[..at]);
        filled.push_str(&value(name).ok_or_else(|| name.to_owned())?);
        rest = &rest[at + whole.len()..];
    }
    filled.push_str(rest);
    Ok(filled)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// The file that a new preset starts from: a preset that works as it is, with the rest in comments.
pub fn template_preset(name: &str) -> String {
    format!("# presets/{}.toml\n{}", one_line(name), include_str!("template_preset.toml"))
}

/// The file that a new automation starts from.
pub fn template_automation(name: &str) -> String {
    format!("# automations/{}.toml\n{}", one_line(name), include_str!("template_automation.toml"))
}

/// A name comes from a command line; a comment must stay one line.
fn one_line(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

/// The file of a preset: what it is for, its harness, its task and its model API.
pub fn preset_of(preset: &Preset) -> String {
    let mut text = DocumentMut::new();
    let mut set = |key: &str, value: &str| text[key] = toml_edit::value(value);
    set("description", &preset.description);
    set("harness", &preset.harness);
    if let Some(prompt) = &preset.prompt {
        set("prompt", prompt);
    }
    let provider = preset.provider.iter().flat_map(|provider| {
        [("base_url", provider.base_url.as_ref()), ("secret", provider.secret.as_ref())]
    });
    let provider: Table = provider.filter_map(|(key, text)| Some((key, value(text?)))).collect();
    if !provider.is_empty() {
        text["provider"] = Item::Table(provider);
    }
    text.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: Result<&str, &str>) {
        let value = |name: &str| (name == "project").then(|| "{{since}} shop".to_owned());
        let filled = fill(text, value);
        assert_eq!(filled.as_deref().map_err(String::as_str), wanted, "{text}");
    }

    #[test]
    fn filling_in() {
        check("look at {{project}}", Ok("look at {{since}} shop"));
        check("{{ project }}, {{project}}", Ok("{{since}} shop, {{since}} shop"));
        check("{\"a\": {{\"b\": 1}}} {{ x", Ok("{\"a\": {{\"b\": 1}}} {{ x"));
        check("{{{project}}}", Ok("{{{since}} shop}"));
        check("{{projct}}", Err("projct"));
        check("", Ok(""));
    }
}
