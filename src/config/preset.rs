//! A preset's file.

use super::found::Value;
use super::reader::{self, At, Table};
use super::template::{PLACEHOLDERS, placeholders};
use super::{Context, options, value};
use crate::domain::limits::{Keep, Limits};
use crate::domain::measure;
use crate::domain::preset::{
    COMMAND, Credentials, GITHUB, Image, MAX_SYSTEM_PROMPT, ModelProvider, Network, Preset,
    SandboxSettings,
};
use crate::domain::words::{did_you_mean, or};
use crate::error::Result;
use std::ops::Range;
use std::time::Duration;

/// Below this no engine makes a container, and no agent runs.
const MIN_MEMORY: u64 = 16 << 20;

/// Reads a preset. `name` is its own, `file` what messages call the file.
pub fn read(name: &str, file: &str, text: &str, context: &Context) -> Result<Preset> {
    reader::read(file, text, |table| {
        let mut preset = Preset { name: name.to_owned(), ..Preset::default() };
        preset.description = table.string("description").map(|at| at.value).unwrap_or_default();
        harness(table, &mut preset, context);
        prompts(table, &mut preset);
        skills(table, &mut preset, context);
        preset.credentials = credentials(table);
        preset.provider = table.table("provider", provider);
        preset.sandbox = table.table("sandbox", |table| sandbox(table, context));
        preset.limits = table.table("limits", limits);
        preset
    })
}

fn harness(table: &mut Table, preset: &mut Preset, context: &Context) {
    let named = table.name_of("harness", "harness", context.known.harnesses);
    if named.is_none() && !table.has("harness") {
        table.missing("harness", "harness = \"claude-code\"");
    }
    preset.model = table.text("model").map(|at| at.value);
    let at = table.take("command").map(|value| (value.key_at(), value.strings()));
    let is_command = named.as_ref().is_some_and(|named| named.value == COMMAND);
    match (&named, at) {
        (Some(named), Some((key_at, _))) if !is_command => table.wrong(
            &key_at,
            format!("`command` has no use with the harness `{}`", named.value),
            Some(format!("leave it out, or write `harness = \"{COMMAND}\"`")),
        ),
        (Some(named), None) if is_command => table.wrong(
            &named.at,
            format!("the harness `{COMMAND}` needs a `command`"),
            Some("add the line `command = [\"./agent\", \"--json\"]`".to_owned()),
        ),
        (_, Some((key_at, words))) => {
            if words.first().is_none_or(|word| word.value.is_empty()) {
                let hint = "write it as `command = [\"./agent\", \"--json\"]`";
                table.wrong(&key_at, "`command` names no program", Some(hint.to_owned()));
            }
            preset.command = words.into_iter().map(|word| word.value).collect();
        }
        _ => {}
    }
    preset.harness = named.map(|named| named.value).unwrap_or_default();
}

fn prompts(table: &mut Table, preset: &mut Preset) {
    if let Some(found) = table.text("system_prompt") {
        let length = found.value.chars().count();
        if length > MAX_SYSTEM_PROMPT {
            let sentence = format!(
                "`system_prompt` has {length} characters, and {MAX_SYSTEM_PROMPT} are the most"
            );
            table.wrong(&found.at, sentence, Some("move what is long into a skill".to_owned()));
        }
        preset.system_prompt = Some(found.value);
    }
    if let Some(found) = table.text("prompt") {
        for (whole, name) in placeholders(&found.value) {
            if !PLACEHOLDERS.contains(&name) {
                let known = PLACEHOLDERS.map(|name| format!("{{{{{name}}}}}"));
                let hint = match did_you_mean(name, PLACEHOLDERS) {
                    Some(near) => format!("did you mean `{{{{{near}}}}}`?"),
                    None => format!("use {}", or(&known)),
                };
                let at = table.within(&found.at, whole);
                table.wrong(&at, format!("nothing is filled in for `{whole}`"), Some(hint));
            }
        }
        preset.prompt = Some(found.value);
    }
}

fn skills(table: &mut Table, preset: &mut Preset, context: &Context) {
    let names: Vec<&str> = context.skills.keys().map(String::as_str).collect();
    for found in table.strings("skills") {
        if preset.skills.contains(&found.value) {
            table.wrong(&found.at, format!("skill `{}` is named twice", found.value), None);
        } else if !context.skills.contains_key(&found.value) {
            table.unknown_name(&found, "skill", &names);
        }
        preset.skills.push(found.value);
    }
    let repo = table.parsed("repo", value::repo);
    let pull_request = table.bool("pull_request");
    // A skill whose file cannot be read has mistakes of its own to tell.
    let has_github = preset.skills.iter().any(|name| {
        context
            .skills
            .get(name)
            .is_none_or(|kind| kind.as_deref().is_none_or(|kind| kind == GITHUB))
    });
    let wants = match (&repo, &pull_request) {
        (Some(repo), _) if !value::repo_is_path(&repo.value) => Some(("repo", &repo.at)),
        (_, Some(At { value: true, at })) => Some(("pull_request", at)),
        _ => None,
    };
    if let (Some((key, at)), false) = (wants, has_github) {
        table.wrong(
            at,
            format!("`{key}` needs a skill of kind `{GITHUB}`"),
            Some(with_skill(&preset.skills, context)),
        );
    }
    preset.repo = repo.map(|at| at.value);
    preset.depth = table.count("depth").map(|at| at.value);
    preset.pull_request = pull_request.is_some_and(|at| at.value);
    preset.draft = table.bool("draft").is_some_and(|at| at.value);
}

/// The line that adds a skill of the right kind to those there are.
fn with_skill(skills: &[String], context: &Context) -> String {
    let of_kind = context.skills.iter().find(|(_, kind)| kind.as_deref() == Some(GITHUB));
    let add = of_kind.map_or(GITHUB, |(name, _)| name);
    let names: Vec<_> =
        skills.iter().map(String::as_str).chain([add]).map(|name| format!("\"{name}\"")).collect();
    let verb = if skills.is_empty() { "add the line" } else { "write" };
    format!("{verb} `skills = [{}]`", names.join(", "))
}

fn credentials(table: &mut Table) -> Credentials {
    if let Some(found) = table.string("credentials") {
        match found.value.as_str() {
            "inject" => {}
            "broker" => table.wrong(
                &found.at,
                "credentials by a broker are not available yet",
                Some("write `credentials = \"inject\"`".to_owned()),
            ),
            _ => table.unknown_name(&found, "way of credentials", &["inject"]),
        }
    }
    Credentials::Inject
}

fn provider(table: &mut Table) -> Option<ModelProvider> {
    let base_url = table.parsed("base_url", value::url).map(|at| at.value);
    let secret = table.parsed("secret", value::secret).map(|at| at.value);
    table.is_there().then_some(ModelProvider { base_url, secret })
}

fn sandbox(table: &mut Table, context: &Context) -> SandboxSettings {
    let mut settings = SandboxSettings::default();
    if let Some(found) = table.name_of("provider", "sandbox provider", context.known.providers) {
        settings.provider = found.value;
    }
    if let Some(found) = table.take("image") {
        settings.image = image(&found);
    }
    if let Some(found) = table.parsed("base_image", reference) {
        settings.base_image = found.value;
    }
    settings.ca_bundle = table.text("ca_bundle").map(|at| at.value);
    settings.setup = table.strings("setup").into_iter().map(|at| at.value).collect();
    settings.cpus = table.amount("cpus").map(|at| at.value);
    settings.memory_bytes = table.parsed("memory", memory).map(|at| at.value);
    if let Some(found) = table.take("network") {
        settings.network = network(&found);
    }
    if let Some(ms) = time(table, "idle_timeout") {
        settings.idle_timeout_ms = ms;
    }
    if let Some(found) = table.name_of("keep", "way to keep a sandbox", &Keep::NAMES) {
        settings.keep = Keep::of_name(&found.value).unwrap_or_default();
    }
    settings.options = options::read(table, &context.known);
    settings
}

fn memory(text: &str) -> Result<u64, String> {
    let bytes = measure::size(text)?;
    if bytes < MIN_MEMORY {
        let least = measure::show_size(MIN_MEMORY);
        return Err(format!("`memory` is at least {least}; write it as `4GiB`"));
    }
    Ok(bytes)
}

fn image(found: &Value) -> Image {
    if found.is_table() {
        let path = found.fields("sandbox.image", |table| {
            if !table.has("dockerfile") {
                let hint = "write `image = { dockerfile = \"Dockerfile\" }`".to_owned();
                table.wrong(&found.key_at(), "`image` names no Dockerfile", Some(hint));
            }
            table.text("dockerfile")
        });
        return path.flatten().map_or(Image::Auto, |at| Image::Dockerfile(at.value));
    }
    if !found.is_string() {
        let hint = "use `auto`, an image, or `{ dockerfile = \"Dockerfile\" }`";
        return found.wrong_type("a name", Some(hint.to_owned())).unwrap_or_default();
    }
    match found.string().map(|at| at.value) {
        None => Image::Auto,
        Some(text) if text == "auto" => Image::Auto,
        Some(text) => match reference(&text) {
            Ok(text) => Image::Reference(text),
            Err(reason) => {
                let (reason, hint) = value::reason_and_hint(&reason);
                found.wrong(reason, hint);
                Image::Auto
            }
        },
    }
}

/// An image's reference, as far as it can be judged without an engine.
pub fn reference(text: &str) -> Result<String, String> {
    let good = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@".contains(c))
        && !text.contains("://");
    if good {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no image; write it as `debian:bookworm-slim`, or use `auto`"))
}

fn network(found: &Value) -> Network {
    const NAMES: [&str; 3] = ["none", "default", "open"];
    if found.is_array() {
        let hosts = found.strings().into_iter().map(|at| match value::host(&at.value) {
            Ok(host) => host,
            Err(reason) => {
                let (reason, hint) = value::reason_and_hint(&reason);
                found.wrong_at(&at.at, reason, hint);
                String::new()
            }
        });
        return Network::Hosts(hosts.collect());
    }
    let hint = || format!("use {} or a list of hosts", or(&NAMES));
    if !found.is_string() {
        return found.wrong_type("a name or a list", Some(hint())).unwrap_or_default();
    }
    let Some(text) = found.string() else { return Network::Default };
    match text.value.as_str() {
        "none" => return Network::None,
        "default" => {}
        "open" => return Network::Open,
        other => {
            let hint = match did_you_mean(other, NAMES) {
                Some(near) => format!("did you mean `{near}`?"),
                None if value::host(other).is_ok() => format!("write `network = [\"{other}\"]`"),
                None => hint(),
            };
            found.wrong(format!("no network is called `{other}`"), Some(hint));
        }
    }
    Network::Default
}

fn limits(table: &mut Table) -> Limits {
    let default = Limits::default();
    let timeout_ms = time(table, "timeout").unwrap_or(default.timeout_ms);
    let quiet_ms = time(table, "quiet").unwrap_or(default.quiet_ms);
    let output = table.parsed("output", measure::size);
    if let Some(At { value: 0, at }) = &output {
        none_at_all(table, at, "output");
    }
    Limits {
        timeout_ms,
        quiet_ms,
        max_turns: table.count("max_turns").map(|at| at.value),
        budget_usd: table.amount("budget_usd").map(|at| at.value),
        output_bytes: output.map_or(default.output_bytes, |at| at.value),
    }
}

/// A time above zero, in milliseconds.
fn time(table: &mut Table, key: &'static str) -> Option<u64> {
    let At { value, at } = table.parsed(key, measure::duration)?;
    if value == Duration::ZERO {
        none_at_all(table, &at, key);
    }
    u64::try_from(value.as_millis()).ok()
}

fn none_at_all(table: &Table, at: &Range<usize>, key: &str) {
    let hint = format!("leave `{key}` out for the usual one");
    table.wrong(at, format!("`{key}` of zero would end everything at once"), Some(hint));
}
