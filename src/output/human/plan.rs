//! The launch plan of `--dry-run`, on a card. Secrets by name only.

use super::card::Card;
use crate::domain::limits::{Keep, Limits};
use crate::domain::measure::{show_size, show_usd};
use crate::domain::plan::{LaunchPlan, Window};
use crate::domain::preset::{Image, Network, SandboxSettings};
use crate::output::json::v1;
use crate::output::sanitise::{line, text};
use crate::output::style::{Role, Screen};
use crate::output::text::{moment, span};
use std::io::{self, Write};

pub fn write(out: &mut dyn Write, screen: &Screen, plan: &LaunchPlan) -> io::Result<()> {
    let name = plan.preset.as_deref().or(plan.name.as_deref()).unwrap_or(&plan.harness);
    writeln!(out, "plan {}  nothing was started", screen.paint(Role::Name, line(name)))?;
    let mut card = Card::default();
    card.maybe("name", plan.name.as_deref().map(line));
    card.maybe("preset", plan.preset.as_deref().map(line));
    card.row("harness", line(&plan.harness));
    card.maybe("model", plan.model.as_deref().map(line));
    card.row("command", line(&plan.command.join(" ")));
    if let Some(provider) = &plan.provider {
        card.maybe("model API", provider.base_url.as_deref().map(line));
    }
    if let Some(project) = &plan.project {
        let place = project.url.as_deref().or(project.path.as_deref());
        let place = place.map(|place| format!(", {place}")).unwrap_or_default();
        card.row("project", line(&format!("{} ({}{place})", project.name, project.source)));
        card.row("window", window(plan.window));
    }
    let skills: Vec<&str> = plan.skills.iter().map(|skill| skill.name.as_str()).collect();
    card.row("skills", line(&skills.join(", ")));
    card.row("secrets", line(&v1::secrets(plan).join(", ")));
    card.maybe("repository", plan.repo.as_deref().map(line));
    card.maybe("branch", plan.branch.as_deref().map(line));
    if plan.pull_request {
        card.row("opens", "a pull request");
    }
    sandbox_rows(&mut card, &plan.sandbox);
    limit_rows(&mut card, &plan.limits);
    let pairs = |pairs: &std::collections::BTreeMap<String, String>| {
        let pairs: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        line(&pairs.join(", ")).into_owned()
    };
    card.row("environment", pairs(&plan.env));
    card.row("labels", pairs(&plan.labels));
    card.row("prompt", text(&plan.prompt));
    card.maybe("system prompt", plan.system_prompt.as_deref().map(text));
    card.write(out, screen)
}

pub(super) fn sandbox_rows(card: &mut Card, sandbox: &SandboxSettings) {
    let image = match &sandbox.image {
        Image::Auto => format!("image auto on {}", sandbox.base_image),
        Image::Reference(reference) => format!("image {reference}"),
        Image::Dockerfile(path) => format!("image built from {path}"),
        Image::Own => "no image".to_owned(),
    };
    let provider = match sandbox.provider.as_str() {
        "" => image,
        provider => format!("{provider}, {image}"),
    };
    card.row("sandbox", line(&provider));
    for (provider, options) in &sandbox.options {
        let shown: Vec<String> =
            options.shown().map(|(name, value)| format!("{name} {value}")).collect();
        card.row("options", line(&format!("{provider}: {}", shown.join("; "))));
    }
    let cpus = sandbox.cpus.map(|cpus| format!("{cpus} cpus"));
    let memory = sandbox.memory_bytes.map(|bytes| format!("{} of memory", show_size(bytes)));
    card.row("resources", [cpus, memory].into_iter().flatten().collect::<Vec<_>>().join(", "));
    card.row("setup", text(&sandbox.setup.join("\n")));
    card.row(
        "network",
        match &sandbox.network {
            Network::None => "none".to_owned(),
            Network::Default => "the model API and the skills' hosts".to_owned(),
            Network::Open => "open".to_owned(),
            Network::Hosts(hosts) => line(&hosts.join(", ")).into_owned(),
        },
    );
    let keep = match sandbox.keep {
        Keep::Never => "the sandbox is removed",
        Keep::OnFailure => "the sandbox is kept if it failed",
        Keep::Always => "the sandbox is kept",
    };
    let idle = span(sandbox.idle_timeout_ms);
    card.row("ends", format!("after {idle} without a follow-up; {keep}"));
}

pub(super) fn limit_rows(card: &mut Card, limits: &Limits) {
    let parts = [
        Some(format!("{} a turn", span(limits.timeout_ms))),
        limits.max_turns.map(|turns| format!("{turns} model turns")),
        limits.budget_usd.map(show_usd),
    ];
    card.row("limits", parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
}

fn window(window: Window) -> String {
    match (window.since, window.until) {
        (None, None) => "all there is".to_owned(),
        (Some(since), None) => format!("from {}", moment(since)),
        (None, Some(until)) => format!("until {}", moment(until)),
        (Some(since), Some(until)) => format!("from {} until {}", moment(since), moment(until)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::preset::{ModelProvider, Project, Skill, SkillSecret};
    use crate::output::testing::{at_both_widths, noon};

    pub fn plan() -> LaunchPlan {
        LaunchPlan {
            preset: Some("investigate".into()),
            harness: "claude-code".into(),
            model: Some("sonnet".into()),
            prompt: "Which failures recur in checkout? Rank them by traces affected and say what to change first.\n\nCite traces.".into(),
            project: Some(Project { name: "checkout".into(), source: "phoenix".into(), url: Some("http://localhost:6006".into()), secret: Some("PHOENIX_API_KEY".into()), ..Project::default() }),
            window: Window { since: Some(noon()), until: None },
            skills: vec![Skill { name: "datadog".into(), secrets: [("DD_API_KEY".to_owned(), SkillSecret::default())].into(), ..Skill::default() }],
            provider: Some(ModelProvider { base_url: Some("https://llm.acme.com".into()), secret: Some("ANTHROPIC_API_KEY".into()) }),
            sandbox: SandboxSettings { provider: "docker".into(), cpus: Some(2.0), memory_bytes: Some(4 << 30), setup: vec!["npm ci".into(), "npm run build".into()], ..SandboxSettings::default() },
            limits: Limits { max_turns: Some(50), budget_usd: Some(5.0), ..Limits::default() },
            env: [("STAGE".to_owned(), "prod".to_owned())].into(),
            ..LaunchPlan::default()
        }
    }

    #[test]
    fn cards() {
        at_both_widths("plan", |screen, out| write(out, screen, &plan()).unwrap());
    }
}
